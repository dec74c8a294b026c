//! `anymod emit`: files for other build systems.

mod ninja;

use anymod_model::Diagnostics;
use clap::{Args, Subcommand};

use crate::printer::Printer;

#[derive(Debug, Args)]
pub(crate) struct Emit {
    #[command(subcommand)]
    command: EmitCommand,
}

#[derive(Debug, Subcommand)]
enum EmitCommand {
    Ninja(Box<ninja::Ninja>),
}

pub(crate) fn run(args: &Emit, printer: Printer) -> Result<(), Diagnostics> {
    match &args.command {
        EmitCommand::Ninja(args) => ninja::run(args, printer),
    }
}
