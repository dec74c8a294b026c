//! Running a program to its end.

use std::path::Path;
use std::process::{Command, Stdio};

use super::Checked;

/// A program that has ended.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    /// The command line, to repeat it by hand.
    pub(crate) command: String,
    /// Exit status; 128 plus its number after a signal, as shells say it.
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// Fails unless the status is 0.
    pub(crate) fn ok(self) -> Checked<Finished> {
        if self.status == 0 { Ok(self) } else { Err(self.to_string()) }
    }

    /// Everything it printed.
    pub(crate) fn output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl std::fmt::Display for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "status {} from: {}\n{}{}", self.status, self.command, self.stdout, self.stderr)
    }
}

/// Runs a program; only one that cannot be started is an error.
pub(crate) fn run(command: &mut Command) -> Checked<Finished> {
    let shown = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cannot start: {shown}: {error}"))?;
    let status = output.status.code().unwrap_or_else(|| {
        use std::os::unix::process::ExitStatusExt as _;
        128 + output.status.signal().unwrap_or_default()
    });
    Ok(Finished {
        command: shown,
        status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// The command under test, run in a directory.
pub(crate) fn anymod(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_anymod"));
    command.current_dir(directory).env("ANYMOD_HOME", super::machine::anymod_home());
    command.env("NO_COLOR", "1").env_remove("ANYMOD_TOOLCHAIN").env_remove("CLICOLOR_FORCE");
    // Nothing of the person who runs the tests; who tests the store names one of its own.
    command.env("ANYMOD_CONFIG", "none").env("ANYMOD_STORE", "off");
    command
}
