//! Giving a shared module a runtime path: where its loader looks for the libraries that it needs.
//!
//! For modules linked by a `wasm-ld` without `-rpath` (before LLVM 20). Only the section `dylink.0` changes; it comes first
//! in a module, and nothing else refers to offsets in the file.

use anymod_model::codes::link as code;
use anymod_model::{Diagnostic, Place};
use wasmparser::{BinaryReader, Result};

use super::sections::{CUSTOM, HEADER, leb128, push};

/// Name of the section, with its length before it.
const NAME: &[u8] = b"\x08dylink.0";
/// Type of the part of the section that holds the runtime path.
const RUNTIME_PATH: u8 = 5;

/// The module with this runtime path in place of any other; `$ORIGIN` stands for the module's own directory.
///
/// # Errors
/// `L0601` if the module is not one that a loader places, because it does not begin with a section `dylink.0`; `L0602` if
/// that section is damaged.
pub fn set_runtime_path(
    bytes: &[u8],
    file: &str,
    paths: &[String],
) -> std::result::Result<Vec<u8>, Diagnostic> {
    let Some((head, body, rest)) = split(bytes) else {
        return Err(Diagnostic::error(&code::NOT_WASM, "not a shared WebAssembly module")
            .at(Place::file(file))
            .hint("only modules linked with `-shared` have a runtime path"));
    };
    let mut section = NAME.to_vec();
    let start = (bytes.len() - rest.len() - body.len()) as u64;
    let parts = other_parts(body, start).map_err(|error| {
        Diagnostic::error(&code::WASM_MALFORMED, format!("damaged module: {}", error.message()))
            .at(Place::offset(file, error.offset()))
            .hint("the file was cut off or changed; build it again")
    })?;
    section.extend(parts);
    if !paths.is_empty() {
        let mut part = Vec::new();
        leb128(&mut part, paths.len());
        for path in paths {
            leb128(&mut part, path.len());
            part.extend(path.as_bytes());
        }
        section.push(RUNTIME_PATH);
        leb128(&mut section, part.len());
        section.extend(part);
    }
    let mut out = head.to_vec();
    push(&mut out, CUSTOM, &section);
    out.extend(rest);
    Ok(out)
}

/// The header, what is in the section `dylink.0`, and all sections after it.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (head, sections) = bytes.split_at_checked(HEADER.len())?;
    if !head.starts_with(b"\0asm") {
        return None;
    }
    let mut reader = BinaryReader::new(sections, HEADER.len() as u64);
    let id = reader.read_u8().ok()?;
    let size = usize::try_from(reader.read_var_u32().ok()?).ok()?;
    let start = sections.len().checked_sub(reader.bytes_remaining())?;
    let (section, rest) = sections.get(start..)?.split_at_checked(size)?;
    let body = section.strip_prefix(NAME)?;
    (id == CUSTOM).then_some((head, body, rest))
}

/// The parts of the section but the runtime path, as they are.
fn other_parts(body: &[u8], offset: u64) -> Result<Vec<u8>> {
    let mut reader = BinaryReader::new(body, offset);
    let mut kept = Vec::new();
    while !reader.eof() {
        let before = body.len() - reader.bytes_remaining();
        let kind = reader.read_u8()?;
        let size = reader.read_var_u32()?;
        reader.read_bytes(usize::try_from(size).unwrap_or(usize::MAX))?;
        let after = body.len() - reader.bytes_remaining();
        if kind != RUNTIME_PATH {
            kept.extend(body.get(before..after).unwrap_or_default());
        }
    }
    Ok(kept)
}
