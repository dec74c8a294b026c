//! Extension modules that the source declares.
//!
//! Why: packages with a fallback in Python swallow the compiler's error, and the wheel without the module looks right.
//! What: every expected module that no importable file of the wheel is. Mend: find the compiler's error.

use anymod_model::codes::audit as code;
use anymod_model::{Diagnostic, Place};
use anymod_pack::wheel::{Suffix, extension};

use crate::subject::Subject;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let suffix = subject.against.map(|against| against.facts.extension_suffix.as_str());
    let found: Vec<String> = subject
        .files
        .keys()
        .filter_map(|path| {
            let found = extension(path)?;
            let tagged = matches!(found.suffix, Suffix::Tagged(_));
            (!tagged || suffix.is_none_or(|suffix| path.ends_with(suffix))).then_some(found.module)
        })
        .collect();
    let lost = subject.expected_extensions.iter().filter(|module| !found.contains(module));
    lost.map(|module| {
        Diagnostic::error(
            &code::LOST,
            format!("the extension module `{module}` is not in the wheel"),
        )
        .at(Place::file(subject.file.as_str()))
        .hint("its compiler failed and the build went on: look for the error in the build's output")
    })
    .collect()
}
