//! Archives of every object format, and what is refused.

use anymod_model::platform::{Cpu, ObjectFormat};
use anymod_model::stamp::Stamp;
use object::write::{Object, Symbol, SymbolSection};
use object::{Architecture, BinaryFormat, Endianness, SymbolFlags, SymbolKind, SymbolScope};
use proptest::prelude::*;

use super::*;

fn native(format: BinaryFormat, architecture: Architecture, name: &str) -> Vec<u8> {
    let mut object = Object::new(format, architecture, Endianness::Little);
    let text = object.section_id(object::write::StandardSection::Text);
    object.append_section_data(text, &[0x90; 4], 4);
    for (name, scope) in [(name, SymbolScope::Linkage), ("local", SymbolScope::Compilation)] {
        object.add_symbol(Symbol {
            name: name.as_bytes().to_vec(),
            value: 0,
            size: 4,
            kind: SymbolKind::Text,
            scope,
            weak: false,
            section: SymbolSection::Section(text),
            flags: SymbolFlags::None,
        });
    }
    object.write().unwrap()
}

/// An object of WebAssembly with a symbol table: `f` defined, `g` local, `h` undefined, `d` data.
fn wasm() -> Vec<u8> {
    let table = [
        &[4_u8][..], // how many
        &[0, 0, 0, 1, b'f'],
        &[0, 2, 0, 1, b'g'],
        &[0, 0x10, 0],
        &[1, 0, 1, b'd', 0, 0, 1],
    ]
    .concat();
    let linking = [&[2, 8, table.len() as u8][..], &table].concat();
    let section = [&[7_u8][..], b"linking", &linking].concat();
    [b"\0asm\x01\0\0\0\0", &[section.len() as u8][..], &section].concat()
}

fn stamp() -> Stamp {
    Stamp::new().with("target", "t").with("build-type", "debug")
}

fn made(
    parts: &[(&str, &[u8])],
    format: ObjectFormat,
    cpu: Option<Cpu>,
) -> Result<Vec<u8>, Diagnostics> {
    let parts: Vec<Part<'_>> = parts.iter().map(|(path, bytes)| Part { path, bytes }).collect();
    assemble(&Request { parts: &parts, elsewhere: &BTreeMap::new(), format, cpu, stamp: &stamp() })
}

fn codes(result: Result<Vec<u8>, Diagnostics>) -> Vec<&'static str> {
    result.unwrap_err().0.iter().map(|finding| finding.code.id).collect()
}

fn names(archive: &[u8]) -> Vec<String> {
    let members = archive::members(archive, "x.a").unwrap();
    members.iter().map(|member| member.name.clone().into_owned()).collect()
}

fn indexed(archive: &[u8]) -> Vec<String> {
    let file = object::read::archive::ArchiveFile::parse(archive).unwrap();
    let symbols = file.symbols().unwrap().expect("an index");
    symbols.map(|symbol| String::from_utf8_lossy(symbol.unwrap().name()).into_owned()).collect()
}

#[test]
fn every_format_has_index_members_and_stamp() {
    for (binary, format, decorated) in [
        (BinaryFormat::Elf, ObjectFormat::Elf, ["a", "b"]),
        (BinaryFormat::MachO, ObjectFormat::MachO, ["_a", "_b"]),
        (BinaryFormat::Coff, ObjectFormat::Coff, ["a", "b"]),
    ] {
        let [a, b] = ["a", "b"].map(|name| native(binary, Architecture::Aarch64, name));
        let parts: [(&str, &[u8]); 2] = [("x/util.o", &a), ("y/util.o", &b)];
        let archive = made(&parts, format, Some(Cpu::Arm64)).unwrap();
        assert_eq!(names(&archive), ["util.o", "util-2.o", STAMP_MEMBER], "{format:?}");
        assert_eq!(indexed(&archive), decorated, "{format:?}");
        let stamps = stamp::read(&archive, "x.a").unwrap();
        assert_eq!(stamps.len(), 1);
        assert_eq!(stamps[0].stamp, stamp());
        assert_eq!(made(&parts, format, None).unwrap(), archive, "the same bytes");
    }
}

#[test]
fn webassembly_is_indexed_by_its_own_symbol_table() {
    let archive = made(&[("f.o", &wasm())], ObjectFormat::Wasm, None).unwrap();
    assert_eq!(indexed(&archive), ["f", "d"]);
    let members = archive::members(&archive, "x.a").unwrap();
    for member in members {
        let Content::Here(bytes) = member.content else { panic!("thin") };
        assert!(crate::wasm::read(bytes, &member.name).is_ok(), "{}", member.name);
    }
    assert_eq!(stamp::read(&archive, "x.a").unwrap()[0].stamp, stamp());
}

