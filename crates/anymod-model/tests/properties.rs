//! Whatever the text, the reader answers, and what it answers can be shown.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use anymod_model::manifest::parse;
use anymod_model::{Diagnostics, Place, Target};
use proptest::prelude::*;

/// Every manifest of the cases; mutations start from text that reaches far into the reader.
fn manifests() -> Vec<String> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifest");
    let mut paths: Vec<_> =
        std::fs::read_dir(root).unwrap().map(|case| case.unwrap().path()).collect();
    paths.sort();
    let text =
        |path: std::path::PathBuf| std::fs::read_to_string(path.join("anymod.toml")).unwrap();
    paths.into_iter().map(text).collect()
}

/// Findings are in the voice that all diagnostics have, and their places are in the text.
fn well_formed(findings: &Diagnostics, text: &str) {
    assert!(!findings.0.is_empty());
    let mut last = 0;
    for finding in &findings.0 {
        if let Some(Place::Text { span, .. }) = &finding.place {
            assert!(text.get(span.clone()).is_some(), "{span:?} of {finding}");
            assert!(span.start >= last, "findings are in file order");
            last = span.start;
        }
        for line in finding.hint.iter().chain([&finding.message]) {
            assert!(!line.ends_with('.') && !line.contains('\n') && !line.is_empty(), "{line:?}");
            assert!(
                !line.starts_with(|first: char| first.is_ascii_uppercase())
                    || line.starts_with("MicroPython"),
                "{line:?}"
            );
        }
    }
}

/// Parses, and resolves every module of what is right.
fn exercise(text: &str) {
    let manifest = match parse(text, "anymod.toml") {
        Ok(manifest) => manifest,
        Err(findings) => return well_formed(&findings, text),
    };
    let environment = |name: &str| name.len().is_multiple_of(2).then(|| "x y/*.c".to_owned());
    for module in manifest.modules() {
        for target in Target::all() {
            for build_type in manifest.build_types() {
                if let Err(findings) = manifest.resolve(module, target, build_type, &environment) {
                    assert!(findings.0.iter().all(|finding| finding.place.is_some()));
                }
            }
            _ = manifest.toolchain(target, &environment);
        }
    }
}

/// Pieces that mean something in a manifest, to insert anywhere.
const PIECES: &[&str] = &[
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    "=",
    "\n",
    ".",
    "*",
    "${env:",
    "${",
    "$${",
    ":-",
    "#",
    "\\",
    ",",
    "true",
    "1e9",
    "0x",
    "\u{fe}",
    "\u{1F980}",
    "\0",
    "target",
    "micropython",
    "[module.m.target.\"*\"]\n",
    "inherits = \"size\"\n",
    "sources",
    "1979-05-27",
    "'''",
    "\"\"\"",
];

#[derive(Clone, Debug)]
enum Edit {
    Insert(prop::sample::Index, &'static str),
    Delete(prop::sample::Index, usize),
    SwapLines(prop::sample::Index, prop::sample::Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        (index(), prop::sample::select(PIECES)).prop_map(|(at, piece)| Edit::Insert(at, piece)),
        (index(), 1..12usize).prop_map(|(at, length)| Edit::Delete(at, length)),
        (index(), index()).prop_map(|(one, other)| Edit::SwapLines(one, other)),
    ]
}

fn apply(text: &str, edit: &Edit) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    match edit {
        Edit::Insert(at, piece) => {
            let at = at.index(characters.len() + 1);
            characters.splice(at..at, piece.chars());
        }
        Edit::Delete(at, length) if !characters.is_empty() => {
            let at = at.index(characters.len());
            characters.drain(at..(at + length).min(characters.len()));
        }
        Edit::SwapLines(one, other) if text.lines().next().is_some() => {
            let mut lines: Vec<&str> = text.lines().collect();
            let (one, other) = (one.index(lines.len()), other.index(lines.len()));
            lines.swap(one, other);
            return lines.join("\n");
        }
        Edit::Delete(..) | Edit::SwapLines(..) => {}
    }
    characters.into_iter().collect()
}

#[test]
fn depth_and_length_do_not_matter() {
    let many = 50_000;
    exercise(&format!("a{} = 1", ".a".repeat(many)));
    exercise(&format!("[a{}]", ".a".repeat(many)));
    exercise(&format!("a = {}", "[".repeat(many)));
    exercise(&format!("a = {}", "{a=".repeat(many)));
    exercise(&format!("[module.m]\nsources = [{}]", "'m.c',".repeat(many)));
    exercise(&format!("[module.m]\nsources = ['{}.c']", "${env:A:-*}[".repeat(many)));
    exercise(&format!("[module.m]\nsources = ['m.c']\n{} = 1", "x".repeat(many)));
    exercise(&format!("[project]\ntargets = ['{}']", "*a".repeat(many)));
}

proptest! {
    #[test]
    fn any_text_gets_an_answer(text in any::<String>()) {
        exercise(&text);
    }

    #[test]
    fn pieces_of_manifests_get_an_answer(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..30)) {
        exercise(&pieces.concat());
    }

    #[test]
    fn mutated_manifests_get_an_answer(
        which in any::<prop::sample::Index>(),
        edits in prop::collection::vec(edit(), 1..6),
    ) {
        let manifests = manifests();
        let start = manifests[which.index(manifests.len())].clone();
        exercise(&edits.iter().fold(start, |text, edit| apply(&text, edit)));
    }
}
