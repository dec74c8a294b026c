//! Path patterns of the manifest, matched against the disk.
//!
//! `*`, `?` and `[…]` match within one name, `**` any number of directories, none included. A name that begins with a
//! dot is matched only by a pattern that does, and the build's own directories are never entered by `**`. Matches are
//! sorted, so that no order of a disk reaches an output.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::log::checksum;
use crate::stat::Stat;

/// Matches patterns below one directory, looking at each directory once.
pub(crate) struct Globber {
    root: PathBuf,
    /// Directories, relative to the root, that `**` does not enter.
    skipped: &'static [&'static str],
    listings: BTreeMap<String, Listing>,
    matches: BTreeMap<String, Vec<String>>,
}

/// A directory as it was when it was looked into.
struct Listing {
    stat: Option<Stat>,
    /// Sorted by name.
    entries: Rc<[Entry]>,
}

struct Entry {
    name: String,
    is_dir: bool,
    is_link: bool,
}

impl Globber {
    pub(crate) fn new(root: &Path, skipped: &'static [&'static str]) -> Globber {
        Globber {
            root: root.to_owned(),
            skipped,
            listings: BTreeMap::new(),
            matches: BTreeMap::new(),
        }
    }

    /// The files that a pattern matches, sorted; relative to the root unless the pattern is absolute. Names that are not
    /// text are not matched.
    pub(crate) fn files(&mut self, pattern: &str) -> Vec<String> {
        if let Some(known) = self.matches.get(pattern) {
            return known.clone();
        }
        let mut found = BTreeSet::new();
        let absolute = pattern.starts_with('/');
        let names: Vec<&str> =
            pattern.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
        self.descend(if absolute { "/" } else { "" }, &names, &mut found);
        let found: Vec<String> = found.into_iter().collect();
        self.matches.insert(pattern.to_owned(), found.clone());
        found
    }

    fn descend(&mut self, directory: &str, names: &[&str], found: &mut BTreeSet<String>) {
        let Some((name, rest)) = names.split_first() else { return };
        if *name == "**" {
            self.descend(directory, rest, found);
            for entry in self.list(directory).iter() {
                let path = join(directory, &entry.name);
                let enter = entry.is_dir && !entry.is_link && !entry.name.starts_with('.');
                if enter && !self.skipped.contains(&path.as_str()) {
                    self.descend(&path, names, found);
                }
            }
        } else if is_pattern(name) {
            for entry in self.list(directory).iter() {
                let hidden = entry.name.starts_with('.') && !name.starts_with('.');
                if !hidden && entry.is_dir != rest.is_empty() && name_matches(name, &entry.name) {
                    let path = join(directory, &entry.name);
                    if rest.is_empty() {
                        found.insert(path);
                    } else {
                        self.descend(&path, rest, found);
                    }
                }
            }
        } else {
            let path = join(directory, name);
            if !rest.is_empty() {
                self.descend(&path, rest, found);
            } else if self.has_file(directory, name) {
                found.insert(path);
            }
        }
    }

    fn has_file(&mut self, directory: &str, name: &str) -> bool {
        let entries = self.list(directory);
        let at = entries.binary_search_by(|entry| entry.name.as_str().cmp(name));
        at.is_ok_and(|at| entries.get(at).is_some_and(|entry| !entry.is_dir))
    }

    /// Every directory looked into, with its stat from before.
    pub(crate) fn listed(&self) -> Vec<(String, Option<Stat>)> {
        self.listings.iter().map(|(path, listing)| (path.clone(), listing.stat)).collect()
    }

    fn list(&mut self, directory: &str) -> Rc<[Entry]> {
        if let Some(listing) = self.listings.get(directory) {
            return Rc::clone(&listing.entries);
        }
        let path = self.root.join(directory);
        let stat = std::fs::metadata(&path).ok().map(|metadata| Stat::of(&metadata));
        let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
        let mut entries: Vec<Entry> = entries.filter_map(|entry| known(&entry)).collect();
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        let entries: Rc<[Entry]> = entries.into();
        let listing = Listing { stat, entries: Rc::clone(&entries) };
        self.listings.insert(directory.to_owned(), listing);
        entries
    }
}

/// A number that stands for the entries of a directory that matter: their names and whether each is a directory.
pub(crate) fn names(directory: &Path) -> u64 {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    // The order of a directory means nothing.
    entries.fold(0, |sum: u64, entry| {
        let kind = known(&entry).map_or(0, |known| 1 + u64::from(known.is_dir));
        let name = checksum(entry.file_name().as_encoded_bytes());
        sum.wrapping_add(name.wrapping_mul(kind.wrapping_mul(2).wrapping_add(1)))
    })
}

