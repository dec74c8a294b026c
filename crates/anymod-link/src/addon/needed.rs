//! The libraries that a library names, in each format's own way.

use anymod_model::platform::ObjectFormat;
use object::elf::FileHeader64;
use object::macho::MachHeader64;
use object::pe::ImageNtHeaders64;
use object::read::elf::FileHeader as _;
use object::read::macho::{LoadCommandVariant, MachHeader as _};
use object::read::pe::PeFile;
use object::{Endianness, LittleEndian as LE};

use crate::identity::Format;

/// The needed libraries in the file's order.
pub(super) fn libraries(bytes: &[u8], format: Format) -> object::Result<Vec<&str>> {
    let names = match format.container {
        ObjectFormat::Elf => of_elf(bytes)?,
        ObjectFormat::MachO => of_macho(bytes)?,
        ObjectFormat::Coff => of_pe(bytes)?,
        ObjectFormat::Wasm => Vec::new(),
    };
    Ok(names.into_iter().filter_map(|name| std::str::from_utf8(name).ok()).collect())
}

fn of_elf(bytes: &[u8]) -> object::Result<Vec<&[u8]>> {
    let header = FileHeader64::<Endianness>::parse(bytes)?;
    let endian = header.endian()?;
    let table = header.sections(endian, bytes)?.dynamic_table(endian, bytes)?;
    let needed = table.iter().filter(|entry| entry.tag == object::elf::DT_NEEDED);
    needed.map(|entry| table.string(entry)).collect()
}

fn of_macho(bytes: &[u8]) -> object::Result<Vec<&[u8]>> {
    let header = MachHeader64::<Endianness>::parse(bytes, 0)?;
    let endian = header.endian()?;
    let mut commands = header.load_commands(endian, bytes, 0)?;
    let mut names = Vec::new();
    while let Some(command) = commands.next()? {
        if let LoadCommandVariant::Dylib(dylib) = command.variant()? {
            names.push(command.string(endian, dylib.dylib.name)?);
        }
    }
    Ok(names)
}

fn of_pe(bytes: &[u8]) -> object::Result<Vec<&[u8]>> {
    let file = PeFile::<ImageNtHeaders64>::parse(bytes)?;
    let Some(table) = file.import_table()? else { return Ok(Vec::new()) };
    let mut descriptors = table.descriptors()?;
    let mut names = Vec::new();
    while let Some(descriptor) = descriptors.next()? {
        names.push(table.name(descriptor.name.get(LE))?);
    }
    Ok(names)
}
