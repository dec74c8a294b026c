//! Running a runtime under Node: one process that boots it, does what a request says and tells each step.
//!
//! A module can do anything to the process that it is imported in: turn in circles, end it, print without end. So the
//! process has a group of its own that is ended with all of its children, every step has a time, what it says is kept
//! only in part, and the steps are told through a file of their own.

use std::collections::VecDeque;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anymod_model::Diagnostic;
use anymod_model::codes::probe as codes;
use serde::{Deserialize, Serialize};

use crate::cancel::Cancel;
use crate::environment::Environment;
use crate::install;

/// The program that Node runs.
const DRIVER: &str = include_str!("driver.mjs");

/// What the driver is to do.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Request {
    /// The directory with the runtime's package.
    pub(crate) runtime: PathBuf,
    /// The wheels of the runtime's own installer.
    pub(crate) installer: Vec<PathBuf>,
    /// File names of wheels to ask the installer about.
    pub(crate) names: Vec<String>,
    /// Wheels to install first.
    pub(crate) needs: Vec<PathBuf>,
    /// The wheel to install.
    pub(crate) wheel: Option<PathBuf>,
    /// Modules to import.
    pub(crate) modules: Vec<String>,
    /// Python code to run at the end.
    pub(crate) test: Option<Test>,
}

/// Python code to run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Test {
    /// What tracebacks call it.
    pub(crate) name: String,
    pub(crate) code: String,
}

impl Request {
    /// A request that only boots the runtime.
    pub(crate) fn boot(runtime: PathBuf, installer: Vec<PathBuf>) -> Request {
        Request {
            runtime,
            installer,
            names: Vec::new(),
            needs: Vec::new(),
            wheel: None,
            modules: Vec::new(),
            test: None,
        }
    }
}

/// What the driver tells.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Event {
    pub(crate) step: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) begins: bool,
    #[serde(default)]
    pub(crate) milliseconds: u64,
    pub(crate) error: Option<String>,
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It did everything.
    Whole,
    /// It ended before that.
    Broken(String),
    /// A step took longer than it may.
    TimedOut,
    /// Somebody wants no answer any more.
    Cancelled,
}

/// What became of a request.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) events: Vec<Event>,
    pub(crate) end: End,
    /// The last of what the process wrote.
    pub(crate) said: String,
}

/// Runs a request; no step may take longer than `timeout`.
///
/// # Errors
/// `R0005` if there is no Node; `B0003` if scratch files cannot be written.
pub(crate) fn run(
    request: &Request,
    timeout: Duration,
    environment: &Environment,
    cancel: &Cancel,
) -> Result<Outcome, Diagnostic> {
    let node = environment.find_program("node").ok_or_else(no_node)?;
    let scratch = tempfile::Builder::new().prefix("anymod-probe-").tempdir();
    let scratch = scratch.map_err(|error| install::write_error(&std::env::temp_dir(), &error))?;
    let place = |name: &str| scratch.path().join(name);
    let mut value = serde_json::to_value(request).unwrap_or_default();
    if let Some(object) = value.as_object_mut() {
        object.insert("results".to_owned(), place("results").display().to_string().into());
        object.insert("scratch".to_owned(), scratch.path().display().to_string().into());
    }
    install::write_scratch(&place("driver.mjs"), DRIVER)?;
    install::write_scratch(&place("request.json"), value.to_string())?;
    install::write_scratch(&place("results"), "")?;
    let mut command = std::process::Command::new(&node);
    command.arg(place("driver.mjs")).arg(place("request.json")).current_dir(scratch.path());
    command.env_clear().envs(environment.for_tools()).stdin(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let unusable = |error: std::io::Error| {
        let message = format!("`{}` cannot be run: {}", node.display(), install::reason(&error));
        Diagnostic::error(&codes::NODE, message).hint("install Node.js 20 or newer")
    };
    let (mut reader, writer) = std::io::pipe().map_err(unusable)?;
    command.stdout(writer.try_clone().map_err(unusable)?).stderr(writer);
    let mut child = command.spawn().map_err(unusable)?;
    // It holds our ends of the pipe, without whose closing the reading would not end.
    drop(command);
    let results = place("results");
    std::thread::scope(|scope| {
        let said = scope.spawn(move || tail(&mut reader));
        let ended = watch(&mut child, &results, timeout, cancel);
        end_group(&mut child);
        let end = match ended {
            Watched::Ended(status) => End::Broken(describe(status)),
            Watched::TimedOut => End::TimedOut,
            Watched::Cancelled => End::Cancelled,
        };
        let events = events(&results)?;
        let whole = events.last().is_some_and(|event| event.step == "end");
        let said = said.join().unwrap_or_default();
        Ok(Outcome { events, end: if whole { End::Whole } else { end }, said })
    })
}

fn no_node() -> Diagnostic {
    Diagnostic::error(&codes::NODE, "`node` is not on the `PATH`")
        .hint("install Node.js 20 or newer (`apt-get install nodejs`, or see https://nodejs.org)")
}

fn describe(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("the runtime ended with exit status {code}"),
        None => format!("the runtime was ended: {status}"),
    }
}

enum Watched {
    Ended(ExitStatus),
    TimedOut,
    Cancelled,
}

/// How often to look at a process.
const LOOKS: Duration = Duration::from_millis(10);

/// Waits for the process, as long as steps come in time.
fn watch(child: &mut Child, results: &Path, timeout: Duration, cancel: &Cancel) -> Watched {
    let (mut length, mut since) = (0, Instant::now());
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Watched::Ended(status),
            Ok(None) => {}
            Err(_) => return Watched::Cancelled,
        }
        if cancel.is_set() {
            return Watched::Cancelled;
        }
        let now = std::fs::metadata(results).map_or(0, |results| results.len());
        if now != length {
            (length, since) = (now, Instant::now());
        } else if since.elapsed() >= timeout {
            return Watched::TimedOut;
        }
        std::thread::sleep(LOOKS);
    }
}

/// Ends the process and all that it started.
fn end_group(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    // One that has just ended by itself is no error.
    let _ = child.kill();
    let _ = child.wait();
}

/// Most of what is kept of a process's output.
const KEPT: usize = 64 << 10;

/// Reads to the end and keeps the last part.
fn tail(reader: &mut std::io::PipeReader) -> String {
    let (mut kept, mut part) = (VecDeque::new(), vec![0; 1 << 16]);
    while let Ok(length) = reader.read(&mut part) {
        if length == 0 {
            break;
        }
        kept.extend(part.iter().take(length));
        kept.drain(..kept.len().saturating_sub(KEPT));
    }
    String::from_utf8_lossy(kept.make_contiguous()).into_owned()
}

/// The steps that were told. Half a line is of a process that was ended while it wrote.
fn events(results: &Path) -> Result<Vec<Event>, Diagnostic> {
    let text = install::read(results)?;
    let text = String::from_utf8_lossy(&text);
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}
