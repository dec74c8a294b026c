//! Changing symbols of an object in its bytes, without writing the object anew: names, visibility, binding.
//!
//! A symbol that becomes local has to stand before all global ones (gABI, "Symbol Table": `sh_info`), so that the table gets
//! another order, and everything that names symbols by number follows: relocations, groups, the table of large section
//! numbers. New names stand behind the old ones in a copy of the string table at the end of the file.

use object::Endianness;
use object::elf;
use object::read::elf::{FileHeader, SectionHeader as _};

use crate::host::Fault;
use crate::host::elf::{Class, Elf32, Elf64, File, class, open};

/// A change of the symbol at an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Becomes the object's own.
    Localize(usize),
    /// Gets default visibility.
    Show(usize),
    /// Gets another name.
    Rename(usize, String),
}

/// `SHT_LLVM_ADDRSIG`: numbers of symbols whose address matters, in a form that cannot be patched. Without it a linker takes
/// all to matter.
const ADDRESS_SIGNIFICANCE: u32 = 0x6fff_4c03;
/// `SHT_CREL`: compressed relocations.
const COMPRESSED_RELOCATIONS: u32 = 0x4000_0014;

/// The object with changes made.
///
/// # Errors
/// If the object is damaged, or of a form that is not known.
pub(super) fn apply(data: &[u8], changes: &[Change]) -> Result<Vec<u8>, Fault> {
    match class(data)? {
        Class::Elf32 => apply_class::<Elf32>(data, changes),
        Class::Elf64 => apply_class::<Elf64>(data, changes),
    }
}

/// Where fields are in the structures of a class: offset and width.
struct Fields {
    section: u64,
    section_size: (u64, usize),
    section_offset: (u64, usize),
    section_info: (u64, usize),
    symbol: u64,
    symbol_info: u64,
    symbol_other: u64,
}

const FIELDS_32: Fields = Fields {
    section: 40,
    section_size: (20, 4),
    section_offset: (16, 4),
    section_info: (28, 4),
    symbol: 16,
    symbol_info: 12,
    symbol_other: 13,
};

const FIELDS_64: Fields = Fields {
    section: 64,
    section_size: (32, 8),
    section_offset: (24, 8),
    section_info: (44, 4),
    symbol: 24,
    symbol_info: 4,
    symbol_other: 5,
};

/// An object's bytes that change.
struct Patch {
    bytes: Vec<u8>,
    is_big_endian: bool,
}

impl Patch {
    fn put(&mut self, offset: u64, width: usize, value: u64) -> Result<(), Fault> {
        let little = value.to_le_bytes();
        let big = value.to_be_bytes();
        let bytes = match self.is_big_endian {
            true => big.get(8 - width.min(8)..),
            false => little.get(..width),
        };
        let slot = usize::try_from(offset)
            .ok()
            .and_then(|start| self.bytes.get_mut(start..start.checked_add(width)?));
        match (slot, bytes) {
            (Some(slot), Some(bytes)) => slot.copy_from_slice(bytes),
            _ => return Err(Fault::new("a field lies outside the file", offset)),
        }
        Ok(())
    }

    fn take(&self, offset: u64, width: u64) -> Result<Vec<u8>, Fault> {
        let range = || {
            let start = usize::try_from(offset).ok()?;
            self.bytes.get(start..start.checked_add(usize::try_from(width).ok()?)?)
        };
        range().map(<[u8]>::to_vec).ok_or_else(|| Fault::new("a table is cut off", offset))
    }
}

