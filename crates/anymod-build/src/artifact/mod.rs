//! Artifacts: the files that another build makes of a project, kept in the store as complete sets.
//!
//! | module | owns |
//! |---|---|
//! | `tree` | patterns and the disk: which files are meant |
//! | `walk` | everything that decides the bytes, named once |
//! | `populate` | a kept set, put in place |
//! | `capture` | what is in place, kept |
//!
//! The key is made of contents: of every input as it is on disk, of the tools, of declared variables, and of what the
//! command line adds. A set is kept and put in place as a whole or not at all, and nothing is written outside the
//! project. It never builds anything; the command that `capture` is given does.

mod capture;
mod populate;
mod tree;
mod walk;

use std::path::{Path, PathBuf};

use anymod_model::manifest::{ArtifactSettings, Manifest, Spanned};
use anymod_model::{Diagnostic, Diagnostics};
use anymod_store::Digest;

pub use capture::{Captured, How, capture};
pub use populate::{Outcome, Populated, populate};

use crate::environment::Environment;
use crate::fence::Fence;
use crate::install;
use crate::log::{Log, Record, VersionId};
use crate::project::read_manifest;
use crate::request::StoreRequest;
use crate::shelf::Shelf;
use tree::{Entries, Kind, Tree};

/// The part of the store that sets are kept in.
const NAMESPACE: &str = "artifact";

/// Which artifacts, and what decides their bytes besides the manifest.
#[derive(Clone, Debug)]
pub struct ArtifactRequest {
    /// The manifest, or a directory that holds one or is below one.
    pub manifest: PathBuf,
    /// Artifacts by name; all if empty.
    pub names: Vec<String>,
    /// What the command line adds to their keys.
    pub asked: Asked,
    /// The store.
    pub store: StoreRequest,
    /// The environment.
    pub environment: Environment,
}

/// What the command line adds to a key. None of it means anything to anymod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// What the artifact is built for.
    pub target: Option<String>,
    /// Which of several ways of building it.
    pub variant: Option<String>,
    /// Anything else, in order.
    pub flags: Vec<String>,
}

/// Where artifacts are looked after: the project, its lock, its memory, and the store.
struct Desk {
    root: PathBuf,
    fence: Fence,
    log: Log,
    shelf: Shelf,
    /// Keeps others out of the project's artifacts.
    _lock: std::fs::File,
}

impl Desk {
    /// Opens the project of a request, with the settings of the artifacts that it names.
    fn open(request: &ArtifactRequest) -> Result<(Desk, Vec<ArtifactSettings>), Diagnostics> {
        let (root, manifest) = read_manifest(&request.manifest)?;
        let settings = chosen(&manifest, request)?;
        // Without anymod's own directory, which is none of an artifact's business.
        let fence = Fence::new(&root, &Environment::default());
        let directory = root.join(walk::bookkeeping());
        let lock = directory.join("lock");
        fence.make_way(&lock)?;
        // So that git shows nothing of it.
        install::write_built(&directory.join(".gitignore"), b"*\n")?;
        let file = install::open_lock(&lock)?;
        file.lock().map_err(|error| install::write_error(&lock, &error))?;
        clear_copies(&directory);
        let log = Log::open(&directory.join("log"), &root);
        let shelf = Shelf::open(&request.store, &request.environment)?;
        let desk = Desk { fence, log, shelf, _lock: file, root };
        Ok((desk, settings))
    }

    /// The files and links on disk that outputs name, and the patterns that name none.
    fn outputs(&self, settings: &ArtifactSettings) -> Result<(Entries, Vec<usize>), Diagnostic> {
        let mut entries = Entries::new();
        let mut unmatched = Vec::new();
        let mut tree = Tree::new(&self.root, &[]);
        for (index, pattern) in settings.outputs.iter().enumerate() {
            if !tree.add(&pattern.value, &mut entries)? {
                unmatched.push(index);
            }
        }
        // Links on the way to an output are none.
        let patterns = texts(&settings.outputs);
        entries.retain(|path, kind| {
            let is_way = *kind == Kind::Link && self.root.join(path).is_dir();
            !is_way && walk::is_below_any(path, &patterns)
        });
        Ok((entries, unmatched))
    }

    /// Remembers which set the files in place belong to.
    fn remember(&mut self, name: &str, key: Digest, outputs: Vec<VersionId>) {
        let record = Record {
            command: key,
            walk: Vec::new(),
            inputs: Vec::new(),
            outputs,
            passed: Vec::new(),
        };
        self.log.record(&remembered(name), record);
    }
}

/// How the names of directories begin that hold copies of outputs.
const COPIES: &str = "copies-";

/// Removes the copies that a killed capture left. The caller holds the lock.
fn clear_copies(directory: &Path) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(COPIES) {
            // What cannot be removed is in nobody's way.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// The name under which the log remembers an artifact.
fn remembered(name: &str) -> String {
    format!("artifact {name}")
}

fn chosen(
    manifest: &Manifest,
    request: &ArtifactRequest,
) -> Result<Vec<ArtifactSettings>, Diagnostics> {
    let lookup = |name: &str| request.environment.get(name).map(str::to_owned);
    let all = || manifest.artifacts().map(str::to_owned).collect();
    let names: Vec<String> = if request.names.is_empty() { all() } else { request.names.clone() };
    if names.is_empty() {
        return Err(none_declared(manifest).into());
    }
    let (mut settings, mut findings) = (Vec::new(), Vec::new());
    for name in names {
        match manifest.artifact(&name, &lookup) {
            Ok(found) => settings.push(found),
            Err(errors) => findings.extend(errors.0),
        }
    }
    if findings.is_empty() { Ok(settings) } else { Err(Diagnostics(findings)) }
}

fn none_declared(manifest: &Manifest) -> Diagnostic {
    let code = &anymod_model::codes::manifest::UNKNOWN_ARTIFACT;
    Diagnostic::error(code, "the manifest has no artifact")
        .at(anymod_model::Place::file(manifest.file()))
        .note("modules need none: `anymod build` keeps and finds their files by itself")
        .hint("add a section `[artifact.NAME]` with `inputs` and `outputs`")
}

/// Where the store notes which keys an artifact had, newest first, to say what differs.
fn history(name: &str) -> (Digest, Vec<anymod_store::Field>) {
    use anymod_store::{Explanation, Visit as _};
    let mut walk = Explanation::default();
    walk.field("kind", "keys of an artifact");
    walk.field("artifact", name);
    (walk.key(), walk.0)
}

/// Values without their places.
fn texts(values: &[Spanned<String>]) -> Vec<String> {
    values.iter().map(|value| value.value.clone()).collect()
}
