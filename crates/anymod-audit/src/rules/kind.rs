//! WebAssembly that no loader of shared modules takes.
//!
//! Why: a link without `-shared` gives a program with a memory of its own, and `-c` or `-r` an object file. What: files
//! named like libraries that are WebAssembly and have no `dylink.0`. Mend: link with `-shared`.

use anymod_link::wasm::Kind;
use anymod_model::Diagnostic;
use anymod_model::codes::audit as code;

use crate::subject::Subject;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for (path, shared) in &subject.modules {
        let what = match shared.module.kind() {
            Kind::Shared => continue,
            Kind::Object => "an object file, not a shared module",
            Kind::Standalone => "a program or reactor, not a shared module",
        };
        let name = path.rsplit('/').next().unwrap_or(path);
        if subject.wheel.is_none() || name.ends_with(".so") || name.contains(".so.") {
            findings.push(
                Diagnostic::error(&code::KIND, what)
                    .at(subject.place(path))
                    .hint("link with `-shared`; the section `dylink.0` then says what to reserve"),
            );
        }
    }
    findings
}
