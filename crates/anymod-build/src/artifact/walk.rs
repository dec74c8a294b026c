//! The walk over everything that decides an artifact's bytes: one walk makes the key, the record and the explanation.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anymod_model::codes::artifact as codes;
use anymod_model::manifest::ArtifactSettings;
use anymod_model::target::glob_matches;
use anymod_model::{Diagnostic, Diagnostics, Place};
use anymod_store::{Digest, Explanation, Field, Visit};

use super::tree::{Entries, Kind, OWN, Tree};
use super::{Asked, texts};
use crate::environment::Environment;
use crate::install;
use crate::log::Log;
use crate::plan::BUILD_DIR;
use crate::stat::Stat;

/// Raised whenever what a set of outputs is changes.
const FORMAT: &str = "1";

/// An artifact's key, what is in it, and what was seen on the way.
pub(super) struct Walked {
    pub(super) key: Digest,
    pub(super) fields: Vec<Field>,
    /// The input that changed last by the kernel's clock, and when, in nanoseconds since 1970.
    pub(super) newest: Option<(String, i64)>,
    /// Patterns of inputs that match nothing.
    pub(super) unmatched: Vec<String>,
}

/// Walks.
///
/// # Errors
/// Everything that cannot be read, at once.
pub(super) fn walk(
    settings: &ArtifactSettings,
    asked: &Asked,
    root: &Path,
    environment: &Environment,
    log: &mut Log,
) -> Result<Walked, Diagnostics> {
    let mut fields = Explanation::default();
    let mut findings = Vec::new();
    fields.field("kind", "artifact");
    fields.field("format", FORMAT);
    fields.field("artifact", &settings.name.value);
    fields.field("host", &format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS));
    fields.field("target", asked.target.as_deref().unwrap_or("-"));
    fields.field("variant", asked.variant.as_deref().unwrap_or("-"));
    for flag in &asked.flags {
        fields.field("flag", flag);
    }
    for output in &settings.outputs {
        fields.field("makes", &output.value);
    }
    variables(settings, environment, &mut fields);
    findings.extend(tools(settings, root, environment, log, &mut fields));
    let mut seen = Seen { root, log, newest: None, fields: &mut fields, findings: Vec::new() };
    let unmatched = inputs(settings, &mut seen)?;
    let (newest, found) = (seen.newest, seen.findings);
    findings.extend(found);
    if !findings.is_empty() {
        return Err(Diagnostics(findings));
    }
    Ok(Walked { key: fields.key(), fields: fields.0, newest, unmatched })
}

/// The declared variables. Names that stand for themselves count when they are not set, too.
fn variables(settings: &ArtifactSettings, environment: &Environment, fields: &mut Explanation) {
    for pattern in texts(&settings.environment) {
        if !pattern.contains('*') {
            let value =
                environment.get(&pattern).map_or("not set".to_owned(), |value| format!("={value}"));
            fields.field(&format!("environment {pattern}"), &value);
            continue;
        }
        for (name, value) in environment.all() {
            if glob_matches(&pattern, name) {
                fields.field(&format!("environment {name}"), &format!("={value}"));
            }
        }
    }
}

/// The declared tools: content, and what they say of themselves here. They are asked each time, all at once: what a
/// launcher such as rustup's answers depends on more than its own content.
fn tools(
    settings: &ArtifactSettings,
    root: &Path,
    environment: &Environment,
    log: &mut Log,
    fields: &mut Explanation,
) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let mut found: Vec<(&str, PathBuf, Digest)> = Vec::new();
    for tool in &settings.tools {
        let name = tool.value.as_str();
        let path = match name.contains('/') {
            true => environment.find_program(&root.join(name).to_string_lossy()),
            false => environment.find_program(name),
        };
        let digest = path.and_then(|path| Some((log.digest(&path.to_string_lossy())?, path)));
        match digest {
            Some((digest, path)) => found.push((name, path, digest)),
            None => findings.push(
                Diagnostic::error(&codes::TOOL, format!("there is no program `{name}`"))
                    .at(settings.place(tool))
                    .hint("install it, or put it on the `PATH`"),
            ),
        }
    }
    let answers: Vec<_> = std::thread::scope(|scope| {
        let ask = |path: &PathBuf| version(path, root, environment);
        let threads: Vec<_> =
            found.iter().map(|(_, path, _)| scope.spawn(move || ask(path))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Ok(String::new())))
            .collect()
    });
    for ((name, path, digest), answer) in found.iter().zip(answers) {
        match answer {
            Ok(answer) => fields.field(&format!("tool {name}"), &format!("{digest} {answer}")),
            Err(error) => {
                let message = format!("`{name}` does not start: {}", install::reason(&error));
                let finding = Diagnostic::error(&codes::TOOL, message);
                let place = Place::file(path.display().to_string());
                findings.push(finding.at(place).hint("install it anew"));
            }
        }
    }
    findings
}

/// How often a program is started that somebody is still writing.
const STARTS: usize = 20;

/// What a program says with `--version`; whatever it is, it is the same for the same tool.
fn version(program: &Path, root: &Path, environment: &Environment) -> std::io::Result<String> {
    let mut command = Command::new(program);
    command.arg("--version").current_dir(root).stdin(Stdio::null());
    command.env_clear().envs(environment.all()).env("LC_ALL", "C.UTF-8");
    let mut starts = 0;
    loop {
        starts += 1;
        match command.output() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy && starts < STARTS => {
                std::thread::sleep(Duration::from_millis(10));
            }
            said => {
                return said.map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned());
            }
        }
    }
}

