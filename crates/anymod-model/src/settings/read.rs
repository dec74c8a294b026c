//! Files of settings: TOML text to a layer, with everything that is wrong at once.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned as Toml;
use toml::de::{DeTable, DeValue};

use super::{Kind, Layer, Origin, Setting, TABLE, Value, is_placeholder, stands_for, value};
use crate::codes::settings as codes;
use crate::manifest::read::{join, quoted, type_name};
use crate::manifest::suggest::nearest;
use crate::{Code, Diagnostic, Diagnostics, Place};

/// Reads the text of a file of settings; `file` is how messages and origins call it.
///
/// # Errors
/// Everything that is wrong with the text, in its order (`M0201` to `M0204`).
pub fn parse(text: &str, file: &str) -> Result<Layer, Diagnostics> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { file, layer: Layer::new(), findings: Vec::new() };
    for error in errors {
        let span = error.span().unwrap_or(text.len()..text.len());
        let hint = "the rest is checked once the file reads as TOML".to_owned();
        reader.report(&codes::SYNTAX, span, error.message().replace('\n', ", "), hint);
    }
    if reader.findings.is_empty() {
        reader.section(&[], document.get_ref());
    }
    if reader.findings.is_empty() {
        return Ok(reader.layer);
    }
    reader.findings.sort_by_key(|finding| match &finding.place {
        Some(Place::Text { span, .. }) => span.start,
        _ => 0,
    });
    Err(Diagnostics(reader.findings))
}

struct Reader<'a> {
    file: &'a str,
    layer: Layer,
    findings: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn report(&mut self, code: &'static Code, span: Range<usize>, message: String, hint: String) {
        let place = Place::Text { file: self.file.to_owned(), span };
        self.findings.push(Diagnostic::error(code, message).at(place).hint(hint));
    }

    fn section(&mut self, path: &[&str], table: &DeTable<'_>) {
        for (name, value) in table {
            let full = [path, &[name.get_ref().as_ref()]].concat();
            if let Some(setting) = TABLE.iter().find(|setting| setting.matches(&full, true)) {
                self.value(setting, &full, value);
            } else if is_section(&full) {
                self.inner(&full, name, value);
            } else {
                self.unknown(path, name, value);
            }
        }
    }

    fn inner(&mut self, path: &[&str], name: &Toml<Cow<'_, str>>, value: &Toml<DeValue<'_>>) {
        let heading = heading(path);
        if let Some((hint, word)) = wrong_name(path) {
            let message = format!("there is no `{}` to set anything for", word.escape_debug());
            return self.report(&codes::UNKNOWN, name.span(), message, hint);
        }
        match value.get_ref() {
            DeValue::Table(table) => self.section(path, table),
            _ => {
                let message = format!("`{heading}` is a section, but this is {}", type_name(value));
                let hint = format!("write a section `[{heading}]`");
                self.report(&codes::WRONG_KIND, name.span(), message, hint);
            }
        }
    }

    fn value(&mut self, setting: &'static Setting, path: &[&str], found: &Toml<DeValue<'_>>) {
        let place = Place::Text { file: self.file.to_owned(), span: found.span() };
        let name = path.last().copied().unwrap_or_default();
        let value = match (found.get_ref(), setting.kind) {
            (DeValue::Boolean(flag), Kind::Bool) => Ok(Value::Bool(*flag)),
            (DeValue::Integer(number), Kind::Count | Kind::Size) => {
                let parsed = i64::from_str_radix(number.as_str(), number.radix()).ok();
                let value = parsed.and_then(|number| value::count(setting, number));
                value.ok_or_else(|| value::problem(setting, &number.to_string()))
            }
            // In a file a number is a number and a truth value one, so that there is one way to write them.
            (DeValue::String(text), kind)
                if !matches!(kind, Kind::Bool | Kind::Count)
                    || setting.words.iter().any(|(word, _)| word == text) =>
            {
                value::of_text(setting, text)
            }
            _ => {
                let message = format!(
                    "`{name}` has to be {}, but this is {}",
                    setting.kind.describe(),
                    type_name(found)
                );
                let hint = format!("write it like `{name} = {}`", setting.example);
                return self.report(&codes::WRONG_KIND, found.span(), message, hint);
            }
        };
        let origin = Origin::File { file: self.file.to_owned(), span: found.span() };
        match value {
            Ok(value) => self.layer.put(&path.join("."), value, origin),
            Err(problem) => self.findings.push(problem.in_file(name, place)),
        }
    }

    fn unknown(&mut self, path: &[&str], name: &Toml<Cow<'_, str>>, value: &Toml<DeValue<'_>>) {
        let word = name.get_ref().as_ref();
        let what = if value.get_ref().is_table() { "section" } else { "key" };
        let place = match path {
            [] => "at the top".to_owned(),
            path => format!("in `[{}]`", heading(path)),
        };
        let mut known: Vec<&str> = TABLE
            .iter()
            .filter(|setting| setting.matches(path, false))
            .filter_map(|setting| setting.key.split('.').nth(path.len()))
            .filter(|part| !is_placeholder(part))
            .collect();
        known.dedup();
        let home = TABLE.iter().filter_map(|setting| setting.key.rsplit_once('.'));
        let home = home.filter(|(_, own)| *own == word).map(|(section, _)| section).next();
        let hint = match (nearest(word, known.iter().copied()), home) {
            (_, Some(section)) => format!("`{word}` belongs in `[{section}]`"),
            (Some(near), None) => format!("did you mean `{near}`?"),
            (None, None) => format!("known here are `{}`", known.join("`, `")),
        };
        let message = format!("unknown {what} `{}` {place}", word.escape_debug());
        self.report(&codes::UNKNOWN, name.span(), message, hint);
    }
}

