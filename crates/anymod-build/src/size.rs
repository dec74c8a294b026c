//! Sizes of built modules, and how they compare with those of an earlier build.
//!
//! Data and two pure renderings of it; nothing here prints. A report is what `anymod size --format json` writes and
//! `--compare` reads back.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anymod_model::codes::build as codes;
use anymod_model::{Diagnostic, Diagnostics, Place};
use serde::{Deserialize, Serialize};

/// Version of the report's form.
pub const REPORT_VERSION: u32 = 1;

/// Sizes of one module in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleSizes {
    /// The file.
    pub file: u64,
    /// Machine code, with everything that lives inside it.
    pub text: u64,
    /// Read-only data, inside the code on most architectures.
    pub rodata: u64,
    /// Initialised variables, inside the code.
    pub data: u64,
    /// Zeroed variables, wherever they are.
    pub bss: u64,
    /// The global offset table, inside the code.
    pub got: u64,
    /// Bytecode.
    #[serde(default)]
    pub bytecode: u64,
}

/// A column: its heading and its value.
type Column = (&'static str, fn(&ModuleSizes) -> u64);

const COLUMNS: [Column; 7] = [
    ("file", |sizes| sizes.file),
    ("text", |sizes| sizes.text),
    ("rodata", |sizes| sizes.rodata),
    ("data", |sizes| sizes.data),
    ("bss", |sizes| sizes.bss),
    ("got", |sizes| sizes.got),
    ("bytecode", |sizes| sizes.bytecode),
];

/// Sizes of many modules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SizeReport {
    /// [`REPORT_VERSION`].
    pub version: u32,
    /// A row for each module and target, sorted by both.
    pub modules: Vec<SizeRow>,
}

/// Sizes of one module for one target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SizeRow {
    /// Name of the module.
    pub module: String,
    /// Name of the target.
    pub target: String,
    /// Its sizes.
    #[serde(flatten)]
    pub sizes: ModuleSizes,
}

impl PartialOrd for ModuleSizes {
    fn partial_cmp(&self, other: &ModuleSizes) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ModuleSizes {
    fn cmp(&self, other: &ModuleSizes) -> std::cmp::Ordering {
        let key = |sizes: &ModuleSizes| COLUMNS.map(|(_, value)| value(sizes));
        key(self).cmp(&key(other))
    }
}

impl ModuleSizes {
    /// From what the linker counted and the length of the file.
    pub(crate) fn of(sizes: &anymod_link::mpy::Sizes, file: usize) -> ModuleSizes {
        ModuleSizes {
            file: file as u64,
            text: sizes.text,
            rodata: sizes.rodata,
            data: sizes.data,
            bss: sizes.bss + sizes.bss_in_text,
            got: sizes.got,
            bytecode: 0,
        }
    }

    /// Of a file whose parts are not counted, such as a wheel.
    pub(crate) fn of_file(file: usize) -> ModuleSizes {
        ModuleSizes { file: file as u64, ..ModuleSizes::default() }
    }

    /// The linker's account, completed from the finished file, into which Python code may have been merged.
    pub(crate) fn complete(
        linked: Option<ModuleSizes>,
        bytes: &[u8],
        file: &str,
    ) -> Result<ModuleSizes, Diagnostics> {
        let found = anymod_pack::mpy::sizes(bytes, file)?;
        let base = linked.unwrap_or(ModuleSizes {
            text: found.text,
            rodata: found.rodata,
            bss: found.bss,
            ..ModuleSizes::default()
        });
        Ok(ModuleSizes { file: found.file, bytecode: found.bytecode, ..base })
    }

    pub(crate) fn to_json(self) -> String {
        // Plain numbers cannot fail to be written.
        serde_json::to_string(&self).unwrap_or_default()
    }

    pub(crate) fn from_json(bytes: &[u8]) -> Option<ModuleSizes> {
        serde_json::from_slice(bytes).ok()
    }
}

/// Reads a report that an earlier build wrote; `file` is its path for messages.
///
/// # Errors
/// `B0002` if it is no report of this version.
pub fn read_report(bytes: &[u8], file: &str) -> Result<SizeReport, Diagnostic> {
    let bad = |why: String| {
        Diagnostic::error(&codes::READ, format!("not a size report: {why}"))
            .at(Place::file(file))
            .hint("write one with `anymod size --format json`")
    };
    let report: SizeReport =
        serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
    if report.version != REPORT_VERSION {
        return Err(bad(format!("it has version {}, not {REPORT_VERSION}", report.version)));
    }
    Ok(report)
}

/// A module in two reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Name of the module.
    pub module: String,
    /// Name of the target.
    pub target: String,
    /// Its sizes before; none if it is new.
    pub before: Option<ModuleSizes>,
    /// Its sizes now; none if it is gone.
    pub now: Option<ModuleSizes>,
}

/// Puts two reports side by side, sorted by module and target.
#[must_use]
pub fn compare(base: &SizeReport, now: &SizeReport) -> Vec<Change> {
    let mut changes: BTreeMap<(&str, &str), Change> = BTreeMap::new();
    for (report, is_base) in [(base, true), (now, false)] {
        for row in &report.modules {
            let change = changes.entry((&row.module, &row.target)).or_insert_with(|| Change {
                module: row.module.clone(),
                target: row.target.clone(),
                before: None,
                now: None,
            });
            *(if is_base { &mut change.before } else { &mut change.now }) = Some(row.sizes);
        }
    }
    changes.into_values().collect()
}

