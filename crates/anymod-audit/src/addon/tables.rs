//! Tables for debuggers in a release file.
//!
//! Why: they are several times the size of the rest, and tell where it was built. What: symbol tables and debug information
//! in a file that is to be stripped. Mend: strip it before it is sealed.

use anymod_model::Diagnostic;
use anymod_model::codes::node as codes;

use super::Subject;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let tables = &subject.addon.tables;
    if tables.is_empty() {
        return Vec::new();
    }
    let size: u64 = tables.values().sum();
    let names: Vec<&str> = tables.keys().copied().collect();
    let message = format!("the addon holds {size} bytes that only debuggers read");
    let finding = match subject.request.stripped {
        true => Diagnostic::error(&codes::TABLES, message),
        false => Diagnostic::warning(&codes::TABLES, message),
    };
    let finding = finding.at(subject.place()).note(format!("in `{}`", names.join("`, `")));
    vec![finding.hint("link it with `-s`")]
}
