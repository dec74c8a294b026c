//! Readers of ELF hosts: every class and byte order, and bytes that were changed or cut off.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use anymod_link::host::archive::{self, Kind};
use anymod_link::host::library::{self, Content};
use anymod_link::host::linkers::{LINKERS, USES, outcome};
use anymod_link::host::pic::Class;
use anymod_link::host::{fingerprint, fix, image, inspect, object as host_object, segments};
use object::write::{Object, Relocation, Symbol, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SymbolFlags, SymbolKind, SymbolScope,
};
use proptest::prelude::*;

/// Machines of both classes and byte orders.
const MACHINES: [(Architecture, Endianness, &str); 6] = [
    (Architecture::X86_64, Endianness::Little, "x86-64"),
    (Architecture::I386, Endianness::Little, "i386, 32-bit"),
    (Architecture::Aarch64, Endianness::Little, "aarch64"),
    (Architecture::PowerPc64, Endianness::Big, "ppc64, big-endian"),
    (Architecture::S390x, Endianness::Big, "s390x, big-endian"),
    (Architecture::Mips, Endianness::Big, "mips, 32-bit, big-endian"),
];

/// An object that defines `shown` and `state`, keeps `helper` to itself and asks for `wanted`.
fn object(architecture: Architecture, endian: Endianness) -> Vec<u8> {
    let mut object = Object::new(BinaryFormat::Elf, architecture, endian);
    let text = object.add_subsection(object::write::StandardSection::Text, b"text");
    let data = object.section_id(object::write::StandardSection::Data);
    let constants = object.section_id(object::write::StandardSection::ReadOnlyData);
    object.append_section_data(text, &[0; 32], 16);
    object.append_section_data(data, &[1; 24], 8);
    object.append_section_data(constants, b"\x01a text that is unique here\0", 1);
    for (name, scope, section, kind) in [
        ("shown", SymbolScope::Dynamic, SymbolSection::Section(text), SymbolKind::Text),
        ("helper", SymbolScope::Linkage, SymbolSection::Section(text), SymbolKind::Text),
        ("state", SymbolScope::Dynamic, SymbolSection::Section(data), SymbolKind::Data),
        ("wanted", SymbolScope::Dynamic, SymbolSection::Undefined, SymbolKind::Text),
    ] {
        object.add_symbol(Symbol {
            name: name.as_bytes().to_vec(),
            value: 0,
            size: 8,
            kind,
            scope,
            weak: false,
            section,
            flags: SymbolFlags::None,
        });
    }
    if architecture == Architecture::X86_64 {
        let symbol = object.symbol_id(b"wanted").unwrap();
        let flags = RelocationFlags::Elf { r_type: object::elf::R_X86_64_PC32 };
        let relocation = Relocation { offset: 4, symbol, addend: -4, flags };
        object.add_relocation(text, relocation).unwrap();
    }
    object.write().unwrap()
}

/// An archive of members as GNU `ar` writes it, without an index.
fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, data) in members {
        let name = format!("{name}/");
        let header = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 644, data.len());
        bytes.extend(header.as_bytes());
        bytes.extend(*data);
        if data.len() % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}

#[test]
fn both_classes_and_byte_orders_are_read() {
    for (architecture, endian, name) in MACHINES {
        let bytes = object(architecture, endian);
        let read = host_object::read(&bytes).unwrap();
        assert_eq!(read.machine.to_string(), name);
        assert_eq!(archive::kind(&bytes), Kind::Object, "{name}");
        assert_eq!(read.state, 24, "{name}");
        let mut symbols: Vec<(&str, bool, bool)> = read
            .symbols
            .iter()
            .map(|s| (s.name, s.is_undefined(), s.visibility.is_exportable()))
            .collect();
        symbols.sort_unstable();
        let expected = [
            ("helper", false, false),
            ("shown", false, true),
            ("state", false, true),
            ("wanted", true, true),
        ];
        assert_eq!(symbols, expected, "{name}");
        assert_eq!(read.variables.len(), 1, "{name}");
        assert_eq!(fingerprint::texts(&read.constants).count(), 1, "{name}");
    }
}

