//! `anymod mpy rename`: the stored name of a finished file.

use std::path::PathBuf;

use anymod_build::mpy::mpy_rename;
use anymod_model::Diagnostics;
use clap::Args;

use crate::printer::Printer;

/// Change the name stored in a .mpy, which tracebacks show
#[derive(Debug, Args)]
pub(crate) struct Rename {
    /// File to change: native, bytecode or merged
    file: PathBuf,
    /// The new name, for instance `module.py` or `package/module.py`
    name: String,
    /// Output file [default: the input is replaced]
    #[arg(short, long)]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &Rename, _printer: Printer) -> Result<(), Diagnostics> {
    mpy_rename(&args.file, &args.name, args.output.as_deref())?;
    Ok(())
}
