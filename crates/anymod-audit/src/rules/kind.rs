//! WebAssembly that no loader of shared modules takes.
//!
//! Why: a link without `-shared` gives a program with a memory of its own, and `-c` or `-r` an object file; a link that was
//! killed gives an empty one. What: files named like libraries that are WebAssembly without `dylink.0`, or no machine code
//! at all. Mend: link with `-shared`.

use anymod_link::wasm::Kind;
use anymod_model::Diagnostic;
use anymod_model::codes::audit as code;

use crate::machine;
use crate::subject::Subject;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for (path, shared) in &subject.modules {
        let what = match shared.module.kind() {
            Kind::Shared => continue,
            Kind::Object => "an object file, not a shared module",
            Kind::Standalone => "a program or reactor, not a shared module",
        };
        if subject.wheel.is_none() || is_library(path) {
            findings.push(
                Diagnostic::error(&code::KIND, what)
                    .at(subject.place(path))
                    .hint("link with `-shared`; the section `dylink.0` then says what to reserve"),
            );
        }
    }
    let other = |(path, bytes): &(&&str, &&[u8])| {
        is_library(path) && !bytes.starts_with(b"\0asm") && machine::format(bytes).is_none()
    };
    // A single file was read as a module already.
    if subject.wheel.is_some() && subject.is_for_wasm() {
        let others = subject.files.iter().filter(other);
        findings.extend(others.map(|(path, bytes)| {
            let what =
                if bytes.is_empty() { "an empty file" } else { "no machine code of any kind" };
            Diagnostic::error(&code::KIND, what)
                .at(subject.place(path))
                .hint("look in the build's output for the link that should have made it")
        }));
    }
    findings
}

/// Whether a file is named like a library that is loaded.
fn is_library(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.ends_with(".so") || name.contains(".so.")
}
