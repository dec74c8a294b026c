//! Names of extension modules that the runtime does not look for.
//!
//! Why: a module named for the build machine is installed and never found. What: files with the tag of another
//! interpreter or platform than the runtime's. Mend: rename them, which `anymod wheel` does, or make the build take the
//! suffix from the target's sysconfig data.

use anymod_model::Diagnostic;
use anymod_model::codes::audit as code;
use anymod_pack::wheel::{Suffix, extension};

use crate::subject::Subject;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let Some(against) = subject.against else { return Vec::new() };
    let suffix = &against.facts.extension_suffix;
    let mut findings = Vec::new();
    for path in subject.files.keys() {
        let Some(found) = extension(path) else { continue };
        let Suffix::Tagged(tag) = found.suffix else { continue };
        if path.ends_with(suffix.as_str()) {
            continue;
        }
        let message =
            format!("the import of `{}` does not find a file tagged `{tag}`", found.module);
        findings.push(
            Diagnostic::error(&code::UNIMPORTABLE, message)
                .at(subject.place(path))
                .hint(format!("if it is for this runtime, rename it to `{}{suffix}`", found.stem)),
        );
    }
    findings
}
