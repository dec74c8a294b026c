//! What the file system says of a file without reading it: size, times, inode.
//!
//! A [`Stat`] that has not changed means content that has not changed, if it was trusted when it was taken: a file that
//! is changed twice within one tick of the kernel's clock has the same times after both.

use std::fs::Metadata;
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
pub(crate) fn nanoseconds(seconds: i64, rest: i64) -> i64 {
    seconds.wrapping_mul(1_000_000_000).wrapping_add(rest)
}

fn since_epoch(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
