//! What a build shows on a terminal, on one that nobody watches, and on one without colours.

use std::fs::File;
use std::io::Read as _;
use std::process::{Command, Stdio};

use libtest_mimic::Trial;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::support::process::{anymod, run};
use crate::support::{Checked, ensure, scratch, write};

/// The trials of this module.
pub(crate) fn trials() -> Vec<Trial> {
    vec![Trial::test("cli::terminal", || Ok(terminal()?))]
}

const BUILD: [&str; 5] = ["build", "--toolchain", "gnu", "--target", "micropython-x64"];

/// Runs a command with a terminal of this width as its standard error: what it printed there.
fn on_terminal(command: &mut Command, columns: u16) -> Checked<String> {
    let failed = |error: rustix::io::Errno| error.to_string();
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).map_err(failed)?;
    grantpt(&ours).map_err(failed)?;
    unlockpt(&ours).map_err(failed)?;
    let name = ptsname(&ours, Vec::new()).map_err(failed)?;
    let name = name.to_string_lossy().into_owned();
    let theirs = File::options().read(true).write(true).open(name);
    let theirs = theirs.map_err(|error| error.to_string())?;
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&theirs, size).map_err(failed)?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(theirs);
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    // Its end of the terminal is closed when it ends, which is when there is no more to read.
    command.stderr(Stdio::null());
    let mut said = Vec::new();
    let mut ours = File::from(ours);
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = ours.read(&mut buffer) {
        said.extend_from_slice(buffer.get(..count).unwrap_or_default());
    }
    child.wait().map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

fn terminal() -> Checked {
    let place = scratch()?;
    let init = ["init", "--name", "fresh", ".", "--quiet"];
    run(anymod(place.path()).args(init))?.ok()?;
    let build = |variables: &[(&str, &str)], columns| {
        run(anymod(place.path()).args(["clean", "--quiet"]))?.ok()?;
        let mut command = anymod(place.path());
        command.env_remove("CI").env_remove("NO_COLOR").env("TERM", "xterm-256color");
        command.args(BUILD).envs(variables.iter().copied());
        on_terminal(&mut command, columns)
    };
    // Which moments of a run are drawn is the clock's business; that some are, and how far it then is, is not.
    let bar = |said: &str| said.contains("\u{1b}[2K") && said.contains("/3  ");
    let last = "1 module in place";

    let said = build(&[], 80)?;
    ensure(bar(&said) && said.contains(last), || format!("no bar: {said:?}"))?;
    ensure(!said.contains("compile    fresh  micropython-x64  fresh.c\r\n"), || {
        format!("what is done leaves no line: {said:?}")
    })?;
    // Colours end with `m`; a bar without them stays.
    let said = build(&[("NO_COLOR", "1")], 80)?;
    ensure(bar(&said), || format!("no bar: {said:?}"))?;
    ensure(!has_colour(&said), || format!("coloured: {said:?}"))?;
    for nobody in [("CI", "true"), ("TERM", "dumb")] {
        let said = build(&[nobody], 80)?;
        ensure(!said.contains('\u{1b}'), || format!("{nobody:?}: {said:?}"))?;
        let plain = "compile    fresh  micropython-x64  fresh.c\r\n";
        ensure(said.contains(plain) && said.contains(last), || format!("{nobody:?}: {said:?}"))?;
    }
    // What went wrong stays on the screen, once and as the compiler said it.
    write(&place.path().join("fresh.c"), "#error on purpose\n")?;
    let said = build(&[], 30)?;
    let count = said.matches("#error on purpose").count();
    ensure(said.contains("failed     compile    fresh") && count == 2, || format!("{said:?}"))
}

/// True if there is an escape sequence that sets colours.
fn has_colour(text: &str) -> bool {
    let mut sequences = text.split("\u{1b}[").skip(1);
    sequences.any(|rest| {
        rest.trim_start_matches(|l: char| l.is_ascii_digit() || l == ';').starts_with('m')
    })
}
