//! The one table of sections and keys of `anymod.toml`: facts only, what a key is called, what kind of value it has and
//! what it means. Adding a key is adding a row here and a field in `resolve`.

mod archives;
mod node;
mod split;

use archives::{ARCHIVE, LIBRARY, MODULE_ARCHIVE, MODULE_WASM, WASM};
use node::{MODULE_NODE, NODE};
use split::SPLIT;

use super::schema::{Child, Group, Key, Kind, NameKind, Section};
use super::values::{ArchFlag, FloatModel, StaticData, ToolchainKind};

const fn key(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    example: &'static str,
    doc: &'static str,
) -> Key {
    Key { name, kind, doc, default, example }
}

const fn child(name: &'static str, section: &'static Section) -> Child {
    Child { name, named: None, section }
}

const fn named(name: &'static str, kind: NameKind, section: &'static Section) -> Child {
    Child { name, named: Some(kind), section }
}

/// The whole file.
pub static ROOT: Section = Section {
    doc: "A manifest describes native modules and the targets they are built for.",
    groups: &[],
    children: &[
        child("project", &PROJECT),
        named("build-type", NameKind::BuildType, &BUILD_TYPE),
        named("module", NameKind::Module, &MODULE),
        named("toolchain", NameKind::TargetPattern, &TOOLCHAIN),
        named("library", NameKind::Library, &LIBRARY),
        named("artifact", NameKind::Artifact, &ARTIFACT),
        child("split", &SPLIT),
    ],
};

static PROJECT: Section = Section {
    doc: "What holds for every module.",
    groups: &[&PROJECT_GROUP, &BUILD_GROUP],
    children: &[
        child("micropython", &MICROPYTHON),
        child("cpython", &CPYTHON),
        child("pyodide", &PYODIDE),
        child("archive", &ARCHIVE),
        child("wasm", &WASM),
        child("node", &NODE),
        named("target", NameKind::TargetPattern, &SHARED_OVERLAY),
    ],
};

static BUILD_TYPE: Section = Section {
    doc: "A build type: a named set of settings, chosen with `--build-type`. `release`, `size` and `debug` are built in; \
          a section of that name adds to the built-in one.",
    groups: &[&BUILD_TYPE_GROUP, &BUILD_GROUP],
    children: &[
        child("micropython", &MICROPYTHON),
        child("cpython", &CPYTHON),
        child("pyodide", &PYODIDE),
        child("archive", &ARCHIVE),
        child("wasm", &WASM),
        child("node", &NODE),
        named("target", NameKind::TargetPattern, &SHARED_OVERLAY),
    ],
};

static SHARED_OVERLAY: Section = Section {
    doc: "Settings for the targets that the pattern matches.",
    groups: &[&BUILD_GROUP],
    children: &[
        child("micropython", &MICROPYTHON),
        child("cpython", &CPYTHON),
        child("pyodide", &PYODIDE),
        child("archive", &ARCHIVE),
        child("wasm", &WASM),
        child("node", &NODE),
    ],
};

static MODULE: Section = Section {
    doc: "A module. Its name is what a program imports.",
    groups: &[&SOURCE_GROUP, &MODULE_GROUP, &BUILD_GROUP],
    children: &[
        child("micropython", &MODULE_MICROPYTHON),
        child("cpython", &MODULE_CPYTHON),
        child("pyodide", &MODULE_PYODIDE),
        child("archive", &MODULE_ARCHIVE),
        child("wasm", &MODULE_WASM),
        child("node", &MODULE_NODE),
        named("target", NameKind::TargetPattern, &TARGET_OVERLAY),
        named("build-type", NameKind::BuildType, &BUILD_TYPE_OVERLAY),
    ],
};

static TARGET_OVERLAY: Section = Section {
    doc: "Settings of the module for the targets that the pattern matches.",
    groups: &[&SOURCE_GROUP, &BUILD_GROUP],
    children: &[
        child("micropython", &MODULE_MICROPYTHON),
        child("cpython", &MODULE_CPYTHON),
        child("pyodide", &MODULE_PYODIDE),
        child("archive", &MODULE_ARCHIVE),
        child("wasm", &MODULE_WASM),
        child("node", &MODULE_NODE),
    ],
};

static BUILD_TYPE_OVERLAY: Section = Section {
    doc: "Settings of the module for a build type and for those that inherit from it.",
    groups: &[&SOURCE_GROUP, &BUILD_GROUP],
    children: &[
        child("micropython", &MODULE_MICROPYTHON),
        child("cpython", &MODULE_CPYTHON),
        child("pyodide", &MODULE_PYODIDE),
        child("archive", &MODULE_ARCHIVE),
        child("wasm", &MODULE_WASM),
        child("node", &MODULE_NODE),
    ],
};

