//! Wheels for Pyodide: the stand-in for compilers, and what is built through it, against the incumbent's in one run.
//!
//! Everything is below `target/bench/pyodide`, with the incumbent in a virtual environment of its own.

mod overhead;
mod wheels;

use std::path::{Path, PathBuf};
use std::process::Command;

use anymod_build::environment::Environment;
use anymod_build::target::{self, TargetEnvironment};

use crate::files::make_dir;
use crate::parts::{self, Part};

/// What can be run alone.
pub(crate) const PARTS: [Part<Pyodide>; 2] =
    [("overhead", overhead::overhead), ("wheels", wheels::wheels)];

/// The release that is built for, and the incumbent.
const TARGET: &str = "pyodide-0.29.5";
const INCUMBENT: &str = "pyodide-build==0.39.0";

/// Interpreters that the incumbent runs on.
const PYTHONS: [&str; 2] = ["python3.13", "python3.12"];

/// Runs one part, or all.
pub(crate) fn run(part: Option<&str>) -> Result<(), String> {
    let parts = parts::chosen(&PARTS, part)?;
    let pyodide = Pyodide::prepare()?;
    for (_, run) in parts {
        run(&pyodide)?;
    }
    Ok(())
}

/// What the parts use.
pub(crate) struct Pyodide {
    anymod: PathBuf,
    directory: PathBuf,
    target: TargetEnvironment,
    /// The incumbent's virtual environment.
    incumbent: PathBuf,
}

impl Pyodide {
    fn prepare() -> Result<Pyodide, String> {
        let anymod = std::env::var_os("ANYMOD").ok_or("run this as `cargo xtask bench pyodide`")?;
        let target = target::find(TARGET, &Environment::of_process());
        let target = target.map_err(|error| error.to_string())?;
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench/pyodide");
        make_dir(&directory)?;
        let directory = directory.canonicalize().map_err(|error| error.to_string())?;
        let incumbent = directory.join("incumbent");
        if !incumbent.join("bin/pyodide").is_file() {
            install(&incumbent)?;
        }
        Ok(Pyodide { anymod: PathBuf::from(anymod), directory, target, incumbent })
    }
}

/// Installs the incumbent into a virtual environment.
fn install(directory: &Path) -> Result<(), String> {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let versions = std::fs::read_dir(home.join(".pyenv/versions")).into_iter().flatten().flatten();
    let mut places: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin")).collect();
    places.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let found = PYTHONS
        .iter()
        .find_map(|name| places.iter().map(|place| place.join(name)).find(|path| path.is_file()));
    let python = found.ok_or("the incumbent needs a Python 3.12 or 3.13")?;
    succeed(Command::new(python).args(["-m", "venv"]).arg(directory))?;
    let pip = directory.join("bin/python");
    succeed(Command::new(pip).args(["-m", "pip", "install", "--quiet", INCUMBENT]))
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("cannot run {command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?} failed\n{}", String::from_utf8_lossy(&output.stderr)))
}
