//! `cargo xtask remote-farm`: BuildGrid on PostgreSQL and two workers in sandboxes, on loopback; a project of 240 compilations
//! is built there, and once more while one of the workers is killed. Both times the bytes have to be those of a build here.
//! Prints the table of `docs/guide/remote.md`.
//!
//! Minutes, of which the first time most are downloads. Needs bubblewrap and PostgreSQL of the machine.

mod project;
mod servers;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;
use servers::{Place, Worker};

use crate::cpython::output;
use crate::suite::anymod;

const WORKERS: [&str; 2] = ["worker-1", "worker-2"];
/// Seconds after which a worker that is not heard of is taken to be gone.
const KEEPALIVE: u32 = 15;
/// Seconds within which a build has to end, whatever becomes of the workers.
const DEADLINE: &str = "900";
/// So many actions of the worker that is killed are done before.
const BEFORE_DEATH: usize = 20;

/// What came of a build.
#[derive(Default)]
struct Row {
    name: &'static str,
    /// How many compilations each worker did.
    by_worker: BTreeMap<String, usize>,
    here: usize,
    seconds: f64,
    /// How long each action waited for a worker, in microseconds.
    queued: Vec<u64>,
}

/// Builds with the farm, twice.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    if !arguments.is_empty() {
        return Err("usage: cargo xtask remote-farm".to_owned());
    }
    let anymod = anymod()?;
    output(Command::new(&anymod).args(["--quiet", "toolchain", "install", "zig"]))?;
    let directory = tempfile::Builder::new().prefix("anymod-remote-farm-").tempdir();
    let directory = directory.map_err(|error| error.to_string())?;
    let place = Place::new(directory.path())?;
    let (_database, sql) = place.database()?;
    let (_scheduler, port) = place.scheduler(sql, KEEPALIVE)?;
    let workers = WORKERS.map(|name| (name, place.worker(name, port)));
    let mut workers = workers
        .into_iter()
        .map(|(name, worker)| Ok((name, worker?)))
        .collect::<Result<_, String>>()?;
    let build = Build { anymod, directory: directory.path().to_owned(), port };
    output(&mut build.check())?;
    let all = build.run("both work", 1, &mut workers, None)?;
    let one = build.run("one is killed", 2, &mut workers, Some(WORKERS[0]))?;
    let rows = [all, one];
    println!("{}", table(&rows));
    judge(&rows)
}

/// What is built, with what and where.
struct Build {
    anymod: PathBuf,
    directory: PathBuf,
    port: u16,
}

impl Build {
    fn endpoint(&self) -> String {
        format!("grpc://127.0.0.1:{}", self.port)
    }

    fn check(&self) -> Command {
        let mut check = Command::new(&self.anymod);
        check.args(["remote", "check", "--remote-mode", "read-write", "--remote"]);
        check.arg(self.endpoint());
        check
    }

    /// `anymod build` in a directory, given up at the deadline.
    fn command(&self, root: &Path) -> Command {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", DEADLINE]).arg(&self.anymod);
        command.args(["build", "--quiet", "--toolchain", "zig"]).current_dir(root);
        // What a user of this machine has configured stays out.
        command.env_remove("ANYMOD_STORE").env_remove("ANYMOD_REMOTE");
        command
    }

    /// Builds a project here and with the workers, and compares. A worker that is named is killed in the middle.
    fn run(
        &self,
        name: &'static str,
        salt: u32,
        workers: &mut BTreeMap<&'static str, Worker>,
        victim: Option<&str>,
    ) -> Result<Row, String> {
        println!("==> {name}");
        let [here, there] =
            ["here", "there"].map(|place| self.directory.join(format!("{place}-{salt}")));
        project::write(&here, salt)?;
        project::write(&there, salt)?;
        output(self.command(&here).arg("--no-store"))?;
        let mut remote = self.command(&there);
        remote.args(["--store", "store", "--remote-exec", "--format", "json", "--remote"]);
        let begun = Instant::now();
        let mut running = remote.arg(self.endpoint()).stdout(Stdio::piped()).spawn();
        let running = running.as_mut().map_err(|error| error.to_string())?;
        let mut row = Row { name, ..Row::default() };
        for line in BufReader::new(running.stdout.take().ok_or("no output")?).lines() {
            row.note(&line.map_err(|error| error.to_string())?);
            if let Some(victim) = victim
                && row.by_worker.get(victim).is_some_and(|done| *done >= BEFORE_DEATH)
                && workers.remove(victim).is_some()
            {
                println!("{victim} is killed after {:.1} s", begun.elapsed().as_secs_f64());
            }
        }
        let ended = running.wait().map_err(|error| error.to_string())?;
        row.seconds = begun.elapsed().as_secs_f64();
        if !ended.success() {
            return Err(format!("the build ended with {ended}"));
        }
        // Nothing is told if nothing differs.
        output(Command::new("diff").arg("-r").args([here.join("dist"), there.join("dist")]))?;
        Ok(row)
    }
}

impl Row {
    /// Takes note of an event.
    fn note(&mut self, line: &str) {
        let event: Value = serde_json::from_str(line).unwrap_or_default();
        if event["event"] != "action-finished" || event["kind"] != "compile" {
            return;
        }
        match event["remote"]["worker"].as_str() {
            Some(worker) => {
                *self.by_worker.entry(worker.to_owned()).or_default() += 1;
                self.queued.push(event["remote"]["queued"].as_u64().unwrap_or_default());
            }
            None => self.here += 1,
        }
    }

    fn done(&self, worker: &str) -> usize {
        self.by_worker.get(worker).copied().unwrap_or_default()
    }
}

/// What has to hold: all was done by the workers, by both if both live, and by the one that is left what the other did not do.
fn judge(rows: &[Row; 2]) -> Result<(), String> {
    for row in rows {
        let [first, second] = WORKERS.map(|worker| row.done(worker));
        if row.here > 0 {
            return Err(format!("{}: {} compilations were done here", row.name, row.here));
        }
        if first < BEFORE_DEATH || second < first.max(BEFORE_DEATH) / 3 {
            return Err(format!("{}: {first} and {second} compilations are not spread", row.name));
        }
    }
    Ok(())
}

fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "\n| | compilations | {} | {} | here | s | median in queue, s | longest, s |\n|---|---:|---:|---:|---:|---:|---:|---:|\n",
        WORKERS[0], WORKERS[1]
    );
    for row in rows {
        let [first, second] = WORKERS.map(|worker| row.done(worker));
        let mut queued: Vec<f64> = row.queued.iter().map(|time| *time as f64 / 1e6).collect();
        queued.sort_by(f64::total_cmp);
        let at = |place: usize| queued.get(place).copied().unwrap_or_default();
        let (median, longest) = (at(queued.len() / 2), at(queued.len().saturating_sub(1)));
        text += &format!(
            "| {} | {} | {first} | {second} | {} | {:.1} | {median:.1} | {longest:.1} |\n",
            row.name,
            first + second + row.here,
            row.here,
            row.seconds,
        );
    }
    text
}
