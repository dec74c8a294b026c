//! `anymod probe`: a wheel in the real runtime.

use std::path::PathBuf;
use std::time::Duration;

use anymod_build::environment::Environment;
use anymod_build::probe::{ProbeOptions, ProbeReport, probe};
use anymod_build::{install, target};
use anymod_model::Diagnostics;
use clap::Args;

use crate::cli::Format;
use crate::interrupt;
use crate::printer::Printer;

#[derive(Debug, Args)]
pub(crate) struct Probe {
    /// Wheel to try
    #[arg(value_name = "WHEEL")]
    wheel: PathBuf,
    /// Target to try it in, for instance `pyodide-0.29.5`
    #[arg(long, value_name = "TARGET")]
    target: String,
    /// Wheel to install first, that the wheel depends on; may be given several times
    #[arg(long, value_name = "WHEEL")]
    needs: Vec<PathBuf>,
    /// Python code, or a file with it, to run after the imports
    #[arg(long, value_name = "CODE|FILE")]
    test: Option<String>,
    /// How long one step may take
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = clap::value_parser!(u64).range(1..=86400))]
    timeout: u64,
    /// Form of the result
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Write the result as JUnit XML as well
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

pub(crate) fn run(args: &Probe, printer: Printer) -> Result<(), Diagnostics> {
    let environment = Environment::of_process();
    let target = target::find(&args.target, &environment)?;
    let options = ProbeOptions {
        needs: args.needs.clone(),
        test: args.test.clone(),
        timeout: Duration::from_secs(args.timeout),
    };
    let report = probe(&args.wheel, &target, &options, &environment, &interrupt::cancel())?;
    if let Some(path) = &args.junit {
        install::write_if_changed(path, report.junit().as_bytes())?;
    }
    match args.format {
        Format::Text => printer.data(&text(&report)),
        Format::Json => {
            let mut value = serde_json::to_value(&report).unwrap_or_default();
            if let Some(object) = value.as_object_mut() {
                object.insert("passed".to_owned(), report.passed().into());
            }
            printer.data(&super::json(&value));
        }
    }
    if report.passed() { Ok(()) } else { Err(Diagnostics(report.findings())) }
}

fn text(report: &ProbeReport) -> String {
    let mut text = format!("{} in {}\n", report.wheel, report.target);
    for step in &report.steps {
        let verdict = if step.failure.is_none() { "ok" } else { "FAILED" };
        let what = step.kind.name();
        text += &format!("{verdict:<6}  {what:<7}  {}  ({} ms)\n", step.name, step.milliseconds);
    }
    text
}
