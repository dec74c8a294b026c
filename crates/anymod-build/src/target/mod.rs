//! Target environments: everything that building for one release of a runtime takes, in one directory of the user's.
//!
//! An environment is made once, by `anymod target add pyodide@VERSION`, from pinned packages; after that no network is
//! needed. It is at `<data>/targets/<name>/`:
//!
//! | file | what it is |
//! |---|---|
//! | `target.json` | the facts of the release and the tools to build with ([`TargetEnvironment`]) |
//! | `lock.json` | every package it was made from, with hashes |
//! | `runtime/` | the runtime itself, as its publisher packs it |
//! | `sysroot/` | headers of the C and C++ libraries |
//! | `include/` | headers of CPython, with the target's `pyconfig.h` |
//! | `sysconfig/` | the target's sysconfig data, with paths of this machine |
//! | `symbols.txt` | names that the runtime's main module offers or knows, sorted, one a line |
//! | `support/` | a library to link with, for targets that need one |
//! | `installer/` | the runtime's own installer of wheels |
//! | `.anymod-files` | every file with its hash |

mod add;
pub(crate) mod archive;
mod command;
mod debian;
mod files;
#[cfg(test)]
pub(crate) mod fixture;
mod installer;
mod lock;
mod make;
mod module;
mod name;
pub(crate) mod npm;
mod pyconfig;
mod python;
mod release;
mod support;
mod sysconfig;
mod sysroot;
mod tools;

use std::path::{Path, PathBuf};

use anymod_model::codes::toolchain as codes;
use anymod_model::pyodide::{Exceptions, PyodideFacts};
use anymod_model::{Diagnostic, Place};
use serde::{Deserialize, Serialize};

pub use add::{AddOptions, Added, add};
pub use lock::{Lock, LockedPackage, Origin, Role};
pub use name::version;

use crate::environment::Environment;
use crate::install;
use crate::toolchain::install::no_home;

/// Name of the file that describes an environment.
pub(crate) const DESCRIPTION: &str = "target.json";

/// Version of an environment's layout and of what its files mean. Raised with every change of either, so that an environment
/// that another anymod made is made again rather than misread; a test holds it to [`PARTS`].
pub(crate) const FORMAT: u32 = 1;

/// What every environment holds. That of C++ exceptions through JavaScript holds [`LIBRARY`] as well.
const PARTS: [&str; 9] = [
    DESCRIPTION,
    add::LOCK,
    files::RECORD,
    "runtime/pyodide-lock.json",
    "sysroot",
    "include",
    "sysconfig",
    "symbols.txt",
    "installer",
];

/// The library of [`support`].
const LIBRARY: &str = "support/libthrow.a";

/// Name of the sysconfig data module of every Pyodide.
const SYSCONFIGDATA: &str = "_sysconfigdata__emscripten_wasm32-emscripten";

/// Finds the environment of a target by its name, `pyodide-0.29.5` or `pyodide@0.29.5`.
///
/// # Errors
/// `T0009` if it was not added, `T0010` if it is no name of a target, `T0015` if its tools have gone, `T0018` if its
/// description is damaged.
pub fn find(name: &str, environment: &Environment) -> Result<TargetEnvironment, Diagnostic> {
    let version = version(name)?;
    let data = environment.data_dir().ok_or_else(no_home)?;
    let directory = TargetEnvironment::place(&data, &format!("pyodide-{version}"));
    if !directory.join(DESCRIPTION).is_file() {
        let message = format!("there is no target environment for pyodide {version}");
        return Err(Diagnostic::error(&codes::TARGET_MISSING, message)
            .note(format!("looked at `{}`", directory.display()))
            .hint(format!("run `anymod target add pyodide@{version}`")));
    }
    let target = read(&directory)?;
    if !tools::are_there(&target.description.tools, environment) {
        let tools = &target.description.tools;
        let message = format!("the tools of pyodide {version} are not where they were");
        return Err(Diagnostic::error(&codes::TARGET_TOOLS, message)
            .note(format!("its compiler was `{}`", tools.cc.display()))
            .hint(format!("run `anymod target add pyodide@{version}` to choose others")));
    }
    Ok(target)
}

/// The environments that are there, by name; those whose description is damaged are left out.
///
/// # Errors
/// `T0007` if there is no home directory to look in.
pub fn list(environment: &Environment) -> Result<Vec<TargetEnvironment>, Diagnostic> {
    let data = environment.data_dir().ok_or_else(no_home)?;
    let entries = std::fs::read_dir(data.join("targets")).into_iter().flatten().flatten();
    let visible = entries.filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'));
    let mut targets: Vec<_> = visible.filter_map(|entry| read(&entry.path()).ok()).collect();
    targets.sort_by(|one, other| one.directory.cmp(&other.directory));
    Ok(targets)
}

