//! The rules. Each is a function from the artifact to findings, in a file with what it looks for, why, and the mend.

mod duplicates;
mod engine;
mod exceptions;
mod expected;
mod foreign;
mod imports;
mod init;
mod kind;
mod metadata;
mod names;
mod needed;
mod paths;
mod record;
mod shared_memory;
mod tags;

use anymod_model::{Diagnostic, Place};

use crate::subject::Subject;

/// A rule.
type Rule = fn(&Subject<'_>) -> Vec<Diagnostic>;

/// All of them; the order does not matter.
const RULES: [Rule; 15] = [
    duplicates::check,
    engine::check,
    exceptions::check,
    expected::check,
    foreign::check,
    imports::check,
    init::check,
    kind::check,
    metadata::check,
    names::check,
    needed::check,
    paths::check,
    record::check,
    shared_memory::check,
    tags::check,
];

/// Runs every rule and sorts all findings by file, code and message.
pub(crate) fn run(subject: &Subject<'_>, mut findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    findings.extend(RULES.iter().flat_map(|rule| rule(subject)));
    findings.sort_by_cached_key(|finding| {
        let (file, offset) = match &finding.place {
            Some(Place::Binary { file, member, offset, .. }) => {
                (Some((file.clone(), member.clone())), *offset)
            }
            Some(Place::Text { file, span }) => {
                (Some((file.clone(), None)), Some(span.start as u64))
            }
            None => (None, None),
        };
        (file, finding.code.id, offset, finding.message.clone())
    });
    findings
}

/// At most this many notes of one kind; more help nobody.
const MANY: usize = 20;

/// A finding with a note for each of the details, the first of many.
fn with_notes(mut finding: Diagnostic, details: &[String]) -> Diagnostic {
    for detail in details.iter().take(MANY) {
        finding = finding.note(detail.clone());
    }
    match details.len().checked_sub(MANY) {
        Some(rest) if rest > 0 => finding.note(format!("and {rest} more")),
        _ => finding,
    }
}