static MICROPYTHON: Section =
    Section { doc: MICROPYTHON_DOC, groups: &[&MICROPYTHON_GROUP, &BUILD_GROUP], children: &[] };

static MODULE_MICROPYTHON: Section = Section {
    doc: MICROPYTHON_DOC,
    groups: &[&MICROPYTHON_MODULE_GROUP, &MICROPYTHON_GROUP, &SOURCE_GROUP, &BUILD_GROUP],
    children: &[],
};

const MICROPYTHON_DOC: &str = "Settings for MicroPython targets alone.";

static CPYTHON: Section =
    Section { doc: CPYTHON_DOC, groups: &[&PYTHON_GROUP, &BUILD_GROUP], children: &[] };

static MODULE_CPYTHON: Section = Section {
    doc: CPYTHON_DOC,
    groups: &[&PYTHON_MODULE_GROUP, &PYTHON_GROUP, &SOURCE_GROUP, &BUILD_GROUP],
    children: &[],
};

const CPYTHON_DOC: &str = "Settings for CPython targets alone: extension modules for the platform that anymod runs on, in wheels.";

static PYODIDE: Section =
    Section { doc: PYODIDE_DOC, groups: &[&PYTHON_GROUP, &BUILD_GROUP], children: &[] };

static MODULE_PYODIDE: Section = Section {
    doc: PYODIDE_DOC,
    groups: &[&PYTHON_MODULE_GROUP, &PYTHON_GROUP, &SOURCE_GROUP, &BUILD_GROUP],
    children: &[],
};

const PYODIDE_DOC: &str =
    "Settings for Pyodide targets alone: extension modules as WebAssembly, in wheels.";

static TOOLCHAIN: Section = Section {
    doc: "Which compiler builds the targets that the pattern matches. Without a section anymod takes the first that \
          `anymod doctor` lists. Sections apply in file order, a later key replaces an earlier one.",
    groups: &[&TOOLCHAIN_GROUP],
    children: &[],
};

static ARTIFACT: Section = Section {
    doc: "A set of files that a build other than anymod's makes of this project, to be kept in the store and put in place \
          by `anymod cache capture` and `anymod cache populate`. A manifest may have artifacts alone.",
    groups: &[&ARTIFACT_GROUP],
    children: &[],
};

static PROJECT_GROUP: Group = Group {
    title: "The project",
    keys: &[
        key(
            "name",
            Kind::Name,
            "the directory's name",
            "\"demo\"",
            "Name of the project in reports and packages.",
        ),
        key(
            "version",
            Kind::Name,
            "",
            "\"0.1.0\"",
            "Version of the project in reports and packages. A wheel has to have one.",
        ),
        key(
            "summary",
            Kind::Text,
            "",
            "\"Checksums for small machines\"",
            "What the project is, in one line, for the metadata of wheels.",
        ),
        key(
            "license",
            Kind::Text,
            "",
            "\"MIT\"",
            "Licence of the project as an SPDX expression, for the metadata of wheels.",
        ),
        key(
            "requires-python",
            Kind::Text,
            "",
            "\">=3.11\"",
            "Versions of Python that installers may install the wheels for.",
        ),
        key(
            "targets",
            Kind::Targets,
            "",
            "[\"micropython-x64\", \"micropython-arm*\"]",
            "Targets that `anymod build` builds when none are named. `anymod targets` lists them all.",
        ),
        key(
            "build-type",
            Kind::BuildType,
            "\"release\"",
            "\"size\"",
            "Build type that `anymod build` uses when none is named.",
        ),
        key(
            "module-dirs",
            Kind::Paths,
            "",
            "[\"../modules/magic\"]",
            "Directories with manifests of their own, whose modules and libraries are added to this one's, as `--module` \
             does.",
        ),
        key(
            "allow-outside",
            Kind::Bool,
            "false",
            "true",
            "Let modules built as archives name paths that lead out of the manifest's directory, and `module-dirs` \
             directories outside. The flag `--allow-outside` does the same once.",
        ),
    ],
};

static BUILD_TYPE_GROUP: Group = Group {
    title: "Build types",
    keys: &[key(
        "inherits",
        Kind::BuildType,
        "",
        "\"release\"",
        "Build type whose settings come before this one's.",
    )],
};