struct Seen<'a> {
    root: &'a Path,
    log: &'a mut Log,
    newest: Option<(String, i64)>,
    fields: &'a mut Explanation,
    findings: Vec<Diagnostic>,
}

/// The files and links that inputs name, but for the outputs. Returns the patterns that name nothing.
fn inputs(settings: &ArtifactSettings, seen: &mut Seen<'_>) -> Result<Vec<String>, Diagnostic> {
    let exclude = texts(&settings.exclude);
    let outputs = texts(&settings.outputs);
    let mut entries = Entries::new();
    let mut unmatched = Vec::new();
    let mut tree = Tree::new(seen.root, &exclude);
    for pattern in texts(&settings.inputs) {
        if !tree.add(&pattern, &mut entries)? {
            seen.fields.field(&format!("input {pattern}"), "nothing is there");
            unmatched.push(pattern);
        }
    }
    entries.retain(|path, _| !is_below_any(path, &outputs));
    if entries.is_empty() {
        let message = format!("the inputs of artifact `{}` match nothing", settings.name.value);
        let finding = Diagnostic::error(&codes::INPUT, message).at(settings.place(&settings.name));
        return Err(finding.hint("patterns are relative to the manifest; outputs are never inputs"));
    }
    for (path, kind) in &entries {
        seen.entry(path, *kind);
    }
    Ok(unmatched)
}

/// True if a pattern matches the path or a directory above it.
pub(super) fn is_below_any(path: &str, patterns: &[String]) -> bool {
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    let above: Vec<&str> = ends.filter_map(|end| path.get(..end)).collect();
    let whole = |pattern: &str| pattern.split('/').all(|name| matches!(name, "" | "."));
    patterns.iter().any(|pattern| {
        (whole(pattern) && !path.starts_with('/'))
            || above.iter().any(|path| crate::glob::path_matches(pattern, path))
    })
}

impl Seen<'_> {
    fn entry(&mut self, path: &str, kind: Kind) {
        let value = match kind {
            Kind::File => self.file(path),
            Kind::Link => self.link(path),
        };
        match value {
            Ok(value) => self.fields.field(&format!("input {path}"), &value),
            Err(error) => self.findings.push(unreadable(&self.root.join(path), &error)),
        }
    }

    fn file(&mut self, path: &str) -> std::io::Result<String> {
        let metadata = std::fs::symlink_metadata(self.root.join(path))?;
        self.met(path, &metadata);
        let mode = if install::is_executable(&metadata) { " executable" } else { "" };
        Ok(format!("{}{mode}", self.content(path)?))
    }

    /// A link counts by its text, and by the content of the file that it leads to.
    fn link(&mut self, path: &str) -> std::io::Result<String> {
        let location = self.root.join(path);
        self.met(path, &std::fs::symlink_metadata(&location)?);
        let text = std::fs::read_link(&location)?;
        let content = match std::fs::metadata(&location) {
            Ok(metadata) if metadata.is_file() => {
                self.met(path, &metadata);
                format!(" {}", self.content(path)?)
            }
            _ => String::new(),
        };
        Ok(format!("link to {}{content}", text.to_string_lossy()))
    }

    fn content(&mut self, path: &str) -> std::io::Result<Digest> {
        match self.log.digest(path) {
            Some(digest) => Ok(digest),
            // What went wrong, the log does not say.
            None => std::fs::read(self.root.join(path)).map(|bytes| Digest::of(&bytes)),
        }
    }

    fn met(&mut self, path: &str, metadata: &std::fs::Metadata) {
        let changed = Stat::of(metadata).changed;
        if self.newest.as_ref().is_none_or(|(_, newest)| *newest < changed) {
            self.newest = Some((path.to_owned(), changed));
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Diagnostic {
    let message = format!("cannot read the input: {}", install::reason(error));
    Diagnostic::error(&codes::INPUT, message)
        .at(Place::file(path.display().to_string()))
        .hint("give yourself permission to read it, or add it to `exclude`")
}

/// Where anymod keeps what it remembers of a project's artifacts, relative to the project.
pub(super) fn bookkeeping() -> String {
    format!("{BUILD_DIR}/{OWN}artifacts")
}

/// What two walks differ in: names of fields, those of the second first, each once.
pub(super) fn differences(one: &[Field], other: &[Field]) -> Vec<String> {
    use std::collections::BTreeMap;
    fn by_name(fields: &[Field]) -> BTreeMap<&str, Vec<&str>> {
        let mut map: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for field in fields {
            map.entry(&field.name).or_default().push(&field.value);
        }
        map
    }
    let (one, other) = (by_name(one), by_name(other));
    let mut told = Vec::new();
    for (name, now) in &other {
        match one.get(name) {
            None => told.push(format!("{name} is new")),
            Some(was) if was != now => told.push(format!("{name} differs")),
            Some(_) => {}
        }
    }
    told.extend(
        one.keys().filter(|name| !other.contains_key(*name)).map(|name| format!("{name} is gone")),
    );
    told
}
