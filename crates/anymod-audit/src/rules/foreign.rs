//! Machine code of a build machine in a wheel that cannot use it.
//!
//! Why: a build system that names a compiler by its absolute path escapes from the target's tools, and the wheel looks
//! complete. What: ELF, Mach-O and Windows files in wheels for WebAssembly, or for any platform. An error if the file is
//! named like a library or is installed as a program; otherwise a warning, because some packages carry such files as data.
//! Mend: make the build take the compiler that it is told.

use anymod_model::Diagnostic;
use anymod_model::codes::audit as code;

use crate::machine;
use crate::subject::Subject;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let pure = subject.wheel.is_some_and(|wheel| wheel.name.is_pure());
    if !subject.is_for_wasm() && !pure {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (path, bytes) in &subject.files {
        let Some(format) = machine::format(bytes) else { continue };
        let message = format!("{format} in a wheel that cannot use it");
        let finding = match is_used(path) {
            true => Diagnostic::error(&code::FOREIGN, message),
            false => Diagnostic::warning(&code::FOREIGN, message),
        };
        findings.push(finding.at(subject.place(path)).hint(
            "look in the build's output for the command that wrote it; it has to call the compiler it is given",
        ));
    }
    findings
}

/// Whether something would load or run the file, by its name.
fn is_used(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let library = [".so", ".pyd", ".dylib", ".dll"].iter().any(|end| name.ends_with(end));
    library || name.contains(".so.") || path.contains(".data/scripts/")
}
