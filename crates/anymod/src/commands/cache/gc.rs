//! `anymod cache gc`: removes what was used longest ago.

use anymod_model::Diagnostics;
use clap::Args;

use super::{Which, collected_json, collected_text, off, warn};
use crate::cli::Format;
use crate::printer::Printer;
use crate::settings;

/// Remove what was used longest ago until the store is within its limits
///
/// Builds do this by themselves when the store has grown past them. Files that no result names any more go as well, and
/// what killed processes left.
#[derive(Debug, Args)]
pub(crate) struct Gc {
    #[command(flatten)]
    which: Which,
    /// The most that may stay, for instance `2GiB`; `none` for any [default: as configured, else 10GiB]
    #[arg(long, value_name = "SIZE")]
    max_size: Option<String>,
    /// The most results that may stay; `none` for any [default: as configured, else none]
    #[arg(long, value_name = "N")]
    max_entries: Option<String>,
    /// Form of the report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Gc, printer: Printer) -> Result<(), Diagnostics> {
    let mut layer = args.which.store.layer()?;
    if let Some(size) = &args.max_size {
        layer.flag("store.max-size", "--max-size", size)?;
    }
    if let Some(entries) = &args.max_entries {
        layer.flag("store.max-entries", "--max-entries", entries)?;
    }
    let settings = settings::load(&args.which.manifest, layer)?;
    let request = settings::store(&settings).ok_or_else(|| off(&settings))?;
    let store = request.open()?;
    let collected = store.gc(&request.options.limits)?;
    warn(&store, printer);
    printer.data(&match args.format {
        Format::Text => collected_text(&collected),
        Format::Json => crate::commands::json(&collected_json(&collected)),
    });
    Ok(())
}
