//! `anymod split fix`: a changed archive beside the original.

use std::path::PathBuf;

use anymod_build::split::fix::fix;
use anymod_link::host::fix::Wishes;
use anymod_model::Diagnostics;
use clap::Args;
use serde_json::json;

use crate::cli::Format;
use crate::printer::Printer;

/// Write a changed archive: without a member, with nested archives opened, with symbols hidden, shown or renamed
///
/// The original stays as it is. The same archive and options give the same bytes. What is done is printed.
#[derive(Debug, Args)]
pub(crate) struct Fix {
    /// Archive, thin archive or object
    archive: PathBuf,
    /// The new archive, or object if it was one
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    /// Put the members of nested archives beside the others
    #[arg(long)]
    flatten: bool,
    /// Member to leave out; refused if others need it; may be given several times
    #[arg(long, value_name = "MEMBER")]
    drop: Vec<String>,
    /// Leave members out even if others need them
    #[arg(long, requires = "drop")]
    force: bool,
    /// Definition to be made a member's own; may be given several times
    #[arg(long, value_name = "[MEMBER:]SYMBOL")]
    localize: Vec<String>,
    /// Symbol to be given default visibility wherever it is hidden; may be given several times
    #[arg(long, value_name = "[MEMBER:]SYMBOL")]
    export: Vec<String>,
    /// What the names of all symbols that the archive defines are to begin with
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Symbol that keeps its name; may be given several times
    #[arg(long, value_name = "SYMBOL", requires = "prefix")]
    keep: Vec<String>,
    /// Form of the report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Fix, printer: Printer) -> Result<(), Diagnostics> {
    let wishes = Wishes {
        flatten: args.flatten,
        drop: args.drop.clone(),
        force: args.force,
        localize: args.localize.clone(),
        export: args.export.clone(),
        prefix: args.prefix.clone(),
        keep: args.keep.clone(),
        names: None,
    };
    let done = fix(&args.archive, &args.out, &wishes)?;
    printer.data(&match args.format {
        Format::Text => done.iter().map(|line| format!("{line}\n")).collect(),
        Format::Json => {
            let out = args.out.display().to_string();
            super::super::json(&json!({ "version": 1, "archive": out, "done": done }))
        }
    });
    Ok(())
}
