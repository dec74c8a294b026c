//! Instructions above the variant's level.
//!
//! Why: a processor without them ends the process. What: every instruction of every executable section, against the level in
//! the identity; functions that are called only after asking the processor are left out by name or section. Mend: compile
//! what holds them for the level, or say that they are dispatched.

use anymod_link::addon::{DISPATCHED_SECTION, level};
use anymod_model::codes::node as codes;
use anymod_model::node::Level;
use anymod_model::target::glob_matches;
use anymod_model::{Diagnostic, Place};

use super::Subject;

/// Functions that are reported one by one; one library of the wrong level has thousands.
const MANY: usize = 10;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let identity = subject.found.as_ref().map(|found| &found.record.identity);
    let Some(limit) = identity.and_then(|identity| Level::from_number(identity.level)) else {
        return Vec::new();
    };
    let dispatched =
        |name: &str| subject.request.dispatched.iter().any(|pattern| glob_matches(pattern, name));
    let uses = level(&subject.addon, limit, &dispatched);
    let report = |found: &anymod_link::addon::Use| {
        let needs =
            found.level.map_or_else(|| "no level has".to_owned(), |level| format!("{level} has"));
        let within =
            found.function.as_ref().map_or_else(String::new, |name| format!(" in `{name}`"));
        let message = format!(
            "`{}`{within} needs {}, which {needs}, and the variant is for {limit}",
            found.instruction, found.feature
        );
        let place = Place::Binary {
            file: subject.file.to_owned(),
            member: None,
            section: Some(found.section.clone()),
            offset: Some(found.offset),
        };
        let mut finding = Diagnostic::error(&codes::LEVEL, message).at(place);
        if found.count > 1 {
            finding = finding.note(format!("{} such instructions there", found.count));
        }
        finding.hint(format!(
            "compile it for {limit}; if it runs only after asking the processor, name it in `dispatched` or put it into the \
             section `{DISPATCHED_SECTION}`"
        ))
    };
    let mut findings: Vec<Diagnostic> = uses.iter().take(MANY).map(report).collect();
    if let (Some(last), Some(rest)) = (findings.last_mut(), uses.len().checked_sub(MANY + 1)) {
        last.notes.push(format!("and {} more functions", rest + 1));
    }
    findings
}
