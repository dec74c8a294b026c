//! Where things are: every path of the store is made here, from parts that were checked.
//!
//! `docs/formats/store.md` shows the whole tree. Nothing here touches the disk but what creates the store.

use std::path::{Path, PathBuf};

use crate::digest::Digest;
use crate::files;

/// The layout's version, a directory. Another layout gets another one, so that old and new programs share a cache
/// directory without seeing each other's files.
const VERSION: &str = "v1";

/// Tells backup programs that everything here can be made again (<https://bford.info/cachedir/>).
const TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
# The content-addressed store of anymod. Everything below can be made again: `anymod cache clear` removes it.\n\
#   blobs/    files, named by their SHA-256\n\
#   records/  what actions made: by kind of action and key\n\
#   claims/   locks of actions that run now\n\
#   tmp/      files being written\n\
#   trash/    files being removed\n";

/// The store's paths.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(crate) fn new(directory: &Path) -> Layout {
        Layout { root: directory.join(VERSION) }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    pub(crate) fn blob(&self, digest: &Digest) -> PathBuf {
        fanned_out(self.blobs(), &digest.to_string())
    }

    pub(crate) fn records(&self) -> PathBuf {
        self.root.join("records")
    }

    /// The place of a record; `None` if the namespace is none.
    pub(crate) fn record(&self, namespace: &str, key: &Digest) -> Option<PathBuf> {
        is_namespace(namespace)
            .then(|| fanned_out(self.records().join(namespace), &key.to_string()))
    }

    pub(crate) fn claims(&self) -> PathBuf {
        self.root.join("claims")
    }

    pub(crate) fn claim(&self, key: &Digest) -> PathBuf {
        self.claims().join(key.to_string())
    }

    pub(crate) fn temporary(&self) -> PathBuf {
        self.root.join("tmp")
    }

    pub(crate) fn trash(&self) -> PathBuf {
        self.root.join("trash")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub(crate) fn gate(&self) -> PathBuf {
        self.root.join("gate")
    }

    pub(crate) fn grown(&self) -> PathBuf {
        self.root.join("grown")
    }

    /// Creates the files that are only locked, so that one can enter.
    pub(crate) fn create_locks(&self) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.root)?;
        files::open_lock(&self.lock())?;
        files::open_lock(&self.gate())?;
        Ok(())
    }

    /// Creates everything else. Like all that writes, only for who is inside.
    pub(crate) fn create(&self) -> std::io::Result<()> {
        for directory in
            [self.blobs(), self.records(), self.claims(), self.temporary(), self.trash()]
        {
            std::fs::create_dir_all(directory)?;
        }
        let tag = self.root.join(TAG_NAME);
        if !tag.exists() {
            files::temporary(&self.temporary(), 0o666, TAG.as_bytes())?.persist(tag)?;
        }
        Ok(())
    }
}

const TAG_NAME: &str = "CACHEDIR.TAG";

/// What stands directly below the version's directory.
pub(crate) const TOP: [&str; 9] =
    ["blobs", "claims", "gate", "grown", "lock", "records", TAG_NAME, "tmp", "trash"];

/// True for small letters and hyphens: fit for the name of a directory on every system.
pub(crate) fn is_namespace(text: &str) -> bool {
    let fit = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
    (1..=64).contains(&text.len()) && !text.starts_with('-') && text.bytes().all(fit)
}

/// The name below a directory of the first two digits, so that no directory gets too long.
fn fanned_out(mut directory: PathBuf, hex: &str) -> PathBuf {
    directory.push(hex.get(..2).unwrap_or(hex));
    directory.push(hex);
    directory
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_no_namespaces() {
        for good in ["compile", "compile-python", "artifact"] {
            assert!(is_namespace(good), "{good}");
        }
        let long = "a".repeat(65);
        for bad in ["", ".", "..", "a/b", "../a", "-a", "A", "a b", "a\0", long.as_str()] {
            assert!(!is_namespace(bad), "{bad}");
            assert!(Layout::new(Path::new("/s")).record(bad, &Digest::of(b"")).is_none());
        }
    }

    #[test]
    fn creating_twice_is_creating_once() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::new(&directory.path().join("deep/store"));
        for _ in 0..2 {
            layout.create_locks().unwrap();
            layout.create().unwrap();
        }
        for entry in std::fs::read_dir(layout.root()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(TOP.contains(&name.as_str()), "{name}");
        }
        assert_eq!(std::fs::read_dir(layout.temporary()).unwrap().count(), 0);
    }
}
