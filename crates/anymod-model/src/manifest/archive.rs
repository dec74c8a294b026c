//! Settings of modules that are built as archives, and of the libraries that they are linked with.

use std::collections::BTreeMap;

use super::read::{Inner, Layer, Node};
use super::resolve::{Fields, merge};
use super::suggest::nearest;
use super::values::Spanned;
use super::variables::Environment;
use super::{Manifest, place};
use crate::codes::manifest as codes;
use crate::target::glob_matches;
use crate::{Diagnostic, Diagnostics, Place, Target};

/// Settings that only targets have whose modules are archives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveSettings {
    /// Patterns of archives by others.
    pub archives: Vec<Spanned<String>>,
    /// Put their members into the module's archive, instead of listing them beside it.
    pub merge_archives: bool,
    /// Patterns of the headers that users include.
    pub headers: Vec<Spanned<String>>,
    /// Directories in which users find them.
    pub public_include_dirs: Vec<Spanned<String>>,
    /// Names of the host's libraries, see [`Manifest::library`].
    pub host_libraries: Vec<Spanned<String>>,
    /// Names of the system's.
    pub system_libraries: Vec<Spanned<String>>,
    /// Arguments for whoever links.
    pub ldflags: Vec<Spanned<String>>,
    /// Parts of the ABI by name, besides those that the build itself knows.
    pub abi: BTreeMap<String, Spanned<String>>,
}

/// What the manifest says about a library for a target and a build type. Paths and patterns are relative to the
/// manifest's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LibrarySettings {
    /// The manifest's file, for messages.
    pub file: String,
    /// Name of its section.
    pub name: Spanned<String>,
    /// Its archive, if it is the host's.
    pub archive: Option<Spanned<String>>,
    /// What the linker calls it, if that is not the section's name.
    pub link_name: Option<Spanned<String>>,
    /// What `pkg-config` calls it.
    pub pkg_config: Option<Spanned<String>>,
    /// Patterns of the headers that users include.
    pub headers: Vec<Spanned<String>>,
    /// Directories in which users find them.
    pub include_dirs: Vec<Spanned<String>>,
    /// Macros for users, with their texts.
    pub defines: BTreeMap<String, Spanned<String>>,
    /// Further arguments for compiling.
    pub cflags: Vec<Spanned<String>>,
    /// Further arguments for linking.
    pub ldflags: Vec<Spanned<String>>,
    /// Parts of its ABI by name.
    pub abi: BTreeMap<String, Spanned<String>>,
    /// Every variable that was read and its value.
    pub environment: BTreeMap<String, Option<String>>,
}

impl LibrarySettings {
    /// Where a value is.
    #[must_use]
    pub fn place<T>(&self, value: &Spanned<T>) -> Place {
        place(&self.file, value)
    }
}

/// Reports that the module says that it has no build for the target, and takes the keys that say so.
pub(super) fn unsupported(module: &Inner, target: Target, fields: &mut Fields<'_>) {
    let reason = fields.path("reason");
    if fields.flag("supported") != Some(false) {
        return;
    }
    let name = &module.label.value;
    let message = match &reason {
        Some(reason) => format!("module `{name}` has no build for `{target}`: {}", reason.value),
        None => format!("module `{name}` has no build for `{target}`"),
    };
    let at = reason.as_ref().unwrap_or(&module.label);
    let hint = "choose another target, or leave the module out";
    fields.report(&codes::UNSUPPORTED_MODULE, at, message, hint);
}

/// Takes the settings of a module.
pub(super) fn settings(
    target: Target,
    build_type: &str,
    fields: &mut Fields<'_>,
) -> ArchiveSettings {
    let mut archives = fields.list("archives");
    for archive in &mut archives {
        archive.value = filled_in(&archive.value, target, build_type);
    }
    ArchiveSettings {
        archives,
        merge_archives: fields.flag("merge-archives").unwrap_or(true),
        headers: fields.list("headers"),
        public_include_dirs: fields.list("public-include-dirs"),
        host_libraries: fields.list("host-libraries"),
        system_libraries: fields.list("system-libraries"),
        ldflags: fields.list("ldflags"),
        abi: fields.facts("abi"),
    }
}

