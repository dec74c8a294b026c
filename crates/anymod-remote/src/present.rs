//! What a server is known to have, so that it is asked about nothing twice in a run.
//!
//! Servers drop blobs when they like. Whoever finds that out has what was known forgotten, and asks again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use anymod_store::Digest as Sha256;
use tokio::time::Instant;

use crate::message::Digest;

/// Blobs that the server was seen to have, and when.
#[derive(Debug, Default)]
pub(crate) struct Present {
    known: Mutex<HashMap<(Sha256, i64), Instant>>,
    /// Held by who gives what others are about to give as well.
    pub(crate) gate: tokio::sync::Mutex<()>,
}

impl Present {
    /// True if the server had it.
    pub(crate) fn has(&self, digest: &Digest) -> bool {
        name(digest).is_some_and(|name| self.known().contains_key(&name))
    }

    /// Notes what it has now.
    pub(crate) fn note<'a>(&self, digests: impl Iterator<Item = &'a Digest>) {
        let now = Instant::now();
        self.known().extend(digests.filter_map(name).map(|name| (name, now)));
    }

    /// Forgets what was noted before a moment; what was noted since then somebody else has asked about anew.
    pub(crate) fn forget<'a>(&self, digests: impl Iterator<Item = &'a Digest>, before: Instant) {
        let mut known = self.known();
        for name in digests.filter_map(name) {
            if known.get(&name).is_some_and(|noted| *noted < before) {
                known.remove(&name);
            }
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<(Sha256, i64), Instant>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A digest in less memory than its text.
fn name(digest: &Digest) -> Option<(Sha256, i64)> {
    Some((digest.sha256()?, digest.size_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forgotten_is_what_was_known_before() {
        let present = Present::default();
        let (old, new) = (Digest::of(b"old"), Digest::of(b"new"));
        present.note([&old].into_iter());
        assert!(present.has(&old) && !present.has(&new));
        std::thread::sleep(std::time::Duration::from_millis(2));
        let between = Instant::now();
        std::thread::sleep(std::time::Duration::from_millis(2));
        present.note([&new].into_iter());
        present.forget([&old, &new].into_iter(), between);
        assert!(!present.has(&old) && present.has(&new));
    }
}
