//! A call's steps through the store: looked up, claimed, run, kept.
//!
//! A step is a walk like every action's of the engine, an output, and the way that files are searched for which it reads
//! besides. What is looked up, and when nothing has come to be found first, is decided by the same means (`shadow`,
//! `incbin`), and for Cython by `modules`.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anymod_model::Diagnostic;
use anymod_store::{Claim, Digest, Entry, Explanation, Kept};
use rustc_hash::FxHashMap;

use super::digests::Digests;
use super::modules::Modules;
use super::places::Places;
use crate::disk::{absent, join};
use crate::shelf::{self, Find, Shelf};
use crate::stat::Stat;
use crate::{incbin, shadow};

/// The kinds of steps, each a part of the store.
pub(crate) const KINDS: [&str; 4] = ["compile", "archive", "link", "cython"];

/// What a build's calls use of the store.
pub(crate) struct Stored<'a> {
    pub(crate) shelf: &'a Shelf,
    pub(crate) digests: &'a mut Digests,
    pub(crate) places: &'a Places,
    /// Where the command runs.
    pub(crate) directory: &'a Path,
}

/// A step that can be kept.
pub(crate) struct Step<'a> {
    /// One of [`KINDS`].
    pub(crate) kind: &'static str,
    pub(crate) walk: Explanation,
    /// The file it makes.
    pub(crate) output: &'a Path,
    pub(crate) searched: Searched<'a>,
}

/// How files are searched for that a step reads besides those of its walk.
pub(crate) enum Searched<'a> {
    /// There are none.
    Not,
    /// The headers of a compilation: its source and the directories.
    Headers(&'a str, &'a [String]),
    /// What a run of Cython imports and includes.
    Modules(&'a Modules),
}

/// What a step made.
pub(crate) struct Made {
    /// Files that it was found to read.
    pub(crate) read: Vec<String>,
    pub(crate) said: String,
}

/// How a step went.
pub(crate) enum Went<T> {
    /// It came out of the store: files that it had read, and what it had said.
    Hit(Vec<String>, String),
    /// It ran.
    Ran(T),
}

/// What running a step gives: something for the caller, and what is to be kept, if anything.
pub(crate) type Run<T> = Result<(T, Option<Made>), Diagnostic>;

/// The longest that a call waits for another one that runs the same step.
const PATIENCE: Duration = Duration::from_secs(600);

