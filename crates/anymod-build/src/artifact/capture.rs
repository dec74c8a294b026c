//! Capture: keeps the set that is in place, if there is reason to believe that it was made of the inputs as they are.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anymod_model::codes::{artifact as codes, build};
use anymod_model::manifest::ArtifactSettings;
use anymod_model::{Diagnostic, Diagnostics, Place};
use anymod_store::{Digest, Kept, Output};

use super::tree::Entries;
use super::walk::{Walked, bookkeeping, differences, is_below_any, walk};
use super::{ArtifactRequest, COPIES, Desk, NAMESPACE, history, remembered, texts};
use crate::environment::Environment;
use crate::install;
use crate::shelf::Step;
use crate::stat::{self, Stat};

/// How an artifact is captured.
#[derive(Clone, Debug, Default)]
pub struct How {
    /// True to believe that the outputs are of these inputs, whatever the times say.
    pub trust_outputs: bool,
    /// A command that makes the outputs first; none if they are there.
    pub command: Vec<String>,
}

/// A set that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// Its name.
    pub name: String,
    /// Its key.
    pub key: Digest,
    /// Its files, with paths relative to the project as names.
    pub outputs: Vec<Output>,
    /// What else there is to tell.
    pub warnings: Vec<Diagnostic>,
}

/// Keeps the sets of artifacts that are in place, running a command first if there is one.
///
/// # Errors
/// Everything wrong with the request; a command that fails (`B0001`); outputs that are missing (`S0104`), empty (`S0105`)
/// or not of these inputs (`S0106`); files that changed meanwhile (`S0107`); a store that cannot keep them.
pub fn capture(request: &ArtifactRequest, how: &How) -> Result<Vec<Captured>, Diagnostics> {
    let (mut desk, settings) = Desk::open(request)?;
    let before = walk_all(&mut desk, &settings, request)?;
    let begun = match how.command.is_empty() {
        true => None,
        false => Some(run(&how.command, &desk, &request.environment)?),
    };
    let mut captured = Vec::new();
    let mut sets = Vec::new();
    for (settings, walked) in settings.iter().zip(&before) {
        sets.push(Set::take(&mut desk, settings, walked, begun, how)?);
    }
    // The outputs are copies now. If the inputs are still the same, they are what these were made of.
    desk.log.look_again();
    let after = walk_all(&mut desk, &settings, request)?;
    for ((settings, set), (before, after)) in
        settings.iter().zip(sets).zip(before.iter().zip(&after))
    {
        if before.key != after.key {
            return Err(changed(settings, &differences(&before.fields, &after.fields)).into());
        }
        captured.push(keep(&mut desk, settings, before, set)?);
    }
    remember(&mut desk, &captured);
    desk.shelf.store().collect_if_grown();
    desk.log.close()?;
    Ok(captured)
}

fn remember(desk: &mut Desk, captured: &[Captured]) {
    // What was written a moment ago may be written again without its times telling.
    std::thread::sleep(stat::SETTLED);
    for Captured { name, key, outputs, .. } in captured {
        let mut versions = Vec::new();
        for output in outputs {
            let id = desk.log.id(&output.name);
            desk.log.forget(id);
            versions.extend(desk.log.now(id));
        }
        desk.remember(name, *key, versions);
    }
}

fn walk_all(
    desk: &mut Desk,
    settings: &[ArtifactSettings],
    request: &ArtifactRequest,
) -> Result<Vec<Walked>, Diagnostics> {
    let root = desk.root.clone();
    let walked = settings
        .iter()
        .map(|settings| walk(settings, &request.asked, &root, &request.environment, &mut desk.log));
    let walked = walked.collect::<Result<Vec<_>, _>>();
    desk.log.flush()?;
    walked
}

