//! Sessions at a shell, written down.
//!
//! ```text
//! # a comment
//! $ anymod mpy check nothing.mpy
//! error[B0002]: …
//! ? 2
//! ```
//!
//! Each command runs in the shell, in one directory, which at the beginning holds the other files of the session's directory.
//! What it prints, on both outputs, follows it, and `? STATUS` if that is not 0. In what is expected `[..]` stands for
//! anything in a line and a line `...` for any lines.

use std::path::Path;
use std::process::Command;

use libtest_mimic::Trial;

use crate::support::process::run;
use crate::support::{Checked, ensure, machine, read, scratch, write};
use crate::{bless, expected};

/// A trial for each directory with a session.
pub(crate) fn trials() -> Checked<Vec<Trial>> {
    let entries = std::fs::read_dir(expected("")).map_err(|error| error.to_string())?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("session.console").is_file())
        .map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names
        .into_iter()
        .map(|name| Trial::test(format!("cli::{name}"), move || Ok(check(&expected(&name))?)))
        .collect())
}

/// A command and what it is to print, or a comment.
struct Step {
    comment: bool,
    line: String,
    output: Vec<String>,
}

fn check(directory: &Path) -> Checked {
    let place = scratch()?;
    copy(directory, place.path())?;
    let file = directory.join("session.console");
    let text = String::from_utf8_lossy(&read(&file)?).into_owned();
    let mut failures = Vec::new();
    let mut renewed = String::new();
    for step in steps(&text) {
        renewed += &format!("{}\n", step.line);
        if step.comment {
            continue;
        }
        let found = perform(place.path(), step.line.trim_start_matches("$ "))?;
        let right = matches(&step.output, &found);
        let lines = if right { &step.output } else { &found };
        renewed.extend(lines.iter().map(|line| format!("{line}\n")));
        if !right {
            failures.push(format!(
                "{}\n--- expected\n{}\n--- found\n{}",
                step.line,
                step.output.join("\n"),
                found.join("\n")
            ));
        }
    }
    if bless() {
        return write(&file, renewed);
    }
    ensure(failures.is_empty(), || {
        format!("{} (BLESS=1 rewrites it)\n{}", file.display(), failures.join("\n"))
    })
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in text.lines() {
        let comment = line.starts_with("# ");
        if comment || line.starts_with("$ ") {
            steps.push(Step { comment, line: line.to_owned(), output: Vec::new() });
        } else if let Some(step) = steps.last_mut() {
            step.output.push(line.to_owned());
        }
    }
    steps
}

/// What a command prints and, unless it is 0, its status.
fn perform(place: &Path, line: &str) -> Checked<Vec<String>> {
    let program = Path::new(env!("CARGO_BIN_EXE_anymod"));
    let paths = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("sh");
    shell.current_dir(place).args(["-c", &format!("exec 2>&1; {line}")]);
    shell.env("PATH", format!("{}:{paths}", program.parent().unwrap_or(program).display()));
    shell.env("ANYMOD_HOME", machine::anymod_home()).env("NO_COLOR", "1");
    // Nothing of the person who runs the tests.
    shell.env("ANYMOD_CONFIG", "none").env("ANYMOD_STORE", "off");
    shell.env_remove("ANYMOD_TOOLCHAIN").env_remove("CLICOLOR_FORCE").env_remove("COLUMNS");
    let said = run(&mut shell)?;
    let place = place.canonicalize().unwrap_or_default().display().to_string();
    let text = said.stdout.replace(&place, "/session");
    let mut lines: Vec<String> = text.lines().map(|line| line.trim_end().to_owned()).collect();
    if said.status != 0 {
        lines.push(format!("? {}", said.status));
    }
    Ok(lines)
}

/// Holds lines against what is expected.
fn matches(expected: &[String], found: &[String]) -> bool {
    match (expected.split_first(), found.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == "..." => {
            (0..=found.len()).any(|skip| matches(rest, found.get(skip..).unwrap_or_default()))
        }
        (Some((pattern, rest)), Some((line, others))) => {
            like(pattern, line) && matches(rest, others)
        }
        _ => false,
    }
}

/// True if a line is like a pattern, in which `[..]` stands for anything.
fn like(pattern: &str, line: &str) -> bool {
    let parts: Vec<&str> = pattern.split("[..]").collect();
    let (Some((first, rest)), Some(last)) = (parts.split_first(), parts.last()) else {
        return false;
    };
    let Some(mut line) = line.strip_prefix(first) else { return false };
    if rest.is_empty() {
        return line.is_empty();
    }
    for part in rest.iter().take(rest.len() - 1) {
        let Some(at) = line.find(part) else { return false };
        line = line.get(at + part.len()..).unwrap_or_default();
    }
    line.ends_with(last)
}

/// Copies a session's files.
fn copy(from: &Path, to: &Path) -> Checked {
    for entry in std::fs::read_dir(from).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &target)?;
        } else if path.file_name().is_some_and(|name| name != "session.console") {
            write(&target, read(&path)?)?;
        }
    }
    Ok(())
}
