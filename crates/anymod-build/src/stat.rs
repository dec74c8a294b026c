//! What the file system says of a file without reading it: size, times, inode.
//!
//! A [`Stat`] that has not changed means content that has not changed, if it was trusted when it was taken: a file that
//! is changed twice within one tick of the kernel's clock has the same times after both.

use std::fs::Metadata;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A file whose times are younger than this when it is looked at may still change within the clock's grain.
pub(crate) const SETTLED: Duration = Duration::from_millis(100);

/// What tells, without reading, that a file or directory is the same. Times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) size: u64,
    pub(crate) modified: i64,
    pub(crate) changed: i64,
    pub(crate) inode: u64,
}

impl Stat {
    #[cfg(unix)]
    pub(crate) fn of(metadata: &Metadata) -> Stat {
        use std::os::unix::fs::MetadataExt as _;
        Stat {
            size: metadata.size(),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn of(metadata: &Metadata) -> Stat {
        let modified = metadata.modified().map_or(0, since_epoch);
        Stat { size: metadata.len(), modified, changed: modified, inode: 0 }
    }

    /// True if it is old enough that a later change cannot leave the times as they are.
    pub(crate) fn is_settled(&self, now: SystemTime) -> bool {
        let newest = self.modified.max(self.changed);
        since_epoch(now).saturating_sub(newest) > SETTLED.as_nanos() as i64
    }

    /// True if the file was written after a moment. The time that anyone can set, and that archives restore, does not
    /// tell; the kernel's does.
    pub(crate) fn is_after(&self, moment: SystemTime) -> bool {
        self.changed > since_epoch(moment)
    }
}

#[cfg(unix)]
fn nanoseconds(seconds: i64, rest: i64) -> i64 {
    seconds.wrapping_mul(1_000_000_000).wrapping_add(rest)
}

fn since_epoch(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// A directory in which paths are looked up without walking down to it each time.
pub(crate) struct Directory(
    #[cfg(unix)] std::os::fd::OwnedFd,
    #[cfg(not(unix))] std::path::PathBuf,
);

impl Directory {
    #[cfg(unix)]
    pub(crate) fn open(path: &Path) -> Option<Directory> {
        use rustix::fs::{Mode, OFlags};
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
        rustix::fs::open(path, flags, Mode::empty()).ok().map(Directory)
    }

    #[cfg(not(unix))]
    pub(crate) fn open(path: &Path) -> Option<Directory> {
        Some(Directory(path.to_owned()))
    }

    /// Whether a directory is at a path, and the stat; none if nothing is there.
    pub(crate) fn stat(&self, path: &str) -> Option<(bool, Stat)> {
        let path = if path.is_empty() { "." } else { path };
        let stat = rustix::fs::statat(&self.0, path, rustix::fs::AtFlags::empty()).ok()?;
        let is_dir =
            rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Directory;
        Some((
            is_dir,
            Stat {
                size: u64::try_from(stat.st_size).unwrap_or_default(),
                modified: nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
                changed: nanoseconds(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
                inode: stat.st_ino,
            },
        ))
    }

    #[cfg(not(unix))]
    /// Whether a directory is at a path, and the stat; none if nothing is there.
    pub(crate) fn stat(&self, path: &str) -> Option<(bool, Stat)> {
        let metadata = std::fs::metadata(self.0.join(path)).ok()?;
        Some((metadata.is_dir(), Stat::of(&metadata)))
    }
}
