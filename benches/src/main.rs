//! Measures anymod and the incumbent side by side in one run and prints the ratios: `cargo xtask bench mpy`.
//!
//! A benchmark prints and never judges: absolute times belong to the machine, so the table quotes medians and ratios.
//! Inputs are generated or built here, under `target/bench`, and the incumbent comes from `tests/runtimes/setup`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark's result is what it prints"
)]

mod generate;
mod measure;
mod mpy;

use std::process::ExitCode;

fn main() -> ExitCode {
    let name = std::env::args().nth(1);
    let outcome = match name.as_deref() {
        Some("mpy") => mpy::run(),
        _ => Err("usage: cargo xtask bench mpy".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
