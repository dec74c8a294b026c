//! Where the record is in a library of each format, and what of the file its sums are over.
//!
//! Reads as little as it takes, of 64-bit little-endian files: ELF's program headers and notes, Mach-O's load commands, PE's
//! section table.

use super::{
    MACHO_SECTION, MAGIC, NOTE_NAME, NOTE_TYPE, PE_SECTION, Range, SUMS, TO_THE_END, number,
};

/// Where the record begins, in bytes from the start of the file; none if there is none.
#[must_use]
pub fn find(bytes: &[u8]) -> Option<usize> {
    let offset = match bytes.first_chunk::<4>()? {
        [0x7f, b'E', b'L', b'F'] => in_elf(bytes)?,
        [0xcf, 0xfa, 0xed, 0xfe] => in_macho(bytes)?,
        [b'M', b'Z', ..] => in_pe(bytes)?,
        _ => return None,
    };
    bytes.get(offset..)?.get(..MAGIC.len()).map(|_| offset)
}

/// Program headers stay when everything else is stripped ("ELF-64 Object File Format").
fn in_elf(bytes: &[u8]) -> Option<usize> {
    let headers = long(bytes, 32)?;
    for index in 0..usize::from(half(bytes, 56)?) {
        const NOTE: u32 = 4;
        let header = headers.checked_add(index * 56)?;
        if number(bytes, header)? != NOTE {
            continue;
        }
        let mut at = long(bytes, header.checked_add(8)?)?;
        let end = at.checked_add(long(bytes, header.checked_add(32)?)?)?.min(bytes.len());
        while at < end {
            let (name, content) = (word(bytes, at)?, word(bytes, at.checked_add(4)?)?);
            let kind = number(bytes, at + 8)?;
            let begin = at.checked_add(12)?.checked_add(name.checked_next_multiple_of(4)?)?;
            let owner = bytes.get(at + 12..)?.get(..name)?;
            if kind == NOTE_TYPE && owner.strip_suffix(b"\0") == Some(NOTE_NAME.as_bytes()) {
                return Some(begin);
            }
            at = begin.checked_add(content.checked_next_multiple_of(4)?)?;
        }
    }
    None
}

/// `mach_header_64`, `segment_command_64` and `section_64` of Darwin's `loader.h`.
fn in_macho(bytes: &[u8]) -> Option<usize> {
    let mut at = 32_usize;
    for _ in 0..number(bytes, 16)? {
        const SEGMENT: u32 = 0x19;
        if number(bytes, at)? == SEGMENT {
            for index in 0..word(bytes, at + 64)? {
                let section = at.checked_add(72)?.checked_add(index.checked_mul(80)?)?;
                let named = named(bytes, section, MACHO_SECTION.1)?;
                if named && self::named(bytes, section + 16, MACHO_SECTION.0)? {
                    return word(bytes, section + 48);
                }
            }
        }
        // One that has no length would be looked at for ever.
        let length = word(bytes, at + 4).filter(|length| *length >= 8)?;
        at = at.checked_add(length)?;
    }
    None
}

/// The section table behind the optional header ("PE Format").
fn in_pe(bytes: &[u8]) -> Option<usize> {
    let headers = word(bytes, 0x3c)?;
    let sections = headers.checked_add(24 + usize::from(half(bytes, headers.checked_add(20)?)?))?;
    for index in 0..usize::from(half(bytes, headers.checked_add(6)?)?) {
        let section = sections.checked_add(index * 40)?;
        if named(bytes, section, PE_SECTION)? {
            return word(bytes, section + 20);
        }
    }
    None
}

/// True if a name begins there; names are filled with zeros.
fn named(bytes: &[u8], at: usize, name: &str) -> Option<bool> {
    let field = bytes.get(at..)?.get(..=name.len())?;
    Some(field.strip_suffix(b"\0") == Some(name.as_bytes()))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|chunk| u16::from_le_bytes(*chunk))
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    number(bytes, at).and_then(|number| usize::try_from(number).ok())
}

fn long(bytes: &[u8], at: usize) -> Option<usize> {
    let chunk = bytes.get(at..)?.first_chunk()?;
    usize::try_from(u64::from_le_bytes(*chunk)).ok()
}