/// The path of an archive with what the placeholders stand for.
fn filled_in(path: &str, target: Target, build_type: &str) -> String {
    path.replace("{target}", &target.to_string()).replace("{build-type}", build_type)
}

impl Manifest {
    /// The libraries that have a section, in file order.
    pub fn libraries(&self) -> impl Iterator<Item = &str> {
        self.root.named("library").map(|inner| inner.label.value.as_str())
    }

    /// What the manifest of a module says about a library, or else the first one; nothing if neither has a section of that
    /// name.
    ///
    /// # Errors
    ///
    /// Unset variables.
    pub fn library(
        &self,
        module: Option<&str>,
        name: &str,
        target: Target,
        build_type: &str,
        environment: Environment<'_>,
    ) -> Result<Option<LibrarySettings>, Diagnostics> {
        let adopted = module
            .filter(|module| self.module(module).is_none())
            .and_then(|module| self.adopter_of(module));
        if let Some(adopted) = adopted {
            let library = adopted.manifest.library(None, name, target, build_type, environment)?;
            if let Some(library) = library {
                return Ok(Some(adopted.moved_library(library)));
            }
        }
        let Some(inner) = self.root.named("library").find(|inner| inner.label.value == name) else {
            return Ok(None);
        };
        let mut layer = Layer::new();
        merge(&mut layer, &inner.node.layer);
        let pattern_matches =
            |overlay: &&Inner| glob_matches(&overlay.label.value, &target.to_string());
        for overlay in inner.node.named("target").filter(pattern_matches) {
            merge(&mut layer, &overlay.node.layer);
        }
        let mut read = BTreeMap::new();
        let mut fields =
            Fields { file: self.file(), layer, environment, read: &mut read, findings: Vec::new() };
        let mut archive = fields.path("archive");
        if let Some(archive) = &mut archive {
            archive.value = filled_in(&archive.value, target, build_type);
        }
        let mut settings = LibrarySettings {
            file: self.file().to_owned(),
            name: inner.label.clone(),
            archive,
            link_name: fields.word("name"),
            pkg_config: fields.word("pkg-config"),
            headers: fields.list("headers"),
            include_dirs: fields.list("include-dirs"),
            defines: fields.defines("defines"),
            cflags: fields.list("cflags"),
            ldflags: fields.list("ldflags"),
            abi: fields.facts("abi"),
            environment: BTreeMap::new(),
        };
        fields.finish();
        if !fields.findings.is_empty() {
            return Err(Diagnostics(fields.findings));
        }
        settings.environment = read;
        Ok(Some(settings))
    }
}

/// What is wrong across sections: host libraries without a section, and libraries that are two things at once.
pub(super) fn check(manifest: &Manifest) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let known: Vec<&str> = manifest.libraries().collect();
    each_node(&manifest.root, &mut |node| {
        for name in node.many("host-libraries") {
            if known.contains(&name.value.as_str()) {
                continue;
            }
            let message = format!("there is no library `{}`", name.value);
            let hint = match nearest(&name.value, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add a section `[library.{}]` with its `archive`", name.value),
            };
            let finding = Diagnostic::error(&codes::UNKNOWN_LIBRARY, message);
            findings.push(finding.at(manifest.place(name)).hint(hint));
        }
    });
    for library in manifest.root.named("library") {
        let nodes = std::iter::once(&library.node)
            .chain(library.node.named("target").map(|overlay| &overlay.node));
        for node in nodes {
            let Some(archive) = node.one("archive") else { continue };
            if let Some(key) =
                ["name", "pkg-config"].into_iter().find(|key| node.one(key).is_some())
            {
                let message = format!("`archive` and `{key}` exclude each other");
                let finding = Diagnostic::error(&codes::CONFLICT, message);
                let hint = "keep `archive` for a library of the host program, the other for one of the system";
                findings.push(finding.at(manifest.place(archive)).hint(hint));
            }
        }
    }
    findings
}

fn each_node(node: &Node, visit: &mut dyn FnMut(&Node)) {
    visit(node);
    for inner in node.children.values().flatten() {
        each_node(&inner.node, visit);
    }
}
