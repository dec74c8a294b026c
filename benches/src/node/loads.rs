//! Loading the same file: by the generated loader, by `require` alone, and by the loaders of others.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Node, copy, quietly};
use crate::files::write;

/// Each in a process of its own; an odd number, for the median.
const RUNS: usize = 31;

const SOURCE: &str = "#include <node_api.h>
NAPI_MODULE_INIT() { napi_value value; napi_create_uint32(env, 42, &value); napi_set_named_property(env, exports, \"answer\", value); return exports; }
";

/// Bytes of data in the larger one of the two addons.
const LARGE: usize = 2_000_000;

/// What a program has done before: nothing, or what every program of some size has.
const BEFORE: [(&str, &str); 2] = [
    ("", ""),
    (", after other modules", "require('fs').readFileSync(__filename); require('./other.cjs'); "),
];

/// Prints a row for each of the others, of an addon of a few kilobytes, where the loader is all that there is, and of a larger one.
pub(super) fn load(node: &Node) -> Result<(), String> {
    load_one(node, "load", SOURCE, "load, small addon")?;
    let large = format!(
        "__attribute__((visibility(\"default\"))) const char speed_data[{LARGE}] = {{ 1 }};\n{SOURCE}"
    );
    load_one(node, "load-large", &large, "load, addon of 2 MB")
}

fn load_one(node: &Node, name: &str, source: &str, title: &str) -> Result<(), String> {
    let manifest = "[project]\nversion = \"0.1.0\"\ntargets = [\"node-linux-x64\"]\n[module.speed]\nsources = [\"one.c\"]\n";
    let leaf = "napi-packaged/node_modules/speed-linux-x64-gnu";
    let files = [
        ("one.c", source),
        ("anymod.toml", manifest),
        ("other.cjs", "module.exports = 1;\n"),
        ("entry/index.cjs", "module.exports = require('./speed.node');\n"),
        (
            &format!("{leaf}/package.json"),
            "{ \"name\": \"speed-linux-x64-gnu\", \"version\": \"0.1.0\", \"main\": \"speed.node\" }\n",
        ),
    ];
    let project = node.project(name, &files)?;
    quietly(&mut node.ours(&project, &["build", "--quiet", "--variant", "all"]))?;
    let file = project.join("dist/node/speed/speed.linux-x64-modern.node");
    // The loader that `napi build` wrote, which finds the file by the name of its platform: beside it, and in a package.
    let theirs = node.directory.join("napi-theirs/index.js");
    if !theirs.is_file() {
        super::builds::napi(node)?;
    }
    copy(&theirs, &project.join("napi-packaged/index.js"))?;
    copy(&theirs, &project.join("napi-beside/index.js"))?;
    for place in [
        "napi-beside/speed.linux-x64-gnu.node",
        "gyp/prebuilds/linux-x64/node.napi.node",
        "entry/speed.node",
        &format!("{leaf}/speed.node"),
    ] {
        copy(&file, &project.join(place))?;
    }
    let gyp = node.incumbent("node-gyp-build").display().to_string();
    let calls = [
        ("ours", "require('./dist/node/speed/index.cjs')".to_owned()),
        ("bare require", "require('./dist/node/speed/speed.linux-x64-modern.node')".to_owned()),
        ("entry of one line that requires it", "require('./entry/index.cjs')".to_owned()),
        ("napi-rs loader, file beside it", "require('./napi-beside/index.js')".to_owned()),
        ("napi-rs loader, file in its package", "require('./napi-packaged/index.js')".to_owned()),
        ("node-gyp-build", format!("require('{gyp}')('{}/gyp')", project.display())),
    ];
    for (after, before) in BEFORE {
        compare(&project, before, &calls, &format!("{title}{after}"))?;
    }
    Ok(())
}

/// Prints a row for each call but the first, against the first.
fn compare(
    project: &Path,
    before: &str,
    calls: &[(&str, String)],
    title: &str,
) -> Result<(), String> {
    let programs: Vec<PathBuf> =
        (0..calls.len()).map(|index| project.join(format!("program-{index}.cjs"))).collect();
    for ((_, call), program) in calls.iter().zip(&programs) {
        // The clock is read before anything is printed: the first use of the output alone takes twice as long.
        let text = format!(
            "{before}const begin = process.hrtime.bigint(); {call}; const end = process.hrtime.bigint(); console.log(Number(end - begin) / 1e6);\n"
        );
        write(program, &text)?;
    }
    let mut times = vec![Vec::new(); calls.len()];
    for run in 0..=RUNS {
        for (program, times) in programs.iter().zip(&mut times) {
            let time = once(program)?;
            // The first reads from the disk.
            if run > 0 {
                times.push(time);
            }
        }
    }
    let medians: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
    let [ours, others @ ..] = medians.as_slice() else { return Ok(()) };
    for ((name, _), theirs) in calls.iter().skip(1).zip(others) {
        let ratio = theirs / ours;
        println!("| {title} | {ours:.2} | {name} | {theirs:.2} | {ratio:.2}x | | | |");
    }
    Ok(())
}

/// Milliseconds that a program says, run in a fresh process.
fn once(program: &Path) -> Result<f64, String> {
    let said = quietly(Command::new("node").arg(program))?;
    said.trim().parse().map_err(|_| format!("`{said}` is no time"))
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}
