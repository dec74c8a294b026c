//! Input roots: directories as the API wants them, each a message whose entries are sorted, named by its digest.

use std::collections::BTreeMap;

use prost::Message as _;

use crate::message::{Digest, Directory, DirectoryNode, FileNode};

/// A directory that is being put together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    files: BTreeMap<String, (Digest, bool)>,
    directories: BTreeMap<String, Node>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Tree(Tree),
    /// One whose message is known elsewhere.
    Known(Digest),
}

/// A directory that many actions have in their input roots, with all that it takes to give it to a server. It is shared
/// between them, because it may hold thousands of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subtree {
    /// Digest of its message.
    pub digest: Digest,
    /// Its message and those of the directories below it.
    pub messages: BTreeMap<Digest, Vec<u8>>,
    /// The files in all of them, each once.
    pub files: Vec<Digest>,
}

/// A file of a [`Subtree`]: its path, content, and whether it may be executed.
pub type Entry<'a> = (&'a str, &'a Digest, bool);

impl Subtree {
    /// The directory of files that are sorted by their paths. None of these leads out or is a directory of another one.
    #[must_use]
    pub fn of(entries: &[Entry<'_>]) -> Subtree {
        let mut messages = BTreeMap::new();
        let digest = encode_sorted(entries, 0, &mut messages);
        let mut files: Vec<Digest> =
            entries.iter().map(|(_, digest, _)| (*digest).clone()).collect();
        files.sort_unstable();
        files.dedup();
        Subtree { digest, messages, files }
    }
}

/// The digest of the directory of files, of whose paths the first `above` bytes are the directories above it.
fn encode_sorted(
    mut entries: &[Entry<'_>],
    above: usize,
    messages: &mut BTreeMap<Digest, Vec<u8>>,
) -> Digest {
    let mut directory = Directory::default();
    while let Some(((path, digest, executable), others)) = entries.split_first() {
        let rest = path.get(above..).unwrap_or_default();
        let Some((name, _)) = rest.split_once('/') else {
            directory.files.push(FileNode {
                name: rest.to_owned(),
                digest: Some((*digest).clone()),
                is_executable: *executable,
            });
            entries = others;
            continue;
        };
        // Paths that begin alike are next to each other.
        let below = above + name.len() + 1;
        let start = path.get(..below);
        let count = entries.partition_point(|(path, ..)| path.get(..below) == start);
        let (inside, others) = entries.split_at(count.max(1));
        let digest = encode_sorted(inside, below, messages);
        directory.directories.push(DirectoryNode { name: name.to_owned(), digest: Some(digest) });
        entries = others;
    }
    // `a-b/c` stands before `a/c`, and `a` before `a-b`.
    directory.directories.sort_by(|a, b| a.name.cmp(&b.name));
    finish(&directory, messages)
}

/// The digest of a directory's message, which is added to `messages`.
fn finish(directory: &Directory, messages: &mut BTreeMap<Digest, Vec<u8>>) -> Digest {
    let bytes = directory.encode_to_vec();
    let digest = Digest::of(&bytes);
    messages.insert(digest.clone(), bytes);
    digest
}

impl Tree {
    /// Adds a file, and the directories above it. False if the path leads out, or something else is there.
    #[must_use]
    pub fn add(&mut self, path: &str, digest: Digest, executable: bool) -> bool {
        let Some((tree, name)) = self.parent(path) else { return false };
        if tree.directories.contains_key(name) {
            return false;
        }
        let entry = (digest, executable);
        *tree.files.entry(name.to_owned()).or_insert_with(|| entry.clone()) == entry
    }

    /// Adds a directory whose message is known, and the directories above it. False as for [`Tree::add`].
    #[must_use]
    pub fn graft(&mut self, path: &str, digest: Digest) -> bool {
        let Some((tree, name)) = self.parent(path) else { return false };
        if tree.files.contains_key(name) {
            return false;
        }
        let node = Node::Known(digest);
        *tree.directories.entry(name.to_owned()).or_insert_with(|| node.clone()) == node
    }

    /// Adds a directory and those above it. False as for [`Tree::add`].
    #[must_use]
    pub fn directory(&mut self, path: &str) -> bool {
        let Some((tree, name)) = self.parent(path) else { return false };
        let empty = Node::Tree(Tree::default());
        !tree.files.contains_key(name)
            && matches!(tree.directories.entry(name.to_owned()).or_insert(empty), Node::Tree(_))
    }

    /// The directory that a path's last part is in.
    fn parent<'a>(&mut self, path: &'a str) -> Option<(&mut Tree, &'a str)> {
        let mut parts: Vec<&str> = path.split('/').collect();
        if parts.iter().any(|part| matches!(*part, "" | "." | "..")) {
            return None;
        }
        let name = parts.pop()?;
        let mut tree = self;
        for part in parts {
            if tree.files.contains_key(part) {
                return None;
            }
            let empty = || Node::Tree(Tree::default());
            match tree.directories.entry(part.to_owned()).or_insert_with(empty) {
                Node::Tree(inner) => tree = inner,
                Node::Known(_) => return None,
            }
        }
        Some((tree, name))
    }

    /// The digest of it; every message that it takes is added to `messages`.
    #[must_use]
    pub fn encode(&self, messages: &mut BTreeMap<Digest, Vec<u8>>) -> Digest {
        let files = self.files.iter().map(|(name, (digest, executable))| FileNode {
            name: name.clone(),
            digest: Some(digest.clone()),
            is_executable: *executable,
        });
        let files = files.collect();
        let directories = self.directories.iter().map(|(name, node)| DirectoryNode {
            name: name.clone(),
            digest: Some(match node {
                Node::Tree(tree) => tree.encode(messages),
                Node::Known(digest) => digest.clone(),
            }),
        });
        let directory =
            Directory { files, directories: directories.collect(), symlinks: Vec::new() };
        finish(&directory, messages)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn blob(text: &str) -> Digest {
        Digest::of(text.as_bytes())
    }

    #[test]
    fn the_bytes_are_those_of_the_api() {
        let mut tree = Tree::default();
        assert!(tree.add("b", blob("x"), true));
        let mut messages = BTreeMap::new();
        let root = tree.encode(&mut messages);
        let hash = blob("x").hash;
        // files = 1 { name = 1 "b", digest = 2 { hash = 1, size_bytes = 2 1 }, is_executable = 4 true }
        let mut expected = vec![0x0a, 0x4b, 0x0a, 1, b'b', 0x12, 0x44, 0x0a, 0x40];
        expected.extend(hash.as_bytes());
        expected.extend([0x10, 1, 0x20, 1]);
        assert_eq!(messages[&root], expected);
        let empty = Tree::default().encode(&mut messages);
        assert_eq!(empty.hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn paths_that_lead_out_or_meet_something_else_are_refused() {
        let mut tree = Tree::default();
        assert!(tree.add("a/b", blob("1"), false));
        for bad in ["", "/x", "../x", "a/../c", "a//c", "./c", "a/b/c", "a"] {
            assert!(!tree.add(bad, blob("2"), false), "{bad}");
        }
        assert!(tree.add("a/b", blob("1"), false), "the same once more");
        assert!(!tree.add("a/b", blob("2"), false));
        assert!(tree.directory("a") && !tree.directory("a/b"));
        assert!(tree.graft("k", blob("d")) && !tree.add("k/x", blob("1"), false));
    }

    proptest! {
        #[test]
        fn the_order_of_adding_does_not_matter(
            mut paths in proptest::collection::btree_set("[a-c-]{1,2}(/[d-fA-F.]{1,3}x){0,2}", 1..12)
                .prop_map(|paths| paths.into_iter().collect::<Vec<_>>()),
            turn in 0usize..12,
        ) {
            let encode = |paths: &[String]| {
                let mut tree = Tree::default();
                let mut messages = BTreeMap::new();
                for path in paths {
                    // One may be a directory of another.
                    if !paths.iter().any(|other| other.starts_with(&format!("{path}/"))) {
                        prop_assert!(tree.add(path, blob(path), false));
                    }
                }
                let root = tree.encode(&mut messages);
                for bytes in messages.values() {
                    let directory = Directory::decode(bytes.as_slice()).unwrap();
                    prop_assert!(directory.files.is_sorted_by(|a, b| a.name < b.name));
                    prop_assert!(directory.directories.is_sorted_by(|a, b| a.name < b.name));
                }
                Ok(root)
            };
            let one = encode(&paths)?;
            let kept = |path: &&String| !paths.iter().any(|other| other.starts_with(&format!("{path}/")));
            let blobs: Vec<(String, Digest)> =
                paths.iter().filter(kept).map(|path| (path.clone(), blob(path))).collect();
            let entries: Vec<Entry<'_>> =
                blobs.iter().map(|(path, digest)| (path.as_str(), digest, false)).collect();
            prop_assert_eq!(&Subtree::of(&entries).digest, &one);
            let middle = turn % paths.len();
            paths.rotate_left(middle);
            paths.reverse();
            prop_assert_eq!(one, encode(&paths)?);
        }
    }
}
