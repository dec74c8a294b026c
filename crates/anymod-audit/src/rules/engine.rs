//! Modules that engines refuse.
//!
//! Why: linkers write invalid modules without a word, for instance with two exports of one name; and compilers turn on
//! features that engines in use do not have. What: a whole validation; an error if no engine takes the module, a warning
//! if only later ones do. Mend: heed the linker's warnings; compile without the feature.

use anymod_link::wasm::{Features, validate};
use anymod_model::Diagnostic;
use anymod_model::codes::audit as code;

use crate::subject::Subject;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for (path, shared) in &subject.modules {
        let Err(early) = validate(shared.bytes, path, Features::Node20) else { continue };
        findings.push(match validate(shared.bytes, path, Features::Latest) {
            Err(invalid) => subject.moved(invalid, path),
            Ok(()) => {
                let warning = Diagnostic::warning(
                    &code::ENGINE,
                    "Node.js 20 and browsers of its time refuse the module",
                );
                let mut warning = warning.note(early.message).hint("compile without the feature");
                warning.place = early.place;
                subject.moved(warning, path)
            }
        });
    }
    findings
}
