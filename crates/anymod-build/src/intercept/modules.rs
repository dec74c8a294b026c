//! Where Cython looks for modules and for files to include: all that could come before, or instead of, what it read.
//!
//! Cython looks for the module `a.b` as `a.b.pxd`, `a/b.pxd` and `a/b/__init__.pxd` (each but the first also with a version,
//! `b.cython-30.pxd`), below the directory that holds the package of whoever asks, then along the search path. A directory is
//! a package by an `__init__` file in it, and that decides as well what a module is called. A dependency file tells what was
//! found, not where else was looked. So everything that is at such a place counts; more than Cython looked at, because
//! the only harm is one run too many when such a file appears.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::stored::Listings;

/// What makes a directory a package.
const PACKAGE: [&str; 4] = ["__init__.py", "__init__.pyc", "__init__.pyx", "__init__.pxd"];

/// What one run of Cython is told of where to look. Paths are absolute.
#[derive(Clone, Debug)]
pub(crate) struct Modules {
    pub(crate) source: String,
    /// The directories that it is told to search.
    pub(crate) search: Vec<String>,
    /// The name of the module, if it is told that.
    pub(crate) name: Option<String>,
}

impl Modules {
    /// Files at places where Cython may look, of a run that `read` files, without these.
    pub(crate) fn beside(&self, read: &[String], listings: &mut Listings) -> BTreeSet<String> {
        let mut files: Vec<&str> = read.iter().map(String::as_str).collect();
        files.push(&self.source);
        let mut search: BTreeSet<PathBuf> = self.search.iter().map(PathBuf::from).collect();
        search.extend(files.iter().map(|file| root(Path::new(file), listings)));
        let mut around = search.clone();
        around.extend(files.iter().filter_map(|file| Path::new(file).parent()).map(Path::to_owned));
        let (mut modules, mut included) = (BTreeSet::new(), BTreeSet::new());
        for file in files {
            let path = Path::new(file);
            match module_path(path) {
                Some(whole) => modules.extend(tails(&whole, &search)),
                None => included.extend(tails(path, &around)),
            }
        }
        if let Some(name) = &self.name {
            modules.insert(name.split('.').map(str::to_owned).collect());
        }
        let mut found = BTreeSet::new();
        for directory in &search {
            modules.iter().for_each(|module| module_files(directory, module, listings, &mut found));
        }
        for directory in &around {
            for name in included.iter().map(|parts: &Vec<String>| parts.join("/")) {
                if listings.has(directory, &name) {
                    found.insert(directory.join(&name));
                }
            }
        }
        let texts = found.iter().filter_map(|path| path.to_str());
        texts.filter(|path| !read.iter().any(|read| read == path)).map(str::to_owned).collect()
    }

    /// True if a file says what is in the module that is made. Where Cython found it along the search path, its dependency
    /// file does not have it.
    pub(crate) fn is_own(&self, file: &str) -> bool {
        let Some(path) = module_path(Path::new(file)).filter(|_| file.ends_with(".pxd")) else {
            return false;
        };
        let own = module_path(Path::new(&self.source));
        let named = self.name.as_deref().and_then(|name| name.rsplit('.').next());
        let stem = path.file_name();
        // In the deprecated form the file is called by the whole name.
        let dotted = |name: &std::ffi::OsStr| {
            let end = stem.and_then(|stem| stem.to_str()?.rsplit('.').next());
            stem == Some(name) || end == name.to_str()
        };
        own.as_deref().and_then(Path::file_name).is_some_and(dotted)
            || named.is_some_and(|name| dotted(name.as_ref()))
    }
}

/// A path without `.` and `..`, seen from a directory. Links are not followed.
pub(crate) fn absolute(directory: &Path, path: &str) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in directory.join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => _ = whole.pop(),
            part => whole.push(part),
        }
    }
    whole
}

/// The directory that holds the outermost package of a file.
fn root(file: &Path, listings: &mut Listings) -> PathBuf {
    let mut directory = file.parent().unwrap_or(file);
    while PACKAGE.iter().any(|name| listings.has(directory, name)) {
        let Some(parent) = directory.parent() else { break };
        directory = parent;
    }
    directory.to_owned()
}

/// The path of a module without what files add to it: `a/b` of `a/b.pxd`, `a/b.cython-30.pxd` and `a/b/__init__.pxd`; none of
/// a file that is only included.
fn module_path(file: &Path) -> Option<PathBuf> {
    let name = file.file_name()?.to_str()?;
    let stem = [".pxd", ".pyx", ".py"].iter().find_map(|extension| name.strip_suffix(extension))?;
    let stem = stem.split_once(".cython-").map_or(stem, |(stem, _)| stem);
    if stem == "__init__" {
        return file.parent().map(Path::to_owned);
    }
    Some(file.with_file_name(stem))
}

/// The parts of what is left of a path below each of the directories.
fn tails(path: &Path, directories: &BTreeSet<PathBuf>) -> Vec<Vec<String>> {
    let below = directories.iter().filter_map(|directory| path.strip_prefix(directory).ok());
    let parts =
        |rest: &Path| rest.iter().filter_map(|part| part.to_str().map(str::to_owned)).collect();
    below.map(parts).filter(|parts: &Vec<String>| !parts.is_empty()).collect()
}

