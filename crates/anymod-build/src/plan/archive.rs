//! Planning a module as an archive: compile, gather; and whether it fits what it will be linked with.

use std::collections::BTreeMap;

use anymod_model::codes::build as codes;
use anymod_model::event::ActionKind;
use anymod_model::manifest::{ArchiveSettings, ModuleSettings, SourceKind, Spanned};
use anymod_model::stamp::Stamp;
use anymod_model::{Diagnostic, Diagnostics, Place, Target};

use super::compile::{Call, standard};
use super::module::{Scope, Source};
use super::{BUILD_DIR, Planner, Product, is_generated};
use crate::action::{Archive, Work};
use crate::archives::facts::{self, ArchiveFacts};
use crate::archives::libraries::{Library, Lookup};
use crate::archives::{pkg_config, stamp};
use crate::toolchain::{ArchiveTools, identify_archive_tools};

/// A library and the module that it has to fit, compared when everything is planned: the library may be another module.
pub(super) struct Pairing {
    module: String,
    stamp: Stamp,
    library: Library,
    /// Where the module's own stamp comes from.
    place: Option<Place>,
}

impl Planner<'_> {
    /// Adds the actions of a module.
    pub(super) fn archive(
        &mut self,
        scope: &Scope,
        own: &ArchiveSettings,
        sources: &[Source],
    ) -> Result<Product, Diagnostics> {
        let settings = &scope.settings;
        let (target, build_type) = (settings.target, settings.build_type.as_str());
        self.fence_paths(settings, own)?;
        let libraries = self.libraries(settings, own)?;
        let tools = self.archive_tools(target)?;
        let identity = identify_archive_tools(&tools, self.environment, self.log)?;
        let stamp = stamp::of_module(settings, own, &identity.name);
        let include_dirs = settings.include_dirs.iter().chain(&own.public_include_dirs);
        let mut search: Vec<String> = include_dirs.map(|dir| dir.value.clone()).collect();
        search.extend(libraries.iter().flat_map(|library| library.include_dirs.iter().cloned()));
        let defines: Vec<String> = libraries
            .iter()
            .flat_map(|library| &library.defines)
            .map(|(name, value)| format!("-D{name}={value}"))
            .collect();
        let cflags: Vec<String> =
            libraries.iter().flat_map(|library| library.cflags.iter().cloned()).collect();
        let (objects, mut archives) = self.objects(scope, sources, &mut |kind| {
            let mut command = tools.command(kind)?;
            command.extend(standard(kind));
            command.extend(cflags.iter().cloned());
            let tool = if kind == SourceKind::Cxx { identity.cxx } else { identity.c };
            let (defines, search) = (defines.clone(), search.clone());
            Ok(Call { command, defines, search, end: Vec::new(), inputs: Vec::new(), tool })
        })?;
        if own.merge_archives {
            archives.extend(self.vendored(settings, &own.archives)?);
        }
        let output = format!("{BUILD_DIR}/{target}/{build_type}/{}.a", settings.module);
        let mut inputs = objects.clone();
        inputs.extend(archives.iter().cloned());
        for archive in &archives {
            inputs.extend(self.facts(archive).thin);
        }
        let (format, cpu) = (tools.format, tools.cpu);
        let parts = [objects, archives].concat();
        let archive = Archive { parts, stamp: stamp.clone(), format, cpu };
        let argv = archive.argv();
        let work = Work::Archive(Box::new(archive));
        let mut action = scope.action(ActionKind::Archive, &settings.module, work);
        action.inputs = inputs;
        action.outputs = vec![output.clone()];
        action.argv = argv;
        action.tool = self.own;
        self.add(action);
        let place = self.manifest.module_place(&settings.module);
        for library in libraries {
            let (module, stamp, place) = (settings.module.clone(), stamp.clone(), place.clone());
            self.pairings.push(Pairing { module, stamp, library, place });
        }
        self.stamps.insert(output.clone(), stamp);
        let module = settings.module.clone();
        Ok(Product {
            module,
            target,
            build_type: build_type.to_owned(),
            installed: output.clone(),
            built: output,
            sizes: None,
            shared: false,
            actions: 0..0,
        })
    }

    /// The libraries that a module names.
    fn libraries(
        &mut self,
        settings: &ModuleSettings,
        own: &ArchiveSettings,
    ) -> Result<Vec<Library>, Diagnostics> {
        let lookup = Lookup {
            manifest: self.manifest,
            module: Some(&settings.module),
            target: settings.target,
            build_type: &settings.build_type,
            overrides: self.overrides,
            environment: self.environment,
        };
        let (environment, log) = (self.environment, &mut *self.log);
        let mut ask =
            |package: &str, is_static| pkg_config::ask(package, is_static, environment, &mut *log);
        lookup.all(own, settings, &mut ask)
    }

    /// The archives by others that go into a module's.
    fn vendored(
        &mut self,
        settings: &ModuleSettings,
        patterns: &[Spanned<String>],
    ) -> Result<Vec<String>, Diagnostics> {
        let mut findings = Vec::new();
        let mut archives = Vec::new();
        for pattern in patterns {
            for path in self.matches(settings, pattern, &mut findings) {
                if !archives.contains(&path) {
                    archives.push(path);
                }
            }
        }
        if findings.is_empty() { Ok(archives) } else { Err(Diagnostics(findings)) }
    }

    /// What is to be known of an archive before it is used.
    fn facts(&mut self, path: &str) -> ArchiveFacts {
        facts::of(path, self.root, self.log)
    }

    /// Reports paths of a module that lead out of the project, unless that is allowed.
    fn fence_paths(
        &self,
        settings: &ModuleSettings,
        own: &ArchiveSettings,
    ) -> Result<(), Diagnostics> {
        if self.outside_allowed || self.manifest.allows_outside() {
            return Ok(());
        }
        let paths = [
            &settings.sources,
            &settings.include_dirs,
            &own.archives,
            &own.headers,
            &own.public_include_dirs,
        ];
        let leaves = |path: &&Spanned<String>| leads_out(&path.value, self.root);
        let findings: Vec<Diagnostic> = paths
            .into_iter()
            .flatten()
            .filter(leaves)
            .map(|path| {
                let message = format!("`{}` leads out of the project", path.value);
                Diagnostic::error(&codes::PATH_OUTSIDE, message)
                    .at(settings.place(path))
                    .hint("move it inside, or set `allow-outside = true` in `[project]` or give `--allow-outside`")
            })
            .collect();
        if findings.is_empty() { Ok(()) } else { Err(Diagnostics(findings)) }
    }

    /// Compares the stamps of modules with those of the libraries that they will be linked with.
    pub(super) fn compare_stamps(&mut self) -> Vec<Diagnostic> {
        let mut findings: Vec<Diagnostic> = Vec::new();
        for pairing in std::mem::take(&mut self.pairings) {
            if let Some(finding) = self.compare(&pairing) {
                findings.push(finding);
            }
        }
        findings
    }

    fn compare(&mut self, pairing: &Pairing) -> Option<Diagnostic> {
        let library = &pairing.library;
        let at = |finding: Diagnostic| match library.place.as_ref().or(pairing.place.as_ref()) {
            Some(place) => finding.at(place.clone()),
            None => finding,
        };
        let declared = stamp::of_facts(&library.abi);
        if let Some(finding) = differ(pairing, &declared, "as the manifest says") {
            return Some(at(finding));
        }
        let archive = library.archive.as_ref()?;
        let planned = self.stamps.get(&plain(archive)).cloned();
        let stamps = match planned {
            Some(stamp) => vec![stamp],
            None => {
                let facts = self.facts(archive);
                if !facts.there {
                    return Some(at(absent(pairing, archive, self.root)));
                }
                if let Some(problem) = facts.problem {
                    return Some(problem);
                }
                facts.stamps
            }
        };
        let told = format!("in `{archive}`");
        stamps.iter().find_map(|stamp| differ(pairing, stamp, &told)).map(at)
    }
}

