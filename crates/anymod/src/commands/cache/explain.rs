//! `anymod cache explain`: what is in a key, and what came of it.

use anymod_model::{Diagnostic, Diagnostics, codes};
use anymod_store::{Entry, Explained};
use clap::Args;
use serde_json::{Value, json};

use super::{ago, bytes, open, seconds};
use crate::cli::Format;
use crate::commands::build::Selection;
use crate::commands::explain::{in_project, no_such_output};
use crate::printer::Printer;

/// Show what went into a key of the store, field by field, and the results that are kept under it
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The key, or as much of its beginning as no other key has; or a file that a build makes, for the key that it has now
    #[arg(value_name = "KEY-OR-OUTPUT")]
    key: String,
    #[command(flatten)]
    selection: Selection,
    /// Form of the explanation
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Explain, printer: Printer) -> Result<(), Diagnostics> {
    let settings = args.selection.settings()?;
    let store = open(&settings)?;
    let is_key = args.key.bytes().all(|letter| letter.is_ascii_hexdigit());
    let key = if is_key { args.key.clone() } else { key_of(args)? };
    let explained = store.explain(&key)?;
    printer.data(&match args.format {
        Format::Text => text(&explained),
        Format::Json => crate::commands::json(&value(&explained)),
    });
    Ok(())
}

/// The key of the action that makes a file.
fn key_of(args: &Explain) -> Result<String, Diagnostics> {
    let inspection = anymod_build::inspect(&args.selection.request()?)?;
    let path = in_project(&args.key, &inspection.root);
    let maker = inspection.upstream(&path).and_then(|upstream| upstream.last().copied());
    let maker = maker.and_then(|index| inspection.actions.get(index));
    let maker = maker.ok_or_else(|| no_such_output(&args.key, &inspection))?;
    maker.key.map(|key| key.to_string()).ok_or_else(|| {
        let message =
            format!("`{}` has no key yet: what it is made of is yet to be made", args.key);
        Diagnostic::error(&codes::store::UNKNOWN_KEY, message)
            .hint("run `anymod build` first")
            .into()
    })
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
