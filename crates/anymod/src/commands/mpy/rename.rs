//! `anymod mpy rename`: the stored name of a finished file.

use std::path::PathBuf;

use anymod_build::install;
use anymod_model::Diagnostics;
use anymod_pack::mpy::rename;
use clap::Args;

use super::File;
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
    let file = File::read(&args.file)?;
    let renamed = rename(&file.bytes, &file.name, &args.name)?;
    install::write_if_changed(args.output.as_ref().unwrap_or(&args.file), &renamed)?;
    Ok(())
}
