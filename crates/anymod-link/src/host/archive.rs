//! What a file that is given to a linker is, and the members of archives.
//!
//! Owns the spellings of `ar` (System V, GNU, BSD; thin archives of GNU binutils) through the `object` crate. Members of thin
//! archives are other files: their paths are told, and whoever calls has to bring their bytes.

use std::borrow::Cow;

use object::read::archive::ArchiveFile;

use super::{Fault, Machine, elf};

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An archive with its members inside.
    Archive,
    /// An archive that names other files.
    ThinArchive,
    /// Text that tells a linker what to read.
    LinkerScript,
    /// One object, whatever its file is called.
    Object,
    /// A program or shared library.
    Image,
    /// A WebAssembly module.
    Wasm,
    /// Bitcode of LLVM, or an object of GCC that holds nothing else: only the linker's plug-in can read it.
    Bitcode,
    /// Nothing at all.
    Empty,
    /// Something that no linker reads.
    Other,
}

impl Kind {
    /// The kind in words.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Kind::Archive => "archive",
            Kind::ThinArchive => "thin archive",
            Kind::LinkerScript => "linker script",
            Kind::Object => "object",
            Kind::Image => "program or shared library",
            Kind::Wasm => "WebAssembly module",
            Kind::Bitcode => "LLVM bitcode",
            Kind::Empty => "empty",
            Kind::Other => "something else",
        }
    }
}

/// Tells what a file is by its first bytes.
#[must_use]
pub fn kind(data: &[u8]) -> Kind {
    if data.is_empty() {
        Kind::Empty
    } else if data.starts_with(b"!<arch>\n") {
        Kind::Archive
    } else if data.starts_with(b"!<thin>\n") {
        Kind::ThinArchive
    } else if data.starts_with(b"\x7fELF") {
        // `e_type`, in the file's byte order: 1 is a relocatable object.
        let is_object = match (data.get(5), data.get(16), data.get(17)) {
            (Some(2), Some(0), Some(1)) => true,
            (Some(2), ..) => false,
            (_, Some(1), Some(0)) => true,
            _ => false,
        };
        if is_object { Kind::Object } else { Kind::Image }
    } else if data.starts_with(b"\0asm") {
        Kind::Wasm
    } else if data.starts_with(b"BC\xc0\xde") || data.starts_with(b"\xde\xc0\x17\x0b") {
        Kind::Bitcode
    } else if is_script(data) {
        Kind::LinkerScript
    } else {
        Kind::Other
    }
}

fn is_script(data: &[u8]) -> bool {
    let head = data.get(..4096).unwrap_or(data);
    let Ok(text) = std::str::from_utf8(head) else { return false };
    ["INPUT", "GROUP", "OUTPUT_FORMAT", "SECTIONS"].iter().any(|word| text.contains(word))
}

/// The files that a linker script lists in `INPUT`, `GROUP` and `AS_NEEDED`, as written; `-lNAME` among them.
#[must_use]
pub fn script_inputs(data: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(data);
    let mut plain = String::new();
    let mut rest = &*text;
    while let Some((before, after)) = rest.split_once("/*") {
        plain += before;
        plain.push(' ');
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    plain += rest;
    let spaced = plain.replace('(', " ( ").replace([')', ';'], " ) ").replace(',', " ");
    let (mut inputs, mut depth, mut lists) = (Vec::new(), 0_usize, false);
    for word in spaced.split_whitespace() {
        match word {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            "INPUT" | "GROUP" if depth == 0 => lists = true,
            "AS_NEEDED" => {}
            _ if depth == 0 => lists = false,
            _ if lists => inputs.push(word.trim_matches('"').to_owned()),
            _ => {}
        }
    }
    inputs
}

/// A member of an archive.
#[derive(Clone, Debug)]
pub struct Member<'a> {
    /// Name as the archive has it.
    pub name: Cow<'a, str>,
    /// Offset of the header in the archive's file.
    pub offset: u64,
    /// Bytes; none for a member of a thin archive, which is the file that the name says.
    pub data: Option<&'a [u8]>,
}

/// An archive's members.
#[derive(Clone, Debug, Default)]
pub struct Archive<'a> {
    /// In their order. The index and the table of names are none.
    pub members: Vec<Member<'a>>,
    /// There is an index, without which linkers find nothing unless they take all members.
    pub has_index: bool,
    /// Members are other files.
    pub is_thin: bool,
}

/// Bytes of a member's header (`struct ar_hdr`).
const HEADER: u64 = 60;

/// Reads an archive's headers.
///
/// # Errors
/// If the archive is damaged, with the offset of the member that is.
pub fn read(data: &[u8]) -> Result<Archive<'_>, Fault> {
    let fault = |error: object::read::Error, offset: u64| {
        Fault::new(format!("damaged archive: {}", error.to_string().to_lowercase()), offset)
    };
    // Older releases of binutils and mold write no more than the magic for an archive of nothing.
    let file = ArchiveFile::parse(data).map_err(|error| fault(error, 8))?;
    let has_index = file.symbols().map_err(|error| fault(error, 8))?.is_some();
    let mut archive = Archive { members: Vec::new(), has_index, is_thin: file.is_thin() };
    let mut next = 8;
    for member in file.members() {
        let member = member.map_err(|error| fault(error, next))?;
        let (start, size) = member.file_range();
        let offset = if member.is_thin() { next } else { start.saturating_sub(HEADER) };
        let bytes = member.data(data).map_err(|error| fault(error, offset))?;
        next = if member.is_thin() { next } else { start.saturating_add(size) };
        archive.members.push(Member {
            name: String::from_utf8_lossy(member.name()),
            offset,
            data: (!member.is_thin()).then_some(bytes),
        });
    }
    Ok(archive)
}

/// What a file is made for: a program, library or object, or the first object of an archive. Members of thin archives are
/// other files.
#[must_use]
pub fn machine(data: &[u8]) -> Option<Machine> {
    match kind(data) {
        Kind::Object | Kind::Image => elf::machine(data),
        Kind::Archive => {
            let archive = ArchiveFile::parse(data).ok()?;
            let mut members = archive.members().filter_map(|member| member.ok()?.data(data).ok());
            elf::machine(members.find(|member| kind(member) == Kind::Object)?)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_list_their_files() {
        let script = b"/* GNU ld script\n*/\nOUTPUT_FORMAT(elf64-x86-64)\nGROUP ( /lib/libm-2.36.a /lib/libmvec.a AS_NEEDED ( \"x y.a\" -lq ) )\n";
        assert_eq!(kind(script), Kind::LinkerScript);
        // A name with a space inside quotes is read as two words, as no library is called so.
        let inputs = script_inputs(b"INPUT(a.o,b.o) GROUP ( /l/m.a AS_NEEDED ( -lq ) ) ENTRY(x)");
        assert_eq!(inputs, ["a.o", "b.o", "/l/m.a", "-lq"]);
    }

    #[test]
    fn kinds_are_told_by_the_first_bytes() {
        assert_eq!(kind(b""), Kind::Empty);
        assert_eq!(kind(b"!<arch>\n"), Kind::Archive);
        assert_eq!(kind(b"!<thin>\n"), Kind::ThinArchive);
        assert_eq!(kind(b"hello"), Kind::Other);
        assert_eq!(kind(b"\0asm\x01\0\0\0"), Kind::Wasm);
        assert!(read(b"!<arch>\n").unwrap().members.is_empty());
        assert_eq!(read(b"!<arch>\nx").unwrap_err().offset, 8);
    }
}
