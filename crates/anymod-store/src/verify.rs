//! Verification: every blob and every record is read and checked; what is wrong is removed and told.
//!
//! It shares the store with builds. Each file is checked under a hold of its own, so that a long verification keeps
//! nobody waiting.

use std::path::Path;

use anymod_model::Diagnostic;
use anymod_model::codes::store as codes;

use crate::blobs::{self, Read};
use crate::record::{Output, Record};
use crate::scan::{Place, blob_files, record_files, strangers};
use crate::store::Store;
use crate::warnings;

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Blobs that were checked.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Records that were checked.
    pub records: u64,
    /// What was wrong, each a file that was removed or mended.
    pub findings: Vec<Diagnostic>,
}

impl Store {
    /// Checks everything in the store, and removes what is wrong.
    #[must_use]
    pub fn verify(&self) -> Verified {
        let mut verified = Verified::default();
        // Blobs first: a record whose blob was damaged is then found incomplete.
        let blobs = blob_files(&self.layout);
        for place in &blobs.files {
            self.verify_blob(place, &mut verified);
        }
        let records = record_files(&self.layout);
        for place in &records.files {
            self.verify_record(place, &mut verified);
        }
        let foreign = [blobs.foreign, records.foreign, strangers(&self.layout)].concat();
        for path in foreign {
            remove_foreign(&path);
            verified.findings.push(
                Diagnostic::error(&codes::FOREIGN, "a file that is not the store's was removed")
                    .at(warnings::place(&path))
                    .hint("keep nothing of your own in the store's directory"),
            );
        }
        verified
    }

    fn verify_blob(&self, place: &Place, verified: &mut Verified) {
        let _inside = self.locks.shared(&self.layout);
        let Ok(there) = std::fs::symlink_metadata(&place.path) else { return };
        verified.blobs += 1;
        verified.bytes += there.len();
        match blobs::read(&place.path, &place.digest, there.len()) {
            Read::Good(..) => {}
            Read::Damaged => verified.findings.push(damaged(&place.path, "a blob")),
            // Vanished, or not to be read by us.
            Read::Missing if !place.path.exists() => {}
            Read::Missing => {
                blobs::remove(&place.path);
                verified.findings.push(damaged(&place.path, "an unreadable blob"));
            }
        }
    }

    fn verify_record(&self, place: &Place, verified: &mut Verified) {
        let _inside = self.locks.shared(&self.layout);
        let Ok(mut file) = std::fs::File::open(&place.path) else { return };
        let mut bytes = Vec::new();
        let read = std::io::Read::read_to_end(&mut file, &mut bytes);
        verified.records += 1;
        let record =
            read.ok().and_then(|_| Record::decode(&bytes, &place.namespace, &place.digest));
        let Some(mut record) = record else {
            blobs::remove_opened(&place.path, &file);
            verified.findings.push(damaged(&place.path, "a record"));
            return;
        };
        let before = record.entries.len();
        record.entries.retain(|entry| entry.outputs.iter().all(|output| self.has(output)));
        if record.entries.len() == before {
            return;
        }
        let rewritten = !record.entries.is_empty()
            && self.write_record(&place.path, &place.namespace, &place.digest, &record).is_ok();
        if !rewritten {
            blobs::remove_opened(&place.path, &file);
        }
        let lost = before - record.entries.len();
        let message =
            format!("{lost} of {before} entries of a record named missing files and went");
        verified.findings.push(
            Diagnostic::error(&codes::INCOMPLETE, message)
                .at(warnings::place(&place.path))
                .hint("nothing to do: the files are made again when they are needed"),
        );
    }

    fn has(&self, output: &Output) -> bool {
        let there = std::fs::symlink_metadata(self.layout.blob(&output.digest));
        there.is_ok_and(|there| there.is_file() && there.len() == output.size)
    }
}

fn damaged(path: &Path, what: &str) -> Diagnostic {
    Diagnostic::error(&codes::DAMAGED, format!("{what} was damaged and was removed"))
        .at(warnings::place(path))
        .hint("nothing to do: what it held is made again when it is needed; if this happens often, check the disk")
}

fn remove_foreign(path: &Path) {
    let is_directory = std::fs::symlink_metadata(path).is_ok_and(|there| there.is_dir());
    // One that cannot be removed is found again.
    let _ = match is_directory {
        true => std::fs::remove_dir_all(path),
        false => std::fs::remove_file(path),
    };
}
