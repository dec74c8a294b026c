//! `anymod wasm size`: where the bytes of a module are.

use std::path::PathBuf;

use anymod_build::install;
use anymod_link::wasm::{self, FunctionSize, Sizes};
use anymod_model::Diagnostics;
use clap::Args;
use serde_json::{Value, json};

use crate::cli::Format;
use crate::printer::Printer;

/// Show how large a module is, by section, by archive and by function
///
/// Debug information is told apart. Which archive a function came from, bundles say that `anymod bundle` made.
#[derive(Debug, Args)]
pub(crate) struct Size {
    /// Module to measure
    file: PathBuf,
    /// How many functions to list, the largest first; 0 for all
    #[arg(long, value_name = "N", default_value_t = 20)]
    functions: usize,
    /// Form of the report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Size, printer: Printer) -> Result<(), Diagnostics> {
    let bytes = install::read(&args.file)?;
    let mut sizes = wasm::sizes(&bytes, &args.file.display().to_string())?;
    let origins = sizes.by_origin();
    // Stable: functions of one size stay in their order.
    sizes.functions.sort_by_key(|function| std::cmp::Reverse(function.bytes));
    if args.functions > 0 {
        sizes.functions.truncate(args.functions);
    }
    printer.data(&match args.format {
        Format::Text => text(&sizes, &origins),
        Format::Json => super::super::json(&value(&sizes, &origins)),
    });
    Ok(())
}

fn text(sizes: &Sizes, origins: &[(String, u64)]) -> String {
    let mut text = format!("{:>10}  total\n", sizes.total);
    text += &format!("{:>10}  without debug information\n", sizes.total - sizes.debug);
    text += &format!("{:>10}  debug information\n\n", sizes.debug);
    for section in &sizes.sections {
        let custom = if section.custom { " (custom)" } else { "" };
        text += &format!("{:>10}  {}{custom}\n", section.bytes, section.name);
    }
    if !origins.is_empty() {
        text += "\ncode by archive\n";
        for (name, bytes) in origins {
            text += &format!("{bytes:>10}  {name}\n");
        }
    }
    if !sizes.functions.is_empty() {
        text += "\nlargest functions\n";
        for function in &sizes.functions {
            let origin = function.origin.as_ref().map(|name| format!("  ({name})"));
            let (name, origin) = (name(function), origin.unwrap_or_default());
            text += &format!("{:>10}  {name}{origin}\n", function.bytes);
        }
    }
    text
}

fn name(function: &FunctionSize) -> String {
    function.name.clone().unwrap_or_else(|| format!("function {}", function.index))
}

fn value(sizes: &Sizes, origins: &[(String, u64)]) -> Value {
    let sections: Vec<Value> = sizes
        .sections
        .iter()
        .map(|section| json!({ "name": section.name, "custom": section.custom, "bytes": section.bytes }))
        .collect();
    let functions: Vec<Value> = sizes
        .functions
        .iter()
        .map(|function| {
            json!({
                "index": function.index,
                "name": function.name,
                "origin": function.origin,
                "bytes": function.bytes,
            })
        })
        .collect();
    let origins: Vec<Value> =
        origins.iter().map(|(name, bytes)| json!({ "name": name, "bytes": bytes })).collect();
    json!({
        "version": 1,
        "total": sizes.total,
        "debug": sizes.debug,
        "sections": sections,
        "origins": origins,
        "functions": functions,
    })
}
