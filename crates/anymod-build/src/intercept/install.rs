//! Putting the stand-in in place for a build.

use std::path::{Path, PathBuf};

use anymod_model::codes::intercept as codes;
use anymod_model::{Diagnostic, Diagnostics};

use super::config::{Config, ExportPolicy, Flags, StoreConfig, ToolConfig};
use super::digests::Digests;
use super::{cython, names, rules, tools};
use crate::install::{create_dir, write_error};
use crate::target::TargetEnvironment;

/// What one build's stand-in is told.
#[derive(Clone, Debug)]
pub struct Setup<'a> {
    /// What is built for.
    pub target: &'a TargetEnvironment,
    /// The store that compilations, archives and links go through; none to run them all.
    pub store: Option<(PathBuf, anymod_store::Options)>,
    /// The socket of a process that answers for what the store does not have.
    pub parent: Option<PathBuf>,
    /// Where records of commands go, absolute.
    pub trace: PathBuf,
    /// Header directories of the Python that runs the build, absolute; the target's take their place.
    pub host_python: Vec<PathBuf>,
    /// Directories and what stands for them wherever they would reach a file that is made: the source tree, the build
    /// environment. Absolute.
    pub roots: Vec<(PathBuf, String)>,
    /// What extension modules show.
    pub exports: ExportPolicy,
    /// Rules that are turned off.
    pub rules_off: Vec<String>,
    /// Options to add.
    pub flags: Flags,
}

