//! An object file that holds nothing but a record, to be linked into an addon. No compiler is needed to make one.

use anymod_model::identity::{
    ELF_SECTION, MACHO_SECTION, NOTE_NAME, NOTE_TYPE, PE_SECTION, Record,
};
use anymod_model::platform::{Cpu, ObjectFormat};
use object::write::{MachOBuildVersion, Object, Symbol, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, SectionFlags, SectionKind, SymbolFlags, SymbolKind,
    SymbolScope, elf, macho,
};

use super::Format;

/// The object with a record for a format; none if there are no such addons.
#[must_use]
pub fn object(format: Format, record: &Record) -> Option<Vec<u8>> {
    let bytes = record.to_bytes();
    let architecture = match format.cpu {
        Some(Cpu::X64) => Architecture::X86_64,
        Some(Cpu::Arm64) => Architecture::Aarch64,
        None => return None,
    };
    let object = match format.container {
        ObjectFormat::Elf => in_elf(architecture, &bytes),
        ObjectFormat::MachO => in_macho(architecture, &bytes),
        ObjectFormat::Coff => in_pe(architecture, &bytes),
        ObjectFormat::Wasm => return None,
    };
    object.write().ok()
}

fn in_elf(architecture: Architecture, record: &[u8]) -> Object<'static> {
    let mut object = Object::new(BinaryFormat::Elf, architecture, Endianness::Little);
    let mut note = Vec::new();
    // The name's length counts its NUL; name and content begin at multiples of four.
    for number in [NOTE_NAME.len() as u32 + 1, record.len() as u32, NOTE_TYPE] {
        note.extend(number.to_le_bytes());
    }
    note.extend(NOTE_NAME.as_bytes());
    note.resize(note.len() + 4 - NOTE_NAME.len() % 4, 0);
    note.extend(record);
    let id = object.add_section(Vec::new(), ELF_SECTION.into(), SectionKind::Note);
    object.append_section_data(id, &note, 4);
    object.section_mut(id).flags =
        SectionFlags::Elf { sh_type: elf::SHT_NOTE, sh_flags: elf::SHF_ALLOC };
    // Without it some linkers make the stack executable.
    object.add_section(Vec::new(), b".note.GNU-stack".to_vec(), SectionKind::Other);
    object
}

fn in_macho(architecture: Architecture, record: &[u8]) -> Object<'static> {
    let mut object = Object::new(BinaryFormat::MachO, architecture, Endianness::Little);
    let mut version = MachOBuildVersion::default();
    version.platform = macho::PLATFORM_MACOS;
    version.minos = macho::Version(0x000b_0000);
    version.sdk = macho::Version(0x000b_0000);
    object.set_macho_build_version(version);
    let (segment, section) = MACHO_SECTION;
    let id = object.add_section(segment.into(), section.into(), SectionKind::ReadOnlyData);
    object.append_section_data(id, record, 8);
    object.section_mut(id).flags =
        SectionFlags::MachO { flags: macho::S_ATTR_NO_DEAD_STRIP, reserved2: 0 };
    object.add_symbol(Symbol {
        name: b"anymod_identity".to_vec(),
        value: 0,
        size: record.len() as u64,
        kind: SymbolKind::Data,
        scope: SymbolScope::Linkage,
        weak: false,
        section: SymbolSection::Section(id),
        flags: SymbolFlags::None,
    });
    object
}

fn in_pe(architecture: Architecture, record: &[u8]) -> Object<'static> {
    let mut object = Object::new(BinaryFormat::Coff, architecture, Endianness::Little);
    let id = object.add_section(Vec::new(), PE_SECTION.into(), SectionKind::ReadOnlyData);
    object.append_section_data(id, record, 8);
    object
}
