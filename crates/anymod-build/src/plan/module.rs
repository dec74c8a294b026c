//! Planning one module for one target.

use std::collections::BTreeSet;

use anymod_link::mpy::{Options, StaticData};
use anymod_model::codes::build as codes;
use anymod_model::event::ActionKind;
use anymod_model::manifest::{self, ArchFlag, ModuleSettings, SourceKind, Spanned};
use anymod_model::{Diagnostic, Diagnostics, Target};

use super::{BUILD_DIR, DIST_DIR, Planner, Product};
use crate::action::{Action, Command, Link, Work};
use crate::toolchain::{Library, find_library};

/// A source file and what it is.
pub(super) struct Source {
    pub(super) path: String,
    pub(super) kind: SourceKind,
}

/// What planning a module passes on.
pub(super) struct Scope {
    pub(super) settings: ModuleSettings,
    /// Directory of the module's build, relative to the project.
    pub(super) dir: String,
    /// The generated header.
    pub(super) qstrs: String,
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
    ) -> Result<Product, Diagnostics> {
        let environment = self.environment;
        let lookup = |name: &str| environment.get(name).map(str::to_owned);
        let settings = self.manifest.resolve(module, target, build_type, &lookup)?;
        let dir = format!("{BUILD_DIR}/{target}/{build_type}/{module}");
        let qstrs = format!("{dir}/gen/{}", super::compile::QSTRS_HEADER);
        let scope = Scope { settings, dir, qstrs };
        let sources = self.sources(&scope.settings)?;
        let native = sources.iter().any(|source| source.kind != SourceKind::Python);
        let mut parts = Vec::new();
        let mut sizes = None;
        if native {
            let linked = self.native(&scope, &sources)?;
            sizes = linked.outputs.get(1).cloned();
            parts.extend(linked.outputs.first().cloned());
            self.add(linked);
        }
        for source in sources.iter().filter(|source| source.kind == SourceKind::Python) {
            let action = self.python(&scope, source)?;
            parts.extend(action.outputs.first().cloned());
            self.add(action);
        }
        let explicit =
            scope.settings.micropython.source_name.as_ref().map(|name| name.value.clone());
        let built = match parts.as_slice() {
            [part] if native || explicit.is_none() => part.clone(),
            _ => {
                let merge = self.merge(&scope, parts, explicit);
                let built = merge.name().to_owned();
                self.add(merge);
                built
            }
        };
        let installed = format!("{DIST_DIR}/{target}/{module}.mpy");
        Ok(Product { module: module.to_owned(), target, built, installed, sizes, actions: 0..0 })
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
                    Some(kind) => sources.push(Source { path, kind }),
                    None => findings.push(unknown_kind(settings, pattern, &path)),
                }
            }
        }
        if sources.is_empty() && findings.is_empty() {
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
    fn matches(
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

    /// Adds the actions before linking; returns that of linking.
    fn native(&mut self, scope: &Scope, sources: &[Source]) -> Result<Action, Diagnostics> {
        let settings = &scope.settings;
        let toolchain = self.toolchain(settings.target)?;
        self.add_qstrs(scope, sources)?;
        let mut objects = Vec::new();
        let mut archives = Vec::new();
        let mut names = BTreeSet::new();
        for source in sources {
            match source.kind {
                SourceKind::Object => objects.push(source.path.clone()),
                SourceKind::Archive => archives.push(source.path.clone()),
                SourceKind::Python => {}
                SourceKind::C | SourceKind::Cxx | SourceKind::Asm | SourceKind::AsmCpp => {
                    let object = object_name(&scope.dir, &source.path, &mut names);
                    let action = self.compile(scope, &toolchain, source, object.clone())?;
                    self.add(action);
                    objects.push(object);
                }
            }
        }
        let mut findings = Vec::new();
        for name in &settings.libraries {
            match find_library(&toolchain, &name.value, self.environment, self.log) {
                Ok(Library::Files(paths)) => {
                    archives.extend(paths.iter().map(|path| path.to_string_lossy().into_owned()));
                }
                Ok(Library::Built(recipe)) => {
                    let archive = recipe.archive.to_string_lossy().into_owned();
                    self.add(library_action(scope, &archive, recipe, &toolchain));
                    archives.push(archive);
                }
                Err(finding) => findings.push(match finding.place {
                    None => finding.at(settings.place(name)),
                    Some(_) => finding,
                }),
            }
        }
        if findings.is_empty() {
            Ok(self.link(scope, objects, archives))
        } else {
            Err(Diagnostics(findings))
        }
    }

    fn add_qstrs(&mut self, scope: &Scope, sources: &[Source]) -> Result<(), Diagnostics> {
        let settings = &scope.settings;
        let compiled =
            |source: &&Source| !matches!(source.kind, SourceKind::Object | SourceKind::Archive);
        let mut inputs: Vec<String> =
            sources.iter().filter(compiled).map(|source| source.path.clone()).collect();
        let mut findings = Vec::new();
        for pattern in &settings.micropython.qstr_sources {
            inputs.extend(self.matches(settings, pattern, &mut findings));
        }
        if !findings.is_empty() {
            return Err(Diagnostics(findings));
        }
        let mut action = scope.action(ActionKind::Qstrs, &settings.module, Work::Qstrs);
        action.argv = ["anymod", "mpy", "link", "--preprocess"].map(str::to_owned).to_vec();
        action.inputs = inputs;
        action.outputs = vec![scope.qstrs.clone()];
        action.tool = self.own;
        self.add(action);
        Ok(())
    }

    fn link(&self, scope: &Scope, objects: Vec<String>, archives: Vec<String>) -> Action {
        let settings = &scope.settings;
        let micropython = &settings.micropython;
        let name = micropython.source_name.as_ref().map(|name| name.value.clone());
        let name = name.unwrap_or_else(|| format!("{}.mpy", settings.module));
        let mut options = Options::new(settings.target.arch, name);
        options.abi = micropython.abi;
        options.arch_flags = micropython.arch_flags.iter().map(|flag| arch_flag_bit(*flag)).sum();
        options.static_data = match micropython.static_data {
            manifest::StaticData::InText => StaticData::InText,
            manifest::StaticData::Refuse => StaticData::Refuse,
        };
        options.gc_sections = micropython.gc_sections;
        let externs = micropython.externs.as_ref().map(|path| path.value.clone());
        let mut inputs = vec![scope.qstrs.clone()];
        inputs.extend(externs.iter().cloned());
        inputs.extend(objects.iter().chain(&archives).cloned());
        let link = Link { options, qstrs: scope.qstrs.clone(), objects, archives, externs };
        let argv = link.argv();
        let output = format!("{}/{}.native.mpy", scope.dir, settings.module);
        let sizes = format!("{}/{}.sizes.json", scope.dir, settings.module);
        let mut action =
            scope.action(ActionKind::Link, &settings.module, Work::Link(Box::new(link)));
        action.inputs = inputs;
        action.outputs = vec![output, sizes];
        action.argv = argv;
        action.tool = self.own;
        action
    }

    fn python(&mut self, scope: &Scope, source: &Source) -> Result<Action, Diagnostics> {
        let settings = &scope.settings;
        let mpy_cross = self.mpy_cross(settings.micropython.abi)?;
        let mut names = BTreeSet::new();
        let output = object_name(&scope.dir, &source.path, &mut names);
        let output = format!("{}.mpy", output.trim_end_matches(".o"));
        // The stored name is shown in tracebacks; a path would say where the module was built.
        let stored = source.path.rsplit('/').next().unwrap_or(&source.path);
        let mut argv = vec![mpy_cross.program.to_string_lossy().into_owned()];
        argv.push(format!("-march={}", settings.target.arch));
        argv.extend(["-s".to_owned(), stored.to_owned()]);
        argv.extend(settings.micropython.mpy_cross_flags.iter().map(|flag| flag.value.clone()));
        argv.extend(["-o".to_owned(), output.clone(), source.path.clone()]);
        let work = Work::Command(Box::default());
        let mut action = scope.action(ActionKind::CompilePython, &source.path, work);
        action.inputs = vec![source.path.clone()];
        action.outputs = vec![output];
        action.argv = argv;
        action.env = self.tool_environment();
        action.tool = mpy_cross.identity;
        Ok(action)
    }

    fn merge(&self, scope: &Scope, parts: Vec<String>, source_name: Option<String>) -> Action {
        let mut argv = ["anymod", "mpy", "merge"].map(str::to_owned).to_vec();
        argv.extend(source_name.iter().map(|name| format!("--source-name={name}")));
        argv.extend(parts.iter().cloned());
        let module = &scope.settings.module;
        let mut action = scope.action(ActionKind::Merge, module, Work::Merge { source_name });
        action.inputs = parts;
        action.outputs = vec![format!("{}/{module}.mpy", scope.dir)];
        action.argv = argv;
        action.tool = self.own;
        action
    }
}

/// The bit of an extension in a header's architecture flags (`Header::arch_flags`).
fn arch_flag_bit(flag: ArchFlag) -> u64 {
    match flag {
        ArchFlag::Zba => 1,
        ArchFlag::Zcmp => 2,
    }
}

fn unknown_kind(settings: &ModuleSettings, pattern: &Spanned<String>, path: &str) -> Diagnostic {
    let message = format!("`{path}` is of a kind that is not known");
    Diagnostic::error(&codes::UNKNOWN_KIND, message)
        .at(settings.place(pattern))
        .hint(format!("sources end in {}", SourceKind::known()))
}

fn library_action(
    scope: &Scope,
    archive: &str,
    recipe: crate::toolchain::Recipe,
    toolchain: &crate::toolchain::Toolchain,
) -> Action {
    let subject = recipe.name;
    let argv = recipe.argv();
    let work = Work::Library(Box::new(recipe));
    let mut action = scope.action(ActionKind::Library, subject, work);
    action.module = None;
    action.outputs = vec![archive.to_owned()];
    action.argv = argv;
    action.tool = toolchain.identity;
    action
}

/// The object of a source: in a directory of its own, under the source's path, so that equal file names do not meet.
/// What lies above the project or at an absolute path goes into directories that no source has by accident.
fn object_name(dir: &str, source: &str, names: &mut BTreeSet<String>) -> String {
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
