//! Writing zip files: equal files give equal bytes.

use anymod_model::codes::wheel as code;
use anymod_model::{Diagnostic, Place};

use super::layout::{CENTRAL, DEFLATED, END, LOCAL, REGULAR, STORED, UNIX, UTF8};

/// Effort of compression, of 10. Files are packed once and downloaded many times.
const LEVEL: u8 = 9;
/// Version of the format that a reader needs: 2.0, for DEFLATE.
const VERSION: u16 = 20;

/// A file to write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'a> {
    pub(crate) name: &'a str,
    pub(crate) bytes: &'a [u8],
    pub(crate) executable: bool,
}

/// Writes files in the given order, all with the time `epoch` (seconds since 1970, UTC).
pub(crate) fn write(members: &[Member<'_>], epoch: u64, file: &str) -> Result<Vec<u8>, Diagnostic> {
    let too_large = || {
        Diagnostic::error(&code::TOO_LARGE, "more than a zip file of 32-bit form can hold")
            .at(Place::file(file))
            .hint("leave large files out of the package")
    };
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    let stamp = dos_time(epoch);
    for member in members {
        let start = u32::try_from(out.len()).map_err(|_| too_large())?;
        let size = u32::try_from(member.bytes.len()).map_err(|_| too_large())?;
        let name = u16::try_from(member.name.len()).map_err(|_| too_large())?;
        let packed = miniz_oxide::deflate::compress_to_vec(member.bytes, LEVEL);
        let (method, data) = match packed.len() < member.bytes.len() {
            true => (DEFLATED, packed.as_slice()),
            false => (STORED, member.bytes),
        };
        let length = u32::try_from(data.len()).map_err(|_| too_large())?;
        let flags = if member.name.is_ascii() { 0 } else { UTF8 };
        let mut common = Vec::with_capacity(26);
        common.extend([VERSION, flags, method].into_iter().flat_map(u16::to_le_bytes));
        common.extend(stamp.to_le_bytes());
        common.extend(
            [crc32fast::hash(member.bytes), length, size].into_iter().flat_map(u32::to_le_bytes),
        );
        common.extend(name.to_le_bytes());
        // No extra fields.
        common.extend([0, 0]);
        out.extend(LOCAL);
        out.extend(&common);
        out.extend(member.name.as_bytes());
        out.extend(data);
        directory.extend(CENTRAL);
        directory.extend((UNIX << 8 | VERSION).to_le_bytes());
        directory.extend(&common);
        // No comment, first volume, no internal attributes.
        directory.extend([0; 6]);
        let mode = REGULAR | if member.executable { 0o755 } else { 0o644 };
        directory.extend((mode << 16).to_le_bytes());
        directory.extend(start.to_le_bytes());
        directory.extend(member.name.as_bytes());
    }
    let offset = u32::try_from(out.len()).map_err(|_| too_large())?;
    let size = u32::try_from(directory.len()).map_err(|_| too_large())?;
    let count = u16::try_from(members.len()).ok().filter(|count| *count < u16::MAX);
    let count = count.ok_or_else(too_large)?;
    out.extend(directory);
    out.extend(END);
    out.extend([0; 4]);
    out.extend([count, count].into_iter().flat_map(u16::to_le_bytes));
    out.extend([size, offset].into_iter().flat_map(u32::to_le_bytes));
    out.extend([0, 0]);
    Ok(out)
}

/// Seconds since 1970 as the format has them: two seconds fine, from 1980 to 2107; others are moved to the nearest.
fn dos_time(epoch: u64) -> u32 {
    /// 1980-01-01 and 2107-12-31 23:59:58.
    const FIRST: u64 = 315_532_800;
    const LAST: u64 = 4_354_819_198;
    let epoch = epoch.clamp(FIRST, LAST);
    let (mut days, seconds) = ((epoch - FIRST) / 86_400, epoch % 86_400);
    let mut year = 0;
    // Every fourth year from 1980 on is a leap year, but for 2100.
    let is_leap = |year: u64| year.is_multiple_of(4) && year != 120;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let date = year << 9 | month << 5 | (days + 1);
    let time = hour << 11 | minute << 5 | (second / 2);
    // Both fit 16 bits by the clamp above.
    u32::try_from(date << 16 | time).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        let cases = [
            (0, (1980, 1, 1, 0, 0, 0)),
            (315_532_800, (1980, 1, 1, 0, 0, 0)),
            (951_782_400, (2000, 2, 29, 0, 0, 0)),
            (1_735_689_599, (2024, 12, 31, 23, 59, 58)),
            (1_763_715_845, (2025, 11, 21, 9, 4, 4)),
            (4_107_542_400, (2100, 3, 1, 0, 0, 0)),
            (u64::MAX, (2107, 12, 31, 23, 59, 58)),
        ];
        for (epoch, expected) in cases {
            let stamp = dos_time(epoch);
            let field = |at: u32, bits: u32| stamp >> at & ((1 << bits) - 1);
            let found = (
                1980 + field(25, 7),
                field(21, 4),
                field(16, 5),
                field(11, 5),
                field(5, 6),
                2 * field(0, 5),
            );
            assert_eq!(found, expected, "{epoch}");
        }
    }
}
