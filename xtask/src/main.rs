//! Chores of the repository, one table. CI and contributors run exactly these; `cargo build` never needs one.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "chores talk to the person who runs them"
)]

mod bench;
mod cpython;
mod docs;
mod farm;
mod fuzz;
mod generated;
mod schema;
mod suite;
mod tidy;
mod torture;

use std::process::ExitCode;

/// A chore: its name, what it does with the arguments after the name, and its line of help.
type Task = (&'static str, fn(&[String]) -> Result<(), String>, &'static str);

const TASKS: &[Task] = &[
    (
        "bench",
        bench::run,
        "measure against the incumbents: bench mpy | bench engine [PART] | bench pyodide [PART] | bench wasm [PART] | bench remote [PART] | bench split",
    ),
    (
        "cpython-split",
        cpython::run,
        "build CPython, split eight of its modules off phase by phase, run their tests: cpython-split [PHASE]",
    ),
    ("docs", docs::run, "write docs/reference from the tables; --check only compares"),
    ("fuzz", fuzz::run, "seed and fuzz the readers of foreign bytes: fuzz [TARGET] [SECONDS]"),
    (
        "pyodide-suite",
        suite::run,
        "build the listed packages for Pyodide and try them: pyodide-suite [--target NAME] [PACKAGE]",
    ),
    (
        "remote-farm",
        farm::run,
        "build with BuildGrid and two workers on this machine, and kill one of them",
    ),
    ("schema", schema::run, "write anymod.schema.json from the key table; --check only compares"),
    ("tidy", tidy::run, "check layering, I/O, module docs, file lengths and generated files"),
    (
        "torture",
        torture::run,
        "attack the build engine for long: torture [crash|crowd|damage|…] [TIMES]",
    ),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        println!("usage: cargo xtask TASK\n");
        for (name, _, help) in TASKS {
            println!("  {name:<10} {help}");
        }
        return ExitCode::SUCCESS;
    };
    let Some((_, run, _)) = TASKS.iter().find(|task| task.0 == name) else {
        eprintln!("unknown task `{name}`; `cargo xtask` lists them");
        return ExitCode::from(2);
    };
    match run(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
