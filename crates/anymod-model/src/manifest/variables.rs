//! References to environment variables inside strings: `${env:NAME}`, `${env:NAME:-default}`, and `$${` for `${`.
//!
//! The environment itself is the caller's; what was read is recorded, because it is part of what a build depends on.

use std::collections::BTreeMap;

/// The environment as a function from names to values.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A piece of a string.
enum Part<'a> {
    Text(&'a str),
    Variable { name: &'a str, default: Option<&'a str> },
}

/// Takes a string apart, or says what is wrong with its first bad reference.
fn parts(text: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, tail) = rest.split_at(at);
        parts.push(Part::Text(before));
        if let Some(after) = tail.strip_prefix("$${") {
            parts.push(Part::Text("${"));
            rest = after;
        } else if let Some(inside) = tail.strip_prefix("${") {
            let Some((reference, after)) = inside.split_once('}') else {
                return Err("`${` without its `}`".to_owned());
            };
            parts.push(variable(reference)?);
            rest = after;
        } else {
            parts.push(Part::Text("$"));
            rest = &tail[1..];
        }
    }
    parts.push(Part::Text(rest));
    Ok(parts)
}

/// Reads what stands between `${` and `}`.
fn variable(reference: &str) -> Result<Part<'_>, String> {
    let bad = || format!("`${{{reference}}}` is not a reference to a variable");
    let inside = reference.strip_prefix("env:").ok_or_else(bad)?;
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let goes_on_well = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if starts_well && goes_on_well { Ok(Part::Variable { name, default }) } else { Err(bad()) }
}

/// Checks the references of a string without looking anything up.
pub(super) fn check(text: &str) -> Result<(), String> {
    parts(text).map(|_| ())
}

/// Replaces the references of a string, recording every variable read and what it was.
///
/// An unset or empty variable takes its default. The error is the name of one that has none.
pub(super) fn expand(
    text: &str,
    environment: Environment<'_>,
    read: &mut BTreeMap<String, Option<String>>,
) -> Result<String, String> {
    let mut expanded = String::new();
    // A string that the reader let through has no bad reference; were one left, it would stay as written.
    for part in parts(text).unwrap_or_else(|_| vec![Part::Text(text)]) {
        match part {
            Part::Text(text) => expanded.push_str(text),
            Part::Variable { name, default } => {
                let value =
                    read.entry(name.to_owned()).or_insert_with(|| environment(name)).as_deref();
                let value = value.filter(|value| !value.is_empty()).or(default);
                expanded.push_str(value.ok_or_else(|| name.to_owned())?);
            }
        }
    }
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> Result<String, String> {
        let environment = |name: &str| match name {
            "DIR" => Some("/opt/mpy".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        expand(text, &environment, &mut BTreeMap::new())
    }

    #[test]
    fn references_are_replaced() {
        assert_eq!(expanded("${env:DIR}/py").as_deref(), Ok("/opt/mpy/py"));
        assert_eq!(expanded("${env:NO:-x:-y}").as_deref(), Ok("x:-y"));
        assert_eq!(expanded("${env:EMPTY:-}|").as_deref(), Ok("|"));
        assert_eq!(expanded("${env:EMPTY}"), Err("EMPTY".to_owned()));
        assert_eq!(expanded("$5 $${env:DIR} $$").as_deref(), Ok("$5 ${env:DIR} $$"));
    }

    #[test]
    fn what_was_read_is_recorded() {
        let mut read = BTreeMap::new();
        let value = expand("${env:A:-1}${env:B:-2}${env:A:-3}", &|_| None, &mut read);
        assert_eq!(value.as_deref(), Ok("123"));
        assert_eq!(read.into_iter().collect::<Vec<_>>(), [("A".into(), None), ("B".into(), None)]);
    }

    #[test]
    fn bad_references_are_told() {
        for text in ["${HOME}", "${env:}", "${env:1A}", "${env:A-B}", "${env:A", "${}"] {
            assert!(check(text).is_err(), "{text}");
        }
        assert!(check("$HOME ${env:A:-}").is_ok());
    }
}
