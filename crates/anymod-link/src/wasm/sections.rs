//! A module as a list of sections, to be put together again with some of them changed.
//!
//! Owns the framing alone: ids, lengths, names of custom sections. Never looks into a section.

use anymod_model::codes::link as code;
use anymod_model::{Diagnostic, Place};
use wasmparser::BinaryReader;

/// Bytes before the first section: `\0asm` and the version.
pub(super) const HEADER: &[u8] = b"\0asm\x01\0\0\0";
/// Id of custom sections.
pub(super) const CUSTOM: u8 = 0;

/// A section.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section<'a> {
    /// What it holds.
    pub(super) id: u8,
    /// Its bytes, for a custom section with the name.
    pub(super) body: &'a [u8],
    /// Where they are in the file.
    pub(super) offset: u64,
}

impl<'a> Section<'a> {
    /// The name of a custom section, and what follows it.
    pub(super) fn custom(&self) -> Option<(&'a str, &'a [u8])> {
        if self.id != CUSTOM {
            return None;
        }
        let mut reader = BinaryReader::new(self.body, self.offset);
        let name = reader.read_unlimited_string().ok()?;
        Some((name, reader.read_bytes(reader.bytes_remaining()).ok()?))
    }

    /// The content of the custom section of a name.
    pub(super) fn named(&self, wanted: &str) -> Option<&'a [u8]> {
        self.custom().filter(|(name, _)| *name == wanted).map(|(_, content)| content)
    }
}

/// The sections of a module.
///
/// # Errors
/// `L0601` if the bytes are no module, `L0602` if one of its sections is cut off.
pub(super) fn split<'a>(bytes: &'a [u8], place: &Place) -> Result<Vec<Section<'a>>, Diagnostic> {
    let Some(body) = bytes.strip_prefix(HEADER) else {
        return Err(Diagnostic::error(&code::NOT_WASM, "not a WebAssembly module")
            .at(place.clone())
            .hint("compile and link it for wasm32"));
    };
    let mut reader = BinaryReader::new(body, HEADER.len() as u64);
    let mut sections = Vec::new();
    while !reader.eof() {
        let section = next(&mut reader).map_err(|error| damaged(&error, place))?;
        sections.push(section);
    }
    Ok(sections)
}

fn next<'a>(reader: &mut BinaryReader<'a>) -> wasmparser::Result<Section<'a>> {
    let id = reader.read_u8()?;
    let size = reader.read_var_u32()?;
    let offset = reader.original_position();
    let body = reader.read_bytes(usize::try_from(size).unwrap_or(usize::MAX))?;
    Ok(Section { id, body, offset })
}

/// The diagnostic of a module that contradicts itself.
pub(super) fn damaged(error: &wasmparser::Error, place: &Place) -> Diagnostic {
    let message = error.message().lines().next().unwrap_or_default();
    let mut place = place.clone();
    if let Place::Binary { offset, .. } = &mut place {
        *offset = Some(error.offset());
    }
    Diagnostic::error(&code::WASM_MALFORMED, format!("damaged module: {message}"))
        .at(place)
        .hint("the file was cut off or changed; build it again")
}

/// Adds a section.
pub(super) fn push(out: &mut Vec<u8>, id: u8, body: &[u8]) {
    out.push(id);
    leb128(out, body.len());
    out.extend(body);
}

/// Adds a custom section.
pub(super) fn push_custom(out: &mut Vec<u8>, name: &str, content: &[u8]) {
    let mut body = Vec::with_capacity(name.len() + content.len() + 2);
    push_string(&mut body, name);
    body.extend(content);
    push(out, CUSTOM, &body);
}

/// A string with its length before it.
pub(super) fn push_string(out: &mut Vec<u8>, text: &str) {
    leb128(out, text.len());
    out.extend(text.as_bytes());
}

/// An unsigned number in the variable length of WebAssembly, least significant seven bits first.
pub(super) fn leb128(out: &mut Vec<u8>, mut value: usize) {
    loop {
        // The mask leaves seven bits.
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        out.push(if value == 0 { low } else { low | 0x80 });
        if value == 0 {
            return;
        }
    }
}
