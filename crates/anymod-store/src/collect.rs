//! Garbage collection: what was used longest ago goes until the limits hold.
//!
//! The unit is the record. Records go by the time of their last use, then every blob that no record names any more. Under
//! the exclusive lock things are only renamed into the trash; they are removed when others may go on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anymod_model::Diagnostic;

use crate::claims;
use crate::digest::Digest;
use crate::files;
use crate::grown;
use crate::layout::Layout;
use crate::limits::{Held, Limits};
use crate::locks::{self, Exclusive};
use crate::scan::{Lying, Scan, scan, scan_again};
use crate::store::Store;

/// What a collection did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// What went. Bytes are those of records and blobs.
    pub removed: Held,
    /// Blobs that went.
    pub blobs: u64,
    /// Records that went because of the limits, by namespace.
    pub namespaces: BTreeMap<String, u64>,
    /// What stays.
    pub kept: Held,
}

impl Store {
    /// Removes what was used longest ago until the limits hold, and what killed processes left.
    ///
    /// # Errors
    /// `S0001` if the store cannot be locked or written.
    pub fn gc(&self, limits: &Limits) -> Result<Collected, Diagnostic> {
        if !self.layout.root().is_dir() {
            return Ok(Collected::default());
        }
        self.grown.settle(&self.layout);
        let before = scan(&self.layout);
        let alone = locks::exclusive(&self.layout).map_err(|error| self.unusable(&error))?;
        self.collect(limits, before, alone).map_err(|error| self.unusable(&error))
    }

    /// Collects garbage if what was kept may have grown past the limits, down to nine tenths of them. Costs next to
    /// nothing otherwise; meant for the end of a build. Trouble is a warning.
    pub fn collect_if_grown(&self) {
        let changed = self.grown.settle(&self.layout);
        if !changed || self.warnings.off() || !grown::exceeds(&self.layout, &self.options.limits) {
            return;
        }
        let before = scan(&self.layout);
        let done = locks::exclusive_unless_busy(&self.layout).and_then(|alone| match alone {
            Some(alone) => {
                let limits = self.options.limits.with_room();
                self.collect(&limits, before, alone).map(|_| ())
            }
            None => Ok(()),
        });
        if let Err(error) = done {
            self.warnings.turn_off(self.layout.root(), &error);
        }
    }

    /// `before` is an earlier look, so that the one that keeps everybody waiting is short.
    fn collect(
        &self,
        limits: &Limits,
        before: Scan,
        alone: Exclusive,
    ) -> std::io::Result<Collected> {
        let mut trash = Trash::new(&self.layout)?;
        let scan = scan_again(&self.layout, before);
        for path in &scan.damaged {
            self.warnings.damaged(path);
            trash.take(path)?;
        }
        let mut sums = Sums::of(&scan);
        let mut collected = Collected::default();
        let mut oldest_first: Vec<&Lying> = scan.records.iter().collect();
        oldest_first.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
        for record in oldest_first {
            if sums.exceed(limits, &record.namespace) {
                trash.take(&record.path)?;
                sums.remove(record, &scan);
                collected.removed.records += 1;
                collected.removed.entries += record.entries;
                collected.removed.bytes += record.size;
                *collected.namespaces.entry(record.namespace.clone()).or_default() += 1;
            }
        }
        for (digest, size) in &scan.blobs {
            if !sums.names(digest) {
                trash.take(&self.layout.blob(digest))?;
                collected.blobs += 1;
                collected.removed.bytes += size;
            }
        }
        collected.kept = sums.whole;
        // Nobody writes now, so whatever is here was left by killed processes.
        trash.take(&self.layout.temporary())?;
        std::fs::create_dir_all(self.layout.temporary())?;
        grown::replace(&self.layout, sums.whole, &sums.namespaces)?;
        claims::clear(&self.layout.claims());
        drop(alone);
        trash.empty();
        Ok(collected)
    }

    /// Removes everything but the claims of actions that run now.
    ///
    /// # Errors
    /// `S0001` if the store cannot be locked or written.
    pub fn clear(&self) -> Result<Collected, Diagnostic> {
        if !self.layout.root().is_dir() {
            return Ok(Collected::default());
        }
        let alone = locks::exclusive(&self.layout).map_err(|error| self.unusable(&error))?;
        self.clear_alone(alone).map_err(|error| self.unusable(&error))
    }

