//! `anymod explain rewrite`: commands as a package ran them, and as they were run for the target.

use std::path::Path;

use anymod_build::intercept::{self, TraceRecord};
use anymod_model::{Diagnostic, Diagnostics, Place, codes};
use clap::Args;

use crate::cli::Format;
use crate::printer::Printer;

/// Say how the commands of a build were rewritten, and by which rules
///
/// Reads what `anymod wheel --trace FILE` wrote. A file without a number is listed, a line for each command; with a number,
/// the command is shown whole, with what was taken from it and added to it.
#[derive(Debug, Args)]
pub(crate) struct Rewrite {
    /// File of records, and after a colon the number of one
    #[arg(value_name = "FILE[:N]")]
    trace: String,
    /// Only commands that failed
    #[arg(long)]
    failed: bool,
    /// Form of the output
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(crate) fn run(args: &Rewrite, printer: Printer) -> Result<(), Diagnostics> {
    let (file, number) = match args.trace.rsplit_once(':') {
        Some((file, number)) if !Path::new(&args.trace).exists() => match number.parse() {
            Ok(number) => (file, Some(number)),
            Err(_) => (args.trace.as_str(), None),
        },
        _ => (args.trace.as_str(), None),
    };
    let records = intercept::read_trace(Path::new(file))?;
    let numbered = records.iter().enumerate().map(|(index, record)| (index + 1, record));
    let wanted = numbered.filter(|(index, record)| {
        number.is_none_or(|number: usize| number == *index) && (!args.failed || record.exit != 0)
    });
    let wanted: Vec<(usize, &TraceRecord)> = wanted.collect();
    if let Some(number) = number.filter(|_| wanted.is_empty()) {
        let message = format!("there is no command {number}; the file has {}", records.len());
        return Err(Diagnostic::error(&codes::intercept::TRACE, message)
            .at(Place::file(file))
            .hint(format!("`anymod explain rewrite {file}` lists them"))
            .into());
    }
    printer.data(&match args.format {
        Format::Json => super::json(&wanted.iter().map(|(_, record)| *record).collect::<Vec<_>>()),
        Format::Text if number.is_some() => {
            wanted.iter().map(|(number, record)| whole(*number, record)).collect()
        }
        Format::Text => wanted.iter().map(|(number, record)| line(*number, record)).collect(),
    });
    Ok(())
}

/// A command in a line.
fn line(number: usize, record: &TraceRecord) -> String {
    let name = record.before.first().map_or("", String::as_str);
    let what = match (record.sources.as_slice(), &record.output) {
        ([], None) => record.before.get(1..).unwrap_or_default().join(" "),
        ([], Some(output)) => format!("-> {output}"),
        (sources, None) => sources.join(" "),
        (sources, Some(output)) => format!("{} -> {output}", sources.join(" ")),
    };
    let exit = if record.exit == 0 { String::new() } else { format!(" (exit {})", record.exit) };
    let rules = match record.rules.as_slice() {
        [] => String::new(),
        rules => format!("  [{}]", rules.join(" ")),
    };
    let outcome = record.outcome.name();
    format!(
        "{number:>5} {outcome:<6} {:>8.1} ms  {name} {what}{exit}{rules}\n",
        record.milliseconds
    )
}

/// A command and what was run instead.
fn whole(number: usize, record: &TraceRecord) -> String {
    let mut text = line(number, record);
    text += &format!("in      {}\n", record.cwd);
    text += &format!("before  {}\n", intercept::shell(&record.before));
    for command in &record.after {
        text += &format!("after   {}\n", intercept::shell(command));
    }
    let after: Vec<&String> = record.after.iter().flatten().collect();
    let arguments = record.before.get(1..).unwrap_or_default();
    let gone: Vec<String> =
        arguments.iter().filter(|word| !after.contains(word)).cloned().collect();
    let tools = record.after.iter().filter_map(|command| command.first());
    let tools: Vec<&String> = tools.collect();
    let new = after.iter().filter(|word| !record.before.contains(word) && !tools.contains(word));
    let new: Vec<String> = new.map(|word| (*word).clone()).collect();
    if !record.after.is_empty() && !gone.is_empty() {
        text += &format!("gone    {}\n", intercept::shell(&gone));
    }
    if !new.is_empty() {
        text += &format!("added   {}\n", intercept::shell(&new));
    }
    for rule in &record.rules {
        let documented = intercept::rule(rule);
        text += &match documented {
            Some((what, why)) => format!("rule    {rule}: {what}, because {why}\n"),
            None => format!("rule    {rule}\n"),
        };
    }
    if let Some(said) = &record.said {
        text += &format!("said\n{said}");
    }
    text
}