/// What is to be known of an entry; none if it is neither file nor directory, or its name is no text.
fn known(entry: &std::fs::DirEntry) -> Option<Entry> {
    let kind = entry.file_type().ok()?;
    let is_link = kind.is_symlink();
    let is_dir = if is_link { entry.path().is_dir() } else { kind.is_dir() };
    // Reading a pipe would wait for ever. A link that leads nowhere is kept: reading it names it.
    let target = if is_link { entry.path().metadata().ok() } else { None };
    let is_file = target.map_or(kind.is_file() || is_link, |target| target.is_file());
    let name = entry.file_name().into_string().ok()?;
    (is_dir || is_file).then_some(Entry { name, is_dir, is_link })
}

fn join(directory: &str, name: &str) -> String {
    match directory {
        "" => name.to_owned(),
        "/" => format!("/{name}"),
        _ => format!("{directory}/{name}"),
    }
}

fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

/// True if a path, as text, matches a pattern.
pub(crate) fn path_matches(pattern: &str, path: &str) -> bool {
    fn names(text: &str) -> Vec<&str> {
        text.split('/').filter(|name| !matches!(*name, "" | ".")).collect()
    }
    pattern.starts_with('/') == path.starts_with('/') && names_match(&names(pattern), &names(path))
}

fn names_match(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if *first == "**" => {
            names_match(rest, path)
                || path.split_first().is_some_and(|(_, path)| names_match(pattern, path))
        }
        (Some((first, rest)), Some((name, path))) => {
            name_matches(first, name) && names_match(rest, path)
        }
        _ => false,
    }
}

/// True if one name matches one pattern without slashes.
pub(crate) fn name_matches(pattern: &str, name: &str) -> bool {
    if !is_pattern(pattern) {
        return pattern == name;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    letters_match(&pattern, &name)
}

fn letters_match(pattern: &[char], name: &[char]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some(('*', rest)), _) => (0..=name.len())
            .any(|skip| name.get(skip..).is_some_and(|name| letters_match(rest, name))),
        (Some(('?', rest)), Some((_, name))) => letters_match(rest, name),
        (Some(('[', rest)), Some((letter, name))) => match set_matches(rest, *letter) {
            Some((matches, rest)) => matches && letters_match(rest, name),
            // A bracket that nothing closes stands for itself.
            None => *letter == '[' && letters_match(rest, name),
        },
        (Some((first, rest)), Some((letter, name))) => first == letter && letters_match(rest, name),
        _ => false,
    }
}

/// Whether a letter is in a set `abc]`, `a-z]` or `!abc]`, and the pattern after the set.
fn set_matches(pattern: &[char], letter: char) -> Option<(bool, &[char])> {
    let (negated, set) = match pattern.split_first() {
        Some(('!', rest)) => (true, rest),
        _ => (false, pattern),
    };
    let end = set.iter().skip(1).position(|letter| *letter == ']')? + 1;
    let (members, rest) = (set.get(..end)?, set.get(end + 1..)?);
    let mut inside = false;
    let mut at = 0;
    while let Some(first) = members.get(at) {
        let last = match (members.get(at + 1), members.get(at + 2)) {
            (Some('-'), Some(last)) => {
                at += 2;
                last
            }
            _ => first,
        };
        inside |= (*first..=*last).contains(&letter);
        at += 1;
    }
    Some((inside != negated, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_names() {
        for (pattern, name, expected) in [
            ("*.c", "a.c", true),
            ("*.c", "a.cc", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]", "]", true),
            ("[abc", "[abc", true),
            ("ä*", "äö", true),
            ("*", "", true),
        ] {
            assert_eq!(name_matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn paths_match_as_text() {
        assert!(path_matches("src/**/test_*.c", "src/test_a.c"));
        assert!(path_matches("./src/**/test_*.c", "src/x/y/test_a.c"));
        assert!(!path_matches("src/*.c", "src/x/a.c"));
        assert!(!path_matches("/src/*.c", "src/a.c"));
    }

    #[test]
    fn files_are_found_sorted_and_nothing_hidden_or_built() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        for path in [
            "b.c",
            "a.c",
            "x/c.c",
            "x/y/d.c",
            "build/e.c",
            ".git/f.c",
            ".g.c",
            "h.h",
            "x/build/i.c",
        ] {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let mut globber = Globber::new(root, &["build", "dist"]);
        assert_eq!(globber.files("*.c"), ["a.c", "b.c"]);
        assert_eq!(globber.files("**/*.c"), ["a.c", "b.c", "x/build/i.c", "x/c.c", "x/y/d.c"]);
        assert_eq!(globber.files("./x/../a.c"), ["x/../a.c"]);
        assert_eq!(globber.files("build/*.c"), ["build/e.c"], "if asked for by name");
        assert_eq!(globber.files("none.c"), [""; 0]);
        let absolute = format!("{}/x/*.c", root.display());
        assert_eq!(globber.files(&absolute), [format!("{}/x/c.c", root.display())]);
    }
}
