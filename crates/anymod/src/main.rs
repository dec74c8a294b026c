//! The command: arguments, settings, rendering and exit codes. No build logic lives here.
//!
//! Every subcommand is a module under `commands/` with its arguments and a `run`. Rooms return data and diagnostics; this
//! crate alone prints, and this function alone decides the exit code.

mod cli;
mod commands;
mod interrupt;
mod printer;
mod progress;
mod project;
mod render;
mod settings;
mod timings;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // Before anything else: called by a compiler's name, it is one, and every call of a build pays for what is done here.
    let argv0 = std::env::args_os().next().unwrap_or_default();
    if let Some(called) = anymod_build::intercept::called_as(&argv0) {
        return ExitCode::from(anymod_build::intercept::main(&called));
    }
    let cli = cli::Cli::parse();
    let printer = printer::Printer::new(&cli.global);
    match commands::run(cli.command, &printer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(diagnostics) => {
            printer.diagnostics(&diagnostics);
            ExitCode::from(diagnostics.exit_code())
        }
    }
}
