//! Libraries that modules need.
//!
//! Why: a library that is not where the runtime looks fails the import, on the user's machine. What: every name in the
//! `needed` list of every module, looked for as the runtime's loader does. Loaders of emscripten 4 and later look in the
//! module's runtime path; those before have none and look in `PACKAGE.libs` and in and below the module's directory. Both
//! look in `/usr/lib`, where wheels put nothing, and at the top of `site-packages`. Mend: put the library into the wheel
//! there, set `-rpath`, or link it statically.

use anymod_model::Diagnostic;
use anymod_model::codes::audit as code;

use crate::Against;
use crate::subject::{Shared, Subject};

/// A library that a module names.
pub(super) struct Library<'s, 'a> {
    /// The name.
    pub(super) name: &'a str,
    /// Its file in the wheel, if the runtime finds it.
    pub(super) found: Option<(&'a str, &'s Shared<'a>)>,
}

pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let Some(against) = subject.against else { return Vec::new() };
    let mut findings = Vec::new();
    for path in subject.modules.keys() {
        for library in libraries(subject, path, against) {
            if library.found.is_none() {
                findings.push(finding(subject, path, library.name, against));
            }
        }
    }
    findings
}

/// The libraries that a module names, in their order.
pub(super) fn libraries<'s, 'a>(
    subject: &'s Subject<'a>,
    path: &str,
    against: &Against,
) -> Vec<Library<'s, 'a>> {
    let Some(dylink) = subject.modules.get(path).and_then(|shared| shared.module.dylink.as_ref())
    else {
        return Vec::new();
    };
    let directories = directories(subject, path, &dylink.runtime_path, against);
    let below = format!("{}/", parent(installed(path)));
    let find = |name: &str| {
        let is_there = |candidate: &&str| {
            let candidate = installed(candidate);
            let listed = directories.iter().any(|directory| parent(candidate) == directory);
            listed || !has_runtime_path(against) && candidate.starts_with(&below)
        };
        let path = *named(subject, name).iter().find(|candidate| is_there(candidate))?;
        Some((path, subject.modules.get(path)?))
    };
    dylink.needed.iter().map(|name| Library { name, found: find(name) }).collect()
}

/// Modules in the wheel whose files are called as a library is.
fn named<'s, 'a>(subject: &'s Subject<'a>, library: &str) -> &'s [&'a str] {
    let base = library.rsplit('/').next().unwrap_or(library);
    subject.by_name.get(base).map_or(&[], Vec::as_slice)
}

/// Whether the loader knows runtime paths.
fn has_runtime_path(against: &Against) -> bool {
    let major = against.facts.emscripten.split('.').next().and_then(|part| part.parse().ok());
    major.is_some_and(|major: u32| major >= 4)
}

/// Directories below `site-packages` that the loader looks in for the libraries of a module.
fn directories(
    subject: &Subject<'_>,
    path: &str,
    runtime_path: &[&str],
    against: &Against,
) -> Vec<String> {
    let own = parent(installed(path));
    let mut directories = vec![String::new()];
    if has_runtime_path(against) {
        let origin = runtime_path.iter().filter_map(|entry| entry.strip_prefix("$ORIGIN"));
        directories.extend(origin.filter_map(|rest| resolve(own, rest)));
    } else {
        directories.push(own.to_owned());
        let package = subject.wheel.map(|wheel| format!("{}.libs", wheel.name.distribution));
        directories.extend(package);
    }
    directories
}

/// `a/b` and `/../c` make `a/c`; none if that leads out.
fn resolve(own: &str, rest: &str) -> Option<String> {
    let mut parts: Vec<&str> = own.split('/').filter(|part| !part.is_empty()).collect();
    for part in rest.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The directory of a path, empty for the top.
fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// The path after installation.
fn installed(path: &str) -> &str {
    anymod_pack::wheel::installed(path)
}

fn finding(subject: &Subject<'_>, path: &str, name: &str, against: &Against) -> Diagnostic {
    let elsewhere = named(subject, name);
    let own = parent(installed(path));
    match elsewhere.first() {
        None => {
            Diagnostic::error(&code::NEEDED, format!("the library `{name}` is not in the wheel"))
                .at(subject.place(path))
                .hint("link it statically, or put it into the wheel")
        }
        Some(there) => {
            let message = format!("the runtime does not look for `{name}` where it is");
            let finding = Diagnostic::error(&code::NEEDED, message)
                .at(subject.place(path))
                .note(format!("it is in the wheel as `{there}`"));
            let up =
                own.split('/').filter(|part| !part.is_empty()).map(|_| "/..").collect::<String>();
            let target = parent(installed(there));
            match has_runtime_path(against) {
                true => finding.hint(format!(
                    "give the module the runtime path `$ORIGIN{up}/{target}`: `anymod whl repair` does, and `-rpath` of \
                     wasm-ld 20 and later"
                )),
                false => finding.hint("put the library beside the module or below its directory"),
            }
        }
    }
}
