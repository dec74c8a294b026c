//! `anymod.toml`: its text in, checked modules and their settings for a target out.
//!
//! The stages are [`parse`] (text to a checked tree, all errors at once, each with its place) and [`Manifest::resolve`]
//! (tree, module, target and build type to one set of settings). What keys exist is data: [`schema`]. Patterns stay
//! patterns, because the file system belongs to the build, and the environment is a function that the caller passes.
//!
//! Settings are merged in the order of [`MERGE_ORDER`]. Lists grow, single values and macros of the same name are
//! replaced. A section for targets comes right after the one that it is in, and a runtime's section together with it.

mod adopted;
mod archive;
mod artifact;
mod check;
mod init;
mod keys;
mod node;
pub(crate) mod read;
mod resolve;
mod runtime;
pub mod schema;
mod split;
pub(crate) mod suggest;
mod values;
mod variables;
mod words;

pub use archive::{ArchiveSettings, LibrarySettings};
pub use artifact::ArtifactSettings;
pub use init::init_template;
pub use node::NodeSettings;
pub use resolve::{ModuleSettings, ToolchainChoice};
pub use runtime::{MicroPythonSettings, PythonSettings, RuntimeSettings, WheelMetadata};
pub use split::{
    Export, LibraryPlace, SplitLibrary, SplitLinker, SplitModule, SplitSettings, Tier,
};
pub use suggest::nearest;
pub use values::{ArchFlag, FloatModel, SourceKind, Spanned, StaticData, ToolchainKind};
pub use variables::Environment;

use std::collections::{BTreeMap, BTreeSet};

use crate::{Diagnostics, Place, Severity, Target};
use read::{Inner, Node};

/// The name of a manifest's file.
pub const FILE_NAME: &str = "anymod.toml";

/// The JSON schema of the manifest, generated from [`schema`].
pub const JSON_SCHEMA: &str = include_str!("../../../../anymod.schema.json");

/// The sections that settings come from, weakest first.
pub const MERGE_ORDER: [&str; 5] = [
    "`[project]`",
    "the build type `B`, after those that it inherits from: what is built in, then `[build-type.B]`",
    "`[module.M]`",
    "`[module.M.target.\"P\"]` for each `P` that matches, in file order",
    "`[module.M.build-type.B]`, with inheritance as above",
];

/// The build types that exist without a section, as a manifest would write them.
pub const BUILT_IN: &str = include_str!("built_in.toml");

/// A manifest that was read and checked.
#[derive(Clone, Debug)]
pub struct Manifest {
    file: String,
    root: Node,
    built_in: Node,
    /// Places of the modules among the sections of modules, by name: large projects ask for each one, several times.
    module_places: BTreeMap<String, usize>,
    /// Manifests whose modules were added.
    adopted: Vec<adopted::Adopted>,
}

/// Reads and checks the text of a manifest; `file` is how messages call it.
///
/// # Errors
///
/// Everything that is wrong with the text by itself, in file order.
pub fn parse(text: &str, file: &str) -> Result<Manifest, Diagnostics> {
    let (root, mut findings) = read::read(text, Some(file));
    let (built_in, _) = read::read(BUILT_IN, None);
    let names = root.named("module").map(|inner| inner.label.value.clone());
    let module_places = names.enumerate().map(|(place, name)| (name, place)).collect();
    let manifest =
        Manifest { file: file.to_owned(), root, built_in, module_places, adopted: Vec::new() };
    // A syntax error leaves no sections, and saying so again for each that is missing would not help.
    if !findings.iter().any(|finding| finding.code == &crate::codes::manifest::SYNTAX) {
        findings.extend(check::check(&manifest, findings.is_empty()));
    }
    findings.sort_by_key(|finding| match &finding.place {
        Some(Place::Text { span, .. }) => span.start,
        _ => 0,
    });
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(Diagnostics(findings));
    }
    Ok(manifest)
}

impl Manifest {
    /// A manifest that says nothing, for work without one; `file` is how messages would call it.
    #[must_use]
    pub fn empty(file: &str) -> Manifest {
        let (built_in, _) = read::read(BUILT_IN, None);
        Manifest {
            file: file.to_owned(),
            root: Node::default(),
            built_in,
            module_places: BTreeMap::new(),
            adopted: Vec::new(),
        }
    }

