//! The tally: about how much the store holds, so that not every build has to look at all of it.
//!
//! `v1/grown` is a text of lines whose fields are separated by spaces. A collection begins it anew with what is there;
//! whoever keeps something adds lines.
//!
//! | line | meaning |
//! |---|---|
//! | `= * BYTES ENTRIES` | what the store held in all after the last collection |
//! | `= NAMESPACE BYTES ENTRIES` | what a namespace held then |
//! | `+ NAMESPACE BYTES ENTRIES` | what was kept since |
//!
//! Entries and records that were superseded make the sums too high, and the few lines that a killed process did not write
//! too low; the next collection puts them right. A line that cannot be read makes them unknown.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use crate::files;
use crate::layout::Layout;
use crate::limits::{Held, Limits};

/// After so many entries their sum is written.
const PENDING: u64 = 32;

/// What this process has added and not yet written.
#[derive(Default)]
pub(crate) struct Grown(Mutex<State>);

#[derive(Default)]
struct State {
    pending: BTreeMap<String, Held>,
    entries: u64,
    /// True if something was added since the last look at the sum.
    changed: bool,
}

impl Grown {
    /// Notes one more entry.
    pub(crate) fn add(&self, layout: &Layout, namespace: &str, bytes: u64) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = state.pending.entry(namespace.to_owned()).or_default();
        held.bytes += bytes;
        held.entries += 1;
        state.entries += 1;
        state.changed = true;
        if state.entries >= PENDING {
            state.write(layout);
        }
    }

    /// Writes what is noted; true if there was something since the last time.
    pub(crate) fn settle(&self, layout: &Layout) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.write(layout);
        std::mem::take(&mut state.changed)
    }
}

impl State {
    fn write(&mut self, layout: &Layout) {
        let pending = std::mem::take(&mut self.pending);
        self.entries = 0;
        if !pending.is_empty() {
            // What is not noted is found by the next collection.
            let _ = files::append(&layout.grown(), &lines('+', &pending));
        }
    }
}

fn lines(kind: char, held: &BTreeMap<String, Held>) -> String {
    let mut lines = String::new();
    for (namespace, held) in held {
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "{kind} {namespace} {} {}", held.bytes, held.entries);
    }
    lines
}

/// Stands for all namespaces.
const WHOLE: &str = "*";

/// Begins the tally anew.
pub(crate) fn replace(
    layout: &Layout,
    whole: Held,
    namespaces: &BTreeMap<String, Held>,
) -> std::io::Result<()> {
    let whole = lines('=', &BTreeMap::from([(WHOLE.to_owned(), whole)]));
    let text = whole + &lines('=', namespaces);
    let file = files::temporary(&layout.temporary(), 0o644, text.as_bytes())?;
    files::persist(file, &layout.grown())?;
    Ok(())
}

/// True if the store may hold more than it is allowed to.
pub(crate) fn exceeds(layout: &Layout, limits: &Limits) -> bool {
    let Ok(text) = std::fs::read_to_string(layout.grown()) else { return true };
    let Some(sums) = sums(&text) else { return true };
    sums.iter().any(|(namespace, held)| match *namespace {
        WHOLE => limits.whole().exceeded(held),
        namespace => limits.of(namespace).exceeded(held),
    })
}

fn sums(text: &str) -> Option<BTreeMap<&str, Held>> {
    let mut sums: BTreeMap<&str, Held> = BTreeMap::new();
    for line in text.lines() {
        let mut fields = line.split(' ');
        let (kind, namespace) = (fields.next()?, fields.next()?);
        let bytes: u64 = fields.next()?.parse().ok()?;
        let entries: u64 = fields.next()?.parse().ok()?;
        let to: &[&str] = match kind {
            "=" => &[namespace],
            "+" => &[namespace, WHOLE],
            _ => return None,
        };
        for name in to {
            let held = sums.entry(name).or_default();
            held.bytes = held.bytes.saturating_add(bytes);
            held.entries = held.entries.saturating_add(entries);
        }
        fields.next().is_none().then_some(())?;
    }
    Some(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_go_on_from_the_last_collection() {
        let sums = sums("= * 10 3\n= compile 8 2\n= link 7 1\n+ compile 5 1\n+ new 1 1\n").unwrap();
        let held = |bytes, entries| Held { records: 0, entries, bytes };
        let wanted = [
            ("*", held(16, 5)),
            ("compile", held(13, 3)),
            ("link", held(7, 1)),
            ("new", held(1, 1)),
        ];
        assert_eq!(sums.into_iter().collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn a_line_that_cannot_be_read_makes_the_sums_unknown() {
        for bad in ["+ a 1\n", "- a 1 1\n", "+ a 1 1 1\n", "+ a x 1\n", "\n"] {
            assert!(sums(bad).is_none(), "{bad}");
        }
    }
}
