//! ABI stamps in archives and objects: finding the section that holds them, whatever the object's format.
//!
//! What a stamp is and how two are compared, `anymod_model::stamp` knows. Never writes one: they are compiled into a module
//! by the module's own compiler.

use std::collections::BTreeMap;

use anymod_model::codes::wasm as code;
use anymod_model::stamp::{Mismatch, SECTION, Stamp};
use anymod_model::{Diagnostic, Diagnostics, Place};
use object::{Object as _, ObjectSection as _};
use wasmparser::{Parser, Payload};

use crate::archive::{self, Content};

/// A stamp and where it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The archive's member; none in an object by itself.
    pub member: Option<String>,
    /// The stamp.
    pub stamp: Stamp,
}

/// The stamps in an archive's members, or in an object. Members of thin archives are other files and have to be read by
/// themselves. A member that is no object, or a damaged one, holds no stamp; whoever links it tells what it is.
///
/// # Errors
/// Those of [`archive::members`]; `G0001` with the member if its section is there and holds something else.
pub fn read(bytes: &[u8], file: &str) -> Result<Vec<Found>, Diagnostic> {
    if !archive::is_archive(bytes) {
        let stamps = of_object(bytes, file, None)?;
        return Ok(stamps.into_iter().map(|stamp| Found { member: None, stamp }).collect());
    }
    let mut found = Vec::new();
    for member in archive::members(bytes, file)? {
        let Content::Here(object) = member.content else { continue };
        for stamp in of_object(object, file, Some(&member.name))? {
            found.push(Found { member: Some(member.name.clone().into_owned()), stamp });
        }
    }
    Ok(found)
}

/// The stamps in an object, WebAssembly, ELF, Mach-O or COFF.
///
/// # Errors
/// `G0001` if the section holds something else.
pub fn of_object(bytes: &[u8], file: &str, member: Option<&str>) -> Result<Vec<Stamp>, Diagnostic> {
    let sections = match bytes.starts_with(b"\0asm") {
        true => wasm_sections(bytes),
        false => native_sections(bytes),
    };
    let mut stamps = Vec::new();
    for section in sections {
        stamps.extend(Stamp::read_all(section).map_err(|malformed| {
            let message = format!("damaged ABI stamp: {}", malformed.reason);
            let place = Place::Binary {
                file: file.to_owned(),
                member: member.map(str::to_owned),
                section: Some(SECTION.to_owned()),
                offset: Some(malformed.offset as u64),
            };
            Diagnostic::error(&code::STAMP_MALFORMED, message)
                .at(place)
                .hint("build the archive again")
        })?);
    }
    Ok(stamps)
}

/// The stamp of several things that are linked together: what any of them says. `where` in each pair is what it is called.
///
/// # Errors
/// `G0110` for every key on which two disagree, with both.
pub fn merge(stamps: &[(String, Stamp)]) -> Result<Stamp, Diagnostics> {
    let mut merged = Stamp::new();
    let mut said_by: BTreeMap<&str, &str> = BTreeMap::new();
    let mut findings = Vec::new();
    for (place, stamp) in stamps {
        for mismatch in merged.mismatches(stamp) {
            let Mismatch { key, left, right } = &mismatch;
            let first = said_by.get(key.as_str()).copied().unwrap_or_default();
            let message = format!(
                "`{key}` is `{left}` in `{first}` and `{right}` in `{place}`: they do not fit together"
            );
            findings.push(
                Diagnostic::error(&code::STAMPS, message)
                    .hint(format!("build both with the same `{key}`")),
            );
        }
        for (key, value) in stamp.iter() {
            if merged.get(key).is_none() {
                merged.set(key, value);
                said_by.insert(key, place);
            }
        }
    }
    if findings.is_empty() { Ok(merged) } else { Err(Diagnostics(findings)) }
}

/// Sections up to the first damaged one.
fn wasm_sections(bytes: &[u8]) -> Vec<&[u8]> {
    let payloads = Parser::new(0).parse_all(bytes).map_while(Result::ok);
    payloads
        .filter_map(|payload| match payload {
            Payload::CustomSection(section) if section.name() == SECTION => Some(section.data()),
            _ => None,
        })
        .collect()
}

