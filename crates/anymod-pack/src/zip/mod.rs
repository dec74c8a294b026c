//! Zip files, as far as packages are made of them: read with suspicion, written the same every time.
//!
//! Owns the container only. The reader refuses what different unpackers understand differently: entries twice, two
//! headers that differ, bytes before the first entry, names that lead elsewhere. The writer gives equal bytes for equal
//! files on every machine, which is why compression is one pure implementation and not whichever the system has.
//!
//! Format: APPNOTE.TXT of PKWARE, <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>.

mod layout;
mod name;
mod read;
mod write;

pub(crate) use name::{clashes as name_clashes, fault as name_fault};
pub(crate) use read::entries;
pub(crate) use write::{Member, write};
