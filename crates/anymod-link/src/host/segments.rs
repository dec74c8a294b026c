//! Programs and shared libraries that have lost their section headers (`llvm-strip --strip-sections`, `sstrip`, packers): loaders
//! need none, so that everything is still in the segments.
//!
//! What the dynamic segment tells (gABI, "Dynamic Section"; LSB, "Symbol Versioning") is written down as section headers behind
//! a copy of the file, for the readers of files that have them. Nothing else of the file changes.

use object::Endianness;
use object::elf;
use object::read::elf::{Dyn as _, FileHeader, GnuHashTable, HashTable, ProgramHeader as _};

use super::Fault;
use super::elf::{Class, Elf32, Elf64, class};

/// The file with section headers; none if it has some, or is no program or shared library.
///
/// # Errors
/// If its headers are damaged, with an offset.
pub fn with_sections(data: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
    if !data.starts_with(b"\x7fELF") {
        return Ok(None);
    }
    match class(data)? {
        Class::Elf32 => restored::<Elf32>(data),
        Class::Elf64 => restored::<Elf64>(data),
    }
}

/// A section header to be written, as the gABI has it; addresses are offsets in the file.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    name: &'static str,
    kind: elf::SectionType,
    flags: u64,
    offset: u64,
    size: u64,
    link: u32,
    info: u32,
    align: u64,
    entry: u64,
}

/// What the dynamic segment says: addresses, and sizes where it has them.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    symbols: Option<u64>,
    strings: Option<u64>,
    strings_size: u64,
    hash: Option<u64>,
    gnu_hash: Option<u64>,
    versions: Option<u64>,
    defined: Option<u64>,
    defined_count: u64,
    needed: Option<u64>,
    needed_count: u64,
    /// `DT_RELA`, `DT_REL`, `DT_JMPREL`.
    relocations: [Option<u64>; 3],
    relocations_size: [u64; 3],
    jump_kind: u64,
}

/// What compilers align tables of constants to, at most: those of a segment begin at a multiple of it.
const ALIGN: u64 = 32;

/// Numbers of the first rows.
const SYMBOLS: u32 = 1;
const STRINGS: u32 = 2;

/// A file by its segments.
struct Segments<'a, E: FileHeader<Endian = Endianness>> {
    header: &'a E,
    endian: Endianness,
    rows: &'a [E::ProgramHeader],
    data: &'a [u8],
}

fn restored<E: FileHeader<Endian = Endianness>>(data: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
    let fault = |error: object::read::Error, offset: u64| {
        Fault::new(format!("damaged ELF file: {}", error.to_string().to_lowercase()), offset)
    };
    let header = E::parse(data).map_err(|error| fault(error, 0))?;
    let endian = header.endian().map_err(|error| fault(error, 5))?;
    let is_image = matches!(header.e_type(endian), elf::ET_EXEC | elf::ET_DYN);
    if !is_image || header.e_shnum(endian) != 0 || header.e_shoff(endian).into() != 0 {
        return Ok(None);
    }
    let table = header.e_phoff(endian).into();
    let rows = header.program_headers(endian, data).map_err(|error| fault(error, table))?;
    let file = Segments { header, endian, rows, data };
    Ok(Some(file.written(&file.sections()?)))
}

