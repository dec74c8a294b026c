//! Creating files: the only place in the store that does.
//!
//! A file is written under a temporary name and renamed; a temporary file that is dropped is removed. The two exceptions
//! are files that are only ever locked, and the tally, whose lines are each written at once.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

/// How the names of temporary files begin and end, in the store and beside files that are restored.
pub const TEMPORARY: (&str, &str) = (".anymod-", ".tmp");

/// A temporary file in `directory` that holds `bytes`, with what the umask leaves of `mode`. The directory is created if
/// it is not there.
pub(crate) fn temporary(
    directory: &Path,
    mode: u32,
    bytes: &[u8],
) -> std::io::Result<NamedTempFile> {
    let mut file = empty(directory, mode)?;
    file.write_all(bytes)?;
    Ok(file)
}

/// The same without any bytes.
pub(crate) fn empty(directory: &Path, mode: u32) -> std::io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(TEMPORARY.0).suffix(TEMPORARY.1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = mode;
    in_directory(directory, || builder.tempfile_in(directory))
}

/// A second name for a file, under a temporary name in `directory`.
pub(crate) fn linked(file: &Path, directory: &Path) -> std::io::Result<tempfile::TempPath> {
    let mut builder = Builder::new();
    builder.prefix(TEMPORARY.0).suffix(TEMPORARY.1);
    let link = || builder.make_in(directory, |path| std::fs::hard_link(file, path));
    in_directory(directory, link).map(NamedTempFile::into_temp_path)
}

/// Tries again once if the directory was not there.
fn in_directory<T>(
    directory: &Path,
    attempt: impl Fn() -> std::io::Result<T>,
) -> std::io::Result<T> {
    match attempt() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            std::fs::create_dir_all(directory)?;
            attempt()
        }
        result => result,
    }
}

/// Renames a temporary file to its place, whose directory is created if it is not there.
pub(crate) fn persist(file: NamedTempFile, to: &Path) -> std::io::Result<File> {
    let file = match file.persist(to) {
        Ok(file) => return Ok(file),
        Err(failed) if failed.error.kind() == std::io::ErrorKind::NotFound => failed.file,
        Err(failed) => return Err(failed.error),
    };
    if let Some(directory) = to.parent() {
        std::fs::create_dir_all(directory)?;
    }
    Ok(file.persist(to)?)
}

/// Opens a file that is only ever locked, creating it.
pub(crate) fn open_lock(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// Adds lines to a file, all at once.
pub(crate) fn append(path: &Path, lines: &str) -> std::io::Result<()> {
    OpenOptions::new().create(true).append(true).open(path)?.write_all(lines.as_bytes())
}