impl Stored<'_> {
    /// Does a step unless the store has what it makes. `run` does it; what it made is kept if it says so.
    pub(crate) fn step<T>(
        &mut self,
        step: &Step<'_>,
        run: impl FnOnce() -> Run<T>,
    ) -> Result<Went<T>, Diagnostic> {
        let place = shelf::Step { namespace: step.kind, key: step.walk.key(), walk: &step.walk.0 };
        let key = place.key;
        if let Some(hit) = self.hit(step, place, Shelf::look) {
            return Ok(hit);
        }
        let store = self.shelf.store();
        let mut claim = store.claim(&key);
        if matches!(claim, Claim::Busy) {
            // Whoever runs it now may be killed, or may fail; then it is run here, whatever others do.
            let _ = store.wait(&key, PATIENCE);
            claim = store.claim(&key);
        }
        for find in [Shelf::look, Shelf::ask] {
            if let Some(hit) = self.hit(step, place, find) {
                return Ok(hit);
            }
        }
        let begun = SystemTime::now();
        let (ran, made) = run()?;
        if let Some(made) = made {
            self.keep(step, place, &made, begun);
        }
        drop(claim);
        Ok(Went::Ran(ran))
    }

    /// What is found for a step, put in place.
    fn hit<T>(
        &mut self,
        step: &Step<'_>,
        place: shelf::Step<'_>,
        find: Find<(Vec<String>, String), Diagnostic>,
    ) -> Option<Went<T>> {
        let (shelf, places) = (self.shelf, self.places);
        let mut put = |entry: &Entry| {
            if entry.outputs.len() != 1
                || !shelf.store().restore(&entry.outputs, &[step.output.to_owned()])?
            {
                return Ok(None);
            }
            Ok(Some((read(entry, places), places.real_text(&entry.said))))
        };
        let found = find(shelf, place, &mut |entry| self.is_as_now(step, entry), &mut put);
        // A destination that cannot be written is for the tool to complain about.
        found.unwrap_or(None).map(|(read, said)| Went::Hit(read, said))
    }

    /// True if everything that an entry was made of is as it was.
    fn is_as_now(&mut self, step: &Step<'_>, entry: &Entry) -> bool {
        let same = entry.found.iter().all(|(path, digest)| {
            let path = self.directory.join(&*self.places.real(path));
            self.digests.lasting(&path).unwrap_or_else(absent) == *digest
        });
        if !same {
            return false;
        }
        let passed = self.passed_over(step, &read(entry, self.places));
        passed.iter().all(|path| {
            let portable = self.places.portable(path);
            entry.passed.iter().any(|known| *known == *portable)
        })
    }

    /// Keeps what a step that began at `begun` made, unless something that it read was touched since.
    fn keep(&mut self, step: &Step<'_>, place: shelf::Step<'_>, made: &Made, begun: SystemTime) {
        let mut found = Vec::new();
        let mut add = |path: &str, digest: Digest| {
            found.push((self.places.portable(path).into_owned(), digest));
        };
        for path in &made.read {
            let touched = std::fs::metadata(self.directory.join(path))
                .is_ok_and(|there| Stat::of(&there).is_after(begun));
            if touched {
                return;
            }
            match self.digests.lasting(&self.directory.join(path)) {
                // Gone already, or not named in text: nobody could tell whether it is the same later.
                None => return,
                Some(digest) => add(path, digest),
            }
        }
        if let Searched::Headers(source, search) = step.searched {
            let own = made.read.iter().filter(|path| self.places.is_own(path));
            let source = source.to_owned();
            let own = own.chain(std::iter::once(&source));
            for path in incbin::sought(own, search, self.directory) {
                let digest = self.digests.lasting(&self.directory.join(&path));
                add(&path, digest.unwrap_or_else(absent));
            }
        }
        let passed = self.passed_over(step, &made.read);
        if let Searched::Modules(modules) = step.searched {
            if passed.iter().any(|path| modules.is_own(path))
                && !made.read.iter().any(|path| modules.is_own(path))
            {
                return;
            }
            // That they are there decides what is a package, and one that goes counts as one that comes.
            for path in &passed {
                let digest = self.digests.lasting(Path::new(path));
                add(path, digest.unwrap_or_else(absent));
            }
        }
        let passed: Vec<String> =
            passed.iter().map(|path| self.places.portable(path).into_owned()).collect();
        let said = self.places.portable_text(&made.said);
        let files = [("output".to_owned(), step.output.to_owned())];
        let kept = Kept { found: &found, passed: &passed, said: &said, files: &files };
        self.shelf.keep(place, kept);
    }

    /// Files at places where a tool looks before it finds one of the files that it read.
    fn passed_over(&self, step: &Step<'_>, read: &[String]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut listings = Listings::default();
        let (source, search) = match step.searched {
            Searched::Not => return found,
            Searched::Headers(source, search) => (source, search),
            Searched::Modules(modules) => return modules.beside(read, &mut listings),
        };
        let own = |path: &str| self.places.is_own(path);
        shadow::places(source, read, search, &own, &mut |directory, name| {
            if listings.has(&self.directory.join(directory), name) {
                let path = join(directory, name);
                if path != source && !read.contains(&path) {
                    found.insert(path);
                }
            }
        });
        found
    }
}

/// The files that a step read which an entry was made by.
fn read(entry: &Entry, places: &Places) -> Vec<String> {
    let there = entry.found.iter().filter(|(_, digest)| *digest != absent());
    let read = there.filter(|(path, _)| !entry.passed.contains(path));
    read.map(|(path, _)| places.real(path).into_owned()).collect()
}

/// What is in directories, each listed once.
#[derive(Default)]
pub(crate) struct Listings(FxHashMap<PathBuf, HashSet<String>>);

impl Listings {
    /// The names in a directory; none if it cannot be read.
    pub(crate) fn names(&mut self, directory: &Path) -> &HashSet<String> {
        self.0.entry(directory.to_owned()).or_insert_with(|| {
            let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
        })
    }

    /// True if there is a file of a name, which may be in a directory of it.
    pub(crate) fn has(&mut self, directory: &Path, name: &str) -> bool {
        let first = name.split('/').next().unwrap_or(name);
        (first == ".." || self.names(directory).contains(first)) && directory.join(name).is_file()
    }
}
