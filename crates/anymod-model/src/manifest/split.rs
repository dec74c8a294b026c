//! The split of a program into a host and modules, as the manifest describes it.

use std::collections::BTreeMap;

use super::read::{Inner, Node};
use super::resolve::Fields;
use super::suggest::nearest;
use super::values::{Spanned, choices};
use super::variables::Environment;
use super::{Manifest, place};
use crate::codes::split as codes;
use crate::{Diagnostic, Diagnostics, Place};

choices! {
    /// The linker that a compiler driver is told to use.
    SplitLinker {
        Bfd = "bfd", "GNU ld.";
        Lld = "lld", "LLVM's.";
        Mold = "mold", "mold.";
    }
}

choices! {
    /// What a host takes in of the libraries that modules use, and exports.
    Export {
        Needed = "needed", "Only what modules need.";
        Whole = "whole", "All of each library.";
    }
}

choices! {
    /// Where a library goes.
    LibraryPlace {
        Auto = "auto", "Where it fits.";
        Host = "host", "Into the host, which exports it.";
        Module = "module", "Into each module that uses it.";
    }
}

choices! {
    /// How far a module is split off.
    Tier {
        Static = "static", "It stays in the host.";
        Bundled = "bundled", "A file of its own, with its libraries in it where that is possible.";
        Shared = "shared", "A file of its own, with its libraries in the host.";
    }
}

/// Everything that the manifest says about a split. Paths are relative to the manifest's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitSettings {
    /// The manifest's file, for messages.
    pub file: String,
    /// The compiler driver that links.
    pub compiler: String,
    /// Its linker.
    pub linker: SplitLinker,
    /// The host's own objects and archives.
    pub objects: Vec<Spanned<String>>,
    /// Names of the libraries that the host itself uses.
    pub libraries: Vec<Spanned<String>>,
    /// Further arguments for the host's link.
    pub ldflags: Vec<String>,
    /// What the host exports of libraries.
    pub export: Export,
    /// Further symbols that it exports, with `*`.
    pub exports: Vec<Spanned<String>>,
    /// Give its exports a version.
    pub version_script: bool,
    /// What the names of exported libraries' symbols begin with.
    pub namespace: Option<String>,
    /// Where outputs go.
    pub directory: String,
    /// Name of the host's file.
    pub host: String,
    /// The libraries by name.
    pub library: BTreeMap<String, SplitLibrary>,
    /// The modules, in file order.
    pub modules: Vec<SplitModule>,
}

/// A library of a split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitLibrary {
    /// Its section's name.
    pub name: Spanned<String>,
    /// Its archive.
    pub archive: Spanned<String>,
    /// Where it is to go.
    pub place: LibraryPlace,
    /// What configure scripts call it.
    pub variable: Option<String>,
    /// What it needs besides.
    pub ldflags: Vec<String>,
}

/// A module of a split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitModule {
    /// Its name.
    pub name: Spanned<String>,
    /// Its objects.
    pub objects: Vec<Spanned<String>>,
    /// Names of its libraries.
    pub libraries: Vec<Spanned<String>>,
    /// How far it is split off.
    pub tier: Tier,
    /// The group that it moves with.
    pub group: Option<String>,
    /// The function that the host looks up.
    pub init: Option<String>,
    /// Name of its file.
    pub file: String,
    /// Its line in `Setup.local`.
    pub setup: Option<String>,
    /// Further arguments for its link.
    pub ldflags: Vec<String>,
}

impl SplitSettings {
    /// Where a value is.
    #[must_use]
    pub fn place<T>(&self, value: &Spanned<T>) -> Place {
        place(&self.file, value)
    }
}

impl Manifest {
    /// Whether the manifest describes a split.
    #[must_use]
    pub fn has_split(&self) -> bool {
        self.root.child("split").is_some()
    }

    /// What the manifest says about a split.
    ///
    /// # Errors
    ///
    /// If it says nothing, and unset variables, names without a section, sections without what they need.
    pub fn split(&self, environment: Environment<'_>) -> Result<SplitSettings, Diagnostics> {
        let Some(node) = self.root.child("split") else {
            let finding = Diagnostic::error(&codes::NO_SPLIT, "the manifest describes no split");
            return Err(finding
                .at(Place::file(self.file()))
                .hint("add a section `[split]` with `objects`, and `[split.module.NAME]` for each module")
                .into());
        };
        let mut reader = Reader { manifest: self, environment, findings: Vec::new() };
        let mut settings = reader.host(node);
        for inner in node.named("library") {
            if let Some(library) = reader.library(inner) {
                settings.library.insert(library.name.value.clone(), library);
            }
        }
        settings.modules = node.named("module").map(|inner| reader.module(inner)).collect();
        let named = settings.libraries.iter();
        for name in named.chain(settings.modules.iter().flat_map(|module| &module.libraries)) {
            reader.known(node, name);
        }
        let mut findings = reader.findings;
        if findings.is_empty() {
            return Ok(settings);
        }
        findings.dedup();
        Err(Diagnostics(findings))
    }
}

