//! The record of every command that the stand-in got and what it ran instead, as lines of JSON.
//!
//! Each record is appended by one write, so that those of commands that run at once do not mix. The table of fields is
//! [`TraceRecord`].

use std::path::Path;

use anymod_model::codes::intercept as codes;
use anymod_model::{Diagnostic, Place};
use serde::{Deserialize, Serialize};

use crate::install;

/// Raised whenever the meaning of a record changes.
pub const VERSION: u32 = 1;

/// What came of a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A tool ran, at least for a part of it.
    #[default]
    Ran,
    /// All of it came out of the store.
    Hit,
    /// It failed, or was not run at all because the target lacks what it asks for.
    Failed,
    /// It asked something about the compiler.
    Query,
    /// It linked for the build machine, with the machine's own linker.
    Host,
}

impl Outcome {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Ran => "ran",
            Outcome::Hit => "hit",
            Outcome::Failed => "failed",
            Outcome::Query => "query",
            Outcome::Host => "host",
        }
    }
}

/// One command. Words that are not text have replacement characters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TraceRecord {
    /// Version of the record's meaning: 1.
    pub version: u32,
    /// The command as it came: the name by which the stand-in was called, and the arguments.
    pub before: Vec<String>,
    /// What was run instead, or would have been, had the store not known the outcome: one command for each source, then one
    /// for the linker. None for what was answered or refused.
    pub after: Vec<Vec<String>>,
    /// Where.
    pub cwd: String,
    /// Names of the rules that changed the command.
    pub rules: Vec<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// True for a hit that a remote server had.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub remote: bool,
    /// Exit status; 128 and the signal for a tool that was killed.
    pub exit: i32,
    /// Sources that were compiled, or restored.
    pub sources: Vec<String>,
    /// The file made, if one was named.
    pub output: Option<String>,
    /// True for a link of a module or program.
    pub linked: bool,
    /// What the tool said on its error output, if it failed: at most the last 4000 bytes.
    pub said: Option<String>,
    /// How long it took, in milliseconds.
    pub milliseconds: f64,
}

impl TraceRecord {
    /// Appends the record to a file. What cannot be written is left out: no build fails for want of a record.
    pub(crate) fn append(&self, path: &Path) {
        let Ok(mut line) = serde_json::to_vec(self) else { return };
        line.push(b'\n');
        install::append(path, &line);
    }
}

/// Reads the records of a file. A last one that a killed command left unfinished is left out.
///
/// # Errors
/// `B0002` if the file cannot be read, `I0007` if it holds something else.
pub fn read_trace(path: &Path) -> Result<Vec<TraceRecord>, Diagnostic> {
    let bytes = install::read(path)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let lines = bytes.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n');
    let mut records = Vec::new();
    for (index, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
        let record: Result<TraceRecord, _> = serde_json::from_slice(line);
        let reason = match record {
            Ok(record) if record.version == VERSION => {
                records.push(record);
                continue;
            }
            Ok(record) => format!("it is of version {}", record.version),
            Err(error) => error.to_string(),
        };
        let message = format!("line {} is no record of a command: {reason}", index + 1);
        return Err(Diagnostic::error(&codes::TRACE, message)
            .at(Place::file(path.display().to_string()))
            .hint("give a file that `anymod wheel --trace` wrote"));
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_back_and_half_ones_left_out() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("trace.jsonl");
        let record = TraceRecord {
            version: VERSION,
            before: vec!["gcc".to_owned(), "é x".to_owned()],
            outcome: Outcome::Hit,
            ..TraceRecord::default()
        };
        record.append(&path);
        record.append(&path);
        install::append(&path, b"{\"version\":1,\"bef");
        assert_eq!(read_trace(&path).unwrap(), [record.clone(), record]);
        install::append(&path, b"\n");
        assert_eq!(read_trace(&path).unwrap_err().code.id, "I0007");
    }
}
