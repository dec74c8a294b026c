//! Collects findings so that one link reports everything that is wrong with it.

use anymod_model::{Diagnostic, Diagnostics, Place, Severity};

/// Findings of a link in the order they were made. Past a limit errors are only counted.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Diagnostic>,
    errors: usize,
}

/// More errors than anyone reads; hostile inputs can make millions.
const LIMIT: usize = 100;

/// Further places that a finding lists.
const PLACES: usize = 3;

impl Findings {
    /// Adds a finding; one that differs from an earlier one only in its place becomes a note there.
    pub(crate) fn push(&mut self, finding: Diagnostic) {
        let same = |other: &&mut Diagnostic| {
            other.code == finding.code && other.message == finding.message
        };
        if let (Some(place @ Place::Binary { .. }), Some(first)) =
            (&finding.place, self.list.iter_mut().find(same))
        {
            match first.notes.len() {
                0..PLACES => first.notes.push(format!("also at {place}")),
                PLACES => first.notes.push("and at further places".to_string()),
                _ => {}
            }
            return;
        }
        if finding.severity == Severity::Error {
            self.errors += 1;
            if self.errors > LIMIT {
                return;
            }
        }
        self.list.push(finding);
    }

    /// The warnings, or everything if there is an error among it.
    pub(crate) fn finish(mut self) -> Result<Vec<Diagnostic>, Diagnostics> {
        if self.errors == 0 {
            return Ok(self.list);
        }
        if self.errors > LIMIT
            && let Some(last) = self.list.last_mut()
        {
            last.notes.push(format!("and {} more errors", self.errors - LIMIT));
        }
        Err(Diagnostics(self.list))
    }
}
