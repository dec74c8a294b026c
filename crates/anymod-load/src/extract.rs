//! Extracting a file that is embedded: once, whole or not at all.
//!
//! The directories are those of the loader for Node.js (docs/formats/payload.md). The lock is the system's own on
//! `FILE.guard`, which ends with the process however that ends; whoever extracts by the other loader at the same moment does
//! the work twice and harms nobody, because what is written aside is renamed.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anymod_model::payload::{Index, Packed};

use crate::error::Refusal;
use crate::place::{self, Base};
use crate::unpack::Archive;

/// Use is noted once a day.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Other versions that nobody has used for so long go.
const GRACE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A file that is embedded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    pub(crate) archive: Archive<'a>,
    pub(crate) packed: &'a Packed,
}

/// What there is after extracting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extracted {
    /// What was just written, every part of it compared with its sum.
    Fresh,
    /// What somebody wrote earlier.
    Found,
}

impl Source<'_> {
    fn directory(&self, base: &Base) -> PathBuf {
        let Index { name, version, digest, .. } = self.archive.index;
        base.path.join("addons").join(name).join(format!("{version}-{digest}"))
    }

    /// Where the file goes.
    pub(crate) fn path(&self, base: &Base) -> PathBuf {
        self.directory(base).join(&self.packed.file)
    }

    /// Extracts the file, if it is not there.
    pub(crate) fn extract(&self, base: &Base) -> Result<Extracted, Refusal> {
        self.try_extract(base).map_err(|error| {
            Refusal::Other(format!(
                "it cannot be extracted there: {error}; ANYMOD_EXTRACT_DIR can name another directory"
            ))
        })
    }

    fn try_extract(&self, base: &Base) -> std::io::Result<Extracted> {
        let (directory, path) = (self.directory(base), self.path(base));
        if base.shared {
            place::claim(&base.path)?;
        }
        if path.exists() {
            note_use(&directory);
            return Ok(Extracted::Found);
        }
        std::fs::create_dir_all(&directory)?;
        let guard = std::fs::File::options()
            .create(true)
            .append(true)
            .open(path.with_added_extension("guard"))?;
        // Some file systems have no locks; then several may write the same file, each aside.
        let _ = guard.lock();
        if path.exists() {
            return Ok(Extracted::Found);
        }
        clear(&directory, &self.packed.file);
        self.write(&directory, &path)?;
        prune(&directory);
        Ok(Extracted::Fresh)
    }

    /// Removes what was found and cannot be loaded; true if there was something.
    pub(crate) fn remove(&self, base: &Base) -> bool {
        std::fs::remove_file(self.path(base)).is_ok()
    }

    /// Nothing is forced to the disk: every later load looks at the whole content, and what is not whole is written again.
    fn write(&self, directory: &Path, path: &Path) -> std::io::Result<()> {
        let prefix = format!("{}.", self.packed.file);
        let aside =
            tempfile::Builder::new().prefix(&prefix).suffix(".aside").tempfile_in(directory)?;
        self.archive.unpack(self.packed, aside.as_file())?;
        aside.persist(path)?;
        Ok(())
    }
}

/// When a directory was used last, for whoever prunes.
fn note_use(directory: &Path) {
    if age(directory).is_some_and(|age| age > DAY) {
        let now = std::fs::FileTimes::new().set_modified(SystemTime::now());
        // Where it cannot be noted nothing is pruned either.
        let _ = std::fs::File::open(directory).and_then(|file| file.set_times(now));
    }
}

fn age(path: &Path) -> Option<Duration> {
    let modified = std::fs::metadata(path).and_then(|found| found.modified()).ok()?;
    SystemTime::now().duration_since(modified).ok()
}

/// Removes what killed processes left of a file. The caller has its lock.
fn clear(directory: &Path, file: &str) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(file) && name.ends_with(".aside") {
            // What cannot be removed does no harm.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Removes other versions that nobody has used for long.
fn prune(own: &Path) {
    let versions = own.parent().map(std::fs::read_dir);
    for entry in versions.into_iter().flatten().flatten().flatten() {
        let path = entry.path();
        if path != own && age(&path).is_some_and(|age| age > GRACE) {
            // It may be in use, or somebody else's.
            let _ = std::fs::remove_dir_all(path);
        }
    }
}
