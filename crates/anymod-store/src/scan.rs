//! Looking at the whole store: every record and every blob that is there.
//!
//! It changes nothing. What vanishes while it looks is left out.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::digest::Digest;
use crate::layout::{Layout, TOP, is_namespace};
use crate::record::Record;

/// A record as it lies on disk.
pub(crate) struct Lying {
    pub(crate) namespace: String,
    pub(crate) path: PathBuf,
    /// When it was last used.
    pub(crate) used: SystemTime,
    /// Length of its file.
    pub(crate) size: u64,
    pub(crate) entries: u64,
    /// The blobs that it names.
    pub(crate) blobs: Vec<Digest>,
}

/// What is in the store.
#[derive(Default)]
pub(crate) struct Scan {
    pub(crate) records: Vec<Lying>,
    /// Blobs that are there, and their lengths.
    pub(crate) blobs: BTreeMap<Digest, u64>,
    /// Records that cannot be read.
    pub(crate) damaged: Vec<PathBuf>,
}

/// Looks at everything.
pub(crate) fn scan(layout: &Layout) -> Scan {
    scan_again(layout, Scan::default())
}

/// Looks at everything, but reads only the records that were not there, or not so, in an earlier look. For those who keep
/// others waiting meanwhile.
pub(crate) fn scan_again(layout: &Layout, before: Scan) -> Scan {
    let mut known: HashMap<PathBuf, Lying> =
        before.records.into_iter().map(|record| (record.path.clone(), record)).collect();
    let mut scan = Scan::default();
    for place in record_files(layout).files {
        match lying(&place, known.remove(&place.path)) {
            Some(Some(record)) => scan.records.push(record),
            Some(None) => scan.damaged.push(place.path),
            None => {}
        }
    }
    for place in blob_files(layout).files {
        if let Ok(there) = std::fs::symlink_metadata(&place.path) {
            scan.blobs.insert(place.digest, there.len());
        }
    }
    scan
}

/// Reads a record; `None` if it is gone, `Some(None)` if it is damaged.
fn lying(place: &Place, known: Option<Lying>) -> Option<Option<Lying>> {
    let there = std::fs::symlink_metadata(&place.path).ok()?;
    let used = there.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    // Whoever uses or replaces a record sets its time, to the nanosecond.
    if let Some(known) = known.filter(|known| known.used == used && known.size == there.len()) {
        return Some(Some(known));
    }
    let bytes = std::fs::read(&place.path).ok()?;
    let Some(record) = Record::decode(&bytes, &place.namespace, &place.digest) else {
        return Some(None);
    };
    let outputs = record.entries.iter().flat_map(|entry| &entry.outputs);
    let mut blobs: Vec<Digest> = outputs.map(|output| output.digest).collect();
    blobs.sort_unstable();
    blobs.dedup();
    Some(Some(Lying {
        namespace: place.namespace.clone(),
        path: place.path.clone(),
        used,
        size: there.len(),
        entries: record.entries.len() as u64,
        blobs,
    }))
}

/// A file whose place says what it is.
pub(crate) struct Place {
    /// Empty for a blob.
    pub(crate) namespace: String,
    /// The key or the blob's digest.
    pub(crate) digest: Digest,
    pub(crate) path: PathBuf,
}

/// Files in the order of their names, and what does not belong among them.
#[derive(Default)]
pub(crate) struct Places {
    pub(crate) files: Vec<Place>,
    pub(crate) foreign: Vec<PathBuf>,
}

/// Every record's place.
pub(crate) fn record_files(layout: &Layout) -> Places {
    let mut places = Places::default();
    for (path, name) in entries(&layout.records()) {
        if is_namespace(&name) && path.is_dir() {
            fanned_out(&path, &name, &mut places);
        } else {
            places.foreign.push(path);
        }
    }
    places
}

/// Every blob's place.
pub(crate) fn blob_files(layout: &Layout) -> Places {
    let mut places = Places::default();
    fanned_out(&layout.blobs(), "", &mut places);
    places
}

/// What lies directly in the store's directory and does not belong there.
pub(crate) fn strangers(layout: &Layout) -> Vec<PathBuf> {
    let all = entries(layout.root()).into_iter();
    all.filter(|(_, name)| !TOP.contains(&name.as_str())).map(|(path, _)| path).collect()
}

fn fanned_out(directory: &Path, namespace: &str, places: &mut Places) {
    for (path, prefix) in entries(directory) {
        if prefix.len() != 2 || !path.is_dir() {
            places.foreign.push(path);
            continue;
        }
        for (path, name) in entries(&path) {
            let digest = Digest::from_hex(&name).filter(|_| name.starts_with(&prefix));
            let is_file = std::fs::symlink_metadata(&path).is_ok_and(|there| there.is_file());
            match digest {
                Some(digest) if is_file => {
                    let namespace = namespace.to_owned();
                    places.files.push(Place { namespace, digest, path });
                }
                _ => places.foreign.push(path),
            }
        }
    }
}

/// What is in a directory, by name. A name that is not text belongs to nobody.
fn entries(directory: &Path) -> Vec<(PathBuf, String)> {
    let all = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut all: Vec<(PathBuf, String)> =
        all.map(|entry| (entry.path(), entry.file_name().to_string_lossy().into_owned())).collect();
    all.sort();
    all
}
