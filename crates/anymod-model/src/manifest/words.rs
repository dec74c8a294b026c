//! Checks of single words: names, paths, patterns, releases and whatever else is wrong with one string by itself.

use super::schema::{Key, Kind};
use super::suggest::nearest;
use super::values::{SourceKind, extension};
use super::variables;
use crate::codes::manifest as codes;
use crate::target::PythonVersion;
use crate::{Abi, Code, Runtime, Target};

/// What is wrong with a word.
pub(super) struct Problem {
    pub(super) code: &'static Code,
    pub(super) message: String,
    pub(super) hint: String,
}

fn problem(
    code: &'static Code,
    message: impl Into<String>,
    hint: impl Into<String>,
) -> Option<Problem> {
    Some(Problem { code, message: message.into(), hint: hint.into() })
}

/// Words that Python or MicroPython reserve, and device names that Windows keeps from files.
const RESERVED: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield", "aux", "con", "nul", "prn",
];

/// Checks the name of a module.
pub(super) fn module_name(name: &str) -> Option<Problem> {
    if RESERVED.contains(&name) {
        let message = format!("`{name}` is a reserved word and cannot name a module");
        return problem(&codes::MODULE_NAME, message, "choose another name");
    }
    if is_identifier(name) && name.len() <= 64 {
        return None;
    }
    let shown = name.escape_debug();
    let message = format!("`{shown}` cannot be the name of a module");
    let mut better: String = name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' })
        .take(64)
        .collect();
    if !better.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        better.insert(0, '_');
    }
    let useful = better.chars().any(|letter| letter != '_');
    let hint = "use ASCII letters, digits and `_`, not beginning with a digit, at most 64";
    let hint = if useful { format!("{hint}, for instance `{better}`") } else { hint.to_owned() };
    problem(&codes::MODULE_NAME, message, hint)
}

/// Checks the name of a build type where one is declared; it becomes the name of a directory.
pub(super) fn build_type_name(name: &str) -> Option<Problem> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if !name.is_empty() && name.len() <= 64 && name.chars().all(fits) {
        return None;
    }
    let message = format!("`{}` cannot be the name of a build type", name.escape_debug());
    problem(&codes::BAD_VALUE, message, "use ASCII letters, digits, `-` and `_`, at most 64")
}

/// Checks the name of an artifact. It is never the name of a file.
pub(super) fn artifact_name(name: &str) -> Option<Problem> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_./@+".contains(letter);
    let sane = (1..=100).contains(&name.len()) && !name.starts_with('-');
    if sane && name.chars().all(fits) {
        return None;
    }
    let message = format!("`{}` cannot be the name of an artifact", name.escape_debug());
    let hint = "use ASCII letters, digits and `-_./@+`, at most 100, and no `-` first";
    problem(&codes::BAD_VALUE, message, hint)
}

/// Checks the name of a library's section; variables that override it are called after it.
pub(super) fn library_name(name: &str) -> Option<Problem> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_.+".contains(letter);
    let sane =
        (1..=64).contains(&name.len()) && name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if sane && name.chars().all(fits) {
        return None;
    }
    let message = format!("`{}` cannot be the name of a library", name.escape_debug());
    let hint = "use ASCII letters, digits and `-_.+`, at most 64, and a letter or digit first";
    problem(&codes::BAD_VALUE, message, hint)
}

/// Checks what a fact of an ABI is called; the fields that every stamp has are not the manifest's to set.
pub(super) fn fact_name(name: &str) -> Option<Problem> {
    if matches!(name, "target" | "build-type" | "compiler") {
        let message = format!("`{name}` is a part of every ABI that the build itself knows");
        return problem(&codes::BAD_VALUE, message, "remove it");
    }
    let fits =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let sane = (1..=64).contains(&name.len()) && name.starts_with(|c: char| c.is_ascii_lowercase());
    if sane && name.chars().all(fits) {
        return None;
    }
    let message = format!("`{}` cannot be the name of a part of an ABI", name.escape_debug());
    problem(&codes::BAD_VALUE, message, "use small ASCII letters, digits and `-`, like `gc-mode`")
}

/// Checks the text of such a fact.
pub(super) fn fact(key: &Key, text: &str) -> Option<Problem> {
    if text.is_empty() || text.len() > 200 {
        let message = format!("`{}` takes texts of 1 to 200 bytes", key.name);
        return problem(
            &codes::BAD_VALUE,
            message,
            format!("write it like `{} = {}`", key.name, key.example),
        );
    }
    control_character(key.name, text)
}

