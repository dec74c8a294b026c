//! `anymod cache capture`: keeps artifacts that are in place.

use anymod_build::artifact::{self, Captured, How};
use anymod_model::{Diagnostic, Diagnostics};
use clap::Args;
use serde_json::{Value, json};

use super::artifacts::Artifacts;
use super::bytes;
use crate::cli::Format;
use crate::printer::Printer;
use crate::progress::counted;

/// Keep the files of artifacts that are in place
///
/// Only complete sets are kept, and only if there is reason to believe that they were made of the inputs as they are: an
/// output that is older than an input, or was put there for another key, is refused. After `--`, a command that makes the
/// outputs first: inputs that change while it runs are refused as well.
#[derive(Debug, Args)]
pub(crate) struct Capture {
    #[command(flatten)]
    artifacts: Artifacts,
    /// Believe that the outputs are of these inputs, whatever their times say
    #[arg(long)]
    trust_outputs: bool,
    /// Form of the report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Command that makes the outputs
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

pub(super) fn run(args: &Capture, printer: Printer) -> Result<(), Diagnostics> {
    let how = How { trust_outputs: args.trust_outputs, command: args.command.clone() };
    let all = artifact::capture(&args.artifacts.request()?, &how)?;
    let warnings = all.iter().flat_map(|captured| &captured.warnings);
    warnings.for_each(|warning: &Diagnostic| printer.diagnostic(warning));
    match args.format {
        Format::Text => all.iter().for_each(|captured| printer.data(&text(captured))),
        Format::Json => {
            let artifacts: Vec<Value> = all.iter().map(value).collect();
            printer.data(&crate::commands::json(&json!({ "version": 1, "artifacts": artifacts })));
        }
    }
    Ok(())
}

fn text(captured: &Captured) -> String {
    let Captured { name, key, outputs, .. } = captured;
    let size = bytes(outputs.iter().map(|output| output.size).sum());
    format!("captured   {name}  {}, {size}  {key}\n", counted(outputs.len(), "file"))
}

fn value(captured: &Captured) -> Value {
    let outputs = captured.outputs.iter().map(|output| {
        json!({ "path": output.name, "digest": output.digest.to_string(), "size": output.size })
    });
    json!({
        "artifact": captured.name,
        "key": captured.key.to_string(),
        "outputs": outputs.collect::<Vec<_>>(),
    })
}
