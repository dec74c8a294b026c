//! Files that a source names and that no compiler lists in a dependency file: those of assembler directives
//! (`.incbin "…"`, `.include "…"`), and those whose mere presence a preprocessor is asked for (`__has_include("…")`).
//!
//! The directives stand in assembler sources and in `asm` statements of C. Only names written out are found; one that a
//! macro puts together is not.

use std::collections::BTreeSet;
use std::path::Path;

/// A file named in a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Named<'a> {
    pub(crate) name: &'a str,
    /// True if its presence decides something, not its content alone: it is looked for beside the source as well.
    pub(crate) asked: bool,
}

/// The files named in a text.
pub(crate) fn names(text: &str) -> Vec<Named<'_>> {
    let mut names = Vec::new();
    for directive in [".incbin", ".include"] {
        for rest in text.split(directive).skip(1) {
            // Inside a C string the quotes are escaped.
            let rest = rest.trim_start().trim_start_matches('\\');
            let Some(name) = rest.strip_prefix('"') else { continue };
            let Some((name, _)) = name.split_once('"') else { continue };
            names.push(Named { name: name.trim_end_matches('\\'), asked: false });
        }
    }
    for operator in ["__has_include", "__has_embed"] {
        for rest in text.split(operator).skip(1) {
            let rest = rest.strip_prefix("_next").unwrap_or(rest).trim_start();
            let Some(operand) = rest.strip_prefix('(').map(str::trim_start) else { continue };
            let closing = if operand.starts_with('<') { '>' } else { '"' };
            let Some(name) = operand.strip_prefix(['<', '"']) else { continue };
            let Some((name, _)) = name.split_once(closing) else { continue };
            names.push(Named { name, asked: true });
        }
    }
    names.retain(|named| !named.name.is_empty() && !named.name.contains('\n'));
    names
}

/// Where the files would be that a project's own sources name so. Names are relative to `root` or absolute.
pub(crate) fn sought<'a>(
    sources: impl Iterator<Item = &'a String>,
    search: &[String],
    root: &Path,
) -> BTreeSet<String> {
    let mut sought = BTreeSet::new();
    let mut seen: BTreeSet<String> = sources.cloned().collect();
    let mut to_read: Vec<String> = seen.iter().cloned().collect();
    while let Some(source) = to_read.pop() {
        let bytes = std::fs::read(root.join(&source)).unwrap_or_default();
        for named in names(&String::from_utf8_lossy(&bytes)) {
            let beside = source.rsplit_once('/').map_or("", |(directory, _)| directory);
            // Assemblers begin where they run, compilers beside the file.
            let first = if named.asked { beside } else { "" };
            for directory in std::iter::once(first).chain(search.iter().map(String::as_str)) {
                let path = crate::disk::join(directory, named.name);
                // What an assembler reads may itself name files.
                if !named.asked && seen.insert(path.clone()) && root.join(&path).is_file() {
                    to_read.push(path.clone());
                }
                sought.insert(path);
            }
        }
    }
    sought
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<(&str, bool)> {
        names(text).into_iter().map(|named| (named.name, named.asked)).collect()
    }

    #[test]
    fn names_are_found_in_assembler_and_in_c() {
        assert_eq!(
            of("  .incbin \"font.bin\"\n.include \"macros.s\", 4"),
            [("font.bin", false), ("macros.s", false)]
        );
        assert_eq!(of("asm(\".incbin \\\"a b.bin\\\"\");"), [("a b.bin", false)]);
        assert_eq!(of("#define INCBIN(x) .incbin x"), []);
        assert_eq!(of(".incbin \"cut"), []);
    }

    #[test]
    fn names_that_are_asked_for() {
        let text =
            "#if defined __has_include && __has_include( \"a b.h\") || __has_include_next(<c.h>)";
        assert_eq!(of(text), [("a b.h", true), ("c.h", true)]);
        assert_eq!(of("#if __has_include(NAME) || __has_include(\"cut\n\")"), []);
    }
}
