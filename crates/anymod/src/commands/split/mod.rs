//! `anymod split`: from one static program to a host and modules that share each library once.

mod fix;
mod inspect;
mod interpose;
mod plan;
mod probe;
mod verify;

use anymod_model::{Diagnostic, Diagnostics, Severity};
use clap::{Args, Subcommand};

use crate::printer::Printer;

#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Split {
    #[command(subcommand)]
    command: SplitCommand,
}

#[derive(Debug, Subcommand)]
enum SplitCommand {
    Inspect(inspect::Inspect),
    Verify(verify::Verify),
    Fix(fix::Fix),
    Plan(plan::Plan),
    Emit(plan::Emit),
    Link(plan::Link),
    Interpose(interpose::Interpose),
    Probe(probe::Probe),
}

pub(crate) fn run(args: &Split, printer: Printer) -> Result<(), Diagnostics> {
    match &args.command {
        SplitCommand::Inspect(args) => inspect::run(args, printer),
        SplitCommand::Plan(args) => plan::run_plan(args, printer),
        SplitCommand::Emit(args) => plan::run_emit(args, printer),
        SplitCommand::Link(args) => plan::run_link(args, printer),
        SplitCommand::Interpose(args) => interpose::run(args, printer),
        SplitCommand::Probe(args) => probe::run(args, printer),
        SplitCommand::Fix(args) => fix::run(args, printer),
        SplitCommand::Verify(args) => verify::run(args, printer),
    }
}

/// Ends a verb: errors decide the exit status, warnings are shown.
fn conclude(findings: Vec<Diagnostic>, printer: Printer) -> Result<(), Diagnostics> {
    let is_error = |finding: &Diagnostic| finding.severity == Severity::Error;
    let (errors, warnings): (Vec<_>, Vec<_>) = findings.into_iter().partition(is_error);
    warnings.iter().for_each(|finding| printer.diagnostic(finding));
    if errors.is_empty() { Ok(()) } else { Err(Diagnostics(errors)) }
}
