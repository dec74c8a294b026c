//! Measures anymod and the incumbent side by side in one run and prints the ratios: `cargo xtask bench mpy`,
//! `cargo xtask bench engine [PART]`, `cargo xtask bench pyodide [PART]`, `cargo xtask bench wasm [PART]`,
//! `cargo xtask bench split`, `cargo xtask bench node [PART]`, `cargo xtask bench remote [PART]`.
//!
//! A benchmark prints and never judges: absolute times belong to the machine, so the table quotes medians and ratios.
//! Inputs are generated or built here, under `target/bench`, and the incumbent comes from `tests/runtimes/setup`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark's result is what it prints"
)]

mod engine;
mod files;
mod generate;
mod measure;
mod mpy;
mod node;
mod parts;
mod pyodide;
mod remote;
mod split;
mod wasm;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["mpy"] => mpy::run(),
        ["engine"] => engine::run(None),
        ["engine", part] => engine::run(Some(part)),
        ["node"] => node::run(None),
        ["node", part] => node::run(Some(part)),
        ["pyodide"] => pyodide::run(None),
        ["pyodide", part] => pyodide::run(Some(part)),
        ["remote"] => remote::run(None),
        ["remote", part] => remote::run(Some(part)),
        ["split"] => split::run(),
        ["wasm"] => wasm::run(None),
        ["wasm", part] => wasm::run(Some(part)),
        _ => Err(format!(
            "usage: cargo xtask bench mpy | engine [{}] | pyodide [{}] | wasm [{}] | node [{}] | remote [{}] | split",
            parts::names(&engine::PARTS, "|"),
            parts::names(&pyodide::PARTS, "|"),
            parts::names(&wasm::PARTS, "|"),
            parts::names(&node::PARTS, "|"),
            parts::names(&remote::PARTS, "|")
        )),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