#[test]
fn archives_are_merged_member_by_member_and_their_stamps_go() {
    let inner = made(&[("f.o", &wasm())], ObjectFormat::Wasm, None).unwrap();
    let parts: [(&str, &[u8]); 2] = [("f.o", &wasm()), ("libinner.a", &inner)];
    let outer = made(&parts, ObjectFormat::Wasm, None).unwrap();
    assert_eq!(names(&outer), ["f.o", "f-2.o", STAMP_MEMBER]);
}

#[test]
fn members_of_thin_archives_are_taken_from_their_files() {
    let object = native(BinaryFormat::Elf, Architecture::X86_64, "a");
    let name = "sub/a.o/\n";
    let thin = format!(
        "!<thin>\n{:<48}{:<10}`\n{name}\n{:<48}{:<10}`\n",
        "//",
        name.len(),
        "/0",
        object.len()
    );
    let parts = [Part { path: "lib/thin.a", bytes: thin.as_bytes() }];
    let elsewhere = BTreeMap::from([("lib/sub/a.o".to_owned(), object)]);
    let mut request = Request {
        parts: &parts,
        elsewhere: &elsewhere,
        format: ObjectFormat::Elf,
        cpu: Some(Cpu::X64),
        stamp: &stamp(),
    };
    let archive = assemble(&request).unwrap();
    assert_eq!(names(&archive), ["a.o", STAMP_MEMBER]);
    assert_eq!(indexed(&archive), ["a"]);
    let empty = BTreeMap::new();
    request.elsewhere = &empty;
    assert_eq!(codes(assemble(&request)), ["L0009"]);
}

#[test]
fn what_does_not_belong_is_told_with_its_member() {
    let x64 = native(BinaryFormat::Elf, Architecture::X86_64, "a");
    let arm64 = native(BinaryFormat::Elf, Architecture::Aarch64, "a");
    let (elf, cpu) = (ObjectFormat::Elf, Some(Cpu::X64));
    let inner = made(&[("a.o", &x64)], elf, cpu).unwrap();
    let told = made(&[("f.o", &wasm()), ("lib/n.a", &inner)], ObjectFormat::Wasm, None);
    let told = told.unwrap_err();
    assert_eq!(
        told.0[0].to_string().lines().next().unwrap(),
        "error[L0018]: lib/n.a(a.o): ELF for x86-64, but the archive is for WebAssembly"
    );
    for (parts, wanted) in [
        (&[("a.o", &arm64[..])][..], "L0018"),
        (&[("a.o", b"")], "L0012"),
        (&[("a.o", b"text")], "L0001"),
        (&[("a.o", b"BC\xc0\xde....")], "L0007"),
        (&[("a.a", b"!<arch>\n")], "L0019"),
        (&[], "L0019"),
        (&[("a.a", b"!<arch>\nx")], "L0002"),
    ] {
        assert_eq!(codes(made(parts, elf, cpu)), [wanted]);
    }
    let other = Stamp::new().with("build-type", "release");
    let stamped = stamp_object::like(&x64, &other).unwrap();
    let told = made(&[("a.o", &x64), ("s.o", &stamped)], elf, cpu).unwrap_err();
    assert_eq!(told.0[0].code.id, "L0020");
    assert!(told.0[0].message.contains("build-type: `debug` against `release`"), "{told}");
}

proptest! {
    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..128), cut in any::<proptest::sample::Index>(), at in any::<proptest::sample::Index>(), to in any::<u8>()) {
        let _ = made(&[("x.o", &bytes)], ObjectFormat::Elf, None);
        for (whole, format) in [
            (wasm(), ObjectFormat::Wasm),
            (native(BinaryFormat::Elf, Architecture::X86_64, "a"), ObjectFormat::Elf),
            (native(BinaryFormat::MachO, Architecture::Aarch64, "a"), ObjectFormat::MachO),
            (native(BinaryFormat::Coff, Architecture::X86_64, "a"), ObjectFormat::Coff),
        ] {
            let mut changed = whole.clone();
            changed[at.index(whole.len())] = to;
            let _ = made(&[("x.o", &changed)], format, None);
            let _ = made(&[("x.o", &whole[..cut.index(whole.len())])], format, None);
        }
    }
}
