//! Records: what is known of one key, and its text on disk.
//!
//! A record is a text of lines whose fields are separated by tabs. Discovered inputs and paths that were passed over
//! are listed once and then numbered, because the entries of a record differ in few of them. The byte table is in
//! `docs/formats/store.md`. The last line is the SHA-256 of all before it; a text that is not exactly as written here is no
//! record.
//!
//! It never touches the disk.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::digest::Digest;
use crate::text::{escape, unescape};
use crate::walk::Field;

/// The most entries that a record holds; the oldest goes first.
pub(crate) const MAX_ENTRIES: usize = 16;

const FORMAT: &str = "anymod-record 1";

/// What is known of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The walk that the key is the digest of.
    pub walk: Vec<Field>,
    /// What came of it, newest first, at most 16.
    pub entries: Vec<Entry>,
}

/// What an action made of certain discovered inputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The discovered inputs: names as the caller wrote them, and digests.
    pub found: Vec<(String, Digest)>,
    /// Paths that stood where the action looks first and that it passed over.
    pub passed: Vec<String>,
    /// The files it made.
    pub outputs: Vec<Output>,
    /// What the tool said.
    pub said: String,
}

/// A file that an action made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Output {
    /// A label of the caller's; never used as a path here.
    pub name: String,
    /// SHA-256 of the content.
    pub digest: Digest,
    /// Length in bytes.
    pub size: u64,
    /// True if it may be executed.
    pub executable: bool,
}

impl Record {
    /// The text to keep under a key.
    #[must_use]
    pub fn encode(&self, namespace: &str, key: &Digest) -> String {
        let mut text = first_line(namespace, key);
        for field in &self.walk {
            line(&mut text, 'w', [&escape(&field.name), &escape(&field.value)]);
        }
        let mut found = Numbers::default();
        let mut passed = Numbers::default();
        let mut entries = String::new();
        for entry in &self.entries {
            let inputs = found.of(entry.found.iter());
            let paths = passed.of(entry.passed.iter());
            line(&mut entries, 'e', [&inputs, &paths]);
            for output in &entry.outputs {
                let mode = if output.executable { "x" } else { "-" };
                let (digest, size) = (output.digest.to_string(), output.size.to_string());
                line(&mut entries, 'o', [&digest, &size, mode, &escape(&output.name)]);
            }
            if !entry.said.is_empty() {
                line(&mut entries, 's', [escape(&entry.said).as_str()]);
            }
        }
        for (path, digest) in found.listed {
            line(&mut text, 'f', [&digest.to_string(), &escape(path)]);
        }
        for path in passed.listed {
            line(&mut text, 'p', [escape(path).as_str()]);
        }
        text.push_str(&entries);
        let sum = Digest::of(text.as_bytes());
        line(&mut text, '=', [sum.to_string().as_str()]);
        text
    }

    /// Reads the text that is kept under a key; `None` if it is damaged or another key's.
    #[must_use]
    pub fn decode(bytes: &[u8], namespace: &str, key: &Digest) -> Option<Record> {
        let body = checked(bytes)?;
        let mut lines = body.strip_prefix(&first_line(namespace, key))?.lines();
        let mut reader = Reader::default();
        lines.try_for_each(|line| reader.line(line))?;
        (reader.record.entries.len() <= MAX_ENTRIES).then_some(reader.record)
    }

    /// Puts an entry first. One that was made of the same discovered inputs is superseded.
    pub fn add(&mut self, entry: Entry) {
        self.entries.retain(|old| old.found != entry.found || old.passed != entry.passed);
        self.entries.insert(0, entry);
        self.entries.truncate(MAX_ENTRIES);
    }
}

fn first_line(namespace: &str, key: &Digest) -> String {
    format!("{FORMAT}\t{namespace}\t{key}\n")
}

fn line<const N: usize>(text: &mut String, kind: char, fields: [&str; N]) {
    text.push(kind);
    for field in fields {
        text.push('\t');
        text.push_str(field);
    }
    text.push('\n');
}

/// The lines before the last one, if that holds their digest.
fn checked(bytes: &[u8]) -> Option<&str> {
    let end = bytes.strip_suffix(b"\n")?;
    let at = end.iter().rposition(|byte| *byte == b'\n')? + 1;
    let (body, sum) = (bytes.get(..at)?, end.get(at..)?);
    let sum = Digest::from_hex(std::str::from_utf8(sum.strip_prefix(b"=\t")?).ok()?)?;
    if Digest::of(body) != sum {
        return None;
    }
    std::str::from_utf8(body).ok()
}

/// Gives numbers to things in the order in which they are first met.
struct Numbers<'a, T> {
    listed: Vec<&'a T>,
    numbers: HashMap<&'a T, usize>,
}

impl<T> Default for Numbers<'_, T> {
    fn default() -> Self {
        Numbers { listed: Vec::new(), numbers: HashMap::new() }
    }
}

impl<'a, T: Eq + std::hash::Hash> Numbers<'a, T> {
    /// The numbers of some things, as a field.
    fn of(&mut self, things: impl Iterator<Item = &'a T>) -> String {
        let mut field = String::new();
        for thing in things {
            let number = *self.numbers.entry(thing).or_insert_with(|| {
                self.listed.push(thing);
                self.listed.len() - 1
            });
            let separator = if field.is_empty() { "" } else { " " };
            // Writing to a string cannot fail.
            let _ = write!(field, "{separator}{number}");
        }
        field
    }
}

#[derive(Default)]
struct Reader {
    record: Record,
    found: Vec<(String, Digest)>,
    passed: Vec<String>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Option<()> {
        let mut fields = line.split('\t');
        match fields.next()? {
            "w" => {
                let name = unescape(fields.next()?)?;
                let value = unescape(fields.next()?)?;
                self.record.walk.push(Field { name, value });
            }
            "f" => {
                let digest = Digest::from_hex(fields.next()?)?;
                self.found.push((unescape(fields.next()?)?, digest));
            }
            "p" => self.passed.push(unescape(fields.next()?)?),
            "e" => {
                let found = numbered(fields.next()?, &self.found)?;
                let passed = numbered(fields.next()?, &self.passed)?;
                self.record.entries.push(Entry { found, passed, ..Entry::default() });
            }
            "o" => {
                let digest = Digest::from_hex(fields.next()?)?;
                let size = fields.next()?.parse().ok()?;
                let executable = match fields.next()? {
                    "x" => true,
                    "-" => false,
                    _ => return None,
                };
                let name = unescape(fields.next()?)?;
                let output = Output { name, digest, size, executable };
                self.record.entries.last_mut()?.outputs.push(output);
            }
            "s" => self.record.entries.last_mut()?.said = unescape(fields.next()?)?,
            _ => return None,
        }
        fields.next().is_none().then_some(())
    }
}

/// The things that a field's numbers stand for.
fn numbered<T: Clone>(field: &str, things: &[T]) -> Option<Vec<T>> {
    let numbers = field.split(' ').filter(|number| !number.is_empty());
    numbers.map(|number| things.get(number.parse::<usize>().ok()?).cloned()).collect()
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
