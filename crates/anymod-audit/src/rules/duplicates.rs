//! Several files for one extension module.
//!
//! Why: the runtime takes one by the order of its suffixes, and the other is dead weight or the one that was meant. What:
//! files that the runtime would import under the same name. Mend: remove what an earlier build left behind.

use std::collections::BTreeMap;

use anymod_model::Diagnostic;
use anymod_model::codes::audit as code;
use anymod_pack::wheel::{Suffix, extension};

use crate::subject::Subject;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let Some(against) = subject.against else { return Vec::new() };
    let mut first: BTreeMap<String, &str> = BTreeMap::new();
    let mut findings = Vec::new();
    for path in subject.files.keys() {
        let Some(found) = extension(path) else { continue };
        let tagged = matches!(found.suffix, Suffix::Tagged(_));
        if tagged && !path.ends_with(against.facts.extension_suffix.as_str()) {
            continue;
        }
        if let Some(other) = first.get(&found.module) {
            let message = format!("`{}` is also the module `{}`", other, found.module);
            findings.push(
                Diagnostic::warning(&code::TWICE, message)
                    .at(subject.place(path))
                    .hint("remove the one that is left over, and clean the build directory"),
            );
        }
        first.entry(found.module).or_insert(path);
    }
    findings
}