/// What stands for the target and the build type in paths of archives.
pub(super) const PLACEHOLDERS: [&str; 2] = ["{target}", "{build-type}"];

/// The path of an archive: nothing in braces but what stands for something.
fn archive(text: &str) -> Option<Problem> {
    let mut rest = text;
    while let Some((_, inside)) = rest.split_once('{') {
        let Some((word, after)) = inside.split_once('}') else { break };
        // A reference to a variable has been checked already.
        let variable = word.starts_with("env:");
        if !variable && !PLACEHOLDERS.iter().any(|known| known[1..known.len() - 1] == *word) {
            let message = format!("`{{{word}}}` in `{text}` stands for nothing");
            let hint = match nearest(word, ["target", "build-type"]) {
                Some(near) => format!("did you mean `{{{near}}}`?"),
                None => "known are `{target}` and `{build-type}`".to_owned(),
            };
            return problem(&codes::BAD_VALUE, message, hint);
        }
        rest = after;
    }
    let name = text.rsplit('/').next().unwrap_or_default();
    if name.ends_with(".a") || name.ends_with(".lib") || name.contains(['*', '}']) {
        return None;
    }
    let message = format!("`{text}` is not an archive");
    problem(&codes::SOURCE_KIND, message, "archives end in `.a` or `.lib`")
}

/// Checks a pattern over target names.
pub(super) fn target_pattern(pattern: &str) -> Option<Problem> {
    // A `*` costs a pass over the name each; nobody means more than a few.
    let sane = pattern.len() <= 80 && pattern.matches('*').count() <= 4;
    if sane && !Target::matching(pattern).is_empty() {
        return None;
    }
    let shown = pattern.escape_debug();
    let message = if pattern.contains('*') {
        format!("no target matches `{shown}`")
    } else {
        format!("unknown target `{shown}`")
    };
    problem(&codes::UNKNOWN_TARGET, message, target_hint(pattern))
}

/// What to write in place of an unknown target.
pub(super) fn target_hint(pattern: &str) -> String {
    let names: Vec<String> = Target::all().map(|target| target.to_string()).collect();
    // An architecture or a version alone, or with `@` as package managers write it.
    let kind = pattern.split_once('@').map_or(pattern, |(_, version)| version);
    for runtime in Runtime::ALL {
        let with_runtime = format!("{}-{kind}", runtime.name());
        if Target::parse(&with_runtime).is_some() {
            return format!("did you mean `{with_runtime}`?");
        }
    }
    // A patch release of CPython has the ABI of its feature release.
    let feature = pattern.rsplit_once('.').map_or("", |(feature, _)| feature);
    if Target::parse(feature).is_some_and(|target| target.runtime() == Runtime::CPython) {
        return format!("write `{feature}`, which every `{feature}.x` loads");
    }
    match nearest(pattern, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`anymod targets` lists them".to_owned(),
    }
}

/// Checks the name of a macro.
pub(super) fn macro_name(name: &str) -> Option<Problem> {
    if is_identifier(name) {
        return None;
    }
    let message = format!("`{}` cannot be the name of a macro", name.escape_debug());
    problem(&codes::BAD_VALUE, message, "use ASCII letters, digits and `_`, without parameters")
}

/// Checks the text of a macro.
pub(super) fn macro_text(text: &str) -> Option<Problem> {
    control_character("defines", text).or_else(|| reference(text))
}

