//! The help texts of all commands, found by following the lists of subcommands.

use std::collections::BTreeSet;

use crate::support::process::{anymod, run};
use crate::support::{Checked, ensure, scratch};
use crate::{bless, expected, golden};

/// Compares every help text with its file; a file without a command is an error as well.
pub(crate) fn check() -> Checked {
    let mut written = BTreeSet::new();
    let mut failures = Vec::new();
    let mut open: Vec<Vec<String>> = vec![Vec::new()];
    while let Some(words) = open.pop() {
        for option in ["--help", "-h"] {
            let text = help(&words, option)?;
            if option == "-h" {
                open.extend(
                    subcommands(&text).into_iter().map(|name| [words.clone(), vec![name]].concat()),
                );
            }
            let all = [&["anymod".to_owned()], words.as_slice()].concat().join("-");
            let name = format!("{all}{}.txt", if option == "-h" { ".short" } else { "" });
            failures.extend(golden(&expected("help").join(&name), &text).err());
            written.insert(name);
        }
    }
    let files = std::fs::read_dir(expected("help")).map_err(|error| error.to_string())?;
    let files =
        files.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
    for file in files.filter(|file| !written.contains(file)) {
        if bless() {
            std::fs::remove_file(expected("help").join(&file))
                .map_err(|error| error.to_string())?;
        } else {
            failures.push(format!("{file}: there is no such command"));
        }
    }
    ensure(failures.is_empty(), || failures.join("\n"))
}

fn help(words: &[String], option: &str) -> Checked<String> {
    let directory = scratch()?;
    let mut command = anymod(directory.path());
    command.env_remove("COLUMNS").args(words).arg(option);
    let said = run(&mut command)?.ok()?;
    ensure(said.stderr.is_empty(), || format!("help goes to standard output: {said}"))?;
    // A line that ends in blanks is not worth a difference.
    Ok(said.stdout.lines().map(|line| format!("{}\n", line.trim_end())).collect())
}

/// The names below `Commands:`.
fn subcommands(text: &str) -> Vec<String> {
    let after = text.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = after
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names =
        names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    names.map(str::to_owned).collect()
}
