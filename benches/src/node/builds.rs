//! Builds in which nothing is new: an addon of napi-rs and one in C.

use super::{Node, quietly, row};
use crate::measure::pair;

const RUNS: usize = 11;

const CRATE: &str = "[package]
name = \"speed\"
version = \"0.1.0\"
edition = \"2024\"
[lib]
crate-type = [\"cdylib\"]
[dependencies]
napi = { version = \"3\", default-features = false, features = [\"napi8\"] }
napi-derive = \"3\"
[build-dependencies]
napi-build = \"2\"
[workspace]
";

const CODE: &str = "use napi_derive::napi;
/// A sum.
#[napi]
pub fn add(a: u32, b: u32) -> u32 { a + b }
";

/// `anymod build` against `napi build`, of the same crate.
pub(super) fn napi(node: &Node) -> Result<(), String> {
    let files = [
        ("Cargo.toml", CRATE),
        ("src/lib.rs", CODE),
        ("build.rs", "fn main() { napi_build::setup(); }\n"),
    ];
    let theirs = node.project("napi-theirs", &files)?;
    let package = "{ \"name\": \"speed\", \"version\": \"0.1.0\", \"napi\": { \"binaryName\": \"speed\" } }\n";
    node.project("napi-theirs", &[("package.json", package)])?;
    let files = files.map(|(name, text)| (format!("speed/{name}"), text));
    let files: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let ours = node.project("napi-ours", &files)?;
    let manifest = "[project]\nversion = \"0.1.0\"\ntargets = [\"node-linux-x64\"]\n[module.speed.node]\ncrate = \"speed\"\n";
    node.project("napi-ours", &[("anymod.toml", manifest)])?;
    let build = || node.ours(&ours, &["build", "--quiet"]);
    let napi = || {
        let mut command = node.command("@napi-rs/cli/dist/cli.js", &theirs);
        command.args(["build", "--platform", "--release"]);
        command
    };
    // Cargo writes its lock in the first build, so that what it reads is known from the second on.
    for _ in 0..2 {
        quietly(&mut build())?;
        quietly(&mut napi())?;
    }
    let (ours, theirs) = pair(RUNS, vec![build()], vec![napi()], &|| ())?;
    row("no-op, napi-rs addon", ours, "napi build", theirs);
    Ok(())
}

const SOURCE: &str = "#include <node_api.h>
NAPI_MODULE_INIT() { napi_value value = exports; napi_create_uint32(env, 42, &value); return value; }
";

/// `anymod build` against `node-gyp build`, of the same source.
pub(super) fn gyp(node: &Node) -> Result<(), String> {
    let manifest = "[project]\nversion = \"0.1.0\"\ntargets = [\"node-linux-x64\"]\n[module.one]\nsources = [\"one.c\"]\n";
    let ours = node.project("gyp-ours", &[("one.c", SOURCE), ("anymod.toml", manifest)])?;
    let binding = "{ \"targets\": [{ \"target_name\": \"one\", \"sources\": [\"one.c\"] }] }\n";
    let package = "{ \"name\": \"one\", \"version\": \"0.1.0\" }\n";
    let files = [("one.c", SOURCE), ("binding.gyp", binding), ("package.json", package)];
    let theirs = node.project("gyp-theirs", &files)?;
    let build = || node.ours(&ours, &["build", "--quiet"]);
    let gyp = |arguments: &[&str]| {
        let mut command = node.command("node-gyp/bin/node-gyp.js", &theirs);
        command.args(arguments);
        command
    };
    // The headers that Node.js was installed with.
    let prefix = "process.stdout.write(require('path').resolve(process.execPath, '../..'))";
    let prefix = quietly(std::process::Command::new("node").args(["-e", prefix]))?;
    quietly(&mut gyp(&["configure", "--nodedir", &prefix]))?;
    quietly(&mut gyp(&["build"]))?;
    quietly(&mut build())?;
    let (ours, theirs) = pair(RUNS, vec![build()], vec![gyp(&["build"])], &|| ())?;
    row("no-op, addon in C", ours, "node-gyp build", theirs);
    Ok(())
}
