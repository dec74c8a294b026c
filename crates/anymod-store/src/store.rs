//! The store as its users see it: find, restore, keep, claim.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use anymod_model::Diagnostic;
use anymod_model::codes::store as codes;

use crate::blobs::{self, Blobs};
use crate::claims::{self, Claim};
use crate::digest::Digest;
use crate::files;
use crate::flush::Flusher;
use crate::grown::Grown;
use crate::layout::{Layout, is_namespace};
use crate::limits::Limits;
use crate::locks::Locks;
use crate::record::{Entry, Output, Record};
use crate::restore::{self, Link};
use crate::walk::Field;
use crate::warnings::{self, Warnings};

/// How a store is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How files get out of it.
    pub link: Link,
    /// How much it may hold.
    pub limits: Limits,
}

/// What an action made, to be kept.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a> {
    /// The discovered inputs: names and digests.
    pub found: &'a [(String, Digest)],
    /// Paths that stood where the action looks first and that it passed over.
    pub passed: &'a [String],
    /// What the tool said.
    pub said: &'a str,
    /// The files it made: labels and where they are now.
    pub files: &'a [(String, PathBuf)],
}

/// A store. Made once and used by reference from many threads.
///
/// Whatever is wrong with it, a build goes on: what cannot be found is a miss, what cannot be kept is not, and
/// [`Store::take_warnings`] tells why.
pub struct Store {
    pub(crate) layout: Layout,
    pub(crate) options: Options,
    pub(crate) locks: Locks,
    pub(crate) warnings: Arc<Warnings>,
    flusher: Flusher,
    /// False if blobs are left to the system to be flushed.
    flushes: bool,
    pub(crate) grown: Grown,
    /// True once its directories are there.
    created: Mutex<bool>,
}

impl Store {
    /// The store in a directory. Nothing is created until something is kept.
    ///
    /// # Errors
    /// `S0008` if the path cannot be a directory's.
    pub fn open(directory: &Path, options: Options) -> Result<Store, Diagnostic> {
        let unfit = |message: String| {
            Diagnostic::error(&codes::DIRECTORY, message)
                .hint("give the path of a directory to `--store` or `ANYMOD_STORE`, or `off`")
        };
        if directory.as_os_str().as_encoded_bytes().contains(&0) {
            return Err(unfit("the path of the store holds a NUL byte".to_owned()));
        }
        let absolute = std::path::absolute(directory)
            .map_err(|_| unfit(format!("`{}` is not a path for the store", directory.display())))?;
        if let Some(name) = options.limits.namespaces.keys().find(|name| !is_namespace(name)) {
            return Err(unfit(format!("`{name}` is not a part of the store that can be limited")));
        }
        let warnings = Arc::new(Warnings::default());
        Ok(Store {
            layout: Layout::new(&absolute),
            options,
            locks: Locks::default(),
            flusher: Flusher::new(Arc::clone(&warnings)),
            flushes: true,
            warnings,
            grown: Grown::default(),
            created: Mutex::new(false),
        })
    }

    /// The same for a process that keeps little and ends soon: it does not wait for the disk. What it keeps is flushed in
    /// the system's own time, as it is for one that keeps more than the disk takes.
    #[must_use]
    pub fn for_a_moment(self) -> Store {
        Store { flushes: false, ..self }
    }

