//! The CPython of this machine that runs a backend: one of the target's minor version.
//!
//! A backend asks the interpreter that runs it what it builds for; only with the same minor version are the answers that
//! do not come from the target's sysconfig data right.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anymod_model::Diagnostic;
use anymod_model::codes::wheel as codes;
use serde::Deserialize;

use crate::environment::Environment;

/// An interpreter that was asked about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interpreter {
    /// Its absolute path.
    pub(crate) path: PathBuf,
    /// What it says.
    pub(crate) about: About,
}

/// What an interpreter says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct About {
    /// For instance `3.13.0`.
    pub(crate) version: String,
    /// The binary, without symbolic links.
    pub(crate) real: PathBuf,
    /// The directories of its headers.
    pub(crate) include: Vec<PathBuf>,
    /// The program of its pip that other interpreters can run, if it has one: since 22.3.
    pub(crate) pip_runner: Option<PathBuf>,
}

const ASK: &str = "
import json, os, sys, sysconfig
from importlib.util import find_spec
if sys.implementation.name != 'cpython':
    sys.exit(1)
pip = find_spec('pip')
runner = pip and pip.origin and os.path.join(os.path.dirname(pip.origin), '__pip-runner__.py')
include = {sysconfig.get_path('include'), sysconfig.get_path('platinclude')}
print(json.dumps({
    'version': '%d.%d.%d' % sys.version_info[:3], 'real': os.path.realpath(sys.executable),
    'include': sorted(include), 'pip_runner': runner if runner and os.path.isfile(runner) else None}))
";

/// Finds a CPython of a minor version, for instance `3.13`: on the `PATH`, among pyenv's, among those that uv manages.
///
/// # Errors
/// `W0106` if there is none.
pub(crate) fn find(minor: &str, environment: &Environment) -> Result<Interpreter, Diagnostic> {
    let mut tried = Vec::new();
    let named = [format!("python{minor}"), "python3".to_owned(), "python".to_owned()];
    let on_path = named.iter().filter_map(|name| environment.find_program(name));
    // A shim asks its manager each time, and what that has installed is looked for as well.
    let (shims, on_path): (Vec<_>, Vec<_>) = on_path.partition(|path| is_shim(path));
    let managed = pyenv(minor, environment).into_iter().chain(uv(minor, environment));
    let candidates = on_path.into_iter().chain(managed).chain(shims);
    for path in candidates {
        match ask(&path, environment) {
            Some(about)
                if about.version.rsplit_once('.').is_some_and(|(found, _)| found == minor) =>
            {
                return Ok(Interpreter { path, about });
            }
            Some(about) => tried.push(format!("`{}` is CPython {}", path.display(), about.version)),
            None => tried.push(format!("`{}` does not run", path.display())),
        }
    }
    let message = format!("there is no CPython {minor} on this machine to run build backends with");
    let mut finding = Diagnostic::error(&codes::PYTHON, message);
    finding.notes = tried;
    Err(finding.hint(format!(
        "install one, with `uv python install {minor}`, `pyenv install {minor}` or the system's package `python{minor}`"
    )))
}

/// True for the scripts of version managers: pyenv, asdf and mise keep them in directories of this name.
fn is_shim(path: &Path) -> bool {
    path.parent().is_some_and(|directory| directory.ends_with("shims"))
}

/// What an interpreter says of itself; none if it does not run or is no CPython.
fn ask(path: &Path, environment: &Environment) -> Option<About> {
    let mut command = Command::new(path);
    command.args(["-I", "-c", ASK]).env_clear().envs(plain(environment)).stdin(Stdio::null());
    let output = command.output().ok().filter(|output| output.status.success())?;
    serde_json::from_slice(&output.stdout).ok()
}

/// The interpreters of this minor version that pyenv installed, newest first.
fn pyenv(minor: &str, environment: &Environment) -> Vec<PathBuf> {
    let root = environment.get("PYENV_ROOT").map(PathBuf::from);
    let Some(root) = root.or_else(|| Some(PathBuf::from(environment.get("HOME")?).join(".pyenv")))
    else {
        return Vec::new();
    };
    installed(&root.join("versions"), &format!("{minor}."), minor)
}

/// Those that uv manages, newest first. Nothing is downloaded.
fn uv(minor: &str, environment: &Environment) -> Vec<PathBuf> {
    let data = environment.get("XDG_DATA_HOME").map(PathBuf::from);
    let base = environment.get("UV_PYTHON_INSTALL_DIR").map(PathBuf::from);
    let base = base
        .or_else(|| Some(data?.join("uv/python")))
        .or_else(|| Some(PathBuf::from(environment.get("HOME")?).join(".local/share/uv/python")));
    base.map_or_else(Vec::new, |base| installed(&base, &format!("cpython-{minor}."), minor))
}

/// `DIRECTORY/PREFIX…/bin/python3.13`, by the number after the prefix.
fn installed(directory: &Path, prefix: &str, minor: &str) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let rest = name.strip_prefix(prefix)?;
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let number = rest.get(..digits)?.parse().ok()?;
            let path = entry.path().join("bin").join(format!("python{minor}"));
            path.is_file().then_some((number, path))
        })
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, path)| path).collect()
}

/// Variables that would make an interpreter another one than it is.
const CONFUSING: [&str; 6] = [
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "VIRTUAL_ENV",
    "__PYVENV_LAUNCHER__",
    "PYTHONEXECUTABLE",
];

/// The user's environment without what would make an interpreter another one.
pub(crate) fn plain(environment: &Environment) -> impl Iterator<Item = (&String, &String)> {
    environment.all().iter().filter(|(name, _)| !CONFUSING.contains(&name.as_str()))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_missing_version_is_told_with_what_there_is() {
        let environment = Environment::of_process();
        let error = find("3.99", &environment).unwrap_err();
        assert_eq!(error.code.id, "W0106");
        assert!(error.hint.unwrap().contains("uv python install 3.99"));
    }

    #[test]
    fn the_newest_installed_comes_first() {
        let directory = tempfile::tempdir().unwrap();
        for version in ["3.13.2", "3.13.10", "3.12.1", "3.13.9"] {
            let bin = directory.path().join("versions").join(version).join("bin");
            std::fs::create_dir_all(&bin).unwrap();
            std::fs::write(bin.join("python3.13"), "").unwrap();
        }
        let environment =
            Environment::default().with("PYENV_ROOT", &directory.path().display().to_string());
        let found = pyenv("3.13", &environment);
        let names: Vec<String> = found.iter().map(|path| path.display().to_string()).collect();
        let expected = ["3.13.10", "3.13.9", "3.13.2"].map(|version| {
            format!("{}/versions/{version}/bin/python3.13", directory.path().display())
        });
        assert_eq!(names, expected);
    }
}
