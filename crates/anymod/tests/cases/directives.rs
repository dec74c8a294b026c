//! Reading the directives at the head of a case.

use std::path::{Path, PathBuf};

use crate::support::compiler::{Compiler, MACHINES};
use crate::support::{Checked, read};

/// A case as it is written.
pub(crate) struct Case {
    pub(crate) name: String,
    directory: PathBuf,
    directives: Vec<Directive>,
}

struct Directive {
    name: String,
    filter: Vec<String>,
    value: String,
}

/// What is to happen to an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It links and passes the tests.
    Runs,
    /// It links.
    Links,
    /// It links, and the tests fail.
    Wrong,
    /// It links to the same bytes.
    Same,
    /// It links with these warnings.
    Warns(Vec<String>),
    /// It is refused with these codes.
    Refuses(Vec<String>),
    /// It is an error whose output has this in it.
    Error(String),
}

/// A call and what it returns.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) expression: String,
    pub(crate) words: Vec<String>,
    pub(crate) result: String,
}

/// A case for one architecture and compiler.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    pub(crate) directory: PathBuf,
    pub(crate) wanted: bool,
    /// True if no other variant of the case is refused or warned of.
    pub(crate) only_text: bool,
    pub(crate) cflags: Vec<String>,
    pub(crate) cxxflags: Vec<String>,
    /// Name and sources of each archive.
    pub(crate) archives: Vec<(String, Vec<String>)>,
    pub(crate) make: Vec<String>,
    pub(crate) objects: Option<Vec<String>>,
    pub(crate) libraries: Vec<String>,
    pub(crate) link: Vec<String>,
    pub(crate) calls: Vec<Call>,
    pub(crate) ours: Outcome,
    pub(crate) incumbent: Option<Outcome>,
    pub(crate) compat: Option<Outcome>,
}

const NAMES: &[&str] = &[
    "arch",
    "compiler",
    "cflags",
    "cxxflags",
    "archive",
    "make",
    "objects",
    "libraries",
    "link",
    "test",
    "ours",
    "incumbent",
    "compat",
];

