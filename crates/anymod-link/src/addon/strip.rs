//! Leaving out of an ELF library what only linkers and debuggers read.
//!
//! Linkers put everything that is loaded first, then the rest, then the table of sections. What is kept of the rest is
//! moved down, and the table is written anew. A file that is laid out otherwise stays as it is.

use object::elf::{FileHeader64, SHF_ALLOC, SHT_NOBITS, SHT_NULL, SHT_STRTAB, SectionHeader64};
use object::read::elf::{FileHeader as _, ProgramHeader as _, SectionHeader as _};
use object::{Endianness, pod};

use super::is_table;

/// The library without symbol tables and debug information; none if it is no ELF library of the usual layout.
#[must_use]
pub fn strip(bytes: &[u8]) -> Option<Vec<u8>> {
    let header = FileHeader64::<Endianness>::parse(bytes).ok()?;
    let endian = header.endian().ok()?;
    let sections = header.section_headers(endian, bytes).ok()?;
    let table = header.sections(endian, bytes).ok()?;
    let names = header.shstrndx(endian, bytes).ok()? as usize;
    let loaded = |section: &SectionHeader64<Endianness>| {
        section.sh_type(endian) == SHT_NULL || section.sh_flags(endian).contains(SHF_ALLOC)
    };
    let last = sections.iter().rposition(&loaded)?;
    if !sections.iter().take(last + 1).all(&loaded) || names <= last {
        return None;
    }
    let segments = header.program_headers(endian, bytes).ok()?;
    let ends = segments
        .iter()
        .map(|segment| segment.file_range(endian))
        .map(|(at, size)| at.saturating_add(size));
    let in_sections =
        sections.iter().take(last + 1).filter(|section| section.sh_type(endian) != SHT_NOBITS);
    let ends = ends.chain(
        in_sections
            .map(|section| section.sh_offset(endian).saturating_add(section.sh_size(endian))),
    );
    let end = usize::try_from(ends.max()?).ok()?;
    let mut stripped = bytes.get(..end)?.to_vec();
    let mut kept: Vec<SectionHeader64<Endianness>> = sections.get(..=last)?.to_vec();
    let mut new_names = None;
    for (index, section) in sections.iter().enumerate().skip(last + 1) {
        let name = std::str::from_utf8(table.section_name(endian, section).ok()?).ok()?;
        if is_table(name) && index != names {
            continue;
        }
        let mut section = *section;
        if section.sh_type(endian) != SHT_STRTAB && section.sh_link(endian) as usize > last {
            // It refers to a table that is left out.
            continue;
        }
        stripped.resize(stripped.len().next_multiple_of(8), 0);
        let content = section.data(endian, bytes).ok()?;
        section.sh_offset.set(endian, stripped.len() as u64);
        stripped.extend(content);
        if index == names {
            new_names = Some(kept.len());
        }
        kept.push(section);
    }
    stripped.resize(stripped.len().next_multiple_of(8), 0);
    let mut header = *header;
    header.e_shoff.set(endian, stripped.len() as u64);
    header.e_shnum.set(endian, u16::try_from(kept.len()).ok()?);
    let names = object::elf::SymbolSection(u16::try_from(new_names?).ok()?);
    header.e_shstrndx.set(endian, names);
    stripped.extend(pod::bytes_of_slice(&kept));
    let header = pod::bytes_of(&header);
    stripped.get_mut(..header.len())?.copy_from_slice(header);
    (stripped.len() <= bytes.len()).then_some(stripped)
}
