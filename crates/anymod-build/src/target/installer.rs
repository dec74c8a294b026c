//! The runtime's own installer of wheels, micropip: it decides which tags a runtime takes.
//!
//! The npm package does not hold it, only its name, version and needs. It comes from the Python package index through
//! pip. Pyodide packs the same releases anew, so the hashes in `pyodide-lock.json` are others.

use std::path::{Path, PathBuf};

use anymod_model::Diagnostic;
use anymod_model::codes::toolchain as codes;
use anymod_store::Digest;

use super::command::{command, failed, output};
use super::lock::{LockedPackage, Origin, Role};
use super::make::{Asked, Places};
use crate::environment::Environment;
use crate::install;
use crate::toolchain::fetch;

/// Name of the directory in an environment.
const DIRECTORY: &str = "installer";

/// Fetches the installer and what it needs into the environment; what the lock says of them.
///
/// # Errors
/// `T0011` if pip is missing or fails, `T0013` if a package is not the locked one.
pub(crate) fn fetch(
    packages: &[(String, String)],
    asked: &Asked<'_>,
    places: &Places<'_>,
    environment: &Environment,
) -> Result<Vec<LockedPackage>, Diagnostic> {
    let directory = places.made.join(DIRECTORY);
    install::create_dir(&directory)?;
    let pip = fetch::find_pip(environment).map_err(|tried| {
        let mut finding = failed("fetch the runtime's installer: there is no working pip or uv on the `PATH`");
        finding.notes = tried;
        finding.hint("install one of them (`apt-get install python3-pip`); they are needed for the download only")
    })?;
    let mut taken = Vec::new();
    for (name, version) in packages {
        let purpose = format!("fetch {name} {version} with pip");
        let (program, arguments) = pip.split_first().ok_or_else(|| failed(&purpose))?;
        let mut download = command(Path::new(program), environment);
        download
            .args(arguments)
            .args(["download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"])
            // The runtime's Python is going to run it, not this machine's.
            .args(["--only-binary", ":all:", "--ignore-requires-python", "--dest"])
            .arg(&directory)
            .arg(format!("{name}=={version}"));
        output(&mut download, &purpose).map_err(|finding| {
            finding.hint("check the network and the index that pip is configured for")
        })?;
        let file = wheels(places.made)?
            .into_iter()
            .find(|file| file_name(file).starts_with(&format!("{}-", name.replace('-', "_"))))
            .ok_or_else(|| failed(&format!("{purpose}: pip left no file")))?;
        let sha256 = Digest::of(&install::read(&file)?).to_string();
        if let Some(locked) = asked.locked(Role::Installer, name)
            && locked.sha256.as_ref() != Some(&sha256)
        {
            let message = format!("{name} {version} of the package index is not the locked one");
            return Err(Diagnostic::error(&codes::TARGET_LOCK, message)
                .note(format!("locked: {}", locked.sha256.as_deref().unwrap_or("none")))
                .note(format!("fetched: {sha256}"))
                .hint("look at the index that pip is configured for: a published version never changes"));
        }
        taken.push(LockedPackage {
            role: Role::Installer,
            from: Origin::Pypi,
            name: name.clone(),
            version: version.clone(),
            suite: None,
            sha256: Some(sha256),
            integrity: None,
            files: None,
        });
    }
    Ok(taken)
}

/// The wheels of the installer in an environment. What it needs goes first.
///
/// # Errors
/// `B0002` if there is no such directory.
pub(crate) fn wheels(environment: &Path) -> Result<Vec<PathBuf>, Diagnostic> {
    let directory = environment.join(DIRECTORY);
    let entries =
        std::fs::read_dir(&directory).map_err(|error| install::read_error(&directory, &error))?;
    let mut wheels: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    wheels.sort();
    wheels.sort_by_key(|wheel| file_name(wheel).starts_with("micropip-"));
    Ok(wheels)
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
