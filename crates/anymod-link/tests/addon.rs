//! Identities in libraries of every format, and readers of libraries on bytes that nobody vouches for.

use anymod_link::addon::{self, strip};
use anymod_link::identity::{Format, format, object, read, seal};
use anymod_model::identity::{Identity, Record};
use anymod_model::node::Level;
use anymod_model::platform::{Cpu, ObjectFormat, PLATFORMS};
use proptest::prelude::*;

fn record() -> Record {
    Record::new(Identity {
        name: "crc".to_owned(),
        version: "1.2.3".to_owned(),
        napi: 8,
        platform: "linux-x64".to_owned(),
        variant: Some("modern".to_owned()),
        level: 3,
    })
}

fn pad(bytes: &mut Vec<u8>, to: usize) {
    bytes.resize(to, 0);
}

/// A library of 64 bits with nothing but a note in it ("ELF Header", "Program Header", "Note Section").
fn elf() -> Vec<u8> {
    let content = record().to_bytes();
    let mut note = Vec::new();
    for number in [7, content.len() as u32, 1] {
        note.extend(number.to_le_bytes());
    }
    note.extend(b"anymod\0\0");
    note.extend(content);
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    pad(&mut bytes, 16);
    bytes.extend([3, 0, 62, 0, 1, 0, 0, 0]);
    for number in [0_u64, 64, 0] {
        bytes.extend(number.to_le_bytes());
    }
    for number in [0_u16, 0, 64, 56, 1, 0, 0, 0] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend([4, 0, 0, 0, 4, 0, 0, 0]);
    for number in [120, 120, 120, note.len() as u64, note.len() as u64, 4] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(note);
    bytes.extend(b"and more");
    bytes
}

/// The same of Mach-O (`mach_header_64`, `segment_command_64`, `section_64`).
fn macho() -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in [0xfeed_facf_u32, 0x0100_000c, 0, 6, 1, 152, 0, 0, 0x19, 152] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(b"__TEXT\0\0\0\0\0\0\0\0\0\0");
    for number in [0_u64, 4096, 0, 4096] {
        bytes.extend(number.to_le_bytes());
    }
    for number in [5_u32, 5, 1, 0] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(b"__anymod\0\0\0\0\0\0\0\0__TEXT\0\0\0\0\0\0\0\0\0\0");
    let content = record().to_bytes();
    for number in [184, content.len() as u64] {
        bytes.extend(number.to_le_bytes());
    }
    for number in [184_u32, 2, 0, 0, 0, 0, 0, 0] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(content);
    bytes
}

/// The same of PE ("PE Format": signature, file header, optional header, section table).
fn pe() -> Vec<u8> {
    let content = record().to_bytes();
    let mut bytes = b"MZ".to_vec();
    pad(&mut bytes, 0x3c);
    bytes.extend(64_u32.to_le_bytes());
    bytes.extend(b"PE\0\0\x64\x86\x01\0");
    bytes.extend([0; 12]);
    bytes.extend([240, 0, 0x22, 0x20]);
    bytes.extend(0x20b_u16.to_le_bytes());
    pad(&mut bytes, 64 + 24 + 108);
    bytes.extend(16_u32.to_le_bytes());
    pad(&mut bytes, 64 + 24 + 240);
    bytes.extend(b".anymod\0");
    let at = 64 + 24 + 240 + 40;
    for number in [content.len() as u32, 4096, content.len() as u32, at, 0, 0, 0, 0x4000_0040] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(content);
    bytes
}

fn libraries() -> [(Vec<u8>, Format); 3] {
    let format = |container, cpu| Format { container, cpu: Some(cpu) };
    [
        (elf(), format(ObjectFormat::Elf, Cpu::X64)),
        (macho(), format(ObjectFormat::MachO, Cpu::Arm64)),
        (pe(), format(ObjectFormat::Coff, Cpu::X64)),
    ]
}

