//! Merging: the settings of one module for one target and build type, from all sections that speak of them.
//!
//! The order is [`super::MERGE_ORDER`]; [`Manifest::layers`] is that table as code.

use std::collections::{BTreeMap, BTreeSet};

use super::check::{unknown_build_type, unknown_module};
use super::read::{Define, Layer, Node, Value};
use super::values::{ArchFlag, FloatModel, Spanned, StaticData, ToolchainKind};
use super::variables::{Environment, expand};
use super::{Manifest, place};
use crate::codes::manifest as codes;
use crate::target::glob_matches;
use crate::{Abi, Arch, Code, Diagnostic, Diagnostics, Place, Target};

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
    /// Settings that only MicroPython targets have.
    pub micropython: MicroPythonSettings,
    /// Every variable that was read and its value; they are part of what the build depends on.
    pub environment: BTreeMap<String, Option<String>>,
}

/// Settings that only MicroPython targets have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MicroPythonSettings {
    /// The native ABI.
    pub abi: Abi,
    /// Name stored in the `.mpy` file, if it is not to follow from the module's.
    pub source_name: Option<Spanned<String>>,
    /// Patterns of further files searched for qstrs.
    pub qstr_sources: Vec<Spanned<String>>,
    /// A MicroPython source tree.
    pub micropython_dir: Option<Spanned<String>>,
    /// How the runtime represents `float`, if it is not as usual on the architecture.
    pub float: Option<FloatModel>,
    /// What to do with `.data` and `.bss`.
    pub static_data: StaticData,
    /// Drop sections that nothing refers to.
    pub gc_sections: bool,
    /// File of symbols with fixed addresses.
    pub externs: Option<Spanned<String>>,
    /// Instruction set extensions that the module needs.
    pub arch_flags: BTreeSet<ArchFlag>,
    /// Arguments of mpy-cross.
    pub mpy_cross_flags: Vec<Spanned<String>>,
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
        let mut findings = Vec::new();
        findings.extend(unknown_build_type(self, build_type));
        let Some(inner) = self.module(module) else {
            findings.push(unknown_module(self, module));
            return Err(Diagnostics(findings));
        };
        let mut own = Layer::new();
        let mut runtime = Layer::new();
        for node in self.layers(&inner.node, target, build_type) {
            merge(&mut own, &node.layer);
            if let Some(node) = node.child(target.runtime.name()) {
                merge(&mut runtime, &node.layer);
            }
        }
        let mut read = BTreeMap::new();
        let mut fields =
            Fields { file: &self.file, layer: own, environment, read: &mut read, findings };
        let sources = fields.list("sources");
        if sources.is_empty() && fields.findings.is_empty() {
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
        fields.finish();
        let findings = fields.findings;
        let mut fields =
            Fields { file: &self.file, layer: runtime, environment, read: &mut read, findings };
        let micropython = micropython(&mut fields, target.arch);
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
            micropython,
            environment: read,
        })
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
fn merge(into: &mut Layer, from: &Layer) {
    for (key, value) in from {
        match (into.get_mut(key), value) {
            (Some(Value::Many(old)), Value::Many(new)) => old.extend(new.iter().cloned()),
            (Some(Value::Defines(old)), Value::Defines(new)) => {
                old.extend(new.iter().map(|(name, define)| (name.clone(), define.clone())));
            }
            _ => {
                into.insert(key, value.clone());
            }
        }
    }
}

/// Keys that describe the section itself and are no settings.
const NO_SETTINGS: [&str; 5] = ["name", "version", "targets", "build-type", "inherits"];

/// Takes typed values out of a merged layer, expanding variables.
pub(super) struct Fields<'a> {
    pub(super) file: &'a str,
    pub(super) layer: Layer,
    pub(super) environment: Environment<'a>,
    pub(super) read: &'a mut BTreeMap<String, Option<String>>,
    pub(super) findings: Vec<Diagnostic>,
}

impl Fields<'_> {
    fn report<T>(&mut self, code: &'static Code, value: &Spanned<T>, message: String, hint: &str) {
        self.findings.push(Diagnostic::error(code, message).at(place(self.file, value)).hint(hint));
    }

    fn expand(&mut self, text: Spanned<String>) -> Spanned<String> {
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
    fn word(&mut self, key: &str) -> Option<Spanned<String>> {
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
    fn path(&mut self, key: &str) -> Option<Spanned<String>> {
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

    fn flag(&mut self, key: &str) -> Option<bool> {
        match self.layer.remove(key) {
            Some(Value::Bool(flag)) => Some(flag.value),
            _ => None,
        }
    }

    fn defines(&mut self, key: &str) -> BTreeMap<String, Spanned<String>> {
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

    /// Every setting has been taken: a key of the table without a field is a bug that the tests find.
    pub(super) fn finish(&self) {
        let forgotten = self.layer.keys().find(|key| !NO_SETTINGS.contains(*key));
        debug_assert_eq!(forgotten, None, "a key of the table has no field");
    }
}

fn micropython(fields: &mut Fields<'_>, arch: Arch) -> MicroPythonSettings {
    let flags = fields.list("arch-flags");
    MicroPythonSettings {
        abi: abi(fields, arch),
        source_name: fields.word("source-name"),
        qstr_sources: fields.list("qstr-sources"),
        micropython_dir: fields.path("micropython-dir"),
        float: fields.word("float").and_then(|word| FloatModel::from_name(&word.value)),
        static_data: static_data(fields, arch),
        gc_sections: fields.flag("gc-sections").unwrap_or(true),
        externs: fields.path("externs"),
        arch_flags: arch_flags(fields, flags, arch),
        mpy_cross_flags: fields.list("mpy-cross-flags"),
    }
}

fn abi(fields: &mut Fields<'_>, arch: Arch) -> Abi {
    let Some(release) = fields.word("abi") else {
        return Abi::LATEST;
    };
    let abi = Abi::parse(&release.value).unwrap_or(Abi::LATEST);
    // A release without the architecture does no harm if later ones, which have it, share its ABI.
    if abi < Abi::first_with(arch) {
        let (major, minor) = arch.info().since;
        let message =
            format!("MicroPython {} does not have the architecture `{arch}`", release.value);
        let hint =
            format!("set `abi = \"{major}.{minor}\"` for this target, or leave the target out");
        fields.report(&codes::ABI_TOO_OLD, &release, message, &hint);
    }
    abi
}

fn static_data(fields: &mut Fields<'_>, arch: Arch) -> StaticData {
    let usual = if arch.info().writable_text { StaticData::InText } else { StaticData::Refuse };
    let Some(word) = fields.word("static-data") else {
        return usual;
    };
    let wanted = StaticData::from_name(&word.value).unwrap_or(usual);
    if wanted == StaticData::InText && usual == StaticData::Refuse {
        let message = format!("`static-data = \"in-text\"` is not possible on `{arch}`");
        let hint = "write `\"refuse\"`; loaders of this architecture put code where data cannot be written";
        fields.report(&codes::NOT_ON_TARGET, &word, message, hint);
    }
    wanted
}

fn arch_flags(
    fields: &mut Fields<'_>,
    words: Vec<Spanned<String>>,
    arch: Arch,
) -> BTreeSet<ArchFlag> {
    let mut flags = BTreeSet::new();
    for word in words {
        if arch != Arch::Rv32imc {
            let message = format!("`{}` is not an extension of `{arch}`", word.value);
            let hint = "move `arch-flags` into a section for the target `micropython-rv32imc`";
            fields.report(&codes::NOT_ON_TARGET, &word, message, hint);
        }
        flags.extend(ArchFlag::from_name(&word.value));
    }
    flags
}
