//! Planning one module for one target: its sources and what is compiled of them, whatever the runtime.

use std::collections::BTreeSet;

use anymod_model::codes::build as codes;
use anymod_model::event::ActionKind;
use anymod_model::manifest::{ModuleSettings, RuntimeSettings, SourceKind, Spanned};
use anymod_model::{Diagnostic, Diagnostics, Target};

use super::compile::Call;
use super::{BUILD_DIR, Planner, Product};
use crate::action::{Action, Command, Work};

/// A source file and what it is.
pub(super) struct Source {
    pub(super) path: String,
    pub(super) kind: SourceKind,
    /// The path below the directory that its pattern names.
    pub(super) below: String,
}

/// What planning a module passes on.
pub(super) struct Scope {
    pub(super) settings: ModuleSettings,
    /// Directory of the module's build, relative to the project.
    pub(super) dir: String,
}

impl Scope {
    /// An action of this module with no inputs yet.
    pub(super) fn action(&self, kind: ActionKind, subject: &str, work: Work) -> Action {
        Action {
            kind,
            module: Some(self.settings.module.clone()),
            target: self.settings.target.to_string(),
            subject: subject.to_owned(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            argv: Vec::new(),
            env: Default::default(),
            tool: anymod_store::Digest::of(b""),
            work,
        }
    }
}

impl Planner<'_> {
    /// Adds the actions of a module for a target.
    pub(super) fn module(
        &mut self,
        module: &str,
        target: Target,
        build_type: &str,
    ) -> Result<Vec<Product>, Diagnostics> {
        let environment = self.environment;
        let lookup = |name: &str| environment.get(name).map(str::to_owned);
        let settings = self.manifest.resolve(module, target, build_type, &lookup)?;
        let dir = format!("{BUILD_DIR}/{target}/{build_type}/{module}");
        let scope = Scope { settings, dir };
        let sources = self.sources(&scope.settings)?;
        let product = match &scope.settings.runtime {
            RuntimeSettings::Node(own) => return self.node(&scope, own, &sources),
            RuntimeSettings::MicroPython(own) => self.micropython(&scope, own, &sources),
            RuntimeSettings::Python(own) => self.python(&scope, own, &sources),
            RuntimeSettings::Archive(own) => self.archive(&scope, own, &sources),
        };
        Ok(vec![product?])
    }

    /// Expands the patterns of sources, in their order; matches of one pattern are sorted.
    fn sources(&mut self, settings: &ModuleSettings) -> Result<Vec<Source>, Diagnostics> {
        let mut findings = Vec::new();
        let mut sources: Vec<Source> = Vec::new();
        let mut taken = BTreeSet::new();
        for pattern in &settings.sources {
            let files = self.matches(settings, pattern, &mut findings);
            for path in files {
                let excluded = settings
                    .exclude
                    .iter()
                    .any(|pattern| crate::glob::path_matches(&pattern.value, &path));
                if excluded || !taken.insert(path.clone()) {
                    continue;
                }
                match SourceKind::of(&path) {
                    Some(kind) => {
                        let below = below(&pattern.value, &path).to_owned();
                        sources.push(Source { path, kind, below });
                    }
                    None => findings.push(unknown_kind(settings, pattern, &path)),
                }
            }
        }
        let wanted = !settings.sources.is_empty();
        if sources.is_empty() && wanted && findings.is_empty() {
            let message = format!("`exclude` leaves `{}` without sources", settings.module);
            let finding = Diagnostic::error(&codes::NO_SOURCES, message)
                .hint("narrow the patterns of `exclude`, or leave the module out of this target");
            findings.push(match settings.exclude.first() {
                Some(pattern) => finding.at(settings.place(pattern)),
                None => finding,
            });
        }
        if findings.is_empty() { Ok(sources) } else { Err(Diagnostics(findings)) }
    }

