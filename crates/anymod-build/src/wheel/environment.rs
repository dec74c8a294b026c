//! Build environments: a backend and its requirements, installed for the host, isolated from everything else.
//!
//! Environments are kept in the user's cache directory by what is in them, so that only the first build with a set of
//! requirements installs anything. One is made under a lock and counts only once it is whole.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anymod_model::Diagnostic;
use anymod_model::codes::wheel as codes;
use anymod_store::Digest;
use anymod_store::Fields;

use super::backend::names;
use super::python::{Interpreter, plain};

use crate::environment::Environment;
use crate::install;
use crate::jobs::processors;
use crate::runner::Runner;
use crate::settings;

/// An environment that is there.
#[derive(Clone, Debug)]
pub(crate) struct BuildEnvironment {
    /// Its directory.
    pub(crate) directory: PathBuf,
    /// Its interpreter.
    pub(crate) python: PathBuf,
    /// True unless it is the user's.
    pub(crate) own: bool,
}

impl BuildEnvironment {
    fn at(directory: PathBuf) -> BuildEnvironment {
        let python = directory.join("bin").join("python");
        BuildEnvironment { directory, python, own: true }
    }

    /// The interpreter itself, without an environment: the requirements are the user's affair.
    pub(crate) fn none(interpreter: &Interpreter) -> BuildEnvironment {
        let bin = interpreter.path.parent().unwrap_or(Path::new("/"));
        let directory = bin.parent().unwrap_or(bin).to_owned();
        BuildEnvironment { directory, python: interpreter.path.clone(), own: false }
    }

    /// The directory of its programs.
    pub(crate) fn bin(&self) -> &Path {
        self.python.parent().unwrap_or(&self.directory)
    }
}

/// Lies in an environment that is whole.
const WHOLE: &str = ".anymod-whole";

/// The environment that holds these requirements, made if it is not there.
///
/// # Errors
/// `W0107` if it cannot be made.
pub(crate) fn prepare(
    interpreter: &Interpreter,
    requirements: &BTreeSet<String>,
    environment: &Environment,
    runner: &Runner<'_>,
) -> Result<BuildEnvironment, Diagnostic> {
    let base = settings::cache_dir(environment).ok_or_else(no_cache)?.join("environments");
    install::create_dir(&base)?;
    let key = key(interpreter, requirements, environment).to_string();
    let directory = base.join(key.get(..16).unwrap_or(&key));
    if directory.join(WHOLE).is_file() {
        return Ok(BuildEnvironment::at(directory));
    }
    let lock = directory.with_extension("lock");
    let file = install::open_lock(&lock)?;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(std::fs::TryLockError::WouldBlock) => runner.check()?,
            Err(std::fs::TryLockError::Error(error)) => {
                return Err(install::write_error(&lock, &error));
            }
        }
        // A lock that is waited for in the kernel could not be given up.
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    if directory.join(WHOLE).is_file() {
        return Ok(BuildEnvironment::at(directory));
    }
    if directory.exists() {
        std::fs::remove_dir_all(&directory)
            .map_err(|error| install::write_error(&directory, &error))?;
    }
    make(interpreter, requirements, &directory, environment, runner)?;
    let held: String = requirements.iter().map(|requirement| format!("{requirement}\n")).collect();
    install::write_if_changed(&directory.join(WHOLE), held.as_bytes())?;
    Ok(BuildEnvironment::at(directory))
}

/// What decides what is in an environment: the interpreter, the requirements and where they come from.
fn key(
    interpreter: &Interpreter,
    requirements: &BTreeSet<String>,
    environment: &Environment,
) -> Digest {
    let mut fields = Fields::new();
    fields.add("build environment 5");
    fields.add(interpreter.about.real.to_string_lossy().as_bytes());
    fields.add(&interpreter.about.version);
    fields.list(requirements.iter());
    for (name, value) in environment.all() {
        if name.starts_with("PIP_") || name.starts_with("UV_") {
            fields.add(name);
            fields.add(value);
        }
    }
    fields.finish()
}

/// Makes it with `venv`, and installs with uv if there is one, else with pip. Nothing is compiled to bytecode ahead: what is
/// imported is then, once for all builds that share the environment, and most of it never is. Not so with Cython: what it
/// writes follows the addresses of its objects, and a run that compiles its modules has others than those after it.
fn make(
    interpreter: &Interpreter,
    requirements: &BTreeSet<String>,
    directory: &Path,
    environment: &Environment,
    runner: &Runner<'_>,
) -> Result<(), Diagnostic> {
    let python = directory.join("bin").join("python");
    let with = |program: &Path| {
        let mut command = Command::new(program);
        command.env_clear().envs(plain(environment));
        command
    };
    let uv = environment.find_program("uv");
    // Installing a pip into it takes longer than all the rest.
    let own_pip = uv.is_none() && interpreter.about.pip_runner.is_none();
    let mut venv = with(&interpreter.path);
    venv.args(["-I", "-m", "venv"]).args((!own_pip).then_some("--without-pip")).arg(directory);
    step(runner, venv, "python -m venv")?;
    if requirements.is_empty() {
        return Ok(());
    }
    if let Some(uv) = uv {
        let mut install = with(&uv);
        install.args(["pip", "install", "--quiet", "--python"]).arg(&python);
        install.arg("--").args(requirements);
        step(runner, install, "uv pip install")?;
    } else {
        let mut install = with(&python);
        match &interpreter.about.pip_runner {
            Some(program) => install.arg(program),
            None => install.args(["-m", "pip"]),
        };
        install.args([
            "install",
            "--quiet",
            "--no-input",
            "--no-compile",
            "--disable-pip-version-check",
            "--no-warn-script-location",
            "--",
        ]);
        install.args(requirements);
        step(runner, install, "pip install")?;
    }
    if names(requirements, "cython") {
        let script = directory.join("compile.py");
        install::write_scratch(&script, include_str!("compile.py"))?;
        let mut compile = with(&python);
        compile.arg("-I").arg(&script).arg(directory.join("lib")).arg(processors().to_string());
        step(runner, compile, "compile.py")?;
    }
    Ok(())
}

fn step(runner: &Runner<'_>, command: Command, what: &str) -> Result<(), Diagnostic> {
    let ended = runner.run(command)?;
    if ended.status.success() {
        return Ok(());
    }
    let message = format!("cannot make the build environment: `{what}` failed");
    let mut finding = Diagnostic::error(&codes::ENVIRONMENT, message);
    let lines: Vec<&str> = ended.said.lines().collect();
    finding.notes =
        lines.iter().skip(lines.len().saturating_sub(12)).map(|line| (*line).to_owned()).collect();
    Err(finding.hint("check the network and the index that pip or uv is configured for; `--no-isolation` builds with what is installed"))
}

/// The diagnostic of a machine without a place for caches.
pub(crate) fn no_cache() -> Diagnostic {
    Diagnostic::error(&codes::ENVIRONMENT, "there is no cache directory to work in")
        .hint("set `XDG_CACHE_HOME` or `HOME` to a directory")
}
