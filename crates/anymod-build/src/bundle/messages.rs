//! The linker's words as diagnostics: what it says is grouped, told in our words where we know it, and names archives and
//! members as the user does.
//!
//! A message of `wasm-ld` is a line with `error:`, followed by lines that begin with `>>>`.

use anymod_link::wasm::{Binding, Unit};
use anymod_model::codes::{Code, wasm as code};
use anymod_model::{Diagnostic, Diagnostics};

use super::link::Given;

/// What the linker said, one diagnostic a message.
pub(super) fn read(said: &str, given: &[Given], units: &[Unit<'_>]) -> Diagnostics {
    let mut said = said.to_owned();
    // Longer paths first: one may begin as another does.
    let mut by_length: Vec<&Given> = given.iter().collect();
    by_length.sort_by_key(|input| std::cmp::Reverse(input.path.as_os_str().len()));
    for input in by_length {
        said = said.replace(&*input.path.to_string_lossy(), &input.shown);
    }
    let mut findings: Vec<Diagnostic> = Vec::new();
    let mut messages: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in said.lines() {
        match (line.split_once("error: "), line.strip_prefix(">>> ")) {
            (_, Some(detail)) => {
                if let Some((_, details)) = messages.last_mut() {
                    details.push(detail);
                }
            }
            (Some((_, message)), None) => messages.push((message, Vec::new())),
            (None, None) => {}
        }
    }
    for (message, details) in &messages {
        let finding = finding(message, details, units);
        if !findings.iter().any(|known| known.message == finding.message) {
            findings.push(finding);
        }
    }
    if findings.is_empty() {
        let finding = Diagnostic::error(&code::LINKER, "the linker failed")
            .hint("look at what it said; `anymod doctor` looks at the tools");
        findings.push(said.lines().take(20).fold(finding, |finding, line| finding.note(line)));
    }
    Diagnostics(findings)
}

fn finding(message: &str, details: &[&str], units: &[Unit<'_>]) -> Diagnostic {
    let make = |code: &'static Code, text: String, hint: &str| {
        let finding = Diagnostic::error(code, text).hint(hint);
        details.iter().fold(finding, |finding, detail| finding.note(*detail))
    };
    let after = |mark: &str| message.split_once(mark).map(|(before, name)| (before, name.trim()));
    if let Some((_, name)) = after("duplicate symbol: ") {
        let places: Vec<String> = details
            .iter()
            .filter_map(|detail| detail.strip_prefix("defined in "))
            .map(|place| format!("`{place}`"))
            .collect();
        let text = format!("`{name}` is defined in {}", places.join(" and in "));
        let exported = units.iter().flat_map(|unit| &unit.members).any(|(_, object)| {
            let mut symbols = object.symbols.iter();
            symbols.any(|symbol| {
                symbol.name == name
                    && symbol.defined
                    && symbol.binding != Binding::Local
                    && !symbol.hidden
            })
        });
        let hint = match exported {
            true => "rename one: both are visible outside of the bundle",
            false => "keep the helpers of different modules apart with `--isolate`, or rename one",
        };
        return Diagnostic::error(&code::DUPLICATE_SYMBOL, text).hint(hint);
    }
    if let Some((_, name)) = after("function signature mismatch: ") {
        let text = format!("`{name}` is called with another signature than it has");
        let hint = "compile both with the same ABI options and the same declaration";
        return make(&code::SIGNATURES, text, hint);
    }
    if let Some((place, name)) = after("undefined symbol: ") {
        let place = place.trim_end_matches([':', ' ']);
        let text = format!("`{name}` is needed by `{place}` and defined nowhere");
        let hint = match name.starts_with("_Z") || name.starts_with("__cxa_") {
            true => "it looks like C++: add the archive that defines it, or a C++ library with `--search`".to_owned(),
            false => format!(
                "add the archive that defines it, or `--allow-import {name}` if whoever loads the bundle has it"
            ),
        };
        return make(&code::UNDEFINED_SYMBOL, text, &hint);
    }
    if let Some((_, name)) = after("symbol exported via --export not found: ") {
        let text = format!("`{name}` is to be exported and defined nowhere");
        return make(&code::EXPORT_MISSING, text, "look for a slip, or leave it out of the list");
    }
    if message.contains("recompile with -fPIC") {
        let hint = "compile the objects of a side module with `-fPIC`";
        return make(&code::NOT_POSITION_INDEPENDENT, message.to_owned(), hint);
    }
    make(&code::LINKER, message.to_owned(), "look at what the linker says")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(said: &str) -> Diagnostic {
        let input = |path: &str, shown: &str| Given {
            path: path.into(),
            shown: shown.to_owned(),
            origin: String::new(),
            linked: true,
        };
        let given = [input("/x/a.a", "lib/a.a"), input("/s/1-0.o", "b.a(m.o)")];
        let mut findings = read(said, &given, &[]).0;
        assert_eq!(findings.len(), 1, "{findings:?}");
        findings.remove(0)
    }

    #[test]
    fn both_sides_are_named_as_the_user_does() {
        let duplicate = read_one(
            "wasm-ld: error: duplicate symbol: helper\n>>> defined in /x/a.a(x.o)\n>>> defined in /s/1-0.o\n",
        );
        assert_eq!(duplicate.code.id, "G0105");
        assert_eq!(duplicate.message, "`helper` is defined in `lib/a.a(x.o)` and in `b.a(m.o)`");
        let mismatch = read_one(
            "wasm-ld: error: function signature mismatch: f\n>>> defined as (i32) -> i32 in /x/a.a(x.o)\n\
             >>> defined as () -> void in /s/1-0.o\n",
        );
        assert_eq!(mismatch.code.id, "G0106");
        assert_eq!(mismatch.notes[1], "defined as () -> void in b.a(m.o)");
        let undefined = read_one("wasm-ld: error: /x/a.a(x.o): undefined symbol: f\n");
        assert_eq!(undefined.code.id, "G0107");
        assert_eq!(undefined.message, "`f` is needed by `lib/a.a(x.o)` and defined nowhere");
        let missing = read_one("wasm-ld: error: symbol exported via --export not found: f\n");
        assert_eq!(missing.code.id, "G0109");
    }

    #[test]
    fn what_is_not_understood_is_shown() {
        let odd = read_one("wasm-ld: error: the moon is full\n>>> again\n");
        assert_eq!((odd.code.id, odd.message.as_str()), ("G0111", "the moon is full"));
        assert_eq!(read_one("Segmentation fault\n").notes, ["Segmentation fault"]);
    }
}
