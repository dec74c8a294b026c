//! The store as actions use it: look one up, put its outputs in place, keep what it made.

use std::path::PathBuf;

use anymod_model::Diagnostic;
use anymod_store::{Digest, Entry, Explanation, Field, Kept, Store};

use crate::action::Action;
use crate::check;
use crate::locations::Locations;
use crate::log::{Log, TextId};
use crate::way::Way;
use crate::work::{self, Made};

/// An action's place in the store.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) key: Digest,
    /// What the key is the digest of.
    pub(crate) walk: Vec<Field>,
}

/// Files that an action was found to read, as the store has them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Discovered {
    pub(crate) found: Vec<(String, Digest)>,
    /// Files that were where a compiler looks first, and that it passed over.
    pub(crate) passed: Vec<String>,
}

/// The place of an action; none if an input cannot be read, which its tool is to tell.
pub(crate) fn place(action: &Action, locations: &Locations, log: &mut Log) -> Option<Place> {
    let mut walk = Explanation::default();
    let mut whole = true;
    let mut content = |input: &str| {
        let digest = log.digest(input);
        whole &= digest.is_some();
        digest
    };
    action.walk(locations, &mut content, &mut walk);
    whole.then(|| Place { key: walk.key(), walk: walk.0 })
}

/// What the store has for an action as its surroundings are now.
pub(crate) fn lookup(
    action: &Action,
    place: &Place,
    store: &Store,
    locations: &Locations,
    log: &mut Log,
) -> Option<Entry> {
    let record = store.find(action.kind.name(), &place.key)?;
    record.entries.into_iter().find(|entry| {
        entry.outputs.len() == action.outputs.len() && fits(action, entry, locations, log)
    })
}

/// True if the files that an entry was made among are as they are now.
pub(crate) fn fits(action: &Action, entry: &Entry, locations: &Locations, log: &mut Log) -> bool {
    entry.found.iter().all(|(path, digest)| log.digest_or_absent(&locations.real(path)) == *digest)
        && nothing_appeared(action, entry, locations, log)
}

/// True if no file has come to be where a compiler would find it before one that the entry was made with.
fn nothing_appeared(action: &Action, entry: &Entry, locations: &Locations, log: &mut Log) -> bool {
    let mut headers: Vec<TextId> = action.inputs.iter().map(|input| log.id(input)).collect();
    headers.extend(entry.found.iter().map(|(path, _)| log.id(&locations.real(path))));
    let passed = check::passed_over(action, &headers, log);
    passed.iter().all(|path| entry.passed.iter().any(|known| locations.real(known) == *path))
}

/// Puts an entry's outputs in place; none if the store no longer has them.
///
/// # Errors
/// If they cannot be written.
pub(crate) fn restore(
    action: &Action,
    entry: &Entry,
    way: &Way<'_>,
) -> Result<Option<Vec<Made>>, Diagnostic> {
    let Some(store) = way.store else { return Ok(None) };
    let to: Vec<PathBuf> = action.outputs.iter().map(|output| way.root.join(output)).collect();
    for path in &to {
        way.fence.make_way(path)?;
    }
    if !store.restore(&entry.outputs, &to)? {
        return Ok(None);
    }
    let made = entry.outputs.iter().zip(&to).map(|(output, path)| work::made(path, output.digest));
    made.collect::<Result<_, _>>().map(Some)
}

/// Keeps what a remote server had, and puts it in place as everything that the store has.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn adopt(
    action: &Action,
    place: &Place,
    entry: &Entry,
    blobs: &[Vec<u8>],
    way: &Way<'_>,
) -> Result<Option<Vec<Made>>, Diagnostic> {
    let Some(store) = way.store else { return Ok(None) };
    let blobs: Vec<_> = blobs.iter().map(|bytes| (Digest::of(bytes), bytes.as_slice())).collect();
    if !store.adopt(action.kind.name(), &place.key, &place.walk, entry.clone(), &blobs) {
        return Ok(None);
    }
    restore(action, entry, way)
}

/// Keeps what an action made, here and, if there is one that takes it, on a remote server.
pub(crate) fn keep(
    action: &Action,
    place: &Place,
    discovered: &Discovered,
    said: &str,
    way: &Way<'_>,
) {
    let Some(store) = way.store else { return };
    let files: Vec<(String, PathBuf)> =
        action.outputs.iter().map(|output| (output.clone(), way.root.join(output))).collect();
    let Discovered { found, passed } = discovered;
    let kept = Kept { found, passed, said, files: &files };
    let outputs = store.keep(action.kind.name(), &place.key, &place.walk, kept);
    if let Some(remote) = way.remote.filter(|_| outputs.len() == files.len()) {
        let entry =
            Entry { found: found.clone(), passed: passed.clone(), outputs, said: said.to_owned() };
        remote.share(action.kind.name(), place.key, entry, store);
    }
}
