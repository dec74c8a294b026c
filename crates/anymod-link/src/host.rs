//! Shared libraries of ELF hosts: what a file offers to others and what it asks of them.
//!
//! Owns reading the dynamic symbol table with its versions (gABI, "Symbol Table"; LSB, "Symbol Versioning"). Never
//! resolves a name, never loads anything.

use std::collections::BTreeSet;

use object::elf::FileHeader64;
use object::read::elf::{ElfFile, FileHeader};
use object::{Endianness, Object as _, ObjectSymbol as _};

/// The dynamic symbols of a shared library or a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SharedLibrary<'a> {
    /// Names that others can use.
    pub exports: BTreeSet<&'a str>,
    /// Names that it needs from others.
    pub imports: BTreeSet<Import<'a>>,
}

/// A name that a library needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import<'a> {
    /// The name.
    pub name: &'a str,
    /// It may as well be nowhere.
    pub weak: bool,
    /// A library that had it, with a version, was there when this one was linked.
    pub versioned: bool,
}

/// Reads a 64-bit ELF file; none if it is something else, or damaged.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<SharedLibrary<'_>> {
    symbols(&ElfFile::<FileHeader64<Endianness>>::parse(bytes).ok()?)
}

fn symbols<'a, Elf: FileHeader>(file: &ElfFile<'a, Elf>) -> Option<SharedLibrary<'a>> {
    let (endian, header) = (file.endian(), file.elf_section_table());
    let versions = header.versions(endian, file.data()).ok()?;
    let mut library = SharedLibrary::default();
    for symbol in file.dynamic_symbols() {
        let name = symbol.name().ok()?;
        if name.is_empty() || symbol.is_local() {
            continue;
        }
        if symbol.is_undefined() {
            let version =
                versions.as_ref().map(|known| known.version_index(endian, symbol.index()));
            let versioned = version.is_some_and(|version| !version.index().is_special());
            library.imports.insert(Import { name, weak: symbol.is_weak(), versioned });
        } else {
            library.exports.insert(name);
        }
    }
    Some(library)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_elf_file_is_nothing() {
        assert_eq!(read(b""), None);
        assert_eq!(read(b"\x7fELF\x02\x01\x01"), None);
        assert_eq!(read(b"\0asm\x01\0\0\0"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_program_tells_what_it_needs() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let library = read(&program).unwrap();
        let malloc = library.imports.iter().find(|import| import.name == "malloc").unwrap();
        assert!(!malloc.weak);
        assert!(!library.exports.contains("malloc"));
    }
}
