//! A store in a directory of its own, with a place to build in.

use std::path::{Path, PathBuf};

use anymod_store::{Digest, Explanation, Field, Kept, Options, Output, Store, Visit};

/// A store and a directory to make and restore files in.
pub(crate) struct Bench {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) store: Store,
}

impl Bench {
    pub(crate) fn new() -> Bench {
        Bench::with(Options::default())
    }

    pub(crate) fn with(options: Options) -> Bench {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("store"), options).unwrap();
        Bench { directory, store }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The store as a process that comes later sees it.
    pub(crate) fn again(&self) -> Store {
        Store::open(&self.path("store"), Options::default()).unwrap()
    }

    /// Keeps files with these contents as the newest entry of `name`.
    pub(crate) fn keep(&self, namespace: &str, name: &str, contents: &[&[u8]]) -> Vec<Output> {
        keep(&self.store, self.directory.path(), namespace, name, contents)
    }

    /// Restores the newest entry of `name` into the directory `to`; `None` if it is not known.
    pub(crate) fn restore(&self, namespace: &str, name: &str, to: &str) -> Option<bool> {
        restore(&self.store, namespace, name, &self.path(to))
    }

    /// All files of a directory of the store, by path.
    pub(crate) fn files(&self, below: &str) -> Vec<PathBuf> {
        files(&self.store.directory().join(below))
    }
}

/// The walk that stands for a name, and its key.
pub(crate) fn walk(name: &str) -> (Vec<Field>, Digest) {
    let mut walk = Explanation::default();
    walk.field("kind", "test");
    walk.field("argument", name);
    let key = walk.key();
    (walk.0, key)
}

pub(crate) fn keep(
    store: &Store,
    scratch: &Path,
    namespace: &str,
    name: &str,
    contents: &[&[u8]],
) -> Vec<Output> {
    let made = tempfile::tempdir_in(scratch).unwrap();
    let mut files = Vec::new();
    for (index, content) in contents.iter().enumerate() {
        let label = format!("out{index}");
        let path = made.path().join(&label);
        std::fs::write(&path, content).unwrap();
        files.push((label, path));
    }
    let (walk, key) = walk(name);
    let kept = Kept { found: &[], passed: &[], said: "", files: &files };
    store.keep(namespace, &key, &walk, kept)
}

pub(crate) fn restore(store: &Store, namespace: &str, name: &str, to: &Path) -> Option<bool> {
    let record = store.find(namespace, &walk(name).1)?;
    let outputs = &record.entries[0].outputs;
    let paths: Vec<PathBuf> = outputs.iter().map(|output| to.join(&output.name)).collect();
    Some(store.restore(outputs, &paths).unwrap())
}

/// Keeps and restores among twelve names, `turns` times; every file that is restored has to be right. Returns how many
/// sets were restored.
pub(crate) fn use_at_random(store: &Store, scratch: &Path, seed: u64, turns: u64) -> u64 {
    let to = tempfile::tempdir_in(scratch).unwrap();
    let mut random = seed;
    let mut restored = 0;
    for turn in 0..turns {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let name = format!("name{}", (random >> 33) % 12);
        let shared = b"what all of them share".as_slice();
        let long = name.repeat(300);
        let contents = [name.as_bytes(), shared, long.as_bytes()];
        let to = to.path().join(turn.to_string());
        if restore(store, "compile", &name, &to) == Some(true) {
            restored += 1;
            for (index, content) in contents.iter().enumerate() {
                assert_eq!(std::fs::read(to.join(format!("out{index}"))).unwrap(), *content);
            }
        } else {
            assert!(files(&to).is_empty(), "all or nothing");
            keep(store, scratch, "compile", &name, &contents);
        }
    }
    restored
}

pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => all.extend(files(&path)),
            false => all.push(path),
        }
    }
    all.sort();
    all
}
