//! What is on disk now, each path looked at once a run and read only if its stat says that it may have changed.
//!
//! Answers go through the [`Log`], which remembers digests from run to run. What was looked at is kept, so that a later
//! run can tell by stats alone that it would see the same (`snapshot`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread::JoinHandle;
use std::time::SystemTime;

use anymod_store::Digest;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::log::{Log, TextId, Version, VersionId};
use crate::shadow;
use crate::stat::{Directory, Stat};

/// What this run has seen.
#[derive(Default)]
pub(crate) struct Seen {
    /// By number of a path: not looked at, nothing there that can be read, or a version.
    files: Vec<Option<Option<VersionId>>>,
    /// By directory: its stat, if it is one, and the names in it.
    pub(crate) listings: BTreeMap<String, (Option<Stat>, FxHashSet<String>)>,
    pub(crate) shadows: shadow::Memo,
    glance: Glance,
}

/// Stats of all paths that the log knows, taken by a thread of their own while the plan is made.
#[derive(Default)]
enum Glance {
    #[default]
    None,
    Taking(JoinHandle<FxHashMap<TextId, Option<(bool, Stat)>>>),
    Taken(FxHashMap<TextId, Option<(bool, Stat)>>),
}

/// Fewer paths than these are not worth a thread.
const MANY: usize = 500;

impl Seen {
    fn set(&mut self, path: TextId, seen: Option<Option<VersionId>>) {
        let index = path as usize;
        if self.files.len() <= index {
            self.files.resize(index + 1, None);
        }
        if let Some(slot) = self.files.get_mut(index) {
            *slot = seen;
        }
    }

    fn get(&self, path: TextId) -> Option<Option<VersionId>> {
        self.files.get(path as usize).copied().flatten()
    }

    /// Every path looked at, and what was there.
    pub(crate) fn files(&self) -> impl Iterator<Item = (TextId, Option<VersionId>)> {
        let files = self.files.iter().enumerate();
        files.filter_map(|(path, seen)| Some((path as TextId, (*seen)?)))
    }
}

impl Log {
    /// The file system path behind a number.
    pub(crate) fn location(&self, path: TextId) -> PathBuf {
        self.root.join(self.text(path))
    }

    /// The version of the file at a path as it is now, `None` if there is no readable file. Reads the file only if its
    /// times or size differ from what is known; looks at the disk once a run.
    pub(crate) fn now(&mut self, path: TextId) -> Option<VersionId> {
        if let Some(seen) = self.seen.get(path) {
            return seen;
        }
        let seen = self.look(path);
        self.seen.set(path, Some(seen));
        seen
    }

    /// The same, where a version of its own stands for nothing being there.
    pub(crate) fn now_or_absent(&mut self, path: TextId) -> VersionId {
        match self.now(path) {
            Some(version) => version,
            None => {
                let known = self.latest.get(path as usize).copied().flatten();
                let known = known.filter(|id| {
                    self.version(*id).is_some_and(|version| version.digest == absent())
                });
                let version = Version { path, stat: None, digest: absent() };
                known.unwrap_or_else(|| self.add_version(version))
            }
        }
    }

    /// The content digest of a file as it is now, or [`absent`].
    pub(crate) fn digest_or_absent(&mut self, path: &str) -> Digest {
        self.digest(path).unwrap_or_else(absent)
    }

    /// Forgets what this run saw at a path, because something may have written there.
    pub(crate) fn forget(&mut self, path: TextId) {
        self.seen.set(path, None);
        self.end_look_ahead();
        if let Glance::Taken(stats) = &mut self.seen.glance {
            stats.remove(&path);
        }
    }

    /// Begins to look at all the paths that are known, if they are many; from here on nothing may write to one of them
    /// without [`Log::wrote`] or [`Log::forget`].
    pub(crate) fn look_ahead(&mut self) {
        let versions = self.latest.iter().enumerate().filter(|(_, latest)| latest.is_some());
        let paths: Vec<(TextId, String)> =
            versions.map(|(id, _)| (id as TextId, self.text(id as TextId).to_owned())).collect();
        if paths.len() < MANY {
            return;
        }
        let root = self.root.clone();
        self.seen.glance = Glance::Taking(std::thread::spawn(move || {
            let directory = Directory::open(&root);
            let stat = |path: &str| directory.as_ref().and_then(|directory| directory.stat(path));
            paths.into_iter().map(|(id, path)| (id, stat(&path))).collect()
        }));
    }

    /// Waits for what [`Log::look_ahead`] began. Until then paths are looked at one by one.
    pub(crate) fn end_look_ahead(&mut self) {
        if matches!(self.seen.glance, Glance::Taking(_))
            && let Glance::Taking(thread) = std::mem::take(&mut self.seen.glance)
        {
            self.seen.glance = Glance::Taken(thread.join().unwrap_or_default());
        }
    }

