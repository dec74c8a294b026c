//! Where a build takes place: the project's directory, its manifest, and what earlier builds left there.

use std::collections::BTreeSet;
use std::fs::TryLockError;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anymod_model::codes::build as codes;
use anymod_model::event::Event;
use anymod_model::manifest::{self, Manifest};
use anymod_model::{Diagnostic, Diagnostics, Place};

use crate::cancel::Cancel;
use crate::environment::Environment;
use crate::fence::Fence;
use crate::install;
use crate::layers::{Found, Layers};
use crate::locations::Locations;
use crate::log::{Log, TextId};
use crate::plan::{BUILD_DIR, Plan};
use crate::request::{BuildRequest, Output};
use crate::snapshot::{self, Finished, Remembered};
use crate::way::Sink;

/// Where a build takes place.
pub(crate) struct Project {
    /// The manifest's directory, without symbolic links.
    pub(crate) root: PathBuf,
    /// Where its manifests are.
    layers: Layers,
    /// The first of them.
    found: Found,
    /// What is asked for, as text.
    asked: String,
    pub(crate) environment: Environment,
    pub(crate) locations: Locations,
    pub(crate) fence: Fence,
}

/// How often to look whether another build has ended.
const LOOKS: Duration = Duration::from_millis(10);

/// Name in the build directory of what the last build left to be remembered.
const SNAPSHOT: &str = ".anymod-snapshot";

impl Project {
    pub(crate) fn find(request: &BuildRequest) -> Result<Project, Diagnostic> {
        let layers = request.layers();
        let found = layers.find(false)?;
        let root = found.root.clone();
        let file = found.file.clone().unwrap_or_else(|| root.clone());
        let environment = request.environment.unasked();
        let locations = Locations::new(&root, &environment);
        let fence = Fence::new(&root, &environment);
        let asked = request.asked(&file);
        Ok(Project { asked, root, layers, found, environment, locations, fence })
    }

    pub(crate) fn manifest(&self) -> Result<Manifest, Diagnostics> {
        self.found.read(&self.layers)
    }

    /// The log of earlier builds. It takes note that the manifests are read, and begins to look at every file that is known
    /// if `all` of them will be asked for.
    pub(crate) fn log(&self, manifest: &Manifest, all: bool) -> Log {
        let mut log = Log::open(&self.root.join(BUILD_DIR).join(".anymod-log"), &self.root);
        if all {
            log.look_ahead();
        }
        for file in self.found.files(&self.layers, manifest) {
            log.digest(&file.to_string_lossy());
        }
        log
    }

    /// Takes the build directory for this run, waiting for another. The lock ends with the process, however it ends.
    pub(crate) fn lock(
        &self,
        cancel: &Cancel,
        sink: Sink<'_>,
    ) -> Result<std::fs::File, Diagnostic> {
        let path = self.root.join(BUILD_DIR).join(".anymod-lock");
        self.fence.make_way(&path)?;
        let file = install::open_lock(&path)?;
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(install::write_error(&path, &error)),
                Err(TryLockError::WouldBlock) if cancel.is_set() => return Err(interrupted()),
                Err(TryLockError::WouldBlock) => {}
            }
            if !told {
                let directory = self.root.join(BUILD_DIR);
                sink(Event::Waiting { path: directory.display().to_string() });
                told = true;
            }
            // A lock that is waited for in the kernel could not be given up.
            std::thread::sleep(LOOKS);
        }
    }

    /// The same for somebody who only looks: nothing is created, and a build that runs is not waited for.
    pub(crate) fn lock_if_there(&self) -> Option<std::fs::File> {
        let path = self.root.join(BUILD_DIR).join(".anymod-lock");
        let file = std::fs::File::open(path).ok()?;
        file.try_lock_shared().is_ok().then_some(file)
    }

    pub(crate) fn remembered(&self) -> Option<Remembered> {
        let file = self.root.join(BUILD_DIR).join(SNAPSHOT);
        snapshot::read(&file, &self.root, &self.asked, &self.environment)
    }

    pub(crate) fn remember(
        &self,
        outputs: &[Output],
        plan: &Plan,
        planned: &BTreeSet<TextId>,
        before: Option<&Remembered>,
        log: &mut Log,
    ) {
        let finished = Finished {
            request: &self.asked,
            environment: &self.environment,
            outputs,
            actions: before.map_or(plan.actions.len(), |before| before.actions),
            plan,
            planned,
            before,
        };
        snapshot::write(&self.root.join(BUILD_DIR).join(SNAPSHOT), &finished, log);
    }
}

/// Finds and reads the manifest, in a directory or above it; the project's directory is where it is.
///
/// # Errors
/// `B0006` if there is none, and what is wrong with it.
pub fn read_manifest(path: &Path) -> Result<(PathBuf, Manifest), Diagnostics> {
    let file = find_manifest(path)?;
    let manifest = parse_manifest(&file)?;
    Ok((file.parent().unwrap_or(Path::new("/")).to_owned(), manifest))
}

/// The manifest at a path, or above a file or directory.
pub(crate) fn find_manifest(path: &Path) -> Result<PathBuf, Diagnostic> {
    // Without symbolic links, because compilers see the directory they run in by its real name.
    let absolute = path.canonicalize().map_err(|error| install::read_error(path, &error))?;
    if !absolute.is_dir() && absolute.extension().is_some_and(|extension| extension == "toml") {
        return Ok(absolute);
    }
    let found =
        absolute.ancestors().map(|dir| dir.join(manifest::FILE_NAME)).find(|file| file.is_file());
    found.ok_or_else(|| {
        let message = format!("there is no `{}` here or above", manifest::FILE_NAME);
        Diagnostic::error(&codes::NO_MANIFEST, message)
            .at(Place::file(path.display().to_string()))
            .hint("write one with `anymod init NAME`, or give its path with `--manifest`")
    })
}

pub(crate) fn parse_manifest(file: &Path) -> Result<Manifest, Diagnostics> {
    let shown = shown(file);
    let bytes = install::read(file).map_err(|finding| finding.at(Place::file(shown.clone())))?;
    let text = String::from_utf8(bytes).map_err(|_| {
        let finding = Diagnostic::error(&codes::READ, "the manifest is not UTF-8 text");
        finding.at(Place::file(shown.clone()))
    })?;
    manifest::parse(&text, &shown)
}

/// A path as messages show it: from the current directory if it is below that.
fn shown(file: &Path) -> String {
    let current = std::env::current_dir().unwrap_or_default();
    file.strip_prefix(&current).unwrap_or(file).display().to_string()
}

/// The diagnostic of a run that was told to stop.
pub(crate) fn interrupted() -> Diagnostic {
    Diagnostic::error(&codes::INTERRUPTED, "interrupted; the tools that ran were ended")
        .hint("run it again to go on; what was finished is kept")
}
