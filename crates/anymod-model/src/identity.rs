//! The identity of a Node.js addon: what a file says about itself, in a form that can be read without loading it.
//!
//! Owns the record's layout, reading and writing it. Where in a file of a platform's format the record is, and what its
//! sums cover, is `anymod-link`'s. The loader in JavaScript that anymod generates reads the same record.
//!
//! All numbers are little-endian, whatever the platform:
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 8 | `anymodID` |
//! | 8 | 4 | version of the layout, 2 |
//! | 12 | 4 | length of the record |
//! | 16 | 4 | Node-API version that the addon needs |
//! | 20 | 4 | level of the x86-64 instruction set that it needs, 1 to 4; 0 elsewhere |
//! | 24 | 4 | how many of the ranges below are used |
//! | 28 | 4 | the file as one number, its first byte the highest, modulo 4,294,967,291 |
//! | 32 | 32 | SHA-256 of the file |
//! | 64 | 8 | XXH64 of the file with seed 0 |
//! | 72 | 64 | four ranges of the file, each an offset and a length, that the sums take as zeros |
//! | 136 | | name, version, platform and variant, each with a NUL |
//!
//! The sums are over the whole file, with bytes 28 to 71 of the record and the ranges as zeros. A length of all ones
//! means up to the end, however far away that is: signing tools append.

mod place;

pub use place::{cover, covered, find};

/// What a record begins with.
pub const MAGIC: [u8; 8] = *b"anymodID";
/// Version of the layout.
pub const VERSION: u32 = 2;
/// Owner's name in the ELF note that holds the record, without its NUL.
pub const NOTE_NAME: &str = "anymod";
/// Type of that note.
pub const NOTE_TYPE: u32 = 1;
/// Name of the ELF section with the note.
pub const ELF_SECTION: &str = ".note.anymod";
/// Segment and section that hold the record in Mach-O files.
pub const MACHO_SECTION: (&str, &str) = ("__TEXT", "__anymod");
/// Section that holds the record in PE files.
pub const PE_SECTION: &str = ".anymod";
/// Where in a record the sums are.
pub const SUMS: std::ops::Range<usize> = 28..72;
/// A range's length that means up to the end of the file.
pub const TO_THE_END: u64 = u64::MAX;
/// How many ranges fit.
pub const RANGES: usize = 4;
/// No record is longer.
pub const LONGEST: usize = 1 << 12;

const TEXTS: usize = 136;

/// What an addon is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Name of the module.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Version of Node-API that it needs.
    pub napi: u32,
    /// Name of the platform, for instance `linux-x64-musl`.
    pub platform: String,
    /// Name of the variant, if there are several for the platform.
    pub variant: Option<String>,
    /// Level of the x86-64 instruction set that it needs, 1 to 4; 0 on other architectures.
    pub level: u32,
}

/// Sums of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// SHA-256.
    pub sha256: [u8; 32],
    /// XXH64 with seed 0, which a loader has at once.
    pub check: u64,
    /// The file as one big-endian number modulo the greatest prime below 2^32, for files so small that a script can sum them up.
    pub small: u32,
}

/// A part of a file: an offset and a length, both in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Offset in the file.
    pub offset: u64,
    /// Length, or [`TO_THE_END`].
    pub length: u64,
}

/// A whole record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What the addon is.
    pub identity: Identity,
    /// Sums of the file; zeros until they are written.
    pub sums: Sums,
    /// What the sums leave out besides themselves, at most [`RANGES`].
    pub ranges: Vec<Range>,
}

impl Record {
    /// A record without sums.
    #[must_use]
    pub fn new(identity: Identity) -> Record {
        Record { identity, sums: Sums::default(), ranges: Vec::new() }
    }