#[test]
fn members_are_taken_together() {
    let object = object(Architecture::X86_64, Endianness::Little);
    let inner = archive(&[("x.o", &object)]);
    let bytes = archive(&[("a.o", &object), ("inner.a", &inner), ("e", b""), ("b.o", &object)]);
    let library = library::read("lib.a", &bytes, &mut |_| None).unwrap();
    let is_object: Vec<bool> =
        library.members.iter().map(|part| matches!(part.content, Content::Object(_))).collect();
    assert_eq!(is_object, [true, false, false, true]);
    assert_eq!(library.members[1].offset, 8 + 60 + object.len() as u64);
    let twice: Vec<&str> = library.duplicates().map(|symbol| symbol.name).collect();
    assert_eq!(twice, ["helper", "shown", "state"]);
    assert_eq!(library.external().map(|symbol| symbol.name).collect::<Vec<_>>(), ["wanted"]);
    assert_eq!(library.class().unwrap().0, Class::Program);
    assert_eq!(library.state(), 48);
}

#[test]
fn damage_is_told_with_its_offset() {
    let object = object(Architecture::X86_64, Endianness::Little);
    let cut = object.get(..object.len() - 100).unwrap();
    assert!(host_object::read(cut).unwrap_err().offset > 64);
    let bytes = archive(&[("a.o", &object), ("b.o", cut)]);
    let library = library::read("lib.a", &bytes, &mut |_| None).unwrap();
    let findings = inspect::findings(&library, &inspect::Blockers::default());
    let text = findings[0].to_string();
    assert!(text.starts_with("error[H0001]: lib.a(b.o)+0x"), "{text}");
    let fault = archive::read(bytes.get(..bytes.len() - 1).unwrap()).unwrap_err();
    assert_eq!(fault.offset, 8 + 60 + object.len() as u64);
}

/// Everything that looks at foreign bytes.
fn look(bytes: &[u8]) {
    let _ = archive::script_inputs(bytes);
    let _ = image::read(bytes).map(|image| image.init_functions().count());
    if let Ok(Some(restored)) = segments::with_sections(bytes) {
        let _ = image::read(&restored).map(|image| image.exports.len());
        let _ = image::looked_up(&restored).and_then(|_| image::inside(&restored));
    }
    let _ = image::inside(bytes).map(|inside| fingerprint::Held::of(&inside));
    if let Ok(library) = library::read("fuzz", bytes, &mut |_| Some(bytes)) {
        let mut providers = inspect::Providers::for_libraries(std::iter::once(&library));
        providers.add_library(&library, true);
        let blockers = inspect::blockers(&library, &inspect::Providers::default());
        let _ = inspect::findings(&library, &blockers);
        let _ = fingerprint::fingerprints(&[&library], &Default::default());
        let wishes = fix::Wishes {
            flatten: true,
            export: vec!["helper".to_owned()],
            localize: vec!["shown".to_owned()],
            prefix: Some("p_".to_owned()),
            ..fix::Wishes::default()
        };
        if let Ok(fixed) = fix::fix("fuzz", bytes, &mut |_| None, &wishes) {
            // What is written can be read again, and says the same the second time.
            let again = library::read("again", &fixed.bytes, &mut |_| None).unwrap();
            assert!(again.symbol("p_helper").is_some());
        }
        for linker in LINKERS {
            for r#use in USES {
                let _ = outcome(&library, linker, r#use, false, false);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn changed_bytes_never_panic(
        machine in 0..MACHINES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
        in_archive in any::<bool>(),
    ) {
        let (architecture, endian, _) = MACHINES[machine];
        let mut bytes = object(architecture, endian);
        if in_archive {
            bytes = archive(&[("a.o", &bytes), ("b.o", &bytes)]);
        }
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        look(&bytes);
    }

    #[test]
    fn programs_with_changed_bytes_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
    ) {
        // Of a real library only the head and the tables are small enough to be hit.
        let Ok(mut bytes) = std::fs::read("/lib/x86_64-linux-gnu/libdl.so.2") else { return Ok(()) };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        look(&bytes);
        // Without `e_shoff` and the counts behind it, for which segments stand.
        bytes[40..48].fill(0);
        bytes[58..64].fill(0);
        look(&bytes);
    }
}
