//! Running the target's tools: their output goes where ours does, and is kept if that is asked for.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use super::response;
use super::text::joined;

/// Variables that give compilers more places to search or more options; those that are set are for the build machine's.
const NOT_PASSED: &[&str] = &[
    "CPATH",
    "C_INCLUDE_PATH",
    "CPLUS_INCLUDE_PATH",
    "OBJC_INCLUDE_PATH",
    "LIBRARY_PATH",
    "LD_RUN_PATH",
    "COMPILER_PATH",
    "GCC_EXEC_PREFIX",
    "GCC_COMPARE_DEBUG",
    "DEPENDENCIES_OUTPUT",
    "SUNPRO_DEPENDENCIES",
    "CCC_OVERRIDE_OPTIONS",
    "CL",
    "MACOSX_DEPLOYMENT_TARGET",
    "SDKROOT",
];

/// How a tool ended.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    /// Its exit status; 128 and the signal that killed it.
    pub(crate) exit: i32,
    /// The signal that killed it.
    pub(crate) signal: Option<i32>,
    /// What it said on its standard output, if that was kept.
    pub(crate) output: Vec<u8>,
    /// What it said on its error output, if that was kept.
    pub(crate) said: Vec<u8>,
}

/// What tools are given of the environment, besides what they inherit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    /// The `PATH` without our own directory; none if it is not on it.
    path: Option<OsString>,
    /// Variables that are set.
    pub(crate) set: Vec<(&'static str, OsString)>,
}

/// What `__DATE__` and `__TIME__` stand for, so that objects do not depend on the clock.
const EPOCH: &str = "SOURCE_DATE_EPOCH";

impl Surroundings {
    /// What the dates in objects are made of.
    pub(crate) fn epoch(&self) -> OsString {
        let set = self.set.iter().find(|(name, _)| *name == EPOCH).map(|(_, value)| value.clone());
        set.or_else(|| std::env::var_os(EPOCH)).unwrap_or_default()
    }

    /// Those of this process, whose names are in the directory `bin`.
    pub(crate) fn of_process(bin: &Path) -> Surroundings {
        let mut set = Vec::new();
        if std::env::var_os(EPOCH).is_none_or(|epoch| epoch.is_empty()) {
            set.push((EPOCH, OsString::from("0")));
        }
        Surroundings { path: without(std::env::var_os("PATH"), bin), set }
    }

    /// The program of this name that comes next on the `PATH`.
    pub(crate) fn find(&self, name: &str) -> Option<PathBuf> {
        let path = self.path.as_ref()?;
        std::env::split_paths(path)
            .map(|directory| directory.join(name))
            .find(|file| file.is_file())
    }
}

/// A `PATH` without a directory; none if it was not on it.
fn without(path: Option<OsString>, directory: &Path) -> Option<OsString> {
    let path = path?;
    let all: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let kept = || all.iter().filter(|entry| *entry != directory);
    if kept().count() == all.len() {
        return None;
    }
    std::env::join_paths(kept()).ok()
}

/// More bytes of arguments than these go into a response file, because systems limit a command line.
const LONG: usize = 100_000;

/// Runs a tool to its end. What it says goes to our own outputs as it comes; with `keeps` it is kept as well.
pub(crate) fn run(
    words: &[OsString],
    surroundings: &Surroundings,
    keeps: bool,
) -> std::io::Result<Ended> {
    let mut words = words.iter();
    let mut command = Command::new(words.next().map_or(OsStr::new(""), OsString::as_os_str));
    let arguments: Vec<&OsStr> = words.map(OsString::as_os_str).collect();
    let mut file = None;
    if arguments.iter().map(|word| word.len() + 1).sum::<usize>() > LONG {
        let mut response = tempfile::Builder::new().prefix("anymod-").suffix(".rsp").tempfile()?;
        response.write_all(&response::join(arguments))?;
        command.arg(joined("@", response.path()));
        file = Some(response);
    } else {
        command.args(arguments);
    }
    for name in NOT_PASSED {
        command.env_remove(name);
    }
    if let Some(path) = &surroundings.path {
        command.env("PATH", path);
    }
    command.envs(surroundings.set.iter().map(|(name, value)| (name, value)));
    let ended = if keeps { listen(command) } else { command.status().map(of_status) };
    drop(file);
    ended
}

fn of_status(status: ExitStatus) -> Ended {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    let exit = status.code().unwrap_or_else(|| signal.map_or(70, |signal| 128 + signal));
    Ended { exit, signal, ..Ended::default() }
}

