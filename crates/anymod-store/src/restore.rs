//! Putting blobs where a build wants them: all of a set or none.
//!
//! Every blob of the set is read, checked and written beside its destination under a temporary name; only when all of them
//! are there are they renamed. It writes nowhere but to the paths that the caller gives.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use anymod_model::Diagnostic;
use tempfile::{NamedTempFile, TempPath};

use crate::blobs::{self, Read};
use crate::files;
use crate::layout::Layout;
use crate::record::Output;
use crate::warnings::{self, Warnings};

/// How files get out of the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// Shared blocks that part when one side is written (btrfs, XFS); elsewhere a copy.
    #[default]
    Reflink,
    /// A copy.
    Copy,
    /// Another name for the blob, read-only. Executables and other file systems get a reflink or a copy. A program that
    /// changes such a file in place in spite of its mode changes the blob, which is noticed when it is next used.
    Hardlink,
}

/// Smaller files are copied: sharing their blocks costs more than it saves.
const REFLINK_FROM: u64 = 64 << 10;

/// A file that is ready to be renamed.
enum Ready {
    /// Its bytes and mode are there already.
    There,
    Written(NamedTempFile),
    Linked(TempPath),
}

/// Puts the blobs of `outputs` at the paths `to`; false if a blob is gone or was damaged.
///
/// # Errors
/// `S0003` if a destination cannot be written.
pub(crate) fn restore<'a>(
    layout: &Layout,
    link: Link,
    outputs: impl Iterator<Item = (&'a Output, &'a Path)>,
    warnings: &Warnings,
) -> Result<bool, Diagnostic> {
    let mut ready = Vec::new();
    for (output, to) in outputs {
        let blob = layout.blob(&output.digest);
        match blobs::read(&blob, &output.digest, output.size) {
            Read::Missing => return Ok(false),
            Read::Damaged => {
                warnings.damaged(&blob);
                return Ok(false);
            }
            Read::Good(file, bytes) => {
                let made = prepare(link, output, &blob, &file, &bytes, to);
                ready.push((made.map_err(|error| warnings::destination(to, &error))?, to));
            }
        }
    }
    for (made, to) in ready {
        let renamed = match made {
            Ready::There => Ok(()),
            Ready::Written(file) => file.persist(to).map(|_| ()).map_err(|failed| failed.error),
            Ready::Linked(path) => path.persist(to).map_err(|failed| failed.error),
        };
        renamed.map_err(|error| warnings::destination(to, &error))?;
    }
    Ok(true)
}

fn prepare(
    link: Link,
    output: &Output,
    blob: &Path,
    file: &File,
    bytes: &[u8],
    to: &Path,
) -> std::io::Result<Ready> {
    if let Ok(there) = std::fs::symlink_metadata(to) {
        if there.is_dir() {
            return Err(std::io::ErrorKind::IsADirectory.into());
        }
        let same = there.is_file()
            && there.len() == output.size
            && is_executable(&there) == output.executable
            && std::fs::read(to).is_ok_and(|there| there == bytes);
        if same {
            return Ok(Ready::There);
        }
    }
    let directory = match to.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if link == Link::Hardlink
        && !output.executable
        && let Ok(path) = files::linked(blob, directory)
    {
        return Ok(Ready::Linked(path));
    }
    let mode = if output.executable { 0o777 } else { 0o666 };
    let mut made = files::empty(directory, mode)?;
    let shared = link != Link::Copy && output.size >= REFLINK_FROM && reflink(made.as_file(), file);
    if !shared {
        made.write_all(bytes)?;
    }
    Ok(Ready::Written(made))
}

/// Lets `to` share the blocks of `from`; false, with nothing changed, where that is not possible.
#[cfg(target_os = "linux")]
fn reflink(to: &File, from: &File) -> bool {
    rustix::fs::ioctl_ficlone(to, from).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn reflink(_to: &File, _from: &File) -> bool {
    false
}

#[cfg(unix)]
pub(crate) fn is_executable(there: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    there.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
pub(crate) fn is_executable(_there: &std::fs::Metadata) -> bool {
    false
}
