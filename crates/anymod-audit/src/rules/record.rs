//! The record of a wheel.
//!
//! Why: installers check it, and refuse the wheel or warn. What: files that are not listed, rows without a file, hashes
//! and sizes that are not the file's. Signatures of the record may be missing from it. Mend: pack the wheel again.

use std::collections::BTreeMap;

use anymod_model::Diagnostic;
use anymod_model::codes::audit as code;
use anymod_pack::wheel::{Digest, RecordRow, digest_of, read_record};

use super::with_notes;
use crate::subject::Subject;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let info = subject.wheel.and_then(|wheel| wheel.dist_info().ok());
    let Some(path) = info.map(|info| format!("{info}/RECORD")) else { return Vec::new() };
    let report = |message: &str, details: &[String]| {
        let finding = Diagnostic::error(&code::RECORD, message)
            .at(subject.place(&path))
            .hint("pack the wheel again, which writes a new record: `anymod whl unpack`, `anymod whl pack`");
        vec![with_notes(finding, details)]
    };
    let Some(bytes) = subject.files.get(path.as_str()) else {
        return report("the record is missing", &[]);
    };
    let rows = std::str::from_utf8(bytes).ok().and_then(read_record);
    let Some(rows) = rows else { return report("the record cannot be read", &[]) };
    let details = differences(subject, &path, &rows);
    match details.len() {
        0 => Vec::new(),
        1 => report("a row of the record is not that of the files", &details),
        count => {
            report(&format!("{count} rows of the record are not those of the files"), &details)
        }
    }
}

fn differences(subject: &Subject<'_>, record: &str, rows: &[RecordRow]) -> Vec<String> {
    let mut details = Vec::new();
    let mut by_path: BTreeMap<&str, &RecordRow> = BTreeMap::new();
    for row in rows {
        if by_path.insert(&row.path, row).is_some() {
            details.push(format!("`{}` is listed twice", row.path));
        }
        // Directories are listed by some; nobody looks.
        if !subject.files.contains_key(row.path.as_str()) && !row.path.ends_with('/') {
            details.push(format!("`{}` is listed and not there", row.path));
        }
    }
    for (path, bytes) in &subject.files {
        let unsigned = *path == record || is_signature(path, record);
        match by_path.get(path) {
            None if unsigned => {}
            None => details.push(format!("`{path}` is not listed")),
            Some(_) if unsigned => {}
            Some(row) => match digest_of(row, bytes) {
                Digest::Wrong => details.push(format!("`{path}` has another hash")),
                Digest::Unknown => {
                    details.push(format!("`{path}` has no hash that installers take"))
                }
                Digest::Right if row.size.is_some_and(|size| size != bytes.len() as u64) => {
                    details.push(format!("`{path}` has another size"));
                }
                Digest::Right => {}
            },
        }
    }
    details
}

fn is_signature(path: &str, record: &str) -> bool {
    path.strip_prefix(record).is_some_and(|rest| matches!(rest, ".jws" | ".p7s"))
}
