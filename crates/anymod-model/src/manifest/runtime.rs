//! Settings that only one runtime has, taken out of the merged layer.

use std::collections::BTreeSet;

use super::Manifest;
use super::archive::{self, ArchiveSettings};
use super::node::{self, NodeSettings};
use super::read::Inner;
use super::resolve::Fields;
use super::values::{ArchFlag, FloatModel, Spanned, StaticData};
use super::words;
use crate::codes::manifest as codes;
use crate::target::PythonVersion;
use crate::{Abi, Arch, Target};

/// Settings that only the target's runtime has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuntimeSettings {
    /// For MicroPython.
    MicroPython(MicroPythonSettings),
    /// For CPython and Pyodide.
    Python(PythonSettings),
    /// For programs that link archives.
    Archive(ArchiveSettings),
    /// For Node.js.
    Node(NodeSettings),
}

/// Settings that only MicroPython targets have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MicroPythonSettings {
    /// The architecture.
    pub arch: Arch,
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

/// Settings of an extension module for CPython or Pyodide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PythonSettings {
    /// What a program imports, with dots.
    pub import_name: String,
    /// The release whose limited API is used, if the module is to run on all later ones.
    pub limited_api: Option<Spanned<PythonVersion>>,
    /// Further arguments when linking.
    pub ldflags: Vec<Spanned<String>>,
    /// Patterns of further files for the wheel.
    pub package_data: Vec<Spanned<String>>,
    /// What the wheel says about itself.
    pub wheel: WheelMetadata,
}

/// What a wheel says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WheelMetadata {
    /// Name of the distribution.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it is, in one line.
    pub summary: Option<String>,
    /// Its licence, an SPDX expression.
    pub license: Option<String>,
    /// Versions of Python that it may be installed for.
    pub requires_python: Option<String>,
}

/// Takes the settings of the target's runtime.
pub(super) fn settings(
    manifest: &Manifest,
    module: &Inner,
    target: Target,
    build_type: &str,
    fields: &mut Fields<'_>,
) -> RuntimeSettings {
    match target {
        Target::MicroPython(arch) => RuntimeSettings::MicroPython(micropython(fields, arch)),
        Target::CPython(_) | Target::Pyodide(_) => {
            RuntimeSettings::Python(python(manifest, module, fields))
        }
        Target::Native(_) | Target::Wasi | Target::Emscripten => {
            RuntimeSettings::Archive(archive::settings(target, build_type, fields))
        }
        Target::Node(platform) => {
            RuntimeSettings::Node(node::settings(manifest, module, platform, fields))
        }
    }
}

fn python(manifest: &Manifest, module: &Inner, fields: &mut Fields<'_>) -> PythonSettings {
    let name = &module.label.value;
    let limited_api = fields.word("limited-api").and_then(|word| {
        let value = PythonVersion::parse(&word.value)?;
        Some(Spanned { value, span: word.span })
    });
    PythonSettings {
        import_name: fields.word("import-name").map_or_else(|| name.clone(), |word| word.value),
        limited_api,
        ldflags: fields.list("ldflags"),
        package_data: fields.list("package-data"),
        wheel: wheel(manifest, module, fields),
    }
}

fn wheel(manifest: &Manifest, module: &Inner, fields: &mut Fields<'_>) -> WheelMetadata {
    let project = manifest.root.child("project");
    let one = |key: &str| project.and_then(|project| project.one(key));
    let alone = manifest.modules().count() == 1;
    let name = fields.word("distribution");
    let name = name.as_ref().or_else(|| one("name").filter(|_| alone)).unwrap_or(&module.label);
    // A module's name may begin or end with `_`.
    if let Some(problem) = words::distribution("the name", &name.value) {
        let hint = "set `distribution` in the module's section for the target";
        fields.report(&codes::WHEEL_NAME, name, problem.message, hint);
    }
    let hint = "write a version like `0.1.0` or `1.2rc1` into `[project]`";
    let version = match one("version") {
        Some(version) => {
            if !words::is_version(&version.value) {
                let message = format!("`{}` is no version of a Python package", version.value);
                fields.report(&codes::WHEEL_NAME, version, message, hint);
            }
            version.value.clone()
        }
        None => {
            let message = format!("the wheel of `{}` has no version", module.label.value);
            fields.report(&codes::WHEEL_NAME, &module.label, message, hint);
            String::new()
        }
    };
    let mut text = |key: &str| {
        let text = fields.expand(one(key)?.clone());
        Some(text.value).filter(|text| !text.is_empty())
    };
    WheelMetadata {
        name: name.value.clone(),
        version,
        summary: text("summary"),
        license: text("license"),
        requires_python: text("requires-python"),
    }
}

fn micropython(fields: &mut Fields<'_>, arch: Arch) -> MicroPythonSettings {
    let flags = fields.list("arch-flags");
    MicroPythonSettings {
        arch,
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
