//! What a build asked of its surroundings: variables of the environment, and whether paths exist.
//!
//! A later build that would get the same answers, and finds the same files, comes to the same plan (`snapshot`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nothing,
    File,
    /// A file that may be executed.
    Program,
    Directory,
}

impl Kind {
    /// Looks at a path; a symbolic link stands for what it leads to.
    pub(crate) fn at(path: &Path) -> Kind {
        match std::fs::metadata(path) {
            Err(_) => Kind::Nothing,
            Ok(metadata) if metadata.is_dir() => Kind::Directory,
            Ok(metadata) if is_executable(&metadata) => Kind::Program,
            Ok(_) => Kind::File,
        }
    }
}

#[cfg(unix)]
fn is_executable(metadata: &std::fs::Metadata) -> bool {
    metadata.is_file() && crate::install::is_executable(metadata)
}

#[cfg(not(unix))]
fn is_executable(metadata: &std::fs::Metadata) -> bool {
    metadata.is_file()
}

/// Questions and answers so far; clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace(Arc<Mutex<Asked>>);

/// The questions of a build.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// Names of variables.
    pub(crate) variables: BTreeSet<String>,
    /// Paths, and what was there.
    pub(crate) paths: BTreeMap<PathBuf, Kind>,
}

impl Trace {
    /// Notes that a variable was read, set or not.
    pub(crate) fn variable(&self, name: &str) {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !asked.variables.contains(name) {
            asked.variables.insert(name.to_owned());
        }
    }

    /// Looks at a path and notes the answer.
    pub(crate) fn look(&self, path: &Path) -> Kind {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = asked.paths.get(path) {
            return *known;
        }
        let kind = Kind::at(path);
        asked.paths.insert(path.to_owned(), kind);
        kind
    }

    /// Everything asked so far.
    pub(crate) fn asked(&self) -> Asked {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
