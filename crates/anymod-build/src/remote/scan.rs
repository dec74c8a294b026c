//! Header discovery before an action: every file of the project that a compiler could look at, found by reading what the
//! sources name.
//!
//! It finds more than the compiler will use, because it does not evaluate conditions, and never less: a text that names
//! files in a way that it cannot follow makes it give up, and the action is done on this machine.

use std::collections::BTreeMap;
use std::path::Path;

use crate::disk::join;
use crate::incbin;

/// Where names are looked for.
pub(crate) struct Search<'a> {
    /// The project's directory.
    pub(crate) root: &'a Path,
    /// Directories searched for headers, relative to the project.
    pub(crate) directories: &'a [String],
    /// Macros that the command line defines, by name.
    pub(crate) defines: &'a BTreeMap<&'a str, &'a str>,
}

/// The files that compiling `start` may read, by path, with their bytes; none if that cannot be told.
pub(crate) fn files(start: &[String], search: &Search<'_>) -> Option<BTreeMap<String, Vec<u8>>> {
    let mut found: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut to_read: Vec<String> = start.to_vec();
    while let Some(path) = to_read.pop() {
        if found.contains_key(&path) {
            continue;
        }
        let Ok(bytes) = std::fs::read(search.root.join(&path)) else { continue };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        found.insert(path.clone(), bytes);
        let beside = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        for name in names(&text, search.defines)? {
            let places = search.directories.iter().map(String::as_str);
            for directory in ["", beside].into_iter().chain(places) {
                let candidate = join(directory, &name);
                if !search.root.join(&candidate).is_file() {
                    continue;
                }
                // Only what lies below the project has a place in the input root.
                if candidate.split('/').any(|part| matches!(part, "" | "." | "..")) {
                    return None;
                }
                to_read.push(candidate);
            }
        }
    }
    Some(found)
}

/// The files that a text names, written out or through a macro of the command line.
fn names(text: &str, defines: &BTreeMap<&str, &str>) -> Option<Vec<String>> {
    if !incbin_is_plain(text) {
        return None;
    }
    let mut names: Vec<String> =
        incbin::names(text).into_iter().map(|named| named.name.to_owned()).collect();
    for line in text.lines() {
        let line = line.trim_start();
        let Some(directive) = line.strip_prefix('#').or_else(|| line.strip_prefix("%:")) else {
            continue;
        };
        let directive = directive.trim_start();
        let end = directive.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let (word, operand) = directive.split_at(end.unwrap_or(directive.len()));
        match word {
            "include" | "include_next" | "import" | "embed" => {
                names.push(operand_name(operand.trim_start(), defines)?);
            }
            // A comment or a line's end stands where the word would be.
            "" if directive.starts_with(['/', '\\']) => return None,
            _ => {}
        }
    }
    Some(names)
}

fn operand_name(operand: &str, defines: &BTreeMap<&str, &str>) -> Option<String> {
    let end = operand.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let word = operand.get(..end.unwrap_or(operand.len()))?;
    let operand = match word {
        "" => operand,
        name => defines.get(name)?,
    };
    let closing = if operand.starts_with('<') { '>' } else { '"' };
    let (name, _) = operand.strip_prefix(['<', '"'])?.split_once(closing)?;
    Some(name.to_owned())
}

/// True if every file that is included as bytes, or whose presence is asked for, is written out.
fn incbin_is_plain(text: &str) -> bool {
    // A quote that ends the string of an `asm` looks like one that begins a name; no name has spaces.
    let quoted = |rest: &str| {
        let name = rest.trim_start().trim_start_matches('\\').strip_prefix('"');
        let name = name.and_then(|name| name.split_once('"'));
        name.is_some_and(|(name, _)| !name.is_empty() && !name.contains(char::is_whitespace))
    };
    let asked = |rest: &str| {
        let rest = rest.strip_prefix("_next").unwrap_or(rest).trim_start();
        let operand = rest.strip_prefix('(').map(str::trim_start);
        operand.is_none_or(|operand| operand.starts_with(['<', '"']))
    };
    [".incbin", ".include"].iter().all(|word| text.split(word).skip(1).all(quoted))
        && ["__has_include", "__has_embed"].iter().all(|word| text.split(word).skip(1).all(asked))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scanned(files: &[(&str, &str)], directories: &[&str]) -> Option<Vec<String>> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let directories: Vec<String> = directories.iter().map(|one| (*one).to_owned()).collect();
        let defines = [("CONFIG", "<config.h>")].into();
        let search = Search { root: root.path(), directories: &directories, defines: &defines };
        Some(super::files(&["a.c".to_owned()], &search)?.into_keys().collect())
    }

    #[test]
    fn every_file_that_could_be_read_is_found() {
        let files = [
            ("a.c", "#if 0\n # include \"x.h\"\n#endif\n#include CONFIG\n#include <stdio.h>\n"),
            ("x.h", "#if __has_include(<there.h>)\n#endif\nasm(\".incbin \\\"data\\\"\");"),
            ("in/x.h", "#include \"near.h\"\n"),
            ("in/near.h", ""),
            ("in/config.h", ""),
            ("in/there.h", ""),
            ("data", "#include SOMETHING"),
            ("other.h", ""),
        ];
        // What is included as bytes is read like a source: the price is a file too many, or none of it elsewhere.
        assert_eq!(scanned(&files, &["in"]), None);
        let files: Vec<_> =
            files.into_iter().map(|(path, text)| (path, text.replace("#include SO", ""))).collect();
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        let found = scanned(&files, &["in"]).unwrap();
        assert_eq!(
            found,
            ["a.c", "data", "in/config.h", "in/near.h", "in/there.h", "in/x.h", "x.h"]
        );
    }

    #[test]
    fn what_cannot_be_followed_is_not_guessed() {
        for text in [
            "#define H \"x.h\"\n#include H\n",
            "#/**/include \"x.h\"\n",
            "#include CONFIG_OF(x)\n",
            "#if __has_include(H)\n#endif\n",
            "asm(\".incbin \" NAME);",
            "#include \"unfinished\n",
        ] {
            assert_eq!(scanned(&[("a.c", text), ("x.h", "")], &[]), None, "{text}");
        }
        let outside = [("a.c", "#include \"in/../x.h\"\n"), ("in/y", ""), ("x.h", "")];
        assert_eq!(scanned(&outside, &[]), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "([#%:.a-z_<>\"()\\\\ ]|include|\n|.){0,60}") {
            let _ = names(&text, &BTreeMap::new());
        }
    }
}