fn apply_class<E: FileHeader<Endian = Endianness>>(
    data: &[u8],
    changes: &[Change],
) -> Result<Vec<u8>, Fault> {
    let file: File<'_, E> = open(data)?;
    let fields = if file.machine().is_64 { FIELDS_64 } else { FIELDS_32 };
    let mut patch = Patch { bytes: data.to_vec(), is_big_endian: file.machine().is_big_endian };
    let mut tables =
        file.sections.enumerate().filter(|(_, s)| s.sh_type(file.endian) == elf::SHT_SYMTAB);
    let (number, table) =
        tables.next().ok_or_else(|| Fault::new("the object has no symbol table", 0))?;
    let start: u64 = table.sh_offset(file.endian).into();
    let at = |index: usize| start + index as u64 * fields.symbol;
    for change in changes {
        match change {
            // Bits 0 and 1 of `st_other`; the others belong to the machine.
            Change::Show(index) => {
                let offset = at(*index) + fields.symbol_other;
                let old = patch.take(offset, 1)?;
                patch.put(offset, 1, u64::from(old.first().copied().unwrap_or(0) & !3))?;
            }
            // The upper half of `st_info` is the binding; visibility means nothing to a local symbol.
            Change::Localize(index) => {
                let offset = at(*index) + fields.symbol_info;
                let old = patch.take(offset, 1)?;
                patch.put(offset, 1, u64::from(old.first().copied().unwrap_or(0) & 0xf))?;
                let offset = at(*index) + fields.symbol_other;
                let old = patch.take(offset, 1)?;
                patch.put(offset, 1, u64::from(old.first().copied().unwrap_or(0) & !3))?;
            }
            Change::Rename(..) => {}
        }
    }
    rename(&file, &fields, table.sh_link(file.endian), start, changes, &mut patch)?;
    if changes.iter().any(|change| matches!(change, Change::Localize(_))) {
        reorder(&file, &fields, number.0, start, &mut patch)?;
    }
    Ok(patch.bytes)
}

/// Appends a string table with the new names.
fn rename<E: FileHeader<Endian = Endianness>>(
    file: &File<'_, E>,
    fields: &Fields,
    strings: u32,
    symbols: u64,
    changes: &[Change],
    patch: &mut Patch,
) -> Result<(), Fault> {
    if !changes.iter().any(|change| matches!(change, Change::Rename(..))) {
        return Ok(());
    }
    let mut texts = file.bytes(strings as usize)?.to_vec();
    for change in changes {
        if let Change::Rename(index, name) = change {
            patch.put(symbols + *index as u64 * fields.symbol, 4, texts.len() as u64)?;
            texts.extend(name.as_bytes());
            texts.push(0);
        }
    }
    let table: u64 = file.header.e_shoff(file.endian).into();
    let header = table + u64::from(strings) * fields.section;
    let offset = patch.bytes.len() as u64;
    patch.put(header + fields.section_offset.0, fields.section_offset.1, offset)?;
    patch.put(header + fields.section_size.0, fields.section_size.1, texts.len() as u64)?;
    patch.bytes.extend(texts);
    Ok(())
}