/// The finding for a module and a library with different stamps.
fn differ(pairing: &Pairing, other: &Stamp, told: &str) -> Option<Diagnostic> {
    let mismatches = pairing.stamp.mismatches(other);
    if mismatches.is_empty() {
        return None;
    }
    let (module, library) = (&pairing.module, &pairing.library.name);
    let list: Vec<String> = mismatches.iter().map(ToString::to_string).collect();
    let message = format!(
        "`{module}` and its library `{library}` are built for different ABIs: {}",
        list.join(", ")
    );
    let side = |stamp: &Stamp| {
        let words = stamp.iter().map(|(key, value)| format!("{key} `{value}`"));
        words.collect::<Vec<_>>().join(", ")
    };
    Some(
        Diagnostic::error(&codes::OTHER_ABI, message)
            .note(format!("`{module}`: {}", side(&pairing.stamp)))
            .note(format!("`{library}`, {told}: {}", side(other)))
            .hint("build both for the same, or name the archive with `{target}` and `{build-type}` in its path"),
    )
}

/// The finding for a library whose archive is not there.
fn absent(pairing: &Pairing, archive: &str, root: &std::path::Path) -> Diagnostic {
    let library = &pairing.library.name;
    let message = format!("the archive `{archive}` of library `{library}` is not there");
    let mut finding = Diagnostic::error(&codes::NO_ARCHIVE, message);
    if let Some(build_type) = pairing.stamp.get("build-type") {
        // What was built for another type is the usual reason.
        let others = ["debug", "release", "size"].into_iter().filter(|other| *other != build_type);
        for other in others {
            let path = archive.replace(&format!("/{build_type}/"), &format!("/{other}/"));
            if path != archive && root.join(&path).is_file() {
                finding = finding.note(format!("there is one of build type `{other}`: `{path}`"));
            }
        }
    }
    let hint = match is_generated(archive) {
        true => "build the module that makes it in the same call".to_owned(),
        false => format!("build it, or correct `archive` in `[library.{library}]`"),
    };
    finding.hint(hint)
}

/// A path without what leads nowhere.
fn plain(path: &str) -> String {
    path.split('/').filter(|part| *part != ".").collect::<Vec<_>>().join("/")
}

/// True for paths that are not below the project's directory.
pub(crate) fn leads_out(path: &str, root: &std::path::Path) -> bool {
    if path.starts_with('/') {
        return !std::path::Path::new(path).starts_with(root);
    }
    let mut depth = 0_i32;
    path.split('/').any(|part| {
        match part {
            ".." => depth -= 1,
            "" | "." => {}
            _ => depth += 1,
        }
        depth < 0
    })
}

/// Compilers that were found and asked, by target.
pub(super) type Compilers = BTreeMap<Target, Result<ArchiveTools, Diagnostics>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_out_are_known() {
        let root = std::path::Path::new("/p");
        for out in ["..", "../x.a", "a/../../x.c", "/x", "/pp/x"] {
            assert!(leads_out(out, root), "{out}");
        }
        for inside in ["", "a.c", "./a.c", "a/../b.c", "/p/x.c", "..a/x", "**/x.c"] {
            assert!(!leads_out(inside, root), "{inside}");
        }
    }
}
