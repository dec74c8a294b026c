//! Addons for Node.js as libraries: what a file needs, takes, offers and holds besides code, for ELF, Mach-O and PE.
//!
//! Owns reading these facts, [`level`]s of instructions, and leaving out what only debuggers read. Judges nothing: what
//! the facts mean is the audit's.

mod isa;
mod needed;
mod strip;

use std::collections::{BTreeMap, BTreeSet};

use anymod_model::codes::node as codes;
use anymod_model::{Diagnostic, Place};
use object::read::{ImportFlags, NameOrOrdinal};
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SectionKind, SymbolKind};

pub use crate::identity::{Format, format};
pub use isa::{DISPATCHED_SECTION, Use, level};
pub use strip::strip;

/// What a library says.
#[derive(Clone, Debug)]
pub struct Addon<'a> {
    /// What it is made for.
    pub format: Format,
    /// Libraries that have to be loaded with it, in the file's order.
    pub needed: Vec<&'a str>,
    /// Names that it takes from others, and whether it can do without.
    pub imports: BTreeMap<&'a str, bool>,
    /// Names that it offers.
    pub exports: BTreeSet<String>,
    /// The newest version of glibc whose symbols it takes, with one of them.
    pub glibc: Option<((u32, u32), &'a str)>,
    /// Sections that only linkers and debuggers read, with their sizes in bytes.
    pub tables: BTreeMap<&'a str, u64>,
    /// Executable sections.
    pub code: Vec<Code<'a>>,
    /// Functions of all symbol tables by address.
    pub functions: BTreeMap<u64, &'a str>,
}

/// An executable section.
#[derive(Clone, Copy, Debug)]
pub struct Code<'a> {
    /// Its name.
    pub section: &'a str,
    /// Address of its first byte.
    pub address: u64,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Reads a library.
///
/// # Errors
/// `N0004` if it is none of a 64-bit format, or damaged.
pub fn read<'a>(bytes: &'a [u8], file: &str) -> Result<Addon<'a>, Diagnostic> {
    let damaged = |why: String| {
        Diagnostic::error(
            &codes::FORMAT,
            format!("the file is no library that can be loaded: {why}"),
        )
        .at(Place::file(file))
        .hint("it may have been cut short; build or install it again")
    };
    let format = format(bytes)
        .ok_or_else(|| damaged("it is neither ELF nor Mach-O nor PE for 64 bits".to_owned()))?;
    facts(bytes, format).map_err(|error| damaged(error.to_string().to_lowercase()))
}

fn facts(bytes: &[u8], format: Format) -> object::Result<Addon<'_>> {
    let object = object::File::parse(bytes)?;
    let mut addon = Addon {
        format,
        needed: needed::libraries(bytes, format)?,
        imports: BTreeMap::new(),
        exports: BTreeSet::new(),
        glibc: None,
        tables: BTreeMap::new(),
        code: Vec::new(),
        functions: BTreeMap::new(),
    };
    for import in object.imports()? {
        let import = import?;
        let NameOrOrdinal::Name(name) = import.name() else { continue };
        let Ok(name) = std::str::from_utf8(name) else { continue };
        let name = plain(name, format);
        let weak = addon.imports.entry(name).or_insert(true);
        *weak &= import.is_weak();
        if let ImportFlags::Elf { version: Some(version), .. } = import.flags()
            && let Some(version) = glibc(version)
            && addon.glibc.is_none_or(|(known, _)| known < version)
        {
            addon.glibc = Some((version, name));
        }
    }
    for export in object.exports()? {
        let export = export?;
        let NameOrOrdinal::Name(name) = export.name() else { continue };
        let name = std::str::from_utf8(name).ok().map(|name| plain(name, format).to_owned());
        addon.exports.extend(name);
    }
    for section in object.sections() {
        let name = section.name()?;
        if section.kind() == SectionKind::Text {
            let bytes = section.data()?;
            addon.code.push(Code { section: name, address: section.address(), bytes });
        } else if is_table(name) && section.size() > 0 && !is_loaded(section.flags()) {
            addon.tables.insert(name, section.size());
        }
    }
    for symbol in object.symbols().chain(object.dynamic_symbols()) {
        let function = symbol.kind() == SymbolKind::Text && symbol.is_definition();
        if let (true, Ok(name)) = (function, symbol.name())
            && !name.is_empty()
        {
            addon.functions.entry(symbol.address()).or_insert_with(|| plain(name, format));
        }
    }
    Ok(addon)
}

/// A name as C has it: Mach-O puts a `_` in front of each.
fn plain(name: &str, format: Format) -> &str {
    match format.container {
        anymod_model::platform::ObjectFormat::MachO => name.strip_prefix('_').unwrap_or(name),
        _ => name,
    }
}

/// The numbers of a version like `GLIBC_2.28`.
fn glibc(version: &[u8]) -> Option<(u32, u32)> {
    let version = std::str::from_utf8(version).ok()?.strip_prefix("GLIBC_")?;
    let mut numbers = version.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// True for a section of an ELF file that is in memory when the file is loaded; it cannot be left out.
fn is_loaded(flags: object::SectionFlags) -> bool {
    match flags {
        object::SectionFlags::Elf { sh_flags, .. } => sh_flags.contains(object::elf::SHF_ALLOC),
        _ => false,
    }
}

/// True for what `strip` leaves out.
fn is_table(name: &str) -> bool {
    let debug = [".debug_", ".zdebug_", "__debug_", ".stab"];
    matches!(name, ".symtab" | ".strtab") || debug.iter().any(|prefix| name.starts_with(prefix))
}
