//! Rules on single Rust files: module docs, length, words, and what a room's code may touch.

/// The longest a file may be, in lines.
const MAX_LINES: usize = 600;

/// Files that may be longer, with the reason.
const LONG: &[(&str, &str)] = &[];

/// A rule that forbids words in the code of some crates, test code apart.
struct Ban {
    /// Directories, each ending in `/src/`, whose files the rule binds.
    within: &'static [&'static str],
    /// What may not occur.
    words: &'static [&'static str],
    /// Files exempt, with the reason.
    except: &'static [(&'static str, &'static str)],
    /// What to do instead.
    instead: &'static str,
}

const BANS: &[Ban] = &[
    Ban {
        within: &[
            "crates/anymod-model/src/",
            "crates/anymod-link/src/",
            "crates/anymod-pack/src/",
            "crates/anymod-audit/src/",
        ],
        words: &[
            "std::fs",
            "std::process",
            "std::env",
            "std::net",
            "std::time",
            "std::thread",
            "println!",
            "eprintln!",
            "print!(",
        ],
        except: &[],
        instead: "take bytes and return bytes or diagnostics; only anymod-build touches the system",
    },
    Ban {
        within: &["crates/anymod-link/src/"],
        words: &["wheel", "dist-info", "npm", "mip.json", "pyodide"],
        except: &[],
        instead: "packaging belongs in anymod-pack",
    },
    Ban {
        within: &["crates/anymod-pack/src/"],
        words: &["\"armv", "\"xtensa", "\"rv32", "\"rv64", "thumb", "riscv"],
        except: &[],
        instead: "ask the table in anymod-model::arch, or move the instruction set's business to anymod-link",
    },
    Ban {
        within: &["crates/anymod-build/src/", "crates/anymod-store/src/", "crates/anymod/src/"],
        words: &["fs::write(", "File::create", "OpenOptions", "File::options"],
        except: &[
            (
                "crates/anymod-build/src/install.rs",
                "the one place that writes under a temporary name and renames",
            ),
            (
                "crates/anymod-build/src/log.rs",
                "appends to a log, whose torn last line the next run cuts off",
            ),
            (
                "crates/anymod-store/src/files.rs",
                "the one place of the store that writes under a temporary name; locks and the tally's lines",
            ),
        ],
        instead: "write through anymod_build::install or anymod_store::files, so that a crash never leaves half a file",
    },
    Ban {
        within: &["crates/", "xtask/"],
        words: &["TODO", "FIXME", "XXX", "HACK"],
        except: &[("xtask/src/tidy/sources.rs", "names the words")],
        instead: "do it, or describe the limit in the module's documentation",
    },
];

/// Checks one file.
pub(super) fn check(path: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    if !text.trim_start().starts_with("//!") {
        findings
            .push(format!("{path}:1: begin with `//!`: what the module owns, what it never does"));
    }
    let lines = text.lines().count();
    if lines > MAX_LINES && !LONG.iter().any(|(long, _)| *long == path) {
        findings
            .push(format!("{path}: {lines} lines; split it, or list it in `LONG` with a reason"));
    }
    for ban in BANS {
        findings.extend(banned(ban, path, text));
    }
    if is_reader(path) {
        findings.extend(writers_named(path, text));
    }
    findings
}

fn banned(ban: &Ban, path: &str, text: &str) -> Vec<String> {
    let bound = ban.within.iter().any(|directory| path.starts_with(directory));
    if !bound || ban.except.iter().any(|(exempt, _)| *exempt == path) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (number, line) in code_lines(path, text) {
        for word in ban.words.iter().filter(|word| line.contains(**word)) {
            findings.push(format!("{path}:{number}: `{word}`: {}", ban.instead));
        }
    }
    findings
}

/// The lines outside tests and documentation, numbered from 1. By habit a file's tests are its last module.
fn code_lines<'a>(path: &str, text: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let is_test = path.contains("/tests/") || path.ends_with("tests.rs");
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| begins_tests(pair[0], pair[1]));
    let end = if is_test { 0 } else { tests.unwrap_or(lines.len()) };
    let documents = |line: &str| line.starts_with("//!") || line.starts_with("///");
    let code = lines.into_iter().take(end).enumerate();
    code.filter(move |(_, line)| !documents(line.trim_start()))
        .map(|(index, line)| (index + 1, line))
}

