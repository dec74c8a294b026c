//! `anymod mpy merge`: several `.mpy` files made one, as `mpy-tool.py --merge` does.

use std::path::PathBuf;

use anymod_build::mpy::mpy_merge;
use anymod_model::{Diagnostic, Diagnostics, codes};
use anymod_pack::mpy::MergeOptions;
use clap::Args;

use crate::printer::Printer;

/// Merge .mpy files into one that does what importing them one after the other would do
///
/// At most one of them may hold native code; it runs first.
#[derive(Debug, Args)]
pub(crate) struct Merge {
    /// Files to merge
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Output file
    #[arg(short, long)]
    output: PathBuf,
    /// Name stored in the result [default: that of the file that comes first]
    #[arg(long, value_name = "NAME")]
    source_name: Option<String>,
}

// The arguments of [`Merge`] after `anymod mpy --merge`, where none may be required of other subcommands.
#[derive(Debug, Args)]
#[group(id = "inputs")]
pub(crate) struct OptionalMerge {
    /// Files to merge
    #[arg(value_name = "FILE", requires = "merge")]
    files: Vec<PathBuf>,
    /// Output file
    #[arg(short, long, requires = "merge")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &Merge, _printer: Printer) -> Result<(), Diagnostics> {
    mpy_merge(&args.files, &args.output, &MergeOptions { source_name: args.source_name.clone() })?;
    Ok(())
}

pub(super) fn run_drop_in(args: OptionalMerge, printer: Printer) -> Result<(), Diagnostics> {
    let Some(output) = args.output else {
        return Err(Diagnostic::error(&codes::manifest::USAGE, "`--merge` needs `-o FILE`")
            .hint("`anymod mpy --merge -o OUTPUT FILE…`")
            .into());
    };
    run(&Merge { files: args.files, output, source_name: None }, printer)
}