/// Runs the command that makes the outputs, with its output where ours goes. Returns when it began, by the clock of the
/// file system, in nanoseconds since 1970.
fn run(command: &[String], desk: &Desk, environment: &Environment) -> Result<i64, Diagnostics> {
    let (program, arguments) =
        command.split_first().map_or(("", command), |(first, rest)| (first, rest));
    let mark = desk.root.join(bookkeeping()).join("began");
    install::write_scratch(&mark, std::process::id().to_string())?;
    let metadata = std::fs::metadata(&mark).map_err(|error| install::read_error(&mark, &error))?;
    let began = Stat::of(&metadata).changed;
    let mut process = Command::new(program);
    process.args(arguments).env_clear().envs(environment.all()).stdin(Stdio::null());
    let status = process.status().map_err(|error| {
        let message = format!("`{program}` could not be started: {}", install::reason(&error));
        Diagnostic::error(&build::TOOL_FAILED, message)
            .hint("look for a slip in the command after `--`")
    })?;
    if !status.success() {
        let message = format!("the command failed: {status}");
        let finding = Diagnostic::error(&build::TOOL_FAILED, message);
        return Err(finding.note(crate::work::shown(command)).hint("nothing was kept").into());
    }
    Ok(began)
}

/// Copies of the outputs, which nobody changes any more.
struct Set {
    directory: tempfile::TempDir,
    files: Vec<(String, PathBuf)>,
}

impl Set {
    /// Checks the outputs in place and copies them.
    fn take(
        desk: &mut Desk,
        settings: &ArtifactSettings,
        walked: &Walked,
        began: Option<i64>,
        how: &How,
    ) -> Result<Set, Diagnostics> {
        let (entries, unmatched) = desk.outputs(settings)?;
        let mut findings = missing(settings, &unmatched);
        findings.extend(empty(settings, &entries, &desk.root));
        if !how.trust_outputs {
            findings.extend(stale(desk, settings, walked, &entries, began));
        }
        if !findings.is_empty() {
            return Err(Diagnostics(findings));
        }
        let within = desk.root.join(bookkeeping());
        let directory = tempfile::Builder::new().prefix(COPIES).tempdir_in(&within);
        let directory = directory.map_err(|error| install::write_error(&within, &error))?;
        let mut files = Vec::new();
        for (number, path) in entries.into_keys().enumerate() {
            let to = directory.path().join(number.to_string());
            copy(&desk.root.join(&path), &to)?;
            files.push((path, to));
        }
        Ok(Set { directory, files })
    }
}

/// Copies a file that has to stay as it is meanwhile.
fn copy(from: &Path, to: &Path) -> Result<(), Diagnostic> {
    let stat = || std::fs::metadata(from).map(|metadata| Stat::of(&metadata));
    let copied = stat().and_then(|before| {
        std::fs::copy(from, to)?;
        Ok(before == stat()?)
    });
    match copied {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(Diagnostic::error(&codes::CHANGED, "the output changed while it was read")
                .at(place(from))
                .hint("wait until the build has ended, then capture again"))
        }
        Err(error) => Err(install::read_error(from, &error)),
    }
}

fn missing(settings: &ArtifactSettings, unmatched: &[usize]) -> Vec<Diagnostic> {
    let patterns = unmatched.iter().filter_map(|index| settings.outputs.get(*index));
    let finding = |pattern| {
        let message = format!("no output of artifact `{}` matches this", settings.name.value);
        Diagnostic::error(&codes::MISSING_OUTPUT, message)
            .at(settings.place(pattern))
            .hint("build it first; only complete sets are kept")
    };
    patterns.map(finding).collect()
}

fn empty(settings: &ArtifactSettings, entries: &Entries, root: &Path) -> Vec<Diagnostic> {
    let allowed = texts(&settings.may_be_empty);
    let is_empty = |path: &&String| {
        std::fs::metadata(root.join(path)).is_ok_and(|metadata| metadata.len() == 0)
            && !is_below_any(path, &allowed)
    };
    let finding = |path: &String| {
        Diagnostic::error(&codes::EMPTY_OUTPUT, "the output is empty")
            .at(place(&root.join(path)))
            .hint("build it again, or declare it in `may-be-empty`")
    };
    entries.keys().filter(is_empty).map(finding).collect()
}

