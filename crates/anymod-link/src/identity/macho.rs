//! The ad-hoc signature of a Mach-O file: SHA-256 of every page, which the kernel compares. A record written after the
//! link changes a page, so that its sum has to be written again.
//!
//! Layout from the headers of Darwin's `cs_blobs.h`; all numbers are big-endian.

use object::read::macho::{LoadCommandVariant, MachHeader as _};
use sha2::{Digest as _, Sha256};

use super::place;

const SUPER_BLOB: u32 = 0xfade_0cc0;
const CODE_DIRECTORY: u32 = 0xfade_0c02;
const HASH_SHA256: u8 = 2;

/// Writes the sums of all pages again, if there is a signature.
pub(super) fn sign_again(bytes: &mut [u8]) {
    for (slot, sum) in slots(bytes).unwrap_or_default() {
        if let Some(place) = bytes.get_mut(slot..slot + sum.len()) {
            place.copy_from_slice(&sum);
        }
    }
}

/// The places of the sums and what they have to be; none if there is no signature of a known kind.
fn slots(bytes: &[u8]) -> Option<Vec<(usize, [u8; 32])>> {
    let (header, endian) = place::macho(bytes)?;
    let mut commands = header.load_commands(endian, bytes, 0).ok()?;
    let mut signature = None;
    while let Some(command) = commands.next().ok()? {
        if let (object::macho::LC_CODE_SIGNATURE, Ok(LoadCommandVariant::LinkeditData(data))) =
            (command.cmd(), command.variant())
        {
            signature = usize::try_from(data.dataoff.get(endian)).ok();
        }
    }
    let signature = signature?;
    if number(bytes, signature)? != SUPER_BLOB {
        return None;
    }
    let mut all = Vec::new();
    for index in 0..number(bytes, signature + 8)?.min(16) as usize {
        let blob = signature + number(bytes, signature + 12 + index * 8 + 4)? as usize;
        if number(bytes, blob)? == CODE_DIRECTORY {
            all.extend(of_directory(bytes, blob)?);
        }
    }
    Some(all)
}

/// The sums of one code directory: `hashOffset` at 16, `nCodeSlots` at 28, `codeLimit` at 32, `hashSize`, `hashType`,
/// `platform` and the logarithm of the page size from 36 on.
fn of_directory(bytes: &[u8], at: usize) -> Option<Vec<(usize, [u8; 32])>> {
    let first = at + number(bytes, at + 16)? as usize;
    let count = number(bytes, at + 28)? as usize;
    let limit = (number(bytes, at + 32)? as usize).min(bytes.len());
    let [size, kind, _, page] = *bytes.get(at + 36..)?.first_chunk()?;
    if (size, kind) != (32, HASH_SHA256) || !(9..=20).contains(&page) {
        return None;
    }
    let pages = bytes.get(..limit)?.chunks(1 << page).take(count);
    Some(
        pages
            .enumerate()
            .map(|(slot, page)| (first + slot * 32, Sha256::digest(page).into()))
            .collect(),
    )
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map(|chunk| u32::from_be_bytes(*chunk))
}
