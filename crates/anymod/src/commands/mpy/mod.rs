//! `anymod mpy`: MicroPython's `.mpy` files, with `link` and `--merge` as drop-ins for `mpy_ld.py` and `mpy-tool.py`.

mod check;
mod dump;
mod link;
mod merge;
mod rename;

use anymod_model::{Diagnostic, Diagnostics, codes};
use clap::{Args, Subcommand};

use crate::printer::Printer;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub(crate) struct Mpy {
    #[command(subcommand)]
    command: Option<MpyCommand>,
    /// Same as `anymod mpy merge`, spelled as dynruntime.mk calls MPY_TOOL
    #[arg(long, requires = "inputs")]
    merge: bool,
    #[command(flatten)]
    inputs: merge::OptionalMerge,
}

#[derive(Debug, Subcommand)]
enum MpyCommand {
    Link(link::Link),
    Merge(merge::Merge),
    Rename(rename::Rename),
    Dump(dump::Dump),
    Check(check::Check),
}

pub(crate) fn run(args: Mpy, printer: Printer) -> Result<(), Diagnostics> {
    match (args.command, args.merge) {
        (Some(MpyCommand::Link(args)), _) => link::run(args, printer),
        (Some(MpyCommand::Merge(args)), _) => merge::run(&args, printer),
        (Some(MpyCommand::Rename(args)), _) => rename::run(&args, printer),
        (Some(MpyCommand::Dump(args)), _) => dump::run(&args, printer),
        (Some(MpyCommand::Check(args)), _) => check::run(&args, printer),
        (None, true) => merge::run_drop_in(args.inputs, printer),
        (None, false) => Err(Diagnostic::error(
            &codes::manifest::USAGE,
            "`anymod mpy` needs a subcommand or `--merge`",
        )
        .hint("`anymod mpy --help` lists both")
        .into()),
    }
}