/// Removes an environment; false if it was not there.
///
/// # Errors
/// `T0010` for a name that is none, `B0003` if something cannot be removed.
pub fn remove(name: &str, environment: &Environment) -> Result<bool, Diagnostic> {
    let version = version(name)?;
    let data = environment.data_dir().ok_or_else(no_home)?;
    let directory = TargetEnvironment::place(&data, &format!("pyodide-{version}"));
    let parent = directory.parent().unwrap_or(Path::new(".")).to_owned();
    if !directory.exists() {
        return Ok(false);
    }
    let lock_file = parent.join(".lock");
    let lock = install::open_lock(&lock_file)?;
    lock.lock().map_err(|error| install::write_error(&lock_file, &error))?;
    // Renamed first: half an environment is none.
    let aside = parent.join(format!("{}removed-{version}", add::UNFINISHED));
    add::remove_leftovers(&parent);
    std::fs::rename(&directory, &aside)
        .map_err(|error| install::write_error(&directory, &error))?;
    std::fs::remove_dir_all(&aside).map_err(|error| install::write_error(&aside, &error))?;
    Ok(true)
}

/// Compares every file of an environment with its hash: what differs, a line each.
///
/// # Errors
/// Those of [`find`] but the one of its tools, and `B0002` if files cannot be read.
pub fn verify(name: &str, environment: &Environment) -> Result<Vec<String>, Diagnostic> {
    let version = version(name)?;
    match find(name, environment) {
        Err(finding) if finding.code.id == codes::TARGET_MISSING.id => Err(finding),
        _ => {
            let data = environment.data_dir().ok_or_else(no_home)?;
            files::damage(&TargetEnvironment::place(&data, &format!("pyodide-{version}")))
        }
    }
}

/// Reads the environment in a directory.
fn read(directory: &Path) -> Result<TargetEnvironment, Diagnostic> {
    let path = directory.join(DESCRIPTION);
    let damaged = |why: &str| {
        Diagnostic::error(
            &codes::TARGET_DAMAGED,
            format!("the description of a target is damaged: {why}"),
        )
        .at(Place::file(path.display().to_string()))
        .hint("remove the environment with `anymod target remove` and add it again")
    };
    let description: Description = serde_json::from_slice(&install::read(&path)?)
        .map_err(|error| damaged(&error.to_string()))?;
    let throws = description.facts.exceptions == Exceptions::JavaScript;
    let parts = PARTS.iter().chain(throws.then_some(&LIBRARY));
    let missing = parts.into_iter().find(|part| !directory.join(part).exists());
    let why = match missing {
        _ if description.format != FORMAT => {
            format!("it is of format {}, not {FORMAT}", description.format)
        }
        Some(part) => format!("it holds no `{part}`"),
        None => return Ok(TargetEnvironment { directory: directory.to_owned(), description }),
    };
    let name = description.facts.target();
    let message = format!("`{name}` was made by another version of anymod: {why}");
    Err(Diagnostic::error(&codes::TARGET_DAMAGED, message)
        .at(Place::file(path.display().to_string()))
        .hint(format!("run `anymod target add {name}`, which makes it again")))
}

/// A target environment that is there.
#[derive(Clone, Debug)]
pub struct TargetEnvironment {
    /// The directory that holds it.
    pub directory: PathBuf,
    /// What its `target.json` says.
    pub description: Description,
}

/// What `target.json` holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Description {
    /// Version of the environment's layout and meaning.
    pub format: u32,
    /// The release.
    pub facts: PyodideFacts,
    /// The tools that build for it.
    pub tools: Tools,
}

/// Absolute paths of the tools that build for a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tools {
    /// What kind of compiler it is.
    pub compiler: Compiler,
    /// The compiler of C.
    pub cc: PathBuf,
    /// The compiler of C++.
    pub cxx: PathBuf,
    /// The linker, `wasm-ld` (`emcc` links itself and has none).
    pub ld: Option<PathBuf>,
    /// `llvm-ar` and what goes by the same format.
    pub ar: PathBuf,
    /// `llvm-ranlib`.
    pub ranlib: PathBuf,
    /// `llvm-strip`.
    pub strip: PathBuf,
    /// `llvm-nm`.
    pub nm: PathBuf,
}