/// Puts local symbols before all others, and has everything that names symbols by number follow.
fn reorder<E: FileHeader<Endian = Endianness>>(
    file: &File<'_, E>,
    fields: &Fields,
    table: usize,
    start: u64,
    patch: &mut Patch,
) -> Result<(), Fault> {
    let count = file
        .sections
        .symbols(file.endian, file.data, elf::SHT_SYMTAB)
        .map_err(|error| File::<E>::fault("symbol table", error, start))?
        .len();
    let old = patch.take(start, count as u64 * fields.symbol)?;
    let width = usize::try_from(fields.symbol).unwrap_or_default().max(1);
    let rows: Vec<&[u8]> = old.chunks_exact(width).collect();
    let info = usize::try_from(fields.symbol_info).unwrap_or_default();
    let is_local = |number: &usize| {
        rows.get(*number).and_then(|row| row.get(info)).is_some_and(|info| info >> 4 == 0)
    };
    let (locals, others): (Vec<usize>, Vec<usize>) = (0..count).partition(is_local);
    let order: Vec<usize> = locals.iter().chain(&others).copied().collect();
    let mut places = vec![0_u64; count];
    for (new, old) in order.iter().enumerate() {
        if let Some(place) = places.get_mut(*old) {
            *place = new as u64;
        }
        let row = rows.get(*old).copied().unwrap_or_default();
        let offset = usize::try_from(start).unwrap_or_default() + new * width;
        if let Some(slot) = patch.bytes.get_mut(offset..offset + width) {
            slot.copy_from_slice(row);
        }
    }
    let headers: u64 = file.header.e_shoff(file.endian).into();
    let info = |section: usize| headers + section as u64 * fields.section + fields.section_info.0;
    patch.put(info(table), 4, locals.len() as u64)?;
    for (number, section) in file.sections.enumerate() {
        let offset: u64 = section.sh_offset(file.endian).into();
        match section.sh_type(file.endian) {
            elf::SHT_GROUP => {
                let signature = section.sh_info(file.endian) as usize;
                let place = places.get(signature).copied().unwrap_or(0);
                patch.put(info(number.0), 4, place)?;
            }
            elf::SHT_SYMTAB_SHNDX => {
                let old = patch.take(offset, count as u64 * 4)?;
                let words: Vec<&[u8]> = old.chunks_exact(4).collect();
                for (new, old) in order.iter().enumerate() {
                    let word = words.get(*old).copied().unwrap_or_default();
                    let at = usize::try_from(offset).unwrap_or_default() + new * 4;
                    if let Some(slot) = patch.bytes.get_mut(at..at + 4) {
                        slot.copy_from_slice(word);
                    }
                }
            }
            elf::SHT_REL | elf::SHT_RELA => follow(file, section, &places, patch)?,
            elf::SectionType(COMPRESSED_RELOCATIONS) => {
                return Err(Fault::new("compressed relocations cannot be changed", offset));
            }
            elf::SectionType(ADDRESS_SIGNIFICANCE) => {
                let header = headers + number.0 as u64 * fields.section;
                patch.put(header + fields.section_size.0, fields.section_size.1, 0)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Has relocations name symbols by their new numbers.
fn follow<E: FileHeader<Endian = Endianness>>(
    file: &File<'_, E>,
    section: &E::SectionHeader,
    places: &[u64],
    patch: &mut Patch,
) -> Result<(), Fault> {
    let offset: u64 = section.sh_offset(file.endian).into();
    if file.header.is_mips64el(file.endian) {
        return Err(Fault::new("relocations of little-endian MIPS cannot be changed", offset));
    }
    let is_64 = file.machine().is_64;
    let has_addends = section.sh_type(file.endian) == elf::SHT_RELA;
    let word = if is_64 { 8 } else { 4 };
    let step = word * if has_addends { 3 } else { 2 };
    let size: u64 = section.sh_size(file.endian).into();
    for row in 0..size / step {
        let at = offset + row * step + word;
        let bytes = patch.take(at, word)?;
        let old = match patch.is_big_endian {
            true => bytes.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte)),
            false => bytes.iter().rev().fold(0_u64, |value, byte| value << 8 | u64::from(*byte)),
        };
        let (symbol, kind) =
            if is_64 { (old >> 32, old & 0xffff_ffff) } else { (old >> 8, old & 0xff) };
        let place = usize::try_from(symbol).ok().and_then(|symbol| places.get(symbol)).copied();
        let place = place.ok_or_else(|| Fault::new("a relocation names no symbol", at))?;
        let new = if is_64 { place << 32 | kind } else { place << 8 | kind };
        patch.put(at, usize::try_from(word).unwrap_or(8), new)?;
    }
    Ok(())
}

/// Names of symbols are looked at here only in tests.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::object;
    use ::object::write::{Object, Symbol, SymbolSection};
    use ::object::{Architecture, BinaryFormat, SymbolFlags, SymbolKind, SymbolScope};

    fn sample(architecture: Architecture, endian: Endianness) -> Vec<u8> {
        let mut object = Object::new(BinaryFormat::Elf, architecture, endian);
        let text = object.section_id(::object::write::StandardSection::Text);
        object.append_section_data(text, &[0; 64], 16);
        for name in ["one", "two", "three"] {
            object.add_symbol(Symbol {
                name: name.as_bytes().to_vec(),
                value: 0,
                size: 8,
                kind: SymbolKind::Text,
                scope: SymbolScope::Linkage,
                weak: false,
                section: SymbolSection::Section(text),
                flags: SymbolFlags::None,
            });
        }
        object.write().unwrap()
    }

    #[test]
    fn symbols_change_in_both_classes_and_byte_orders() {
        for (architecture, endian) in [
            (Architecture::X86_64, Endianness::Little),
            (Architecture::I386, Endianness::Little),
            (Architecture::PowerPc64, Endianness::Big),
            (Architecture::Mips, Endianness::Big),
        ] {
            let bytes = sample(architecture, endian);
            let before = object::read(&bytes).unwrap();
            let index =
                |name: &str| before.symbols.iter().find(|s| s.name == name).unwrap().index as usize;
            let changes = [
                Change::Localize(index("three")),
                Change::Show(index("one")),
                Change::Rename(index("two"), "a_longer_name".to_owned()),
            ];
            let changed = apply(&bytes, &changes).unwrap();
            let after = object::read(&changed).unwrap();
            let mut names: Vec<(&str, bool)> =
                after.symbols.iter().map(|s| (s.name, s.visibility.is_exportable())).collect();
            names.sort_unstable();
            assert_eq!(names, [("a_longer_name", false), ("one", true)], "{architecture:?}");
            assert!(before.symbols.iter().all(|s| !s.visibility.is_exportable()));
        }
    }
}
