//! How much the store may hold.

use std::collections::BTreeMap;

/// What the store may hold when nothing else is said: 10 GiB.
const DEFAULT_BYTES: u64 = 10 << 30;

/// The most that the store may hold, in all and per namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of blobs and records in all; each blob counts once.
    pub bytes: Option<u64>,
    /// Entries of records in all.
    pub entries: Option<u64>,
    /// Caps of single namespaces, beside those in all.
    pub namespaces: BTreeMap<String, Limit>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { bytes: Some(DEFAULT_BYTES), entries: None, namespaces: BTreeMap::new() }
    }
}

/// The most that a namespace may hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    /// Bytes of its records and of the blobs that they name; a blob counts once, also if other namespaces name it too.
    pub bytes: Option<u64>,
    /// Entries of its records.
    pub entries: Option<u64>,
}

/// What something holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Records, one per key.
    pub records: u64,
    /// Entries of records.
    pub entries: u64,
    /// Bytes of records and of blobs.
    pub bytes: u64,
}

impl Limits {
    /// The limit in all.
    pub(crate) fn whole(&self) -> Limit {
        Limit { bytes: self.bytes, entries: self.entries }
    }

    /// The limit of a namespace; none if it has none of its own.
    pub(crate) fn of(&self, namespace: &str) -> Limit {
        self.namespaces.get(namespace).copied().unwrap_or_default()
    }

    /// Nine tenths of everything: what a collection makes room for, so that not every build has to collect.
    pub(crate) fn with_room(&self) -> Limits {
        let lower = |limit: Limit| Limit {
            bytes: limit.bytes.map(|bytes| bytes - bytes / 10),
            entries: limit.entries.map(|entries| entries - entries / 10),
        };
        let whole = lower(self.whole());
        let namespaces = self.namespaces.iter().map(|(name, limit)| (name.clone(), lower(*limit)));
        Limits { bytes: whole.bytes, entries: whole.entries, namespaces: namespaces.collect() }
    }
}

impl Limit {
    /// True if this is more than allowed.
    pub(crate) fn exceeded(&self, held: &Held) -> bool {
        self.bytes.is_some_and(|bytes| held.bytes > bytes)
            || self.entries.is_some_and(|entries| held.entries > entries)
    }
}