    /// Where it is, absolute, with the layout's version.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.layout.root()
    }

    /// What is known of a key, and marks it as used now. Looking without using is [`Store::peek`].
    #[must_use]
    pub fn find(&self, namespace: &str, key: &Digest) -> Option<Record> {
        self.look(namespace, key, true)
    }

    /// What is known of a key.
    #[must_use]
    pub fn peek(&self, namespace: &str, key: &Digest) -> Option<Record> {
        self.look(namespace, key, false)
    }

    fn look(&self, namespace: &str, key: &Digest, using: bool) -> Option<Record> {
        let path = self.layout.record(namespace, key)?;
        let _inside = self.locks.shared(&self.layout);
        let mut file = std::fs::File::open(&path).ok()?;
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut file, &mut bytes).ok()?;
        let Some(record) = Record::decode(&bytes, namespace, key) else {
            blobs::remove_opened(&path, &file);
            self.warnings.damaged(&path);
            return None;
        };
        if using {
            touch(&file);
        }
        Some(record)
    }

    /// Puts the files of an entry where the caller wants them: all or none. False if one is gone or was damaged. A file
    /// that has the bytes already is left alone.
    ///
    /// # Errors
    /// `S0003` if a destination cannot be written.
    pub fn restore(&self, outputs: &[Output], to: &[PathBuf]) -> Result<bool, Diagnostic> {
        debug_assert_eq!(outputs.len(), to.len(), "a path for each output");
        if outputs.len() != to.len() {
            return Ok(false);
        }
        let _inside = self.locks.shared(&self.layout);
        let pairs = outputs.iter().zip(to.iter().map(PathBuf::as_path));
        restore::restore(&self.layout, self.options.link, pairs, &self.warnings)
    }

    /// Keeps what an action made, as the newest entry of its key. Returns the outputs in the order of the files, also if
    /// nothing could be kept; a file that cannot be read is left out, and then nothing is recorded.
    ///
    /// `walk` is what `key` is the digest of.
    pub fn keep(
        &self,
        namespace: &str,
        key: &Digest,
        walk: &[Field],
        kept: Kept<'_>,
    ) -> Vec<Output> {
        debug_assert!(is_namespace(namespace), "`{namespace}`");
        let record = self.layout.record(namespace, key).filter(|_| self.create());
        // One hold for blobs and record, so that nobody collects blobs whose record is about to come.
        let _inside = self.locks.shared(&self.layout);
        let mut grown = 0;
        let mut outputs = Vec::new();
        for (name, path) in kept.files {
            let Some((output, bytes)) = read_output(name, path) else { continue };
            if record.is_some() && !self.warnings.off() {
                match blobs::put(&self.layout, &output.digest, &bytes) {
                    Ok(None) => {}
                    Ok(Some(written)) => {
                        grown += output.size;
                        if self.flushes {
                            self.flusher.flush(written);
                        }
                    }
                    Err(error) => {
                        self.warnings.turn_off(&self.layout.blob(&output.digest), &error);
                    }
                }
            }
            outputs.push(output);
        }
        if let Some(path) = record
            && outputs.len() == kept.files.len()
            && !self.warnings.off()
        {
            let entry = Entry {
                found: kept.found.to_vec(),
                passed: kept.passed.to_vec(),
                outputs: outputs.clone(),
                said: kept.said.to_owned(),
            };
            match self.add_entry(&path, namespace, key, walk, entry) {
                Ok(more) => self.grown.add(&self.layout, namespace, grown + more),
                Err(error) => self.warnings.turn_off(&path, &error),
            }
        }
        outputs
    }

    /// Keeps what came of an action elsewhere, or in memory: the bytes of blobs that are missing here with their digests, and
    /// the entry that names them. False if it could not be kept.
    pub fn adopt(
        &self,
        namespace: &str,
        key: &Digest,
        walk: &[Field],
        entry: Entry,
        blobs: &[(Digest, &[u8])],
    ) -> bool {
        let path = self.layout.record(namespace, key).filter(|_| self.create());
        let Some(path) = path else { return false };
        let _inside = self.locks.shared(&self.layout);
        let mut grown = 0;
        let put = blobs.iter().try_for_each(|(digest, bytes)| {
            if let Some(written) = blobs::put(&self.layout, digest, bytes)? {
                grown += bytes.len() as u64;
                if self.flushes {
                    self.flusher.flush(written);
                }
            }
            Ok(())
        });
        match put.and_then(|()| self.add_entry(&path, namespace, key, walk, entry)) {
            Ok(more) => self.grown.add(&self.layout, namespace, grown + more),
            Err(error) => self.warnings.turn_off(&path, &error),
        }
        !self.warnings.off()
    }

    /// A way to the store's blobs for who outlives the borrow of it.
    #[must_use]
    pub fn blobs(&self) -> Blobs {
        Blobs(self.layout.clone())
    }

    /// Reads, changes and replaces a record. Of two processes that do so at once one loses its entry, which costs a miss.
    fn add_entry(
        &self,
        path: &Path,
        namespace: &str,
        key: &Digest,
        walk: &[Field],
        entry: Entry,
    ) -> std::io::Result<u64> {
        let mut record = match std::fs::read(path) {
            Err(_) => Record::default(),
            Ok(bytes) => Record::decode(&bytes, namespace, key).unwrap_or_else(|| {
                self.warnings.damaged(path);
                Record::default()
            }),
        };
        record.walk = walk.to_vec();
        record.add(entry);
        self.write_record(path, namespace, key, &record)
    }

    /// Puts a record in its place; returns its length. It is not worth waiting for the disk: one that a crash of the
    /// machine damages is dropped.
    pub(crate) fn write_record(
        &self,
        path: &Path,
        namespace: &str,
        key: &Digest,
        record: &Record,
    ) -> std::io::Result<u64> {
        let text = record.encode(namespace, key);
        let file = files::temporary(&self.layout.temporary(), 0o644, text.as_bytes())?;
        touch(file.as_file());
        files::persist(file, path)?;
        Ok(text.len() as u64)
    }

    /// Asks to be the one that runs the action of a key.
    #[must_use]
    pub fn claim(&self, key: &Digest) -> Claim {
        if !self.create() {
            return Claim::Unavailable;
        }
        let path = self.layout.claim(key);
        claims::claim(&path).unwrap_or_else(|error| {
            self.warnings.turn_off(&path, &error);
            Claim::Unavailable
        })
    }

    /// Waits until the claim of a key is released, at most for `patience`; true if it was.
    #[must_use]
    pub fn wait(&self, key: &Digest, patience: Duration) -> bool {
        claims::wait(&self.layout.claim(key), patience)
    }

    /// What went wrong since the last time, each kind once.
    #[must_use]
    pub fn take_warnings(&self) -> Vec<Diagnostic> {
        self.warnings.take()
    }

    /// Makes the directories if they are not there; false if the store cannot be written.
    fn create(&self) -> bool {
        if self.warnings.off() {
            return false;
        }
        let mut created = self.created.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !*created {
            let made = self.layout.create_locks().and_then(|()| {
                let _inside = self.locks.shared(&self.layout);
                self.layout.create()
            });
            match made {
                Ok(()) => *created = true,
                Err(error) => self.warnings.turn_off(self.layout.root(), &error),
            }
        }
        *created
    }

    /// The diagnostic of a store that somebody asked to look after and that cannot be.
    pub(crate) fn unusable(&self, error: &std::io::Error) -> Diagnostic {
        warnings::unusable(self.layout.root(), error)
    }
}

/// Marks a record as used now. The file's own time of creation is too coarse to tell what came first.
fn touch(file: &std::fs::File) {
    // In a store of somebody else's it stays as it is.
    let _ = file.set_times(std::fs::FileTimes::new().set_modified(SystemTime::now()));
}

/// Reads a file that an action made.
fn read_output(name: &str, path: &Path) -> Option<(Output, Vec<u8>)> {
    let bytes = std::fs::read(path).ok()?;
    let executable = restore::is_executable(&std::fs::metadata(path).ok()?);
    let (digest, size) = (Digest::of(&bytes), bytes.len() as u64);
    Some((Output { name: name.to_owned(), digest, size, executable }, bytes))
}
