//! The build engine: `anymod build` against ninja, make, ccache and sccache on the same files, in one run.
//!
//! Everything is below `target/bench/engine`. What was built there by an earlier run is built again only where something
//! is new, because no benchmark here but the cold one begins with nothing.

mod commands;
mod graphs;
mod incremental;
pub(crate) mod project;
mod scale;
mod stored;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::files::make_dir;
use crate::measure::{self, Cost};
use crate::parts::{self, Part};
use commands::Compiler;

/// What can be run alone.
pub(crate) const PARTS: [Part<Engine>; 5] = [
    ("noop", incremental::noop),
    ("header", incremental::header),
    ("warm", stored::warm),
    ("cold", stored::cold),
    ("scale", scale::scale),
];

/// Runs one part, or all.
pub(crate) fn run(part: Option<&str>) -> Result<(), String> {
    let parts = parts::chosen(&PARTS, part)?;
    let engine = Engine::prepare()?;
    engine.describe()?;
    println!("| benchmark | ours ms | incumbent | its ms | its / ours | ours MiB | its MiB |");
    println!("|---|---:|---|---:|---:|---:|---:|");
    for (_, run) in parts {
        run(&engine)?;
    }
    Ok(())
}

/// Programs that are compared or used, the packages that they come in, and how they say their version.
const PROGRAMS: [(&str, &str); 6] = [
    ("ninja", "ninja-build"),
    ("make", "make"),
    ("ccache", "ccache"),
    ("sccache", "sccache"),
    ("gcc", "gcc libc6-dev"),
    ("arm-none-eabi-gcc", "gcc-arm-none-eabi libnewlib-arm-none-eabi"),
];

/// Where everything is.
pub(crate) struct Engine {
    anymod: PathBuf,
    directory: PathBuf,
    compilers: Vec<Compiler>,
}

impl Engine {
    fn prepare() -> Result<Engine, String> {
        for (program, _) in PROGRAMS {
            find(program)?;
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let anymod = std::env::var_os("ANYMOD").ok_or("run this as `cargo xtask bench engine`")?;
        let directory = root.join("target/bench/engine");
        make_dir(&directory)?;
        let directory = directory.canonicalize().map_err(|error| error.to_string())?;
        let mut engine = Engine { anymod: PathBuf::from(anymod), directory, compilers: Vec::new() };
        engine.compilers = Compiler::ask(&engine)?;
        Ok(engine)
    }

    /// Prints what is compared, on what.
    fn describe(&self) -> Result<(), String> {
        let mut versions = Vec::new();
        for (program, _) in PROGRAMS {
            let output = Command::new(program).arg("--version").output();
            let output = output.map_err(|error| format!("cannot run {program}: {error}"))?;
            let text = String::from_utf8_lossy(&output.stdout);
            // GCC has the package's version in parentheses before its own.
            let number = text.split_whitespace().find(|word| {
                word.starts_with(|first: char| first.is_ascii_digit()) && !word.ends_with(')')
            });
            versions.push(format!("{program} {}", number.unwrap_or("?")));
        }
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        println!("{}; {processors} processors\n", versions.join(", "));
        Ok(())
    }

    /// `anymod build` of a whole project with the GNU compilers.
    fn build(&self, project: &Path, options: &[&str]) -> Command {
        let mut command = Command::new(&self.anymod);
        command.args(["build", "--quiet", "--toolchain", "gnu"]).args(options);
        // What a user of this machine has configured stays out.
        command.current_dir(project).env_remove("ANYMOD_STORE");
        command
    }
}

/// The option that keeps `anymod build` from any store.
const NO_STORE: &[&str] = &["--no-store"];

/// Where a program is on the `PATH`; the error says what to install.
fn find(program: &str) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|directory| directory.join(program));
    let package = PROGRAMS.iter().find(|(name, _)| *name == program);
    let package = package.map_or(program, |(_, package)| package);
    found.into_iter().find(|path| path.is_file()).ok_or_else(|| {
        format!("`{program}` is missing; install it with `apt-get install {package}`")
    })
}

/// Prints a line of the table.
fn row(name: &str, ours: Cost, incumbent: &str, theirs: Cost) {
    let mib = |cost: Cost| cost.memory as f64 / 1024.0;
    println!(
        "| {name} | {:.1} | {incumbent} | {:.1} | {:.2}x | {:.1} | {:.1} |",
        ours.wall,
        theirs.wall,
        theirs.wall / ours.wall,
        mib(ours),
        mib(theirs)
    );
}

/// For what needs nothing before it.
fn nothing() -> Result<(), String> {
    Ok(())
}

/// Runs something whose cost is of no interest.
fn quietly(command: Command) -> Result<(), String> {
    measure::once(&mut vec![command]).map(|_| ())
}