/// The outputs that may be of other inputs.
fn stale(
    desk: &mut Desk,
    settings: &ArtifactSettings,
    walked: &Walked,
    entries: &Entries,
    began: Option<i64>,
) -> Vec<Diagnostic> {
    let times = |path: &String| {
        let metadata = std::fs::metadata(desk.root.join(path)).ok()?;
        let Stat { modified, changed, .. } = Stat::of(&metadata);
        Some((path.clone(), modified.min(changed), changed))
    };
    let outputs: Vec<(String, i64, i64)> = entries.keys().filter_map(times).collect();
    // A command that made nothing found everything made.
    let began = began.filter(|began| outputs.iter().any(|(_, _, changed)| changed >= began));
    let mut findings = Vec::new();
    for (path, written, changed) in outputs {
        let older = walked.newest.as_ref().filter(|(_, newest)| *newest > written);
        let made = began.is_some_and(|began| changed >= began);
        let why = if made {
            continue;
        } else if began.is_some() {
            "the command made other outputs, but not this one".to_owned()
        } else if let Some((input, _)) = older {
            format!("it is older than the input `{input}`")
        } else if belongs_elsewhere(desk, &settings.name.value, walked.key, &path) {
            "it belongs to a set with another key, that was captured or populated here".to_owned()
        } else {
            continue;
        };
        findings.push(
            Diagnostic::error(&codes::STALE_OUTPUT, "the output may not be of these inputs")
                .at(place(&desk.root.join(&path)))
                .note(why)
                .hint("build it again, or remove it if it is left over; `--trust-outputs` keeps it all the same"),
        );
    }
    findings
}

/// True if a file is still as a capture or a populate of another key left it.
fn belongs_elsewhere(desk: &mut Desk, name: &str, key: Digest, path: &str) -> bool {
    let Some(record) = desk.log.action(&remembered(name)) else { return false };
    let id = desk.log.id(path);
    let now = desk.log.now(id);
    record.command != key && now.is_some_and(|now| record.outputs.contains(&now))
}

/// Puts a set into the store.
fn keep(
    desk: &mut Desk,
    settings: &ArtifactSettings,
    walked: &Walked,
    set: Set,
) -> Result<Captured, Diagnostics> {
    let name = settings.name.value.clone();
    let Walked { key, fields, unmatched, .. } = walked;
    let kept = Kept { found: &[], passed: &[], said: "", files: &set.files };
    let step = Step { namespace: NAMESPACE, key: *key, walk: fields };
    let outputs = desk.shelf.keep(step, kept);
    drop(set.directory);
    let store = desk.shelf.store();
    let (history_key, history_walk) = history(&name);
    let newest = [("key".to_owned(), *key)];
    let note = Kept { found: &newest, passed: &[], said: "", files: &[] };
    // Which keys this machine had is nobody else's business.
    store.keep(NAMESPACE, &history_key, &history_walk, note);
    let record = store.peek(NAMESPACE, key);
    let is_kept =
        record.is_some_and(|record| record.entries.iter().any(|entry| entry.outputs == outputs));
    let warnings = desk.shelf.finish();
    if !is_kept {
        return Err(not_kept(&name, warnings));
    }
    let unmatched = unmatched.iter().map(|pattern| {
        let message = format!("input `{pattern}` of artifact `{name}` matches nothing");
        let at = settings.inputs.iter().find(|input| input.value == *pattern);
        let place =
            at.map_or_else(|| settings.place(&settings.name), |input| settings.place(input));
        Diagnostic::warning(&codes::INPUT, message).at(place).hint(
            "look for a slip; if it may be missing, this is right: its coming makes another key",
        )
    });
    let warnings = warnings.into_iter().chain(unmatched).collect();
    Ok(Captured { name, key: *key, outputs, warnings })
}

/// What is wrong with the store, which here is no mere warning.
fn not_kept(name: &str, warnings: Vec<Diagnostic>) -> Diagnostics {
    let message = format!("the set of artifact `{name}` was not kept");
    let finding = Diagnostic::error(&codes::NOT_KEPT, message);
    let mut findings =
        vec![finding.hint("free some space, or choose another store with `--store DIR`")];
    findings.extend(warnings);
    Diagnostics(findings)
}

fn changed(settings: &ArtifactSettings, differences: &[String]) -> Diagnostic {
    /// How many differences are told.
    const TOLD: usize = 5;
    let message = format!("inputs of artifact `{}` changed meanwhile", settings.name.value);
    let finding = Diagnostic::error(&codes::CHANGED, message)
        .hint("capture again when nothing changes; what the command writes belongs in `outputs` or `exclude`");
    differences
        .iter()
        .take(TOLD)
        .fold(finding, |finding, difference| finding.note(difference.clone()))
}

fn place(path: &Path) -> Place {
    Place::file(path.display().to_string())
}