fn native_sections(bytes: &[u8]) -> Vec<&[u8]> {
    let Ok(object) = object::File::parse(bytes) else { return Vec::new() };
    let ours = object.sections().filter(|section| section.name() == Ok(SECTION));
    ours.filter_map(|section| section.data().ok()).collect()
}

#[cfg(test)]
mod tests {
    use object::write::Object;
    use object::{Architecture, BinaryFormat, Endianness, SectionKind};
    use proptest::prelude::*;

    use super::*;

    fn stamp() -> Stamp {
        Stamp::new().with("target", "wasi").with("gc", "boehm")
    }

    fn native(format: BinaryFormat, text: &[u8]) -> Vec<u8> {
        let mut object = Object::new(format, Architecture::Aarch64, Endianness::Little);
        let name = SECTION.as_bytes().to_vec();
        let section = object.add_section(b"__ANYMOD".to_vec(), name, SectionKind::Other);
        object.append_section_data(section, text, 1);
        object.write().unwrap()
    }

    fn wasm(text: &[u8]) -> Vec<u8> {
        let name = [&[SECTION.len() as u8], SECTION.as_bytes()].concat();
        let size = u8::try_from(name.len() + text.len()).unwrap();
        assert!(size < 0x80);
        [b"\0asm\x01\0\0\0\0", &[size][..], &name, text].concat()
    }

    fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = b"!<arch>\n".to_vec();
        for (name, member) in members {
            let (name, size) = (format!("{name}/"), member.len());
            let header = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 644);
            bytes.extend(header.as_bytes());
            bytes.extend(*member);
            bytes.extend((size % 2 == 1).then_some(b'\n'));
        }
        bytes
    }

    #[test]
    fn every_format_has_its_stamp() {
        let json = stamp().to_json();
        for format in [BinaryFormat::Elf, BinaryFormat::MachO, BinaryFormat::Coff] {
            let object = native(format, json.as_bytes());
            assert_eq!(of_object(&object, "a.o", None), Ok(vec![stamp()]), "{format:?}");
        }
        let object = wasm(json.as_bytes());
        assert_eq!(of_object(&object, "a.o", None), Ok(vec![stamp()]));
        let archive = archive(&[("a.txt", b"text"), ("stamp.o", &object), ("empty.o", b"")]);
        let found = read(&archive, "x.a").unwrap();
        assert_eq!(found, [Found { member: Some("stamp.o".to_owned()), stamp: stamp() }]);
    }

    #[test]
    fn a_damaged_stamp_is_told_with_archive_and_member() {
        let archive = archive(&[("stamp.o", &wasm(b"gc = boehm\n"))]);
        let error = read(&archive, "lib/x.a").unwrap_err();
        assert_eq!(error.code.id, "G0001");
        assert_eq!(error.place.unwrap().to_string(), "lib/x.a(stamp.o):anymod.abi+0x0");
    }

    #[test]
    fn what_does_not_fit_together_is_told_with_both_places() {
        let stamps = [
            ("a.a(s.o)".to_owned(), Stamp::new().with("gc", "boehm").with("target", "wasi")),
            ("b.a(s.o)".to_owned(), Stamp::new().with("target", "wasi").with("opt", "2")),
        ];
        assert_eq!(
            merge(&stamps).unwrap().to_json(),
            "{\"gc\":\"boehm\",\"opt\":\"2\",\"target\":\"wasi\"}\n"
        );
        let third = ("c.a(s.o)".to_owned(), Stamp::new().with("gc", "none").with("opt", "0"));
        let error = merge(&[stamps.as_slice(), &[third]].concat()).unwrap_err();
        let texts: Vec<_> = error.0.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(
            texts,
            [
                "`gc` is `boehm` in `a.a(s.o)` and `none` in `c.a(s.o)`: they do not fit together",
                "`opt` is `2` in `b.a(s.o)` and `0` in `c.a(s.o)`: they do not fit together",
            ]
        );
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64), cut in any::<proptest::sample::Index>()) {
            let _ = read(&bytes, "x");
            let whole = wasm(stamp().to_json().as_bytes());
            let _ = read(&whole[..cut.index(whole.len())], "x");
            let whole = native(BinaryFormat::Coff, stamp().to_json().as_bytes());
            let _ = read(&whole[..cut.index(whole.len())], "x");
        }
    }
}
