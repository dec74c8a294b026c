//! `anymod wasm`: what is in a WebAssembly module.

mod exports;
mod size;

use anymod_model::Diagnostics;
use clap::{Args, Subcommand};

use crate::printer::Printer;

#[derive(Debug, Args)]
pub(crate) struct Wasm {
    #[command(subcommand)]
    command: WasmCommand,
}

#[derive(Debug, Subcommand)]
enum WasmCommand {
    Exports(exports::Exports),
    Size(size::Size),
}

pub(crate) fn run(args: &Wasm, printer: Printer) -> Result<(), Diagnostics> {
    match &args.command {
        WasmCommand::Exports(args) => exports::run(args, printer),
        WasmCommand::Size(args) => size::run(args, printer),
    }
}
