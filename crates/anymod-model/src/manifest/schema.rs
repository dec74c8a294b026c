//! The one table of sections and keys of `anymod.toml`.
//!
//! The reader checks against it, and the JSON schema and the reference page are generated from it, so a key exists in
//! all three or in none. It holds facts only: what a key is called, what kind of value it has and what it means.

use super::values::{ArchFlag, FloatModel, StaticData, ToolchainKind};

/// What kind of value a key has: how it is written, checked, merged and documented.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A plain name: no path, no variables.
    Name,
    /// A MicroPython release such as `1.23`, or `latest`.
    Release,
    /// The name of a build type.
    BuildType,
    /// One word of a list; each with its meaning.
    Choice(&'static [(&'static str, &'static str)]),
    /// Any text.
    Text,
    /// A path.
    Path,
    /// Path patterns whose extension says what each file is.
    Sources,
    /// Path patterns of any files.
    Patterns,
    /// Paths, in order.
    Paths,
    /// Arguments of a tool, in order.
    Flags,
    /// Names of libraries that come with the compiler.
    Libraries,
    /// Words of a list; each with its meaning.
    Choices(&'static [(&'static str, &'static str)]),
    /// Target names, in which `*` matches anything.
    Targets,
    /// Preprocessor macros.
    Defines,
}

impl Kind {
    /// True if `${env:NAME}` is expanded in the value.
    #[must_use]
    pub fn expands(self) -> bool {
        match self {
            Kind::Text
            | Kind::Path
            | Kind::Sources
            | Kind::Patterns
            | Kind::Paths
            | Kind::Flags
            | Kind::Defines => true,
            Kind::Bool
            | Kind::Name
            | Kind::Release
            | Kind::BuildType
            | Kind::Choice(_)
            | Kind::Libraries
            | Kind::Choices(_)
            | Kind::Targets => false,
        }
    }

    /// True if the value is a list of strings.
    #[must_use]
    pub fn is_list(self) -> bool {
        matches!(
            self,
            Kind::Sources
                | Kind::Patterns
                | Kind::Paths
                | Kind::Flags
                | Kind::Libraries
                | Kind::Choices(_)
                | Kind::Targets
        )
    }

    /// What the value is, for messages and the reference page.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Kind::Bool => "`true` or `false`",
            Kind::Name => "a name",
            Kind::Release => "a MicroPython release or `latest`",
            Kind::BuildType => "the name of a build type",
            Kind::Choice(_) => "a word",
            Kind::Text => "a string",
            Kind::Path => "a path",
            Kind::Sources | Kind::Patterns => "a list of path patterns",
            Kind::Paths => "a list of paths",
            Kind::Flags => "a list of arguments",
            Kind::Libraries => "a list of library names",
            Kind::Choices(_) => "a list of words",
            Kind::Targets => "a list of target patterns",
            Kind::Defines => "a table of macros",
        }
    }
}

/// One key of a section.
#[derive(Debug)]
pub struct Key {
    /// Name as written.
    pub name: &'static str,
    /// Kind of its value.
    pub kind: Kind,
    /// What it means, in plain sentences.
    pub doc: &'static str,
    /// What holds if no layer sets it; empty for an empty list, table or nothing.
    pub default: &'static str,
    /// A value as written in TOML.
    pub example: &'static str,
}

/// What a name that the user chooses for a section stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// A module.
    Module,
    /// A build type.
    BuildType,
    /// A pattern over target names.
    TargetPattern,
}

impl NameKind {
    /// The placeholder in headings of the reference page.
    #[must_use]
    pub fn placeholder(self) -> &'static str {
        match self {
            NameKind::Module => "MODULE",
            NameKind::BuildType => "BUILD-TYPE",
            NameKind::TargetPattern => "\"TARGET-PATTERN\"",
        }
    }
}

/// A section inside another.
#[derive(Debug)]
pub struct Child {
    /// Name as written.
    pub name: &'static str,
    /// Set if there is one such section for every name of this kind.
    pub named: Option<NameKind>,
    /// What it holds.
    pub section: &'static Section,
}

/// A section: groups of keys and sections inside.
#[derive(Debug)]
pub struct Section {
    /// What it is for, in plain sentences.
    pub doc: &'static str,
    /// Its keys, in groups that several sections share.
    pub groups: &'static [&'static [Key]],
    /// Sections inside.
    pub children: &'static [Child],
}

impl Section {
    /// All keys of the section.
    pub fn keys(&self) -> impl Iterator<Item = &'static Key> + use<> {
        self.groups.iter().copied().flatten()
    }

    /// Looks a key up.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys().find(|key| key.name == name)
    }

    /// Looks an inner section up.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&'static Child> {
        self.children.iter().find(|child| child.name == name)
    }
}

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
    ],
};

