//! Programs and shared libraries: what a file offers to others, what it asks of them, and what runs when it is loaded.
//!
//! Reads the dynamic symbol table with its versions (gABI, "Symbol Table"; LSB, "Symbol Versioning"), the dynamic section
//! and, where it was kept, the full symbol table. Never resolves a name.

use std::collections::BTreeSet;

use object::Endianness;
use object::SymbolIndex;
use object::elf;
use object::read::elf::{
    Dyn as _, FileHeader, ProgramHeader as _, SectionHeader as _, Sym as _, VersionTable,
};

use super::elf::{Class, Elf32, Elf64, File, Section, class, open};
use super::object::Variable;
use super::{Binding, Constants, Fault, Home, Machine, Symbol, SymbolKind};

/// What kind of file it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImageKind {
    /// A program at a fixed address.
    FixedProgram,
    /// A program that can be loaded anywhere.
    Program,
    /// A shared library or module.
    #[default]
    Library,
}

impl ImageKind {
    /// The kind in words.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            ImageKind::FixedProgram => "program at a fixed address",
            ImageKind::Program => "program",
            ImageKind::Library => "shared object",
        }
    }
}

/// A program or shared library, borrowed from its bytes.
#[derive(Clone, Debug, Default)]
pub struct Image<'a> {
    /// What it is compiled for.
    pub machine: Machine,
    /// What kind of file it is.
    pub kind: ImageKind,
    /// The name that others need it by.
    pub soname: Option<&'a str>,
    /// Libraries that it needs, in their order.
    pub needed: Vec<&'a str>,
    /// Directories to look for those in first; `$ORIGIN` is the file's own.
    pub runpath: Vec<&'a str>,
    /// What it offers.
    pub exports: Vec<Export<'a>>,
    /// What it asks for.
    pub undefined: Vec<Undefined<'a>>,
    /// Functions that run when it is loaded.
    pub constructors: u64,
    /// All symbols are looked up when it is loaded.
    pub binds_now: bool,
    /// The loader has to change its code.
    pub text_relocations: bool,
    /// It has no full symbol table.
    pub is_stripped: bool,
    /// Bytes that can change while it runs.
    pub state: u64,
}

/// A name that a file offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Export<'a> {
    /// The name.
    pub name: &'a str,
    /// Its version.
    pub version: Option<&'a str>,
    /// Whether it is the version that linkers take.
    pub is_default: bool,
    /// What it is.
    pub kind: SymbolKind,
    /// Whether another definition goes before it at link time.
    pub is_weak: bool,
    /// Bytes.
    pub size: u64,
}

/// A name that a file asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undefined<'a> {
    /// The name.
    pub name: &'a str,
    /// The version that was there at link time.
    pub version: Option<&'a str>,
    /// The library that had it then.
    pub library: Option<&'a str>,
    /// Whether it may as well be nowhere.
    pub is_weak: bool,
    /// What it is, as far as the file knows.
    pub kind: SymbolKind,
}

/// Names of functions that a host looks up in a module that it loads: how they begin, and whose they are.
const INIT_FUNCTIONS: &[(&str, &str)] = &[
    ("PyInit_", "CPython"),
    ("napi_register_module_v", "Node.js"),
    ("luaopen_", "Lua"),
    ("get_module", "PHP"),
    ("boot_", "Perl"),
    ("Init_", "Ruby"),
    ("anymod_init_", "a host of your own"),
];

impl<'a> Image<'a> {
    /// Whether a name is among the exports.
    #[must_use]
    pub fn offers(&self, name: &str) -> bool {
        self.exports.iter().any(|export| export.name == name)
    }

    /// Exported functions that a host looks up by name in a module.
    pub fn init_functions(&self) -> impl Iterator<Item = &'a str> {
        self.exports.iter().map(|export| export.name).filter(|name| is_init_function(name))
    }
}

/// Whether a host looks a name up in its modules.
#[must_use]
pub fn is_init_function(name: &str) -> bool {
    INIT_FUNCTIONS.iter().any(|(start, _)| match name.strip_prefix(start) {
        Some("") => !start.ends_with('_'),
        Some(_) => start.ends_with(['_', 'v']),
        None => false,
    })
}

