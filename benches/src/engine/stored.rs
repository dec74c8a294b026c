//! C files of about 10 KB: out of a warm store, and compiled with a store that has nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::project::{self, Project};
use super::{Engine, NO_STORE, graphs, quietly, row};
use crate::files::{make_dir, remove_dir};
use crate::measure::{Cost, Entrant, turns};

const PLAIN: &str = "ninja";
const CCACHE: &str = "ninja-ccache";
const SCCACHE: &str = "ninja-sccache";

/// How many files are taken out of a store.
const FILES: usize = 1000;
/// How many are compiled: every one takes a compiler a tenth of a second, in twenty builds.
const COLD_FILES: usize = 100;

/// Every result is in the store and nothing in the output directory.
pub(super) fn warm(engine: &Engine) -> Result<(), String> {
    let project = project::many_files(&engine.directory, FILES)?;
    let store = engine.directory.join("store").display().to_string();
    let stored = ["--store", &store];
    let ccache = Ccache(engine.directory.join("ccache"));
    let sccache = Sccache::start(&engine.directory.join("sccache"))?;
    graphs::write_ninja(engine, &project, CCACHE, "ccache")?;
    graphs::write_ninja(engine, &project, SCCACHE, "sccache")?;
    let ours = || engine.build(&project.root, &stored);
    let with_ccache = |targets: &[&str]| ccache.given(graphs::ninja(&project, CCACHE, targets));
    let with_sccache = |targets: &[&str]| sccache.given(graphs::ninja(&project, SCCACHE, targets));
    let forget_ours = || forget(&project, &["build", "dist"]);
    let forget_theirs = || forget_ninja(&project, &[CCACHE, SCCACHE]);
    // Twice: the second time tells that everything was there.
    for _ in 0..2 {
        forget_ours()?;
        forget_theirs()?;
        ccache.zero()?;
        sccache.zero()?;
        quietly(ours())?;
        quietly(with_ccache(&[]))?;
        quietly(with_sccache(&[]))?;
    }
    forget_ours()?;
    let notes = [hits(engine, &project, &stored)?, ccache.hits()?, sccache.hits()?];
    let mut medians = Vec::new();
    for targets in [&[][..], &["objects"]] {
        medians.push(turns(
            0,
            5,
            &mut [
                Entrant { step: vec![ours()], before: &forget_ours },
                Entrant { step: vec![with_ccache(targets)], before: &forget_theirs },
                Entrant { step: vec![with_sccache(targets)], before: &forget_theirs },
            ],
        )?);
    }
    for (costs, what) in medians.iter().zip(["", ", without the incumbent's link"]) {
        let name = format!("all hits, {FILES} files in a module{what}");
        row(&name, costs[0], "ninja + ccache", costs[1]);
        row(&name, costs[0], "ninja + sccache", costs[2]);
    }
    println!("\nhits: {}\n", notes.join("; "));
    Ok(())
}

/// Nothing is there, with and without a store; the same for ccache.
pub(super) fn cold(engine: &Engine) -> Result<(), String> {
    let project = project::many_files(&engine.directory, COLD_FILES)?;
    let directory = engine.directory.join("store-cold");
    let store = directory.display().to_string();
    let ccache = Ccache(engine.directory.join("ccache-cold"));
    graphs::write_ninja(engine, &project, PLAIN, "")?;
    graphs::write_ninja(engine, &project, CCACHE, "ccache")?;
    let forget_ours = || {
        remove_dir(&directory)?;
        forget(&project, &["build", "dist"])
    };
    let forget_theirs = || {
        remove_dir(&ccache.0)?;
        forget_ninja(&project, &[PLAIN, CCACHE])
    };
    let costs = turns(
        0,
        5,
        &mut [
            Entrant { step: vec![engine.build(&project.root, NO_STORE)], before: &forget_ours },
            Entrant {
                step: vec![engine.build(&project.root, &["--store", &store])],
                before: &forget_ours,
            },
            Entrant { step: vec![graphs::ninja(&project, PLAIN, &[])], before: &forget_theirs },
            Entrant {
                step: vec![ccache.given(graphs::ninja(&project, CCACHE, &[]))],
                before: &forget_theirs,
            },
        ],
    )?;
    row(&format!("cold, {COLD_FILES} files, no store"), costs[0], "ninja", costs[2]);
    row(&format!("cold, {COLD_FILES} files, store on"), costs[1], "ninja + ccache", costs[3]);
    println!();
    let more =
        |of: fn(Cost) -> f64, with: usize| (of(costs[with]) / of(costs[with - 1]) - 1.0) * 100.0;
    for (what, of) in [("wall", wall as fn(Cost) -> f64), ("processor", processor)] {
        let (ours, ccache) = (more(of, 1), more(of, 3));
        println!(
            "more {what} time with a store that is empty: ours {ours:+.1} %, ccache {ccache:+.1} %"
        );
    }
    Ok(())
}

