//! The files and directories that an artifact's patterns name, as they are on disk.
//!
//! A pattern that matches a directory stands for everything in it. Nothing is left out for being hidden or ignored by
//! git; only what is named `.git` is, because it differs between worktrees, and anymod's own bookkeeping. Symbolic links
//! are followed where a pattern names them, and nowhere else. What cannot be looked at is an error: an input that is not seen would be missing in a key.

use std::collections::{BTreeMap, HashMap};
use std::fs::FileType;
use std::path::Path;
use std::rc::Rc;

use anymod_model::codes::artifact as codes;
use anymod_model::{Diagnostic, Place};

use crate::glob::{self, name_matches};
use crate::install;
use crate::plan::BUILD_DIR;

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Link,
}

/// Files and links by path, relative to the root or absolute, with `/`.
pub(super) type Entries = BTreeMap<String, Kind>;

/// Matches patterns below a directory, looking at each directory once.
pub(super) struct Tree<'a> {
    root: &'a Path,
    exclude: &'a [String],
    listings: HashMap<String, Rc<[(String, FileType)]>>,
}

/// What a set of bookkeeping files begins with, relative to the project.
pub(super) const OWN: &str = ".anymod-";

impl<'a> Tree<'a> {
    pub(super) fn new(root: &'a Path, exclude: &'a [String]) -> Tree<'a> {
        Tree { root, exclude, listings: HashMap::new() }
    }

    /// Adds what a pattern names; false if that is nothing.
    ///
    /// # Errors
    /// `S0102` for what cannot be looked at.
    pub(super) fn add(&mut self, pattern: &str, to: &mut Entries) -> Result<bool, Diagnostic> {
        let names: Vec<&str> =
            pattern.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
        let start = if pattern.starts_with('/') { "/" } else { "" };
        let before = to.len();
        let known = names.is_empty() && self.take_all(start, to)?;
        Ok(self.descend(start, &names, to)? || known || to.len() > before)
    }

    /// True if something was found, new or not.
    fn descend(
        &mut self,
        directory: &str,
        names: &[&str],
        to: &mut Entries,
    ) -> Result<bool, Diagnostic> {
        let Some((name, rest)) = names.split_first() else { return Ok(false) };
        if *name == ".." {
            return self.descend(&join(directory, name), rest, to);
        }
        if *name == "**" && rest.is_empty() {
            return self.take_all(directory, to);
        }
        let mut found = *name == "**" && self.descend(directory, rest, to)?;
        for (entry, kind) in self.list(directory)?.iter() {
            let path = join(directory, entry);
            if *name == "**" {
                if kind.is_dir() && !self.leaves_out(&path) {
                    found |= self.descend(&path, names, to)?;
                }
            } else if name_matches(name, entry) && !self.leaves_out(&path) {
                found |= self.matched(path, *kind, rest, to)?;
            }
        }
        Ok(found)
    }

    /// Goes on behind a name that the pattern matches. A link that the pattern itself names is followed.
    fn matched(
        &mut self,
        path: String,
        kind: FileType,
        rest: &[&str],
        to: &mut Entries,
    ) -> Result<bool, Diagnostic> {
        let followed = kind.is_symlink() && self.root.join(&path).is_dir();
        if followed {
            // It decides what is found behind it.
            to.insert(path.clone(), Kind::Link);
        }
        match rest.is_empty() {
            true if followed => self.take_all(&path, to),
            true => self.take(path, kind, to),
            false if followed || kind.is_dir() => self.descend(&path, rest, to),
            false => Ok(false),
        }
    }

    fn take(&mut self, path: String, kind: FileType, to: &mut Entries) -> Result<bool, Diagnostic> {
        if kind.is_dir() {
            return self.take_all(&path, to);
        }
        if kind.is_file() || kind.is_symlink() {
            let kind = if kind.is_file() { Kind::File } else { Kind::Link };
            to.insert(path, kind);
            return Ok(true);
        }
        // Sockets and pipes have no content.
        Ok(false)
    }

    fn take_all(&mut self, directory: &str, to: &mut Entries) -> Result<bool, Diagnostic> {
        let mut found = false;
        for (entry, kind) in self.list(directory)?.iter() {
            let path = join(directory, entry);
            if !self.leaves_out(&path) {
                found |= self.take(path, *kind, to)?;
            }
        }
        Ok(found)
    }

    fn leaves_out(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let own = path.strip_prefix(BUILD_DIR).and_then(|rest| rest.strip_prefix('/'));
        name == ".git"
            || own.is_some_and(|own| own.starts_with(OWN))
            || install::is_leftover(name)
            || self.exclude.iter().any(|pattern| glob::path_matches(pattern, path))
    }

    /// The entries of a directory, sorted; none if there is no directory.
    fn list(&mut self, directory: &str) -> Result<Rc<[(String, FileType)]>, Diagnostic> {
        if let Some(known) = self.listings.get(directory) {
            return Ok(Rc::clone(known));
        }
        let listed = list(&self.root.join(directory))?;
        self.listings.insert(directory.to_owned(), Rc::clone(&listed));
        Ok(listed)
    }
}

