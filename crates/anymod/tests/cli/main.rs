//! The command as a person meets it: every help text, what it says and its exit status, the shapes of JSON, colours, and
//! output that nobody reads. `BLESS=1` rewrites what is expected.
//!
//! - `tests/cases/cli/help/` holds the help of every command, long (`--help`) and short (`-h`).
//! - `tests/cases/cli/shapes/` holds the shape of every JSON output: a line for each key with the kind of its value.
//! - every other directory is a session: `session.console` and the files that it starts with. See [`session`].

mod help;
mod output;
mod session;
mod shapes;
#[path = "../support/mod.rs"]
mod support;
mod terminal;
mod watch;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use support::machine::repository;
use support::{Checked, ensure, read, write};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = vec![Trial::test("cli::help", || Ok(help::check()?))];
    trials.extend(shapes::trials());
    trials.extend(output::trials());
    trials.extend(terminal::trials());
    trials.extend(watch::trials());
    match session::trials() {
        Ok(sessions) => trials.extend(sessions),
        Err(error) => trials.push(Trial::test("cli::sessions", move || Err(error.into()))),
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A directory of what is expected.
fn expected(name: &str) -> PathBuf {
    repository().join("tests/cases/cli").join(name)
}

/// True if what is expected shall be rewritten.
fn bless() -> bool {
    std::env::var_os("BLESS").is_some_and(|value| value == "1")
}

/// Compares a text with a file, or writes the file.
fn golden(file: &Path, text: &str) -> Checked {
    if bless() {
        return write(file, text);
    }
    let expected = String::from_utf8_lossy(&read(file)?).into_owned();
    ensure(expected == text, || {
        format!(
            "{} (BLESS=1 rewrites it)\n--- expected\n{expected}\n--- found\n{text}",
            file.display()
        )
    })
}
