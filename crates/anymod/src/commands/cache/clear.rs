//! `anymod cache clear`: removes everything, or everything of one kind.

use anymod_model::Diagnostics;
use anymod_model::settings::NAMESPACES;
use anymod_store::{Limit, Limits};
use clap::Args;
use clap::builder::PossibleValuesParser;

use super::{Which, collected_json, collected_text, warn};
use crate::cli::Format;
use crate::printer::Printer;

/// Remove everything from the store, or all results of one kind
#[derive(Debug, Args)]
pub(crate) struct Clear {
    #[command(flatten)]
    which: Which,
    /// Remove only results of this kind, and the files that only they name
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(NAMESPACES))]
    namespace: Option<String>,
    /// Form of the report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Clear, printer: Printer) -> Result<(), Diagnostics> {
    let (store, _) = args.which.open()?;
    let collected = match &args.namespace {
        None => store.clear()?,
        Some(namespace) => {
            // Nothing of the kind may stay, anything else may.
            let nothing = Limit { bytes: Some(0), entries: Some(0) };
            let namespaces = [(namespace.clone(), nothing)].into();
            store.gc(&Limits { bytes: None, entries: None, namespaces })?
        }
    };
    warn(&store, printer);
    printer.data(&match args.format {
        Format::Text => collected_text(&collected),
        Format::Json => crate::commands::json(&collected_json(&collected)),
    });
    Ok(())
}