static SOURCE_GROUP: Group = Group {
    title: "Sources",
    keys: &[
        key(
            "sources",
            Kind::Sources,
            "",
            "[\"src/**/*.c\", \"fast.S\", \"helpers.py\"]",
            "What the module is made of, relative to the manifest: C (`.c`), C++ (`.cc`, `.cpp`, `.cxx`), assembler \
         (`.s`; `.S` and `.sx` are preprocessed), Python (`.py`), objects (`.o`, `.obj`) and archives (`.a`, of which \
         only the members that are needed are linked). In a wheel, Python files stand beside the extension, with their \
         path below the directory that the pattern names. `*` and `?` match within a name, `**` across directories, \
         `[…]` one of several characters.",
        ),
        key(
            "exclude",
            Kind::Patterns,
            "",
            "[\"src/test_*.c\"]",
            "Files that `sources` matches and that are left out.",
        ),
    ],
};

static MODULE_GROUP: Group = Group {
    title: "Modules",
    keys: &[key(
        "targets",
        Kind::Targets,
        "the project's",
        "[\"micropython-arm*\"]",
        "Targets of this module, in place of the project's.",
    )],
};

static BUILD_GROUP: Group = Group {
    title: "Compiling and linking",
    keys: &[
        key(
            "include-dirs",
            Kind::Paths,
            "",
            "[\"include\"]",
            "Directories searched for headers, relative to the manifest.",
        ),
        key(
            "defines",
            Kind::Defines,
            "",
            "{ USE_TABLE = true, WIDTH = 32, GREETING = '\"hi\"', NDEBUG = false }",
            "Preprocessor macros. `true` defines the macro as 1, a number or string as just that text, and `false` takes \
         back a definition from an earlier layer.",
        ),
        key(
            "flags",
            Kind::Flags,
            "",
            "[\"-O2\", \"-Wall\"]",
            "Arguments of every compiler call: C, C++ and assembler.",
        ),
        key("cflags", Kind::Flags, "", "[\"-std=c11\"]", "Further arguments when compiling C."),
        key(
            "cxxflags",
            Kind::Flags,
            "",
            "[\"-std=c++20\"]",
            "Further arguments when compiling C++.",
        ),
        key(
            "asflags",
            Kind::Flags,
            "",
            "[\"-Wa,--fatal-warnings\"]",
            "Further arguments when assembling.",
        ),
        key(
            "libraries",
            Kind::Libraries,
            "",
            "[\"libgcc\", \"libm\"]",
            "Libraries that come with the compiler, searched after all sources. `libgcc` also stands for the equivalent \
         of compilers that name it otherwise. Archives of your own are `sources`.",
        ),
    ],
};

static MICROPYTHON_MODULE_GROUP: Group = Group {
    title: "One MicroPython module",
    keys: &[
        key(
            "source-name",
            Kind::Name,
            "the module's name with `.mpy`",
            "\"crc32.c\"",
            "Name stored in the `.mpy` file, shown in tracebacks.",
        ),
        key(
            "qstr-sources",
            Kind::Patterns,
            "",
            "[\"src/*.h\"]",
            "Further files searched for `MP_QSTR_…` names; the C, C++ and assembler sources always are.",
        ),
    ],
};

static MICROPYTHON_GROUP: Group = Group {
    title: "MicroPython",
    keys: &[
        key(
            "abi",
            Kind::Release,
            "\"latest\"",
            "\"1.23\"",
            "Oldest MicroPython release that has to load the module; it fixes the `.mpy` version.",
        ),
        key(
            "micropython-dir",
            Kind::Path,
            "",
            "\"${env:MPY_DIR}\"",
            "A MicroPython source tree, for modules that include `py/dynruntime.h`.",
        ),
        key(
            "float",
            Kind::Choice(FloatModel::CHOICES),
            "as usual on the architecture",
            "\"none\"",
            "How the runtime represents `float`; selects `MICROPY_FLOAT_IMPL`.",
        ),
        key(
            "static-data",
            Kind::Choice(StaticData::CHOICES),
            "`\"in-text\"` where the target's loaders leave code writable, else `\"refuse\"`",
            "\"refuse\"",
            "What to do with variables that are not constant.",
        ),
        key(
            "gc-sections",
            Kind::Bool,
            "true",
            "false",
            "Leave out code and data that nothing reachable from the entry refers to.",
        ),
        key(
            "externs",
            Kind::Path,
            "",
            "\"rom.ld\"",
            "File of symbols with fixed addresses (`name = 0x40000000;` a line), for code in a chip's ROM.",
        ),
        key(
            "arch-flags",
            Kind::Choices(ArchFlag::CHOICES),
            "",
            "[\"zba\"]",
            "Instruction set extensions that the module needs; only loaders that have them accept the file.",
        ),
        key(
            "mpy-cross-flags",
            Kind::Flags,
            "",
            "[\"-O3\"]",
            "Arguments of mpy-cross when compiling Python.",
        ),
    ],
};