/// Reads a program or shared library of either class and byte order. One that has lost its section headers has to get them back
/// first ([`segments`](super::segments)).
///
/// # Errors
/// If it is damaged, with an offset, or no such file.
pub fn read(data: &[u8]) -> Result<Image<'_>, Fault> {
    if !data.starts_with(b"\x7fELF") {
        return Err(Fault::new("not an ELF file", 0));
    }
    match class(data)? {
        Class::Elf32 => read_class::<Elf32>(data),
        Class::Elf64 => read_class::<Elf64>(data),
    }
}

/// Reads only what the dynamic section says, without symbols.
///
/// # Errors
/// As for [`read`].
pub fn read_dynamic(data: &[u8]) -> Result<Image<'_>, Fault> {
    fn read_class<E: FileHeader<Endian = Endianness>>(data: &[u8]) -> Result<Image<'_>, Fault> {
        let file: File<'_, E> = open(data)?;
        let mut image = Image { machine: file.machine(), ..Image::default() };
        image.kind = kind(&file)?;
        dynamic(&file, &mut image)?;
        Ok(image)
    }
    if !data.starts_with(b"\x7fELF") {
        return Err(Fault::new("not an ELF file", 0));
    }
    match class(data)? {
        Class::Elf32 => read_class::<Elf32>(data),
        Class::Elf64 => read_class::<Elf64>(data),
    }
}

fn read_class<E: FileHeader<Endian = Endianness>>(data: &[u8]) -> Result<Image<'_>, Fault> {
    let file: File<'_, E> = open(data)?;
    let sections = file.headers()?;
    if sections.len() < 2 {
        let table = file.header.e_shoff(file.endian).into();
        return Err(Fault::new("there are no section headers", table));
    }
    let mut image = Image { machine: file.machine(), ..Image::default() };
    image.is_stripped = !sections.iter().any(|section| section.kind == elf::SHT_SYMTAB.0);
    let state = sections.iter().filter(|section| section.is_state()).map(|section| section.size);
    image.state = state.fold(0, u64::saturating_add);
    image.kind = kind(&file)?;
    dynamic(&file, &mut image)?;
    let versions = sections.iter().find(|section| section.kind == elf::SHT_GNU_VERSYM.0);
    let offset = versions.map_or(0, |section| section.offset);
    let versions = file.sections.versions(file.endian, data);
    let versions = versions.map_err(|error| File::<E>::fault("versions", error, offset))?;
    let symbols = file.symbols(elf::SHT_DYNSYM)?;
    let is_shared = |entry: &E::Sym| !entry.is_local();
    let is_asked = |entry: &E::Sym| is_shared(entry) && entry.is_undefined(file.endian);
    let asked = symbols.count(is_asked);
    image.undefined.reserve_exact(asked);
    image.exports.reserve_exact(symbols.count(is_shared).saturating_sub(asked));
    symbols.each(is_shared, |symbol| {
        take(&mut image, &symbol, versions.as_ref(), file.endian, offset)
    })?;
    Ok(image)
}

fn kind<E: FileHeader<Endian = Endianness>>(file: &File<'_, E>) -> Result<ImageKind, Fault> {
    let table = file.header.e_phoff(file.endian).into();
    let segments = file.header.program_headers(file.endian, file.data);
    let segments = segments.map_err(|error| File::<E>::fault("program headers", error, table))?;
    let has = |kind| segments.iter().any(|segment| segment.p_type(file.endian) == kind);
    Ok(match file.header.e_type(file.endian) {
        elf::ET_EXEC => ImageKind::FixedProgram,
        _ if has(elf::PT_INTERP) => ImageKind::Program,
        _ => ImageKind::Library,
    })
}

