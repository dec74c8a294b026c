//! Fixed values of the format, all little-endian.
//!
//! | record | signature | fixed bytes |
//! |---|---|---|
//! | local header, before each entry's bytes | `PK\3\4` | 30 |
//! | header in the directory | `PK\1\2` | 46 |
//! | end of the directory | `PK\5\6` | 22 |

/// Before the bytes of an entry.
pub(super) const LOCAL: &[u8; 4] = b"PK\x03\x04";
/// In the directory.
pub(super) const CENTRAL: &[u8; 4] = b"PK\x01\x02";
/// At the end of the file.
pub(super) const END: &[u8; 4] = b"PK\x05\x06";

pub(super) const LOCAL_SIZE: usize = 30;
pub(super) const CENTRAL_SIZE: usize = 46;
pub(super) const END_SIZE: usize = 22;

/// Flag of an encrypted entry.
pub(super) const ENCRYPTED: u16 = 1;
/// Flag of an entry whose local header has no sizes, because they were not known yet.
pub(super) const STREAMED: u16 = 1 << 3;
/// Flag of a name in UTF-8.
pub(super) const UTF8: u16 = 1 << 11;

/// Not compressed.
pub(super) const STORED: u16 = 0;
/// Compressed with DEFLATE.
pub(super) const DEFLATED: u16 = 8;

/// System that made an entry, in the high byte of the version field: its attributes are a Unix mode.
pub(super) const UNIX: u16 = 3;
/// Kind of file in a Unix mode, and the kind that is a regular file.
pub(super) const KIND: u32 = 0o170_000;
pub(super) const REGULAR: u32 = 0o100_000;
pub(super) const DIRECTORY: u32 = 0o040_000;