/// Checks one string of a key's value.
pub(super) fn value(key: &Key, text: &str) -> Option<Problem> {
    let name = key.name;
    if text.is_empty() && !matches!(key.kind, Kind::Text) {
        let hint = format!("leave it out, or write it like `{name} = {}`", key.example);
        return problem(&codes::BAD_VALUE, format!("`{name}` does not take an empty string"), hint);
    }
    if let Some(found) = control_character(name, text) {
        return Some(found);
    }
    if key.kind.expands() {
        if let Some(found) = reference(text) {
            return Some(found);
        }
    } else if text.contains("${") {
        let message = format!("`{name}` does not read variables");
        return problem(&codes::BAD_VARIABLE, message, "write the value itself");
    }
    match key.kind {
        Kind::Name => file_name(key, text),
        Kind::Release => release(text),
        Kind::ImportName => import_name(text),
        Kind::Distribution => distribution(name, text),
        Kind::PythonVersion => python_version(name, text),
        Kind::Choice(words) | Kind::Choices(words) => choice(name, text, words),
        Kind::Path | Kind::Paths => path(text),
        Kind::Patterns => path(text).or_else(|| brackets(text)),
        Kind::Sources => path(text).or_else(|| brackets(text)).or_else(|| source(text)),
        Kind::Libraries => library(text),
        Kind::Targets => target_pattern(text),
        Kind::Programs => program(text),
        Kind::Variables => variable(text),
        Kind::Archive => path(text).or_else(|| archive(text)),
        Kind::Archives => path(text).or_else(|| brackets(text)).or_else(|| archive(text)),
        Kind::LibrarySections => library_name(text),
        Kind::Bool
        | Kind::BuildType
        | Kind::Text
        | Kind::Flags
        | Kind::Defines
        | Kind::AbiFacts => None,
    }
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

fn control_character(name: &str, text: &str) -> Option<Problem> {
    let found = text.chars().find(char::is_ascii_control)?;
    let message = format!("`{name}` does not take the character `{}`", found.escape_debug());
    problem(&codes::BAD_VALUE, message, "remove it; every list entry is one argument or path")
}

fn reference(text: &str) -> Option<Problem> {
    let message = variables::check(text).err()?;
    let hint = "write `${env:NAME}` or `${env:NAME:-default}`, and `$${` for `${` itself";
    problem(&codes::BAD_VARIABLE, message, hint)
}

fn file_name(key: &Key, text: &str) -> Option<Problem> {
    let name = key.name;
    let message = if text.contains(['/', '\\']) {
        format!("`{name}` is a name, not a path: `{text}`")
    } else if matches!(text, "." | "..") || text.trim() != text {
        format!("`{name}` cannot be `{text}`")
    } else if text.len() > 200 {
        format!("`{name}` is longer than 200 bytes")
    } else {
        return None;
    };
    problem(&codes::BAD_VALUE, message, format!("write it like `{name} = {}`", key.example))
}

fn release(text: &str) -> Option<Problem> {
    if Abi::parse(text).is_some() {
        return None;
    }
    let message = format!("`{text}` is not a MicroPython release with a known ABI");
    problem(&codes::BAD_VALUE, message, "write `latest` or a release from `1.19` on, like `1.23`")
}

/// What follows the last dot names the function that Python calls, so that only ASCII will do.
fn import_name(text: &str) -> Option<Problem> {
    let wrong = text.split('.').find(|part| !is_identifier(part) || RESERVED.contains(part))?;
    let message = if wrong.is_empty() {
        format!("`{text}` has a dot too many")
    } else {
        format!("`{wrong}` in `{text}` cannot be imported")
    };
    let hint = "write names of ASCII letters, digits and `_` with a dot between them, like `package._module`";
    problem(&codes::BAD_VALUE, message, hint)
}

/// Checks the name of a distribution ("Names and normalization", packaging.python.org).
pub(super) fn distribution(what: &str, text: &str) -> Option<Problem> {
    let ends = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let mut letters = text.chars();
    if ends(text.chars().last()) && ends(letters.next()) && letters.all(fits) && text.len() <= 100 {
        return None;
    }
    let message = format!("{what} `{}` cannot name a wheel", text.escape_debug());
    let hint = "use ASCII letters and digits, and between them `-`, `_` and `.`";
    problem(&codes::BAD_VALUE, message, hint)
}

fn python_version(name: &str, text: &str) -> Option<Problem> {
    if PythonVersion::parse(text).is_some() {
        return None;
    }
    let message = format!("`{name}` cannot be `{text}`");
    problem(&codes::BAD_VALUE, message, "write a feature release of Python 3, like `3.11`")
}

/// True for a version in the normal form of the "Version specifiers" of packaging.python.org.
pub(super) fn is_version(text: &str) -> bool {
    let (public, local) = text.split_once('+').map_or((text, None), |(a, b)| (a, Some(b)));
    let alphanumeric = |part: &str| {
        !part.is_empty()
            && part.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
    };
    if local.is_some_and(|local| !local.split('.').all(alphanumeric)) || text.len() > 100 {
        return false;
    }
    let is_number = |text: &str| {
        let canonical = text == "0" || !text.starts_with('0');
        !text.is_empty() && text.chars().all(|letter| letter.is_ascii_digit()) && canonical
    };
    let (epoch, mut rest) = public.split_once('!').unwrap_or(("0", public));
    // From the end: what may follow a release, each at most once.
    for suffix in [".dev", ".post"] {
        if let Some((before, count)) = rest.rsplit_once(suffix) {
            if !is_number(count) {
                return false;
            }
            rest = before;
        }
    }
    for suffix in ["rc", "b", "a"] {
        if let Some((before, count)) = rest.rsplit_once(suffix) {
            if !is_number(count) {
                return false;
            }
            rest = before;
            break;
        }
    }
    is_number(epoch) && rest.split('.').all(is_number)
}

fn choice(name: &str, text: &str, words: &[(&str, &str)]) -> Option<Problem> {
    if words.iter().any(|(word, _)| *word == text) {
        return None;
    }
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let hint = match nearest(text, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are `{}`", known.join("`, `")),
    };
    problem(&codes::BAD_VALUE, format!("`{name}` cannot be `{text}`"), hint)
}

fn path(text: &str) -> Option<Problem> {
    if !text.contains('\\') {
        return None;
    }
    let message = format!("`{text}` has a `\\`");
    let hint = format!("write `{}`; `/` works on every system", text.replace('\\', "/"));
    problem(&codes::BAD_PATH, message, hint)
}

/// Every `[` of a pattern has to be closed. A `]` right after it, or after `[!`, is one of the characters.
fn brackets(pattern: &str) -> Option<Problem> {
    let mut rest = pattern;
    while let Some((_, inside)) = rest.split_once('[') {
        let inside = inside.strip_prefix('!').unwrap_or(inside);
        let skip = usize::from(inside.starts_with(']'));
        let Some(end) = inside[skip..].find(']') else {
            let message = format!("a `[` in `{pattern}` is not closed");
            return problem(
                &codes::BAD_PATH,
                message,
                "close it with `]`, or write `[[]` for itself",
            );
        };
        rest = &inside[skip + end + 1..];
    }
    None
}

/// A source's extension has to be known, unless wildcards or a variable leave it open.
fn source(pattern: &str) -> Option<Problem> {
    let open = |text: &str| text.contains(['*', '?', '[', ']', '{', '}']);
    let last = pattern.rsplit('/').next().unwrap_or_default();
    let told = match extension(pattern) {
        Some(extension) => !open(extension),
        None => !open(last),
    };
    if !told || SourceKind::of(pattern).is_some() {
        return None;
    }
    let message = format!("`{pattern}` is a source of unknown kind");
    let hint = match extension(pattern) {
        Some("h" | "hh" | "hpp" | "hxx") => {
            "headers are not listed; give their directory in `include-dirs`".to_owned()
        }
        _ => format!("known extensions are {}", SourceKind::known()),
    };
    problem(&codes::SOURCE_KIND, message, hint)
}

fn program(text: &str) -> Option<Problem> {
    if !text.contains('\\') && !text.trim().is_empty() && text.trim() == text {
        return None;
    }
    let message = format!("`{text}` is not the name of a program");
    problem(&codes::BAD_VALUE, message, "write a name that is on the `PATH`, or a path with `/`")
}

fn variable(text: &str) -> Option<Problem> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '*';
    if text.chars().all(fits) && text.matches('*').count() <= 4 {
        return None;
    }
    let message = format!("`{text}` is not the name of a variable");
    let hint = "write a name like `RUSTFLAGS`, or a pattern like `CARGO_*`";
    problem(&codes::BAD_VALUE, message, hint)
}