/// Runs a command, passes on what it says and keeps it.
fn listen(mut command: Command) -> std::io::Result<Ended> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let (output, said) = both(output, errors);
    Ok(Ended { output, said, ..of_status(child.wait()?) })
}

/// What comes out of two pipes until both are closed, passed on as it comes.
#[cfg(unix)]
fn both(
    output: Option<std::process::ChildStdout>,
    errors: Option<std::process::ChildStderr>,
) -> (Vec<u8>, Vec<u8>) {
    use rustix::event::{PollFd, PollFlags, poll};
    use std::os::fd::OwnedFd;
    let mut pipes: Vec<(OwnedFd, bool)> = Vec::new();
    pipes.extend(output.map(|pipe| (OwnedFd::from(pipe), false)));
    pipes.extend(errors.map(|pipe| (OwnedFd::from(pipe), true)));
    let (mut output, mut said) = (Vec::new(), Vec::new());
    let mut part = [0; 8 << 10];
    while !pipes.is_empty() {
        let mut polled: Vec<PollFd<'_>> =
            pipes.iter().map(|(pipe, _)| PollFd::new(pipe, PollFlags::IN)).collect();
        match poll(&mut polled, None) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => break,
            Ok(_) => {}
        }
        let ready: Vec<bool> = polled.iter().map(|polled| !polled.revents().is_empty()).collect();
        drop(polled);
        let mut ready = ready.into_iter();
        pipes.retain(|(pipe, is_errors)| {
            if !ready.next().unwrap_or(false) {
                return true;
            }
            let length = rustix::io::read(pipe, &mut part).unwrap_or(0);
            let part = part.get(..length).unwrap_or_default();
            // Whoever closed our output does not want to know.
            if *is_errors {
                let _ = std::io::stderr().write_all(part);
                said.extend(part);
            } else {
                let _ = std::io::stdout().write_all(part).and_then(|()| std::io::stdout().flush());
                output.extend(part);
            }
            length > 0
        });
    }
    (output, said)
}

#[cfg(not(unix))]
fn both(
    output: Option<impl std::io::Read + Send>,
    errors: Option<impl std::io::Read>,
) -> (Vec<u8>, Vec<u8>) {
    std::thread::scope(|scope| {
        let output = scope.spawn(|| pass_on(output, &mut std::io::stdout()));
        let said = pass_on(errors, &mut std::io::stderr());
        (output.join().unwrap_or_default(), said)
    })
}

#[cfg(not(unix))]
fn pass_on(from: Option<impl std::io::Read>, to: &mut dyn std::io::Write) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut from) = from else { return kept };
    let mut part = [0; 8 << 10];
    while let Ok(length) = from.read(&mut part) {
        let Some(part) = part.get(..length).filter(|part| !part.is_empty()) else { break };
        // Whoever closed our output does not want to know.
        let _ = to.write_all(part).and_then(|()| to.flush());
        kept.extend(part);
    }
    kept
}

/// Ends this process as its tool was ended, so that whoever waits for us learns of it. Returns if that is not possible.
#[cfg(unix)]
pub(crate) fn end_by(signal: i32) {
    use rustix::process::{Signal, getpid, kill_process};
    if let Some(signal) = Signal::from_named_raw(signal) {
        let _ = kill_process(getpid(), signal);
    }
}

#[cfg(not(unix))]
pub(crate) fn end_by(_signal: i32) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_directory_is_taken_from_the_path() {
        let bin = Path::new("/build/bin");
        let path = |text: &str| without(Some(text.into()), bin);
        assert_eq!(path("/a:/build/bin:/b:/build/bin/"), Some("/a:/b".into()));
        assert_eq!(path("/a:/b"), None);
        assert_eq!(without(None, bin), None);
    }

    #[cfg(unix)]
    #[test]
    fn status_signals_and_words_come_through() {
        let run = |script: &str| {
            let words = ["sh", "-c", script].map(OsString::from);
            super::run(&words, &Surroundings::default(), true).unwrap()
        };
        let ended = run("echo out; echo err >&2; exit 3");
        assert_eq!((ended.exit, ended.signal), (3, None));
        assert_eq!(
            (ended.output.as_slice(), ended.said.as_slice()),
            (&b"out\n"[..], &b"err\n"[..])
        );
        assert_eq!(run("kill -TERM $$").signal, Some(15));
    }
}
