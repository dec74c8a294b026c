//! Addons for Node.js: `anymod build`, the generated loader and embedded payloads against `napi build`, `node-gyp build`, the
//! loaders of napi-rs and node-gyp-build, and unpacking everything, in one run.
//!
//! Everything is below `target/bench/node`. The incumbents come from npm, pinned here.

mod builds;
mod loads;
mod payloads;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::files::{make_dir, write};
use crate::measure::Cost;
use crate::parts::{self, Part};

/// What can be run alone.
pub(crate) const PARTS: [Part<Node>; 4] = [
    ("napi", builds::napi),
    ("gyp", builds::gyp),
    ("load", loads::load),
    ("embed", payloads::embed),
];

/// What npm installs.
const INCUMBENTS: [&str; 3] = ["@napi-rs/cli@3.10.12", "node-gyp@13.1.0", "node-gyp-build@4.8.4"];

/// Runs one part, or all.
pub(crate) fn run(part: Option<&str>) -> Result<(), String> {
    let parts = parts::chosen(&PARTS, part)?;
    let node = Node::prepare()?;
    println!("{}\n", INCUMBENTS.join(", "));
    println!(
        "| benchmark | ours ms | incumbent | its ms | its / ours | CPU: its / ours | ours MiB | its MiB |"
    );
    println!("|---|---:|---|---:|---:|---:|---:|---:|");
    for (_, run) in parts {
        run(&node)?;
    }
    Ok(())
}

/// Where everything is.
pub(crate) struct Node {
    anymod: PathBuf,
    directory: PathBuf,
}

impl Node {
    fn prepare() -> Result<Node, String> {
        let anymod = std::env::var_os("ANYMOD").ok_or("run this as `cargo xtask bench node`")?;
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench/node");
        make_dir(&directory)?;
        let directory = directory.canonicalize().map_err(|error| error.to_string())?;
        let node = Node { anymod: PathBuf::from(anymod), directory };
        if !node.incumbent("@napi-rs/cli").is_dir() {
            write(&node.directory.join("package.json"), "{ \"private\": true }\n")?;
            let mut npm = Command::new("npm");
            npm.args(["install", "--silent", "--no-audit", "--no-fund", "--save-exact"]);
            quietly(npm.args(INCUMBENTS).current_dir(&node.directory))?;
        }
        Ok(node)
    }

    /// A package that npm installed.
    fn incumbent(&self, name: &str) -> PathBuf {
        self.directory.join("node_modules").join(name)
    }

    /// One of their commands, by the file that it is.
    fn command(&self, script: &str, project: &Path) -> Command {
        let mut command = Command::new("node");
        command.arg(self.directory.join("node_modules").join(script)).current_dir(project);
        command
    }

    /// Ours, run in a project, with a store of the benchmark's own.
    fn ours(&self, project: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.anymod);
        command.args(arguments).current_dir(project).env("ANYMOD_CONFIG", "none");
        command.env("ANYMOD_STORE", self.directory.join("store"));
        command
    }

    /// A directory of its own, with files.
    fn project(&self, name: &str, files: &[(&str, &str)]) -> Result<PathBuf, String> {
        let project = self.directory.join(name);
        for (file, text) in files {
            let path = project.join(file);
            make_dir(path.parent().unwrap_or(&project))?;
            write(&path, text)?;
        }
        Ok(project)
    }
}

/// Runs something whose cost is of no interest.
fn quietly(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("cannot run {command:?}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{command:?} failed\n{}", String::from_utf8_lossy(&output.stderr)))
}

/// Copies a file to a place whose directory may not be there yet.
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    make_dir(to.parent().unwrap_or(to))?;
    std::fs::copy(from, to)
        .map(drop)
        .map_err(|error| format!("cannot copy {}: {error}", from.display()))
}

/// Prints a line of the table.
fn row(name: &str, ours: Cost, incumbent: &str, theirs: Cost) {
    let ratio = theirs.wall / ours.wall;
    let processor = theirs.processor / ours.processor;
    let mebibytes = |cost: Cost| cost.memory as f64 / 1024.0;
    println!(
        "| {name} | {:.1} | {incumbent} | {:.1} | {ratio:.2}x | {processor:.1}x | {:.0} | {:.0} |",
        ours.wall,
        theirs.wall,
        mebibytes(ours),
        mebibytes(theirs)
    );
}
