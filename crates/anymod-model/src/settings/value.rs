//! A setting's value from text, as variables, flags and the strings of files spell it, and back.

use super::{Kind, Setting, Value};
use crate::codes::settings as codes;
use crate::manifest::suggest::nearest;
use crate::{Diagnostic, Place};

/// Units of sizes, the larger of a base first.
const UNITS: &[(&str, u64)] = &[
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// Why a text is not a value, without the name of what it was given for.
pub(super) struct Problem {
    message: String,
    hint: String,
}

impl Problem {
    /// The diagnostic of a value that was given for `name`: a key, a flag or a variable.
    pub(super) fn about(self, name: &str) -> Diagnostic {
        Diagnostic::error(&codes::BAD_VALUE, format!("`{name}` {}", self.message)).hint(self.hint)
    }

    /// The same in a file.
    pub(super) fn in_file(self, name: &str, place: Place) -> Diagnostic {
        self.about(name).at(place)
    }
}

/// Reads a value.
pub(super) fn of_text(setting: &Setting, text: &str) -> Result<Value, Problem> {
    if let Some((word, _)) = setting.words.iter().find(|(word, _)| *word == text) {
        return Ok(Value::Word(word));
    }
    let value = match setting.kind {
        Kind::Bool => match text {
            "true" | "1" => Some(Value::Bool(true)),
            "false" | "0" => Some(Value::Bool(false)),
            _ => None,
        },
        Kind::Count => text.parse().ok().and_then(|number| count(setting, number)),
        Kind::Size => size(text).map(Value::Size),
        Kind::Path => (!text.is_empty()).then(|| Value::Path(text.to_owned())),
        Kind::Text => (!text.is_empty()).then(|| Value::Text(text.to_owned())),
        Kind::Secret => (!text.is_empty()).then(|| Value::Secret(text.to_owned())),
        Kind::Word => None,
    };
    value.ok_or_else(|| problem(setting, text))
}

/// A number as a value, if the setting takes numbers and this one.
pub(super) fn count(setting: &Setting, number: i64) -> Option<Value> {
    let number = u64::try_from(number).ok().filter(|number| *number > 0)?;
    match setting.kind {
        Kind::Count => Some(Value::Count(number)),
        Kind::Size => Some(Value::Size(number)),
        Kind::Bool | Kind::Path | Kind::Text | Kind::Secret | Kind::Word => None,
    }
}

/// What is wrong with a text, and what to write.
pub(super) fn problem(setting: &Setting, text: &str) -> Problem {
    let text = text.escape_debug();
    let words = setting.words.iter().map(|(word, _)| *word);
    let list: Vec<String> = words.clone().map(|word| format!("`{word}`")).collect();
    let message = match setting.kind {
        Kind::Word => format!("does not take `{text}`"),
        kind => format!("has to be {}, but this is `{text}`", kind.describe()),
    };
    let hint = match (nearest(&text.to_string(), words), setting.kind) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, Kind::Word) => format!("it takes {}", list.join(", ")),
        (None, Kind::Size) => {
            format!(
                "write a number above 0 and a unit such as `MiB` or `GiB`, or {}",
                list.join(", ")
            )
        }
        (None, Kind::Count) if !list.is_empty() => {
            format!("write a number above 0, or {}", list.join(", "))
        }
        (None, kind) => format!("write {}", kind.describe()),
    };
    Problem { message, hint }
}

/// Reads a size: a whole number of bytes, or one with a unit in any letter case. A letter alone is no unit, because some
/// programs mean powers of ten by it and some powers of two.
#[must_use]
pub fn size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic()).trim_end();
    let unit = text.get(digits.len()..)?.trim_start();
    let factor = match unit {
        "" => 1,
        unit => UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?.1,
    };
    let plain = digits.bytes().all(|digit| digit.is_ascii_digit());
    let number: u64 = plain.then(|| digits.parse().ok())??;
    number.checked_mul(factor).filter(|bytes| *bytes > 0)
}

impl std::fmt::Display for Value {
    /// As a variable or flag would spell it; sizes in the largest unit that leaves a whole number.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Bool(flag) => write!(f, "{flag}"),
            Value::Count(number) => write!(f, "{number}"),
            Value::Path(text) | Value::Text(text) => f.write_str(text),
            Value::Secret(_) => f.write_str("(not shown)"),
            Value::Word(word) => f.write_str(word),
            Value::Size(bytes) => {
                let whole = UNITS.iter().filter(|(_, factor)| bytes % factor == 0);
                match whole.max_by_key(|(_, factor)| *factor) {
                    Some((unit, factor)) if *factor > 1 => write!(f, "{}{unit}", bytes / factor),
                    _ => write!(f, "{bytes}B"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_have_units_that_say_what_they_mean() {
        for (text, bytes) in [
            ("10GiB", Some(10 << 30)),
            ("10 gib", Some(10 << 30)),
            ("2MB", Some(2_000_000)),
            ("1kb", Some(1_000)),
            ("512", Some(512)),
            ("7B", Some(7)),
            ("10G", None),
            ("1.5GiB", None),
            ("-1GiB", None),
            ("+1GiB", None),
            ("0", None),
            ("GiB", None),
            ("", None),
            ("99999999999TiB", None),
            ("1 2MB", None),
            ("１MB", None),
        ] {
            assert_eq!(size(text), bytes, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_size_is_read_as_it_is_shown(bytes in 1u64.., shift in 0u32..50) {
            let bytes = (bytes >> 24).max(1) << shift.min(23);
            prop_assert_eq!(size(&Value::Size(bytes).to_string()), Some(bytes));
        }

        #[test]
        fn any_text_is_a_value_or_a_problem(text in ".*") {
            for setting in super::super::TABLE {
                if let Err(problem) = of_text(setting, &text) {
                    let finding = problem.about(setting.key);
                    prop_assert!(!finding.message.contains('\n'));
                }
            }
        }
    }
}