/// Renders a report as a table for a terminal.
#[must_use]
pub fn text(report: &SizeReport) -> String {
    table(&sizes_table(report), Style::Text)
}

/// Renders a report as a Markdown table.
#[must_use]
pub fn markdown(report: &SizeReport) -> String {
    table(&sizes_table(report), Style::Markdown)
}

/// Renders a comparison as a table for a terminal.
#[must_use]
pub fn compared_text(changes: &[Change]) -> String {
    table(&changes_table(changes), Style::Text)
}

/// Renders a comparison as a Markdown table.
#[must_use]
pub fn compared_markdown(changes: &[Change]) -> String {
    table(&changes_table(changes), Style::Markdown)
}

fn heading() -> Vec<String> {
    ["module", "target"]
        .into_iter()
        .chain(COLUMNS.map(|(name, _)| name))
        .map(str::to_owned)
        .collect()
}

fn sizes_table(report: &SizeReport) -> Vec<Vec<String>> {
    let mut rows = vec![heading()];
    for row in &report.modules {
        let mut cells = vec![row.module.clone(), row.target.clone()];
        cells.extend(COLUMNS.map(|(_, value)| value(&row.sizes).to_string()));
        rows.push(cells);
    }
    rows
}

fn changes_table(changes: &[Change]) -> Vec<Vec<String>> {
    let mut rows = vec![heading()];
    for change in changes {
        let mut cells = vec![change.module.clone(), change.target.clone()];
        cells.extend(COLUMNS.map(|(_, value)| {
            delta(change.before.as_ref().map(value), change.now.as_ref().map(value))
        }));
        rows.push(cells);
    }
    rows
}

/// `512`, `512 (+12, +2.4%)`, `512 (new)`, `gone (-512)`.
fn delta(before: Option<u64>, now: Option<u64>) -> String {
    match (before, now) {
        (None, None) => String::new(),
        (None, Some(now)) => format!("{now} (new)"),
        (Some(before), None) => format!("gone (-{before})"),
        (Some(before), Some(now)) if before == now => now.to_string(),
        (Some(before), Some(now)) => {
            let difference = i128::from(now) - i128::from(before);
            if before == 0 {
                return format!("{now} ({difference:+})");
            }
            let percent = difference as f64 * 100.0 / before as f64;
            format!("{now} ({difference:+}, {percent:+.1}%)")
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Style {
    Text,
    Markdown,
}

/// Lays rows out in columns; the first two are text, the others numbers.
fn table(rows: &[Vec<String>], style: Style) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..rows.first().map_or(0, Vec::len)).map(width).collect();
    let mut out = String::new();
    for (number, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, width))| match column {
                0 | 1 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        // Writing to a string cannot fail.
        let _ = match style {
            Style::Text => writeln!(out, "{}", cells.join("  ").trim_end()),
            Style::Markdown => writeln!(out, "| {} |", cells.join(" | ")),
        };
        if number == 0 && style == Style::Markdown {
            let rule: Vec<String> = widths
                .iter()
                .enumerate()
                .map(|(column, width)| match column {
                    0 | 1 => "-".repeat(*width),
                    _ => format!("{}:", "-".repeat(width.saturating_sub(1).max(1))),
                })
                .collect();
            let _ = writeln!(out, "| {} |", rule.join(" | "));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(rows: &[(&str, u64)]) -> SizeReport {
        let row = |(module, text): &(&str, u64)| SizeRow {
            module: (*module).to_owned(),
            target: "micropython-x64".to_owned(),
            sizes: ModuleSizes { file: text + 50, text: *text, ..ModuleSizes::default() },
        };
        SizeReport { version: REPORT_VERSION, modules: rows.iter().map(row).collect() }
    }

    #[test]
    fn reports_are_read_back() {
        let report = report(&[("a", 100)]);
        let json = serde_json::to_vec(&report).unwrap();
        assert_eq!(read_report(&json, "base.json").unwrap(), report);
        assert!(read_report(b"{}", "base.json").unwrap_err().message.contains("version"));
        let other = String::from_utf8(json).unwrap().replace("\"version\":1", "\"version\":9");
        assert!(read_report(other.as_bytes(), "b").unwrap_err().message.contains("version 9"));
    }

    #[test]
    fn changes_show_bytes_and_percent() {
        let changes = compare(&report(&[("a", 100), ("b", 8)]), &report(&[("a", 125), ("c", 0)]));
        let text = compared_text(&changes);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].contains("175 (+25, +16.7%)  125 (+25, +25.0%)"), "{text}");
        assert!(lines[2].contains("gone (-8)"), "{text}");
        assert!(lines[3].contains("50 (new)"), "{text}");
        assert_eq!(delta(Some(0), Some(4)), "4 (+4)");
        assert_eq!(delta(Some(4), Some(2)), "2 (-2, -50.0%)");
    }

    #[test]
    fn markdown_is_a_table() {
        let text = markdown(&report(&[("a", 100)]));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.matches('|').count() == COLUMNS.len() + 3), "{text}");
        assert!(lines[1].starts_with("| ------ | ------"), "{text}");
    }
}
