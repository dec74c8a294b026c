//! `anymod mpy check`: what a loader would make of a file.

use std::path::PathBuf;

use anymod_build::install;
use anymod_link::disasm::jump_target;
use anymod_model::{Abi, Arch, Diagnostics};
use anymod_pack::mpy::{Loader, Mpy, check};
use clap::Args;

use super::link;
use crate::printer::Printer;

/// Check .mpy files as the loader of a firmware would, and more strictly
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Files to check
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Architecture of the firmware [default: that of the file]
    #[arg(long, value_parser = link::arch)]
    arch: Option<Arch>,
    /// MicroPython release of the firmware
    #[arg(long, value_name = "VERSION", default_value = "latest", value_parser = link::abi)]
    abi: Abi,
    /// Instruction-set extensions that the firmware has [default: those that the file needs]
    #[arg(long, value_name = "FLAGS", value_parser = link::arch_flags)]
    arch_flags: Option<u64>,
}

pub(super) fn run(args: &Check, printer: Printer) -> Result<(), Diagnostics> {
    let mut findings = Vec::new();
    for path in &args.files {
        let bytes = install::read(path)?;
        match check_one(&bytes, &path.display().to_string(), args) {
            Ok((line, warnings)) => {
                warnings.iter().for_each(|warning| printer.diagnostic(warning));
                printer.data(&line);
            }
            Err(errors) => findings.extend(errors.0),
        }
    }
    if findings.is_empty() { Ok(()) } else { Err(Diagnostics(findings)) }
}

fn check_one(
    bytes: &[u8],
    file: &str,
    args: &Check,
) -> Result<(String, Vec<anymod_model::Diagnostic>), Diagnostics> {
    let header = Mpy::parse(bytes, file)?.header;
    let mut loader = match args.arch.or(header.arch()) {
        Some(arch) => Loader::new(args.abi, arch),
        // Bytecode runs anywhere; without a firmware named, one with 31-bit small integers is the strictest usual one.
        None => Loader { arch: None, ..Loader::new(args.abi, Arch::Armv6m) },
    };
    loader.arch_flags = args.arch_flags.or(header.arch_flags).unwrap_or(0);
    loader.jump_target = Some(jump_target);
    let checked = check(bytes, file, &loader)?;
    let kind = if header.is_native() { header.arch_name() } else { "bytecode".to_owned() };
    Ok((format!("{file}: ok, {kind}, MicroPython {}\n", releases(header)), checked.warnings))
}

fn releases(header: anymod_pack::mpy::Header) -> &'static str {
    match header.abi() {
        Some(abi) if header.is_native() => abi.releases(),
        _ => "1.19 and later",
    }
}
