//! What a library is made for, and which bytes of a file signing tools change.

use anymod_model::identity::{Range, TO_THE_END};
use anymod_model::platform::{Cpu, ObjectFormat};
use object::elf::FileHeader64;
use object::macho::MachHeader64;
use object::pe::ImageNtHeaders64;
use object::read::elf::FileHeader as _;
use object::read::macho::{LoadCommandVariant, MachHeader as _, Segment as _};
use object::read::pe::ImageNtHeaders as _;
use object::{Endianness, LittleEndian as LE};

/// What a library is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// The container.
    pub container: ObjectFormat,
    /// The processor; none if it is one that addons are not built for.
    pub cpu: Option<Cpu>,
}

/// The format of a 64-bit library; none if it is something else.
#[must_use]
pub fn format(bytes: &[u8]) -> Option<Format> {
    if let Some((header, endian)) = elf(bytes) {
        let cpu = match header.e_machine(endian) {
            object::elf::EM_X86_64 => Some(Cpu::X64),
            object::elf::EM_AARCH64 => Some(Cpu::Arm64),
            _ => None,
        };
        return Some(Format { container: ObjectFormat::Elf, cpu });
    }
    if let Some((header, endian)) = macho(bytes) {
        let cpu = match header.cputype(endian) {
            object::macho::CPU_TYPE_X86_64 => Some(Cpu::X64),
            object::macho::CPU_TYPE_ARM64 => Some(Cpu::Arm64),
            _ => None,
        };
        return Some(Format { container: ObjectFormat::MachO, cpu });
    }
    let (_, headers) = pe(bytes)?;
    let cpu = match headers.file_header().machine.get(LE) {
        object::pe::IMAGE_FILE_MACHINE_AMD64 => Some(Cpu::X64),
        object::pe::IMAGE_FILE_MACHINE_ARM64 => Some(Cpu::Arm64),
        _ => None,
    };
    Some(Format { container: ObjectFormat::Coff, cpu })
}

fn elf(bytes: &[u8]) -> Option<(&FileHeader64<Endianness>, Endianness)> {
    let header = FileHeader64::<Endianness>::parse(bytes).ok()?;
    Some((header, header.endian().ok()?))
}

pub(super) fn macho(bytes: &[u8]) -> Option<(&MachHeader64<Endianness>, Endianness)> {
    let header = MachHeader64::<Endianness>::parse(bytes, 0).ok()?;
    let endian = header.endian().ok()?;
    header.is_type_64().then_some((header, endian))
}

/// A PE file's headers, and where they begin.
fn pe(bytes: &[u8]) -> Option<(u64, &ImageNtHeaders64)> {
    let dos = object::pe::ImageDosHeader::parse(bytes).ok()?;
    let mut at = u64::from(dos.nt_headers_offset());
    let begin = at;
    let (headers, _) = ImageNtHeaders64::parse(bytes, &mut at).ok()?;
    Some((begin, headers))
}

/// Where a part of the bytes is among them.
fn offset_of(bytes: &[u8], part: &[u8]) -> Option<usize> {
    (part.as_ptr() as usize).checked_sub(bytes.as_ptr() as usize)
}

/// The bytes that signing tools write when the file is done: none for ELF; for Mach-O the load command of the signature, the
/// sizes of the segment that it is in, and the signature; for PE what Authenticode leaves out of its own sum.
pub(super) fn left_out(bytes: &[u8]) -> Vec<Range> {
    if elf(bytes).is_some() {
        return Vec::new();
    }
    if let Some((header, endian)) = macho(bytes) {
        return in_signed_macho(bytes, header, endian).unwrap_or_default();
    }
    let Some((begin, _)) = pe(bytes) else { return Vec::new() };
    // "PE Format": the optional header begins after the signature and the file header; the sum is 64 bytes into it, and
    // the directories begin 112 bytes into it, 8 bytes each, that of signatures being the fifth.
    let optional = begin + 24;
    let directory = 8 * 4;
    vec![
        Range { offset: optional + 64, length: 4 },
        Range { offset: optional + 112 + directory, length: 8 },
        Range { offset: bytes.len() as u64, length: TO_THE_END },
    ]
}

fn in_signed_macho(
    bytes: &[u8],
    header: &MachHeader64<Endianness>,
    endian: Endianness,
) -> Option<Vec<Range>> {
    let mut ranges = Vec::new();
    let mut commands = header.load_commands(endian, bytes, 0).ok()?;
    let mut signature = None;
    while let Some(command) = commands.next().ok()? {
        let offset = offset_of(bytes, command.raw_data())? as u64;
        match command.variant() {
            Ok(LoadCommandVariant::Segment64(segment, _)) if segment.name() == b"__LINKEDIT" => {
                // `vmsize`, `fileoff` and `filesize` of `segment_command_64`.
                ranges.push(Range { offset: offset + 32, length: 24 });
            }
            Ok(LoadCommandVariant::LinkeditData(data))
                if command.cmd() == object::macho::LC_CODE_SIGNATURE =>
            {
                let length = u64::from(command.cmdsize());
                ranges.push(Range { offset, length });
                signature = Some(u64::from(data.dataoff.get(endian)));
            }
            _ => {}
        }
    }
    // Without a signature nobody has signed, and the whole file counts.
    let signature = signature?;
    ranges.push(Range { offset: signature, length: TO_THE_END });
    Some(ranges)
}
