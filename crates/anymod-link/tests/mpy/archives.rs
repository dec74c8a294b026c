//! Archives: members on demand, transitively, from the first archive that has a symbol.

use anymod_link::mpy::link;
use anymod_model::Arch;

use crate::objects::{Maker, codes, entry_naming, inputs, options, text};

/// An archive in the GNU format, with or without its symbol index.
pub(crate) fn archive(members: &[(&str, &[u8])], symbols: &[(&str, usize)]) -> Vec<u8> {
    let header = |name: &str, size: usize| {
        format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 644)
    };
    let index_size = 4 + symbols.iter().map(|(name, _)| 4 + name.len() + 1).sum::<usize>();
    let padded = |size: usize| size + size % 2;
    let first = 8 + if symbols.is_empty() { 0 } else { 60 + padded(index_size) };
    let mut offsets = Vec::new();
    let mut at = first;
    for (_, data) in members {
        offsets.push(at as u32);
        at += 60 + padded(data.len());
    }
    let mut out = b"!<arch>\n".to_vec();
    if !symbols.is_empty() {
        out.extend(header("/", index_size).as_bytes());
        out.extend((symbols.len() as u32).to_be_bytes());
        for (_, member) in symbols {
            out.extend(offsets[*member].to_be_bytes());
        }
        for (name, _) in symbols {
            out.extend(name.as_bytes());
            out.push(0);
        }
        out.resize(first, b'\n');
    }
    for (name, data) in members {
        out.extend(header(&format!("{name}/"), data.len()).as_bytes());
        out.extend(*data);
        if data.len() % 2 != 0 {
            out.push(b'\n');
        }
    }
    out
}

/// A function of four bytes that also needs `needs`, if that is not empty.
fn member(name: &str, fill: u8, needs: &str) -> Vec<u8> {
    let mut maker = Maker::new(Arch::X64);
    let code = maker.text(&format!(".text.{name}"), &[fill; 8]);
    maker.function(name, code, 0);
    if !needs.is_empty() {
        let symbol = maker.undefined(needs);
        maker.relocation((code, 4), 4, symbol, 0);
    }
    maker.bytes()
}

fn caller(symbol: &str) -> Vec<u8> {
    entry_naming(Arch::X64, 4, symbol, &[0xe8, 0, 0, 0, 0, 0xc3, 0x90, 0x90], 1, -4).bytes()
}

#[test]
fn members_are_pulled_transitively_with_and_without_an_index() {
    let (one, two, three) = (member("one", 1, "two"), member("two", 2, ""), member("three", 3, ""));
    let members: [(&str, &[u8]); 3] = [("three.o", &three), ("two.o", &two), ("one.o", &one)];
    let index = [("three", 0), ("two", 1), ("one", 2)];
    let objects = [("main.o", caller("one"))];
    for symbols in [&index[..], &[]] {
        let archives = [("lib.a", archive(&members, symbols))];
        let linked = link(&inputs(&objects), &inputs(&archives), &options(Arch::X64)).unwrap();
        let code = text(&linked);
        assert_eq!((code.len(), code[8], code[16]), (24, 1, 2));
        assert!(linked.map.to_string().contains("lib.a(one.o)"));
    }
}

#[test]
fn the_first_archive_wins() {
    let (here, there) = (member("f", 5, ""), member("f", 6, ""));
    let objects = [("main.o", caller("f"))];
    let archives = [
        ("first.a", archive(&[("f.o", &here)], &[("f", 0)])),
        ("second.a", archive(&[("f.o", &there)], &[("f", 0)])),
    ];
    let linked = link(&inputs(&objects), &inputs(&archives), &options(Arch::X64)).unwrap();
    assert_eq!(text(&linked)[8], 5);
}

#[test]
fn the_entry_itself_may_come_from_an_archive() {
    let entry = Maker::with_entry(Arch::X64).bytes();
    let archives = [("module.a", archive(&[("m.o", &entry)], &[("mpy_init", 0)]))];
    assert!(link(&[], &inputs(&archives), &options(Arch::X64)).is_ok());
}

#[test]
fn bad_archives_are_named() {
    let inner = archive(&[("x.o", &member("f", 1, ""))], &[]);
    let cases = [
        (b"!<thin>\n".to_vec(), vec!["L0009"]),
        (archive(&[("inner.a", &inner)], &[("f", 0)]), vec!["L0010"]),
        (b"GROUP ( libm.a )\n".to_vec(), vec!["L0011"]),
        (archive(&[("x.o", b"BC\xc0\xde")], &[("f", 0)]), vec!["L0007"]),
        (archive(&[("x.o", b"\x7fELF\x01\x01\x01")], &[("f", 0)]), vec!["L0002"]),
        (b"!<arch>\ngarbage".to_vec(), vec!["L0002"]),
    ];
    for (data, expected) in cases {
        let objects = [("main.o", caller("f"))];
        let archives = [("lib.a", data)];
        let found = codes(link(&inputs(&objects), &inputs(&archives), &options(Arch::X64)));
        assert_eq!(found, expected);
    }
}
