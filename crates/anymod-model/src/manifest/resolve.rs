//! Merging: the settings of one module for one target and build type, from all sections that speak of them.
//!
//! The order is [`super::MERGE_ORDER`]; [`Manifest::layers`] is that table as code.

use std::collections::BTreeMap;

use super::archive;
use super::check::{unknown_build_type, unknown_module};
use super::read::{Define, Layer, Node, Value};
use super::runtime::{self, RuntimeSettings};
use super::values::{Spanned, ToolchainKind};
use super::variables::{Environment, expand};
use super::{Manifest, place};
use crate::codes::manifest as codes;
use crate::target::glob_matches;
use crate::{Code, Diagnostic, Diagnostics, Place, Target};

/// Everything the manifest says about building a module for a target with a build type.
///
/// Paths and patterns are relative to the manifest's directory, written with `/`, and not expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleSettings {
    /// The manifest's file, for messages.
    pub file: String,
    /// Name of the module.
    pub module: String,
    /// What it is built for.
    pub target: Target,
    /// Name of the build type.
    pub build_type: String,
    /// Patterns of sources, see [`super::SourceKind`].
    pub sources: Vec<Spanned<String>>,
    /// Patterns of files that `sources` matches and that are left out.
    pub exclude: Vec<Spanned<String>>,
    /// Directories searched for headers.
    pub include_dirs: Vec<Spanned<String>>,
    /// Preprocessor macros and their texts.
    pub defines: BTreeMap<String, Spanned<String>>,
    /// Arguments of every compiler call.
    pub flags: Vec<Spanned<String>>,
    /// Further arguments for C.
    pub cflags: Vec<Spanned<String>>,
    /// Further arguments for C++.
    pub cxxflags: Vec<Spanned<String>>,
    /// Further arguments for assembler.
    pub asflags: Vec<Spanned<String>>,
    /// Libraries of the compiler, by names like `libgcc`.
    pub libraries: Vec<Spanned<String>>,
    /// Settings that only the target's runtime has.
    pub runtime: RuntimeSettings,
    /// Every variable that was read and its value; they are part of what the build depends on.
    pub environment: BTreeMap<String, Option<String>>,
}

/// What the manifest says about the compiler for a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolchainChoice {
    /// Family of the compiler.
    pub kind: Option<ToolchainKind>,
    /// What the names of its programs begin with; may be empty.
    pub prefix: Option<Spanned<String>>,
    /// Directory of its programs, relative to the manifest's directory unless absolute.
    pub dir: Option<Spanned<String>>,
}

impl ModuleSettings {
    /// Where a value is; the whole file for what is built in.
    #[must_use]
    pub fn place<T>(&self, value: &Spanned<T>) -> Place {
        place(&self.file, value)
    }
}

impl Manifest {
    /// Merges what the manifest says about building `module` for `target` with `build_type`.
    ///
    /// # Errors
    ///
    /// An unknown module or build type, unset variables, and settings that the target does not have; all at once.
    pub fn resolve(
        &self,
        module: &str,
        target: Target,
        build_type: &str,
        environment: Environment<'_>,
    ) -> Result<ModuleSettings, Diagnostics> {
        if self.module(module).is_none()
            && let Some(adopted) = self.adopter_of(module)
        {
            let settings = adopted.manifest.resolve(module, target, build_type, environment)?;
            return Ok(adopted.moved(settings));
        }
        let mut findings = Vec::new();
        findings.extend(unknown_build_type(self, build_type));
        let Some(inner) = self.module(module) else {
            findings.push(unknown_module(self, module));
            return Err(Diagnostics(findings));
        };
        let layer = self.merged(&inner.node, target, build_type);
        let mut read = BTreeMap::new();
        let mut fields = Fields { file: &self.file, layer, environment, read: &mut read, findings };
        archive::unsupported(inner, target, &mut fields);
        let sources = fields.list("sources");
        let has_sources = !sources.is_empty()
            || ["archives", "crate"].iter().any(|key| fields.layer.contains_key(key));
        if !has_sources && fields.findings.is_empty() {
            let message = format!("module `{module}` has no sources for `{target}`");
            let hint = format!(
                "add `sources` to `[module.{module}]`, or leave the target out of its `targets`"
            );
            fields.report(&codes::NO_SOURCES, &inner.label, message, &hint);
        }
        let exclude = fields.list("exclude");
        let include_dirs = fields.list("include-dirs");
        let defines = fields.defines("defines");
        let flags = fields.list("flags");
        let cflags = fields.list("cflags");
        let cxxflags = fields.list("cxxflags");
        let asflags = fields.list("asflags");
        let libraries = fields.list("libraries");
        let runtime = runtime::settings(self, inner, target, build_type, &mut fields);
        fields.finish();
        if !fields.findings.is_empty() {
            return Err(Diagnostics(fields.findings));
        }
        Ok(ModuleSettings {
            file: self.file.clone(),
            module: module.to_owned(),
            target,
            build_type: build_type.to_owned(),
            sources,
            exclude,
            include_dirs,
            defines,
            flags,
            cflags,
            cxxflags,
            asflags,
            libraries,
            runtime,
            environment: read,
        })
    }

