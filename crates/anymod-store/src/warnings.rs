//! What the store has to tell, gathered until somebody asks: each kind of trouble once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anymod_model::codes::store as codes;
use anymod_model::{Diagnostic, Place};

use crate::text::{reason, write_hint};

/// How many damaged files are told by name.
const NAMED: usize = 5;

/// The trouble of one process with one store.
#[derive(Default)]
pub(crate) struct Warnings(Mutex<Trouble>);

#[derive(Default)]
struct Trouble {
    /// True once a write has failed; none is tried after that.
    off: bool,
    unusable: Option<Diagnostic>,
    /// Damaged files to be told.
    damaged: Vec<PathBuf>,
    /// Damaged files that were met so far.
    told: BTreeSet<PathBuf>,
}

impl Warnings {
    /// True if writes are off.
    pub(crate) fn off(&self) -> bool {
        self.with(|trouble| trouble.off)
    }

    /// Turns writes off, because one failed.
    pub(crate) fn turn_off(&self, path: &Path, error: &std::io::Error) {
        self.with(|trouble| {
            if !trouble.off {
                trouble.off = true;
                let warning = unusable(path, error);
                trouble.unusable = Some(Diagnostic {
                    severity: anymod_model::Severity::Warning,
                    ..warning.note("the build goes on without keeping anything in the store")
                });
            }
        });
    }

    /// Notes a damaged file that was dropped.
    pub(crate) fn damaged(&self, path: &Path) {
        self.with(|trouble| {
            // One that could not be removed is met again.
            if trouble.told.insert(path.to_owned()) {
                trouble.damaged.push(path.to_owned());
            }
        });
    }

    /// Everything since the last time.
    pub(crate) fn take(&self) -> Vec<Diagnostic> {
        let (unusable, damaged) =
            self.with(|trouble| (trouble.unusable.take(), std::mem::take(&mut trouble.damaged)));
        unusable.into_iter().chain(damage(&damaged)).collect()
    }

    fn with<T>(&self, act: impl FnOnce(&mut Trouble) -> T) -> T {
        // A panic elsewhere leaves nothing half done here.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One warning for all damaged files.
fn damage(paths: &[PathBuf]) -> Option<Diagnostic> {
    let first = paths.first()?;
    let message = match paths.len() {
        1 => "a damaged file was removed from the store".to_owned(),
        several => format!("{several} damaged files were removed from the store"),
    };
    let mut warning = Diagnostic::warning(&codes::DAMAGED, message).at(place(first));
    for path in paths.iter().skip(1).take(NAMED) {
        warning = warning.note(format!("also {}", path.display()));
    }
    Some(warning.hint(
        "what they held is made again; if this happens often, check the disk and run `anymod cache verify`",
    ))
}

/// The diagnostic of a store that cannot be read or written.
pub(crate) fn unusable(path: &Path, error: &std::io::Error) -> Diagnostic {
    let hint = match error.kind() {
        std::io::ErrorKind::StorageFull
        | std::io::ErrorKind::QuotaExceeded
        | std::io::ErrorKind::FileTooLarge => {
            "free some space, for instance with `anymod cache gc`, or choose another disk with `--store DIR`"
        }
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            "give yourself write permission, choose another directory with `--store DIR`, or none with `--store off`"
        }
        _ => "look at what is at that path, or choose another directory with `--store DIR`",
    };
    Diagnostic::error(&codes::UNUSABLE, format!("cannot use the store: {}", reason(error)))
        .at(place(path))
        .hint(hint)
}

/// The diagnostic of a place that a stored file cannot be put in.
pub(crate) fn destination(path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error(&codes::DESTINATION, format!("cannot write the file: {}", reason(error)))
        .at(place(path))
        .hint(write_hint(error))
}

pub(crate) fn place(path: &Path) -> Place {
    Place::file(path.display().to_string())
}