static PROJECT: Section = Section {
    doc: "What holds for every module.",
    groups: &[PROJECT_KEYS, BUILD_KEYS],
    children: &[
        child("micropython", &MICROPYTHON),
        named("target", NameKind::TargetPattern, &SHARED_OVERLAY),
    ],
};

static BUILD_TYPE: Section = Section {
    doc: "A build type: a named set of settings, chosen with `--build-type`. `release`, `size` and `debug` are built in; \
          a section of that name adds to the built-in one.",
    groups: &[BUILD_TYPE_KEYS, BUILD_KEYS],
    children: &[
        child("micropython", &MICROPYTHON),
        named("target", NameKind::TargetPattern, &SHARED_OVERLAY),
    ],
};

static SHARED_OVERLAY: Section = Section {
    doc: "Settings for the targets that the pattern matches.",
    groups: &[BUILD_KEYS],
    children: &[child("micropython", &MICROPYTHON)],
};

static MODULE: Section = Section {
    doc: "A module. Its name is what a program imports.",
    groups: &[SOURCE_KEYS, MODULE_KEYS, BUILD_KEYS],
    children: &[
        child("micropython", &MODULE_MICROPYTHON),
        named("target", NameKind::TargetPattern, &TARGET_OVERLAY),
        named("build-type", NameKind::BuildType, &BUILD_TYPE_OVERLAY),
    ],
};

static TARGET_OVERLAY: Section = Section {
    doc: "Settings of the module for the targets that the pattern matches.",
    groups: &[SOURCE_KEYS, BUILD_KEYS],
    children: &[child("micropython", &MODULE_MICROPYTHON)],
};

static BUILD_TYPE_OVERLAY: Section = Section {
    doc: "Settings of the module for a build type and for those that inherit from it.",
    groups: &[SOURCE_KEYS, BUILD_KEYS],
    children: &[child("micropython", &MODULE_MICROPYTHON)],
};

static MICROPYTHON: Section = Section {
    doc: "Settings that only MicroPython targets have.",
    groups: &[MICROPYTHON_KEYS],
    children: &[],
};

static MODULE_MICROPYTHON: Section = Section {
    doc: "Settings that only MicroPython targets have.",
    groups: &[MICROPYTHON_MODULE_KEYS, MICROPYTHON_KEYS],
    children: &[],
};

static TOOLCHAIN: Section = Section {
    doc: "Which compiler builds the targets that the pattern matches. Without a section anymod takes the first that \
          `anymod doctor` lists. Sections apply in file order, a later key replaces an earlier one.",
    groups: &[TOOLCHAIN_KEYS],
    children: &[],
};

const PROJECT_KEYS: &[Key] = &[
    key(
        "name",
        Kind::Name,
        "the directory's name",
        "\"demo\"",
        "Name of the project in reports and packages.",
    ),
    key("version", Kind::Name, "", "\"0.1.0\"", "Version of the project in reports and packages."),
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
];

const BUILD_TYPE_KEYS: &[Key] = &[key(
    "inherits",
    Kind::BuildType,
    "",
    "\"release\"",
    "Build type whose settings come before this one's.",
)];

const SOURCE_KEYS: &[Key] = &[
    key(
        "sources",
        Kind::Sources,
        "",
        "[\"src/**/*.c\", \"fast.S\", \"helpers.py\"]",
        "What the module is made of, relative to the manifest: C (`.c`), C++ (`.cc`, `.cpp`, `.cxx`), assembler \
         (`.s`; `.S` and `.sx` are preprocessed), Python (`.py`), objects (`.o`, `.obj`) and archives (`.a`, of which \
         only the members that are needed are linked). `*` and `?` match within a name, `**` across directories, \
         `[…]` one of several characters.",
    ),
    key(
        "exclude",
        Kind::Patterns,
        "",
        "[\"src/test_*.c\"]",
        "Files that `sources` matches and that are left out.",
    ),
];

const MODULE_KEYS: &[Key] = &[key(
    "targets",
    Kind::Targets,
    "the project's",
    "[\"micropython-arm*\"]",
    "Targets of this module, in place of the project's.",
)];

const BUILD_KEYS: &[Key] = &[
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
    key("cxxflags", Kind::Flags, "", "[\"-std=c++20\"]", "Further arguments when compiling C++."),
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
];

const MICROPYTHON_MODULE_KEYS: &[Key] = &[
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
];

const MICROPYTHON_KEYS: &[Key] = &[
    key(
        "abi",
        Kind::Release,
        "\"latest\"",
        "\"1.23\"",
        "Oldest MicroPython release that has to load the module; it fixes the `.mpy` version.",
    ),
    key(
        "mpy-dir",
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
];

const TOOLCHAIN_KEYS: &[Key] = &[
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
        "Directory that holds the compiler's programs.",
    ),
];

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