#[test]
fn what_was_sealed_is_whole_and_nothing_else_is() {
    for (library, expected) in libraries() {
        assert_eq!(format(&library), Some(expected));
        let found = read(&library, "a.node").unwrap();
        assert_eq!(found.record.identity, record().identity);
        assert!(!found.is_whole(), "it has no sums yet");
        let sealed = seal(library.clone(), "a.node").unwrap();
        let found = read(&sealed, "a.node").unwrap();
        assert!(found.is_whole() && sealed.len() == library.len(), "{expected:?}");
        assert_eq!(
            seal(sealed.clone(), "a.node").unwrap(),
            sealed,
            "sealing again changes nothing"
        );
        for at in 0..sealed.len() {
            let mut other = sealed.clone();
            other[at] ^= 0x20;
            let whole = read(&other, "a.node").is_ok_and(|found| found.is_whole());
            let signed = expected.container == ObjectFormat::Coff
                && ((152..156).contains(&at) || (232..240).contains(&at));
            assert_eq!(whole, signed, "{expected:?} byte {at}");
        }
    }
}

#[test]
fn what_signing_tools_append_to_a_pe_file_changes_no_sum() {
    let mut sealed = seal(pe(), "a.node").unwrap();
    sealed.extend(b"a certificate");
    assert!(read(&sealed, "a.node").unwrap().is_whole());
    let mut sealed = seal(elf(), "a.node").unwrap();
    sealed.push(0);
    assert!(!read(&sealed, "a.node").unwrap().is_whole());
}

#[test]
fn an_identity_can_be_linked_for_every_platform() {
    for row in &PLATFORMS {
        let format = Format { container: row.format, cpu: Some(row.cpu) };
        let object = object(format, &record()).unwrap();
        let held = record().to_bytes();
        assert!(object.windows(held.len()).any(|part| part == held), "{}", row.name);
    }
    let wasm = Format { container: ObjectFormat::Wasm, cpu: Some(Cpu::X64) };
    assert_eq!(object(wasm, &record()), None);
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_is_stripped_to_what_runs() {
    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let before = addon::read(&program, "program").unwrap();
    assert!(before.tables.contains_key(".symtab") && before.needed.contains(&"libc.so.6"));
    let stripped = strip(&program).unwrap();
    let after = addon::read(&stripped, "program").unwrap();
    assert!(after.tables.is_empty(), "{:?}", after.tables);
    assert_eq!((&before.needed, &before.imports), (&after.needed, &after.imports));
    assert!(stripped.len() < program.len());
    let sections = |addon: &addon::Addon<'_>| {
        addon.code.iter().map(|code| (code.address, code.bytes.to_vec())).collect::<Vec<_>>()
    };
    assert!(sections(&before) == sections(&after));
    assert_eq!(strip(&stripped).unwrap(), stripped, "there is nothing more to leave out");
}

/// Sizes of segments that are no sizes.
#[cfg(target_os = "linux")]
#[test]
fn a_program_whose_segments_do_not_end_stays_as_it_is() {
    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let headers = u64::from_le_bytes(program[32..40].try_into().unwrap()) as usize;
    let count = usize::from(u16::from_le_bytes(program[56..58].try_into().unwrap()));
    for index in 0..count {
        let mut changed = program.clone();
        let header = headers + index * 56;
        // `p_offset` and `p_filesz`, whose sum is beyond all numbers.
        changed[header + 8..header + 16].copy_from_slice(&64_u64.to_le_bytes());
        changed[header + 32..header + 40].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(strip(&changed), None, "{index}");
    }
}

/// What every reader is asked of any bytes: an answer or a reason, and no panic.
fn look(bytes: &[u8]) {
    let _ = read(bytes, "a.node").map(|found| found.is_whole());
    let _ = seal(bytes.to_vec(), "a.node");
    let _ = strip(bytes);
    if let Ok(addon) = addon::read(bytes, "a.node") {
        let _ = addon::level(&addon, Level::V1, &|_| false);
    }
}

proptest! {
    #[test]
    fn damaged_libraries_are_read_without_a_panic(
        which in 0_usize..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut bytes = libraries()[which].0.clone();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if is_cut {
            let length = cut.index(bytes.len());
            bytes.truncate(length);
        }
        look(&bytes);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        look(&bytes);
        prop_assert!(Record::parse(&bytes).is_err() || bytes.starts_with(b"anymodID"));
    }
}