static PYTHON_MODULE_GROUP: Group = Group {
    title: "One module for CPython or Pyodide",
    keys: &[
        key(
            "import-name",
            Kind::ImportName,
            "the module's name",
            "\"demo._speed\"",
            "What a program imports: the name of the extension module, after those of the packages that it is in.",
        ),
        key(
            "distribution",
            Kind::Distribution,
            "the project's name if this is its only module, else the module's",
            "\"demo-speed\"",
            "Name that the module's wheel is installed by.",
        ),
        key(
            "package-data",
            Kind::Patterns,
            "",
            "[\"tables/*.bin\"]",
            "Further files for the wheel, placed as Python sources are.",
        ),
    ],
};

static PYTHON_GROUP: Group = Group {
    title: "CPython and Pyodide",
    keys: &[
        key(
            "limited-api",
            Kind::PythonVersion,
            "",
            "\"3.11\"",
            "Oldest Python that has to load the module: it sees only the limited API of that release (`Py_LIMITED_API`) \
             and runs on all later ones, and the wheel says so (`abi3`).",
        ),
        key(
            "ldflags",
            Kind::Flags,
            "",
            "[\"-Lvendor/lib\"]",
            "Further arguments when linking: of the compiler for CPython, which also gets `flags`, of `wasm-ld` for Pyodide.",
        ),
    ],
};

static TOOLCHAIN_GROUP: Group = Group {
    title: "Toolchains",
    keys: &[
        key("kind", Kind::Choice(ToolchainKind::CHOICES), "", "\"gnu\"", "Family of the compiler."),
        key(
            "prefix",
            Kind::Text,
            "as usual on the architecture",
            "\"arm-none-eabi-\"",
            "What the names of a GNU toolchain's programs begin with.",
        ),
        key(
            "dir",
            Kind::Path,
            "the `PATH`",
            "\"${env:HOME}/toolchains/arm/bin\"",
            "Directory that holds the compiler's programs; for `cpython-*` the one that holds the interpreter, whose headers \
             are used.",
        ),
    ],
};

static ARTIFACT_GROUP: Group = Group {
    title: "Artifacts",
    keys: &[
        key(
            "inputs",
            Kind::Patterns,
            "",
            "[\"crates\", \".cargo/config.toml\", \"Cargo.*\", \"package.json\"]",
            "What the outputs are made of: files, and directories with everything in them, hidden files and those that git \
             ignores included, as they are on disk. Everything named `.git` is left out, and so are the outputs. A symbolic \
             link inside a directory counts by its text, and by the content of the file that it leads to; of a directory that \
             it leads to, declare the content as well.",
        ),
        key(
            "exclude",
            Kind::Patterns,
            "",
            "[\"**/target\", \"**/*.md\"]",
            "Files and directories that `inputs` names and that are left out. A change in one of them is not noticed.",
        ),
        key(
            "outputs",
            Kind::Patterns,
            "",
            "[\"native/*.node\", \"native/index.d.ts\"]",
            "The files of the artifact, below the manifest's directory. Each pattern has to match at least one file. What \
             matches and does not belong to the set that is put in place is removed.",
        ),
        key(
            "may-be-empty",
            Kind::Patterns,
            "",
            "[\"native/.stamp\"]",
            "Outputs that may be empty; any other is refused if it is.",
        ),
        key(
            "tools",
            Kind::Programs,
            "",
            "[\"cargo\", \"rustc\"]",
            "Programs that make the outputs, looked up on the `PATH`. Each counts by its content and by what it says with \
             `--version` in the project's directory.",
        ),
        key(
            "environment",
            Kind::Variables,
            "",
            "[\"RUSTFLAGS\", \"CARGO_PROFILE_*\"]",
            "Environment variables that reach the outputs; `*` stands for anything. Not set is a value, too.",
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    fn check(section: &Section, names: &mut Vec<String>) {
        let mut seen = std::collections::BTreeSet::new();
        for key in section.keys() {
            assert!(seen.insert(key.name), "`{}` is in a section twice", key.name);
            assert!(key.doc.ends_with('.') && !key.example.is_empty(), "{}", key.name);
            names.push(key.name.to_owned());
        }
        for child in section.children {
            assert!(seen.insert(child.name), "`{}` is a key and a section", child.name);
            check(child.section, names);
        }
    }

    #[test]
    fn sections_are_unambiguous_and_documented() {
        let mut names = Vec::new();
        check(&ROOT, &mut names);
        assert!(names.len() > 50);
    }
}