    /// The record's bytes. A NUL in a text ends it, and ranges over [`RANGES`] are left out.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Identity { name, version, napi, platform, variant, level } = &self.identity;
        let mut texts = Vec::new();
        for text in [name, version, platform, variant.as_deref().unwrap_or_default()] {
            texts.extend(text.bytes().take_while(|byte| *byte != 0));
            texts.push(0);
        }
        texts.resize(texts.len().next_multiple_of(4), 0);
        let length = u32::try_from(TEXTS + texts.len()).unwrap_or(u32::MAX);
        let count = self.ranges.len().min(RANGES);
        let mut bytes = MAGIC.to_vec();
        for number in [VERSION, length, *napi, *level, count as u32, self.sums.small] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.sums.sha256);
        bytes.extend(self.sums.check.to_le_bytes());
        for index in 0..RANGES {
            let range = self.ranges.get(index).copied().unwrap_or(Range { offset: 0, length: 0 });
            bytes.extend(range.offset.to_le_bytes());
            bytes.extend(range.length.to_le_bytes());
        }
        bytes.extend(texts);
        bytes
    }

    /// Reads a record that `bytes` begin with; what follows it does not matter.
    ///
    /// # Errors
    /// What is wrong with it, a clause.
    pub fn parse(bytes: &[u8]) -> Result<Record, &'static str> {
        if !bytes.starts_with(&MAGIC) {
            return Err("it does not begin with `anymodID`");
        }
        if number(bytes, 8) != Some(VERSION) {
            return Err("it has a layout that this version does not know");
        }
        let length = number(bytes, 12).and_then(|length| usize::try_from(length).ok());
        let bytes = length
            .filter(|length| (TEXTS..=LONGEST).contains(length))
            .and_then(|length| bytes.get(..length))
            .ok_or("its length is wrong")?;
        let field = |at| number(bytes, at).ok_or("it is too short");
        let long = |at: usize| {
            bytes.get(at..).and_then(<[u8]>::first_chunk).map(|chunk| u64::from_le_bytes(*chunk))
        };
        let count = field(24)? as usize;
        if count > RANGES {
            return Err("it has too many ranges");
        }
        let ranges = (0..count).map(|index| {
            let at = SUMS.end + index * 16;
            Some(Range { offset: long(at)?, length: long(at + 8)? })
        });
        let ranges: Option<Vec<Range>> = ranges.collect();
        let sha256 = bytes.get(32..).and_then(<[u8]>::first_chunk);
        let small = field(28)?;
        let sums =
            sha256.zip(long(64)).map(|(sha256, check)| Sums { sha256: *sha256, check, small });
        let mut texts = bytes.get(TEXTS..).unwrap_or_default();
        let mut text = || {
            let end = texts.iter().position(|byte| *byte == 0).ok_or("a text has no end")?;
            let (text, rest) = texts.split_at(end);
            texts = rest.get(1..).unwrap_or_default();
            std::str::from_utf8(text).map(str::to_owned).map_err(|_| "a text is not UTF-8")
        };
        let (name, version, platform, variant) = (text()?, text()?, text()?, text()?);
        let identity = Identity {
            name,
            version,
            napi: field(16)?,
            platform,
            variant: Some(variant).filter(|variant| !variant.is_empty()),
            level: field(20)?,
        };
        let (ranges, sums) = ranges.zip(sums).ok_or("it is too short")?;
        Ok(Record { identity, sums, ranges })
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map(|chunk| u32::from_le_bytes(*chunk))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let identity = Identity {
            name: "crc".to_owned(),
            version: "1.2.3".to_owned(),
            napi: 8,
            platform: "linux-x64".to_owned(),
            variant: Some("modern".to_owned()),
            level: 3,
        };
        let sums = Sums { sha256: [7; 32], check: 0x0123_4567_89ab_cdef, small: 0x0123_4567 };
        let ranges = vec![Range { offset: 5, length: 6 }, Range { offset: 9, length: TO_THE_END }];
        Record { identity, sums, ranges }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let mut bytes = record().to_bytes();
        assert_eq!(Record::parse(&bytes), Ok(record()));
        bytes.extend(b"what follows");
        assert_eq!(Record::parse(&bytes), Ok(record()));
        let plain = Record::new(Identity { variant: None, ..record().identity });
        assert_eq!(Record::parse(&plain.to_bytes()), Ok(plain));
    }

    #[test]
    fn the_sums_are_where_the_table_says() {
        let bytes = record().to_bytes();
        assert_eq!(bytes[SUMS][..4], 0x0123_4567_u32.to_le_bytes());
        assert_eq!(bytes[32..64], [7; 32]);
        assert_eq!(bytes[64..72], 0x0123_4567_89ab_cdef_u64.to_le_bytes());
        assert_eq!(&bytes[136..140], b"crc\0");
    }

    #[test]
    fn a_cut_or_foreign_record_is_refused() {
        let bytes = record().to_bytes();
        for end in 0..bytes.len() {
            assert!(Record::parse(&bytes[..end]).is_err(), "{end}");
        }
        for at in [0, 8, 12, 24] {
            let mut other = bytes.clone();
            other[at] = 0xff;
            assert!(Record::parse(&other).is_err(), "{at}");
        }
    }
}