fn wall(cost: Cost) -> f64 {
    cost.wall
}

fn processor(cost: Cost) -> f64 {
    cost.processor
}

/// Removes directories of a project, and lets the disk come to rest.
fn forget(project: &Project, directories: &[&str]) -> Result<(), String> {
    for directory in directories {
        remove_dir(&project.root.join(directory))?;
    }
    quietly(Command::new("sync"))
}

/// Removes what ninja made and what it noted down, but not its graph.
fn forget_ninja(project: &Project, directories: &[&str]) -> Result<(), String> {
    for directory in directories {
        let directory = project.root.join(directory);
        for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                remove_dir(&entry.path())?;
            } else if entry.file_name() != "build.ninja" {
                // What is in the way shows as a build that is not cold.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
    quietly(Command::new("sync"))
}

/// What our build says of its actions.
fn hits(engine: &Engine, project: &Project, stored: &[&str]) -> Result<String, String> {
    let mut build = engine.build(&project.root, stored);
    build.args(["--format", "json"]).stdin(Stdio::null());
    let output = build.output().map_err(|error| format!("cannot run {build:?}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    let number = |name: &str| {
        let rest = last.split_once(&format!("\"{name}\":")).map_or("?", |(_, rest)| rest);
        rest.split(|letter: char| !letter.is_ascii_digit()).next().unwrap_or("?").to_owned()
    };
    Ok(format!("ours {} and {} run", number("hits"), number("ran")))
}

/// A cache of ccache's own, as it comes.
struct Ccache(PathBuf);

impl Ccache {
    fn given(&self, mut command: Command) -> Command {
        command.env("CCACHE_DIR", &self.0);
        command
    }

    fn zero(&self) -> Result<(), String> {
        make_dir(&self.0)?;
        let mut command = self.given(Command::new("ccache"));
        command.arg("--zero-stats");
        quietly(command)
    }

    fn hits(&self) -> Result<String, String> {
        let mut command = self.given(Command::new("ccache"));
        let output = command.arg("--print-stats").output().map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let number = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or("?").trim().to_owned()
        };
        Ok(format!(
            "ccache {} direct, {} preprocessed, {} missed",
            number("direct_cache_hit"),
            number("preprocessed_cache_hit"),
            number("cache_miss")
        ))
    }
}

/// A server of sccache's own, on a port of its own, as long as this lives.
struct Sccache {
    directory: PathBuf,
    port: u16,
}

impl Sccache {
    fn start(directory: &Path) -> Result<Sccache, String> {
        make_dir(directory)?;
        let free = std::net::TcpListener::bind(("127.0.0.1", 0))
            .and_then(|listener| listener.local_addr())
            .map_err(|error| format!("no port for sccache: {error}"))?;
        let server = Sccache { directory: directory.to_owned(), port: free.port() };
        server.ask("--start-server")?;
        Ok(server)
    }

    fn given(&self, mut command: Command) -> Command {
        command.env("SCCACHE_DIR", &self.directory);
        command.env("SCCACHE_SERVER_PORT", self.port.to_string());
        // A server whose benchmark was killed ends by itself.
        command.env("SCCACHE_IDLE_TIMEOUT", "300");
        command
    }

    /// Runs sccache itself. The server that it may leave behind keeps no pipe of ours open.
    fn ask(&self, option: &str) -> Result<(), String> {
        let mut command = self.given(Command::new("sccache"));
        command.arg(option).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let status = command.status().map_err(|error| format!("cannot run sccache: {error}"))?;
        if status.success() { Ok(()) } else { Err(format!("sccache {option} failed: {status}")) }
    }

    fn zero(&self) -> Result<(), String> {
        self.ask("--zero-stats")
    }

    fn hits(&self) -> Result<String, String> {
        let mut command = self.given(Command::new("sccache"));
        let output = command.arg("--show-stats").output().map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let number = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|rest| rest.split_whitespace().last()).unwrap_or("?").to_owned()
        };
        Ok(format!("sccache {}, {} missed", number("Cache hits  "), number("Cache misses  ")))
    }
}

impl Drop for Sccache {
    fn drop(&mut self) {
        // If this fails, it stops by itself later.
        let _ = self.ask("--stop-server");
    }
}