impl<'a> Setup<'a> {
    /// A setup for a target with nothing but a file of records.
    #[must_use]
    pub fn new(target: &'a TargetEnvironment, trace: PathBuf) -> Setup<'a> {
        Setup {
            target,
            store: None,
            parent: None,
            trace,
            host_python: Vec::new(),
            roots: Vec::new(),
            exports: ExportPolicy::default(),
            rules_off: Vec::new(),
            flags: Flags::default(),
        }
    }
}

/// A stand-in that is in place.
#[derive(Clone, Debug)]
pub struct StandIn {
    /// The directory of names, to come first on a build's `PATH`.
    pub bin: PathBuf,
}

impl StandIn {
    /// The path of a name.
    #[must_use]
    pub fn tool(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// For `CC`.
    #[must_use]
    pub fn cc(&self) -> PathBuf {
        self.tool("cc")
    }

    /// For `CXX`.
    #[must_use]
    pub fn cxx(&self) -> PathBuf {
        self.tool("c++")
    }

    /// For `LD`.
    #[must_use]
    pub fn ld(&self) -> PathBuf {
        self.tool("ld")
    }

    /// For `AR`.
    #[must_use]
    pub fn ar(&self) -> PathBuf {
        self.tool("ar")
    }

    /// For `RANLIB`.
    #[must_use]
    pub fn ranlib(&self) -> PathBuf {
        self.tool("ranlib")
    }

    /// For `STRIP`.
    #[must_use]
    pub fn strip(&self) -> PathBuf {
        self.tool("strip")
    }

    /// For `NM`.
    #[must_use]
    pub fn nm(&self) -> PathBuf {
        self.tool("nm")
    }
}

/// Puts the stand-in into `directory`: `bin` with all names, each a hard link of `executable` (anymod itself), and the file
/// that tells them what for. What was there from an earlier build is replaced.
///
/// # Errors
/// `I0006` for a rule that there is none of, `B0003` if the directory cannot be written.
pub fn install(
    setup: &Setup<'_>,
    directory: &Path,
    executable: &Path,
) -> Result<StandIn, Diagnostics> {
    let unknown: Vec<Diagnostic> = setup
        .rules_off
        .iter()
        .filter(|name| !rules::is_rule(name))
        .map(|name| {
            Diagnostic::error(&codes::RULE, format!("there is no rule `{name}`"))
                .hint("`anymod flags --explain` lists the rules")
        })
        .collect();
    if !unknown.is_empty() {
        return Err(Diagnostics(unknown));
    }
    // The running file's own path has no links in it, and neither may the one that is taken off the `PATH`.
    create_dir(directory)?;
    let directory = directory.canonicalize().map_err(|error| write_error(directory, &error))?;
    let bin = directory.join("bin");
    create_dir(&bin)?;
    let copy = directory.join("anymod");
    place(executable, &copy)?;
    for name in names::all() {
        place(&copy, &bin.join(name))?;
    }
    let mut roots = setup.roots.clone();
    for (root, _) in &mut roots {
        if let Ok(real) = root.canonicalize() {
            *root = real;
        }
    }
    roots.sort_by_key(|(root, _)| std::cmp::Reverse(root.as_os_str().len()));
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut config = Config {
        environment: absolute(&setup.target.directory),
        trace: absolute(&setup.trace),
        store: setup.store.as_ref().map(|(store, options)| StoreConfig::of(store, options)),
        parent: setup.parent.clone(),
        host_python: setup.host_python.iter().map(|path| real(path)).collect(),
        roots,
        exports: setup.exports.clone(),
        rules_off: setup.rules_off.clone(),
        flags: setup.flags.clone(),
        ..Config::new(setup.target, &setup.trace)
    };
    if config.store.is_some() {
        let mut digests = digests(setup.target, &directory);
        config.identify(&mut digests);
        digests.remember();
    }
    config.write(&directory)?;
    Ok(StandIn { bin })
}

/// What is remembered of tools from build to build: beside the target environments, as other things that are kept, or where that
/// is not possible in a directory.
pub(crate) fn digests(target: &TargetEnvironment, otherwise: &Path) -> Digests {
    let data = target.directory.parent().and_then(Path::parent);
    let cache = data.map(|data| data.join("cache"));
    let cache = cache.filter(|cache| std::fs::create_dir_all(cache).is_ok());
    Digests::new(cache.as_deref().unwrap_or(otherwise))
}

/// Cython as a build environment has it.
#[derive(Clone, Debug)]
pub struct Generator {
    /// The command.
    pub program: PathBuf,
    /// What decides what it writes besides its command; none if that is not known, and then nothing of it is kept.
    pub identity: Option<String>,
}

/// Puts the stand-in, which is in place already, under the name of Cython as well if there is one, and takes it away if not:
/// where there is none, packages do without.
///
/// # Errors
/// `B0003` if the directory cannot be written.
pub fn offer(stand_in: &StandIn, cython: Option<&Generator>) -> Result<(), Diagnostic> {
    let name = stand_in.tool(cython::NAME);
    let Some(generator) = cython else {
        return match std::fs::remove_file(&name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(write_error(&name, &error))
            }
            _ => Ok(()),
        };
    };
    let mut config = Config::read(&name)?;
    config.cython = Some(generator.program.clone());
    config.tools.remove(&generator.program);
    if let (Some(identity), Some(stamp)) = (&generator.identity, tools::stamp(&generator.program)) {
        let identity = identity.clone();
        config.tools.insert(generator.program.clone(), ToolConfig { identity, stamp });
    }
    config.write(&config.directory)?;
    place(&config.directory.join("anymod"), &name)
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Gives a file a second name, or where that is not possible makes a copy of it.
fn place(file: &Path, name: &Path) -> Result<(), Diagnostic> {
    let linked = std::fs::hard_link(file, name).or_else(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            std::fs::remove_file(name)?;
            std::fs::hard_link(file, name)
        }
        _ => Err(error),
    });
    let placed = linked.or_else(|_| std::fs::copy(file, name).map(|_| ()));
    placed.map_err(|error| write_error(name, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::fixture;

    #[test]
    fn every_name_is_in_place_and_finds_its_settings() {
        let directory = tempfile::tempdir().unwrap();
        let executable = directory.path().join("anymod-0.1");
        std::fs::write(&executable, "program").unwrap();
        let target = fixture::target(directory.path(), "0.29.5");
        let setup = Setup::new(&target, directory.path().join("trace"));
        for _again in 0..2 {
            let place = directory.path().join("with blank é");
            let stand_in = install(&setup, &place, &executable).unwrap();
            for name in ["gcc", "g++-12", "clang", "emcc", "install_name_tool"] {
                let path = stand_in.tool(name);
                assert_eq!(std::fs::read(&path).unwrap(), b"program");
                let config = Config::read(&path).unwrap();
                assert_eq!(config.target, target.description);
                assert_eq!(config.bin(), stand_in.bin);
            }
        }
        assert_eq!(Config::read(&executable).unwrap_err().code.id, "I0001");
    }

    #[test]
    fn rules_that_there_are_none_of_are_told() {
        let directory = tempfile::tempdir().unwrap();
        let target = fixture::target(directory.path(), "0.29.5");
        let rules_off = vec!["openmp".to_owned(), "nothing".to_owned()];
        let setup = Setup { rules_off, ..Setup::new(&target, directory.path().join("trace")) };
        let errors = install(&setup, directory.path(), directory.path()).unwrap_err();
        assert_eq!(errors.0.len(), 1);
    }
}