/// The files that there are of a module below a directory, and of the packages that it is in.
fn module_files(
    directory: &Path,
    module: &[String],
    listings: &mut Listings,
    found: &mut BTreeSet<PathBuf>,
) {
    let mut add = |directory: &Path, name: &str, listings: &mut Listings| {
        if listings.has(directory, name) {
            found.insert(directory.join(name));
        }
    };
    add(directory, &format!("{}.pxd", module.join(".")), listings);
    let mut place = directory.to_owned();
    for (index, part) in module.iter().enumerate() {
        if index + 1 == module.len() {
            for name in versions(&place, part, listings) {
                add(&place, &name, listings);
            }
        }
        if !listings.names(&place).contains(part) {
            return;
        }
        place.push(part);
        for name in PACKAGE {
            add(&place, name, listings);
        }
    }
    for name in versions(&place, "__init__", listings) {
        add(&place, &name, listings);
    }
}

/// The names of a module's files in a directory: with and without a version.
fn versions(directory: &Path, stem: &str, listings: &mut Listings) -> Vec<String> {
    let (plain, versioned) = (format!("{stem}.pxd"), format!("{stem}.cython-"));
    let fits =
        |name: &&String| **name == plain || name.starts_with(&versioned) && name.ends_with(".pxd");
    listings.names(directory).iter().filter(fits).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new(files: &[&str]) -> Tree {
            let tree = Tree(tempfile::tempdir().unwrap());
            files.iter().for_each(|file| tree.put(file));
            tree
        }

        fn put(&self, file: &str) {
            let path = self.0.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }

        fn at(&self, file: &str) -> String {
            absolute(self.0.path(), file).to_str().unwrap().to_owned()
        }

        fn modules(&self, source: &str, search: &[&str]) -> Modules {
            let search = search.iter().map(|directory| self.at(directory)).collect();
            Modules { source: self.at(source), search, name: None }
        }

        fn beside(&self, modules: &Modules, read: &[&str]) -> Vec<String> {
            let read: Vec<String> = read.iter().map(|file| self.at(file)).collect();
            let found = modules.beside(&read, &mut Listings::default());
            let base = format!("{}/", self.0.path().display());
            found.iter().map(|path| path.strip_prefix(&base).unwrap().to_owned()).collect()
        }
    }

    #[test]
    fn all_forms_of_a_module_are_seen_wherever_it_is_looked_for() {
        let tree = Tree::new(&["src/p/__init__.py", "src/p/m.pyx", "two/q/d.pxd"]);
        let modules = tree.modules("src/p/m.pyx", &["one", "two"]);
        let read = ["src/p/m.pyx", "two/q/d.pxd"];
        assert_eq!(tree.beside(&modules, &read), ["src/p/__init__.py"]);
        for new in [
            "one/q/d.pxd",
            "one/q.d.pxd",
            "one/q/d/__init__.pxd",
            "one/q/d.cython-30.pxd",
            "two/q/d.cython-30.pxd",
            "two/q/d/__init__.pxd",
            "two/q/__init__.py",
            "two/d.pxd",
            "src/q/d.pxd",
            "src/p/m.pxd",
            "src/p.m.pxd",
            "two/p/m.pxd",
            "src/__init__.py",
        ] {
            assert!(!tree.beside(&modules, &read).contains(&new.to_owned()));
            tree.put(new);
            assert!(tree.beside(&modules, &read).contains(&new.to_owned()), "{new}");
            std::fs::remove_file(tree.0.path().join(new)).unwrap();
        }
        for other in ["one/q/e.pxd", "one/e.pxd", "src/p/n.pyx", "src/p/m.c", "one/d.txt"] {
            tree.put(other);
            assert_eq!(tree.beside(&modules, &read), ["src/p/__init__.py"], "{other}");
        }
    }

    #[test]
    fn included_files_are_looked_for_beside_who_includes_and_along_the_path() {
        let tree = Tree::new(&["src/m.pyx", "two/parts/x.pxi"]);
        let modules = tree.modules("src/m.pyx", &["one", "two"]);
        let read = ["src/m.pyx", "two/parts/x.pxi"];
        for new in ["src/parts/x.pxi", "one/parts/x.pxi", "src/x.pxi"] {
            assert_eq!(tree.beside(&modules, &read), [""; 0]);
            tree.put(new);
            assert_eq!(tree.beside(&modules, &read), [new]);
            std::fs::remove_file(tree.0.path().join(new)).unwrap();
        }
    }

    #[test]
    fn the_declarations_of_the_module_itself_are_known() {
        let tree = Tree::new(&[]);
        let mut modules = tree.modules("src/p/m.pyx", &[]);
        for (file, own) in [
            ("src/p/m.pxd", true),
            ("inc/p.m.pxd", true),
            ("inc/p/m/__init__.pxd", true),
            ("inc/p/m.cython-30.pxd", true),
            ("src/p/__init__.pxd", false),
            ("src/p/m.py", false),
            ("src/p/am.pxd", false),
            ("src/p/other.pxd", false),
        ] {
            assert_eq!(modules.is_own(&tree.at(file)), own, "{file}");
        }
        modules.name = Some("p.other".to_owned());
        assert!(modules.is_own(&tree.at("src/p/other.pxd")));
    }

    #[test]
    fn paths_are_seen_from_a_directory() {
        let path = |path: &str| absolute(Path::new("/a/b"), path).display().to_string();
        assert_eq!(path("../c/./d.pxd"), "/a/c/d.pxd");
        assert_eq!(path("/x/../y"), "/y");
        assert_eq!(path("d"), "/a/b/d");
    }
}
