//! The first run of a program with two large variants in it: the one that is needed, against unpacking all.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Node, copy, quietly, row};
use crate::files::remove_dir;
use crate::measure::{Cost, Entrant, turns};

const RUNS: usize = 7;
/// Size of each variant in bytes.
const SIZE: usize = 20_000_000;

const SOURCE: &str = "__asm__(\".section .rodata\\n.global speed_data\\nspeed_data:\\n.incbin \\\"data.bin\\\"\\n.previous\\n\");
extern const char speed_data[];
__attribute__((visibility(\"default\"))) int answer(void) { return speed_data[0] != 0; }
__attribute__((visibility(\"default\"))) void *napi_register_module_v1(void *env, void *exports) { (void)env; return exports; }
";

/// What programs do that have one archive of everything.
const THEIRS: &str = "const fs = require('fs'), path = require('path'), zlib = require('zlib');
const to = process.env.ANYMOD_EXTRACT_DIR;
fs.mkdirSync(to, { recursive: true });
const tar = zlib.gunzipSync(fs.readFileSync(path.join(__dirname, 'all.tar.gz')));
for (let at = 0; tar[at]; ) {
  const name = tar.toString('latin1', at, at + 100).replace(/\\0.*$/s, '');
  const size = parseInt(tar.toString('latin1', at + 124, at + 136), 8);
  fs.writeFileSync(path.join(to, path.basename(name)), tar.subarray(at + 512, at + 512 + size));
  at += 512 + Math.ceil(size / 512) * 512;
}
require(path.join(to, 'speed.linux-x64-modern.node'));
";

/// A program in Rust, as the guide shows it.
const MAIN: &str = "mod embedded;
fn main() {
    let addon = anymod_load::Addon { name: \"speed\", version: \"0.1.0\", embedded: embedded::EMBEDDED, directory: None };
    println!(\"{}\", addon.load().expect(\"it can be loaded\").path().display());
}
";

/// Prints rows for a program of Node.js and for one in Rust, the whole and what it is above one that does nothing.
pub(super) fn embed(node: &Node) -> Result<(), String> {
    let manifest = "[project]\nversion = \"0.1.0\"\ntargets = [\"node-linux-x64\"]\n[module.speed]\nsources = [\"one.c\"]\n";
    let files = [
        ("one.c", SOURCE),
        ("anymod.toml", manifest),
        ("ours.cjs", "require('./dist/node/speed/index.cjs');\n"),
        ("theirs.cjs", THEIRS),
        ("bare.cjs", "\n"),
    ];
    let project = node.project("embed", &files)?;
    data(&project.join("data.bin"))?;
    quietly(&mut node.ours(&project, &["build", "--quiet", "--variant", "all"]))?;
    quietly(&mut node.ours(&project, &["embed"]))?;
    let mut tar = Command::new("tar");
    tar.args(["-czf", "../../../all.tar.gz", "--format=ustar", "speed.linux-x64-modern.node"]);
    tar.arg("speed.linux-x64-baseline.node");
    quietly(tar.current_dir(project.join("dist/node/speed")))?;
    let cache = project.join("cache");
    let nothing_there = || remove_dir(&cache);
    let script = |name: &str| {
        let mut command = Command::new("node");
        command.arg(project.join(name)).env("ANYMOD_EXTRACT_DIR", &cache);
        command
    };
    let mut rust = Command::new(host(node)?);
    rust.env("ANYMOD_EXTRACT_DIR", &cache);
    let mut entrants = [rust, script("ours.cjs"), script("theirs.cjs"), script("bare.cjs")]
        .map(|command| Entrant { step: vec![command], before: &nothing_there });
    let costs = turns(1, RUNS, &mut entrants)?;
    if let [rust, ours, theirs, bare] = costs[..] {
        row("first run, Rust, 2 x 20 MB", rust, "gunzip, untar all in Node.js", theirs);
        row("first run, Node.js, 2 x 20 MB", ours, "gunzip, untar all in Node.js", theirs);
        let (ours, theirs) = (above(ours, bare), above(theirs, bare));
        row("the same above bare Node.js", ours, "the same above bare Node.js", theirs);
        row("first run, Rust, against that", rust, "the same above bare Node.js", theirs);
    }
    Ok(())
}

/// What one costs more than the other.
fn above(cost: Cost, bare: Cost) -> Cost {
    Cost {
        wall: cost.wall - bare.wall,
        processor: cost.processor - bare.processor,
        memory: cost.memory.saturating_sub(bare.memory),
    }
}

/// Data that compresses to about a third; written bit by bit, because what this process once had in memory counts as that of
/// the processes that it starts.
fn data(path: &Path) -> Result<(), String> {
    if std::fs::metadata(path).is_ok_and(|found| found.len() == SIZE as u64) {
        return Ok(());
    }
    let failed = |error| format!("cannot write {}: {error}", path.display());
    let mut file = BufWriter::new(File::create(path).map_err(failed)?);
    let mut state = 1_u64;
    for _ in 0..SIZE / 10 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let [first, second, third, ..] = (state >> 33).to_le_bytes();
        let bytes = [first, second, third, 0x48, 0x8b, 0, 0, 0, 0, 0x90];
        file.write_all(&bytes).map_err(failed)?;
    }
    file.flush().map_err(failed)
}

/// The program in Rust, with what the project of Node.js has embedded in itself.
fn host(node: &Node) -> Result<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let root = root.canonicalize().map_err(|error| error.to_string())?;
    let manifest = format!(
        "[package]\nname = \"host\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\nanymod-load = {{ path = {:?} }}\n\
         [profile.release]\nlto = \"fat\"\ncodegen-units = 1\nstrip = true\n[workspace]\n",
        root.join("crates/anymod-load")
    );
    let host = node.project("embed-host", &[("Cargo.toml", &manifest), ("src/main.rs", MAIN)])?;
    copy(&root.join("Cargo.lock"), &host.join("Cargo.lock"))?;
    let project = node.directory.join("embed");
    let output = host.join("src").display().to_string();
    quietly(&mut node.ours(&project, &["embed", "--host", "rust", "--output", &output]))?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--release", "--quiet", "--target-dir", "target"]);
    quietly(build.current_dir(&host).env_remove("CARGO_TARGET_DIR"))?;
    Ok(host.join("target/release/host"))
}
