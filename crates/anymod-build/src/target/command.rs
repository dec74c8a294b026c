//! Running the package tools of the machine, as they are configured there.

use std::path::Path;
use std::process::{Command, Stdio};

use anymod_model::Diagnostic;
use anymod_model::codes::toolchain as codes;

use crate::environment::Environment;
use crate::install;

/// A command with the whole environment: registries, proxies and certificates are configured there.
pub(crate) fn command(program: &Path, environment: &Environment) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(environment.all()).stdin(Stdio::null());
    command
}

/// Runs a command to its end: what it wrote to its standard output.
///
/// # Errors
/// `T0011` with what it said, if it cannot be started or fails.
pub(crate) fn output(command: &mut Command, purpose: &str) -> Result<Vec<u8>, Diagnostic> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| {
        failed(purpose).note(format!("`{program}`: {}", install::reason(&error)))
    })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let mut finding = failed(purpose).note(format!("`{program}` ended with {}", output.status));
    let said = String::from_utf8_lossy(&output.stderr);
    for line in said.lines().filter(|line| !line.trim().is_empty()).take(8) {
        finding = finding.note(line.trim_end());
    }
    Err(finding)
}

/// The diagnostic of a step that failed.
pub(crate) fn failed(purpose: &str) -> Diagnostic {
    Diagnostic::error(&codes::TARGET_ADD, format!("cannot {purpose}"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_failure_tells_what_was_said() {
        let environment = Environment::default();
        let mut shell = command(Path::new("/bin/sh"), &environment);
        shell.args(["-c", "echo one >&2; echo >&2; echo two >&2; exit 3"]);
        let error = output(&mut shell, "ask").unwrap_err();
        assert_eq!((error.code.id, error.message.as_str()), ("T0011", "cannot ask"));
        assert_eq!(error.notes, ["`/bin/sh` ended with exit status: 3", "one", "two"]);
        let error = output(&mut command(Path::new("/no/such"), &environment), "ask").unwrap_err();
        assert_eq!(error.notes.len(), 1);
    }
}
