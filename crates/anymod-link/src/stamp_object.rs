//! Objects that hold nothing but a stamp, in whatever format the objects beside them have.
//!
//! The section is not loaded: a linker takes it over or drops it, and a program does not change by it.

use anymod_model::stamp::{SECTION, Stamp};
use object::write::{Object, SectionFlags};
use object::{BinaryFormat, FileFlags, Object as _, SectionKind, elf};

/// An object with a stamp for the platform of another object; none for a platform that no object can be written for.
pub(crate) fn like(other: &[u8], stamp: &Stamp) -> Option<Vec<u8>> {
    let json = stamp.to_json();
    if other.starts_with(b"\0asm") {
        return Some(wasm(json.as_bytes()));
    }
    let other = object::File::parse(other).ok()?;
    // The writer takes it that every processor has one.
    other.architecture().address_size()?;
    let mut object = Object::new(other.format(), other.architecture(), other.endianness());
    object.set_sub_architecture(other.sub_architecture());
    let mut segment = Vec::new();
    match other.format() {
        BinaryFormat::Elf => {
            // Calling conventions of some processors are told by these flags, and linkers compare them.
            if let FileFlags::Elf { os_abi, abi_version, e_flags } = other.flags() {
                object.flags = FileFlags::Elf { os_abi, abi_version, e_flags };
            }
            // Without it linkers take it that the stack has to be executable.
            let note = b".note.GNU-stack".to_vec();
            let note = object.add_section(Vec::new(), note, SectionKind::Other);
            object.section_mut(note).flags = not_loaded();
        }
        BinaryFormat::MachO => {
            segment = b"__ANYMOD".to_vec();
            object.set_macho_build_version(macos());
        }
        BinaryFormat::Coff => {}
        _ => return None,
    }
    let section = object.add_section(segment, SECTION.as_bytes().to_vec(), SectionKind::Debug);
    if other.format() == BinaryFormat::Elf {
        object.section_mut(section).flags = not_loaded();
    }
    object.append_section_data(section, json.as_bytes(), 1);
    object.write().ok()
}

/// A section that no program loads.
fn not_loaded() -> SectionFlags {
    SectionFlags::Elf { sh_type: elf::SHT_PROGBITS, sh_flags: elf::SectionFlags(0) }
}

/// The oldest macOS that runs on every processor of the platform table.
fn macos() -> object::write::MachOBuildVersion {
    let mut version = object::write::MachOBuildVersion::default();
    version.platform = object::macho::PLATFORM_MACOS;
    version.minos = object::macho::Version(11 << 16);
    version
}

/// A relocatable object of WebAssembly: an empty `linking` section, which tells linkers that it is one, and the stamp.
fn wasm(json: &[u8]) -> Vec<u8> {
    /// Version of the `linking` section ("WebAssembly Object File Linking").
    const LINKING_VERSION: u8 = 2;
    let mut object = b"\0asm\x01\0\0\0".to_vec();
    for (name, content) in [("linking", &[LINKING_VERSION][..]), (SECTION, json)] {
        let mut section = Vec::new();
        unsigned(name.len(), &mut section);
        section.extend(name.as_bytes());
        section.extend(content);
        object.push(0);
        unsigned(section.len(), &mut object);
        object.extend(section);
    }
    object
}

/// An unsigned number as LEB128.
fn unsigned(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
