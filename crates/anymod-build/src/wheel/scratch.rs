//! Scratch directories: where a wheel is built, one directory for each build that runs.
//!
//! The directory of a source and a target has the same path each time, so that paths that a backend writes into generated
//! files do not make commands differ from one build to the next. It is locked while it is in use. The lock is inherited by
//! everything that the build starts: what a killed run left behind is removed once the last process of it has ended.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use anymod_model::Diagnostic;

use crate::install;

/// A directory that is this run's alone.
#[derive(Debug)]
pub(crate) struct Scratch {
    /// Its path, without symbolic links.
    pub(crate) path: PathBuf,
    keep: bool,
    _lock: File,
}

/// Lies in a directory that a person wants to look at.
const KEPT: &str = ".kept";

/// How the names of lock files end.
const LOCK: &str = "lock";

impl Scratch {
    /// Opens the directory of this name below `base`, empty, and removes those of runs that have ended.
    ///
    /// If another run has it, one with a number behind its name is taken.
    ///
    /// # Errors
    /// `B0003` if it cannot be made.
    pub(crate) fn open(base: &Path, name: &str, keep: bool) -> Result<Scratch, Diagnostic> {
        install::create_dir(base)?;
        let base = base.canonicalize().map_err(|error| install::write_error(base, &error))?;
        clear(&base);
        for number in 1_u32.. {
            let label = if number == 1 { name.to_owned() } else { format!("{name}-{number}") };
            let Some(lock) = lock(&base.join(format!("{label}.{LOCK}")))? else { continue };
            let path = base.join(label);
            remove(&path)?;
            install::create_dir(&path)?;
            if keep {
                install::write_scratch(&path.join(KEPT), "")?;
            }
            return Ok(Scratch { path, keep, _lock: lock });
        }
        Err(install::write_error(&base, &std::io::ErrorKind::ResourceBusy.into()))
    }

    /// A directory in it, made.
    ///
    /// # Errors
    /// `B0003` if it cannot be made.
    pub(crate) fn directory(&self, name: &str) -> Result<PathBuf, Diagnostic> {
        let path = self.path.join(name);
        install::create_dir(&path)?;
        Ok(path)
    }

    /// A directory in it, made anew: nothing is in it.
    ///
    /// # Errors
    /// `B0003` if it cannot be emptied or made.
    pub(crate) fn empty_directory(&self, name: &str) -> Result<PathBuf, Diagnostic> {
        remove(&self.path.join(name))?;
        self.directory(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.keep {
            // What cannot be removed now is tried again by the next run.
            let _ = remove(&self.path);
        }
    }
}

/// Takes a lock that ends with the last process that inherited it; none if someone has it.
fn lock(path: &Path) -> Result<Option<File>, Diagnostic> {
    let file = install::open_lock(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(install::write_error(path, &error)),
    }
    #[cfg(unix)]
    {
        // If it fails, processes of a killed run may still write when the next run begins.
        let _ = rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty());
    }
    Ok(Some(file))
}

/// Removes the directories that no run has locked and nobody wants to keep.
fn clear(base: &Path) {
    for entry in std::fs::read_dir(base).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !is_directory || path.join(KEPT).exists() {
            continue;
        }
        let file = path.with_file_name(format!("{}.{LOCK}", entry.file_name().to_string_lossy()));
        if let Ok(Some(_held)) = lock(&file) {
            let _ = remove(&path);
        }
    }
}

/// Removes a directory, also one whose directories may not be written to.
fn remove(path: &Path) -> Result<(), Diagnostic> {
    let Err(first) = std::fs::remove_dir_all(path) else { return Ok(()) };
    if first.kind() == std::io::ErrorKind::NotFound {
        return Ok(());
    }
    make_writable(path);
    std::fs::remove_dir_all(path).map_err(|error| install::write_error(path, &error))
}

#[cfg(unix)]
fn make_writable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700));
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            make_writable(&entry.path());
        }
    }
}

#[cfg(not(unix))]
fn make_writable(_path: &Path) {}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_one_runs_alone_and_removed_after_it() {
        let base = tempfile::tempdir().unwrap();
        let first = Scratch::open(base.path(), "a", false).unwrap();
        std::fs::write(first.path.join("file"), "x").unwrap();
        let second = Scratch::open(base.path(), "a", false).unwrap();
        assert!(first.path.ends_with("a") && second.path.ends_with("a-2"));
        assert!(first.path.join("file").exists(), "a directory in use is left alone");
        let path = first.path.clone();
        drop(first);
        assert!(!path.exists());
    }

    #[test]
    fn what_a_killed_run_left_is_removed_and_what_is_kept_stays() {
        let base = tempfile::tempdir().unwrap();
        let dead = base.path().join("dead");
        std::fs::create_dir_all(dead.join("src")).unwrap();
        let closed = std::os::unix::fs::PermissionsExt::from_mode(0o500);
        std::fs::set_permissions(dead.join("src"), closed).unwrap();
        let kept = Scratch::open(base.path(), "kept", true).unwrap();
        let path = kept.path.clone();
        drop(kept);
        let _ = Scratch::open(base.path(), "other", false).unwrap();
        assert!(!dead.exists() && path.exists());
    }

    #[test]
    fn a_directory_is_in_use_until_the_last_process_of_the_run_has_ended() {
        let base = tempfile::tempdir().unwrap();
        let first = Scratch::open(base.path(), "a", true).unwrap();
        let mut orphan = std::process::Command::new("sleep").arg("100").spawn().unwrap();
        drop(first);
        let second = Scratch::open(base.path(), "a", false).unwrap();
        assert!(second.path.ends_with("a-2"));
        orphan.kill().unwrap();
        orphan.wait().unwrap();
        drop(second);
        // Another test's process may have inherited it for a moment.
        let free = (0..100).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            Scratch::open(base.path(), "a", false).unwrap().path.ends_with("a")
        });
        assert!(free);
    }
}
