//! `anymod cache stats`: what the store holds.

use anymod_model::Diagnostics;
use anymod_store::{Part, Statistics, Store};
use clap::Args;
use serde_json::{Map, Value, json};

use super::{Which, ago, bytes, seconds};
use crate::cli::Format;
use crate::printer::Printer;
use crate::progress::counted;

/// Show what the store holds
#[derive(Debug, Args)]
pub(crate) struct Stats {
    #[command(flatten)]
    which: Which,
    /// Form of the report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Stats, printer: Printer) -> Result<(), Diagnostics> {
    let (store, settings) = args.which.open()?;
    let statistics = store.statistics();
    let limits = [settings.number("store.max-size"), settings.number("store.max-entries")];
    printer.data(&match args.format {
        Format::Text => text(&store, &statistics, limits),
        Format::Json => crate::commands::json(&value(&store, &statistics, limits)),
    });
    Ok(())
}

fn text(store: &Store, statistics: &Statistics, [size, entries]: [Option<u64>; 2]) -> String {
    let mut text = format!("{}\n\n", store.directory().display());
    text += &line(["kind", "keys", "results", "size", "last used"].map(str::to_owned));
    for (name, part) in &statistics.namespaces {
        text += &row(name, part);
    }
    text += &row("in all", &statistics.whole);
    let size = size.map_or("no limit of size".to_owned(), bytes);
    let entries =
        entries.map_or("no limit of results".to_owned(), |number| counted(number, "result"));
    text += &format!("\nlimits: {size}, {entries}\n");
    if statistics.unreferenced > 0 {
        text += &format!(
            "{} of {} used by no result; the next collection removes them\n",
            bytes(statistics.unreferenced_bytes),
            counted(statistics.unreferenced, "blob"),
        );
    }
    text
}

fn row(name: &str, part: &Part) -> String {
    line([
        name.to_owned(),
        part.held.records.to_string(),
        part.held.entries.to_string(),
        bytes(part.held.bytes),
        part.newest_use.map_or("never".to_owned(), ago),
    ])
}

fn line([name, keys, results, size, used]: [String; 5]) -> String {
    format!("{name:<14}  {keys:>8}  {results:>8}  {size:>10}  {used}\n")
}

fn value(store: &Store, statistics: &Statistics, [size, entries]: [Option<u64>; 2]) -> Value {
    let namespaces =
        statistics.namespaces.iter().map(|(name, part)| (name.clone(), part_json(part)));
    json!({
        "version": 1,
        "directory": store.directory().display().to_string(),
        "namespaces": namespaces.collect::<Map<String, Value>>(),
        "whole": part_json(&statistics.whole),
        "blobs": statistics.blobs,
        "unreferenced-blobs": statistics.unreferenced,
        "unreferenced-bytes": statistics.unreferenced_bytes,
        "max-size": size,
        "max-entries": entries,
    })
}

fn part_json(part: &Part) -> Value {
    json!({
        "records": part.held.records,
        "entries": part.held.entries,
        "bytes": part.held.bytes,
        "oldest-use": part.oldest_use.map(seconds),
        "newest-use": part.newest_use.map(seconds),
    })
}