/// Kinds of compilers that build for Pyodide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compiler {
    /// A clang of its own with wasm-ld.
    Clang,
    /// The clang and wasm-ld inside the managed zig.
    Zig,
    /// An installed emscripten.
    Emcc,
}

impl TargetEnvironment {
    /// Headers of the C and C++ libraries, to be given as `--sysroot`.
    #[must_use]
    pub fn sysroot(&self) -> PathBuf {
        self.directory.join("sysroot")
    }

    /// Headers of CPython: the directory that holds `Python.h`.
    #[must_use]
    pub fn python_include(&self) -> PathBuf {
        self.directory
            .join("include")
            .join(format!("python{}", self.description.facts.python_minor()))
    }

    /// The directory that holds the sysconfig data module, to be put on `PYTHONPATH` of a build.
    #[must_use]
    pub fn sysconfig(&self) -> PathBuf {
        self.directory.join("sysconfig")
    }

    /// Name of the sysconfig data module, the value of `_PYTHON_SYSCONFIGDATA_NAME`.
    #[must_use]
    pub fn sysconfigdata_name(&self) -> &'static str {
        SYSCONFIGDATA
    }

    /// The file of names that the runtime's main module offers or knows.
    #[must_use]
    pub fn symbols(&self) -> PathBuf {
        self.directory.join("symbols.txt")
    }

    /// The runtime's own files.
    #[must_use]
    pub fn runtime(&self) -> PathBuf {
        self.directory.join("runtime")
    }

    /// What every link for the target takes besides its own, so that C++ exceptions thrown in a module that was loaded
    /// ahead of its import get anywhere; nothing for targets that need none.
    #[must_use]
    pub fn throw_support(&self) -> Vec<std::ffi::OsString> {
        let library = self.directory.join(LIBRARY);
        if library.is_file() { vec![library.into_os_string()] } else { Vec::new() }
    }

    /// What it was made from.
    ///
    /// # Errors
    /// `B0002`, `T0013` if there is no such file.
    pub fn lock(&self) -> Result<Lock, Diagnostic> {
        Lock::read(&self.directory.join(add::LOCK))
    }

    /// The wheels of the runtime's own installer, in the order in which they are loaded.
    ///
    /// # Errors
    /// `B0002` if they are not there.
    pub fn installer(&self) -> Result<Vec<PathBuf>, Diagnostic> {
        installer::wheels(&self.directory)
    }

    /// Where the environment of this name is, or would be, below the user's data directory.
    #[must_use]
    pub fn place(data: &Path, name: &str) -> PathBuf {
        data.join("targets").join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes what `read` looks at.
    fn environment(directory: &Path, release: &str) -> Description {
        let description = fixture::target(directory, release).description;
        for part in PARTS.iter().chain([&LIBRARY]) {
            let path = directory.join(part);
            assert!(path.parent().is_some_and(|parent| std::fs::create_dir_all(parent).is_ok()));
            assert!(std::fs::write(path, "").is_ok());
        }
        assert!(std::fs::write(directory.join(DESCRIPTION), description.text()).is_ok());
        description
    }

    #[test]
    fn an_environment_of_another_anymod_is_told_from_a_whole_one() {
        for release in ["0.27.7", "0.29.5"] {
            let directory = tempfile::tempdir().unwrap();
            let mut description = environment(directory.path(), release);
            assert_eq!(read(directory.path()).unwrap().description, description);
            for part in PARTS.iter().skip(1) {
                let (path, aside) = (directory.path().join(part), directory.path().join("aside"));
                std::fs::rename(&path, &aside).unwrap();
                let error = read(directory.path()).unwrap_err();
                assert!(error.code.id == "T0018" && error.message.contains(part), "{error}");
                std::fs::rename(&aside, &path).unwrap();
            }
            std::fs::remove_file(directory.path().join(LIBRARY)).unwrap();
            assert_eq!(read(directory.path()).is_ok(), release == "0.29.5");
            description.format += 1;
            std::fs::write(directory.path().join(DESCRIPTION), description.text()).unwrap();
            let error = read(directory.path()).unwrap_err();
            assert!(error.message.contains("of format 2, not 1"), "{error}");
            assert!(error.hint.unwrap().contains(&format!("target add pyodide-{release}")));
        }
    }

    /// Whoever changes the layout raises the format and notes the pair here.
    #[test]
    fn the_format_changes_with_the_layout() {
        let mut fields = anymod_store::Fields::new();
        fields.list(PARTS.iter());
        fields.add(LIBRARY);
        assert_eq!((FORMAT, fields.finish().to_string().get(..8)), (1, Some("ef4aec73")));
    }
}
