//! `anymod split probe`: each module imported by a fresh process of the host.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anymod_build::split::probe::{SplitProbeRequest, probe};
use anymod_model::Diagnostics;
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::printer::Printer;

/// Import each module in a fresh process of the host, alone and together in two orders
///
/// The host is taken for a CPython (`HOST -I -c …`) unless `--argument` says how it is called.
#[derive(Debug, Args)]
pub(crate) struct Probe {
    /// The host
    host: PathBuf,
    /// Its modules
    #[arg(required = true, value_name = "MODULE")]
    modules: Vec<PathBuf>,
    /// Argument of a host that is no CPython, with `{name}`, `{file}` and `{directory}` for the module's; one for each
    #[arg(long = "argument", value_name = "TEXT", allow_hyphen_values = true)]
    arguments: Vec<String>,
    /// Python code to run after a module was imported, in which it has its name; may be given several times
    #[arg(long, value_name = "NAME=CODE", conflicts_with = "arguments")]
    snippet: Vec<String>,
    /// How long one process may take
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
    /// Form of the report
    #[arg(long, value_enum, default_value = "text")]
    format: ProbeFormat,
}

/// How the report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ProbeFormat {
    Text,
    Json,
    Junit,
}

pub(super) fn run(args: &Probe, printer: Printer) -> Result<(), Diagnostics> {
    let split = |text: &String| {
        let (name, code) = text.split_once('=').unwrap_or((text, ""));
        (name.to_owned(), code.to_owned())
    };
    let snippets: Vec<(String, String)> = args.snippet.iter().map(split).collect();
    let report = probe(&SplitProbeRequest {
        host: &args.host,
        modules: &args.modules,
        arguments: &args.arguments,
        snippets: &snippets,
        timeout: Duration::from_secs(args.timeout),
    })?;
    printer.data(&match args.format {
        ProbeFormat::Junit => report.junit(&args.host.display().to_string()),
        ProbeFormat::Json => super::super::json(&json!({ "version": 1, "report": report })),
        ProbeFormat::Text => {
            let mut text = String::new();
            for step in &report.steps {
                let state = if step.failure.is_some() { "failed" } else { "ok" };
                let _ = writeln!(
                    text,
                    "{state:<7} {:>6} ms  {} ({})",
                    step.milliseconds,
                    step.modules.join(" "),
                    step.order
                );
                for line in step.said.lines() {
                    let _ = writeln!(text, "        {line}");
                }
            }
            text
        }
    });
    super::conclude(report.diagnostics, printer)
}
