//! The identity inside a Node.js addon: found, checked and sealed without loading the file.
//!
//! Owns where the record is in each format and what the sums cover; the record's layout is
//! `anymod_model::identity`'s. Never looks at code or symbols.

mod macho;
mod object;
mod place;

use anymod_model::codes::node as codes;
use anymod_model::identity::{Range, Record, Sums, covered};
use anymod_model::{Diagnostic, Place};
use sha2::{Digest as _, Sha256};
use twox_hash::XxHash64;

pub use object::object;
pub use place::{Format, format};

/// The record of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it says.
    pub record: Record,
    /// Where it begins, in bytes from the start of the file.
    pub offset: usize,
    /// The sums that the file has.
    pub actual: Sums,
}

impl Found {
    /// True if the file is as it was sealed.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.record.sums == self.actual
    }
}

/// Finds and reads a file's record.
///
/// # Errors
/// `N0004` if the file is no library of a known format, `N0001` if it has no record that can be read.
pub fn read(bytes: &[u8], file: &str) -> Result<Found, Diagnostic> {
    let (offset, record) = find(bytes, file)?;
    let actual = sums(bytes, offset, &record.ranges);
    Ok(Found { record, offset, actual })
}

/// True if a file has a place for a record, whatever is in it.
#[must_use]
pub fn has_mark(bytes: &[u8]) -> bool {
    anymod_model::identity::find(bytes).is_some()
}

/// Writes the sums into the record of a file just linked, and mends what the linker signed.
///
/// # Errors
/// `N0004` if the file is no library of a known format, `N0001` if no record was linked into it.
pub fn seal(mut bytes: Vec<u8>, file: &str) -> Result<Vec<u8>, Diagnostic> {
    let (offset, mut record) = find(&bytes, file)?;
    record.ranges = place::left_out(&bytes);
    record.sums = Sums::default();
    put(&mut bytes, offset, &record.to_bytes());
    record.sums = sums(&bytes, offset, &record.ranges);
    put(&mut bytes, offset, &record.to_bytes());
    macho::sign_again(&mut bytes);
    Ok(bytes)
}

fn put(bytes: &mut [u8], offset: usize, record: &[u8]) {
    if let Some(place) = bytes.get_mut(offset..offset + record.len()) {
        place.copy_from_slice(record);
    }
}

fn find(bytes: &[u8], file: &str) -> Result<(usize, Record), Diagnostic> {
    let place = Place::file(file);
    if format(bytes).is_none() {
        let message = "the file is no library that can be loaded";
        return Err(Diagnostic::error(&codes::FORMAT, message)
            .at(place)
            .hint("it may have been cut short; build or install it again"));
    }
    let offset = anymod_model::identity::find(bytes).ok_or_else(|| {
        Diagnostic::error(&codes::IDENTITY, "the addon has no identity")
            .at(place.clone())
            .hint("build it with anymod; an addon that others made has none")
    })?;
    let record = bytes.get(offset..).map_or(Err("it is too short"), Record::parse);
    let record = record.map_err(|why| {
        let message = format!("the identity of the addon cannot be read: {why}");
        Diagnostic::error(&codes::IDENTITY, message)
            .at(place)
            .hint("the file is damaged, or made by another version of anymod; build it again")
    })?;
    Ok((offset, record))
}

/// The sums of a file with a record at `offset`.
fn sums(bytes: &[u8], offset: usize, ranges: &[Range]) -> Sums {
    let (mut sha256, mut check) = (Sha256::new(), XxHash64::with_seed(0));
    let mut small = 0;
    covered(bytes, offset, ranges, &mut |part| {
        sha256.update(part);
        std::hash::Hasher::write(&mut check, part);
        small = appended(small, part);
    });
    let check = std::hash::Hasher::finish(&check);
    Sums { sha256: sha256.finalize().into(), check, small }
}

/// The greatest prime below 2^32.
const PRIME: u64 = 4_294_967_291;

/// The remainder of a big-endian number, to which `part` is appended, when divided by [`PRIME`].
fn appended(remainder: u32, part: &[u8]) -> u32 {
    let (words, rest) = part.as_chunks::<4>();
    let step = |sum: u64, digit: u64, bits: u32| (sum << bits | digit) % PRIME;
    let sum = words
        .iter()
        .fold(u64::from(remainder), |sum, word| step(sum, u32::from_be_bytes(*word).into(), 32));
    // Less than the prime, which fits.
    rest.iter().fold(sum, |sum, byte| step(sum, (*byte).into(), 8)) as u32
}