    /// The manifest's file as the caller of [`parse`] called it.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Name of the project, if the manifest gives one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        Some(&self.root.child("project")?.one("name")?.value)
    }

    /// Version of the project, if the manifest gives one.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        Some(&self.root.child("project")?.one("version")?.value)
    }

    /// A text of the project's section as written, if the manifest gives it.
    #[must_use]
    pub fn project_text(&self, key: &str) -> Option<&str> {
        Some(&self.root.child("project")?.one(key)?.value)
    }

    /// The modules, in file order, then those of manifests that were added.
    pub fn modules(&self) -> impl Iterator<Item = &str> {
        let nodes =
            std::iter::once(self).chain(self.adopted.iter().map(|adopted| &adopted.manifest));
        nodes
            .flat_map(|manifest| manifest.root.named("module"))
            .map(|inner| inner.label.value.as_str())
    }

    /// Directories with manifests whose modules are added, as written.
    #[must_use]
    pub fn module_dirs(&self) -> &[Spanned<String>] {
        self.root.child("project").map_or(&[], |project| project.many("module-dirs"))
    }

    /// True if paths may lead out of the manifest's directory.
    #[must_use]
    pub fn allows_outside(&self) -> bool {
        let allowed =
            self.root.child("project").and_then(|project| project.layer.get("allow-outside"));
        matches!(allowed, Some(read::Value::Bool(allowed)) if allowed.value)
    }

    /// The build types: those built in, then the manifest's own in file order.
    #[must_use]
    pub fn build_types(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for inner in self.built_in.named("build-type").chain(self.root.named("build-type")) {
            if !names.contains(&inner.label.value.as_str()) {
                names.push(&inner.label.value);
            }
        }
        names
    }

    /// The build type to use when none is named.
    #[must_use]
    pub fn default_build_type(&self) -> &str {
        let project = self.root.child("project");
        project.and_then(|node| node.one("build-type")).map_or("release", |name| &name.value)
    }

    /// The targets that a module is built for when none are named, in the order of targets; none if neither the
    /// module nor the project names any, or if there is no such module.
    #[must_use]
    pub fn targets(&self, module: &str) -> Vec<Target> {
        let Some(module) = self.module(module) else {
            let adopted = self.adopter_of(module);
            let own = adopted.map(|adopted| adopted.manifest.targets(module)).unwrap_or_default();
            // A module for everybody leaves its targets to who uses it.
            return match (adopted, own.is_empty()) {
                (Some(_), true) => self.project_targets(),
                _ => own,
            };
        };
        if module.node.layer.contains_key("targets") {
            matching(module.node.many("targets"))
        } else {
            self.project_targets()
        }
    }

    fn project_targets(&self) -> Vec<Target> {
        let project = self.root.child("project");
        matching(project.map_or(&[][..], |project| project.many("targets")))
    }

    /// Where a module's section is.
    #[must_use]
    pub fn module_place(&self, module: &str) -> Option<Place> {
        if let Some(inner) = self.module(module) {
            return Some(self.place(&inner.label));
        }
        self.adopter_of(module)?.manifest.module_place(module)
    }

    /// Where a value is; the whole file for what is built in.
    #[must_use]
    pub fn place<T>(&self, value: &Spanned<T>) -> Place {
        place(&self.file, value)
    }

    fn module(&self, name: &str) -> Option<&Inner> {
        self.root.named("module").as_slice().get(*self.module_places.get(name)?)
    }

    fn build_type(&self, name: &str) -> Option<&Inner> {
        self.root.named("build-type").find(|inner| inner.label.value == name)
    }
}

/// The targets that patterns stand for, in the order of targets.
fn matching(patterns: &[Spanned<String>]) -> Vec<Target> {
    let targets: BTreeSet<Target> =
        patterns.iter().flat_map(|pattern| Target::matching(&pattern.value)).collect();
    targets.into_iter().collect()
}

fn place<T>(file: &str, value: &Spanned<T>) -> Place {
    match &value.span {
        Some(span) => Place::Text { file: file.to_owned(), span: span.clone() },
        None => Place::file(file),
    }
}