/// Hands what the sums of a file with a record at `offset` are over to `add`, part by part and in order.
pub fn covered(bytes: &[u8], offset: usize, ranges: &[Range], add: &mut dyn FnMut(&[u8])) {
    const ZEROS: [u8; 256] = [0; 256];
    let own = Range { offset: (offset + SUMS.start) as u64, length: SUMS.len() as u64 };
    let mut ranges: Vec<Range> = ranges.iter().copied().chain([own]).collect();
    ranges.sort_by_key(|range| range.offset);
    let mut at = 0;
    for range in ranges {
        let start = usize::try_from(range.offset).unwrap_or(usize::MAX).clamp(at, bytes.len());
        // What an earlier one covers already is not covered again.
        let end = usize::try_from(range.offset.saturating_add(range.length));
        let end = end.unwrap_or(usize::MAX).clamp(start, bytes.len());
        add(bytes.get(at..start).unwrap_or_default());
        let mut zeros = if range.length == TO_THE_END { 0 } else { end - start };
        while zeros > 0 {
            let part = zeros.min(ZEROS.len());
            add(ZEROS.get(..part).unwrap_or_default());
            zeros -= part;
        }
        at = end;
    }
    add(bytes.get(at..).unwrap_or_default());
}

/// The same of one part of a file, which begins at `at` and becomes what the sums are over: how much of it counts.
#[must_use]
pub fn cover(part: &mut [u8], at: u64, offset: usize, ranges: &[Range]) -> usize {
    let own = Range { offset: (offset + SUMS.start) as u64, length: SUMS.len() as u64 };
    let within = |place: u64| {
        usize::try_from(place.saturating_sub(at)).unwrap_or(usize::MAX).min(part.len())
    };
    let mut length = part.len();
    let places: Vec<(usize, usize, bool)> = ranges
        .iter()
        .chain([&own])
        .map(|range| {
            let end = range.offset.saturating_add(range.length);
            (within(range.offset), within(end), range.length == TO_THE_END)
        })
        .collect();
    for (start, end, to_the_end) in places {
        if to_the_end {
            length = length.min(start);
        } else if let Some(zeros) = part.get_mut(start..end) {
            zeros.fill(0);
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_panics(kind in 0..3_usize, bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            let magic: [&[u8]; 3] = [b"\x7fELF\x02\x01", &[0xcf, 0xfa, 0xed, 0xfe], b"MZ"];
            let mut file = magic[kind].to_vec();
            file.extend(bytes);
            if let Some(offset) = find(&file) {
                prop_assert!(offset < file.len());
            }
        }

        #[test]
        fn sums_are_over_as_many_bytes_as_there_are(
            length in 200..600_usize, offset in 0..700_usize, ranges in proptest::collection::vec((0..700_u64, 0..700_u64), 0..4),
        ) {
            let ranges: Vec<Range> =
                ranges.into_iter().map(|(offset, length)| Range { offset, length }).collect();
            let mut total = 0;
            covered(&vec![1; length], offset, &ranges, &mut |part| total += part.len());
            prop_assert_eq!(total, length);
        }

        #[test]
        fn a_part_is_covered_as_the_whole(
            length in 200..600_usize, offset in 0..700_usize, ranges in proptest::collection::vec((0..700_u64, 0..200_u64), 0..4),
            end in 0..900_u64, size in 1..300_usize,
        ) {
            let ranges = ranges.into_iter().map(|(offset, length)| Range { offset, length });
            // What is signed is behind everything else that is left out.
            let behind = Range { offset: 1000 + end, length: TO_THE_END };
            let ranges: Vec<Range> = ranges.chain([behind]).collect();
            let bytes: Vec<u8> = (0..length + 1000).map(|at| at as u8 | 1).collect();
            let (mut whole, mut parts) = (Vec::<u8>::new(), Vec::<u8>::new());
            covered(&bytes, offset, &ranges, &mut |part| whole.extend(part));
            for (index, part) in bytes.chunks(size).enumerate() {
                let mut part = part.to_vec();
                let length = cover(&mut part, (index * size) as u64, offset, &ranges);
                parts.extend(&part[..length]);
            }
            prop_assert!(whole == parts);
        }
    }
}
