//! Blobs: read-only files named by the SHA-256 of what is in them.
//!
//! A blob is written once, under a temporary name, and never again. Reading one means checking it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::digest::Digest;
use crate::files;
use crate::flush::Written;
use crate::layout::Layout;

/// Nobody may write to a blob, not even through a hard link of it.
const MODE: u32 = 0o444;

/// Puts bytes under their digest, to be flushed; `None` if they were there.
pub(crate) fn put(
    layout: &Layout,
    digest: &Digest,
    bytes: &[u8],
) -> std::io::Result<Option<Written>> {
    let path = layout.blob(digest);
    let size = bytes.len() as u64;
    // One that a crash of the machine cut short, or that was damaged since, is replaced.
    let there = std::fs::symlink_metadata(&path);
    if there.is_ok_and(|there| there.is_file() && there.len() == size)
        && std::fs::read(&path).is_ok_and(|there| there == bytes)
    {
        return Ok(None);
    }
    let file = files::temporary(&layout.temporary(), MODE, bytes)?;
    let file = files::persist(file, &path)?;
    Ok(Some(Written { file, path }))
}

/// A blob that was read.
pub(crate) enum Read {
    /// It is what its name says.
    Good(File, Vec<u8>),
    /// It is not there, or may not be read.
    Missing,
    /// It is something else; it was removed.
    Damaged,
}

/// Reads and checks a blob.
pub(crate) fn read(path: &Path, digest: &Digest, size: u64) -> Read {
    let Ok(mut file) = File::open(path) else { return Read::Missing };
    let right_size = file.metadata().is_ok_and(|there| there.is_file() && there.len() == size);
    let mut bytes = Vec::new();
    if right_size {
        // The size is what the disk says, not what a record says, so it is there to be read.
        bytes.reserve_exact(usize::try_from(size).unwrap_or(0));
        if file.read_to_end(&mut bytes).is_err() {
            return Read::Missing;
        }
    }
    if !right_size || Digest::of(&bytes) != *digest {
        remove_opened(path, &file);
        return Read::Damaged;
    }
    Read::Good(file, bytes)
}

/// Removes a file, unless somebody has put another one in its place since it was opened.
#[cfg(unix)]
pub(crate) fn remove_opened(path: &Path, opened: &File) {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |there: std::fs::Metadata| (there.dev(), there.ino());
    let same = match (opened.metadata(), std::fs::symlink_metadata(path)) {
        (Ok(ours), Ok(there)) => there.is_symlink() || identity(ours) == identity(there),
        _ => false,
    };
    if same {
        remove(path);
    }
}

#[cfg(not(unix))]
pub(crate) fn remove_opened(path: &Path, _opened: &File) {
    remove(path);
}

/// Removes a file; one that cannot be removed is found damaged again.
pub(crate) fn remove(path: &Path) {
    let _ = std::fs::remove_file(path);
}

/// The blobs of a store, to be looked at.
#[derive(Clone, Debug)]
pub struct Blobs(pub(crate) Layout);

impl Blobs {
    /// True if there is a blob of this name and length; what is in it is looked at when it is used.
    #[must_use]
    pub fn has(&self, digest: &Digest, size: u64) -> bool {
        let there = std::fs::symlink_metadata(self.0.blob(digest));
        there.is_ok_and(|there| there.is_file() && there.len() == size)
    }

    /// The bytes of a blob, if they are what its name says.
    #[must_use]
    pub fn read(&self, digest: &Digest, size: u64) -> Option<Vec<u8>> {
        match read(&self.0.blob(digest), digest, size) {
            Read::Good(_, bytes) => Some(bytes),
            Read::Missing | Read::Damaged => None,
        }
    }
}
