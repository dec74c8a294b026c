//! `anymod audit`: what is wrong with finished artifacts.

use std::path::PathBuf;

use anymod_build::audit::{self, AuditRequest};
use anymod_build::environment::Environment;
use anymod_build::target;
use anymod_model::event::Finding;
use anymod_model::{Diagnostic, Diagnostics, Severity};
use clap::Args;
use serde_json::json;

use crate::cli::Format;
use crate::printer::Printer;
use crate::progress::counted;

#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Wheels, single modules (`.so`, `.wasm`), or addons for Node.js (`.node`)
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Runtime that they have to serve, for instance `pyodide-0.29.5`; `anymod target add` makes it known
    #[arg(long, value_name = "TARGET")]
    against: Option<String>,
    /// Extension module that each wheel has to hold, as it is imported; may be given several times
    #[arg(long, value_name = "PACKAGE.MODULE")]
    expect: Vec<String>,
    /// Absolute path that no file may hold; may be given several times
    #[arg(long, value_name = "DIR")]
    private_path: Vec<String>,
    /// Function of an addon that may use any instruction, because the processor is asked first; `*` matches anything
    #[arg(long, value_name = "FUNCTION")]
    dispatched: Vec<String>,
    /// Refuse addons with symbol tables or debug information
    #[arg(long)]
    stripped: bool,
    /// Form of the report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(crate) fn run(args: &Audit, printer: Printer) -> Result<(), Diagnostics> {
    let environment = Environment::of_process();
    let target =
        args.against.as_deref().map(|name| target::find(name, &environment)).transpose()?;
    let against = target.as_ref().map(audit::against).transpose()?;
    let request = AuditRequest {
        against: against.as_ref(),
        expected_extensions: &args.expect,
        private_paths: &args.private_path,
        dispatched: &args.dispatched,
        stripped: args.stripped,
    };
    let (mut errors, mut reports) = (Vec::new(), Vec::new());
    for file in &args.files {
        let name = file.display().to_string();
        // A file that cannot be read does not keep the others from being looked at.
        let findings = audit::audit(file, request).unwrap_or_else(|findings| findings.0);
        reports.push(json!({
            "file": name,
            "findings": findings.iter().map(Finding::from).collect::<Vec<_>>(),
            "facts": audit::facts(file),
        }));
        let is_error = |finding: &Diagnostic| finding.severity == Severity::Error;
        let (wrong, doubtful): (Vec<_>, Vec<_>) = findings.into_iter().partition(is_error);
        if args.format == Format::Text {
            doubtful.iter().for_each(|finding| printer.diagnostic(finding));
            printer.data(&format!("{name}: {}\n", verdict(wrong.len(), doubtful.len())));
        }
        errors.extend(wrong);
    }
    if args.format == Format::Json {
        let target = target.map(|target| target.description.facts.target());
        let report = json!({ "version": 1, "against": target, "artifacts": reports });
        printer.data(&super::json(&report));
    }
    if errors.is_empty() { Ok(()) } else { Err(Diagnostics(errors)) }
}

fn verdict(errors: usize, warnings: usize) -> String {
    match (errors, warnings) {
        (0, 0) => "ok".to_owned(),
        (0, _) => format!("ok, {}", counted(warnings, "warning")),
        (_, 0) => counted(errors, "error"),
        _ => format!("{}, {}", counted(errors, "error"), counted(warnings, "warning")),
    }
}
