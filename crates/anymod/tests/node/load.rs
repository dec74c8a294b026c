//! The loader in the real Node: what it loads, and what it refuses before it loads anything.

use std::path::Path;
use std::process::Command;

use crate::Case;
use crate::project::{Project, change};
use crate::support::machine::component;
use crate::support::process::{Finished, run};
use crate::support::{Checked, ensure, read, write};

pub(crate) const CASES: &[Case] = &[
    ("node::load::ways", ways),
    ("node::load::usual", usual),
    ("node::load::processors", processors),
    ("node::load::levels", levels),
    ("node::load::arm64", arm64),
    ("node::load::chosen_variants", chosen_variants),
    ("node::load::damaged", damaged),
    ("node::load::foreign", foreign),
    ("node::load::missing", missing),
    ("node::load::override", override_variable),
];

/// Prints the file that was loaded, and a result.
const USE: &str = "const v = require('./dist/node/vectors/index.cjs');
const file = require('fs').readFileSync('/proc/self/maps', 'latin1').match(/\\S*\\/(?!anymod-)[^\\/\\s]*\\.node/);
console.log(file[0].split('/').pop(), v.dot(new Float32Array([1, 2, 3]), new Float32Array([4, 5, 6])));";

const MODERN: &str = "vectors.linux-x64-modern.node";
const BASELINE: &str = "vectors.linux-x64-baseline.node";

fn says(finished: &Finished, expected: &str) -> Checked {
    ensure(finished.output().contains(expected), || format!("no `{expected}` in {finished}"))
}

/// Refused with a message, by an exception and not by a signal.
fn refused(finished: &Finished, expected: &[&str]) -> Checked {
    ensure(finished.status == 1, || format!("not an exception: {finished}"))?;
    says(finished, "Error: cannot load `vectors` 0.1.0 on linux-x64: ")?;
    expected.iter().try_for_each(|text| says(finished, text))
}

/// What is as usual is loaded without reading `loader.cjs`: beside the entry, from the package of the platform, and with files
/// for the other C library there as well. Anything else needs it.
fn usual() -> Checked {
    let project = Project::example("\"node-linux-x64\", \"node-linux-x64-musl\"")?;
    project.build(&["--variant", "all"])?;
    let loader = project.installed("loader.cjs");
    std::fs::rename(&loader, project.path("aside.cjs")).map_err(|error| error.to_string())?;
    says(&project.node(USE)?.ok()?, " 32\n")?;
    let packages = project.path("dist/node/vectors/node_modules/vectors-linux-x64");
    for name in [MODERN, BASELINE, "anymod-probe.linux-x64.node"] {
        write(&packages.join(name), read(&project.installed(name))?)?;
        std::fs::remove_file(project.installed(name)).map_err(|error| error.to_string())?;
    }
    says(&project.node(USE)?.ok()?, " 32\n")?;
    for file in [packages.join("anymod-probe.linux-x64.node"), packages.join(MODERN)] {
        let whole = read(&file)?;
        for at in (0..whole.len()).step_by(whole.len() / 8) {
            write(&file, &whole)?;
            change(&file, |bytes| {
                bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 0x41)
            })?;
            let mut node = Command::new("node");
            node.current_dir(project.directory.path()).env_remove("ANYMOD_VARIANT");
            let ended = run(node.args(["-e", USE]))?;
            ensure(ended.status == 1, || format!("not an exception: {ended}"))?;
            says(&ended, "Cannot find module './loader.cjs'")?;
        }
        write(&file, &whole)?;
    }
    Ok(())
}

/// CommonJS, ES modules and worker threads.
fn ways() -> Checked {
    let project = Project::example("\"node-linux-x64\"")?;
    project.build(&[])?;
    says(&project.node(USE)?.ok()?, " 32\n")?;
    let script = "import vectors, { dot, Metric } from './dist/node/vectors/index.mjs';
console.log(dot === vectors.dot, Metric.Distance, vectors.nearest(new Float32Array([0, 0, 5, 5]), new Float32Array([4, 4])));\n";
    write(&project.path("way.mjs"), script)?;
    let node = |file: &str| run(Command::new("node").arg(project.path(file)))?.ok();
    says(&node("way.mjs")?, "true 1 1\n")?;
    let script = "const { Worker, isMainThread } = require('worker_threads');
const { dot } = require('./dist/node/vectors/index.cjs');
const result = dot(new Float32Array([2]), new Float32Array([3]));
if (isMainThread) for (let i = 0; i < 3; i++) new Worker(__filename).on('exit', (code) => console.log('worker', code, result));
else if (result !== 6) process.exit(3);\n";
    write(&project.path("way.cjs"), script)?;
    let ended = node("way.cjs")?;
    ensure(ended.stdout == "worker 0 6\n".repeat(3), || ended.to_string())
}

