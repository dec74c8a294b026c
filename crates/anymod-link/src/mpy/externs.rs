//! Lists of symbols in a runtime's ROM, in the small part of the linker script language that vendors write them in.
//!
//! `name = 0x40001234;` and `PROVIDE ( name = 0x40001234 );`, or another symbol of the list instead of the number, with
//! `/* … */` and `// …` comments; several statements may share a line and one may span several.

use std::collections::BTreeMap;

use anymod_model::codes::link as code;
use anymod_model::{Diagnostic, Diagnostics, Place};

use super::findings::Findings;

/// Reads a list of ROM symbols; `file` is the path for messages.
///
/// # Errors
///
/// Every statement that is none of the two forms, and every symbol with two different addresses.
pub fn parse(text: &str, file: &str) -> Result<BTreeMap<String, u64>, Diagnostics> {
    let plain = blank_comments(text);
    let mut symbols = BTreeMap::new();
    let mut aliases = Vec::new();
    let mut findings = Findings::default();
    let mut start = 0;
    for statement in plain.split_inclusive(';') {
        let span = trimmed_span(statement, start);
        start += statement.len();
        let body = statement.trim().trim_end_matches(';').trim();
        if body.is_empty() {
            continue;
        }
        let place = Place::Text { file: file.to_string(), span };
        match assignment(body) {
            Some((name, Value::Address(address))) => {
                let old = symbols.insert(name.to_string(), address);
                if old.is_some_and(|old| old != address) {
                    let message = format!("`{name}` already has another address");
                    let finding = Diagnostic::error(&code::EXTERNS_DUPLICATE, message);
                    findings.push(finding.at(place).hint("keep one of the two"));
                }
            }
            Some((name, Value::Symbol(other))) => aliases.push((name, other)),
            None => {
                let message = "neither `name = 0x…;` nor `PROVIDE(name = 0x…);`";
                let finding = Diagnostic::error(&code::EXTERNS_SYNTAX, message);
                findings
                    .push(finding.at(place).hint("write one symbol and one number a statement"));
            }
        }
    }
    for (name, other) in aliases {
        // What the list does not know is in the firmware, out of a module's reach.
        if let Some(address) = symbols.get(other).copied() {
            symbols.entry(name.to_string()).or_insert(address);
        }
    }
    findings.finish()?;
    Ok(symbols)
}

fn trimmed_span(statement: &str, start: usize) -> std::ops::Range<usize> {
    let lead = statement.len() - statement.trim_start().len();
    start + lead..start + lead + statement.trim().len()
}

/// The right side of an assignment.
enum Value<'a> {
    Address(u64),
    Symbol(&'a str),
}

fn assignment(body: &str) -> Option<(&str, Value<'_>)> {
    let inner = match body.strip_prefix("PROVIDE") {
        Some(rest) => rest.trim().strip_prefix('(')?.strip_suffix(')')?,
        None => body,
    };
    let (name, value) = inner.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let is_name = |text: &str| {
        !text.is_empty()
            && !text.starts_with(|first: char| first.is_ascii_digit())
            && text
                .chars()
                .all(|part| part.is_ascii_alphanumeric() || matches!(part, '_' | '.' | '$'))
    };
    if !is_name(name) {
        return None;
    }
    if is_name(value) {
        return Some((name, Value::Symbol(value)));
    }
    let address = match value.strip_prefix("0x").or_else(|| value.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => value.parse().ok()?,
    };
    Some((name, Value::Address(address)))
}

/// Replaces comments by blanks, so that offsets stay those of the file.
fn blank_comments(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("/*").into_iter().chain(rest.find("//")).min() {
        let (before, comment) = rest.split_at(at);
        plain.push_str(before);
        let end = match comment.starts_with("/*") {
            true => comment.find("*/").map_or(comment.len(), |end| end + 2),
            false => comment.find('\n').unwrap_or(comment.len()),
        };
        plain.extend(std::iter::repeat_n(' ', end));
        rest = comment.get(end..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_and_comments_are_read() {
        let text = "/* ROM\n */ PROVIDE ( ets_printf = 0x400024cc );\nmemcpy=0x4000DF48; // old = 1;\nx = 12; PROVIDE(y = x); PROVIDE(z = other);";
        let symbols = parse(text, "rom.ld").unwrap();
        let expected = [("ets_printf", 0x4000_24cc), ("memcpy", 0x4000_df48), ("x", 12), ("y", 12)];
        assert_eq!(symbols, expected.map(|(name, at)| (name.to_string(), at)).into());
    }

    #[test]
    fn every_bad_statement_is_reported_where_it_is() {
        let errors = parse("a = 1;\n  b + c;\na = 2; SECTIONS { }", "rom.ld").unwrap_err();
        let ids: Vec<_> = errors.0.iter().map(|error| error.code.id).collect();
        assert_eq!(ids, ["L0501", "L0502", "L0501"]);
        let Some(Place::Text { span, .. }) = &errors.0[0].place else { panic!("no span") };
        assert_eq!(*span, 9..15);
    }
}
