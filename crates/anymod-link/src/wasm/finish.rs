//! The last touch on a linked module: exports that the policy does not have, the stamp, and what came from where.
//!
//! Never touches code or data.

use anymod_model::stamp::{SECTION, Stamp};
use anymod_model::{Diagnostic, Place};
use wasmparser::BinaryReader;

use super::sections::{HEADER, damaged, leb128, push, push_custom, push_string, split};

/// Id of the section of exports.
const EXPORT: u8 = 7;

/// Name of the section that says which archive each function came from: lines of a count of functions and a name, in the
/// order of the functions that the module defines.
pub const ORIGIN_SECTION: &str = "anymod.origin";

/// Functions that follow each other and came from the same archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The archive's name, without directories.
    pub name: String,
    /// How many functions.
    pub functions: u32,
}

/// What is changed.
pub struct Finish<'a> {
    /// Which exports stay.
    pub keep: &'a dyn Fn(&str) -> bool,
    /// The stamp of the whole, in place of those of the parts.
    pub stamp: &'a Stamp,
    /// Where the functions came from; empty to say nothing.
    pub origins: &'a [Origin],
}

/// The module, finished.
///
/// # Errors
/// `L0601` if it is no module, `L0602` if it is damaged.
pub fn finish(module: &[u8], file: &str, how: &Finish<'_>) -> Result<Vec<u8>, Diagnostic> {
    let place = Place::file(file);
    let mut out = HEADER.to_vec();
    for section in split(module, &place)? {
        if section.named(SECTION).is_some() || section.named(ORIGIN_SECTION).is_some() {
            continue;
        }
        if section.id != EXPORT {
            push(&mut out, section.id, section.body);
            continue;
        }
        let exports = exports(BinaryReader::new(section.body, section.offset), how.keep);
        push(&mut out, EXPORT, &exports.map_err(|error| damaged(&error, &place))?);
    }
    if !how.stamp.is_empty() {
        push_custom(&mut out, SECTION, how.stamp.to_json().as_bytes());
    }
    if !how.origins.is_empty() {
        let lines: Vec<String> = how
            .origins
            .iter()
            .map(|origin| format!("{} {}\n", origin.functions, origin.name.replace('\n', " ")))
            .collect();
        push_custom(&mut out, ORIGIN_SECTION, lines.concat().as_bytes());
    }
    Ok(out)
}

fn exports(
    mut reader: BinaryReader<'_>,
    keep: &dyn Fn(&str) -> bool,
) -> wasmparser::Result<Vec<u8>> {
    let count = reader.read_var_u32()?;
    let (mut kept, mut rows) = (0, Vec::new());
    for _ in 0..count {
        let (name, kind, index) =
            (reader.read_unlimited_string()?, reader.read_u8()?, reader.read_var_u32()?);
        if keep(name) {
            kept += 1;
            push_string(&mut rows, name);
            rows.push(kind);
            leb128(&mut rows, usize::try_from(index).unwrap_or(usize::MAX));
        }
    }
    let mut out = Vec::new();
    leb128(&mut out, kept);
    out.extend(rows);
    Ok(out)
}

/// What the section of origins says.
pub(super) fn origins(content: &[u8]) -> Vec<Origin> {
    let text = String::from_utf8_lossy(content);
    let line = |line: &str| {
        let (functions, name) = line.split_once(' ')?;
        Some(Origin { name: name.to_owned(), functions: functions.parse().ok()? })
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{read, sizes};
    use super::*;

    fn module() -> Vec<u8> {
        let text = r#"(module
            (import "env" "ask" (func))
            (func (result i32) i32.const 1)
            (func (result i32) i32.const 2000000)
            (memory 1)
            (export "memory" (memory 0))
            (export "one" (func 1))
            (export "two" (func 2))
            (@custom "anymod.abi" "old")
            (@custom ".debug_info" "12345"))"#;
        wat::parse_str(text).unwrap()
    }

    fn origin(name: &str, functions: u32) -> Origin {
        Origin { name: name.to_owned(), functions }
    }

    #[test]
    fn exports_go_and_stamp_and_origins_come() {
        let stamp = Stamp::new().with("gc", "none");
        let origins = [origin("a b.a", 1), origin("libc.a", 1)];
        let keep = |name: &str| name != "one";
        let how = Finish { keep: &keep, stamp: &stamp, origins: &origins };
        let finished = finish(&module(), "m.wasm", &how).unwrap();
        let read = read(&finished, "m.wasm").unwrap();
        let names: Vec<&str> = read.exports.iter().map(|export| export.name).collect();
        assert_eq!(names, ["memory", "two"]);
        assert_eq!(crate::stamp::of_object(&finished, "m", None), Ok(vec![stamp.clone()]));
        assert_eq!(finish(&finished, "m.wasm", &how).unwrap(), finished, "once is enough");
        let sizes = sizes(&finished, "m.wasm").unwrap();
        assert_eq!(sizes.total, finished.len() as u64);
        assert_eq!(
            sizes.sections.iter().map(|section| section.bytes).sum::<u64>() + 8,
            sizes.total
        );
        assert_eq!(sizes.debug, 2 + 1 + 11 + 5, "the section of debug information, with its frame");
        let functions: Vec<_> = sizes
            .functions
            .iter()
            .map(|function| {
                (
                    function.index,
                    function.name.as_deref(),
                    function.origin.as_deref(),
                    function.bytes,
                )
            })
            .collect();
        assert_eq!(functions, [(1, None, Some("a b.a"), 4), (2, None, Some("libc.a"), 7)]);
        assert_eq!(sizes.by_origin(), [("libc.a".to_owned(), 7), ("a b.a".to_owned(), 4)]);
    }

    #[test]
    fn what_is_no_module_is_told() {
        let how = Finish { keep: &|_| true, stamp: &Stamp::new(), origins: &[] };
        assert_eq!(finish(b"", "m", &how).unwrap_err().code.id, "L0601");
        assert_eq!(finish(b"\0asm\x01\0\0\0\x07\x09", "m", &how).unwrap_err().code.id, "L0602");
        assert_eq!(sizes(b"\0asm\x01\0\0\0\x07\x09", "m").unwrap_err().code.id, "L0602");
    }

    proptest! {
        #[test]
        fn damaged_modules_are_refused_or_read(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
            let mut bytes = module();
            let at = at.index(bytes.len());
            if cut {
                bytes.truncate(at);
            } else {
                bytes[at] = byte;
            }
            let how = Finish { keep: &|_| true, stamp: &Stamp::new(), origins: &[] };
            let _ = finish(&bytes, "m", &how);
            let _ = sizes(&bytes, "m");
        }
    }
}
