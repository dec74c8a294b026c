//! `anymod split verify`: whether modules will load into a host, and whether anything is there twice.

use std::fmt::Write as _;
use std::path::PathBuf;

use anymod_build::split::verify::{SizeRow, VerifiedFile, VerifyReport, VerifyRequest, verify};
use anymod_model::Diagnostics;
use clap::Args;
use serde_json::json;

use crate::cli::Format;
use crate::printer::Printer;
use crate::progress::counted;

/// Check that modules will load into a host, and that nothing is there twice
///
/// Every symbol that a module asks for has to be exported by the host, by the module itself or by a library that one of them
/// needs. All that are missing are told at once.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The host, then its modules
    #[arg(required = true, value_name = "HOST MODULE")]
    files: Vec<PathBuf>,
    /// There is no host: every file is loaded by itself
    #[arg(long)]
    alone: bool,
    /// Archive that may be in one file at most, found also in stripped ones; may be given several times
    #[arg(long, value_name = "ARCHIVE")]
    library: Vec<PathBuf>,
    /// Directory to look for needed libraries in first; may be given several times
    #[arg(long, value_name = "DIR")]
    library_path: Vec<PathBuf>,
    /// File that there was before the split, the host first, for the table of sizes; may be given several times
    #[arg(long, value_name = "FILE")]
    before: Vec<PathBuf>,
    /// Also list the provider of every symbol
    #[arg(long)]
    all: bool,
    /// Form of the report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Verify, printer: Printer) -> Result<(), Diagnostics> {
    let (host, modules) = match args.files.split_first() {
        Some((host, modules)) if !args.alone => (Some(host.as_path()), modules),
        _ => (None, args.files.as_slice()),
    };
    let report = verify(&VerifyRequest {
        host,
        modules,
        libraries: &args.library,
        directories: &args.library_path,
        before: &args.before,
        with_symbols: args.all,
    })?;
    printer.data(&match args.format {
        Format::Text => text(&report),
        Format::Json => super::super::json(&json!({ "version": 1, "report": report })),
    });
    super::conclude(report.diagnostics, printer)
}

fn text(report: &VerifyReport) -> String {
    let mut text = String::new();
    for file in &report.files {
        of_file(file, &mut text);
    }
    if !report.sizes.is_empty() {
        text += "\n";
        text += &sizes(&report.sizes);
    }
    text
}

fn of_file(file: &VerifiedFile, text: &mut String) {
    let providers: Vec<String> =
        file.providers.iter().map(|(name, count)| format!("{count} from {name}")).collect();
    let _ = write!(
        text,
        "{}: {} bytes, exports {}, needs {}",
        file.file,
        file.size,
        file.exports,
        counted(file.undefined, "symbol")
    );
    if !providers.is_empty() {
        let _ = write!(text, ": {}", providers.join(", "));
    }
    text.push('\n');
    for name in &file.missing {
        let _ = writeln!(text, "  missing  {name}");
    }
    for library in &file.embedded {
        let _ = writeln!(text, "  embeds   {} (score {:.2})", library.library, library.score);
    }
    for (name, provider) in &file.symbols {
        let _ = writeln!(text, "  {name}  {provider}");
    }
}

/// A table of sizes, with sums and what grew.
pub(super) fn sizes(rows: &[SizeRow]) -> String {
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0).max(5);
    let number =
        |bytes: Option<u64>| bytes.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string());
    let mut text =
        format!("{:<width$} {:>12} {:>12} {:>12}\n", "bytes", "before", "after", "change");
    let mut sums = (0_u64, 0_u64);
    let mut line = |name: &str, before: Option<u64>, after: Option<u64>| {
        let change = i128::from(after.unwrap_or(0)) - i128::from(before.unwrap_or(0));
        let change = if change > 0 { format!("+{change}") } else { change.to_string() };
        let (before, after) = (number(before), number(after));
        let _ = writeln!(text, "{name:<width$} {before:>12} {after:>12} {change:>12}");
    };
    for row in rows {
        sums.0 += row.before.unwrap_or(0);
        sums.1 += row.after.unwrap_or(0);
        line(&row.name, row.before, row.after);
    }
    line("total", Some(sums.0), Some(sums.1));
    text
}