fn dynamic<'a, E: FileHeader<Endian = Endianness>>(
    file: &File<'a, E>,
    image: &mut Image<'a>,
) -> Result<(), Fault> {
    let header = file.sections.iter().find(|s| s.sh_type(file.endian) == elf::SHT_DYNAMIC);
    // Detached debug information keeps the headers of sections whose bytes it does not have.
    let Some(header) = header else { return Ok(()) };
    let offset = header.sh_offset(file.endian).into();
    let fault = |error| File::<E>::fault("dynamic section", error, offset);
    let table = file.sections.dynamic_table(file.endian, file.data).map_err(fault)?;
    let word = if image.machine.is_64 { 8 } else { 4 };
    for entry in table.dynamics() {
        let tag = entry.d_tag(file.endian);
        let value: u64 = entry.d_val(file.endian).into();
        let text = || {
            let index = u32::try_from(value).unwrap_or(u32::MAX);
            let bytes = table.strings().get(index);
            let bytes =
                bytes.map_err(|()| Fault::new("damaged dynamic section: a name", offset))?;
            std::str::from_utf8(bytes)
                .map_err(|_| Fault::new("a library's name is no text", offset))
        };
        match tag {
            elf::DT_NULL => break,
            elf::DT_NEEDED => image.needed.push(text()?),
            elf::DT_SONAME => image.soname = Some(text()?),
            elf::DT_RUNPATH | elf::DT_RPATH => {
                image.runpath = text()?.split(':').filter(|path| !path.is_empty()).collect();
            }
            elf::DT_INIT => image.constructors = image.constructors.saturating_add(1),
            elf::DT_INIT_ARRAYSZ => {
                image.constructors = image.constructors.saturating_add(value / word);
            }
            elf::DT_TEXTREL => image.text_relocations = true,
            elf::DT_BIND_NOW => image.binds_now = true,
            elf::DT_FLAGS => {
                // DF_TEXTREL and DF_BIND_NOW.
                image.text_relocations |= value & 4 != 0;
                image.binds_now |= value & 8 != 0;
            }
            // DF_1_NOW.
            elf::DT_FLAGS_1 => image.binds_now |= value & 1 != 0,
            _ => {}
        }
    }
    Ok(())
}

fn take<'a, E: FileHeader<Endian = Endianness>>(
    image: &mut Image<'a>,
    symbol: &Symbol<'a>,
    versions: Option<&VersionTable<'a, E>>,
    endian: Endianness,
    offset: u64,
) -> Result<(), Fault> {
    let (mut version, mut library, mut is_default) = (None, None, true);
    if let Some(versions) = versions {
        let index = versions.version_index(endian, SymbolIndex(symbol.index as usize));
        is_default = !index.is_hidden();
        let fault = |error| File::<E>::fault("versions", error, offset);
        let text = |bytes: &'a [u8]| {
            std::str::from_utf8(bytes).map_err(|_| Fault::new("a version is no text", offset))
        };
        if let Some(found) = versions.version(index.index()).map_err(fault)? {
            version = Some(text(found.name())?);
            library = found.file().map(text).transpose()?;
        }
    }
    if symbol.is_undefined() {
        image.undefined.push(Undefined {
            name: symbol.name,
            version,
            library,
            is_weak: symbol.binding == Binding::Weak,
            kind: symbol.kind,
        });
    } else if symbol.visibility.is_exportable()
        // Each version has a symbol of its own, which nobody looks up.
        && !(symbol.home == Home::Absolute && version == Some(symbol.name))
    {
        image.exports.push(Export {
            name: symbol.name,
            version,
            is_default,
            kind: symbol.kind,
            is_weak: symbol.binding == Binding::Weak,
            size: symbol.size,
        });
    }
    Ok(())
}

/// The names that a file's dynamic relocations look up.
///
/// # Errors
/// If it is damaged, with an offset.
pub fn looked_up(data: &[u8]) -> Result<BTreeSet<&str>, Fault> {
    match class(data)? {
        Class::Elf32 => looked_up_class::<Elf32>(data),
        Class::Elf64 => looked_up_class::<Elf64>(data),
    }
}

