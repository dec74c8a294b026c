//! The shapes of JSON outputs: what programs that read them rely on.

use std::collections::BTreeSet;
use std::path::Path;

use libtest_mimic::Trial;
use serde_json::Value;

use crate::support::process::{anymod, run};
use crate::support::{Checked, scratch, write};
use crate::{expected, golden};

/// Name of the shape and the arguments that print it. All run in a fresh project after a build for x64 by GNU compilers.
const OUTPUTS: &[(&str, &[&str])] = &[
    ("build", &["build", "--format", "json", "--toolchain", "gnu", "--target", "micropython-x64"]),
    (
        "build-failed",
        &[
            "build",
            "--format",
            "json",
            "--toolchain",
            "gnu",
            "--target",
            "micropython-x64",
            "--manifest",
            "broken",
        ],
    ),
    ("size", &["size", "--format", "json", "--toolchain", "gnu", "--target", "micropython-x64"]),
    ("audit", &["audit", "--format", "json", "fresh.c"]),
    ("targets", &["targets", "--format", "json"]),
    ("cache-stats", &["cache", "stats", "--store", "store", "--format", "json"]),
    ("cache-gc", &["cache", "gc", "--store", "store", "--max-size", "1B", "--format", "json"]),
    ("cache-explain", &["cache", "explain", "--store", "store", "KEY", "--format", "json"]),
    ("doctor", &["doctor", "--format", "json"]),
    ("settings", &["settings", "--format", "json"]),
    ("graph", &["graph", "--format", "json", "--toolchain", "gnu", "--target", "micropython-x64"]),
    ("dump", &["mpy", "dump", "--format", "json", "dist/micropython-x64/fresh.mpy"]),
    (
        "dump-disassembled",
        &["mpy", "dump", "-d", "--format", "json", "dist/micropython-x64/fresh.mpy"],
    ),
];

/// A trial for each output.
pub(crate) fn trials() -> Vec<Trial> {
    let trial = |(name, arguments): &(&'static str, &'static [&'static str])| {
        let (name, arguments) = (*name, *arguments);
        Trial::test(format!("cli::shape-of-{name}"), move || Ok(check(name, arguments)?))
    };
    OUTPUTS.iter().map(trial).collect()
}

fn check(name: &str, arguments: &[&str]) -> Checked {
    let place = scratch()?;
    run(anymod(place.path()).args(["init", "--name", "fresh", "."]))?.ok()?;
    if name.starts_with("dump") || name.starts_with("cache") {
        let build = ["build", "--toolchain", "gnu", "--target", "micropython-x64"];
        run(anymod(place.path()).args(build).args(["--store", "store"]))?.ok()?;
    }
    let key = first_key(&place.path().join("store/v1/records/compile"));
    let arguments = arguments.iter().map(|word| if *word == "KEY" { key.as_str() } else { word });
    write(&place.path().join("broken/anymod.toml"), "[module.broken]\nsources = [\"broken.c\"]\n")?;
    write(&place.path().join("broken/broken.c"), "#error broken\n")?;
    let said = run(anymod(place.path()).args(arguments))?;
    let mut lines = BTreeSet::new();
    // One value, or one in each line.
    for value in serde_json::Deserializer::from_str(&said.stdout).into_iter::<Value>() {
        let value = value.map_err(|error| format!("not JSON: {error}: {said}"))?;
        shape(&prefix(&value), &value, &mut lines);
    }
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    golden(&expected("shapes").join(format!("{name}.txt")), &text)
        .map_err(|error| format!("{error}\n{said}"))
}

/// A key of the store, from below the directory of its kind.
fn first_key(records: &Path) -> String {
    let entries = |directory: &Path| std::fs::read_dir(directory).into_iter().flatten().flatten();
    let files = entries(records).flat_map(|part| entries(&part.path()).collect::<Vec<_>>());
    files.map(|file| file.file_name().to_string_lossy().into_owned()).next().unwrap_or_default()
}

/// Events are told apart by their kind.
fn prefix(value: &Value) -> String {
    value.get("event").and_then(Value::as_str).map_or(String::new(), |event| format!("<{event}>"))
}

fn shape(path: &str, value: &Value, lines: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                shape(&format!("{path}.{name}"), field, lines);
            }
        }
        Value::Array(items) => {
            lines.insert(format!("{path} array"));
            for item in items {
                shape(&format!("{path}[]"), item, lines);
            }
        }
        _ => {
            let kind = match value {
                Value::Null => "null",
                Value::Bool(_) => "bool",
                Value::Number(_) => "number",
                _ => "string",
            };
            lines.insert(format!("{path} {kind}"));
        }
    }
}
