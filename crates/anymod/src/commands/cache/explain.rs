//! `anymod cache explain`: what is in a key, and what came of it.

use anymod_model::Diagnostics;
use anymod_store::{Entry, Explained};
use clap::Args;
use serde_json::{Value, json};

use super::{Which, ago, bytes, seconds};
use crate::cli::Format;
use crate::printer::Printer;

/// Show what went into a key of the store, field by field, and the results that are kept under it
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The key, or as much of its beginning as no other key has
    #[arg(value_name = "KEY")]
    key: String,
    #[command(flatten)]
    which: Which,
    /// Form of the explanation
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Explain, printer: Printer) -> Result<(), Diagnostics> {
    let (store, _) = args.which.open()?;
    let explained = store.explain(&args.key)?;
    printer.data(&match args.format {
        Format::Text => text(&explained),
        Format::Json => crate::commands::json(&value(&explained)),
    });
    Ok(())
}

fn text(explained: &Explained) -> String {
    let Explained { namespace, key, used, record } = explained;
    let mut text = format!("{namespace} {key}, last used: {}\n", ago(*used));
    for field in &record.walk {
        text += &format!("  {}  {}\n", field.name, field.value.escape_debug());
    }
    for (number, entry) in record.entries.iter().enumerate() {
        text += &format!("\nresult {}\n{}", number + 1, entry_text(entry));
    }
    text
}

fn entry_text(entry: &Entry) -> String {
    let mut text = String::new();
    for (path, digest) in &entry.found {
        text += &format!("  found   {path}  {digest}\n");
    }
    for path in &entry.passed {
        text += &format!("  passed  {path}\n");
    }
    for output in &entry.outputs {
        let mode = if output.executable { ", executable" } else { "" };
        text += &format!(
            "  output  {}  {}  {}{mode}\n",
            output.name,
            output.digest,
            bytes(output.size)
        );
    }
    for line in entry.said.lines() {
        text += &format!("  said    {line}\n");
    }
    text
}

fn value(explained: &Explained) -> Value {
    let walk = explained.record.walk.iter();
    json!({
        "version": 1,
        "namespace": explained.namespace,
        "key": explained.key.to_string(),
        "last-use": seconds(explained.used),
        "walk": walk.map(|field| json!({ "name": field.name, "value": field.value })).collect::<Vec<_>>(),
        "entries": explained.record.entries.iter().map(entry_json).collect::<Vec<_>>(),
    })
}

fn entry_json(entry: &Entry) -> Value {
    let found = entry.found.iter();
    let outputs = entry.outputs.iter().map(|output| {
        json!({
            "name": output.name,
            "digest": output.digest.to_string(),
            "size": output.size,
            "executable": output.executable,
        })
    });
    json!({
        "found": found.map(|(path, digest)| json!({ "path": path, "digest": digest.to_string() })).collect::<Vec<_>>(),
        "passed": entry.passed,
        "outputs": outputs.collect::<Vec<_>>(),
        "said": entry.said,
    })
}
