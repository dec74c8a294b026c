//! Builds of eight combinations of target and build type in which nothing is new, and what a call for flags costs.

use std::fmt::Write as _;
use std::process::Command;

use super::project::{BUILD_TYPES, TARGETS, project};
use super::{Wasm, quietly, rows};
use crate::files::write;

/// Runs of each row.
const RUNS: usize = 20;

/// The helper's targets; it has no table of others.
const ITS_TARGETS: [&str; 4] = ["native", "native-static", "wasi", "emscripten"];

pub(super) fn null(wasm: &Wasm) -> Result<(), String> {
    let root = project(&wasm.directory)?;
    let mut words = vec!["build", "--quiet"];
    for build_type in BUILD_TYPES {
        words.extend(["--build-type", build_type]);
    }
    quietly(wasm.anymod(&root, &words))?;
    // A makefile for each combination asks the helper three times before it finds that nothing is to be done.
    let makefile = root.join("Makefile");
    let helper = wasm.directory.join("incumbent.py").display().to_string();
    let python = wasm.python.display();
    let mut text = String::new();
    for (variable, line) in [("CC", "cc"), ("AR", "ar"), ("CFLAGS", "cflags")] {
        let _ = writeln!(
            text,
            "{variable} := $(shell '{python}' '{helper}' flags $(TARGET) $(TYPE) {line})"
        );
    }
    text.push_str("all: ;@:\n");
    write(&makefile, &text)?;
    let mut theirs = Vec::new();
    for target in ITS_TARGETS {
        for build_type in BUILD_TYPES {
            let mut make = Command::new("make");
            make.args(["-s", &format!("TARGET={target}"), &format!("TYPE={build_type}")]);
            wasm.with_packages(make.current_dir(&root).env_remove("MAKEFLAGS"));
            theirs.push(make);
        }
    }
    let name = format!("null build, {} targets x {} build types", TARGETS.len(), BUILD_TYPES.len());
    rows(&name, RUNS / 2, wasm.anymod(&root, &words), vec![("make, python helper", theirs)])
}

pub(super) fn flags(wasm: &Wasm) -> Result<(), String> {
    let root = project(&wasm.directory)?;
    for target in ["wasi", "native"] {
        let ours =
            wasm.anymod(&root, &["flags", "--target", target, "--build-type", "debug", "--cflags"]);
        let theirs = wasm.helper(&root, &["flags", target, "debug", "cflags"]);
        rows(&format!("flags, {target}"), RUNS, ours, vec![("python helper", vec![theirs])])?;
    }
    Ok(())
}
