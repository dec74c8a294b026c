//! The archive of files that travel inside a program: one platform's variants of an addon, each compressed by itself.
//!
//! Owns the layout, and reading the index. Compressing is `anymod-pack`'s, extracting the loaders'.
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 8 | `anymodPK` |
//! | 8 | 4 | version of the layout, 2, little-endian |
//! | 12 | 4 | length of the index, little-endian |
//! | 16 | | the index, JSON |
//! | | | the parts, one after the other |
//!
//! A file is the concatenation of its parts, each of which is a frame of its own with a sum of its own: whoever extracts it
//! needs no more memory than a part, and can do several at once.

use serde::{Deserialize, Serialize};

/// What an archive begins with.
pub const MAGIC: [u8; 8] = *b"anymodPK";
/// Version of the layout.
pub const VERSION: u32 = 2;
/// Where the index begins.
pub const INDEX_AT: usize = 16;

/// How parts are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Not at all: what is there to decompress the others.
    Stored,
    /// RFC 1952: every Node.js has it.
    Gzip,
    /// RFC 8878: smaller and faster; Node.js itself has it from 22.15 on.
    Zstd,
}

impl Encoding {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Stored => "stored",
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
    /// How the variants are compressed.
    pub encoding: Encoding,
    /// Begin of the SHA-256 of all files' sums of that kind, in hexadecimal: names the directory that they are extracted to.
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
    /// How its parts are compressed.
    pub encoding: Encoding,
    /// Another file of the archive that each of its frames has as a prefix (RFC 8878, "Dictionary Format", raw content).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Where its first part begins, from the end of the index.
    pub offset: u64,
    /// Its parts.
    pub parts: Vec<Part>,
}

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its length in the archive.
    pub packed: u64,
    /// Its length in the file.
    pub plain: u64,
    /// XXH64 with seed 0 of what it holds, as 16 hexadecimal digits: JavaScript has no numbers for it.
    #[serde(with = "hexadecimal")]
    pub sum: u64,
}

/// Numbers as 16 hexadecimal digits.
mod hexadecimal {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(number: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{number:016x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        let text = String::deserialize(from)?;
        let digits = text.len() == 16 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = u64::from_str_radix(&text, 16).ok().filter(|_| digits);
        number.ok_or_else(|| de::Error::custom("this is no sum"))
    }
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
        let end = file.parts.iter().try_fold(file.offset, |end, part| end.checked_add(part.packed));
        if end.is_none_or(|end| end > parts as u64) {
            return Err("it is cut short");
        }
        let size = file.parts.iter().try_fold(0_u64, |size, part| size.checked_add(part.plain));
        if size != Some(file.size) {
            return Err("its index cannot be read");
        }
    }
    Ok((index, INDEX_AT + json.len()))
}

/// Where the parts of a file of an archive that was read are: the place of each in the archive, in bytes, with itself.
pub fn places(start: usize, file: &Packed) -> impl Iterator<Item = (u64, &Part)> {
    let first = (start as u64).saturating_add(file.offset);
    file.parts.iter().scan(first, |next, part| {
        let at = *next;
        *next = at.saturating_add(part.packed);
        Some((at, part))
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
            encoding: Encoding::Zstd,
            base: Some("b".to_owned()),
            offset: 2,
            parts: vec![
                Part { packed: 3, plain: 8, sum: u64::MAX },
                Part { packed: 1, plain: 2, sum: 7 },
            ],
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
        let places: Vec<u64> = places(start, &read.files[0]).map(|(at, _)| at).collect();
        assert_eq!(places, [start as u64 + 2, start as u64 + 5]);
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
                    for (at, part) in places(start, file) {
                        prop_assert!(at + part.packed <= whole.len() as u64);
                    }
                }
            }
        }
    }
}
