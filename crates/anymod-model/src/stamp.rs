//! ABI stamps: what an archive was built for, written into it so that whoever links it can compare.
//!
//! A stamp is a sorted map of words. It travels as canonical JSON, one object and a newline, in a section of an object file
//! ([`SECTION`]). Linkers put sections of one name behind each other, with zeros between them where they align, so what is
//! read is a list. Which keys there are, and their values, is the business of whoever builds: this module only compares.

use std::collections::BTreeMap;

/// Name of the section that holds stamps: a custom section of WebAssembly objects, a section that is not loaded elsewhere.
pub const SECTION: &str = "anymod.abi";

/// Words that say what something was built for, by their keys: `target`, `build-type`, `gc`, `multivalue`, …
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct Stamp(BTreeMap<String, String>);

/// A key on which two stamps differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The key.
    pub key: String,
    /// What the first stamp says.
    pub left: String,
    /// What the second says.
    pub right: String,
}

impl std::fmt::Display for Mismatch {
    /// ``gc: `boehm` against `none` ``.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: `{}` against `{}`", self.key, self.left, self.right)
    }
}

impl Stamp {
    /// A stamp that says nothing.
    #[must_use]
    pub fn new() -> Stamp {
        Stamp::default()
    }

    /// The same stamp with a key set.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Stamp {
        self.set(key, value);
        self
    }

    /// Sets a key.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.0.insert(key.into(), value.into());
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// True if it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keys and values, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The keys on which two stamps differ, sorted. A key that only one of them has says nothing: not everything depends on
    /// everything, for instance a library without a collector on how memory is collected.
    #[must_use]
    pub fn mismatches(&self, other: &Stamp) -> Vec<Mismatch> {
        let both = self.0.iter().filter_map(|(key, left)| Some((key, left, other.0.get(key)?)));
        both.filter(|(_, left, right)| left != right)
            .map(|(key, left, right)| Mismatch {
                key: key.clone(),
                left: left.clone(),
                right: right.clone(),
            })
            .collect()
    }

    /// The stamp as it is written: one JSON object, keys sorted, no spaces, a newline.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = "{".to_owned();
        for (index, (key, value)) in self.iter().enumerate() {
            if index > 0 {
                json.push(',');
            }
            string(&mut json, key);
            json.push(':');
            string(&mut json, value);
        }
        json.push_str("}\n");
        json
    }

    /// Reads the stamps of a section: those of all objects that went into it, in order.
    ///
    /// # Errors
    /// What is wrong and at which byte, if the section is not what [`Stamp::to_json`] writes, once or several times.
    pub fn read_all(section: &[u8]) -> Result<Vec<Stamp>, Malformed> {
        let mut stamps = Vec::new();
        let mut at = 0;
        loop {
            let rest = section.get(at..).unwrap_or_default();
            let Some(begin) = rest.iter().position(|byte| !matches!(byte, 0 | b'\n')) else {
                return Ok(stamps);
            };
            at += begin;
            let rest = section.get(at..).unwrap_or_default();
            let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            let malformed = |reason: String| Malformed { offset: at, reason };
            let line = rest.get(..end).unwrap_or_default();
            let text = std::str::from_utf8(line).map_err(|error| malformed(error.to_string()))?;
            let words: BTreeMap<String, String> =
                serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
            stamps.push(Stamp(words));
            at += end;
        }
    }
}

/// A section that holds no stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Where the damaged stamp begins in the section, in bytes.
    pub offset: usize,
    /// What is wrong.
    pub reason: String,
}

/// A string of JSON; control characters are escaped, all else stands for itself.
fn string(json: &mut String, text: &str) {
    json.push('"');
    for letter in text.chars() {
        match letter {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            control if u32::from(control) < 0x20 => {
                json.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            letter => json.push(letter),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_sides_of_a_mismatch_are_named() {
        let left = Stamp::new().with("target", "wasi").with("gc", "boehm").with("only", "here");
        let right = Stamp::new().with("gc", "none").with("target", "wasi").with("other", "there");
        let texts: Vec<String> = left.mismatches(&right).iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["gc: `boehm` against `none`"]);
        assert!(left.mismatches(&left).is_empty());
    }

    #[test]
    fn what_is_no_stamp_is_told_with_its_place() {
        let section = b"{\"a\":\"b\"}\n\0\0\0{\"a\":1}\n";
        let error = Stamp::read_all(section).unwrap_err();
        assert_eq!(error.offset, 13);
        for damaged in ["{", "[]", "{\"a\":\"b\"}x", "null", "{\"a\":\"b\"", "\u{fffd}"] {
            assert!(Stamp::read_all(damaged.as_bytes()).is_err(), "{damaged}");
        }
        assert!(Stamp::read_all(b"\xff").is_err());
        assert_eq!(Stamp::read_all(b"\0\0"), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn stamps_come_back(
            words in proptest::collection::btree_map(".*", ".*", 0..5),
            padding in 0_usize..4,
        ) {
            let stamp = Stamp(words);
            let json = stamp.to_json();
            prop_assert_eq!(serde_json::to_string(&stamp).unwrap().parse::<serde_json::Value>().unwrap(), json.parse::<serde_json::Value>().unwrap());
            let section = format!("{json}{}{json}", "\0".repeat(padding));
            prop_assert_eq!(Stamp::read_all(section.as_bytes()), Ok(vec![stamp.clone(), stamp]));
        }

        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Stamp::read_all(&bytes);
        }
    }
}
