//! Where output goes and what it looks like there: colours, closed pipes, full disks.

use std::path::Path;
use std::process::{Command, Stdio};

use libtest_mimic::Trial;

use crate::support::process::{anymod, run};
use crate::support::{Checked, ensure, machine, program, read, scratch, write};

/// The trials of this module.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("cli::colours", || Ok(colours()?)),
        Trial::test("cli::closed-pipe", || Ok(closed_pipe()?)),
        Trial::test("cli::full-disk", || Ok(full_disk()?)),
        Trial::test("cli::quiet", || Ok(quiet()?)),
        Trial::test("cli::foreign-store", || Ok(foreign_store()?)),
    ]
}

/// Options, variables, and whether there is colour then.
type Colour = (&'static [&'static str], &'static [(&'static str, &'static str)], bool);

/// `--color` has the last word, then the environment; what is no terminal gets none.
fn colours() -> Checked {
    let error = ["mpy", "check", "nothing.mpy"];
    let cases: &[Colour] = &[
        (&[], &[], false),
        (&["--color", "always"], &[], true),
        (&["--color", "never"], &[("CLICOLOR_FORCE", "1")], false),
        (&[], &[("CLICOLOR_FORCE", "1")], true),
        (&[], &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false),
        (&["--color", "always"], &[("NO_COLOR", "1")], true),
    ];
    let place = scratch()?;
    for (options, variables, coloured) in cases {
        let mut command = anymod(place.path());
        command.env_remove("NO_COLOR").envs(variables.iter().copied()).args(error).args(*options);
        let said = run(&mut command)?;
        ensure(said.stderr.contains('\u{1b}') == *coloured, || {
            format!("expected colour: {coloured}, {said:?}")
        })?;
    }
    Ok(())
}

/// A reader that goes away ends the command without a word.
fn closed_pipe() -> Checked {
    let place = scratch()?;
    for arguments in [&["targets"][..], &["explain"], &["--help"], &["doctor", "--format", "json"]]
    {
        let mut command = anymod(place.path());
        let child = command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.map_err(|error| error.to_string())?;
        drop(child.stdout.take());
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure(
            said.is_empty()
                && output.status.code() != Some(101)
                && output.status.code() != Some(70),
            || format!("{arguments:?}: {:?} {said}", output.status),
        )?;
    }
    Ok(())
}

/// A report that cannot be written is an error.
fn full_disk() -> Checked {
    let place = scratch()?;
    for arguments in ["targets", "explain"] {
        let mut shell = Command::new("sh");
        shell.current_dir(place.path()).env("ANYMOD_HOME", machine::anymod_home());
        shell.args([
            "-c",
            "exec \"$0\" \"$1\" >/dev/full",
            env!("CARGO_BIN_EXE_anymod"),
            arguments,
        ]);
        let said = run(&mut shell)?;
        ensure(said.status != 0 && !said.stderr.contains("panicked"), || {
            format!("{arguments}: {said}")
        })?;
    }
    Ok(())
}

/// `--quiet` leaves errors only.
fn quiet() -> Checked {
    let place = scratch()?;
    run(anymod(place.path()).args(["init", "--name", "fresh", "."]))?.ok()?;
    let build = ["build", "--quiet", "--toolchain", "gnu", "--target", "micropython-x64"];
    let said = run(anymod(place.path()).args(build))?.ok()?;
    ensure(said.output().is_empty(), || said.to_string())?;
    let said = run(anymod(place.path()).args(["build", "--quiet", "--target", "micropython-z80"]))?;
    ensure(said.status == 2 && said.stderr.contains("error[B0009]"), || said.to_string())
}

/// A store of somebody else's, whose files may neither be linked nor changed, still gives them.
fn foreign_store() -> Checked {
    let place = scratch()?;
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    if !run(Command::new("setpriv").args(nobody).arg("true")).is_ok_and(|said| said.status == 0) {
        // Only root can be somebody else.
        return Ok(());
    }
    let manifest = "[artifact.a]\ninputs = [\"in\"]\noutputs = [\"out\"]\n";
    for tree in ["ours", "theirs"] {
        write(&place.path().join(tree).join("anymod.toml"), manifest)?;
        write(&place.path().join(tree).join("in"), "input")?;
    }
    let capture = ["cache", "capture", "--store", "store", "--manifest", "ours"];
    let make = ["--", "sh", "-c", "echo made > ours/out"];
    run(anymod(place.path()).args(capture).args(make))?.ok()?;
    let shell = "chmod 755 . && chown -R 65534 theirs && chmod -R go-w store";
    run(Command::new("sh").args(["-c", shell]).current_dir(place.path()))?.ok()?;
    // The command itself may lie where nobody else may look.
    let program = place.path().join("anymod");
    program::copy(Path::new(env!("CARGO_BIN_EXE_anymod")), &program);
    for link in ["hardlink", "reflink", "copy"] {
        let mut theirs = Command::new("setpriv");
        theirs.args(nobody).arg(&program).args(["cache", "populate", "--store", "store"]);
        theirs.args(["--manifest", "theirs"]).current_dir(place.path()).env("HOME", "/nonexistent");
        theirs.env("ANYMOD_CONFIG", "none").env("ANYMOD_STORE_LINK", link);
        let said = run(&mut theirs)?.ok()?;
        ensure(said.stdout.starts_with("populated  a  1 file"), || said.to_string())?;
        let out = place.path().join("theirs/out");
        ensure(read(&out)? == b"made\n", || "not what was kept".to_owned())?;
        std::fs::remove_file(out).map_err(|error| error.to_string())?;
    }
    Ok(())
}
