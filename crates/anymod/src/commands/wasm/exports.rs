//! `anymod wasm exports`: what a module offers and what it needs.

use std::path::PathBuf;

use anymod_build::bundle::offers_and_needs;
use anymod_build::install;
use anymod_link::wasm;
use anymod_model::Diagnostics;
use clap::Args;
use serde_json::json;

use crate::cli::Format;
use crate::printer::Printer;

/// List what a module exports and imports
#[derive(Debug, Args)]
pub(crate) struct Exports {
    /// Module to look into
    file: PathBuf,
    /// Form of the list
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Exports, printer: Printer) -> Result<(), Diagnostics> {
    let bytes = install::read(&args.file)?;
    let module = wasm::read_outline(&bytes, &args.file.display().to_string())?;
    let (exports, imports) = offers_and_needs(&module);
    if args.format == Format::Json {
        let value = json!({ "version": 1, "exports": exports, "imports": imports });
        printer.data(&super::super::json(&value));
        return Ok(());
    }
    let mut text = String::new();
    for export in &exports {
        let signature = export.signature.as_deref().unwrap_or_default();
        text += format!("export {:<8} {}{signature}", export.kind, export.name).trim_end();
        text += "\n";
    }
    for import in &imports {
        let signature = import.signature.as_deref().unwrap_or_default();
        let name = format!("{}.{}", import.module, import.name);
        text += format!("import {:<8} {name}{signature}", import.kind).trim_end();
        text += if import.weak { " (weak)\n" } else { "\n" };
    }
    printer.data(&text);
    Ok(())
}
