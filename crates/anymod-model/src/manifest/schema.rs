//! What can be said about a manifest's sections and keys, as types; the table itself is in `keys`.
//!
//! The reader checks against the table, and the JSON schema and the reference page are generated from it, so a key
//! exists in all three or in none.

pub use super::keys::ROOT;

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
    /// What a Python program imports, with dots.
    ImportName,
    /// Name of a Python distribution.
    Distribution,
    /// A feature release of Python 3 such as `3.11`.
    PythonVersion,
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
    /// Names of programs.
    Programs,
    /// Names of environment variables, in which `*` matches anything.
    Variables,
    /// The path of an archive, in which `{target}` and `{build-type}` stand for what is built.
    Archive,
    /// Path patterns of archives, with the same placeholders.
    Archives,
    /// Names of sections `[library.NAME]`.
    LibrarySections,
    /// What an ABI is made of, by name.
    AbiFacts,
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
            | Kind::Archive
            | Kind::Archives
            | Kind::Defines => true,
            Kind::Bool
            | Kind::Name
            | Kind::Release
            | Kind::BuildType
            | Kind::ImportName
            | Kind::Distribution
            | Kind::PythonVersion
            | Kind::Choice(_)
            | Kind::Libraries
            | Kind::Choices(_)
            | Kind::Programs
            | Kind::Variables
            | Kind::LibrarySections
            | Kind::AbiFacts
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
                | Kind::Programs
                | Kind::Variables
                | Kind::Archives
                | Kind::LibrarySections
                | Kind::Targets
        )
    }

    /// True if the value is a table.
    #[must_use]
    pub fn is_table(self) -> bool {
        matches!(self, Kind::Defines | Kind::AbiFacts)
    }

    /// What the value is, for messages and the reference page.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Kind::Bool => "`true` or `false`",
            Kind::Name => "a name",
            Kind::Release => "a MicroPython release or `latest`",
            Kind::BuildType => "the name of a build type",
            Kind::ImportName => "a name with dots",
            Kind::Distribution => "the name of a distribution",
            Kind::PythonVersion => "a release of Python",
            Kind::Choice(_) => "a word",
            Kind::Text => "a string",
            Kind::Path => "a path",
            Kind::Sources | Kind::Patterns => "a list of path patterns",
            Kind::Paths => "a list of paths",
            Kind::Flags => "a list of arguments",
            Kind::Libraries => "a list of library names",
            Kind::Choices(_) => "a list of words",
            Kind::Targets => "a list of target patterns",
            Kind::Programs => "a list of names of programs",
            Kind::Variables => "a list of names of variables",
            Kind::Defines => "a table of macros",
            Kind::Archive => "the path of an archive",
            Kind::Archives => "a list of path patterns of archives",
            Kind::LibrarySections => "a list of names of sections `[library.NAME]`",
            Kind::AbiFacts => "a table of words, numbers, `true` and `false`",
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
    /// An artifact.
    Artifact,
    /// A library of the host program or of the system.
    Library,
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
            NameKind::Artifact => "ARTIFACT",
            NameKind::Library => "LIBRARY",
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

/// Keys that go together, in one section or in several.
#[derive(Debug)]
pub struct Group {
    /// Heading on the reference page.
    pub title: &'static str,
    /// The keys.
    pub keys: &'static [Key],
}

/// A section: groups of keys and sections inside.
#[derive(Debug)]
pub struct Section {
    /// What it is for, in plain sentences.
    pub doc: &'static str,
    /// Its keys.
    pub groups: &'static [&'static Group],
    /// Sections inside.
    pub children: &'static [Child],
}

impl Section {
    /// All keys of the section.
    pub fn keys(&self) -> impl Iterator<Item = &'static Key> + use<> {
        self.groups.iter().flat_map(|group| group.keys)
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