impl Case {
    /// Reads the head of `module.c`.
    pub(crate) fn read(directory: &Path) -> Checked<Case> {
        let file = directory.join("module.c");
        let text = String::from_utf8_lossy(&read(&file)?).into_owned();
        let mut directives = Vec::new();
        for line in text.lines().filter_map(|line| line.strip_prefix("//#")) {
            let wrong = || format!("{}: not a directive: `//#{line}`", file.display());
            let (head, value) = line.split_once(':').ok_or_else(wrong)?;
            let (name, filter) = match head.split_once('(') {
                Some((name, filter)) => (name, filter.strip_suffix(')').ok_or_else(wrong)?),
                None => (head, ""),
            };
            let filter: Vec<String> = filter.split_whitespace().map(str::to_owned).collect();
            let name = name.trim().to_owned();
            if !NAMES.contains(&name.as_str()) || !filter.iter().all(|word| is_filter(word)) {
                return Err(wrong());
            }
            directives.push(Directive { name, filter, value: value.trim().to_owned() });
        }
        let name = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Case { name, directory: directory.to_owned(), directives })
    }

    /// What holds for an architecture and a compiler.
    pub(crate) fn variant(&self, arch: &str, compiler: Compiler) -> Checked<Variant> {
        let all = |name: &str| -> Vec<&str> {
            let applies = |directive: &&Directive| {
                let filter = &directive.filter;
                let arches: Vec<_> =
                    filter.iter().filter(|word| Compiler::from_name(word).is_none()).collect();
                let compilers: Vec<_> =
                    filter.iter().filter(|word| Compiler::from_name(word).is_some()).collect();
                directive.name == name
                    && (arches.is_empty()
                        || arches.iter().any(|word| *word == arch || is_group(word, arch)))
                    && (compilers.is_empty()
                        || compilers.iter().any(|word| *word == compiler.name()))
            };
            self.directives
                .iter()
                .filter(applies)
                .map(|directive| directive.value.as_str())
                .collect()
        };
        let words = |name: &str| -> Vec<String> {
            all(name).iter().flat_map(|value| value.split_whitespace()).map(str::to_owned).collect()
        };
        let lists = |name: &str, word: &str| {
            all(name).last().is_none_or(|value| {
                value.split_whitespace().any(|other| other == word || is_group(other, word))
            })
        };
        let outcome = |name: &str| all(name).last().map(|value| self.outcome(value)).transpose();
        let archives: Checked<Vec<_>> =
            all("archive").iter().map(|value| self.archive(value)).collect();
        let calls: Checked<Vec<_>> = all("test").iter().map(|value| self.call(value)).collect();
        // The release that we compare with has no linker for the one, and never links what clang makes for the other.
        let compared = arch != "rv64imc" && !(compiler == Compiler::Zig && is_group("arm", arch));
        Ok(Variant {
            directory: self.directory.clone(),
            only_text: true,
            wanted: lists("arch", arch) && lists("compiler", compiler.name()),
            cflags: words("cflags"),
            cxxflags: words("cxxflags"),
            archives: archives?,
            make: all("make").iter().map(|value| (*value).to_owned()).collect(),
            objects: all("objects")
                .last()
                .map(|value| value.split_whitespace().map(str::to_owned).collect()),
            libraries: words("libraries"),
            link: words("link"),
            calls: calls?,
            ours: outcome("ours")?.unwrap_or(Outcome::Runs),
            incumbent: outcome("incumbent")?.filter(|_| compared),
            compat: outcome("compat")?.filter(|_| compared),
        })
    }

    fn wrong(&self, value: &str) -> String {
        format!("{}: cannot read `{value}`", self.directory.display())
    }

    fn outcome(&self, value: &str) -> Checked<Outcome> {
        let (word, rest) = value.split_once(' ').unwrap_or((value, ""));
        Ok(match (word, rest.trim()) {
            ("runs", "") => Outcome::Runs,
            ("links", "") => Outcome::Links,
            ("wrong", "") => Outcome::Wrong,
            ("same", "") => Outcome::Same,
            ("refuses", codes) if !codes.is_empty() => {
                Outcome::Refuses(codes.split_whitespace().map(str::to_owned).collect())
            }
            ("warns", codes) if !codes.is_empty() => {
                Outcome::Warns(codes.split_whitespace().map(str::to_owned).collect())
            }
            ("error", text) if !text.is_empty() => Outcome::Error(text.to_owned()),
            _ => return Err(self.wrong(value)),
        })
    }

    fn archive(&self, value: &str) -> Checked<(String, Vec<String>)> {
        let (name, sources) = value.split_once('=').ok_or_else(|| self.wrong(value))?;
        Ok((name.trim().to_owned(), sources.split_whitespace().map(str::to_owned).collect()))
    }

    fn call(&self, value: &str) -> Checked<Call> {
        let parse = || {
            let (call, result) = value.split_once("==")?;
            let (function, arguments) = call.trim().strip_suffix(')')?.split_once('(')?;
            let arguments =
                arguments.split(',').map(str::trim).filter(|argument| !argument.is_empty());
            let words = std::iter::once(function).chain(arguments).map(str::to_owned).collect();
            Some(Call {
                expression: call.trim().to_owned(),
                words,
                result: result.trim().to_owned(),
            })
        };
        parse().ok_or_else(|| self.wrong(value))
    }
}

/// Names of several architectures.
const GROUPS: &[(&str, &[&str])] =
    &[("arm", &["armv6m", "armv7m", "armv7emsp", "armv7emdp"]), ("riscv", &["rv32imc", "rv64imc"])];

fn is_group(group: &str, arch: &str) -> bool {
    GROUPS.iter().any(|(name, arches)| *name == group && arches.contains(&arch))
}

fn is_filter(word: &str) -> bool {
    let group = GROUPS.iter().any(|(name, _)| *name == word);
    group
        || Compiler::from_name(word).is_some()
        || MACHINES.iter().any(|machine| machine.arch == word)
}
