//! Runs the commands that `README.md`, the pages of `docs/` and an example's page show and compares their output with the output shown.
//!
//! A page is a session: its blocks run from top to bottom in one shell, which starts in a directory that looks like a
//! clone of the repository (`examples/`, `tests/` and `dev`). The language of `examples/qrcode` is on the path: cargo builds it
//! beside the command under test. What counts in a page:
//!
//! - a fenced block `console`: a line `$ COMMAND`, continued by lines `> MORE` after a `\`, and below it the output,
//!   standard error included. `...` on a line of its own stands for any lines, `[..]` for anything within a line.
//!   In a block `console about`, numbers may be off by a tenth, as sizes are from one compiler to the next.
//! - a fenced block with `title=PATH` after its language: a file that the reader writes.
//!
//! A command whose status is not 0 shows a line that begins with `error`, or is followed by `$ echo $?`.
//! `BLESS=1` writes the real output into the pages; the elisions that still fit stay.

mod support;

use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Trial};
use snapbox::Data;
use snapbox::filter::NormalizeToExpected;
use support::machine::{anymod_home, component, micropython, repository};
use support::process::run;
use support::{Checked, ensure, scratch, write};

fn main() -> ExitCode {
    let mut pages = ["README.md", "docs/walkthrough.md", "examples/qrcode/README.md"]
        .map(str::to_owned)
        .to_vec();
    let guide = repository().join("docs/guide");
    for entry in std::fs::read_dir(&guide).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") {
            pages.push(format!("docs/guide/{name}"));
        }
    }
    pages.sort();
    let trials = pages.into_iter().map(|page| {
        let name = format!("guide::{page}");
        Trial::test(name, move || Ok(check(&page)?))
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// What a reader does at one place of a page.
enum Step {
    /// Writes a file.
    File { path: String, text: String },
    /// Types a command. `output` is where its output stands, in lines of the page; `about` allows other numbers.
    Command { line: usize, typed: String, output: Range<usize>, about: bool },
}

/// Reads the steps out of a page.
fn steps(lines: &[&str]) -> Checked<Vec<Step>> {
    let mut steps = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        at += 1;
        let Some(info) = line.strip_prefix("```") else { continue };
        let length = lines.iter().skip(at).position(|line| *line == "```");
        let end = at + length.ok_or_else(|| format!("line {at}: the block does not end"))?;
        let title = info.split_whitespace().find_map(|word| word.strip_prefix("title="));
        if let Some(path) = title {
            let text = lines.get(at..end).unwrap_or_default().join("\n") + "\n";
            steps.push(Step::File { path: path.to_owned(), text });
        } else if info == "console" || info == "console about" {
            commands(lines, at..end, info != "console", &mut steps)?;
        }
        at = end + 1;
    }
    Ok(steps)
}

/// Reads the commands of a block.
fn commands(lines: &[&str], block: Range<usize>, about: bool, steps: &mut Vec<Step>) -> Checked {
    let mut at = block.start;
    while at < block.end {
        let line = at;
        let typed = lines.get(at).and_then(|line| line.strip_prefix("$ "));
        let mut typed = typed.ok_or_else(|| format!("line {}: not a command", at + 1))?.to_owned();
        at += 1;
        while typed.ends_with('\\')
            && let Some(more) = lines.get(at).and_then(|line| line.strip_prefix("> "))
        {
            let _ = write!(typed, "\n{more}");
            at += 1;
        }
        let start = at;
        while at < block.end && lines.get(at).is_some_and(|line| !line.starts_with("$ ")) {
            at += 1;
        }
        steps.push(Step::Command { line: line + 1, typed, output: start..at, about });
    }
    Ok(())
}

/// Stands before and behind the status of each command in the shell's output.
const MARK: char = '\u{1e}';

/// The shell script that does all steps.
fn script(steps: &[Step]) -> String {
    let mut script = String::from("exec 2>&1 </dev/null\n");
    for step in steps {
        match step {
            Step::File { path, text } => {
                let _ = writeln!(script, "mkdir -p \"$(dirname '{path}')\"");
                let _ = writeln!(script, "cat >'{path}' <<'END-OF-FILE'\n{text}END-OF-FILE");
            }
            Step::Command { typed, .. } => {
                let _ = writeln!(script, "{typed}\nstatus=$?");
                let _ = writeln!(script, "printf '{MARK}%s{MARK}' $status; (exit $status)");
            }
        }
    }
    script
}

/// Makes a directory look like a clone of the repository.
fn clone(directory: &Path) -> Checked {
    let repository = repository();
    let copied = run(Command::new("cp").arg("-R").arg(repository.join("examples")).arg(directory))?;
    copied.ok()?;
    std::os::unix::fs::symlink(repository.join("tests"), directory.join("tests"))
        .map_err(|error| format!("cannot link tests/: {error}"))?;
    let dev = format!("#!/bin/sh\nexec '{}/dev' \"$@\"\n", repository.display());
    write(&directory.join("dev"), dev)?;
    run(Command::new("chmod").arg("+x").arg(directory.join("dev")))?.ok()?;
    Ok(())
}

/// Runs a script in a directory, with the command under test first on the path.
fn shell(directory: &Path, script: &str) -> Checked<String> {
    let file = directory.with_file_name("session.sh");
    write(&file, script)?;
    let anymod = Path::new(env!("CARGO_BIN_EXE_anymod"));
    let mut path = vec![anymod.parent().map(PathBuf::from).unwrap_or_default()];
    // bun, esbuild and postject, which readers have from npm.
    path.push(component("node-tools")?.join("node_modules/.bin"));
    // A server of the Remote Execution API.
    path.push(component("buildbox")?);
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let path = std::env::join_paths(path).map_err(|error| error.to_string())?;
    let mut command = Command::new("bash");
    command.arg(file).current_dir(directory).env("PATH", path).env("LC_ALL", "C.UTF-8");
    command.env("ANYMOD_HOME", anymod_home()).env("MPY_DIR", micropython()?).env("NO_COLOR", "1");
    // Each page begins with an empty store, as its first reader does, and with nothing of the person who runs the tests.
    command.env("ANYMOD_STORE", directory.with_file_name("store")).env("ANYMOD_CONFIG", "none");
    for name in [
        "ANYMOD_TOOLCHAIN",
        "ANYMOD_JOBS",
        "ANYMOD_KEEP_GOING",
        "CLICOLOR_FORCE",
        "MAKEFLAGS",
        "CFLAGS",
    ] {
        command.env_remove(name);
    }
    Ok(run(&mut command)?.ok()?.stdout)
}

/// Without spaces at the ends of lines and empty lines at the end.
fn trimmed(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim_end().to_owned()
}

/// Runs a page and compares, or with `BLESS` writes what differs.
fn check(page: &str) -> Checked {
    let file = repository().join(page);
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{page}: {error}"))?;
    let mut lines: Vec<&str> = text.lines().collect();
    let steps = steps(&lines).map_err(|error| format!("{page}: {error}"))?;
    let scratch = scratch()?;
    let directory = scratch.path().join("anymod");
    std::fs::create_dir(&directory).map_err(|error| error.to_string())?;
    clone(&directory)?;
    let printed = shell(&directory, &script(&steps))?;
    let mut parts = printed.split(MARK);

    let bless = std::env::var_os("BLESS").is_some();
    let mut report = String::new();
    let mut replaced: Vec<(Range<usize>, String)> = Vec::new();
    for step in &steps {
        let Step::Command { line, typed, output, about } = step else { continue };
        let (Some(printed), Some(status)) = (parts.next(), parts.next()) else {
            return Err(format!("{page}:{line}: the session ended before this command\n{report}"));
        };
        let shown = trimmed(&lines.get(output.clone()).unwrap_or_default().join("\n"));
        let followed = lines.get(output.end).is_some_and(|line| *line == "$ echo $?");
        let failure = followed || shown.lines().any(|line| line.starts_with("error"));
        if let Some((difference, printed)) = differ(&shown, &trimmed(printed), *about && !bless)? {
            let _ = writeln!(report, "{page}:{line}: {typed}\n{difference}");
            replaced.push((output.clone(), printed));
        } else if status != "0" && !failure || status == "0" && failure && !followed {
            let _ = writeln!(report, "{page}:{line}: {typed}\nexit status {status}");
        }
    }
    if !bless {
        return ensure(report.is_empty(), || format!("{report}\n`BLESS=1` rewrites the page"));
    }
    for (range, output) in replaced.iter().rev() {
        lines.splice(range.clone(), output.lines());
    }
    write(&file, lines.join("\n") + "\n")
}

/// If an output is not the one shown: the difference, and the output with the elisions that fit.
fn differ(shown: &str, printed: &str, about: bool) -> Checked<Option<(String, String)>> {
    let shown = Data::text(shown.to_owned());
    let printed = Data::text(printed.to_owned());
    let printed = NormalizeToExpected::new().redact().normalize(printed, &shown);
    let texts = (shown.render().unwrap_or_default(), printed.render().unwrap_or_default());
    if texts.0 == texts.1 || about && alike(&texts.0, &texts.1) {
        return Ok(None);
    }
    let mut report = String::new();
    let palette = snapbox::report::Palette::plain();
    let (page, real) =
        (&"the page" as &dyn std::fmt::Display, &"printed" as &dyn std::fmt::Display);
    snapbox::report::write_diff(&mut report, &shown, &printed, Some(page), Some(real), palette)
        .map_err(|error| error.to_string())?;
    Ok(Some((report, texts.1)))
}

/// True if two texts have the same words, numbers being off by a tenth at most.
fn alike(shown: &str, printed: &str) -> bool {
    let number = |word: &str| word.trim_matches(['(', ')', ',', '%']).parse::<f64>().ok();
    let words = |text: &str| text.lines().map(|line| line.split_whitespace().count()).collect();
    let counts: (Vec<usize>, Vec<usize>) = (words(shown), words(printed));
    let mut pairs = shown.split_whitespace().zip(printed.split_whitespace());
    counts.0 == counts.1
        && pairs.all(|(one, other)| match (number(one), number(other)) {
            (Some(a), Some(b)) => (a - b).abs() <= 0.1 * a.abs().max(b.abs()),
            _ => one == other,
        })
}
