//! `cargo xtask cpython-split [PHASE]…`: CPython from Debian's source package with all modules in it, then the eight of
//! `examples/cpython-split` split off phase by phase: planned, built, linked, verified, imported, and their own tests run. Prints
//! the table of `docs/guide/host-split.md`.
//!
//! Minutes of compiling the first time, in `target/cpython-split`; `MAKEFLAGS=-j1` is heeded.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::generated::root;
use crate::suite::{anymod, target_directory};

/// A phase and how `anymod split` is called for it.
const PHASES: [(&str, &[&str]); 5] = [
    ("static", &["--tier", "static"]),
    ("bundled", &["--tier", "bundled"]),
    ("group-a", &["--group", "A", "--others", "bundled"]),
    ("whole", &["--export", "whole"]),
    ("needed", &["--export", "needed"]),
];

/// The tests of CPython that use the modules.
const TESTS: [&str; 8] = [
    "test_zlib",
    "test_bz2",
    "test_lzma",
    "test_sqlite3",
    "test_hashlib",
    "test_binascii",
    "test_ssl",
    "test_ctypes",
];

/// Modules with libraries of this machine that nobody splits here.
const WITHOUT: [&str; 7] =
    ["_curses", "_curses_panel", "_dbm", "_gdbm", "_tkinter", "readline", "_uuid"];

/// Modules that the tests import besides.
const HELPERS: [&str; 2] = ["_ctypes_test", "_testcapi"];

/// The ending of modules' files.
const SUFFIX: &str = ".cpython-313-x86_64-linux-gnu.so";

/// What came of a phase.
struct Row {
    name: &'static str,
    host: u64,
    modules: u64,
    moved: u64,
    exports: u64,
    tests: String,
}

/// Runs the phases that are named, or all.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let named = |name: &str| arguments.is_empty() || arguments.iter().any(|given| given == name);
    let phases: Vec<_> = PHASES.iter().filter(|(name, _)| named(name)).collect();
    if phases.len() < arguments.len() {
        let all: Vec<&str> = PHASES.iter().map(|(name, _)| *name).collect();
        return Err(format!("phases are {}", all.join(", ")));
    }
    let build = Build { anymod: anymod()?, source: source()?, directory: directory()? };
    build.configure()?;
    let mut rows = Vec::new();
    for (name, options) in phases {
        println!("==> {name}: anymod split link {}", options.join(" "));
        rows.push(build.phase(name, options)?);
    }
    println!("\n{}", table(&rows));
    let failed: Vec<&str> =
        rows.iter().filter(|row| !row.tests.ends_with("failed 0")).map(|row| row.name).collect();
    if failed.is_empty() { Ok(()) } else { Err(format!("tests failed: {}", failed.join(", "))) }
}

/// The unpacked source, which `tests/runtimes/setup` fetches.
fn source() -> Result<PathBuf, String> {
    let runtimes = root().join("tests/runtimes");
    let script = "set -euo pipefail; \"$0/setup\" cpython-source; . \"$0/lib.sh\"; component_dir cpython-source";
    let mut command = Command::new("bash");
    command.args(["-c", script]).arg(&runtimes);
    command.stderr(std::process::Stdio::inherit());
    Ok(PathBuf::from(output(&mut command)?.trim()))
}

fn directory() -> Result<PathBuf, String> {
    let directory = target_directory().join("cpython-split");
    std::fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
    directory.canonicalize().map_err(|error| error.to_string())
}

/// Where CPython is built, from what and with what.
struct Build {
    anymod: PathBuf,
    source: PathBuf,
    directory: PathBuf,
}

impl Build {
    /// Everything static; compiled so that it can go anywhere.
    fn configure(&self) -> Result<(), String> {
        if self.directory.join("pybuilddir.txt").is_file() {
            return Ok(());
        }
        println!("==> building {} in {}", self.source.display(), self.directory.display());
        let mut configure = Command::new(self.source.join("configure"));
        configure.args(["-q", "MODULE_BUILDTYPE=static", "CFLAGS=-fPIC", "--disable-test-modules"]);
        configure.args(["--with-ensurepip=no"]);
        configure.args(WITHOUT.map(|name| format!("py_cv_module_{name}=n/a")));
        output(configure.current_dir(&self.directory))?;
        self.make(&["python".to_owned()])?;
        self.make(&["pybuilddir.txt".to_owned()])
    }