    /// Merges what the manifest says about building for a target with a build type, whatever the module. There are no
    /// sources in it, and nothing that one runtime alone has.
    ///
    /// # Errors
    ///
    /// An unknown build type and unset variables.
    pub fn common(
        &self,
        target: Target,
        build_type: &str,
        environment: Environment<'_>,
    ) -> Result<ModuleSettings, Diagnostics> {
        let mut read = BTreeMap::new();
        let mut fields = Fields {
            file: &self.file,
            layer: self.merged(&Node::default(), target, build_type),
            environment,
            read: &mut read,
            findings: unknown_build_type(self, build_type).into_iter().collect(),
        };
        let settings = ModuleSettings {
            file: self.file.clone(),
            module: String::new(),
            target,
            build_type: build_type.to_owned(),
            sources: Vec::new(),
            exclude: Vec::new(),
            include_dirs: fields.list("include-dirs"),
            defines: fields.defines("defines"),
            flags: fields.list("flags"),
            cflags: fields.list("cflags"),
            cxxflags: fields.list("cxxflags"),
            asflags: fields.list("asflags"),
            libraries: fields.list("libraries"),
            runtime: RuntimeSettings::Archive(archive::settings(target, build_type, &mut fields)),
            environment: BTreeMap::new(),
        };
        if !fields.findings.is_empty() {
            return Err(Diagnostics(fields.findings));
        }
        Ok(ModuleSettings { environment: read, ..settings })
    }

    /// The layers that apply, merged.
    fn merged(&self, module: &Node, target: Target, build_type: &str) -> Layer {
        let mut layer = Layer::new();
        for node in self.layers(module, target, build_type) {
            merge(&mut layer, &node.layer);
            for node in target.runtime().sections().iter().filter_map(|name| node.child(name)) {
                merge(&mut layer, &node.layer);
            }
        }
        layer
    }

    /// What the manifest says about the compiler for a target.
    ///
    /// # Errors
    ///
    /// Unset variables.
    pub fn toolchain(
        &self,
        target: Target,
        environment: Environment<'_>,
    ) -> Result<ToolchainChoice, Diagnostics> {
        let mut layer = Layer::new();
        for inner in self.root.named("toolchain") {
            if glob_matches(&inner.label.value, &target.to_string()) {
                merge(&mut layer, &inner.node.layer);
            }
        }
        let mut read = BTreeMap::new();
        let mut fields =
            Fields { file: &self.file, layer, environment, read: &mut read, findings: Vec::new() };
        let choice = ToolchainChoice {
            kind: fields.word("kind").and_then(|word| ToolchainKind::from_name(&word.value)),
            prefix: fields.text("prefix"),
            dir: fields.path("dir"),
        };
        fields.finish();
        if fields.findings.is_empty() { Ok(choice) } else { Err(Diagnostics(fields.findings)) }
    }

    /// The sections that apply, weakest first.
    fn layers<'a>(
        &'a self,
        module: &'a Node,
        target: Target,
        build_type: &'a str,
    ) -> Vec<&'a Node> {
        let target = target.to_string();
        let mut layers = Vec::new();
        let mut push = |node: &'a Node| {
            layers.push(node);
            let matching =
                node.named("target").filter(|inner| glob_matches(&inner.label.value, &target));
            layers.extend(matching.map(|inner| &inner.node));
        };
        if let Some(project) = self.root.child("project") {
            push(project);
        }
        let chain = self.inheritance(build_type);
        let named = |node: &'a Node, name: &str| {
            node.named("build-type")
                .find(|inner| inner.label.value == name)
                .map(|inner| &inner.node)
        };
        for name in &chain {
            for root in [&self.built_in, &self.root] {
                if let Some(node) = named(root, name) {
                    push(node);
                }
            }
        }
        push(module);
        layers.extend(chain.iter().filter_map(|name| named(module, name)));
        layers
    }

    /// A build type and those that it inherits from, the most basic first.
    fn inheritance<'a>(&'a self, build_type: &'a str) -> Vec<&'a str> {
        let mut chain = vec![build_type];
        let mut name = build_type;
        while let Some(parent) = self.build_type(name).and_then(|inner| inner.node.one("inherits"))
        {
            name = &parent.value;
            if chain.contains(&name) {
                break;
            }
            chain.push(name);
        }
        chain.reverse();
        chain
    }
}

