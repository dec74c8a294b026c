//! The archive of files that travel inside a program: one platform's variants of an addon, each compressed by itself.
//!
//! Owns the layout, and reading the index. Compressing is `anymod-pack`'s, extracting the loaders'.
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 8 | `anymodPK` |
//! | 8 | 4 | version of the layout, 1, little-endian |
//! | 12 | 4 | length of the index, little-endian |
//! | 16 | | the index, JSON |
//! | | | the parts, one after the other |
//!
//! A file is the concatenation of its parts, each of which is a frame of its own: whoever cannot decompress bit by bit needs
//! no more memory than a part.

use serde::{Deserialize, Serialize};

/// What an archive begins with.
pub const MAGIC: [u8; 8] = *b"anymodPK";
/// Version of the layout.
pub const VERSION: u32 = 1;
/// Where the index begins.
pub const INDEX_AT: usize = 16;

/// How parts are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// RFC 1952: every Node.js has it.
    Gzip,
    /// RFC 8878: smaller and faster; Node.js has it from 22.15 on.
    Zstd,
}

impl Encoding {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Gzip => "gzip",
            Encoding::Zstd => "zstd",
        }
    }
}

/// What is in an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// Name of the addon.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Name of the platform.
    pub platform: String,
    /// How parts are compressed.
    pub encoding: Encoding,
    /// Begin of the SHA-256 of all files' sums, in hexadecimal: names the directory that they are extracted to.
    pub digest: String,
    /// The files, the best variant first.
    pub files: Vec<Packed>,
}

/// A file in an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packed {
    /// Its name.
    pub file: String,
    /// Name of its variant; empty if it has none.
    pub variant: String,
    /// Level of x86-64 that it needs; 0 on other architectures.
    pub level: u32,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Where its first part begins, from the end of the index.
    pub offset: u64,
    /// Lengths of its parts.
    pub parts: Vec<u64>,
}

/// The begin of an archive with this index.
#[must_use]
pub fn header(index: &Index) -> Vec<u8> {
    // No map in it has keys that are not strings, the one thing that JSON cannot say.
    let json = serde_json::to_vec(index).unwrap_or_default();
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(u32::try_from(json.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend(json);
    bytes
}

/// Reads the index; with it, where the parts begin.
///
/// # Errors
/// What is wrong with the archive, a clause.
pub fn parse(bytes: &[u8]) -> Result<(Index, usize), &'static str> {
    if !bytes.starts_with(&MAGIC) {
        return Err("it does not begin with `anymodPK`");
    }
    let number = |at: usize| {
        bytes.get(at..).and_then(<[u8]>::first_chunk).map(|chunk| u32::from_le_bytes(*chunk))
    };
    if number(8) != Some(VERSION) {
        return Err("it has a layout that this version does not know");
    }
    let length = number(12).and_then(|length| usize::try_from(length).ok());
    let json = length.and_then(|length| bytes.get(INDEX_AT..)?.get(..length));
    let json = json.ok_or("it is cut short")?;
    let index: Index = serde_json::from_slice(json).map_err(|_| "its index cannot be read")?;
    let parts = bytes.len() - INDEX_AT - json.len();
    for file in &index.files {
        let end = file.parts.iter().try_fold(file.offset, |end, part| end.checked_add(*part));
        if end.is_none_or(|end| end > parts as u64) {
            return Err("it is cut short");
        }
    }
    Ok((index, INDEX_AT + json.len()))
}

/// The parts of a file of an archive that was read.
pub fn parts<'a>(
    archive: &'a [u8],
    start: usize,
    file: &'a Packed,
) -> impl Iterator<Item = &'a [u8]> {
    let rest =
        usize::try_from(file.offset).ok().and_then(|offset| archive.get(start..)?.get(offset..));
    let mut rest = rest.unwrap_or_default();
    file.parts.iter().map_while(move |length| {
        let (part, after) = rest.split_at_checked(usize::try_from(*length).ok()?)?;
        rest = after;
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn index() -> Index {
        let file = Packed {
            file: "a.linux-x64-modern.node".to_owned(),
            variant: "modern".to_owned(),
            level: 3,
            size: 10,
            sha256: "00".repeat(32),
            offset: 2,
            parts: vec![3, 1],
        };
        Index {
            name: "a".to_owned(),
            version: "1.0.0".to_owned(),
            platform: "linux-x64".to_owned(),
            encoding: Encoding::Zstd,
            digest: "0123".to_owned(),
            files: vec![file],
        }
    }

    #[test]
    fn an_archive_is_read_as_it_was_written() {
        let mut bytes = header(&index());
        bytes.extend(b"..abcd");
        let (read, start) = parse(&bytes).unwrap();
        assert_eq!(read, index());
        let parts: Vec<&[u8]> = parts(&bytes, start, &read.files[0]).collect();
        assert_eq!(parts, [&b"abc"[..], b"d"]);
        for end in 0..bytes.len() {
            assert!(parse(&bytes[..end]).is_err(), "{end}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64), at in any::<proptest::sample::Index>(), byte: u8) {
            let _ = parse(&bytes);
            let mut whole = header(&index());
            whole.extend(b"..abcd");
            let at = at.index(whole.len());
            whole[at] = byte;
            if let Ok((index, start)) = parse(&whole) {
                for file in &index.files {
                    let _ = parts(&whole, start, file).count();
                }
            }
        }
    }
}
