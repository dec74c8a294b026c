//! Running commands one after the other, so that they end with all that they started when the run is interrupted.

use std::process::{Command, ExitStatus};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use anymod_model::Diagnostic;
use anymod_model::codes::wheel as codes;

use crate::cancel::Cancel;
use crate::children::{Children, Stop};
use crate::install;
use crate::project::interrupted;

/// How long to wait between looks whether the run was interrupted.
const TICK: Duration = Duration::from_millis(50);
/// How long processes are given to end before they are ended.
const GRACE: Duration = Duration::from_millis(1500);

/// Runs commands until the run is interrupted.
pub(crate) struct Runner<'a> {
    cancel: &'a Cancel,
    children: Children,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// What it said on both outputs, in the order in which it did, or besides its output.
    pub(crate) said: String,
}

impl<'a> Runner<'a> {
    pub(crate) fn new(cancel: &'a Cancel) -> Runner<'a> {
        Runner { cancel, children: Children::default() }
    }

    /// Runs a command to its end, whatever its status is.
    ///
    /// # Errors
    /// `W0101` if it cannot be started, `B0013` if the run was interrupted.
    pub(crate) fn run(&self, command: Command) -> Result<Ended, Diagnostic> {
        let program = command.get_program().to_string_lossy().into_owned();
        self.run_or(command, |reason| {
            let message = format!("cannot run `{program}`: {reason}");
            Diagnostic::error(&codes::START, message)
                .hint("look whether the program works by itself")
        })
    }

    /// The same with a diagnostic of one's own for a command that cannot be started, made from the reason.
    ///
    /// # Errors
    /// That one; `B0013` if the run was interrupted.
    pub(crate) fn run_or(
        &self,
        command: Command,
        unusable: impl FnOnce(String) -> Diagnostic,
    ) -> Result<Ended, Diagnostic> {
        let (status, said) = self.watched(|| self.children.run(command), unusable)?;
        Ok(Ended { status, said })
    }

    /// The same for a command that writes a file to its output: that file, and how the command ended.
    ///
    /// # Errors
    /// As `run_or`.
    pub(crate) fn output_or(
        &self,
        command: Command,
        unusable: impl FnOnce(String) -> Diagnostic,
    ) -> Result<(Vec<u8>, Ended), Diagnostic> {
        let (status, output, said) = self.watched(|| self.children.run_apart(command), unusable)?;
        Ok((output, Ended { status, said }))
    }

    /// Runs a command by `run`, and ends it when the run is interrupted.
    fn watched<T>(
        &self,
        run: impl FnOnce() -> std::io::Result<T>,
        unusable: impl FnOnce(String) -> Diagnostic,
    ) -> Result<T, Diagnostic> {
        self.check()?;
        let (finished, wait) = channel::<()>();
        let ended = std::thread::scope(|scope| {
            scope.spawn(move || {
                while wait.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                    if self.cancel.is_set() {
                        self.children.stop(Stop::Politely);
                        if wait.recv_timeout(GRACE) == Err(RecvTimeoutError::Timeout) {
                            self.children.stop(Stop::AtOnce);
                        }
                        return;
                    }
                }
            });
            let ended = run();
            drop(finished);
            ended
        });
        self.check()?;
        ended.map_err(|error| unusable(install::reason(&error)))
    }

    /// # Errors
    /// `B0013` if the run was interrupted.
    pub(crate) fn check(&self) -> Result<(), Diagnostic> {
        if self.cancel.is_set() { Err(interrupted()) } else { Ok(()) }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;
    use std::time::Instant;

    #[test]
    fn an_interrupted_command_is_ended_with_what_it_started() {
        let cancel = Cancel::default();
        let runner = Runner::new(&cancel);
        let clock = Instant::now();
        let failed = std::thread::scope(|scope| {
            let running = scope.spawn(|| {
                let mut command = Command::new("sh");
                command.args(["-c", "sleep 100 & sleep 100"]);
                runner.run(command)
            });
            std::thread::sleep(Duration::from_millis(100));
            cancel.flag().store(2, Ordering::Relaxed);
            running.join().unwrap().unwrap_err()
        });
        assert_eq!(failed.code.id, "B0013");
        assert!(clock.elapsed() < Duration::from_secs(20));
        assert!(runner.run(Command::new("true")).is_err(), "nothing is started afterwards");
    }
}
