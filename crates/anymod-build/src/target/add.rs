//! Making a target environment.
//!
//! It is made beside its place and renamed, under a lock, so that two commands at once and a killed one do no harm. What
//! it takes comes through npm, pip and apt as they are configured on the machine; afterwards no network is needed.

use std::path::{Path, PathBuf};

use anymod_model::codes::toolchain as codes;
use anymod_model::{Diagnostic, Diagnostics};

use super::lock::{Lock, Role};
use super::{Compiler, Description, TargetEnvironment, files, make, name, tools};
use crate::environment::Environment;
use crate::install;
use crate::toolchain::install::no_home;

/// How an environment is to be made.
#[derive(Clone, Debug, Default)]
pub struct AddOptions {
    /// The kind of compiler; clang, or what an environment that is there already has.
    pub compiler: Option<Compiler>,
    /// A project's lock: what it names is taken and nothing else; it is written if it is not there.
    pub lock: Option<PathBuf>,
}

/// What adding did.
#[derive(Clone, Debug)]
pub struct Added {
    /// The environment.
    pub target: TargetEnvironment,
    /// False if it was there already.
    pub changed: bool,
    /// Limits of the environment that are worth knowing.
    pub warnings: Vec<Diagnostic>,
}

/// How the names of directories begin that are not environments yet.
pub(crate) const UNFINISHED: &str = ".making-";

/// Makes the environment of a target; a no-op without any network if it is there.
///
/// # Errors
/// `T0010` for a name that is none, `T0011` if a package cannot be fetched or is damaged, `T0012` if the runtime is not
/// as expected, `T0013` if something is not what the pins or the lock say, `T0014` to `T0016` if headers or tools are
/// missing or do not fit.
pub fn add(
    name: &str,
    options: &AddOptions,
    environment: &Environment,
    tell: &mut dyn FnMut(&str),
) -> Result<Added, Diagnostics> {
    let version = name::version(name)?;
    let data = environment.data_dir().ok_or_else(no_home)?;
    let directory = TargetEnvironment::place(&data, &format!("pyodide-{version}"));
    let parent = directory.parent().unwrap_or(Path::new(".")).to_owned();
    install::create_dir(&parent)?;
    let lock_file = parent.join(".lock");
    let lock = install::open_lock(&lock_file)?;
    if lock.try_lock().is_err() {
        tell("waiting for another `anymod target`");
        lock.lock().map_err(|error| install::write_error(&lock_file, &error))?;
    }
    remove_leftovers(&parent);
    let wanted = match &options.lock {
        Some(file) if file.exists() => Some((file, Lock::read(file)?)),
        _ => None,
    };
    // One for emscripten's own driver has no headers of the libraries: another compiler needs another environment.
    let serves = |target: &TargetEnvironment| {
        let made_for = target.description.tools.compiler;
        made_for != Compiler::Emcc || options.compiler.is_none_or(|kind| kind == Compiler::Emcc)
    };
    let (target, changed) = match whole(&directory).filter(serves) {
        Some(target) => (retool(target, options.compiler, environment)?, false),
        None => {
            let locked = wanted.as_ref().map(|(_, lock)| lock);
            let asked = make::Asked { version, compiler: options.compiler, locked };
            (make_at(&asked, &directory, environment, tell)?, true)
        }
    };
    let made = Lock::read(&directory.join(LOCK))?;
    match (&options.lock, wanted) {
        (_, Some((file, wanted))) => made.compare(&wanted, file)?,
        (Some(file), None) => drop(install::write_if_changed(file, made.text().as_bytes())?),
        (None, None) => {}
    }
    let warnings = make::limits(&target)?;
    Ok(Added { target, changed, warnings })
}

/// Name of the file with the packages.
pub(crate) const LOCK: &str = "lock.json";

/// The environment in a directory, if it is whole.
fn whole(directory: &Path) -> Option<TargetEnvironment> {
    files::seem_whole(directory).then(|| super::read(directory).ok()).flatten()
}

/// Chooses the tools again if others are wanted or they have gone.
fn retool(
    mut target: TargetEnvironment,
    compiler: Option<Compiler>,
    environment: &Environment,
) -> Result<TargetEnvironment, Diagnostic> {
    let now = target.description.tools.compiler;
    let compiler = compiler.unwrap_or(now);
    if compiler == now && tools::are_there(&target.description.tools, environment) {
        return Ok(target);
    }
    target.description.tools = tools::find(compiler, &target.description.facts, environment)?;
    let text = target.description.text();
    // First what it is, then the record of it: a crash in between leaves a damaged environment, which is made again.
    install::write_if_changed(&target.directory.join(super::DESCRIPTION), text.as_bytes())?;
    files::record(&target.directory)?;
    Ok(target)
}

fn make_at(
    asked: &make::Asked<'_>,
    directory: &Path,
    environment: &Environment,
    tell: &mut dyn FnMut(&str),
) -> Result<TargetEnvironment, Diagnostics> {
    let parent = directory.parent().unwrap_or(Path::new("."));
    let work = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(parent);
    let work = work.map_err(|error| install::write_error(parent, &error))?;
    let made = work.path().join("environment");
    install::create_dir(&made)?;
    make::make(
        asked,
        &make::Places { made: &made, work: work.path(), place: directory },
        environment,
        tell,
    )?;
    files::record(&made)?;
    if directory.exists() {
        // Damaged: out of the way, and gone with the rest of the scratch directory.
        let aside = work.path().join("damaged");
        std::fs::rename(directory, &aside)
            .map_err(|error| install::write_error(directory, &error))?;
    }
    std::fs::rename(&made, directory).map_err(|error| install::write_error(directory, &error))?;
    Ok(super::read(directory)?)
}

/// Removes what killed commands left; the caller has the lock, so none is running.
pub(crate) fn remove_leftovers(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            // What cannot be removed is in nobody's way.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// An environment made of the same package, whose files can be taken.
pub(crate) fn with_same(
    place: &Path,
    role: Role,
    name: &str,
    version: &str,
) -> Option<(PathBuf, super::LockedPackage)> {
    let parent = place.parent()?;
    let mut directories: Vec<_> =
        std::fs::read_dir(parent).ok()?.flatten().map(|entry| entry.path()).collect();
    directories.sort();
    directories.into_iter().find_map(|directory| {
        let lock = Lock::read(&directory.join(LOCK)).ok()?;
        let package = lock.find(role, name).filter(|package| package.version == version)?;
        Some((directory.clone(), package.clone()))
    })
}

impl Description {
    /// The description as it stands in a file.
    pub(crate) fn text(&self) -> String {
        // Plain structs always have a form in JSON.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

/// An environment that does not hold together.
pub(crate) fn unexpected(what: &str) -> Diagnostic {
    Diagnostic::error(&codes::TARGET_RUNTIME, format!("the runtime is not as expected: {what}"))
        .hint("only releases of Pyodide from 0.25 on are known; report this one if it is newer than this anymod")
}
