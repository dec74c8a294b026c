//! Collects findings so that one link reports everything that is wrong with it.

use anymod_model::{Diagnostic, Diagnostics, Severity};

/// Findings of a link in the order they were made. Past a limit errors are only counted.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Diagnostic>,
    errors: usize,
}

/// More errors than anyone reads; hostile inputs can make millions.
const LIMIT: usize = 100;

impl Findings {
    /// Adds a finding.
    pub(crate) fn push(&mut self, finding: Diagnostic) {
        if finding.severity == Severity::Error {
            self.errors += 1;
            if self.errors > LIMIT {
                return;
            }
        }
        self.list.push(finding);
    }

    /// True if there is an error.
    pub(crate) fn has_errors(&self) -> bool {
        self.errors > 0
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
