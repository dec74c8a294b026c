//! `anymod cache populate`: puts kept artifacts in place.

use anymod_build::artifact::{self, Outcome, Populated};
use anymod_model::{Diagnostic, Diagnostics, codes};
use clap::Args;
use serde_json::{Value, json};

use super::artifacts::Artifacts;
use crate::cli::Format;
use crate::printer::Printer;
use crate::progress::counted;

/// Put the kept files of artifacts in place
///
/// An artifact is a set of files that another build makes of this project; the manifest's [artifact.NAME] says of what. If
/// a set was kept for exactly these inputs, tools and variables, all of it is put in place, and what matches the patterns
/// of outputs besides is removed. If not, nothing changes and the exit status is 1.
#[derive(Debug, Args)]
pub(crate) struct Populate {
    #[command(flatten)]
    artifacts: Artifacts,
    /// Form of the report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Populate, printer: Printer) -> Result<(), Diagnostics> {
    let all = artifact::populate(&args.artifacts.request()?)?;
    let warnings = all.iter().flat_map(|populated| &populated.warnings);
    warnings.for_each(|warning| printer.diagnostic(warning));
    match args.format {
        Format::Text => all.iter().for_each(|populated| printer.data(&text(populated))),
        Format::Json => {
            let artifacts: Vec<Value> = all.iter().map(value).collect();
            printer.data(&crate::commands::json(&json!({ "version": 1, "artifacts": artifacts })));
        }
    }
    let misses: Vec<Diagnostic> = all.iter().filter_map(miss).collect();
    if misses.is_empty() { Ok(()) } else { Err(Diagnostics(misses)) }
}

fn text(populated: &Populated) -> String {
    let Outcome::Hit { outputs, removed } = &populated.outcome else { return String::new() };
    let Populated { name, key, .. } = populated;
    let removed: String = removed.iter().map(|path| format!("removed    {path}\n")).collect();
    format!("populated  {name}  {}  {key}\n{removed}", counted(outputs.len(), "file"))
}

fn value(populated: &Populated) -> Value {
    let mut value = json!({ "artifact": populated.name, "key": populated.key.to_string() });
    match &populated.outcome {
        Outcome::Hit { outputs, removed } => {
            value["hit"] = json!(true);
            value["outputs"] = json!(outputs);
            value["removed"] = json!(removed);
        }
        Outcome::Miss { differences } => {
            value["hit"] = json!(false);
            value["differences"] = json!(differences);
        }
    }
    value
}

/// How many differences are told.
const TOLD: usize = 5;

fn miss(populated: &Populated) -> Option<Diagnostic> {
    let Outcome::Miss { differences } = &populated.outcome else { return None };
    let name = &populated.name;
    let message = format!("nothing is kept for artifact `{name}` as its inputs are now");
    let mut finding = Diagnostic::error(&codes::artifact::MISS, message);
    finding = match differences.as_deref() {
        None => finding.note("nothing was ever kept under this name"),
        Some([]) => finding.note("a set with this key was kept, and is no longer whole"),
        Some(differences) => {
            let finding = finding.note("compared with the nearest set that is kept:");
            let told = differences.iter().take(TOLD);
            let finding =
                told.fold(finding, |finding, difference| finding.note(difference.clone()));
            match differences.len().saturating_sub(TOLD) {
                0 => finding,
                more => finding.note(format!("and {}", counted(more, "more difference"))),
            }
        }
    };
    Some(finding.hint(format!("build it, then run `anymod cache capture {name}`")))
}
