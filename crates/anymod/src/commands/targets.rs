//! `anymod targets`: what can be built for.

use std::collections::BTreeSet;

use anymod_model::{Diagnostic, Diagnostics, Native, Platform, Target, codes};
use clap::Args;
use serde_json::json;

use crate::cli::Format;
use crate::printer::Printer;

#[derive(Debug, Args)]
pub(crate) struct Targets {
    /// Form of the list
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(crate) fn run(args: &Targets, printer: Printer) -> Result<(), Diagnostics> {
    match args.format {
        Format::Text => printer.data(&text()),
        Format::Json => {
            let rows: Vec<_> = Target::all().map(row).collect();
            printer.data(&format!("{:#}\n", serde_json::Value::from(rows)));
        }
    }
    Ok(())
}

fn text() -> String {
    let mut text = String::from("target                 word  since  static data\n");
    for target in Target::all() {
        let name = target.to_string();
        text += &match target {
            Target::MicroPython(arch) => {
                let info = arch.info();
                let since = format!("{}.{}", info.since.0, info.since.1);
                let data = if info.writable_text { "in text" } else { "refused" };
                format!("{name:<21}  {:>4}  {since:>5}  {data}\n", info.word_size)
            }
            Target::CPython(_) => format!("{name:<21}  wheel for this platform\n"),
            Target::Pyodide(_) => format!("{name:<21}  wheel for WebAssembly\n"),
            Target::Native(_) => format!("{name:<23} archive for a program\n"),
            Target::Wasi => format!("{name:<23} archive for a WebAssembly module with WASI\n"),
            Target::Emscripten => format!("{name:<23} archive for emscripten\n"),
            Target::Node(_) => format!("{name:<23} addon for Node.js\n"),
        };
    }
    text + "any other release by its full name, such as `cpython-3.10` or `pyodide-0.26.4`\n"
}

fn row(target: Target) -> serde_json::Value {
    let (name, runtime) = (target.to_string(), target.runtime().name());
    match target {
        Target::MicroPython(arch) => {
            let info = arch.info();
            json!({
                "target": name,
                "runtime": runtime,
                "arch": info.name,
                "word-size": info.word_size,
                "since": format!("{}.{}", info.since.0, info.since.1),
                "static-data-in-text": info.writable_text,
            })
        }
        Target::CPython(_) | Target::Pyodide(_) => {
            json!({ "target": name, "runtime": runtime, "version": target.kind() })
        }
        Target::Native(native) => {
            let Native::Platform(platform) = native else {
                return json!({ "target": name, "runtime": runtime });
            };
            on_platform(&name, runtime, platform)
        }
        Target::Wasi | Target::Emscripten => json!({ "target": name, "runtime": runtime }),
        Target::Node(platform) => on_platform(&name, runtime, platform),
    }
}

fn on_platform(name: &str, runtime: &str, platform: Platform) -> serde_json::Value {
    let info = platform.info();
    json!({
        "target": name,
        "runtime": runtime,
        "platform": info.name,
        "os": info.os.name(),
        "cpu": info.cpu.name(),
        "format": info.format.name(),
    })
}

/// The targets that match any of the patterns; all of them if there is none.
pub(crate) fn select(patterns: &[String]) -> Result<Vec<Target>, Diagnostics> {
    if patterns.is_empty() {
        return Ok(Target::all().collect());
    }
    let unknown: Vec<_> = patterns
        .iter()
        .filter(|pattern| Target::matching(pattern).is_empty())
        .map(|pattern| {
            Diagnostic::error(&codes::manifest::USAGE, format!("no target matches `{pattern}`"))
                .hint("`anymod targets` lists them; `*` stands for any run of characters")
        })
        .collect();
    if !unknown.is_empty() {
        return Err(Diagnostics(unknown));
    }
    let wanted: BTreeSet<Target> =
        patterns.iter().flat_map(|pattern| Target::matching(pattern)).collect();
    Ok(wanted.into_iter().collect())
}
