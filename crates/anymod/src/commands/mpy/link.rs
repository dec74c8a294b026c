//! `anymod mpy link`: objects and archives to a native `.mpy`, with mpy_ld.py's command line.

use std::path::{Path, PathBuf};

use anymod_build::install;
use anymod_build::mpy::{LinkRequest, mpy_link, mpy_preprocess};
use anymod_link::mpy::{self, Compat, Linked, Options};
use anymod_model::manifest::ArchFlag;
use anymod_model::{Abi, Arch, Diagnostic, Diagnostics, codes};
use clap::{ArgAction, Args, ValueEnum};

use crate::printer::Printer;

/// Link objects and archives into a native .mpy
///
/// Accepts the options of MicroPython's mpy_ld.py, so that `make MPY_LD="anymod mpy link"` works in a MicroPython tree.
#[derive(Debug, Args)]
pub(crate) struct Link {
    /// Objects and archives to link, or sources to scan with `--preprocess`
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Output file [default: the first input's name with its suffix replaced]
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Architecture of the module
    #[arg(long, default_value = "x64", value_parser = arch)]
    arch: Arch,
    /// Scan sources for `MP_QSTR_` names and write the header that declares them, instead of linking
    #[arg(long)]
    preprocess: bool,
    /// Header written by `--preprocess`, whose names the module's qstr table will hold
    #[arg(long, value_name = "HEADER")]
    qstrs: Option<PathBuf>,
    /// Archive to take undefined symbols from; may be given several times, the first that defines a symbol wins
    #[arg(short = 'l', long = "libs", value_name = "ARCHIVE")]
    libs: Vec<PathBuf>,
    /// Linker script with the fixed addresses of symbols in ROM
    #[arg(short, long, value_name = "SCRIPT")]
    externs: Option<PathBuf>,
    /// Instruction-set extensions that the module needs, for instance `zba,zcmp` on rv32imc
    #[arg(long, value_name = "FLAGS", value_parser = arch_flags)]
    arch_flags: Option<u64>,
    /// Name stored in the module [default: the output's base name]
    #[arg(long, value_name = "NAME")]
    source_name: Option<String>,
    /// Oldest MicroPython release that shall load the module
    #[arg(long, value_name = "VERSION", default_value = "latest", value_parser = abi)]
    abi: Abi,
    /// Write the bytes that mpy_ld.py of a release writes, and refuse where those are wrong
    #[arg(long, value_name = "VERSION", value_parser = compat)]
    compat: Option<Compat>,
    /// Where `.data` and static `.bss` go [default: in the text where the target's loaders leave it writable]
    #[arg(long, value_enum, value_name = "WHERE")]
    static_data: Option<StaticData>,
    /// Keep sections that nothing refers to
    #[arg(long)]
    no_gc_sections: bool,
    /// List the sections left out because nothing refers to them
    #[arg(long)]
    print_gc_sections: bool,
    /// Write a map of sections and global symbols; `-` for standard output
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// Say more; `-vv` prints the map
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StaticData {
    InText,
    Refuse,
}

pub(super) fn arch(name: &str) -> Result<Arch, String> {
    Arch::from_name(name).ok_or_else(|| {
        let names: Vec<_> = anymod_model::arch::ARCHES.iter().map(|row| row.name).collect();
        format!("known architectures: {}", names.join(", "))
    })
}

pub(super) fn abi(text: &str) -> Result<Abi, String> {
    Abi::parse(text)
        .ok_or_else(|| "expected a MicroPython release from 1.19 on, or `latest`".to_owned())
}

fn compat(text: &str) -> Result<Compat, String> {
    Compat::parse(text).ok_or_else(|| "expected `1.25`, `1.26`, `1.28` or `latest`".to_owned())
}

/// Reads `zba,zcmp` or the number that these bits make.
pub(super) fn arch_flags(text: &str) -> Result<u64, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    if let Some(number) = number {
        return Ok(number);
    }
    text.split(',').try_fold(0, |flags, name| {
        let flag = ArchFlag::from_name(name.trim());
        flag.map(|flag| flags | flag.bit()).ok_or_else(|| "known extensions: zba, zcmp".to_owned())
    })
}

pub(super) fn run(args: Link, printer: Printer) -> Result<(), Diagnostics> {
    let output = output(&args)?;
    if args.preprocess {
        return mpy_preprocess(&args.files, &output).map(|_| ());
    }
    can_load(args.arch, args.abi)?;
    let request = LinkRequest {
        options: options(&args, &output),
        files: args.files.clone(),
        libraries: args.libs.clone(),
        qstrs: args.qstrs.clone(),
        externs: args.externs.clone(),
        output,
    };
    let (linked, _) = mpy_link(&request)?;
    report(&args, &linked, printer)
}

/// The file to write: the one asked for, or the first input's name with the suffix that the result has.
fn output(args: &Link) -> Result<PathBuf, Diagnostic> {
    let suffix = if args.preprocess { "config.h" } else { "mpy" };
    match (&args.output, args.files.first()) {
        (Some(output), _) => Ok(output.clone()),
        (None, Some(first)) => Ok(first.with_extension(suffix)),
        (None, None) => Err(Diagnostic::error(&codes::manifest::USAGE, "there is nothing to link")),
    }
}

/// Refuses an ABI of which no release has the architecture.
fn can_load(arch: Arch, abi: Abi) -> Result<(), Diagnostic> {
    if abi >= Abi::first_with(arch) {
        return Ok(());
    }
    let (major, minor) = arch.info().since;
    let message = format!("MicroPython {} does not have the architecture `{arch}`", abi.releases());
    Err(Diagnostic::error(&codes::manifest::ABI_TOO_OLD, message)
        .hint(format!("give `--abi {major}.{minor}` or leave the option out")))
}

fn options(args: &Link, output: &Path) -> Options {
    let name = match (&args.source_name, args.compat) {
        (Some(name), _) => name.clone(),
        // Up to 1.28 mpy_ld.py stored the path it wrote to, as it was given.
        (None, Some(Compat::V1_25 | Compat::V1_26 | Compat::V1_28)) => output.display().to_string(),
        (None, _) => output.file_name().unwrap_or_default().to_string_lossy().into_owned(),
    };
    let mut options = Options::new(args.arch, name);
    options.abi = args.abi;
    options.compat = args.compat;
    options.gc_sections = !args.no_gc_sections;
    options.static_data = match args.static_data {
        None => mpy::StaticData::Default,
        Some(StaticData::InText) => mpy::StaticData::InText,
        Some(StaticData::Refuse) => mpy::StaticData::Refuse,
    };
    options.arch_flags = args.arch_flags.unwrap_or(0);
    options
}

fn report(args: &Link, linked: &Linked, printer: Printer) -> Result<(), Diagnostics> {
    for warning in &linked.warnings {
        printer.diagnostic(warning);
    }
    if args.print_gc_sections {
        for section in &linked.discarded {
            let member =
                section.member.as_ref().map(|member| format!("({member})")).unwrap_or_default();
            printer.status(&format!(
                "removed: {}{member}:{} {} bytes",
                section.file, section.section, section.size
            ));
        }
    }
    if args.verbose > 0 {
        let sizes = &linked.sizes;
        printer.status(&format!(
            "{}: text {} (rodata {}, data {}, bss {}, got {}), bss {}, relocations {}",
            args.arch,
            sizes.text,
            sizes.rodata,
            sizes.data,
            sizes.bss_in_text,
            sizes.got,
            sizes.bss,
            sizes.relocations
        ));
    }
    if args.verbose > 1 {
        printer.status(linked.map.to_string().trim_end());
    }
    match &args.map {
        Some(path) if path.as_os_str() == "-" => printer.data(&linked.map.to_string()),
        Some(path) => {
            install::write_if_changed(path, linked.map.to_string().as_bytes())?;
        }
        None => {}
    }
    Ok(())
}