    fn clear_alone(&self, alone: Exclusive) -> std::io::Result<Collected> {
        let mut trash = Trash::new(&self.layout)?;
        let scan = scan(&self.layout);
        let mut collected = Collected::default();
        for record in &scan.records {
            collected.removed.records += 1;
            collected.removed.entries += record.entries;
            collected.removed.bytes += record.size;
            *collected.namespaces.entry(record.namespace.clone()).or_default() += 1;
        }
        collected.blobs = scan.blobs.len() as u64;
        collected.removed.bytes += scan.blobs.values().sum::<u64>();
        for path in [
            self.layout.records(),
            self.layout.blobs(),
            self.layout.temporary(),
            self.layout.grown(),
        ] {
            trash.take(&path)?;
        }
        self.layout.create()?;
        grown::replace(&self.layout, Held::default(), &BTreeMap::new())?;
        claims::clear(&self.layout.claims());
        drop(alone);
        trash.empty();
        Ok(collected)
    }
}

/// Where things go that are about to be removed: renaming takes no time.
struct Trash {
    /// What others left there: killed processes, or one that is still busy removing it.
    leftovers: Vec<PathBuf>,
    /// Ours: a directory of its own, so that names do not meet.
    directory: tempfile::TempDir,
    count: u64,
}

impl Trash {
    fn new(layout: &Layout) -> std::io::Result<Trash> {
        let all = layout.trash();
        std::fs::create_dir_all(&all)?;
        // Before ours is made, and while we are alone: what comes later is in use.
        let leftovers = std::fs::read_dir(&all)?.flatten().map(|entry| entry.path()).collect();
        let directory = tempfile::Builder::new().prefix(files::TEMPORARY.0).tempdir_in(&all)?;
        Ok(Trash { leftovers, directory, count: 0 })
    }

    /// Takes a file or a directory, if it is there.
    fn take(&mut self, path: &Path) -> std::io::Result<()> {
        let to = self.directory.path().join(self.count.to_string());
        self.count += 1;
        match std::fs::rename(path, to) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes what was taken and what others left.
    fn empty(self) {
        drop(self.directory);
        for path in self.leftovers {
            // What cannot be removed now is tried again next time.
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

/// What the records that are left name, in all and by namespace.
#[derive(Default)]
struct Sums {
    whole: Held,
    namespaces: BTreeMap<String, Held>,
    /// How many records name a blob.
    uses: BTreeMap<Digest, u64>,
    uses_in: BTreeMap<String, BTreeMap<Digest, u64>>,
}

impl Sums {
    fn of(scan: &Scan) -> Sums {
        let mut sums = Sums::default();
        for record in &scan.records {
            let uses_in = sums.uses_in.entry(record.namespace.clone()).or_default();
            let held = sums.namespaces.entry(record.namespace.clone()).or_default();
            for digest in &record.blobs {
                let size = scan.blobs.get(digest).copied().unwrap_or(0);
                count(&mut sums.uses, *digest, size, &mut sums.whole);
                count(uses_in, *digest, size, held);
            }
            for held in [&mut sums.whole, held] {
                held.records += 1;
                held.entries += record.entries;
                held.bytes += record.size;
            }
        }
        sums
    }

    /// True if a record of the namespace has to go.
    fn exceed(&self, limits: &Limits, namespace: &str) -> bool {
        let held = self.namespaces.get(namespace).copied().unwrap_or_default();
        limits.whole().exceeded(&self.whole) || limits.of(namespace).exceeded(&held)
    }

    fn remove(&mut self, record: &Lying, scan: &Scan) {
        let uses_in = self.uses_in.entry(record.namespace.clone()).or_default();
        let held = self.namespaces.entry(record.namespace.clone()).or_default();
        for digest in &record.blobs {
            let size = scan.blobs.get(digest).copied().unwrap_or(0);
            uncount(&mut self.uses, *digest, size, &mut self.whole);
            uncount(uses_in, *digest, size, held);
        }
        for held in [&mut self.whole, held] {
            held.records -= 1;
            held.entries -= record.entries;
            held.bytes -= record.size;
        }
    }

    fn names(&self, digest: &Digest) -> bool {
        self.uses.contains_key(digest)
    }
}

fn count(uses: &mut BTreeMap<Digest, u64>, digest: Digest, size: u64, held: &mut Held) {
    let uses = uses.entry(digest).or_default();
    if *uses == 0 {
        held.bytes += size;
    }
    *uses += 1;
}

fn uncount(uses: &mut BTreeMap<Digest, u64>, digest: Digest, size: u64, held: &mut Held) {
    if let Some(left) = uses.get_mut(&digest) {
        *left -= 1;
        if *left == 0 {
            uses.remove(&digest);
            held.bytes -= size;
        }
    }
}
