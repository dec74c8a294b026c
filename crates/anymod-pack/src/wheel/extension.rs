//! Extension modules by the names of their files.
//!
//! An interpreter looks for `NAME` + suffix with each suffix that it knows: one with the tag of its own ABI
//! (`.cpython-313-wasm32-emscripten.so`), `.abi3.so`, and `.so`. A file with the tag of another interpreter or platform is
//! never found.

use super::Wheel;

/// An extension module or a library that looks like one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// Name to import it by, with its packages, for instance `markupsafe._speedups`.
    pub module: String,
    /// The last part of that name.
    pub stem: &'a str,
    /// How the file's name goes on.
    pub suffix: Suffix<'a>,
}

/// How the name of an extension module ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suffix<'a> {
    /// `.so`: any interpreter takes it; may also be a library.
    Plain,
    /// `.abi3.so`: for every interpreter with the stable ABI.
    Stable,
    /// For one interpreter and platform, for instance `cpython-313-x86_64-linux-gnu`.
    Tagged(&'a str),
}

/// What a file in a wheel is called as a module; none if it is no shared library. Directories that installers map to the
/// top (`*.data/platlib`) are passed over.
#[must_use]
pub fn extension(path: &str) -> Option<Extension<'_>> {
    let installed = installed(path);
    let (package, file) = installed.rsplit_once('/').unwrap_or(("", installed));
    let bare = file.strip_suffix(".so").or_else(|| file.strip_suffix(".pyd"))?;
    let (stem, suffix) = match bare.split_once('.') {
        None => (bare, Suffix::Plain),
        Some((stem, "abi3")) => (stem, Suffix::Stable),
        Some((stem, tag)) if is_tag(tag) => (stem, Suffix::Tagged(tag)),
        // `libfoo.1.2.so` and other names that nobody can import.
        Some(_) => return None,
    };
    if stem.is_empty() {
        return None;
    }
    let mut module = package.replace('/', ".");
    if !module.is_empty() {
        module.push('.');
    }
    module.push_str(stem);
    Some(Extension { module, stem, suffix })
}

/// Where a file of a wheel is below the directory that packages are installed to: installers map `*.data/platlib` and
/// `*.data/purelib` there.
#[must_use]
pub fn installed(path: &str) -> &str {
    let Some((top, rest)) = path.split_once('/') else { return path };
    let inside = || rest.strip_prefix("platlib/").or_else(|| rest.strip_prefix("purelib/"));
    if top.ends_with(".data") { inside().unwrap_or(path) } else { path }
}

/// Whether it is how an interpreter tags its modules: `cpython-313-…`, `cp313-…`, `pypy310-…`, `graalpy…`.
fn is_tag(tag: &str) -> bool {
    ["cpython-", "cp3", "pypy", "graalpy"].iter().any(|start| tag.starts_with(start))
}

impl Wheel {
    /// Gives extension modules that were named for the build machine the target's suffix, for instance
    /// `.cpython-313-wasm32-emscripten.so`. Returns the old and new names, sorted.
    ///
    /// Only WebAssembly is renamed, and only from a tag of the same interpreter: anything else is no slip in a name. Files
    /// named `.abi3.so` and `.so` are importable as they are. Where the new name is taken, nothing is done.
    pub fn rename_extensions(&mut self, suffix: &str) -> Vec<(String, String)> {
        let mut renamed = Vec::new();
        for (path, file) in &self.files {
            let Some(Suffix::Tagged(tag)) = extension(path).map(|found| found.suffix) else {
                continue;
            };
            let leaked = format!(".{tag}.so");
            let Some(bare) = path.strip_suffix(&leaked) else { continue };
            let same = interpreter(&leaked) == interpreter(suffix) && leaked != suffix;
            let new = format!("{bare}{suffix}");
            if same && file.bytes.starts_with(b"\0asm") && !self.files.contains_key(&new) {
                renamed.push((path.clone(), new));
            }
        }
        for (old, new) in &renamed {
            if let Some(file) = self.files.remove(old) {
                self.files.insert(new.clone(), file);
            }
        }
        renamed
    }
}

/// `.cpython-313` of `.cpython-313-x86_64-linux-gnu.so`.
fn interpreter(suffix: &str) -> Option<&str> {
    let (at, _) = suffix.match_indices('-').nth(1)?;
    suffix.get(..at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_named_by_their_files() {
        let cases = [
            ("a.so", Some(("a", Suffix::Plain))),
            ("p/q/_a.abi3.so", Some(("p.q._a", Suffix::Stable))),
            (
                "p-1.data/platlib/p/a.cpython-313-darwin.so",
                Some(("p.a", Suffix::Tagged("cpython-313-darwin"))),
            ),
            ("p/a.cp313-win_amd64.pyd", Some(("p.a", Suffix::Tagged("cp313-win_amd64")))),
            ("p.libs/libz.1.so", None),
            ("p/a.py", None),
            ("p/.so", None),
        ];
        for (path, expected) in cases {
            let found = extension(path);
            let found = found.as_ref().map(|found| (found.module.as_str(), found.suffix));
            assert_eq!(found, expected, "{path}");
        }
    }
}
