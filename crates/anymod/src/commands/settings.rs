//! `anymod settings`: what holds here, and which file, variable or flag says so.

use std::path::PathBuf;

use anymod_model::Diagnostics;
use anymod_model::settings::{Fallback, Origin, TABLE};
use clap::Args;
use serde::Serialize;
use serde_json::json;

use crate::cli::Format;
use crate::printer::Printer;
use crate::settings::{RunArgs, load};

#[derive(Debug, Args)]
pub(crate) struct Settings {
    #[command(flatten)]
    flags: RunArgs,
    /// The manifest, or a directory in or below which it is
    #[arg(long, value_name = "PATH", default_value = ".")]
    manifest: PathBuf,
    /// Form of the list
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(crate) fn run(args: &Settings, printer: Printer) -> Result<(), Diagnostics> {
    let rows = rows(&load(&args.manifest, args.flags.layer()?)?);
    match args.format {
        Format::Text => {
            let width = |column: fn(&Row) -> &str| {
                rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0)
            };
            let (keys, values) = (width(|row| &row.key), width(|row| &row.value));
            let line = |Row { key, value, origin }: &Row| {
                format!("{key:<keys$}  {value:<values$}  {origin}\n")
            };
            printer.data(&rows.iter().map(line).collect::<String>());
        }
        Format::Json => printer.data(&super::json(&json!({ "version": 1, "settings": rows }))),
    }
    Ok(())
}

#[derive(Serialize)]
struct Row {
    key: String,
    value: String,
    origin: String,
}

/// Every setting that has a value, and those whose default is found out when it is needed.
fn rows(settings: &anymod_model::settings::Settings) -> Vec<Row> {
    let held = settings.all().map(|(key, found)| Row {
        key: key.to_owned(),
        value: found.value.to_string(),
        origin: found.origin.to_string(),
    });
    let mut rows: Vec<Row> = held.collect();
    for setting in TABLE.iter().filter(|setting| setting.names.is_empty()) {
        if let (Fallback::Described(text), None) = (setting.default, settings.get(setting.key)) {
            let (key, origin) = (setting.key.to_owned(), Origin::Default.to_string());
            rows.push(Row { key, value: text.to_owned(), origin });
        }
    }
    rows.sort_by(|left, right| left.key.cmp(&right.key));
    rows
}
