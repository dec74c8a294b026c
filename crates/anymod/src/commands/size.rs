//! `anymod size`: how large modules are, and how that compares with an earlier build.

use std::path::PathBuf;

use anymod_build::{install, size};
use anymod_model::Diagnostics;
use clap::{Args, ValueEnum};

use super::build::Selection;
use crate::cli::Format;
use crate::printer::Printer;
use crate::timings::TimingsArgs;

#[derive(Debug, Args)]
pub(crate) struct Size {
    #[command(flatten)]
    selection: Selection,
    /// A report written earlier with `--format json`: show differences in bytes and percent
    #[arg(long, value_name = "BASE.JSON")]
    compare: Option<PathBuf>,
    /// Form of the report
    #[arg(long, value_enum, default_value = "text")]
    format: SizeFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SizeFormat {
    Text,
    Json,
    Markdown,
}

pub(crate) fn run(args: &Size, printer: Printer) -> Result<(), Diagnostics> {
    let report = anymod_build::sizes(&args.selection.build(
        Format::Text,
        &TimingsArgs::default(),
        printer,
    )?)?;
    let Some(path) = &args.compare else {
        printer.data(&match args.format {
            SizeFormat::Text => size::text(&report),
            SizeFormat::Json => super::json(&report),
            SizeFormat::Markdown => size::markdown(&report),
        });
        return Ok(());
    };
    let mut base = size::read_report(&install::read(path)?, &path.display().to_string())?;
    // What was not asked for is not gone.
    base.modules.retain(|row| args.selection.covers(&row.module, &row.target));
    let changes = size::compare(&base, &report);
    printer.data(&match args.format {
        SizeFormat::Text => size::compared_text(&changes),
        SizeFormat::Json => super::json(&changes),
        SizeFormat::Markdown => size::compared_markdown(&changes),
    });
    Ok(())
}