/// The variant follows from the processor itself.
fn processors() -> Checked {
    let project = Project::example("\"node-linux-x64\"")?;
    project.build(&["--variant", "all"])?;
    let node = run(Command::new("sh").args(["-c", "command -v node"]))?.ok()?;
    for (cpu, expected) in [("Nehalem", BASELINE), ("Haswell", MODERN)] {
        let mut emulator = Command::new("qemu-x86_64-static");
        emulator.current_dir(project.directory.path()).args([
            "-cpu",
            cpu,
            node.stdout.trim(),
            "-e",
            USE,
        ]);
        says(&run(&mut emulator)?.ok()?, &format!("{expected} 32\n"))?;
    }
    // One that is below every variant.
    let mut emulator = Command::new("qemu-x86_64-static");
    emulator.current_dir(project.directory.path()).args([
        "-cpu",
        "core2duo",
        node.stdout.trim(),
        "-e",
        USE,
    ]);
    let ended = run(&mut emulator)?;
    says(&ended, "the processor is of level x86-64-v1, and x86-64-v2 is needed")
}

/// The probe's own questions to the processor, which it asks where no glibc has the answers: a program of what it has for other
/// systems, without Node.js.
fn levels() -> Checked {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let source = directory.path().join("level.c");
    let probe = Path::new(env!("CARGO_MANIFEST_DIR")).join("../anymod-pack/src/node/probe.c");
    let text = format!(
        "#undef __linux__\n#include \"{}\"\nint main(void) {{ return level(); }}\n",
        probe.display()
    );
    write(&source, text)?;
    let program = directory.path().join("level");
    let mut compiler = Command::new("gcc");
    compiler
        .args(["-static", "-Wl,--unresolved-symbols=ignore-all", "-o"])
        .args([&program, &source]);
    run(&mut compiler)?.ok()?;
    for (cpu, level) in [("core2duo", 1), ("Nehalem", 2), ("Haswell", 3)] {
        let mut emulator = Command::new("qemu-x86_64-static");
        let ended = run(emulator.args(["-cpu", cpu]).arg(&program))?;
        ensure(ended.status == level, || format!("not {level} on {cpu}: {ended}"))?;
    }
    Ok(())
}

/// Built here and run in Debian's Node.js for arm64, by an emulator.
fn arm64() -> Checked {
    let project = Project::example("\"node-linux-arm64\"")?;
    project.build(&[])?;
    let root = component("node-arm64")?.join("root");
    let node = |script: &str| {
        let mut emulator = Command::new("qemu-aarch64-static");
        emulator.arg("-L").arg(&root).arg(root.join("usr/bin/node")).args(["-e", script]);
        run(emulator.current_dir(project.directory.path()))
    };
    says(&node(USE)?.ok()?, "vectors.linux-arm64.node 32\n")?;
    change(&project.installed("vectors.linux-arm64.node"), |bytes| {
        bytes.iter_mut().skip(3000).take(1).for_each(|byte| *byte ^= 1);
    })?;
    let ended = node(USE)?;
    ensure(ended.status == 1, || format!("not an exception: {ended}"))?;
    says(&ended, "vectors.linux-arm64.node: its content is not what was built")
}

fn chosen_variants() -> Checked {
    let project = Project::example("\"node-linux-x64\"")?;
    project.build(&["--variant", "all"])?;
    let chosen = |variant: &str| {
        let mut node = Command::new("node");
        run(node
            .current_dir(project.directory.path())
            .env("ANYMOD_VARIANT", variant)
            .args(["-e", USE]))
    };
    says(&chosen("baseline")?.ok()?, BASELINE)?;
    says(&chosen("modern")?.ok()?, MODERN)?;
    refused(&chosen("fastest")?, &["ANYMOD_VARIANT is `fastest`, and there are modern, baseline"])
}

