//! The init function of extension modules.
//!
//! Why: a function that is hidden, or a file that was renamed, shows only at import. What: files that are extension
//! modules by their suffix and do not export `PyInit_NAME`; and plain `.so` files that export one for another name. Plain
//! `.so` files without any are libraries. Mend: declare it with `PyMODINIT_FUNC`, export it, keep the file's name.

use anymod_link::wasm::{ExportKind, Kind, Module};
use anymod_model::Diagnostic;
use anymod_model::codes::audit as code;
use anymod_pack::wheel::Suffix;

use crate::subject::Subject;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for (path, shared) in &subject.modules {
        let Some(extension) = &shared.extension else { continue };
        // What is no shared module is another rule's.
        if shared.module.kind() != Kind::Shared {
            continue;
        }
        let offered = init_functions(&shared.module);
        let is_library = extension.suffix == Suffix::Plain && offered.is_empty();
        let expected = match extension.stem.is_ascii() {
            true => format!("PyInit_{}", extension.stem),
            // The rest of the name is in Punycode.
            false => "PyInitU_".to_owned(),
        };
        let found = offered.iter().any(|name| match extension.stem.is_ascii() {
            true => *name == expected,
            false => name.starts_with(&expected),
        });
        if found || is_library {
            continue;
        }
        let mut finding =
            Diagnostic::error(&code::INIT, format!("the function `{expected}` is not exported"))
                .at(subject.place(path));
        if let Some(other) = offered.first() {
            finding = finding
                .note(format!("it exports `{other}`"))
                .hint("give the file the name of the module that it defines");
        } else {
            finding = finding.hint(
                "declare the function with `PyMODINIT_FUNC`, and link with its name among the exports",
            );
        }
        findings.push(finding);
    }
    findings
}

/// Names of all init functions that a module exports.
pub(super) fn init_functions<'a>(module: &Module<'a>) -> Vec<&'a str> {
    let functions = module.exports.iter().filter(|export| export.kind == ExportKind::Function);
    let names = functions.map(|export| export.name);
    names.filter(|name| name.starts_with("PyInit_") || name.starts_with("PyInitU_")).collect()
}
