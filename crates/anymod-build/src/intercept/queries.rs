//! What a compiler is asked about itself, and what the target's answers.

use std::ffi::OsString;

use super::command::{Driver, Item};
use super::config::Config;
use super::names;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// This text.
    Text(String),
    /// What the compiler says to the same words with the target's options.
    Compiler,
    /// What the linker says to these words.
    Linker(Vec<OsString>),
}

/// The answer to a driver's command that only asks; none if there is something to do.
pub(crate) fn answer(driver: &Driver, config: &Config) -> Option<Answer> {
    let facts = &config.target.facts;
    let version = format!(
        "emcc (Emscripten gcc/clang-like replacement) {}\nanymod {} runs {} for wasm32-unknown-emscripten\n",
        facts.emscripten,
        env!("CARGO_PKG_VERSION"),
        config.target.tools.cc.display(),
    );
    if driver.has("--version") {
        return Some(Answer::Text(version));
    }
    let inputs = driver.inputs().next().is_some();
    let asks_linker = |item: &&Item| {
        matches!(item, Item::Valued { name: "-Xlinker", value, .. }
            if value == "--version" || value == "--help" || (value == "-v" && !inputs))
    };
    if let Some(Item::Valued { value, .. }) = driver.items.iter().find(asks_linker) {
        return Some(Answer::Linker(vec![value.clone()]));
    }
    for flag in driver.items.iter().filter_map(Item::flag) {
        let flag = flag.strip_prefix('-').filter(|rest| rest.starts_with('-')).unwrap_or(flag);
        match flag {
            "-print-multiarch" => return Some(Answer::Text("wasm32-emscripten\n".to_owned())),
            "-dumpmachine" | "-print-target-triple" | "-print-effective-triple" => {
                return Some(Answer::Text("wasm32-unknown-emscripten\n".to_owned()));
            }
            "-dumpversion" | "-dumpfullversion" | "-help" | "-###" => {
                return Some(Answer::Compiler);
            }
            _ => {}
        }
        if let Some(program) = flag.strip_prefix("-print-prog-name=") {
            let known = names::role(program).is_some();
            let path = if known { config.bin().join(program) } else { program.into() };
            return Some(Answer::Text(format!("{}\n", path.display())));
        }
        if flag.starts_with("-print-") {
            return Some(Answer::Compiler);
        }
    }
    // `-v` alone, or nothing at all, which the compiler complains of.
    (!inputs).then_some(Answer::Compiler)
}
