//! An addon that was changed after it was made.
//!
//! Why: loading a damaged library ends the process with a signal. What: the sums of the identity are not those of the file.
//! Mend: build or install it again; what has to change a file, for instance `strip`, has to run before it is sealed.

use anymod_model::Diagnostic;
use anymod_model::codes::node as codes;

use super::Subject;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    match &subject.found {
        Some(found) if !found.is_whole() => {
            let hex = |sum: &[u8]| sum.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            let message = "the addon is not as it was made: its sums differ";
            vec![
                Diagnostic::error(&codes::DAMAGED, message)
                    .at(subject.place())
                    .note(format!("SHA-256 when it was made: {}", hex(&found.record.sums.sha256)))
                    .note(format!("SHA-256 now: {}", hex(&found.actual.sha256)))
                    .hint("build or install it again"),
            ]
        }
        _ => Vec::new(),
    }
}
