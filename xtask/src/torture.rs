//! The long forms of the tests that attack the build engine (`crates/anymod/tests/engine`) and first runs of programs that
//! unpack themselves (`crates/anymod/tests/node`): hours of a machine that may be
//! spared in CI, where the same tests do the same fewer times.

use std::process::Command;

/// A part: what it is called, how often the long form does what it does, and where it is: a test program, and the word that
/// the names of the part's tests begin with.
type Part = (&'static str, &'static str, (&'static str, &'static str));

const PARTS: &[Part] = &[
    ("crash", "200", ("engine", "crash::")),
    ("crowd", "1", ("engine", "crowd::")),
    ("damage", "1000", ("engine", "damage::")),
    ("disk", "1", ("engine", "disk::")),
    ("embed", "100", ("node", "node::embed::killed")),
    ("escapes", "1", ("engine", "escapes::")),
    ("honesty", "1", ("engine", "honesty::")),
    ("jobs", "1", ("engine", "jobs::")),
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
        PARTS.iter().filter(|(name, ..)| part.is_none_or(|part| part == name)).collect();
    if chosen.is_empty() || times.is_some_and(|times| times.parse::<u32>().is_err()) {
        return Err(usage());
    }
    for (name, usual, (program, tests)) in chosen {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(["test", "-p", "anymod", "--test", program, "--"]);
        // One after the other, so that each has the machine for itself.
        command.args([tests, "--nocapture", "--test-threads", "1"]);
        command.env("ANYMOD_TORTURE", times.map_or(*usual, String::as_str));
        let status = command.status().map_err(|error| format!("cannot start cargo: {error}"))?;
        if !status.success() {
            return Err(format!("{name}: {status}"));
        }
    }
    Ok(())
}

fn usage() -> String {
    let names: Vec<&str> = PARTS.iter().map(|(name, ..)| *name).collect();
    format!("usage: cargo xtask torture [{}] [TIMES]", names.join("|"))
}
