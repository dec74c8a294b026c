//! `anymod cache verify`: is every file of the store what it should be?

use anymod_model::Diagnostics;
use anymod_model::event::Finding;
use anymod_store::Verified;
use clap::Args;
use serde_json::{Value, json};

use super::{Which, bytes, warn};
use crate::cli::Format;
use crate::printer::Printer;
use crate::progress::counted;

/// Read and check every file of the store, and remove what is damaged
///
/// The exit status is 1 if anything was wrong. Builds check what they take out of the store as well, so that this is
/// never needed for right results; it tells whether a disk can be trusted.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    which: Which,
    /// Form of the report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Verify, printer: Printer) -> Result<(), Diagnostics> {
    let (store, _) = args.which.open()?;
    let verified = store.verify();
    warn(&store, printer);
    printer.data(&match args.format {
        Format::Text => text(&verified),
        Format::Json => crate::commands::json(&value(&verified)),
    });
    if verified.findings.is_empty() { Ok(()) } else { Err(Diagnostics(verified.findings)) }
}

fn text(verified: &Verified) -> String {
    let found = match verified.findings.len() {
        0 => "nothing wrong".to_owned(),
        some => format!("{} wrong and removed", counted(some, "file")),
    };
    format!(
        "checked {} and {}, {}: {found}\n",
        counted(verified.records, "record"),
        counted(verified.blobs, "blob"),
        bytes(verified.bytes),
    )
}

fn value(verified: &Verified) -> Value {
    json!({
        "version": 1,
        "records": verified.records,
        "blobs": verified.blobs,
        "bytes": verified.bytes,
        "findings": verified.findings.iter().map(Finding::from).collect::<Vec<_>>(),
    })
}
