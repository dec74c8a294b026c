//! Checks across sections: names that refer to each other, modules that lack something, keys that exclude each other.

use std::collections::{BTreeMap, BTreeSet};

use super::Manifest;
use super::read::{Inner, Node};
use super::suggest::nearest;
use super::values::Spanned;
use super::{archive, artifact};
use crate::codes::manifest as codes;
use crate::{Code, Diagnostic, Runtime, Target};

/// Checks a manifest. Only if every value was read is it said what is missing: it may be what could not be read.
pub(super) fn check(manifest: &Manifest, complete: bool) -> Vec<Diagnostic> {
    let mut checker = Checker { manifest, findings: Vec::new() };
    checker.build_types();
    checker.module_names();
    if complete {
        checker.missing();
    }
    checker.toolchains();
    checker.findings.extend(archive::check(manifest));
    checker.findings.extend(artifact::check(manifest, complete));
    checker.findings
}

struct Checker<'a> {
    manifest: &'a Manifest,
    findings: Vec<Diagnostic>,
}

impl Checker<'_> {
    fn report<T>(
        &mut self,
        code: &'static Code,
        value: &Spanned<T>,
        message: String,
        hint: impl Into<String>,
    ) {
        let finding = Diagnostic::error(code, message).at(self.manifest.place(value));
        self.findings.push(finding.hint(hint));
    }

    fn build_types(&mut self) {
        let manifest = self.manifest;
        let modules =
            manifest.root.named("module").flat_map(|module| module.node.named("build-type"));
        let declared = manifest.root.named("build-type");
        let chosen = manifest.root.child("project").and_then(|project| project.one("build-type"));
        let references = chosen
            .into_iter()
            .chain(declared.filter_map(|inner| inner.node.one("inherits")))
            .chain(modules.map(|inner| &inner.label));
        for reference in references {
            if let Some(finding) = unknown_build_type(manifest, &reference.value) {
                self.findings.push(finding.at(manifest.place(reference)));
            }
        }
        for inner in manifest.root.named("build-type") {
            self.inheritance(inner);
        }
    }

    /// Reports a build type that is reached again by following `inherits` from itself.
    fn inheritance(&mut self, start: &Inner) {
        let mut seen = BTreeSet::new();
        let mut next = start.node.one("inherits");
        while let Some(parent) = next {
            if parent.value == start.label.value {
                let message = format!("build type `{}` inherits from itself", parent.value);
                let inherits = start.node.one("inherits").unwrap_or(parent);
                let hint = "let `inherits` name a build type that does not lead back here";
                return self.report(&codes::INHERITS_ITSELF, inherits, message, hint);
            }
            if !seen.insert(&parent.value) {
                return;
            }
            let parent = self.manifest.build_type(&parent.value);
            next = parent.and_then(|inner| inner.node.one("inherits"));
        }
    }

    fn module_names(&mut self) {
        let mut folded: BTreeMap<String, &str> = BTreeMap::new();
        for module in self.manifest.root.named("module") {
            let name = &module.label.value;
            if let Some(other) = folded.insert(name.to_lowercase(), name) {
                let message = format!("modules `{other}` and `{name}` differ by letter case alone");
                let hint = "rename one; their files would collide where file names ignore case";
                self.report(&codes::MODULE_NAME, &module.label, message, hint);
            }
        }
    }

    fn missing(&mut self) {
        let manifest = self.manifest;
        let others = manifest.artifacts().next().is_some() || manifest.has_split();
        if manifest.modules().next().is_none() && !others {
            let top: Spanned<()> = Spanned { value: (), span: Some(0..0) };
            let message = "the manifest describes no module".to_owned();
            let hint =
                "add a section `[module.NAME]` with `sources`, or let `anymod init` write one";
            self.report(&codes::NO_MODULE, &top, message, hint);
        }
        for module in manifest.root.named("module") {
            if !has_sources(&module.node) {
                let name = &module.label.value;
                let message = format!("module `{name}` has no sources");
                let hint = format!("add `sources = [\"{name}.c\"]` to `[module.{name}]`");
                self.report(&codes::NO_SOURCES, &module.label, message, hint);
            }
        }
    }

    fn toolchains(&mut self) {
        for inner in self.manifest.root.named("toolchain") {
            let zig = inner.node.one("kind").is_some_and(|kind| kind.value == "zig");
            if let (true, Some(prefix)) = (zig, inner.node.one("prefix")) {
                let message = "`prefix` and `kind = \"zig\"` exclude each other".to_owned();
                let hint = "remove `prefix`, which names the programs of a GNU toolchain";
                self.report(&codes::CONFLICT, prefix, message, hint);
            }
            let targets = Target::matching(&inner.label.value);
            let micropython = |target: &Target| target.runtime() == Runtime::MicroPython;
            if targets.is_empty() || targets.iter().any(micropython) {
                continue;
            }
            for key in ["kind", "prefix"] {
                if let Some(value) = inner.node.one(key) {
                    let message = format!("`{key}` is for targets of MicroPython");
                    let hint = "remove it; a Python is built for with the machine's compiler or that of its environment";
                    self.report(&codes::NOT_ON_TARGET, value, message, hint);
                }
            }
        }
    }
}

fn has_sources(section: &Node) -> bool {
    let mut inner = section.children.values().flatten().map(|inner| &inner.node);
    let own = ["sources", "archives"].iter().any(|key| !section.many(key).is_empty());
    own || section.one("crate").is_some() || inner.any(has_sources)
}

/// The finding for a build type that does not exist.
pub(super) fn unknown_build_type(manifest: &Manifest, name: &str) -> Option<Diagnostic> {
    let known = manifest.build_types();
    if known.contains(&name) {
        return None;
    }
    let hint = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are `{}`", known.join("`, `")),
    };
    let message = format!("unknown build type `{}`", name.escape_debug());
    Some(Diagnostic::error(&codes::UNKNOWN_BUILD_TYPE, message).hint(hint))
}

/// The finding for a module that does not exist.
pub(super) fn unknown_module(manifest: &Manifest, name: &str) -> Diagnostic {
    let known: Vec<&str> = manifest.modules().collect();
    let hint = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the manifest has `{}`", known.join("`, `")),
    };
    let message = format!("unknown module `{}`", name.escape_debug());
    Diagnostic::error(&codes::UNKNOWN_MODULE, message).hint(hint)
}
