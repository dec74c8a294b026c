//! npm packages: what is packed can be installed and loaded, and what does not fit is found.

use std::process::Command;

use crate::Case;
use crate::project::{Project, change};
use crate::support::process::run;
use crate::support::{Checked, ensure, read, write};

pub(crate) const CASES: &[Case] =
    &[("node::package::packed", packed), ("node::package::verified", verified)];

fn built() -> Checked<Project> {
    let project = Project::example("\"node-linux-x64\", \"node-linux-arm64\"")?;
    project.build(&["--variant", "all"])?;
    Ok(project)
}

/// The loader takes the addon from the package of its platform, as npm lays them out.
fn packed() -> Checked {
    let project = Project::example("\"node-linux-x64\", \"node-linux-arm64\"")?;
    let nothing = project.anymod(&["pack", "npm"])?;
    ensure(nothing.status == 1 && nothing.output().contains("N0201"), || nothing.to_string())?;
    project.build(&["--variant", "all", "--target", "node-linux-x64"])?;
    let half = project.anymod(&["pack", "npm"])?;
    let said = "run `anymod build --target node-linux-arm64 --variant all`";
    ensure(half.status == 1 && half.output().contains(said), || half.to_string())?;
    ensure(!project.path("dist/npm").exists(), || "something was written".to_owned())?;
    project.build(&["--variant", "all"])?;
    project.anymod(&["pack", "npm", "--output", "app/node_modules"])?.ok()?;
    project.anymod(&["pack", "verify", "app/node_modules/vectors"])?.ok()?;
    std::fs::remove_dir_all(project.path("app/node_modules/vectors-linux-arm64"))
        .map_err(|error| error.to_string())?;
    let script = "console.log(require('vectors').dot(Float32Array.of(3), Float32Array.of(4)));
import('vectors').then((module) => console.log(module.nearest.name));\n";
    write(&project.path("app/use.cjs"), script)?;
    let ended = run(Command::new("node").arg(project.path("app/use.cjs")))?.ok()?;
    ensure(ended.stdout == "12\nnearest\n", || ended.to_string())?;
    // Without it, the loader says what to install.
    std::fs::remove_dir_all(project.path("app/node_modules/vectors-linux-x64"))
        .map_err(|error| error.to_string())?;
    let ended = run(Command::new("node").arg(project.path("app/use.cjs")))?;
    let said = "vectors-linux-x64/vectors.linux-x64-modern.node: the package is not installed";
    ensure(ended.status == 1 && ended.output().contains("vectors-linux-x64"), || {
        ended.to_string()
    })?;
    ensure(ended.output().contains(said) || ended.output().contains("anymod-probe"), || {
        ended.to_string()
    })
}

fn verified() -> Checked {
    let project = built()?;
    project.anymod(&["pack", "npm"])?.ok()?;
    let verify = || project.anymod(&["pack", "verify", "dist/npm/vectors"]);
    verify()?.ok()?;
    let leaf = project.path("dist/npm/vectors-linux-arm64");
    let package = leaf.join("package.json");
    let file = leaf.join("vectors.linux-arm64.node");
    let held = (read(&package)?, read(&file)?);
    let refused = |text: &str| -> Checked {
        let ended = verify()?;
        let said = ended.output().contains("N0202") && ended.output().contains(text);
        ensure(ended.status == 1 && said, || ended.to_string())
    };
    let text = String::from_utf8_lossy(&held.0).into_owned();
    write(&package, text.replace("0.1.0", "0.1.1"))?;
    refused("this is `vectors-linux-arm64` 0.1.1, and `vectors-linux-arm64` 0.1.0 is wanted")?;
    write(&package, &held.0)?;
    change(&file, |bytes| bytes.extend(b"x"))?;
    refused("`vectors.linux-arm64.node` in `vectors-linux-arm64` is not what was packed")?;
    std::fs::remove_file(&file).map_err(|error| error.to_string())?;
    refused("`vectors.linux-arm64.node` is missing in `vectors-linux-arm64`")?;
    std::fs::remove_dir_all(&leaf).map_err(|error| error.to_string())?;
    refused("`vectors-linux-arm64` is missing")
}