fn list(path: &Path) -> Result<Rc<[(String, FileType)]>, Diagnostic> {
    let failed = |error: &std::io::Error| {
        let message = format!("cannot look into the directory: {}", install::reason(error));
        Diagnostic::error(&codes::INPUT, message)
            .at(Place::file(path.display().to_string()))
            .hint("give yourself permission to read it, or add it to `exclude`")
    };
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => {
            use std::io::ErrorKind::{NotADirectory, NotFound};
            return match error.kind() {
                NotFound | NotADirectory => Ok(Rc::default()),
                _ => Err(failed(&error)),
            };
        }
    };
    let mut listed = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| failed(&error))?;
        let kind = entry.file_type().map_err(|error| failed(&error))?;
        let name = entry.file_name().into_string().map_err(|name| not_text(&path.join(name)))?;
        listed.push((name, kind));
    }
    listed.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(listed.into())
}

fn not_text(path: &Path) -> Diagnostic {
    Diagnostic::error(&codes::INPUT, "the name of a file is not text")
        .at(Place::file(path.display().to_string()))
        .hint("rename it; names are part of keys, which are UTF-8")
}

fn join(directory: &str, name: &str) -> String {
    match directory {
        "" => name.to_owned(),
        "/" => format!("/{name}"),
        _ => format!("{directory}/{name}"),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for path in [
            "a.c",
            ".hidden",
            "src/b.c",
            "src/.cargo/config.toml",
            "src/deep/er/c.h",
            "src/target/x.o",
            ".git/HEAD",
            "src/.git",
            "build/.anymod-artifacts/log",
            "build/out.o",
            "other/[x].c",
        ] {
            let path = directory.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        std::os::unix::fs::symlink("src/deep", directory.path().join("link")).unwrap();
        std::os::unix::fs::symlink("nowhere", directory.path().join("src/dangling")).unwrap();
        directory
    }

    fn found(root: &Path, pattern: &str, exclude: &[&str]) -> Option<Vec<String>> {
        let exclude: Vec<String> = exclude.iter().map(|text| (*text).to_owned()).collect();
        let mut entries = Entries::new();
        let any = Tree::new(root, &exclude).add(pattern, &mut entries).unwrap();
        any.then(|| entries.into_keys().collect())
    }

    #[test]
    fn patterns_name_files_links_and_whole_directories() {
        let directory = tree();
        let root = directory.path();
        for (pattern, exclude, expected) in [
            ("a.c", &[][..], "a.c"),
            ("./a.c", &[], "a.c"),
            ("*.c", &[], "a.c"),
            ("**/*.c", &[], "a.c other/[x].c src/b.c"),
            ("other/[[]x].c", &[], "other/[x].c"),
            ("src", &["**/target"], "src/.cargo/config.toml src/b.c src/dangling src/deep/er/c.h"),
            ("src/", &["src/.cargo", "src/dangling", "**/*.h"], "src/b.c src/target/x.o"),
            ("src/**/er", &[], "src/deep/er/c.h"),
            ("link", &[], "link link/er/c.h"),
            ("lin?", &[], "link link/er/c.h"),
            ("link/er", &[], "link link/er/c.h"),
            ("build/**", &[], "build/out.o"),
            (".", &["src", "build", "other"], ".hidden a.c link"),
            ("src/../a.c", &[], "src/../a.c"),
        ] {
            let found = found(root, pattern, exclude).unwrap_or_default().join(" ");
            assert_eq!(found, expected, "{pattern} without {exclude:?}");
        }
        for nothing in ["none", "none/*.c", "a.c/b", "src/*.zig", ".git/HEAD"] {
            assert_eq!(found(root, nothing, &[]), None, "{nothing}");
        }
    }

    #[test]
    fn what_is_found_twice_is_found() {
        let directory = tree();
        let mut entries = Entries::new();
        let mut tree = Tree::new(directory.path(), &[]);
        assert!(tree.add("*.c", &mut entries).unwrap());
        assert!(tree.add("a.c", &mut entries).unwrap());
        assert_eq!(entries.len(), 1);
    }

    #[test]
    fn a_name_that_is_not_text_is_an_error() {
        use std::os::unix::ffi::OsStrExt as _;
        let directory = tree();
        let name = std::ffi::OsStr::from_bytes(b"src/\xff");
        std::fs::write(directory.path().join(name), "").unwrap();
        let error = Tree::new(directory.path(), &[]).add("src", &mut Entries::new()).unwrap_err();
        assert_eq!(error.code.id, "S0102");
    }
}
