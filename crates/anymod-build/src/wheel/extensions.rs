//! Extension modules that a package means to have, and those that it lost on the way.
//!
//! Some packages treat a failed compiler as a missing feature and build a wheel without their extension modules. What was
//! meant is known from two sides: setuptools still knows its list after the build, and the trace of the stand-in knows which
//! files of the source were compiled and linked without success. A file that a build only tries something with, in a
//! temporary directory, is no part of the source and does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anymod_model::Diagnostic;
use anymod_model::codes::wheel as codes;

/// The files of a source that a compiler or a generator of C could be given, before the build began.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeSet<PathBuf>,
    /// Names without extension of sources from which C is generated.
    generators: BTreeSet<String>,
}

/// What compilers take.
const COMPILED: [&str; 9] = ["c", "cc", "cpp", "cxx", "c++", "C", "m", "S", "s"];
/// What Cython takes.
const GENERATING: [&str; 2] = ["pyx", "py"];

impl Tree {
    /// Looks at a source.
    pub(crate) fn of(root: &Path) -> Tree {
        let mut tree = Tree::default();
        tree.add(root);
        tree
    }

    fn add(&mut self, directory: &Path) {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let (path, Ok(kind)) = (entry.path(), entry.file_type()) else { continue };
            let extension = path.extension().unwrap_or_default();
            if kind.is_dir() {
                self.add(&path);
            } else if COMPILED.iter().any(|known| extension == *known) {
                self.files.insert(path);
            } else if GENERATING.iter().any(|known| extension == *known)
                && let Some(stem) = path.file_stem()
            {
                self.generators.insert(stem.to_string_lossy().into_owned());
            }
        }
    }

    /// True for a file of the source, or one that was generated from a file of it.
    fn holds(&self, path: &Path, root: &Path) -> bool {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let generated = || path.starts_with(root) && self.generators.contains(stem.as_ref());
        self.files.contains(path) || generated()
    }
}

/// One command that the stand-in ran, as far as it matters here. Paths are absolute.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) sources: Vec<PathBuf>,
    pub(crate) output: Option<PathBuf>,
    pub(crate) succeeded: bool,
    /// The command line, for people.
    pub(crate) command: String,
}

/// The commands that failed on files of the source and never succeeded later for the same output.
pub(crate) fn lost<'a>(attempts: &'a [Attempt], tree: &Tree, root: &Path) -> Vec<&'a Attempt> {
    let mut objects = BTreeSet::new();
    let mut failed: BTreeMap<PathBuf, &Attempt> = BTreeMap::new();
    for attempt in attempts {
        let counts = attempt
            .sources
            .iter()
            .any(|source| tree.holds(source, root) || objects.contains(source));
        if !counts {
            continue;
        }
        let name =
            attempt.output.clone().or_else(|| attempt.sources.first().cloned()).unwrap_or_default();
        if attempt.succeeded {
            failed.remove(&name);
            objects.extend(attempt.output.clone());
        } else {
            failed.entry(name).or_insert(attempt);
        }
    }
    failed.into_values().collect()
}

/// The error of a wheel that lost extension modules.
pub(crate) fn error(lost: &[&Attempt], root: &Path) -> Diagnostic {
    let what = |attempt: &Attempt| {
        let path = attempt.sources.first().map(PathBuf::as_path).unwrap_or(Path::new("?"));
        path.strip_prefix(root).unwrap_or(path).display().to_string()
    };
    let message = match lost {
        [one] => format!(
            "a command on `{}` failed, and the backend went on without what it makes",
            what(one)
        ),
        several => format!(
            "{} commands failed, and the backend went on without what they make",
            several.len()
        ),
    };
    let mut finding = Diagnostic::error(&codes::LOST, message);
    for attempt in lost.iter().take(4) {
        finding = finding.note(format!("failed: {}", attempt.command));
    }
    finding.hint("mend what the compiler complains about; `--allow-lost` takes the wheel as it is")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(source: &str, output: &str, succeeded: bool) -> Attempt {
        Attempt {
            sources: vec![PathBuf::from(source)],
            output: Some(PathBuf::from(output)),
            succeeded,
            command: format!("cc {source}"),
        }
    }

    fn lost_of(attempts: &[Attempt]) -> Vec<String> {
        let tree = Tree {
            files: BTreeSet::from(["/s/a.c".into(), "/s/b.c".into()]),
            generators: BTreeSet::from(["fast".to_owned()]),
        };
        lost(attempts, &tree, Path::new("/s"))
            .iter()
            .map(|attempt| attempt.command.clone())
            .collect()
    }

    #[test]
    fn failures_on_the_source_count_and_probes_do_not() {
        assert_eq!(lost_of(&[attempt("/s/a.c", "/s/build/a.o", false)]), ["cc /s/a.c"]);
        assert_eq!(lost_of(&[attempt("/s/fast.c", "/s/build/fast.o", false)]), ["cc /s/fast.c"]);
        let probes = [
            attempt("/tmp/x/probe.c", "/tmp/x/probe.o", false),
            attempt("/s/conftest.c", "/s/conftest.o", false),
        ];
        assert!(lost_of(&probes).is_empty());
    }

    #[test]
    fn a_second_try_that_succeeds_makes_good() {
        let tries = [attempt("/s/a.c", "/s/a.o", false), attempt("/s/a.c", "/s/a.o", true)];
        assert!(lost_of(&tries).is_empty());
        let tries = [attempt("/s/a.c", "/s/a.o", true), attempt("/s/b.c", "/s/b.o", false)];
        assert_eq!(lost_of(&tries), ["cc /s/b.c"]);
    }

    #[test]
    fn a_link_of_objects_of_the_source_counts() {
        let tries = [
            attempt("/s/a.c", "/s/a.o", true),
            attempt("/s/a.o", "/s/a.so", false),
            attempt("/tmp/p.o", "/tmp/p", false),
        ];
        assert_eq!(lost_of(&tries), ["cc /s/a.o"]);
    }
}