fn looked_up_class<E: FileHeader<Endian = Endianness>>(
    data: &[u8],
) -> Result<BTreeSet<&str>, Fault> {
    let file: File<'_, E> = open(data)?;
    let sections = file.headers()?;
    let symbols = file.symbols(elf::SHT_DYNSYM)?.list(|_| true)?;
    let mut names = BTreeSet::new();
    for (header, section) in file.sections.iter().zip(&sections) {
        let is_table = section.kind == elf::SHT_REL.0 || section.kind == elf::SHT_RELA.0;
        if !is_table || !section.is_loaded() {
            continue;
        }
        file.relocations_of(header, |relocation| {
            let found = symbols.binary_search_by_key(&relocation.symbol, |symbol| symbol.index);
            if let Some(symbol) = found.ok().and_then(|at| symbols.get(at)) {
                names.insert(symbol.name);
            }
        })?;
    }
    Ok(names)
}

/// What an image holds besides its dynamic symbols: found only when asked for, because it takes reading all of it.
#[derive(Clone, Debug, Default)]
pub struct Inside<'a> {
    /// Constants, a section each.
    pub constants: Vec<Constants<'a>>,
    /// Names of functions and variables of the full symbol table, those of the file alone among them; none if it is stripped.
    pub symbols: Vec<&'a str>,
    /// Variables of the full symbol table that can change, with the source of those that only it knows.
    pub variables: Vec<(Variable<'a>, Option<&'a str>)>,
}

/// Reads what an image holds.
///
/// # Errors
/// If it is damaged, with an offset.
pub fn inside(data: &[u8]) -> Result<Inside<'_>, Fault> {
    match class(data)? {
        Class::Elf32 => inside_class::<Elf32>(data),
        Class::Elf64 => inside_class::<Elf64>(data),
    }
}

fn inside_class<E: FileHeader<Endian = Endianness>>(data: &[u8]) -> Result<Inside<'_>, Fault> {
    let file: File<'_, E> = open(data)?;
    let sections = file.headers()?;
    let mut inside = Inside::default();
    for (index, section) in sections.iter().enumerate() {
        if section.name.starts_with(".rodata") && section.is_loaded() {
            inside.constants.push(file.constants(index, section)?);
        }
    }
    let mut source = None;
    file.symbols(elf::SHT_SYMTAB)?.each(
        |_| true,
        |symbol| {
            if symbol.kind == SymbolKind::Source {
                source = Some(symbol.name).filter(|name| !name.is_empty());
            }
            let Home::Section(index) = symbol.home else { return Ok(()) };
            if !matches!(symbol.kind, SymbolKind::Function | SymbolKind::Object) {
                return Ok(());
            }
            inside.symbols.push(symbol.name);
            let is_state = sections.get(index as usize).is_some_and(Section::is_state);
            if is_state && symbol.kind == SymbolKind::Object && symbol.size > 0 {
                let source = source.filter(|_| symbol.binding == Binding::Local);
                inside.variables.push((Variable { name: symbol.name, size: symbol.size }, source));
            }
            Ok(())
        },
    )?;
    Ok(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_elf_file_is_an_error() {
        assert!(read(b"").is_err());
        assert!(read(b"\x7fELF\x02\x01\x01").is_err());
        assert!(read(b"\0asm\x01\0\0\0").is_err());
    }

    #[test]
    fn hosts_look_modules_up_by_their_names() {
        assert!(is_init_function("PyInit_zlib") && !is_init_function("PyInit_"));
        assert!(is_init_function("napi_register_module_v1") && is_init_function("get_module"));
        assert!(!is_init_function("get_module_name") && !is_init_function("inflate"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_program_tells_what_it_needs() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let image = read(&program).unwrap();
        let malloc = image.undefined.iter().find(|symbol| symbol.name == "malloc").unwrap();
        assert!(!malloc.is_weak && malloc.version.is_some());
        assert!(malloc.library.unwrap().starts_with("libc.so"));
        assert!(!image.offers("malloc"));
        assert!(image.needed.iter().any(|name| name.starts_with("libc.so")));
    }
}
