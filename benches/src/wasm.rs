//! Archives and bundles: `anymod bundle`, `anymod build` for many targets and `anymod flags` against a helper in Python
//! that does the same by starting compilers anew, in one run.
//!
//! Everything is below `target/bench/wasm`. The helper is ours, `wasm/incumbent.py`, written after what such helpers do.

mod builds;
mod bundles;
mod project;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::files::{make_dir, remove_dir, write};
use crate::measure::{Cost, Entrant, interpreter, turns};
use crate::parts::{self, Part};

/// What can be run alone.
pub(crate) const PARTS: [Part<Wasm>; 3] =
    [("bundle", bundles::bundle), ("null", builds::null), ("flags", builds::flags)];

/// Runs one part, or all.
pub(crate) fn run(part: Option<&str>) -> Result<(), String> {
    let parts = parts::chosen(&PARTS, part)?;
    let wasm = Wasm::prepare()?;
    println!("| benchmark | ours ms | incumbent | its ms | its / ours |");
    println!("|---|---:|---|---:|---:|");
    for (_, run) in parts {
        run(&wasm)?;
    }
    Ok(())
}

/// What the parts use.
pub(crate) struct Wasm {
    anymod: PathBuf,
    directory: PathBuf,
    /// The managed zig.
    zig: PathBuf,
    /// The interpreter that runs the helper.
    python: PathBuf,
}

impl Wasm {
    fn prepare() -> Result<Wasm, String> {
        let anymod = std::env::var_os("ANYMOD").ok_or("run this as `cargo xtask bench wasm`")?;
        let anymod = PathBuf::from(anymod);
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench/wasm");
        make_dir(&directory)?;
        let directory = directory.canonicalize().map_err(|error| error.to_string())?;
        let zig = managed_zig()?;
        // The helper finds the compiler as a package of Python, which is how it was installed.
        let packages = directory.join("packages");
        remove_dir(&packages)?;
        make_dir(&packages)?;
        let home = zig.parent().unwrap_or(&zig);
        std::os::unix::fs::symlink(home, packages.join("ziglang"))
            .map_err(|error| error.to_string())?;
        write(&directory.join("incumbent.py"), include_str!("wasm/incumbent.py"))?;
        let python = interpreter()?;
        Ok(Wasm { anymod, directory, zig, python })
    }

    /// Ours, run in a project, with a store and caches of the benchmark's own.
    fn anymod(&self, project: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.anymod);
        command.args(arguments).current_dir(project);
        command.env("ANYMOD_STORE", self.directory.join("store")).env("ANYMOD_CONFIG", "none");
        command
    }

    /// The helper in Python.
    fn helper(&self, project: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(self.directory.join("incumbent.py")).args(arguments).current_dir(project);
        self.with_packages(&mut command);
        command
    }

    /// Lets Python find the compiler, whose caches are the benchmark's own.
    fn with_packages(&self, command: &mut Command) {
        command.env("PYTHONPATH", self.directory.join("packages"));
        let caches = self.directory.join("zig-cache");
        command.env("ZIG_GLOBAL_CACHE_DIR", &caches).env("ZIG_LOCAL_CACHE_DIR", &caches);
    }
}

/// The zig that `anymod toolchain install` has put into its home.
pub(crate) fn managed_zig() -> Result<PathBuf, String> {
    let home = std::env::var_os("ANYMOD_HOME").map(PathBuf::from);
    let cache = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let home = home.unwrap_or_else(|| cache.join(".cache/anymod"));
    let entries = std::fs::read_dir(home.join("toolchains")).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path().join("zig")).collect();
    found.retain(|path| path.is_file());
    found.sort();
    found.pop().ok_or_else(|| {
        format!(
            "no zig below {}; set ANYMOD_HOME, or run `anymod toolchain install zig`",
            home.display()
        )
    })
}

/// Runs ours and others in turn and prints a line of the table for each of the others.
fn rows(
    name: &str,
    runs: usize,
    ours: Command,
    others: Vec<(&str, Vec<Command>)>,
) -> Result<(), String> {
    let nothing = || Ok(());
    let (names, steps): (Vec<&str>, Vec<Vec<Command>>) = others.into_iter().unzip();
    let mut entrants = vec![Entrant { step: vec![ours], before: &nothing }];
    entrants.extend(steps.into_iter().map(|step| Entrant { step, before: &nothing }));
    let costs = turns(2, runs, &mut entrants)?;
    let [ours, others @ ..] = costs.as_slice() else { return Ok(()) };
    for (incumbent, theirs) in names.iter().zip(others) {
        row(name, *ours, incumbent, *theirs);
    }
    Ok(())
}

/// Prints a line of the table.
fn row(name: &str, ours: Cost, incumbent: &str, theirs: Cost) {
    let ratio = theirs.wall / ours.wall;
    println!("| {name} | {:.1} | {incumbent} | {:.1} | {ratio:.2}x |", ours.wall, theirs.wall);
}

/// Runs something whose cost is of no interest.
fn quietly(mut command: Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("cannot run {command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?} failed\n{}", String::from_utf8_lossy(&output.stderr)))
}