fn library(text: &str) -> Option<Problem> {
    if text.ends_with(".a") || text.contains(['/', '\\']) {
        let message = format!("`libraries` takes names, not files: `{text}`");
        let hint = match text.strip_suffix(".a") {
            Some(stem) if !stem.contains(['/', '\\']) => {
                format!(
                    "write `{stem}` for the compiler's, or put an archive of your own into `sources`"
                )
            }
            _ => "put archives of your own into `sources`".to_owned(),
        };
        return problem(&codes::BAD_VALUE, message, hint);
    }
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "_+-.".contains(letter);
    if text.strip_prefix("lib").is_some_and(|rest| !rest.is_empty()) && text.chars().all(fits) {
        return None;
    }
    let bare = text.trim_start_matches("-l");
    let hint = if bare.chars().all(fits) && !bare.is_empty() && !bare.starts_with("lib") {
        format!("did you mean `lib{bare}`?")
    } else {
        "a library's name begins with `lib`, like `libm`".to_owned()
    };
    problem(&codes::BAD_VALUE, format!("`{text}` is not the name of a library"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_one_form() {
        for version in ["0", "0.1.0", "2026.11", "1!2.0", "1.0a1", "1.0rc2.post3.dev4", "1.0+abc.1"]
        {
            assert!(is_version(version), "{version}");
        }
        for version in
            ["", "1.", "v1.0", "1.0-1", "1.01", "1.0alpha1", "1.0.dev", "1.0+", "1.0+A", "a1"]
        {
            assert!(!is_version(version), "{version}");
        }
    }
}
