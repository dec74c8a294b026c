//! Populate: puts a kept set in place, the whole of it or nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anymod_model::manifest::ArtifactSettings;
use anymod_model::{Diagnostic, Diagnostics};
use anymod_store::{Digest, Entry, Field};

use super::walk::{Walked, differences, is_below_any, walk};
use super::{ArtifactRequest, Desk, NAMESPACE, history, texts};
use crate::install;
use crate::log::VersionId;
use crate::shelf::{Shelf, Step};
use crate::work;

/// What came of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Populated {
    /// Its name.
    pub name: String,
    /// Its key.
    pub key: Digest,
    /// What was found.
    pub outcome: Outcome,
    /// What the store had to tell.
    pub warnings: Vec<Diagnostic>,
}

/// What was found under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A set, which is in place.
    Hit {
        /// Its files, relative to the project.
        outputs: Vec<String>,
        /// Files that patterns of outputs match, that are not in the set, and that were removed.
        removed: Vec<String>,
    },
    /// Nothing; the disk is as it was.
    Miss {
        /// How the inputs differ from those of the kept set that is nearest; none if there is no other.
        differences: Option<Vec<String>>,
    },
}

/// Puts the kept sets of artifacts in place.
///
/// # Errors
/// Everything wrong with the request, an input that cannot be read, an output that cannot be written. A miss is none.
pub fn populate(request: &ArtifactRequest) -> Result<Vec<Populated>, Diagnostics> {
    let (mut desk, settings) = Desk::open(request)?;
    let mut populated = Vec::new();
    for settings in settings {
        let root = desk.root.clone();
        let walked = walk(&settings, &request.asked, &root, &request.environment, &mut desk.log);
        // Digests of a tree are worth keeping even if something is wrong with it.
        desk.log.flush()?;
        let walked = walked?;
        let outcome = one(&mut desk, &settings, &walked)?;
        let warnings = desk.shelf.finish();
        let name = settings.name.value.clone();
        populated.push(Populated { name, key: walked.key, outcome, warnings });
    }
    desk.log.close()?;
    Ok(populated)
}

fn one(
    desk: &mut Desk,
    settings: &ArtifactSettings,
    walked: &Walked,
) -> Result<Outcome, Diagnostics> {
    let step = Step { namespace: NAMESPACE, key: walked.key, walk: &walked.fields };
    let mut put = |entry: &Entry| {
        let whole = is_complete(entry, settings) && restore(desk, entry)?;
        Ok::<_, Diagnostics>(whole.then(|| entry.clone()))
    };
    let mut found = None;
    for find in [Shelf::look, Shelf::ask] {
        if found.is_none() {
            found = find(&desk.shelf, step, &mut |_| true, &mut put)?;
        }
    }
    if let Some(entry) = found {
        let outputs: Vec<String> = entry.outputs.iter().map(|output| output.name.clone()).collect();
        let removed = remove_leftovers(desk, settings, &outputs)?;
        let versions = restored(desk, &entry)?;
        desk.remember(&settings.name.value, walked.key, versions);
        return Ok(Outcome::Hit { outputs, removed });
    }
    Ok(Outcome::Miss { differences: nearest(desk, &settings.name.value, &walked.fields) })
}

/// True if an entry is a set that this manifest means: inside the project, and something for each pattern.
fn is_complete(entry: &Entry, settings: &ArtifactSettings) -> bool {
    let patterns = texts(&settings.outputs);
    let names = || entry.outputs.iter().map(|output| output.name.as_str());
    let plain = |name: &str| {
        !name.starts_with('/') && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
    };
    !entry.outputs.is_empty()
        && names().all(|name| plain(name) && is_below_any(name, &patterns))
        && patterns
            .iter()
            .all(|pattern| names().any(|name| is_below_any(name, std::slice::from_ref(pattern))))
}

/// Puts a set in place; false, with nothing changed, if the store no longer has all of it.
fn restore(desk: &Desk, entry: &Entry) -> Result<bool, Diagnostics> {
    let to: Vec<PathBuf> =
        entry.outputs.iter().map(|output| desk.root.join(&output.name)).collect();
    let missing = missing_directories(&to, &desk.root);
    let restored = put(desk, entry, &to);
    if !matches!(restored, Ok(true)) {
        for directory in missing.iter().rev() {
            // One in which something came to be meanwhile stays.
            let _ = std::fs::remove_dir(directory);
        }
    }
    restored
}

fn put(desk: &Desk, entry: &Entry, to: &[PathBuf]) -> Result<bool, Diagnostics> {
    for path in to {
        desk.fence.make_way(path)?;
    }
    Ok(desk.shelf.store().restore(&entry.outputs, to)?)
}

/// The files that were just put in place, as the log numbers them.
fn restored(desk: &mut Desk, entry: &Entry) -> Result<Vec<VersionId>, Diagnostic> {
    let mut versions = Vec::new();
    for output in &entry.outputs {
        let made = work::made(&desk.root.join(&output.name), output.digest)?;
        let id = desk.log.id(&output.name);
        versions.push(desk.log.wrote(id, made.stat, made.digest));
    }
    Ok(versions)
}

/// The directories that files need and that are not there, outer ones first.
fn missing_directories(files: &[PathBuf], root: &Path) -> BTreeSet<PathBuf> {
    let above = files.iter().flat_map(|file| file.ancestors().skip(1));
    let inside = above.filter(|directory| directory.starts_with(root) && !directory.exists());
    inside.map(Path::to_owned).collect()
}

/// Removes what looks like outputs and is not of the set: it would be loaded by mistake.
fn remove_leftovers(
    desk: &Desk,
    settings: &ArtifactSettings,
    outputs: &[String],
) -> Result<Vec<String>, Diagnostics> {
    let (entries, _) = desk.outputs(settings)?;
    let mut removed = Vec::new();
    for path in entries.into_keys().filter(|path| !outputs.contains(path)) {
        let location = desk.root.join(&path);
        // The directory is there; this only looks where it really is.
        desk.fence.make_way(&location)?;
        std::fs::remove_file(&location).map_err(|error| install::write_error(&location, &error))?;
        removed.push(path);
    }
    Ok(removed)
}

/// How many earlier keys are compared.
const COMPARED: usize = 4;

/// How a walk differs from the nearest of those that were kept last under the same name.
fn nearest(desk: &Desk, name: &str, now: &[Field]) -> Option<Vec<String>> {
    let (key, _) = history(name);
    let store = desk.shelf.store();
    let kept = store.peek(NAMESPACE, &key)?;
    let keys = kept.entries.iter().filter_map(|entry| Some(entry.found.first()?.1));
    let records = keys.take(COMPARED).filter_map(|key| store.peek(NAMESPACE, &key));
    records.map(|record| differences(&record.walk, now)).min_by_key(Vec::len)
}
