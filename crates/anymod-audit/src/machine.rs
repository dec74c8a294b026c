//! Machine code, told by its first bytes. Never looks further into it.

/// What machine code a file is, told by its first bytes.
pub(crate) fn format(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x7f, b'E', b'L', b'F', ..] => Some("ELF machine code"),
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] => Some("Mach-O machine code"),
        // Java classes begin with the same four bytes; a fat binary has few architectures where they have their version.
        [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 0..=20, ..] => Some("Mach-O machine code"),
        [b'M', b'Z', ..] if is_windows(bytes) => Some("Windows machine code"),
        _ => None,
    }
}

/// Whether the header that a DOS stub points to is there.
fn is_windows(bytes: &[u8]) -> bool {
    let at = bytes.get(0x3c..).and_then(<[u8]>::first_chunk).map(|at| u32::from_le_bytes(*at));
    let header = at.and_then(|at| bytes.get(usize::try_from(at).ok()?..));
    header.is_some_and(|header| header.starts_with(b"PE\0\0"))
}
