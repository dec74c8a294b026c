//! `anymod archive`: one archive, as an edge of a ninja file makes it.

use std::path::PathBuf;

use anymod_build::archives::{GatherRequest, gather};
use anymod_model::Diagnostics;
use anymod_model::platform::{Cpu, ObjectFormat};
use anymod_model::stamp::Stamp;
use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Archive {
    /// Objects and archives, in order
    #[arg(required = true, value_name = "FILE")]
    parts: Vec<PathBuf>,
    /// The archive
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Format of the objects: `ELF`, `Mach-O`, `COFF` or `WebAssembly`
    #[arg(long, value_parser = format)]
    format: ObjectFormat,
    /// Processor of the objects: `x64` or `arm64` [default: that of the first]
    #[arg(long, value_parser = cpu)]
    cpu: Option<Cpu>,
    /// A part of the ABI that is written into the archive
    #[arg(long, value_name = "KEY=VALUE", value_parser = fact)]
    abi: Vec<(String, String)>,
}

fn format(text: &str) -> Result<ObjectFormat, String> {
    use ObjectFormat::{Coff, Elf, MachO, Wasm};
    let found = [Elf, MachO, Coff, Wasm].into_iter().find(|format| format.name() == text);
    found.ok_or_else(|| "write `ELF`, `Mach-O`, `COFF` or `WebAssembly`".to_owned())
}

fn cpu(text: &str) -> Result<Cpu, String> {
    let found = [Cpu::X64, Cpu::Arm64].into_iter().find(|cpu| cpu.name() == text);
    found.ok_or_else(|| "write `x64` or `arm64`".to_owned())
}

fn fact(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write `KEY=VALUE`")?;
    Ok((key.to_owned(), value.to_owned()))
}

pub(crate) fn run(args: &Archive) -> Result<(), Diagnostics> {
    let stamp = args.abi.iter().fold(Stamp::new(), |stamp, (key, value)| stamp.with(key, value));
    gather(&GatherRequest {
        parts: args.parts.clone(),
        output: args.output.clone(),
        format: args.format,
        cpu: args.cpu,
        stamp,
    })
}
