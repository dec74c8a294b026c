//! Imports that nobody provides.
//!
//! Why: loaders put a stub in place of a missing function that throws when it is called first, weeks later; a missing
//! address of data keeps the module from being loaded. What: every import of every shared module against the runtime's
//! symbols, the module's own exports and those of the libraries it needs; weak imports may be missing. All missing ones are
//! listed. Mend: link the library that has them, or leave out what uses them.

use std::collections::BTreeSet;

use anymod_link::wasm::{GOT_FUNCTION, GOT_MEMORY, Import, ImportKind, Kind, resolve};
use anymod_model::Diagnostic;
use anymod_model::codes::audit as code;
use anymod_model::pyodide::Exceptions;

use super::needed;
use crate::Against;
use crate::subject::{Shared, Subject};

/// Tags of exceptions, which are another rule's.
const TAGS: [&str; 2] = ["__cpp_exception", "__c_longjmp"];

/// Beginnings of names, and what it means when such a one is missing.
const REASONS: [(&[&str], &str); 6] = [
    (
        &["pthread_", "thrd_", "mtx_", "sem_", "emscripten_futex"],
        "the runtime has no threads: build the package without them",
    ),
    (&["__kmpc_", "omp_", "GOMP_"], "the runtime has no OpenMP: build without `-fopenmp`"),
    (
        &["Py", "_Py"],
        "the runtime's CPython does not export these: compile against the headers of its version, without its internals",
    ),
    (
        &["_ZNSt3__2", "_ZNKSt3__2", "_ZSt"],
        "these belong to another version of the C++ library: compile with the headers that match the runtime",
    ),
    (
        &["invoke_", "__cxa_find_matching_catch_", "__resumeException"],
        "these belong to exceptions through JavaScript: compile with `-fwasm-exceptions`",
    ),
    (&["__wasi_", "fd_", "path_", "sock_"], "compile for emscripten, not for WASI"),
];

pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let Some(against) = subject.against.filter(|against| !against.symbols.is_empty()) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for (path, shared) in &subject.modules {
        if shared.module.kind() != Kind::Shared {
            continue;
        }
        // Nobody knows what a library that is not there would have offered; that it is not is said elsewhere.
        let Some(offered) = offered(subject, path, shared, against) else { continue };
        let missing: BTreeSet<(&str, &str)> = shared
            .module
            .imports
            .iter()
            .filter(|import| !is_provided(import, shared, against, &offered))
            .map(|import| (import.name, what(import)))
            .collect();
        if !missing.is_empty() {
            findings.push(finding(&missing).at(subject.place(path)));
        }
    }
    findings
}

/// Names that the module and the libraries it needs, directly or not, offer; none if a library is not found.
fn offered<'a>(
    subject: &Subject<'a>,
    path: &'a str,
    shared: &Shared<'a>,
    against: &Against,
) -> Option<BTreeSet<&'a str>> {
    let mut names: BTreeSet<&str> =
        shared.module.exports.iter().map(|export| export.name).collect();
    let (mut seen, mut open) = (BTreeSet::from([path]), vec![path]);
    while let Some(path) = open.pop() {
        for library in needed::libraries(subject, path, against) {
            let (library, found) = library.found?;
            if seen.insert(library) {
                open.push(library);
                names.extend(found.module.exports.iter().map(|export| export.name));
            }
        }
    }
    Some(names)
}

fn is_provided(
    import: &Import<'_>,
    shared: &Shared<'_>,
    against: &Against,
    offered: &BTreeSet<&str>,
) -> bool {
    let name = import.name;
    let javascript = against.facts.exceptions == Exceptions::JavaScript;
    let weak =
        shared.module.dylink.as_ref().is_some_and(|dylink| dylink.is_weak(import.module, name));
    let known = || against.symbols.contains(name) || offered.contains(name);
    match import.module {
        "env" if matches!(import.kind, ImportKind::Tag { .. }) && TAGS.contains(&name) => true,
        "env" => {
            weak || resolve::is_of_loader(name)
                || known()
                || offered.contains(resolve::javascript_export(name).as_str())
                || javascript && resolve::is_made_on_demand(name)
        }
        GOT_MEMORY | GOT_FUNCTION | "wasi_snapshot_preview1" => weak || known(),
        _ => false,
    }
}

/// What kind of thing an import asks for.
fn what(import: &Import<'_>) -> &'static str {
    match (import.module, import.kind) {
        (GOT_MEMORY, _) => "address of data",
        (GOT_FUNCTION, _) => "address of a function",
        ("env", ImportKind::Function { .. }) => "function",
        ("env", ImportKind::Tag { .. }) => "tag",
        ("env", _) => "variable",
        _ => "from another namespace than `env`",
    }
}

fn finding(missing: &BTreeSet<(&str, &str)>) -> Diagnostic {
    let message = match missing.len() {
        1 => "an import that nobody provides".to_owned(),
        count => format!("{count} imports that nobody provides"),
    };
    let reason = REASONS.iter().find(|(starts, _)| {
        missing.iter().any(|(name, _)| starts.iter().any(|start| name.starts_with(start)))
    });
    let hint = reason.map_or(
        "link the library that defines them, or leave out the part of the package that uses them",
        |(_, reason)| reason,
    );
    let finding = Diagnostic::error(&code::IMPORTS, message).hint(hint);
    // All of them: each may be from another library.
    missing.iter().fold(finding, |finding, (name, what)| finding.note(format!("`{name}` ({what})")))
}
