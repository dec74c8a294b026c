//! Renaming in objects made here, and in damaged ones.

use proptest::prelude::*;

use super::*;
use crate::wasm::{Binding, Symbol, SymbolKind, read_object};

/// A symbol as it is written.
#[derive(Clone, Debug)]
struct Row {
    kind: u8,
    flags: u32,
    index: u32,
    name: String,
}

const UNDEFINED: u32 = 0x10;
const EXPLICIT_NAME: u32 = 0x40;

/// An object with two imported functions, two defined ones, two segments, these symbols and groups.
fn object(rows: &[Row], groups: &[(&str, &[(u8, u32)])]) -> Vec<u8> {
    let mut out = HEADER.to_vec();
    push(&mut out, 1, b"\x01\x60\0\0");
    push(&mut out, 2, b"\x02\x03env\x01a\0\0\x03env\x01b\0\0");
    push(&mut out, 3, b"\x02\0\0");
    push(&mut out, 10, b"\x02\x02\0\x0b\x02\0\x0b");
    push(&mut out, 11, b"\x02\0\x41\0\x0b\x01x\0\x41\x01\x0b\x01y");
    let mut symbols = Vec::new();
    number(&mut symbols, u32::try_from(rows.len()).unwrap());
    for row in rows {
        symbols.push(row.kind);
        number(&mut symbols, row.flags);
        let defined = row.flags & UNDEFINED == 0;
        match row.kind {
            1 => {
                push_string(&mut symbols, &row.name);
                if defined {
                    [row.index, 0, 1].iter().for_each(|value| number(&mut symbols, *value));
                }
            }
            3 => number(&mut symbols, 0),
            _ => {
                number(&mut symbols, row.index);
                if defined || row.flags & EXPLICIT_NAME != 0 {
                    push_string(&mut symbols, &row.name);
                }
            }
        }
    }
    let mut comdats = Vec::new();
    number(&mut comdats, u32::try_from(groups.len()).unwrap());
    for (name, members) in groups {
        push_string(&mut comdats, name);
        number(&mut comdats, 0);
        number(&mut comdats, u32::try_from(members.len()).unwrap());
        for (kind, index) in *members {
            comdats.push(*kind);
            number(&mut comdats, *index);
        }
    }
    let mut linking = vec![2];
    // Groups first, to see that the order does not matter.
    push(&mut linking, COMDATS, &comdats);
    push(&mut linking, SYMBOLS, &symbols);
    push(&mut linking, 6, b"\x01\x2a\x02");
    push_custom(&mut out, "linking", &linking);
    push_custom(&mut out, "reloc.CODE", b"\x03\0");
    out
}

fn renames(names: &[&str]) -> Renames {
    Renames {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        suffix: ".m".to_owned(),
    }
}

fn place() -> Place {
    Place::file("m.o")
}

fn group_names(object: &[u8]) -> Vec<String> {
    let sections = split(object, &place()).unwrap();
    let content = sections.iter().find_map(|section| section.named("linking")).unwrap();
    let reader = LinkingSectionReader::new(BinaryReader::new(content, 0)).unwrap();
    let parts = reader.subsections().map(Result::unwrap);
    let groups = parts.filter_map(|part| match part {
        wasmparser::Linking::ComdatInfo(map) => Some(map),
        _ => None,
    });
    groups.flatten().map(|group| group.unwrap().name.to_owned()).collect()
}

fn row(kind: u8, flags: u32, index: u32, name: &str) -> Row {
    Row { kind, flags, index, name: name.to_owned() }
}

#[test]
fn definitions_uses_and_groups_are_renamed_and_local_symbols_are_not() {
    let rows = [
        row(0, 0, 2, "helper"),
        row(0, 2, 3, "helper"),
        row(0, UNDEFINED, 0, ""),
        row(1, 1, 1, "table"),
        row(3, 2, 0, ""),
    ];
    let groups: &[(&str, &[(u8, u32)])] =
        &[("helper", &[(1, 2)]), ("other", &[(1, 3)]), ("group", &[(0, 1), (1, 3)])];
    let before = object(&rows, groups);
    let after = rename(&before, &renames(&["helper", "a", "table"]), &place()).unwrap();
    let read = read_object(&after, &place()).unwrap();
    let names: Vec<(&str, Binding)> =
        read.symbols.iter().map(|symbol| (symbol.name, symbol.binding)).collect();
    let expected = [
        ("helper.m", Binding::Global),
        ("helper", Binding::Local),
        ("a.m", Binding::Global),
        ("table.m", Binding::Weak),
    ];
    assert_eq!(names, expected);
    assert_eq!(read.symbols[2].import, Some(("env", "a")), "the import stays as it is");
    assert_eq!(group_names(&after), ["helper.m", "other", "group.m"]);
}

