//! Toolchains as parts of input roots: digested once and remembered.
//!
//! What anymod installs is renamed into place whole and then never changes, so that the times of its directory say whether
//! it is the same. The memo lies beside the toolchains; one that is damaged or of another one is made anew.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anymod_remote::message::Digest;
use anymod_remote::{Subtree, Tree};
use anymod_store::Digest as Sha256;

use crate::install;
use crate::stat::Stat;

/// A toolchain below anymod's own directory.
pub(crate) struct Toolchain {
    root: PathBuf,
    /// By path: content and whether it may be executed.
    files: BTreeMap<String, (Digest, bool)>,
    by_digest: HashMap<Digest, String>,
    parts: Mutex<HashMap<String, Arc<Subtree>>>,
}

const FORMAT: &str = "anymod-toolchain-tree 1";

impl Toolchain {
    /// The toolchain of a directory; none if it cannot be read.
    pub(crate) fn open(root: &Path) -> Option<Toolchain> {
        let name = root.file_name()?.to_str()?;
        let memo = root.with_file_name(format!(".tree-{name}"));
        let stamp = stamp(root)?;
        let known = std::fs::read(&memo).ok().and_then(|bytes| decode(&bytes, &stamp));
        let files = match known {
            Some(files) => files,
            None => {
                let mut files = BTreeMap::new();
                digest(root, "", &mut files)?;
                // Without the memo the next run digests it once more.
                let _ = install::write_if_changed(&memo, encode(&files, &stamp).as_bytes());
                files
            }
        };
        let by_digest =
            files.iter().map(|(path, (digest, _))| (digest.clone(), path.clone())).collect();
        Some(Toolchain { root: root.to_owned(), files, by_digest, parts: Mutex::default() })
    }

    /// How many files it has.
    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    /// A file of it.
    pub(crate) fn file(&self, path: &str) -> Option<&(Digest, bool)> {
        self.files.get(path)
    }

    /// A directory of it; none if there is nothing in it.
    pub(crate) fn part(&self, path: &str) -> Option<Arc<Subtree>> {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(part) = parts.get(path) {
            return Some(Arc::clone(part));
        }
        let prefix = format!("{path}/");
        let (mut tree, mut files) = (Tree::default(), BTreeSet::new());
        let below = self.files.range(prefix.clone()..);
        for (name, (digest, executable)) in below.take_while(|(name, _)| name.starts_with(&prefix))
        {
            if !tree.add(name.strip_prefix(&prefix)?, digest.clone(), *executable) {
                return None;
            }
            files.insert(digest.clone());
        }
        if files.is_empty() {
            return None;
        }
        let part = Arc::new(Subtree::of(&tree, files));
        parts.insert(path.to_owned(), Arc::clone(&part));
        Some(part)
    }

    /// The bytes of a file.
    pub(crate) fn load(&self, digest: &Digest) -> Option<Vec<u8>> {
        std::fs::read(self.root.join(self.by_digest.get(digest)?)).ok()
    }
}

/// What tells that a toolchain is the same: how its directory and what is directly in it look from outside.
fn stamp(root: &Path) -> Option<String> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(root).ok()?.flatten().map(|entry| entry.path()).collect();
    entries.push(root.to_owned());
    entries.sort();
    let mut stamp = String::new();
    for entry in entries {
        let stat = Stat::of(&std::fs::metadata(&entry).ok()?);
        let name = entry.file_name()?.to_str()?;
        let Stat { size, modified, inode, .. } = stat;
        // Writing to a string cannot fail.
        let _ = write!(stamp, " {}:{size}:{modified}:{inode}", name.replace(' ', "_"));
    }
    Some(stamp)
}

fn digest(
    root: &Path,
    directory: &str,
    files: &mut BTreeMap<String, (Digest, bool)>,
) -> Option<()> {
    for entry in std::fs::read_dir(root.join(directory)).ok()? {
        let name = entry.ok()?.file_name().into_string().ok()?;
        let path = crate::disk::join(directory, &name);
        let metadata = std::fs::metadata(root.join(&path)).ok()?;
        if metadata.is_dir() {
            digest(root, &path, files)?;
        } else {
            let bytes = std::fs::read(root.join(&path)).ok()?;
            files.insert(path, (Digest::of(&bytes), install::is_executable(&metadata)));
        }
    }
    Some(())
}

/// Lines of hash, size, mode and path, with the stamp before them and the digest of all after them.
fn encode(files: &BTreeMap<String, (Digest, bool)>, stamp: &str) -> String {
    let mut text = format!("{FORMAT}{stamp}\n");
    for (path, (digest, executable)) in files {
        let mode = if *executable { 'x' } else { '-' };
        let _ = writeln!(text, "{} {} {mode} {path}", digest.hash, digest.size_bytes);
    }
    let sum = Sha256::of(text.as_bytes());
    let _ = writeln!(text, "= {sum}");
    text
}

/// How many files a remembered toolchain has; none if that is not what the bytes are. The first line of what is remembered
/// ends in `stamp`.
#[must_use]
pub fn remembered(bytes: &[u8], stamp: &str) -> Option<usize> {
    decode(bytes, stamp).map(|files| files.len())
}

fn decode(bytes: &[u8], stamp: &str) -> Option<BTreeMap<String, (Digest, bool)>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (body, sum) = text.strip_suffix('\n')?.rsplit_once("\n= ")?;
    let body = text.get(..=body.len())?;
    if Sha256::from_hex(sum)? != Sha256::of(body.as_bytes()) {
        return None;
    }
    let mut lines = body.strip_prefix(FORMAT)?.strip_prefix(stamp)?.strip_prefix('\n')?.lines();
    let mut files = BTreeMap::new();
    lines.try_for_each(|line| {
        let mut fields = line.splitn(4, ' ');
        let hash = Sha256::from_hex(fields.next()?)?;
        let digest = Digest::new(hash, fields.next()?.parse().ok()?);
        let executable = fields.next()? == "x";
        files.insert(fields.next()?.to_owned(), (digest, executable));
        Some(())
    })?;
    Some(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toolchain_is_digested_once_and_again_when_it_is_another_one() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("zig-1");
        std::fs::create_dir_all(root.join("lib/include")).unwrap();
        std::fs::write(root.join("zig"), "program").unwrap();
        std::fs::write(root.join("lib/include/a b.h"), "header").unwrap();
        let first = Toolchain::open(&root).unwrap();
        let memo = home.path().join(".tree-zig-1");
        let text = std::fs::read_to_string(&memo).unwrap();
        assert_eq!(decode(text.as_bytes(), &stamp(&root).unwrap()).as_ref(), Some(&first.files));
        // It is believed: the file is not read again.
        std::fs::write(root.join("lib/include/a b.h"), "HEADER").unwrap();
        let second = Toolchain::open(&root).unwrap();
        assert_eq!(second.files, first.files);
        assert_eq!(first.part("lib").unwrap().digest, second.part("lib").unwrap().digest);
        std::fs::write(&memo, text.replace("lib/", "lob/")).unwrap();
        assert_ne!(Toolchain::open(&root).unwrap().files, first.files, "damaged: digested again");
        std::fs::write(root.join("more"), "").unwrap();
        assert_eq!(Toolchain::open(&root).unwrap().files.len(), 3);
        assert!(first.part("nowhere").is_none());
    }
}
