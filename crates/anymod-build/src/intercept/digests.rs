//! Digests of files, remembered from call to call by what the file system says of them without reading.
//!
//! Calls append what they learn to a file of the build's. It is a text of lines: size, times of modification and of change in
//! nanoseconds, inode, digest, path, separated by tabs. A line that cannot be read is as if it were not there.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anymod_store::Digest;
use anymod_store::text::{escape, unescape};
use rustc_hash::FxHashMap;

use crate::install;
use crate::stat::Stat;

/// Name of the file.
pub(crate) const FILE: &str = "digests";

/// The longest that a memory without an end gets, in bytes: reading it should take less than what it saves.
const LONGEST: u64 = 1 << 20;

/// Digests of one call.
pub(crate) struct Digests {
    file: PathBuf,
    /// What earlier calls learnt, once it is needed.
    remembered: Option<FxHashMap<String, (Stat, Digest)>>,
    /// What this call looked at.
    seen: FxHashMap<PathBuf, Option<Digest>>,
    /// Lines to append.
    learnt: String,
}

impl Digests {
    /// Digests with their memory in a directory.
    pub(crate) fn new(directory: &Path) -> Digests {
        Digests {
            file: directory.join(FILE),
            remembered: None,
            seen: FxHashMap::default(),
            learnt: String::new(),
        }
    }

    /// The same where no build ends that the memory belongs to: one that grew long is begun anew, for it is mostly of files
    /// that have changed since.
    pub(crate) fn without_end(directory: &Path) -> Digests {
        let digests = Digests::new(directory);
        if std::fs::metadata(&digests.file).is_ok_and(|there| there.len() > LONGEST) {
            let _ = std::fs::remove_file(&digests.file);
        }
        digests
    }

    /// The digest of a file that calls to come will ask for as well, such as a header; none if it is not one.
    pub(crate) fn lasting(&mut self, path: &Path) -> Option<Digest> {
        if let Some(known) = self.seen.get(path) {
            return *known;
        }
        let digest = self.look(path);
        self.seen.insert(path.to_owned(), digest);
        digest
    }

    /// The digest of a file that is seldom asked for twice.
    pub(crate) fn passing(path: &Path) -> Option<Digest> {
        std::fs::read(path).ok().map(|bytes| Digest::of(&bytes))
    }

    fn look(&mut self, path: &Path) -> Option<Digest> {
        let metadata = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
        let stat = Stat::of(&metadata);
        let name = path.to_str().map(escape);
        let remembered = self.remembered.get_or_insert_with(|| read(&self.file));
        let known = name.as_deref().and_then(|name| remembered.get(name));
        if let Some((_, digest)) = known.filter(|(known, _)| *known == stat) {
            return Some(*digest);
        }
        let digest = Digests::passing(path)?;
        if let Some(name) = name.filter(|_| stat.is_settled(SystemTime::now())) {
            let Stat { size, modified, changed, inode } = stat;
            // Writing to a string cannot fail.
            let _ =
                writeln!(self.learnt, "{size}\t{modified}\t{changed}\t{inode}\t{digest}\t{name}");
        }
        Some(digest)
    }

    /// Looks at a file again when it is next asked for, because it was written to.
    pub(crate) fn forget(&mut self, path: &Path) {
        self.seen.remove(path);
    }

    /// Lets later calls know.
    pub(crate) fn remember(&mut self) {
        if !self.learnt.is_empty() {
            install::append(&self.file, std::mem::take(&mut self.learnt).as_bytes());
        }
    }
}

fn read(file: &Path) -> FxHashMap<String, (Stat, Digest)> {
    let bytes = std::fs::read(file).unwrap_or_default();
    String::from_utf8_lossy(&bytes).lines().filter_map(line).collect()
}

fn line(line: &str) -> Option<(String, (Stat, Digest))> {
    let mut fields = line.split('\t');
    let stat = Stat {
        size: fields.next()?.parse().ok()?,
        modified: fields.next()?.parse().ok()?,
        changed: fields.next()?.parse().ok()?,
        inode: fields.next()?.parse().ok()?,
    };
    let digest = Digest::from_hex(fields.next()?)?;
    let name = fields.next()?;
    unescape(name)?;
    Some((name.to_owned(), (stat, digest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_change_is_not_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a\tb.h");
        std::fs::write(&path, "one").unwrap();
        let fresh = || Digests::new(directory.path());
        let mut digests = fresh();
        assert_eq!(digests.lasting(&path), Some(Digest::of(b"one")));
        digests.remember();
        assert!(
            !directory.path().join(FILE).exists(),
            "it may still change within the clock's grain"
        );
        std::thread::sleep(crate::stat::SETTLED * 2);
        let mut digests = fresh();
        digests.lasting(&path);
        digests.remember();
        let remembered = read(&directory.path().join(FILE));
        assert_eq!(remembered.len(), 1);
        std::fs::write(&path, "two").unwrap();
        assert_eq!(fresh().lasting(&path), Some(Digest::of(b"two")));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(fresh().lasting(&path), None);
        Digests::without_end(directory.path());
        assert!(directory.path().join(FILE).exists());
        std::fs::write(directory.path().join(FILE), "x".repeat(1 << 21)).unwrap();
        Digests::without_end(directory.path());
        assert!(!directory.path().join(FILE).exists(), "it was long");
        std::fs::write(directory.path().join(FILE), "1\tx\n\n\u{fffd}").unwrap();
        assert!(read(&directory.path().join(FILE)).is_empty());
    }
}