#[test]
fn an_unknown_version_or_kind_of_symbol_is_refused() {
    let good = object(&[row(0, 0, 2, "f")], &[]);
    let at = good.windows(7).position(|window| window == b"linking").unwrap() + 7;
    let mut version = good.clone();
    version[at] = 9;
    assert_eq!(rename(&version, &renames(&[]), &place()).unwrap_err().code.id, "L0602");
    let kind = object(&[row(9, 0, 2, "f")], &[]);
    assert_eq!(rename(&kind, &renames(&[]), &place()).unwrap_err().code.id, "L0602");
    assert_eq!(rename(b"\x7fELF", &renames(&[]), &place()).unwrap_err().code.id, "L0601");
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (0_u8..4, any::<[bool; 4]>(), 0_u32..2, "[a-c]{1,2}").prop_map(
        |(kind, [weak, local, hidden, undefined], index, name)| {
            let mut flags = u32::from(weak) | u32::from(hidden) << 2;
            if local {
                flags = (flags & !1) | 2;
            }
            let kind = if kind == 2 { 0 } else { kind };
            let undefined = undefined && kind != 3 && !local;
            flags |= if undefined { UNDEFINED } else { 0 };
            // Functions that are imported come first.
            let index = if kind == 0 && !undefined { index + 2 } else { index };
            Row { kind, flags, index, name }
        },
    );
    proptest::collection::vec(row, 0..12)
}

proptest! {
    #[test]
    fn names_change_and_nothing_else(rows in rows(), chosen in proptest::collection::btree_set("[a-c]{1,2}", 0..4)) {
        let before = object(&rows, &[("a", &[(1, 2)])]);
        let chosen: Vec<&str> = chosen.iter().map(String::as_str).collect();
        let after = rename(&before, &renames(&chosen), &place()).unwrap();
        let (old, new) = (read_object(&before, &place()).unwrap(), read_object(&after, &place()).unwrap());
        prop_assert_eq!(old.symbols.len(), new.symbols.len());
        for (old, new) in old.symbols.iter().zip(&new.symbols) {
            let ours = old.binding != Binding::Local && chosen.contains(&old.name);
            let name = if ours { format!("{}.m", old.name) } else { old.name.to_owned() };
            prop_assert_eq!(new.name, name);
            let import = match ours && !old.defined && old.kind == SymbolKind::Function {
                true => Some(("env", old.name)),
                false => old.import,
            };
            prop_assert_eq!(new.import, import);
            prop_assert_eq!(Symbol { name: "", import: None, ..*old }, Symbol { name: "", import: None, ..*new });
        }
        let plain = |bytes: &[u8]| -> Vec<Vec<u8>> {
            let sections = split(bytes, &place()).unwrap();
            let others = sections.iter().filter(|section| section.named("linking").is_none());
            others.map(|section| section.body.to_vec()).collect()
        };
        prop_assert_eq!(plain(&before), plain(&after));
        // Without any name to change, what is written is what was read.
        prop_assert_eq!(rename(&after, &renames(&[]), &place()).unwrap(), after);
    }

    #[test]
    fn damaged_objects_are_refused_or_read(rows in rows(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = object(&rows, &[("a", &[(1, 2)])]);
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] = byte;
        }
        let renamed = rename(&bytes, &renames(&["a", "b"]), &place());
        // What can be read can be renamed, and read again.
        if let Ok(old) = read_object(&bytes, &place()) {
            let renamed = renamed.unwrap();
            let new = read_object(&renamed, &place()).unwrap();
            prop_assert_eq!(old.symbols.len(), new.symbols.len());
            for (old, new) in old.symbols.iter().zip(&new.symbols) {
                let ours = old.binding != Binding::Local && ["a", "b"].contains(&old.name);
                let suffix = if ours { ".m" } else { "" };
                prop_assert_eq!(format!("{}{suffix}", old.name), new.name);
            }
        }
    }
}
