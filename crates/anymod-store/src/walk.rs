//! The walk: everything that can change an action's bytes, named field by field, once.
//!
//! Whoever describes an action calls [`Visit::field`] for each fact in a fixed order. One visitor makes the key of it, the
//! other the explanation, so that what is said about a key cannot drift from what is in it.

use crate::digest::{Digest, Fields};

/// Raised whenever the meaning of walks changes, so that no result made under another meaning is ever found.
const VERSION: &str = "anymod walk 1";

/// Receives the fields of a walk in order.
pub trait Visit {
    /// A fact: its name, for instance `argument` or `input src/a.c`, and its value, for instance `-O2` or a digest.
    fn field(&mut self, name: &str, value: &str);
}

/// A fact of a walk. Names may repeat; the order is part of what they say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Field {
    /// What it is.
    pub name: String,
    /// What it is now.
    pub value: String,
}

/// The visitor that makes the key: SHA-256 over the framed fields.
pub struct KeyHasher(Fields);

impl Default for KeyHasher {
    fn default() -> KeyHasher {
        KeyHasher::new()
    }
}

impl KeyHasher {
    /// Begins a key.
    #[must_use]
    pub fn new() -> KeyHasher {
        let mut fields = Fields::new();
        fields.add(VERSION);
        KeyHasher(fields)
    }

    /// The key.
    #[must_use]
    pub fn finish(self) -> Digest {
        self.0.finish()
    }
}

impl Visit for KeyHasher {
    fn field(&mut self, name: &str, value: &str) {
        self.0.add(name);
        self.0.add(value);
    }
}

/// The visitor that keeps the fields, to be shown and compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation(pub Vec<Field>);

impl Visit for Explanation {
    fn field(&mut self, name: &str, value: &str) {
        self.0.push(Field { name: name.to_owned(), value: value.to_owned() });
    }
}

impl Explanation {
    /// The key of these fields: the same as [`KeyHasher`] makes of the same walk.
    #[must_use]
    pub fn key(&self) -> Digest {
        let mut key = KeyHasher::new();
        for field in &self.0 {
            key.field(&field.name, &field.value);
        }
        key.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_visitors_agree_and_fields_do_not_run_into_each_other() {
        let walk = |fields: &[(&str, &str)]| {
            let (mut key, mut told) = (KeyHasher::new(), Explanation::default());
            for (name, value) in fields {
                key.field(name, value);
                told.field(name, value);
            }
            assert_eq!(told.key(), key.finish());
            told.key()
        };
        assert_ne!(walk(&[("ab", "c")]), walk(&[("a", "bc")]));
        assert_ne!(walk(&[("a", "b"), ("c", "d")]), walk(&[("c", "d"), ("a", "b")]));
    }
}