/// Lists grow, macros are replaced one by one, single values as a whole.
pub(super) fn merge(into: &mut Layer, from: &Layer) {
    for (key, value) in from {
        match (into.get_mut(key), value) {
            (Some(Value::Many(old)), Value::Many(new)) => old.extend(new.iter().cloned()),
            (Some(Value::Defines(old)), Value::Defines(new)) => {
                old.extend(new.iter().map(|(name, define)| (name.clone(), define.clone())));
            }
            (Some(Value::Facts(old)), Value::Facts(new)) => {
                old.extend(new.iter().map(|(name, fact)| (name.clone(), fact.clone())));
            }
            _ => {
                into.insert(key, value.clone());
            }
        }
    }
}

/// Keys that describe the section itself and are no settings.
const NO_SETTINGS: [&str; 10] = [
    "name",
    "version",
    "summary",
    "license",
    "requires-python",
    "targets",
    "build-type",
    "inherits",
    "module-dirs",
    "allow-outside",
];

/// Takes typed values out of a merged layer, expanding variables.
pub(super) struct Fields<'a> {
    pub(super) file: &'a str,
    pub(super) layer: Layer,
    pub(super) environment: Environment<'a>,
    pub(super) read: &'a mut BTreeMap<String, Option<String>>,
    pub(super) findings: Vec<Diagnostic>,
}

impl Fields<'_> {
    pub(super) fn report<T>(
        &mut self,
        code: &'static Code,
        value: &Spanned<T>,
        message: String,
        hint: &str,
    ) {
        self.findings.push(Diagnostic::error(code, message).at(place(self.file, value)).hint(hint));
    }

    pub(super) fn expand(&mut self, text: Spanned<String>) -> Spanned<String> {
        let expanded = expand(&text.value, self.environment, self.read);
        match expanded {
            Ok(value) => Spanned { value, span: text.span },
            Err(name) => {
                let message = format!("environment variable `{name}` is not set");
                let hint =
                    format!("set `{name}`, or give a default with `${{env:{name}:-default}}`");
                self.report(&codes::UNSET_VARIABLE, &text, message, &hint);
                text
            }
        }
    }

    /// A single value as written.
    pub(super) fn word(&mut self, key: &str) -> Option<Spanned<String>> {
        match self.layer.remove(key) {
            Some(Value::One(value)) => Some(value),
            _ => None,
        }
    }

    /// A single value, expanded.
    fn text(&mut self, key: &str) -> Option<Spanned<String>> {
        self.word(key).map(|value| self.expand(value))
    }

    /// A path, expanded; nothing if that leaves nothing.
    pub(super) fn path(&mut self, key: &str) -> Option<Spanned<String>> {
        self.text(key).filter(|path| !path.value.is_empty())
    }

    /// A list, expanded; entries that become empty drop out, so that a variable can hold an optional argument.
    pub(super) fn list(&mut self, key: &str) -> Vec<Spanned<String>> {
        let Some(Value::Many(values)) = self.layer.remove(key) else {
            return Vec::new();
        };
        let expanded = values.into_iter().map(|value| self.expand(value));
        expanded.filter(|value| !value.value.is_empty()).collect()
    }

    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        match self.layer.remove(key) {
            Some(Value::Bool(flag)) => Some(flag.value),
            _ => None,
        }
    }

    pub(super) fn defines(&mut self, key: &str) -> BTreeMap<String, Spanned<String>> {
        let Some(Value::Defines(defines)) = self.layer.remove(key) else {
            return BTreeMap::new();
        };
        let mut expanded = BTreeMap::new();
        for (name, define) in defines {
            if let Define::As(value) = define.value {
                expanded.insert(name, self.expand(Spanned { value, span: define.span }));
            }
        }
        expanded
    }

    /// What an ABI is made of.
    pub(super) fn facts(&mut self, key: &str) -> BTreeMap<String, Spanned<String>> {
        match self.layer.remove(key) {
            Some(Value::Facts(facts)) => facts,
            _ => BTreeMap::new(),
        }
    }

    /// Every setting has been taken: a key of the table without a field is a bug that the tests find.
    pub(super) fn finish(&self) {
        let forgotten = self.layer.keys().find(|key| !NO_SETTINGS.contains(*key));
        debug_assert_eq!(forgotten, None, "a key of the table has no field");
    }
}
