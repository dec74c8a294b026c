//! Loading the same file: by the generated loader, by `require` alone, and by the loaders of others.

use std::process::Command;

use super::{Node, copy, quietly};

/// Each in a process of its own; an odd number, for the median.
const RUNS: usize = 31;

const SOURCE: &str = "#include <node_api.h>
NAPI_MODULE_INIT() { napi_value value; napi_create_uint32(env, 42, &value); napi_set_named_property(env, exports, \"answer\", value); return exports; }
";

/// Bytes of data in the larger one of the two addons.
const LARGE: usize = 2_000_000;

/// Prints a row for each of the others, of an addon of a few kilobytes, where the loader is all that there is, and of a larger one.
pub(super) fn load(node: &Node) -> Result<(), String> {
    load_one(node, "load", SOURCE, "load, small addon")?;
    let large =
        format!("__attribute__((used)) static const char data[{LARGE}] = {{ 1 }};\n{SOURCE}");
    load_one(node, "load-large", &large, "load, addon of 2 MB")
}

fn load_one(node: &Node, name: &str, source: &str, title: &str) -> Result<(), String> {
    let manifest = "[project]\nversion = \"0.1.0\"\ntargets = [\"node-linux-x64\"]\n[module.speed]\nsources = [\"one.c\"]\n";
    let project = node.project(name, &[("one.c", source), ("anymod.toml", manifest)])?;
    quietly(&mut node.ours(&project, &["build", "--quiet", "--variant", "all"]))?;
    let built = project.join("dist/node/speed");
    let file = built.join("speed.linux-x64-modern.node");
    // The loader that `napi build` wrote, which finds the file by the name of its platform.
    let theirs = node.directory.join("napi-theirs/index.js");
    if !theirs.is_file() {
        super::builds::napi(node)?;
    }
    copy(&theirs, &project.join("napi/index.js"))?;
    copy(&file, &project.join("napi/speed.linux-x64-gnu.node"))?;
    copy(&file, &project.join("gyp/prebuilds/linux-x64/node.napi.node"))?;
    let gyp = node.incumbent("node-gyp-build");
    let calls = [
        format!("require('{}/index.cjs')", built.display()),
        format!("require('{}')", file.display()),
        format!("require('{}/napi/index.js')", project.display()),
        format!("require('{}')('{}/gyp')", gyp.display(), project.display()),
    ];
    let mut times = vec![Vec::new(); calls.len()];
    for run in 0..=RUNS {
        for (call, times) in calls.iter().zip(&mut times) {
            let time = once(call)?;
            // The first reads from the disk.
            if run > 0 {
                times.push(time);
            }
        }
    }
    let medians: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
    let [ours, others @ ..] = medians.as_slice() else { return Ok(()) };
    for (name, theirs) in ["bare require", "napi-rs loader", "node-gyp-build"].iter().zip(others) {
        let ratio = theirs / ours;
        println!("| {title} | {ours:.2} | {name} | {theirs:.2} | {ratio:.2}x | | | |");
    }
    Ok(())
}

/// Milliseconds of a call in a fresh process. The clock is read before anything is printed: the first use of the output alone
/// takes twice as long as what is measured.
fn once(call: &str) -> Result<f64, String> {
    let script = format!(
        "const begin = process.hrtime.bigint(); {call}; const end = process.hrtime.bigint(); console.log(Number(end - begin) / 1e6)"
    );
    let said = quietly(Command::new("node").args(["-e", &script]))?;
    said.trim().parse().map_err(|_| format!("`{said}` is no time"))
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}