    /// Whether a directory is at a path now, and its stat.
    fn stat(&mut self, path: TextId) -> Option<(bool, Stat)> {
        if let Glance::Taken(stats) = &self.seen.glance
            && let Some(stat) = stats.get(&path)
        {
            return *stat;
        }
        let metadata = std::fs::metadata(self.location(path)).ok()?;
        Some((metadata.is_dir(), Stat::of(&metadata)))
    }

    /// Forgets everything that this run saw.
    pub(crate) fn look_again(&mut self) {
        self.seen = Seen::default();
    }

    fn look(&mut self, path: TextId) -> Option<VersionId> {
        let (is_dir, stat) = self.stat(path)?;
        if is_dir {
            return None;
        }
        let latest = self.latest.get(path as usize).copied().flatten();
        let known = latest.and_then(|id| Some((id, *self.version(id)?)));
        if let Some((id, version)) = known
            && version.stat == Some(stat)
        {
            return Some(id);
        }
        let digest = Digest::of(&std::fs::read(self.location(path)).ok()?);
        let stat = stat.is_settled(SystemTime::now()).then_some(stat);
        if let Some((id, version)) = known
            && stat.is_none()
            && version.stat.is_none()
            && version.digest == digest
        {
            return Some(id);
        }
        Some(self.add_version(Version { path, stat, digest }))
    }

    /// Takes note of a file that this run wrote under a name of its own and renamed to `path`, with the content and the
    /// stat that it had then. Nobody else can have written to it within one tick of the clock, so the stat is trusted.
    pub(crate) fn wrote(&mut self, path: TextId, stat: Stat, digest: Digest) -> VersionId {
        let latest = self.latest.get(path as usize).copied().flatten();
        let same = latest.filter(|id| {
            self.version(*id)
                .is_some_and(|known| known.stat == Some(stat) && known.digest == digest)
        });
        let id =
            same.unwrap_or_else(|| self.add_version(Version { path, stat: Some(stat), digest }));
        self.seen.set(path, Some(Some(id)));
        id
    }

    /// Takes note of what would be in a file if it were here. Until something is written there, it counts as being there.
    pub(crate) fn promised(&mut self, path: TextId, digest: Digest) -> VersionId {
        let latest = self.latest.get(path as usize).copied().flatten();
        let same = latest.filter(|id| {
            self.version(*id).is_some_and(|known| known.stat.is_none() && known.digest == digest)
        });
        let id = same.unwrap_or_else(|| self.add_version(Version { path, stat: None, digest }));
        self.seen.set(path, Some(Some(id)));
        id
    }

    /// True if a directory holds an entry `name`, or, for a name with slashes, if there is such a path below it. For
    /// names that are usually not there: it looks into each directory once a run.
    pub(crate) fn has(&mut self, directory: &str, name: &str) -> bool {
        let first = name.split('/').next().unwrap_or(name);
        if !self.names(directory).contains(first) {
            return false;
        }
        if first.len() == name.len() {
            return true;
        }
        let path = join(directory, name);
        let path = self.id(&path);
        self.now(path).is_some()
    }

    fn names(&mut self, directory: &str) -> &FxHashSet<String> {
        if !self.seen.listings.contains_key(directory) {
            let listing = list(&self.root.join(directory));
            self.seen.listings.insert(directory.to_owned(), listing);
        }
        // It has just been put there.
        &self.seen.listings.entry(directory.to_owned()).or_default().1
    }

    /// The content digest of a file as it is now.
    pub(crate) fn digest(&mut self, path: &str) -> Option<Digest> {
        let id = self.id(path);
        let version = self.now(id)?;
        self.version(version).map(|version| version.digest)
    }
}

/// Stands for the content of a file that is not there, and whose coming would matter.
pub(crate) fn absent() -> Digest {
    static ABSENT: OnceLock<Digest> = OnceLock::new();
    *ABSENT.get_or_init(|| Digest::of(b"nothing is at this path"))
}

/// The stat of a directory, taken first, and the names in it.
pub(crate) fn list(directory: &Path) -> (Option<Stat>, FxHashSet<String>) {
    let stat = std::fs::metadata(directory).ok().map(|metadata| Stat::of(&metadata));
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    (stat, entries.filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

/// A path below a directory, where `""` and `.` are the project's own.
pub(crate) fn join(directory: &str, name: &str) -> String {
    match directory {
        "" | "." => name.to_owned(),
        _ => format!("{}/{name}", directory.trim_end_matches('/')),
    }
}
