//! Paths of the build machine.
//!
//! Why: they differ from build to build, help nobody and give away names. What: any of the given private paths in any
//! file, an error; and in WebAssembly modules absolute paths below home and temporary directories, a warning. Text files
//! are not searched for the latter: documentation names such paths on purpose. Mend: `-ffile-prefix-map`, stripping.

use anymod_link::wasm::{Bytes, absolute_paths};
use anymod_model::Diagnostic;
use anymod_model::codes::audit as code;
use memchr::memmem;

use super::with_notes;
use crate::subject::{Shared, Subject};

/// Beginnings of paths of build machines.
const PLACES: [&str; 11] = [
    "/home/",
    "/root/",
    "/Users/",
    "/tmp/",
    "/var/tmp/",
    "/private/",
    "/build/",
    "/builddir/",
    "/__w/",
    "/github/",
    "/io/",
];
/// At most this many paths of a file are looked at: what a finding shows, it shows after far fewer.
const ENOUGH: usize = 10_000;
/// How many parts such a path has at least, so that a program's own `/tmp/name` is none.
const PARTS: usize = 3;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for (path, bytes) in &subject.files {
        findings.extend(private(subject, path, bytes));
    }
    for (path, shared) in &subject.modules {
        findings.extend(machine(subject, path, shared));
    }
    findings
}

fn private(subject: &Subject<'_>, path: &str, bytes: &[u8]) -> Option<Diagnostic> {
    let mut found: Vec<(usize, String)> = Vec::new();
    for private in private_paths(subject) {
        let finder = memmem::Finder::new(private);
        let places = finder.find_iter(bytes).filter(|at| ends_there(bytes, at + private.len()));
        found.extend(places.take(ENOUGH).map(|at| (at, shown(bytes, at))));
    }
    found.sort();
    let (first, _) = found.first()?;
    let place = subject.place_at(path, Some(*first as u64));
    found.dedup_by(|one, other| one.1 == other.1);
    let details: Vec<String> = found.into_iter().map(|(_, path)| format!("`{path}`")).collect();
    let finding = Diagnostic::error(&code::PRIVATE_PATH, "the file holds paths of the build")
        .at(place)
        .hint("map the directory away with `-ffile-prefix-map=OLD=NEW`, or leave the file out");
    Some(with_notes(finding, &details))
}

/// The given paths without a slash at their end; the root is none.
fn private_paths<'s>(subject: &'s Subject<'_>) -> impl Iterator<Item = &'s str> {
    let paths = subject.private_paths.iter().map(|path| path.trim_end_matches('/'));
    paths.filter(|path| !path.is_empty())
}

/// Whether a path's last part ends before `at`, so that `/a/b` is not found in `/a/bc`.
fn ends_there(bytes: &[u8], at: usize) -> bool {
    !bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// The path that begins at `at`, as far as it can be shown.
fn shown(bytes: &[u8], at: usize) -> String {
    let rest = bytes.get(at..).unwrap_or_default();
    let is_end = |byte: &u8| byte.is_ascii_control() || b"\"'<>|;,) ".contains(byte);
    let length = rest.iter().position(is_end).unwrap_or(rest.len()).min(200);
    String::from_utf8_lossy(rest.get(..length).unwrap_or_default()).into_owned()
}

fn machine(subject: &Subject<'_>, path: &str, shared: &Shared<'_>) -> Option<Diagnostic> {
    let custom = shared.module.custom.iter().map(|section| section.content);
    let parts = shared.module.data.iter().copied().chain(custom);
    let mut found = Vec::new();
    for Bytes { offset, bytes } in parts {
        let suspicious = absolute_paths(bytes).filter(|path| is_of_machine(path.text));
        let left = ENOUGH.saturating_sub(found.len());
        let places = suspicious.map(|path| (offset + path.offset as u64, source(path.text)));
        found.extend(places.take(left));
    }
    let is_private = |text: &str| {
        private_paths(subject)
            .any(|private| text.starts_with(private) && ends_there(text.as_bytes(), private.len()))
    };
    found.retain(|(_, text)| !is_private(text));
    found.sort_unstable();
    let first = found.first()?.0;
    let mut texts: Vec<&str> = found.iter().map(|(_, text)| *text).collect();
    texts.sort_unstable();
    texts.dedup();
    let details: Vec<String> = texts.iter().take(3).map(|text| format!("`{text}`")).collect();
    let message = format!("{} paths that look like those of a build machine", texts.len());
    let finding = Diagnostic::warning(&code::MACHINE_PATH, message)
        .at(subject.place_at(path, Some(first)))
        .hint("map the directory away with `-ffile-prefix-map=OLD=NEW`, for Rust `--remap-path-prefix`");
    Some(with_notes(finding, &details))
}

/// The path of a source file without what follows: strings of Rust have no end of their own.
fn source(text: &str) -> &str {
    match text.find(".rs") {
        Some(at) => text.get(..at + 3).unwrap_or(text),
        None => text,
    }
}

fn is_of_machine(path: &str) -> bool {
    let parts = path.split('/').filter(|part| !part.is_empty()).count();
    let windows = path.get(1..).is_some_and(|rest| {
        rest.starts_with(":\\Users\\") || rest.starts_with(":/Users/") || rest.starts_with(":\\a\\")
    });
    windows || parts >= PARTS && PLACES.iter().any(|place| path.starts_with(place))
}