impl<E: FileHeader<Endian = Endianness>> Segments<'_, E> {
    /// Where an address is in the file, and how many bytes follow it there.
    fn place(&self, address: u64) -> Option<(u64, u64)> {
        let loaded = self.rows.iter().filter(|row| row.p_type(self.endian) == elf::PT_LOAD);
        let mut places = loaded.filter_map(|row| {
            let start: u64 = row.p_vaddr(self.endian).into();
            let size: u64 = row.p_filesz(self.endian).into();
            let inside = address.checked_sub(start).filter(|inside| *inside < size)?;
            let offset: u64 = row.p_offset(self.endian).into();
            Some((offset.checked_add(inside)?, size - inside))
        });
        places.next()
    }

    /// The bytes from an address to the end of its segment.
    fn bytes(&self, address: u64) -> Option<&[u8]> {
        let (offset, size) = self.place(address)?;
        let start = usize::try_from(offset).ok()?;
        let rest = self.data.get(start..)?;
        Some(rest.get(..usize::try_from(size).ok()?).unwrap_or(rest))
    }

    fn sections(&self) -> Result<Vec<Row>, Fault> {
        let mut rows = vec![Row::default()];
        let dynamic = self.rows.iter().find(|row| row.p_type(self.endian) == elf::PT_DYNAMIC);
        if let Some(dynamic) = dynamic {
            let offset: u64 = dynamic.p_offset(self.endian).into();
            let entries = dynamic.dynamic(self.endian, self.data).map_err(|error| {
                Fault::new(
                    format!("damaged dynamic segment: {}", error.to_string().to_lowercase()),
                    offset,
                )
            })?;
            self.tables(&self.told(entries.unwrap_or_default()), &mut rows);
            rows.push(Row {
                name: ".dynamic",
                kind: elf::SHT_DYNAMIC,
                offset,
                size: dynamic.p_filesz(self.endian).into(),
                link: STRINGS,
                entry: size_of::<E::Dyn>() as u64,
                ..Row::default()
            });
        }
        self.contents(&mut rows);
        Ok(rows)
    }

    fn told(&self, entries: &[E::Dyn]) -> Told {
        let mut told = Told::default();
        for entry in entries {
            let value: u64 = entry.d_val(self.endian).into();
            match entry.d_tag(self.endian) {
                elf::DT_NULL => break,
                elf::DT_SYMTAB => told.symbols = Some(value),
                elf::DT_STRTAB => told.strings = Some(value),
                elf::DT_STRSZ => told.strings_size = value,
                elf::DT_HASH => told.hash = Some(value),
                elf::DT_GNU_HASH => told.gnu_hash = Some(value),
                elf::DT_VERSYM => told.versions = Some(value),
                elf::DT_VERDEF => told.defined = Some(value),
                elf::DT_VERDEFNUM => told.defined_count = value,
                elf::DT_VERNEED => told.needed = Some(value),
                elf::DT_VERNEEDNUM => told.needed_count = value,
                elf::DT_RELA => told.relocations[0] = Some(value),
                elf::DT_RELASZ => told.relocations_size[0] = value,
                elf::DT_REL => told.relocations[1] = Some(value),
                elf::DT_RELSZ => told.relocations_size[1] = value,
                elf::DT_JMPREL => told.relocations[2] = Some(value),
                elf::DT_PLTRELSZ => told.relocations_size[2] = value,
                elf::DT_PLTREL => told.jump_kind = value,
                _ => {}
            }
        }
        told
    }

    /// How many dynamic symbols there are, which only the tables that find them by name tell.
    fn count(&self, told: &Told) -> u64 {
        let hash = told.hash.and_then(|address| self.bytes(address));
        let hash = hash.and_then(|bytes| HashTable::<E>::parse(self.endian, bytes).ok());
        if let Some(hash) = hash {
            return hash.symbol_table_length().into();
        }
        let hash = told.gnu_hash.and_then(|address| self.bytes(address));
        let hash = hash.and_then(|bytes| GnuHashTable::<E>::parse(self.endian, bytes).ok());
        if let Some(length) = hash.and_then(|hash| hash.symbol_table_length(self.endian)) {
            return length.into();
        }
        // Nothing is offered. Linkers put the names behind the symbols.
        let between = told.symbols.zip(told.strings);
        let between = between.and_then(|(symbols, strings)| strings.checked_sub(symbols));
        between.unwrap_or_default() / size_of::<E::Sym>() as u64
    }

    /// The tables of dynamic linking.
    fn tables(&self, told: &Told, rows: &mut Vec<Row>) {
        let count = self.count(told);
        let table = |address: Option<u64>, size: Option<u64>, row: Row| {
            let (offset, rest) = address.and_then(|address| self.place(address))?;
            Some(Row {
                offset,
                size: size.unwrap_or(rest).min(rest),
                flags: elf::SHF_ALLOC.0,
                ..row
            })
        };
        let entry = size_of::<E::Sym>() as u64;
        let symbols = Row {
            name: ".dynsym",
            kind: elf::SHT_DYNSYM,
            link: STRINGS,
            info: 1,
            entry,
            ..Row::default()
        };
        let strings = Row { name: ".dynstr", kind: elf::SHT_STRTAB, ..Row::default() };
        let versions = Row {
            name: ".gnu.version",
            kind: elf::SHT_GNU_VERSYM,
            link: SYMBOLS,
            entry: 2,
            ..Row::default()
        };
        let number = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let defined = Row {
            name: ".gnu.version_d",
            kind: elf::SHT_GNU_VERDEF,
            link: STRINGS,
            info: number(told.defined_count),
            ..Row::default()
        };
        let needed = Row {
            name: ".gnu.version_r",
            kind: elf::SHT_GNU_VERNEED,
            info: number(told.needed_count),
            ..defined
        };
        // Both have to be there, under the numbers that others name.
        rows.push(
            table(told.symbols, Some(count.saturating_mul(entry)), symbols).unwrap_or(symbols),
        );
        rows.push(table(told.strings, Some(told.strings_size), strings).unwrap_or(strings));
        rows.extend(table(told.versions, Some(count.saturating_mul(2)), versions));
        rows.extend(table(told.defined, None, defined));
        rows.extend(table(told.needed, None, needed));
        for (number, address) in told.relocations.into_iter().enumerate() {
            let with_addends = number == 0 || number == 2 && told.jump_kind == 7;
            let (name, kind, entry) = match with_addends {
                true => (".rela.dyn", elf::SHT_RELA, size_of::<E::Rela>()),
                false => (".rel.dyn", elf::SHT_REL, size_of::<E::Rel>()),
            };
            let row = Row { name, kind, link: SYMBOLS, entry: entry as u64, ..Row::default() };
            let size = told.relocations_size.get(number).copied();
            rows.extend(table(address, size, row));
        }
    }

    /// Everything else that is loaded: what cannot change, and what can.
    fn contents(&self, rows: &mut Vec<Row>) {
        for row in self.rows.iter().filter(|row| row.p_type(self.endian) == elf::PT_LOAD) {
            let is_writable = row.p_flags(self.endian).0 & elf::PF_W.0 != 0;
            let (offset, size): (u64, u64) =
                (row.p_offset(self.endian).into(), row.p_filesz(self.endian).into());
            let start: u64 = row.p_vaddr(self.endian).into();
            let before = (start.wrapping_neg() % ALIGN).min(size);
            let constants = Row {
                name: ".rodata",
                kind: elf::SHT_PROGBITS,
                flags: elf::SHF_ALLOC.0,
                offset: offset.saturating_add(before),
                size: size - before,
                align: ALIGN,
                ..Row::default()
            };
            rows.push(match is_writable {
                false => constants,
                true => Row {
                    name: ".data",
                    kind: elf::SHT_NOBITS,
                    flags: elf::SHF_ALLOC.0 | elf::SHF_WRITE.0,
                    size: self.state(row),
                    ..constants
                },
            });
        }
    }

    /// The bytes of a segment that stay writable once the file is relocated.
    fn state(&self, segment: &E::ProgramHeader) -> u64 {
        let range = |row: &E::ProgramHeader| {
            let start: u64 = row.p_vaddr(self.endian).into();
            (start, start.saturating_add(row.p_memsz(self.endian).into()))
        };
        let (start, end) = range(segment);
        let kinds = self.rows.iter().filter(|row| row.p_type(self.endian) == elf::PT_GNU_RELRO);
        let protected = kinds.map(|row| {
            let (from, to) = range(row);
            to.min(end).saturating_sub(from.max(start))
        });
        (end - start).saturating_sub(protected.fold(0, u64::saturating_add))
    }

    /// The file with the headers and their names behind it.
    fn written(&self, rows: &[Row]) -> Vec<u8> {
        let is_64 = self.header.is_class_64();
        let mut bytes = self.data.to_vec();
        let names = bytes.len() as u64;
        let mut last =
            Row { name: ".shstrtab", kind: elf::SHT_STRTAB, offset: names, ..Row::default() };
        let mut places = Vec::new();
        for row in rows.iter().chain([&last]) {
            places.push(bytes.len() as u64 - names);
            bytes.extend(row.name.as_bytes());
            bytes.push(0);
        }
        last.size = bytes.len() as u64 - names;
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        let table = bytes.len() as u64;
        let word = if is_64 { 8 } else { 4 };
        for (row, name) in rows.iter().chain([&last]).zip(&places) {
            let fields = [
                (*name, 4),
                (row.kind.0.into(), 4),
                (row.flags, word),
                (0, word),
                (row.offset, word),
                (row.size, word),
                (row.link.into(), 4),
                (row.info.into(), 4),
                (row.align.max(1), word),
                (row.entry, word),
            ];
            for (value, width) in fields {
                bytes.extend(self.number(value, width));
            }
        }
        // `e_shoff`, `e_shentsize`, `e_shnum`, `e_shstrndx`.
        let (offset, size, count) = if is_64 { (40, 58, 64) } else { (32, 46, 40) };
        let patches = [
            (offset, table, word),
            (size, count, 2),
            (size + 2, rows.len() as u64 + 1, 2),
            (size + 4, rows.len() as u64, 2),
        ];
        for (at, value, width) in patches {
            if let Some(slot) = bytes.get_mut(at..at + width) {
                slot.copy_from_slice(&self.number(value, width));
            }
        }
        bytes
    }

    /// A number of so many bytes in the file's order.
    fn number(&self, value: u64, width: usize) -> Vec<u8> {
        match self.header.is_big_endian() {
            true => value.to_be_bytes().into_iter().skip(8 - width.min(8)).collect(),
            false => value.to_le_bytes().into_iter().take(width).collect(),
        }
    }
}
