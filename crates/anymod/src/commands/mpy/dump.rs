//! `anymod mpy dump`: what a file says.

use std::path::PathBuf;

use anymod_build::mpy::mpy_read;
use anymod_link::disasm::disassemble;
use anymod_model::Diagnostics;
use anymod_pack::mpy::Dump as FileDump;
use clap::Args;

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
    let (bytes, mpy) = mpy_read(&args.file)?;
    let arch = mpy.header.arch().filter(|_| args.disassemble);
    let lines = |code: &[u8], base: u64| match arch {
        Some(arch) => disassemble(arch, code, base).iter().map(ToString::to_string).collect(),
        None => Vec::new(),
    };
    let dump =
        FileDump::new(&bytes, &args.file.display().to_string(), arch.is_some().then_some(&lines))?;
    printer.data(&match args.format {
        Format::Text => dump.text(),
        Format::Json => crate::commands::json(&dump),
    });
    Ok(())
}