/// True if rows lead on from here.
fn is_section(path: &[&str]) -> bool {
    TABLE.iter().any(|setting| setting.matches(path, false))
}

/// If the last part is a name of the user's choice but none that the row takes: what to write, and the part.
fn wrong_name<'a>(path: &[&'a str]) -> Option<(String, &'a str)> {
    let word = path.last()?;
    let row = TABLE.iter().find(|setting| setting.matches(path, false))?;
    let own = row.key.split('.').nth(path.len() - 1)?;
    if !is_placeholder(own) || !stands_for(own, word) {
        return None;
    }
    if row.names.is_empty() {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        let fits = !word.is_empty() && word.chars().all(plain);
        let hint = "use letters, digits, `-` and `_`".to_owned();
        return (!fits).then_some((hint, word));
    }
    if row.names.contains(word) {
        return None;
    }
    let hint = match nearest(word, row.names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are `{}`", row.names.join("`, `")),
    };
    Some((hint, word))
}

/// A section's path as its heading spells it.
fn heading(path: &[&str]) -> String {
    path.iter().fold(String::new(), |heading, part| join(&heading, &quoted(part)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is wrong with a text: the underlined part, the message and the hint of each finding.
    fn wrong(text: &str) -> Vec<(String, String, String)> {
        let findings = parse(text, "config.toml").unwrap_err().0;
        let row = |finding: Diagnostic| {
            let Some(Place::Text { span, .. }) = finding.place else { panic!("no place") };
            (text[span].to_owned(), finding.message, finding.hint.unwrap())
        };
        findings.into_iter().map(row).collect()
    }

    #[test]
    fn everything_wrong_is_told_at_once_with_its_place() {
        let text = "\
[store]
max-sise = \"1GiB\"
max-size = \"10G\"
max-entries = \"5\"
link = \"symlink\"
jobs = 3
path = 1
[store.namespace.compil]
max-size = 1
[store.namespace.link]
max-entries = 0
[cache]
[build]
jobs = true
keep-going = \"true\"
";
        let found = wrong(text);
        let found: Vec<_> =
            found.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
        let expected = [
            ("max-sise", "unknown key `max-sise` in `[store]`", "did you mean `max-size`?"),
            (
                "\"10G\"",
                "`max-size` has to be a size such as `10GiB`, but this is `10G`",
                "write a number above 0 and a unit such as `MiB` or `GiB`, or `none`",
            ),
            (
                "\"5\"",
                "`max-entries` has to be a whole number from 1, but this is a string",
                "write it like `max-entries = 100000`",
            ),
            (
                "\"symlink\"",
                "`link` does not take `symlink`",
                "it takes `reflink`, `copy`, `hardlink`",
            ),
            ("jobs", "unknown key `jobs` in `[store]`", "`jobs` belongs in `[build]`"),
            (
                "1",
                "`path` has to be a path, but this is an integer",
                "write it like `path = \"/var/cache/anymod\"`",
            ),
            ("compil", "there is no `compil` to set anything for", "did you mean `compile`?"),
            (
                "0",
                "`max-entries` has to be a whole number from 1, but this is `0`",
                "write a number above 0, or `none`",
            ),
            (
                "cache",
                "unknown section `cache` at the top",
                "known here are `store`, `build`, `remote`",
            ),
            (
                "true",
                "`jobs` has to be a whole number from 1, but this is a boolean",
                "write it like `jobs = 8`",
            ),
            (
                "\"true\"",
                "`keep-going` has to be `true` or `false`, but this is a string",
                "write it like `keep-going = true`",
            ),
        ];
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected);
        }
        assert_eq!(found.len(), expected.len(), "{found:#?}");
    }

    #[test]
    fn words_take_the_place_of_values() {
        let text = "[store]\npath = \"off\"\nmax-size = \"none\"\nmax-entries = \"none\"\n";
        let layer = parse(text, "x").unwrap();
        assert_eq!(layer.values["store.path"].value, Value::Word("off"));
        assert_eq!(layer.values["store.max-size"].value, Value::Word("none"));
        assert_eq!(layer.values["store.max-entries"].value, Value::Word("none"));
    }

    #[test]
    fn text_that_is_no_toml_is_one_kind_of_finding() {
        let findings = wrong("[store\npath = 1\n");
        assert!(findings.iter().all(|(_, _, hint)| hint.contains("TOML")), "{findings:?}");
        assert_eq!(wrong("store = 3\n")[0].1, "`store` is a section, but this is an integer");
    }

    proptest! {
        #[test]
        fn any_text_is_a_layer_or_findings(
            text in prop_oneof![
                ".*",
                "(\\[(store|build|store\\.namespace\\.[a-z\"é.]{0,6})\\]\n|(path|jobs|link|max-size|\"\"|x) = (1|-1|true|\"[a-z0-9GiBé]{0,6}\"|\\[\\]|\\{\\})\n){0,8}",
            ]
        ) {
            if let Err(findings) = parse(&text, "x") {
                prop_assert!(!findings.0.is_empty());
                for finding in findings.0 {
                    let Some(Place::Text { span, .. }) = finding.place else { panic!("no place") };
                    prop_assert!(text.get(span).is_some());
                }
            }
        }
    }
}
