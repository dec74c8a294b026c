//! Files of a benchmark: written only when their text is new, so that nothing is built twice.

use std::cell::Cell;
use std::path::{Path, PathBuf};

/// Creates a directory and those above it.
pub(crate) fn make_dir(path: &Path) -> Result<(), String> {
    std::fs::create_dir_all(path)
        .map_err(|error| format!("cannot create {}: {error}", path.display()))
}

/// Writes an input unless it is there with the same text, so that nothing is compiled twice.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), String> {
    if std::fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    std::fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Removes a directory and all in it; none is as good.
pub(crate) fn remove_dir(path: &Path) -> Result<(), String> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("cannot remove {}: {error}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Where directories are put that are not wanted any more, until this is dropped. Removing them between runs would be part of
/// what is measured: a file system may look through everything that was removed lately whenever it creates a file, as ext4
/// does without a journal, which then takes most of the time.
pub(crate) struct Aside {
    directory: PathBuf,
    count: Cell<usize>,
}

impl Aside {
    /// In a directory on the same file system; what another run left there is removed.
    pub(crate) fn new(directory: PathBuf) -> Result<Aside, String> {
        remove_dir(&directory)?;
        make_dir(&directory)?;
        Ok(Aside { directory, count: Cell::new(0) })
    }

    /// Takes a directory out of the way; none is as good.
    pub(crate) fn put(&self, path: &Path) -> Result<(), String> {
        let to = self.directory.join(self.count.get().to_string());
        self.count.set(self.count.get() + 1);
        match std::fs::rename(path, to) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(format!("cannot move {}: {error}", path.display()))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // The next run tries again.
        let _ = remove_dir(&self.directory);
    }
}