/// Reads the sections of a split.
struct Reader<'a> {
    manifest: &'a Manifest,
    environment: Environment<'a>,
    findings: Vec<Diagnostic>,
}

impl Reader<'_> {
    /// Reads a section with a function.
    fn fields<T>(&mut self, node: &Node, read: impl FnOnce(&mut Fields<'_>) -> T) -> T {
        let mut variables = BTreeMap::new();
        let mut fields = Fields {
            file: self.manifest.file(),
            layer: node.layer.clone(),
            environment: self.environment,
            read: &mut variables,
            findings: Vec::new(),
        };
        let value = read(&mut fields);
        self.findings.append(&mut fields.findings);
        value
    }

    fn host(&mut self, node: &Node) -> SplitSettings {
        let file = self.manifest.file().to_owned();
        self.fields(node, |fields| SplitSettings {
            file,
            compiler: one(fields, "compiler").unwrap_or_else(|| "cc".to_owned()),
            linker: choice(fields, "linker", SplitLinker::from_name).unwrap_or(SplitLinker::Bfd),
            objects: fields.list("objects"),
            libraries: fields.list("libraries"),
            ldflags: many(fields, "ldflags"),
            export: choice(fields, "export", Export::from_name).unwrap_or(Export::Needed),
            exports: fields.list("exports"),
            version_script: fields.flag("version-script").unwrap_or(false),
            namespace: one(fields, "namespace"),
            directory: one(fields, "directory").unwrap_or_else(|| "split".to_owned()),
            host: one(fields, "host").unwrap_or_else(|| "host".to_owned()),
            library: BTreeMap::new(),
            modules: Vec::new(),
        })
    }

    fn library(&mut self, inner: &Inner) -> Option<SplitLibrary> {
        let library = self.fields(&inner.node, |fields| {
            let archive = fields.path("archive");
            let place =
                choice(fields, "place", LibraryPlace::from_name).unwrap_or(LibraryPlace::Auto);
            let (variable, ldflags) = (one(fields, "variable"), many(fields, "ldflags"));
            Some(SplitLibrary {
                name: inner.label.clone(),
                archive: archive?,
                place,
                variable,
                ldflags,
            })
        });
        if library.is_none() {
            let message = format!("library `{}` has no `archive`", inner.label.value);
            let finding = Diagnostic::error(&codes::NO_SPLIT, message);
            let finding = finding.at(self.manifest.place(&inner.label));
            self.findings.push(finding.hint("add `archive = \"…/libNAME.a\"` to its section"));
        }
        library
    }

    fn module(&mut self, inner: &Inner) -> SplitModule {
        let name = inner.label.clone();
        self.fields(&inner.node, |fields| SplitModule {
            objects: fields.list("objects"),
            libraries: fields.list("libraries"),
            tier: choice(fields, "tier", Tier::from_name).unwrap_or(Tier::Shared),
            group: one(fields, "group"),
            init: one(fields, "init"),
            file: one(fields, "file").unwrap_or_else(|| format!("{}.so", name.value)),
            setup: one(fields, "setup"),
            ldflags: many(fields, "ldflags"),
            name,
        })
    }

    /// Reports a library without a section.
    fn known(&mut self, node: &Node, name: &Spanned<String>) {
        let names: Vec<&str> =
            node.named("library").map(|inner| inner.label.value.as_str()).collect();
        if names.contains(&name.value.as_str()) {
            return;
        }
        let message = format!("there is no section `[split.library.{}]`", name.value);
        let finding = Diagnostic::error(&codes::NO_SPLIT, message).at(self.manifest.place(name));
        self.findings.push(finding.hint(match nearest(&name.value, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "add it, with `archive`; what the system has as a shared library goes into `ldflags`".to_owned(),
        }));
    }
}

fn one(fields: &mut Fields<'_>, key: &str) -> Option<String> {
    let word = fields.word(key)?;
    Some(fields.expand(word).value)
}

fn many(fields: &mut Fields<'_>, key: &str) -> Vec<String> {
    fields.list(key).into_iter().map(|value| value.value).collect()
}

fn choice<T>(fields: &mut Fields<'_>, key: &str, parse: fn(&str) -> Option<T>) -> Option<T> {
    parse(&fields.word(key)?.value)
}
