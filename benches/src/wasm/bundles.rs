//! One module of archives of 2 MB: out of the cache, and linked.

use std::path::Path;
use std::process::Command;

use super::project::{archives, project};
use super::{Wasm, quietly, rows};

/// Runs of each row.
const RUNS: usize = 30;

pub(super) fn bundle(wasm: &Wasm) -> Result<(), String> {
    let root = project(&wasm.directory)?;
    quietly(wasm.anymod(&root, &["build", "--quiet", "-t", "wasi", "--build-type", "debug"]))?;
    let archives = archives("wasi", "debug");
    let mut bytes = 0;
    for archive in &archives {
        bytes += std::fs::metadata(root.join(archive)).map_err(|error| error.to_string())?.len();
    }
    let size = format!("{} archives, {:.1} MB", archives.len(), bytes as f64 / 1e6);
    let words: Vec<&str> = archives.iter().map(String::as_str).collect();
    let cache = wasm.directory.join("incumbent-cache").display().to_string();

    let ours = |more: &[&str]| {
        wasm.anymod(&root, &[&["bundle", "--quiet", "-o", "ours.wasm"], more, &words].concat())
    };
    let theirs = |more: &[&str]| {
        wasm.helper(&root, &[&["bundle"], more, &[cache.as_str(), "theirs.wasm"], &words].concat())
    };
    let helper = ("python helper", vec![theirs(&[])]);
    rows(&format!("bundle, hit, {size}"), RUNS, ours(&[]), vec![helper])?;
    let others = vec![
        ("wasm-ld alone", vec![bare(wasm, &root, &words)?]),
        ("python helper", vec![theirs(&["--force"])]),
    ];
    rows(&format!("bundle, miss, {size}"), RUNS / 3, ours(&["--force"]), others)
}

/// The linker with the arguments that make the same module, and nothing around it.
fn bare(wasm: &Wasm, root: &Path, archives: &[&str]) -> Result<Command, String> {
    // What the driver would link with besides the archives, which it has by now made.
    let mut asked = Command::new(&wasm.zig);
    let words = "cc -target wasm32-wasi -mexec-model=reactor -v -o driver.wasm";
    asked.args(words.split(' ')).args(archives).current_dir(root);
    wasm.with_packages(&mut asked);
    let output = asked.output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = text.lines().find(|line| line.contains("wasm-ld"));
    let line = line.ok_or_else(|| format!("the driver names no linker:\n{text}"))?;
    let part = |name: &str| {
        let found = line.split_whitespace().find(|word| word.ends_with(name));
        found.ok_or_else(|| format!("the driver links without {name}: {line}"))
    };
    let mut command = Command::new(&wasm.zig);
    command.args(
        "wasm-ld --export-memory --export-dynamic --stack-first --entry _initialize".split(' '),
    );
    command.args("-z stack-size=16777216 -o bare.wasm".split(' ')).arg(part("crt1-reactor.o")?);
    command.arg("--whole-archive").args(archives).arg("--no-whole-archive");
    command.arg(part("libc.a")?).arg(part("libcompiler_rt.a")?).current_dir(root);
    Ok(command)
}