/// Every kind of damage is found before the file is loaded.
fn damaged() -> Checked {
    let project = Project::example("\"node-linux-x64\"")?;
    project.build(&["--variant", "baseline"])?;
    let file = project.installed(BASELINE);
    let whole = read(&file)?;
    let baseline = || {
        let mut node = Command::new("node");
        run(node
            .current_dir(project.directory.path())
            .env("ANYMOD_VARIANT", "baseline")
            .args(["-e", USE]))
    };
    says(&baseline()?.ok()?, BASELINE)?;
    for length in [0, 10, 63, 64, 600, 1000, whole.len() / 2, whole.len() - 1] {
        write(&file, whole.get(..length).unwrap_or_default())?;
        refused(&baseline()?, &[BASELINE, "build or install it again"])?;
    }
    // One byte at a time: in the header, the identity, code, the tables at the end.
    for at in (0..whole.len()).step_by(whole.len() / 24).chain([18, 568, 576, 600, whole.len() - 1])
    {
        write(&file, &whole)?;
        change(&file, |bytes| bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 0x41))?;
        refused(&baseline()?, &[BASELINE])?;
    }
    write(&file, &whole)?;
    baseline()?.ok().map(drop)
}

/// Whole files that are something else.
fn foreign() -> Checked {
    let project =
        Project::example("\"node-linux-x64\", \"node-linux-arm64\", \"node-linux-x64-musl\"")?;
    project.build(&["--variant", "all"])?;
    let (modern, baseline) = (project.installed(MODERN), project.installed(BASELINE));
    let whole = read(&modern)?;
    for (other, why) in [
        ("vectors.linux-arm64.node", "it is for linux-arm64, and this is linux-x64"),
        ("vectors.linux-x64-musl-modern.node", "it is for linux-x64-musl, and this is linux-x64"),
        (BASELINE, "it is the variant `baseline` and not `modern`"),
        ("anymod-probe.linux-x64.node", "it is `anymod-probe` and not `vectors`"),
        ("index.cjs", "it is no library"),
    ] {
        let held = read(&baseline)?;
        write(&modern, read(&project.installed(other))?)?;
        std::fs::remove_file(&baseline).map_err(|error| error.to_string())?;
        refused(&project.node(USE)?, &[MODERN, why, BASELINE, "there is no such file"])?;
        write(&baseline, held)?;
    }
    write(&modern, &whole)?;
    // An older build that was left.
    let manifest = String::from_utf8_lossy(&read(&project.path("anymod.toml"))?).into_owned();
    write(&project.path("anymod.toml"), manifest.replace("0.1.0", "0.2.0"))?;
    project.build(&["--variant", "baseline", "--target", "node-linux-x64"])?;
    let mut node = Command::new("node");
    let node = node
        .current_dir(project.directory.path())
        .env("ANYMOD_VARIANT", "modern")
        .args(["-e", USE]);
    let stale = run(node)?;
    ensure(stale.status == 1, || stale.to_string())?;
    says(&stale, "it is version 0.1.0, and 0.2.0 is wanted")
}

fn missing() -> Checked {
    let project = Project::example("\"node-linux-x64\"")?;
    project.build(&[])?;
    for name in [MODERN, BASELINE, "anymod-probe.linux-x64.node"] {
        let _ = std::fs::remove_file(project.installed(name));
    }
    refused(
        &project.node(USE)?,
        &["there is no file for it", "vectors-linux-x64/", "the package is not installed"],
    )
}

fn override_variable() -> Checked {
    let project = Project::example("\"node-linux-x64\"")?;
    project.build(&["--variant", "baseline"])?;
    let elsewhere = project.path("elsewhere.node");
    std::fs::rename(project.installed(BASELINE), &elsewhere).map_err(|error| error.to_string())?;
    let with = |file: &std::path::Path| {
        let mut node = Command::new("node");
        run(node
            .current_dir(project.directory.path())
            .env("ANYMOD_ADDON_VECTORS", file)
            .args(["-e", USE]))
    };
    says(&with(&elsewhere)?.ok()?, " 32\n")?;
    refused(
        &with(&project.path("node.c"))?,
        &["ANYMOD_ADDON_VECTORS names a file", "it is no library"],
    )
}
