//! Machine code of a build machine in a wheel that cannot use it.
//!
//! Why: a build system that names a compiler by its absolute path escapes from the target's tools, and the wheel looks
//! complete. What: ELF, Mach-O and Windows files in wheels for WebAssembly, or for any platform. An error if the file is
//! named like a library or is installed as a program; otherwise a warning, because some packages carry such files as data.
//! Mend: make the build take the compiler that it is told.

use anymod_model::Diagnostic;
use anymod_model::codes::audit as code;

use crate::subject::Subject;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let pure = subject.wheel.is_some_and(|wheel| wheel.name.is_pure());
    if !subject.is_for_wasm() && !pure {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (path, bytes) in &subject.files {
        let Some(format) = format(bytes) else { continue };
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

/// What machine code a file is, told by its first bytes.
fn format(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x7f, b'E', b'L', b'F', ..] => Some("ELF machine code"),
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] => Some("Mach-O machine code"),
        // Java classes begin with the same four bytes; a fat binary has few architectures where they have their version.
        [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 0..=20, ..] => Some("Mach-O machine code"),
        [b'M', b'Z', ..] if is_windows(bytes) => Some("Windows machine code"),
        _ => None,
    }
}

/// Whether the header that a DOS stub points to is there.
fn is_windows(bytes: &[u8]) -> bool {
    let at = bytes.get(0x3c..).and_then(<[u8]>::first_chunk).map(|at| u32::from_le_bytes(*at));
    let header = at.and_then(|at| bytes.get(usize::try_from(at).ok()?..));
    header.is_some_and(|header| header.starts_with(b"PE\0\0"))
}

/// Whether something would load or run the file, by its name.
fn is_used(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let library = [".so", ".pyd", ".dylib", ".dll"].iter().any(|end| name.ends_with(end));
    library || name.contains(".so.") || path.contains(".data/scripts/")
}