    fn make(&self, targets: &[String]) -> Result<(), String> {
        let mut make = Command::new("make");
        if std::env::var_os("MAKEFLAGS").is_none() {
            make.arg(format!("-j{}", std::thread::available_parallelism().map_or(1, usize::from)));
        }
        output(make.arg("-s").args(targets).current_dir(&self.directory)).map(drop)
    }

    fn split(&self, verb: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.anymod);
        command.args(["split", verb]).args(arguments).current_dir(&self.directory);
        command
    }

    fn phase(&self, name: &'static str, options: &[&str]) -> Result<Row, String> {
        let out = format!("phases/{name}");
        let manifest = root().join("examples/cpython-split/anymod.toml");
        let copied = std::fs::copy(manifest, self.directory.join("anymod.toml"));
        copied.map_err(|error| error.to_string())?;
        self.settle(&out, options)?;
        let mut link = self.split("link", &["--out", &out, "--format", "json"]);
        let report: Value = serde_json::from_str(&output(link.args(options))?)
            .map_err(|error| format!("no report: {error}"))?;
        let report = &report["report"];
        let outputs = report["outputs"].as_array().ok_or("no outputs")?;
        let sizes: Vec<u64> = outputs.iter().filter_map(|row| row["size"].as_u64()).collect();
        let files: Vec<String> =
            outputs.iter().filter_map(|row| Some(row["file"].as_str()?.to_owned())).collect();
        self.finish(&out)?;
        self.check(&files, name)?;
        Ok(Row {
            name,
            host: sizes.first().copied().unwrap_or_default(),
            modules: sizes.iter().skip(1).sum(),
            moved: report["plan"]["moved"].as_u64().unwrap_or_default(),
            exports: report["verified"]["files"][0]["exports"].as_u64().unwrap_or_default(),
            tests: self.test(&out)?,
        })
    }

    /// Has CPython's own build compile modules as what they are in a phase: a module's objects are others than a part's.
    fn settle(&self, out: &str, options: &[&str]) -> Result<(), String> {
        // What it finds wrong may be what is put right here; the link looks again.
        let mut emit = self.split("emit", &["--out", out]);
        let emitted = emit.args(options).output().map_err(|error| error.to_string())?;
        let read = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
        let mut setup = read(self.directory.join(out).join("Setup.local"));
        if setup.is_empty() {
            return Err(String::from_utf8_lossy(&emitted.stderr).into_owned());
        }
        let known = read(self.source.join("Modules/Setup.stdlib.in"));
        setup += "*shared*\n";
        for helper in HELPERS {
            let line = known.lines().find_map(|line| line.rsplit_once('@')?.1.strip_prefix(helper));
            let line = line.filter(|rest| rest.starts_with(' ')).ok_or("no line of a helper")?;
            setup += &format!("{helper}{line}\n");
        }
        let objects = self.objects()?;
        let place = self.directory.join("Modules/Setup.local");
        if read(place.clone()) != setup {
            std::fs::write(&place, setup).map_err(|error| error.to_string())?;
            for object in &objects {
                let _ = std::fs::remove_file(self.directory.join(object));
            }
        }
        let mut targets = objects;
        targets.push("libpython3.13.a".to_owned());
        targets.extend(HELPERS.map(|name| format!("Modules/{name}{SUFFIX}")));
        self.make(&["Makefile".to_owned()])?;
        self.make(&targets)
    }

    /// The objects of all modules that the manifest names.
    fn objects(&self) -> Result<Vec<String>, String> {
        let text = std::fs::read_to_string(self.directory.join("anymod.toml"));
        let manifest: toml::Table = toml::from_str(&text.map_err(|error| error.to_string())?)
            .map_err(|error| error.to_string())?;
        let modules = manifest.get("split").and_then(|split| split.get("module"));
        let modules = modules.and_then(toml::Value::as_table).ok_or("no modules")?;
        let lists = modules.values().filter_map(|module| module.get("objects")?.as_array());
        Ok(lists.flatten().filter_map(|object| Some(object.as_str()?.to_owned())).collect())
    }

    /// What CPython looks for beside a program that is not installed: its configuration, and where its modules are.
    fn finish(&self, out: &str) -> Result<(), String> {
        let out = self.directory.join(out);
        let built = std::fs::read_to_string(self.directory.join("pybuilddir.txt"));
        let built = self.directory.join(built.map_err(|error| error.to_string())?.trim());
        let mut copies: Vec<PathBuf> =
            HELPERS.map(|name| self.directory.join(format!("Modules/{name}{SUFFIX}"))).to_vec();
        for entry in std::fs::read_dir(built).map_err(|error| error.to_string())?.flatten() {
            copies.extend(
                Some(entry.path()).filter(|path| path.extension().is_some_and(|e| e == "py")),
            );
        }
        for path in copies {
            let to = out.join(path.file_name().unwrap_or_default());
            std::fs::copy(&path, to).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        std::fs::write(out.join("pybuilddir.txt"), ".").map_err(|error| error.to_string())
    }

    /// `split verify` with the libraries, of which none may be there twice once they are all in the host, and `split probe`.
    fn check(&self, files: &[String], name: &str) -> Result<(), String> {
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let mut verify = self.split("verify", &files);
        let libraries = std::env::var("LIBRARIES");
        let libraries = libraries.as_deref().unwrap_or("/usr/lib/x86_64-linux-gnu");
        for library in ["z", "bz2", "lzma", "sqlite3", "ffi", "crypto", "ssl"] {
            verify.args(["--library", &format!("{libraries}/lib{library}.a")]);
        }
        let before = self.directory.join("phases/static/python");
        if before.is_file() {
            verify.arg("--before").arg(before);
        }
        // Where modules have libraries inside, two copies of what has no state are as planned, and a finding all the same.
        if !matches!(name, "bundled" | "group-a") {
            println!("{}", output(&mut verify)?);
        }
        if files.len() > 1 {
            println!("{}", output(&mut self.split("probe", &files))?);
        }
        Ok(())
    }

    /// Runs CPython's own tests with the host; how many ran, were skipped and failed.
    fn test(&self, out: &str) -> Result<String, String> {
        let out = self.directory.join(out);
        let mut command = Command::new(out.join("python"));
        command.args(["-m", "test", "-w"]).args(TESTS).current_dir(&out);
        let ran = command.output().map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&ran.stdout);
        let total = text.lines().rev().find_map(|line| line.strip_prefix("Total tests: "));
        let total = total.ok_or_else(|| format!("no total: {text}"))?;
        if !ran.status.success() {
            println!("{text}");
            return Ok(total.to_owned());
        }
        Ok(format!("{total} failed 0"))
    }
}

/// Runs a program; its output, or all that it said.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let ran = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    if ran.status.success() {
        return Ok(text);
    }
    Err(format!("{command:?}\n{text}{}", String::from_utf8_lossy(&ran.stderr)))
}

fn table(rows: &[Row]) -> String {
    let mut text = String::new();
    let mut line = |name: &str, cell: &dyn Fn(&Row) -> String| {
        let cells: Vec<String> = rows.iter().map(cell).collect();
        text += &format!("| {name} | {} |\n", cells.join(" | "));
    };
    line("", &|row| row.name.to_owned());
    line("---", &|_| "---:".to_owned());
    line("host", &|row| row.host.to_string());
    line("modules", &|row| row.modules.to_string());
    line("total", &|row| (row.host + row.modules).to_string());
    line("modules moved", &|row| row.moved.to_string());
    line("host exports", &|row| row.exports.to_string());
    line("tests", &|row| row.tests.clone());
    text
}
