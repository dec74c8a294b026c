//! Zip files that no honest writer makes, and what is said of each.

use anymod_model::Place;
use anymod_pack::wheel::read;

use crate::archive::{Entry, stored, zip};

const NAME: &str = "spam-1.0-py3-none-any.whl";
const ABOUT: &str = "spam-1.0.dist-info/WHEEL";

/// The code and entry that a wheel with this entry is refused with.
fn refused(entries: &[Entry]) -> (&'static str, Option<String>) {
    let all = [&[stored(ABOUT, b"Wheel-Version: 1.0\n")], entries].concat();
    let findings = read(&zip(&all), NAME).unwrap_err().0;
    let Some(Place::Binary { member, .. }) = &findings[0].place else {
        panic!("{}: no place", findings[0]);
    };
    assert!(findings[0].hint.is_some());
    (findings[0].code.id, member.clone())
}

#[test]
fn an_honest_file_is_read() {
    let directory = Entry { mode: 0o040_755, ..stored("a/", b"") };
    let about = stored(ABOUT, b"Wheel-Version: 1.0\n");
    let wheel = read(&zip(&[directory, stored("a/b", b"x"), about]), NAME).unwrap();
    assert_eq!(wheel.files.len(), 2, "directories are no files");
}

#[test]
fn unsafe_names_are_refused() {
    for name in ["../a", "a/../../b", "/etc/passwd", "C:\\a", "a\\b", "a//b", "", "a\x1b[0m"] {
        let (code, member) = refused(&[stored(name, b"x")]);
        assert_eq!(code, "W0004", "{name}");
        assert_eq!(member, Some(name.escape_default().to_string()));
    }
    let raw = Entry { name: b"\xff".to_vec(), ..stored("x", b"") };
    assert_eq!(refused(&[raw]).0, "W0004");
}

#[test]
fn links_devices_and_second_meanings_are_refused() {
    let with_mode = |name: &str, mode| Entry { mode, ..stored(name, b"") };
    let link = Entry { mode: 0o120_777, ..stored("link", b"/etc/passwd") };
    let cases = [
        vec![link],
        vec![with_mode("device", 0o020_666)],
        vec![with_mode("directory", 0o040_755)],
        vec![with_mode("file/", 0o100_644)],
        vec![stored("full/", b"x")],
        vec![stored("twice", b"1"), stored("twice", b"2")],
        vec![stored("file", b""), stored("file/inside", b"")],
        vec![stored("file", b""), Entry { mode: 0, ..stored("file/", b"") }],
    ];
    for entries in cases {
        assert_eq!(refused(&entries).0, "W0004", "{:?}", entries[0].name);
    }
}

#[test]
fn headers_that_lie_are_refused() {
    let good = || stored("a", b"text");
    let cases = [
        ("W0003", Entry { local_name: b"b".to_vec(), ..good() }),
        ("W0003", Entry { checksum: 1, ..good() }),
        ("W0003", Entry { offset: Some(u32::MAX - 1), ..good() }),
        ("W0003", Entry { offset: Some(0), ..good() }),
        ("W0003", Entry { size: 3, ..good() }),
        ("W0003", Entry { method: 8, ..good() }),
        ("W0003", Entry { compressed: 1 << 20, size: 1 << 20, ..good() }),
        ("W0005", Entry { size: 5, ..good() }),
        ("W0005", Entry { size: 1 << 30, method: 8, ..good() }),
        ("W0006", Entry { method: 12, ..good() }),
        ("W0006", Entry { flags: 1, ..good() }),
        ("W0006", Entry { size: u32::MAX, ..good() }),
    ];
    for (index, (code, entry)) in cases.into_iter().enumerate() {
        assert_eq!(refused(&[entry]).0, code, "case {index}");
    }
}

#[test]
fn entries_do_not_share_bytes() {
    let first = stored("first", &[0; 64]);
    // An entry whose header lies in the bytes of the one before it: each would be unpacked to as much.
    let inner = zip(&[stored("inner", b"x")]);
    let outer = stored("outer", &inner[..36]);
    let start = 30 + ABOUT.len() + "Wheel-Version: 1.0\n".len() + 30 + "outer".len();
    let mut lying = stored("inner", b"x");
    lying.offset = Some(u32::try_from(start).unwrap());
    assert_eq!(refused(&[outer, lying, first]).0, "W0003");
}

#[test]
fn expansion_is_bounded_before_memory_is_taken() {
    let huge = |name: &str| Entry {
        size: 1 << 30,
        compressed: 1 << 20,
        method: 8,
        data: vec![0; 1 << 20],
        ..stored(name, b"")
    };
    let started = std::time::Instant::now();
    assert_eq!(refused(&[huge("a"), huge("b"), huge("c")]).0, "W0005");
    assert!(started.elapsed().as_secs() < 20);
}

#[test]
fn what_surrounds_the_archive_is_refused() {
    let good = zip(&[stored(ABOUT, b"Wheel-Version: 1.0\n")]);
    let code = |bytes: &[u8]| read(bytes, NAME).unwrap_err().0[0].code.id;
    assert_eq!(code(&[b"#!/bin/sh\n", &good[..]].concat()), "W0003");
    assert_eq!(code(&[&good[..], b"trailing"].concat()), "W0002");
    assert_eq!(code(b""), "W0002");
    assert_eq!(code(b"<html>"), "W0002");
    for length in 0..good.len() {
        assert!(["W0002", "W0003"].contains(&code(&good[..length])), "{length}");
    }
    let mut volumes = good.clone();
    let end = volumes.len() - 22;
    volumes[end + 4] = 1;
    assert_eq!(code(&volumes), "W0006");
    let mut more = good.clone();
    more[end + 8] = 2;
    more[end + 10] = 2;
    assert_eq!(code(&more), "W0003");
    let mut wide = good;
    wide[end + 8..end + 12].fill(0xff);
    assert_eq!(code(&wide), "W0006");
}
