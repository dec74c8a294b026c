//! Toolchains as parts of input roots: digested once and remembered.
//!
//! What anymod installs is renamed into place whole and then never changes, so that the times of its directory say whether
//! it is the same. The memo lies beside the toolchains; one that is damaged or of another one is made anew.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anymod_remote::message::Digest;
use anymod_remote::{Entry, Subtree};
use anymod_store::Digest as Sha256;

use crate::install;
use crate::stat::Stat;

/// A toolchain below anymod's own directory.
pub(crate) struct Toolchain {
    root: PathBuf,
    /// Sorted by path.
    files: Vec<File>,
    /// Places in `files`, found when a server first lacks one.
    by_digest: OnceLock<HashMap<Digest, usize>>,
    parts: Mutex<HashMap<String, Arc<Subtree>>>,
}

/// A file of a toolchain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct File {
    path: String,
    digest: Digest,
    executable: bool,
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
                let mut files = Vec::new();
                digest(root, "", &mut files)?;
                files.sort();
                // Without the memo the next run digests it once more.
                let _ = install::write_if_changed(&memo, encode(&files, &stamp).as_bytes());
                files
            }
        };
        let (by_digest, parts) = (OnceLock::new(), Mutex::default());
        Some(Toolchain { root: root.to_owned(), files, by_digest, parts })
    }

    /// How many files it has.
    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    /// A file of it: its content, and whether it may be executed.
    pub(crate) fn file(&self, path: &str) -> Option<(&Digest, bool)> {
        let at = self.files.binary_search_by(|file| file.path.as_str().cmp(path)).ok()?;
        self.files.get(at).map(|file| (&file.digest, file.executable))
    }

    /// A directory of it; none if there is nothing in it.
    pub(crate) fn part(&self, path: &str) -> Option<Arc<Subtree>> {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(part) = parts.get(path) {
            return Some(Arc::clone(part));
        }
        let prefix = format!("{path}/");
        let from = self.files.partition_point(|file| file.path < prefix);
        let below = self.files.get(from..)?.iter();
        let entries: Vec<Entry<'_>> = below
            .map_while(|file| {
                Some((file.path.strip_prefix(&prefix)?, &file.digest, file.executable))
            })
            .collect();
        if entries.is_empty() {
            return None;
        }
        let part = Arc::new(Subtree::of(&entries));
        parts.insert(path.to_owned(), Arc::clone(&part));
        Some(part)
    }

    /// The bytes of a file.
    pub(crate) fn load(&self, digest: &Digest) -> Option<Vec<u8>> {
        let places = || {
            let files = self.files.iter().enumerate();
            files.map(|(at, file)| (file.digest.clone(), at)).collect()
        };
        let at = self.by_digest.get_or_init(places).get(digest)?;
        std::fs::read(self.root.join(&self.files.get(*at)?.path)).ok()
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

fn digest(root: &Path, directory: &str, files: &mut Vec<File>) -> Option<()> {
    for entry in std::fs::read_dir(root.join(directory)).ok()? {
        let name = entry.ok()?.file_name().into_string().ok()?;
        let path = crate::disk::join(directory, &name);
        let metadata = std::fs::metadata(root.join(&path)).ok()?;
        if metadata.is_dir() {
            digest(root, &path, files)?;
        } else {
            let bytes = std::fs::read(root.join(&path)).ok()?;
            let executable = install::is_executable(&metadata);
            files.push(File { path, digest: Digest::of(&bytes), executable });
        }
    }
    Some(())
}

/// Lines of hash, size, mode and path, with the stamp before them and the digest of all after them.
fn encode(files: &[File], stamp: &str) -> String {
    let mut text = format!("{FORMAT}{stamp}\n");
    for File { path, digest, executable } in files {
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

fn decode(bytes: &[u8], stamp: &str) -> Option<Vec<File>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (body, sum) = text.strip_suffix('\n')?.rsplit_once("\n= ")?;
    let body = text.get(..=body.len())?;
    if Sha256::from_hex(sum)? != Sha256::of(body.as_bytes()) {
        return None;
    }
    let mut lines = body.strip_prefix(FORMAT)?.strip_prefix(stamp)?.strip_prefix('\n')?.lines();
    let mut files: Vec<File> = Vec::new();
    lines.try_for_each(|line| {
        let mut fields = line.splitn(4, ' ');
        let hash = Sha256::from_hex(fields.next()?)?;
        let digest = Digest::new(hash, fields.next()?.parse().ok()?);
        let executable = fields.next()? == "x";
        let path = fields.next()?.to_owned();
        let is_after = files.last().is_none_or(|last| last.path < path);
        files.push(File { path, digest, executable });
        is_after.then_some(())
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
