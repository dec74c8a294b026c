//! The long forms of the tests that attack the build engine (`crates/anymod/tests/engine`): hours of a machine that may be
//! spared in CI, where the same tests do the same fewer times.

use std::process::Command;

/// Parts: the word that the names of their tests begin with, and how often the long form does what it does.
const PARTS: &[(&str, &str)] = &[
    ("crash", "200"),
    ("crowd", "1"),
    ("damage", "1000"),
    ("disk", "1"),
    ("escapes", "1"),
    ("honesty", "1"),
    ("jobs", "1"),
];

/// Runs one part or all, each so many times as a number says.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let (part, times) = match arguments {
        [] => (None, None),
        [part] => (Some(part), None),
        [part, times] => (Some(part), Some(times)),
        _ => return Err(usage()),
    };
    let chosen: Vec<_> =
        PARTS.iter().filter(|(name, _)| part.is_none_or(|part| part == name)).collect();
    if chosen.is_empty() || times.is_some_and(|times| times.parse::<u32>().is_err()) {
        return Err(usage());
    }
    for (name, usual) in chosen {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(["test", "-p", "anymod", "--test", "engine", "--"]);
        // One after the other, so that each has the machine for itself.
        command.args([&format!("{name}::"), "--nocapture", "--test-threads", "1"]);
        command.env("ANYMOD_TORTURE", times.map_or(*usual, String::as_str));
        let status = command.status().map_err(|error| format!("cannot start cargo: {error}"))?;
        if !status.success() {
            return Err(format!("{name}: {status}"));
        }
    }
    Ok(())
}

fn usage() -> String {
    let names: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
    format!("usage: cargo xtask torture [{}] [TIMES]", names.join("|"))
}