fn begins_tests(attribute: &str, item: &str) -> bool {
    let attribute = attribute.trim();
    let test = attribute == "#[cfg(test)]" || attribute.starts_with("#[cfg(all(test");
    test && item.trim_start().starts_with("mod ") && item.contains('{')
}

/// Invariant 1 inside a crate: what is called a reader.
fn is_reader(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "read" | "reader" | "read.rs" | "reader.rs"))
}

fn writers_named(path: &str, text: &str) -> Vec<String> {
    let words = ["::write::", "::writer::", "use super::write", "use crate::write"];
    code_lines(path, text)
        .filter(|(_, line)| words.iter().any(|word| line.contains(word)))
        .map(|(number, _)| {
            format!("{path}:{number}: a reader uses a writer; move what both need to a module of its own")
        })
        .collect()
}

/// Codes that no room reports. Their rows promise a diagnostic that nobody can meet.
pub(super) fn unused_codes(files: &[(String, String)]) -> Vec<String> {
    let table = |path: &str| path.starts_with("crates/anymod-model/src/codes/");
    let mut findings = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| table(path)) {
        for line in text.lines() {
            let Some((name, rest)) = line.trim().split_once(" = \"") else {
                continue;
            };
            let is_row = rest.contains("\", exit ") && !name.contains(' ');
            let mention = format!("::{name}");
            let reported =
                |(other, text): &(String, String)| !table(other) && mentions(text, &mention);
            if is_row && !files.iter().any(reported) {
                findings.push(format!(
                    "{path}: `{name}` is reported nowhere; remove the row or report it"
                ));
            }
        }
    }
    findings
}

/// True if `text` has `word` followed by something that does not go on with it.
fn mentions(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let next = text[at + word.len()..].chars().next();
        next.is_none_or(|next| !next.is_ascii_alphanumeric() && next != '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_judged_by_their_code() {
        let good =
            "//! Docs that mention std::fs.\nfn f() {}\n#[cfg(test)]\nmod tests { use std::fs; }";
        assert_eq!(check("crates/anymod-link/src/elf.rs", good), [""; 0]);
        let apart = "//! Docs.\n#[cfg(test)]\nmod x_tests;\nuse std::fs;\n";
        assert_eq!(check("crates/anymod-link/src/elf.rs", apart).len(), 1);
        let touching = "//! Docs.\nuse std::fs;\n";
        assert_eq!(check("crates/anymod-link/src/elf.rs", touching).len(), 1);
        assert_eq!(check("crates/anymod-build/src/plan.rs", touching).len(), 0);
        assert_eq!(check("xtask/src/x.rs", "fn undocumented() {}").len(), 1);
        let long = format!("//! Docs.\n{}", "\n".repeat(MAX_LINES));
        assert_eq!(check("xtask/src/x.rs", &long).len(), 1);
        let writing = "//! Docs.\nfn f() { std::fs::write(a, b) }";
        assert_eq!(check("crates/anymod-build/src/plan.rs", writing).len(), 1);
        assert_eq!(check("crates/anymod-build/src/install.rs", writing).len(), 0);
        let reader = "//! Docs.\nuse crate::mpy::write::Header;";
        assert_eq!(check("crates/anymod-pack/src/mpy/read.rs", reader).len(), 1);
    }

    #[test]
    fn codes_have_to_be_reported() {
        let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
        let table = file(
            "crates/anymod-model/src/codes/x.rs",
            "    LOST = \"X0001\", exit 1, \"a\",\n    MET = \"X0002\", exit 1, \"b\",\n",
        );
        let user = file("crates/anymod-link/src/x.rs", "codes::MET, codes::LOST_AND_FOUND");
        let findings = unused_codes(&[table, user]);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].contains("LOST"));
    }
}