    /// The files that a pattern matches; none is a finding.
    pub(super) fn matches(
        &mut self,
        settings: &ModuleSettings,
        pattern: &Spanned<String>,
        findings: &mut Vec<Diagnostic>,
    ) -> Vec<String> {
        let files = self.globber.files(&pattern.value);
        if files.is_empty() {
            let message = format!("`{}` matches no file", pattern.value);
            let hint = "patterns are relative to the manifest; `*` stays within a directory, `**` does not";
            let finding = Diagnostic::error(&codes::NO_MATCH, message);
            findings.push(finding.at(settings.place(pattern)).hint(hint));
        }
        files
    }

    /// Adds the actions that compile sources, each as `call` says for its language; the objects to link, those among the
    /// sources included, and the archives.
    pub(super) fn objects(
        &mut self,
        scope: &Scope,
        sources: &[Source],
        call: &mut dyn FnMut(SourceKind) -> Result<Call, Diagnostic>,
    ) -> Result<(Vec<String>, Vec<String>), Diagnostics> {
        let (mut objects, mut archives) = (Vec::new(), Vec::new());
        let mut names = BTreeSet::new();
        for source in sources {
            match source.kind {
                SourceKind::Object => objects.push(source.path.clone()),
                SourceKind::Archive => archives.push(source.path.clone()),
                SourceKind::Python => {}
                SourceKind::C | SourceKind::Cxx | SourceKind::Asm | SourceKind::AsmCpp => {
                    let object = object_name(&scope.dir, &source.path, &mut names);
                    let action = self.compile(scope, call(source.kind)?, source, object.clone())?;
                    self.add(action);
                    objects.push(object);
                }
            }
        }
        Ok((objects, archives))
    }
}

/// What of a path lies below the directory that a pattern names before its first wildcard.
pub(super) fn below<'a>(pattern: &str, path: &'a str) -> &'a str {
    let literal = pattern.find(['*', '?', '[']).map_or(pattern, |end| &pattern[..end]);
    let directory = literal.rfind('/').map_or("", |end| &literal[..=end]);
    let directory = directory.trim_start_matches("./");
    path.strip_prefix(directory).unwrap_or_else(|| path.rsplit('/').next().unwrap_or(path))
}

fn unknown_kind(settings: &ModuleSettings, pattern: &Spanned<String>, path: &str) -> Diagnostic {
    let message = format!("`{path}` is of a kind that is not known");
    Diagnostic::error(&codes::UNKNOWN_KIND, message)
        .at(settings.place(pattern))
        .hint(format!("sources end in {}", SourceKind::known()))
}

/// The object of a source: in a directory of its own, under the source's path, so that equal file names do not meet.
/// What lies above the project or at an absolute path goes into directories that no source has by accident.
pub(super) fn object_name(dir: &str, source: &str, names: &mut BTreeSet<String>) -> String {
    let path = match source.strip_prefix('/') {
        Some(rest) => format!("@root/{rest}"),
        None => source.to_owned(),
    };
    let path: Vec<&str> = path
        .split('/')
        .filter(|name| !matches!(*name, "" | "."))
        .map(|name| if name == ".." { "@up" } else { name })
        .collect();
    let base = format!("{dir}/obj/{}", path.join("/"));
    let mut name = format!("{base}.o");
    let mut number = 2;
    while !names.insert(name.clone()) {
        name = format!("{base}.{number}.o");
        number += 1;
    }
    name
}

impl From<Command> for Work {
    fn from(command: Command) -> Work {
        Work::Command(Box::new(command))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_of_different_sources_never_share_a_name() {
        let mut names = BTreeSet::new();
        let sources =
            ["a/util.c", "b/util.c", "util.c", "util.cc", "../util.c", "/x/util.c", "@up/util.c"];
        let objects: BTreeSet<String> =
            sources.iter().map(|source| object_name("d", source, &mut names)).collect();
        assert_eq!(objects.len(), sources.len(), "{objects:?}");
        assert!(objects.iter().all(|object| !object.contains("..")));
    }
}
