//! Claims: which actions run now, so that no two processes run the same one.
//!
//! A claim is an exclusively locked file with the key for a name. Its holder removes the file while it is still locked;
//! whoever then gets the lock of a file that has lost its name knows that the claim was released. A killed holder's lock
//! ends with it, and the next one takes over the file.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::files;

/// What came of asking for a claim.
#[derive(Debug)]
pub enum Claim {
    /// It is ours until the guard is dropped.
    Held(ClaimGuard),
    /// Somebody else runs the action.
    Busy,
    /// The store cannot say, because it cannot be written.
    Unavailable,
}

/// A claim that is ours.
#[derive(Debug)]
pub struct ClaimGuard {
    file: File,
    path: PathBuf,
}

impl Drop for ClaimGuard {
    fn drop(&mut self) {
        // A file that stays does no harm: nobody has locked it.
        let _ = std::fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}

/// How often to begin anew when the file loses its name between opening and locking.
const ATTEMPTS: usize = 16;

/// Asks for the claim whose file is `path`.
pub(crate) fn claim(path: &Path) -> std::io::Result<Claim> {
    for _ in 0..ATTEMPTS {
        let file = files::open_lock(path)?;
        match file.try_lock() {
            Ok(()) if is_named(&file, path) => {
                return Ok(Claim::Held(ClaimGuard { file, path: path.to_owned() }));
            }
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Claim::Busy),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(Claim::Busy)
}

/// The longest and the shortest time between two looks at a claim.
const LOOKS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(2));

/// Waits until the claim whose file is `path` is released, at most for `patience`; true if it was.
pub(crate) fn wait(path: &Path, patience: Duration) -> bool {
    let begun = Instant::now();
    let Ok(file) = File::open(path) else { return true };
    let mut pause = LOOKS.1;
    loop {
        if !is_named(&file, path) {
            return true;
        }
        // Shared, so that those who wait do not look like holders to each other.
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {}
            _ => {
                let _ = file.unlock();
                return true;
            }
        }
        let left = patience.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return false;
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(LOOKS.0);
    }
}

/// Removes the files that killed holders left.
pub(crate) fn clear(directory: &Path) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if let Ok(Claim::Held(guard)) = existing(&entry.path()) {
            drop(guard);
        }
    }
}

fn existing(path: &Path) -> std::io::Result<Claim> {
    let file = File::open(path)?;
    match file.try_lock() {
        Ok(()) if is_named(&file, path) => {
            Ok(Claim::Held(ClaimGuard { file, path: path.to_owned() }))
        }
        _ => Ok(Claim::Busy),
    }
}

/// True if `path` still leads to the open file.
#[cfg(unix)]
fn is_named(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let same = |ours: std::fs::Metadata, there: std::fs::Metadata| {
        (ours.dev(), ours.ino()) == (there.dev(), there.ino())
    };
    file.metadata()
        .is_ok_and(|ours| std::fs::symlink_metadata(path).is_ok_and(|there| same(ours, there)))
}

/// Elsewhere an open file cannot lose its name to another one.
#[cfg(not(unix))]
fn is_named(_file: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_and_others_wait() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        let Claim::Held(guard) = claim(&path).unwrap() else { panic!("free") };
        assert!(matches!(claim(&path).unwrap(), Claim::Busy));
        assert!(!wait(&path, Duration::from_millis(5)));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| wait(&path, Duration::from_secs(20)));
            std::thread::sleep(Duration::from_millis(20));
            drop(guard);
            assert!(waiting.join().unwrap());
        });
        assert!(!path.exists());
        assert!(wait(&path, Duration::ZERO), "nobody holds it");
        assert!(matches!(claim(&path).unwrap(), Claim::Held(_)));
    }

    #[test]
    fn a_file_that_a_killed_holder_left_is_taken_over_or_cleared() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        std::fs::write(&path, "").unwrap();
        assert!(wait(&path, Duration::ZERO));
        let Claim::Held(guard) = claim(&path).unwrap() else { panic!("free") };
        clear(directory.path());
        assert!(path.exists(), "a claim that is held stays");
        drop(guard);
        std::fs::write(&path, "").unwrap();
        clear(directory.path());
        assert!(!path.exists());
    }
}
