//! What the store holds, and what it knows of one key.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use anymod_model::Diagnostic;
use anymod_model::codes::store as codes;

use crate::digest::Digest;
use crate::limits::Held;
use crate::record::Record;
use crate::scan::{Place, record_files, scan};
use crate::store::Store;

/// What a store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// By namespace. A blob that two of them name counts in both.
    pub namespaces: BTreeMap<String, Part>,
    /// In all: every blob once, also those that no record names.
    pub whole: Part,
    /// Blobs.
    pub blobs: u64,
    /// Blobs that no record names; the next collection removes them.
    pub unreferenced: u64,
    /// Their bytes.
    pub unreferenced_bytes: u64,
}

/// What a part of a store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Records, entries, bytes.
    pub held: Held,
    /// When the record that was used longest ago was used.
    pub oldest_use: Option<SystemTime>,
    /// When a record was last used.
    pub newest_use: Option<SystemTime>,
}

/// What the store knows of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The kind of action.
    pub namespace: String,
    /// The whole key.
    pub key: Digest,
    /// When it was last used.
    pub used: SystemTime,
    /// The walk behind the key and what came of it.
    pub record: Record,
}

impl Store {
    /// What the store holds now. Needs no lock; what comes and goes meanwhile may be counted or not.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let scan = scan(&self.layout);
        let mut statistics = Statistics::default();
        let mut named: BTreeMap<&str, BTreeSet<Digest>> = BTreeMap::new();
        let mut all: BTreeSet<Digest> = BTreeSet::new();
        for record in &scan.records {
            let part = statistics.namespaces.entry(record.namespace.clone()).or_default();
            for part in [part, &mut statistics.whole] {
                part.held.records += 1;
                part.held.entries += record.entries;
                part.held.bytes += record.size;
                part.oldest_use =
                    Some(part.oldest_use.map_or(record.used, |at| at.min(record.used)));
                part.newest_use = part.newest_use.max(Some(record.used));
            }
            named.entry(&record.namespace).or_default().extend(&record.blobs);
            all.extend(&record.blobs);
        }
        for (namespace, blobs) in named {
            let sizes = blobs.iter().filter_map(|digest| scan.blobs.get(digest));
            if let Some(part) = statistics.namespaces.get_mut(namespace) {
                part.held.bytes += sizes.sum::<u64>();
            }
        }
        for (digest, size) in &scan.blobs {
            statistics.blobs += 1;
            statistics.whole.held.bytes += size;
            if !all.contains(digest) {
                statistics.unreferenced += 1;
                statistics.unreferenced_bytes += size;
            }
        }
        statistics
    }

    /// What the store knows of the one key that begins with `prefix`, hexadecimal digits.
    ///
    /// # Errors
    /// `S0004` if no key begins so, `S0005` if several do.
    pub fn explain(&self, prefix: &str) -> Result<Explained, Diagnostic> {
        let wanted = prefix.to_ascii_lowercase();
        let begins = |place: &Place| place.digest.to_string().starts_with(&wanted);
        let mut places = record_files(&self.layout).files;
        places.retain(begins);
        let place = match places.as_slice() {
            [place] if !wanted.is_empty() => place,
            [] => return Err(self.unknown(prefix)),
            several => return Err(ambiguous(prefix, several)),
        };
        let used = std::fs::symlink_metadata(&place.path).and_then(|there| there.modified());
        let record = self.peek(&place.namespace, &place.digest);
        let (Ok(used), Some(record)) = (used, record) else { return Err(self.unknown(prefix)) };
        Ok(Explained { namespace: place.namespace.clone(), key: place.digest, used, record })
    }

    fn unknown(&self, prefix: &str) -> Diagnostic {
        let message = format!("no key in the store begins with `{prefix}`");
        Diagnostic::error(&codes::UNKNOWN_KEY, message)
            .at(crate::warnings::place(self.layout.root()))
            .hint("`anymod cache explain OUTPUT` takes a file of the build directory as well; `anymod cache stats` says what the store holds")
    }
}

/// How many keys an ambiguous prefix names.
const NAMED: usize = 5;

fn ambiguous(prefix: &str, places: &[Place]) -> Diagnostic {
    let message = format!("{} keys in the store begin with `{prefix}`", places.len());
    let error =
        Diagnostic::error(&codes::AMBIGUOUS_KEY, message).hint("give more digits of the key");
    let named = places.iter().take(NAMED);
    named.fold(error, |error, place| error.note(format!("{} {}", place.digest, place.namespace)))
}
