//! `anymod cache path`: where the store is.

use anymod_model::Diagnostics;
use clap::Args;

use super::Which;
use crate::printer::Printer;

/// Print the directory of the store, with the version of its layout
#[derive(Debug, Args)]
pub(crate) struct Path {
    #[command(flatten)]
    which: Which,
    /// Say as well what chose the directory: a flag, a variable, a file or the default
    #[arg(short, long)]
    verbose: bool,
}

pub(super) fn run(args: &Path, printer: Printer) -> Result<(), Diagnostics> {
    let (store, settings) = args.which.open()?;
    printer.data(&format!("{}\n", store.directory().display()));
    if let (true, Some(found)) = (args.verbose, settings.get("store.path")) {
        printer.status(&format!("chosen by: {}", found.origin));
    }
    Ok(())
}
