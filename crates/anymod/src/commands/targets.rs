//! `anymod targets`: what can be built for.

use anymod_model::{Diagnostic, Diagnostics, Target, codes};
use clap::Args;
use serde_json::json;

use crate::cli::Format;
use crate::printer::Printer;

/// List the targets that modules can be built for
#[derive(Debug, Args)]
pub(crate) struct Targets {
    /// Form of the list
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(crate) fn run(args: &Targets, printer: Printer) -> Result<(), Diagnostics> {
    match args.format {
        Format::Text => {
            let mut text = String::from("target                 word  since  static data\n");
            for target in Target::all() {
                let info = target.arch.info();
                let since = format!("{}.{}", info.since.0, info.since.1);
                let data = if info.writable_text { "in text" } else { "refused" };
                text += &format!(
                    "{:<21}  {:>4}  {since:>5}  {data}\n",
                    target.to_string(),
                    info.word_size
                );
            }
            printer.data(&text);
        }
        Format::Json => {
            let rows: Vec<_> = Target::all()
                .map(|target| {
                    let info = target.arch.info();
                    json!({
                        "target": target.to_string(),
                        "runtime": target.runtime.name(),
                        "arch": info.name,
                        "word-size": info.word_size,
                        "since": format!("{}.{}", info.since.0, info.since.1),
                        "static-data-in-text": info.writable_text,
                    })
                })
                .collect();
            printer.data(&format!("{:#}\n", serde_json::Value::from(rows)));
        }
    }
    Ok(())
}

/// The targets that match any of the patterns; all of them if there is none.
pub(crate) fn select(patterns: &[String]) -> Result<Vec<Target>, Diagnostics> {
    if patterns.is_empty() {
        return Ok(Target::all().collect());
    }
    let unknown: Vec<_> = patterns
        .iter()
        .filter(|pattern| Target::matching(pattern).is_empty())
        .map(|pattern| {
            Diagnostic::error(&codes::manifest::USAGE, format!("no target matches `{pattern}`"))
                .hint("`anymod targets` lists them; `*` stands for any run of characters")
        })
        .collect();
    if !unknown.is_empty() {
        return Err(Diagnostics(unknown));
    }
    let wanted =
        |target: &Target| patterns.iter().any(|pattern| Target::matching(pattern).contains(target));
    Ok(Target::all().filter(wanted).collect())
}
