//! The tables of rules as a person reads them, and the plain command lines of a target for who calls its tools directly.

use std::ffi::OsString;

use serde::Serialize;

use super::added::{self, ADDED, Step};
use super::config::Config;
use super::rules;
use crate::target::TargetEnvironment;

/// A rule as documentation has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Documented {
    /// Its name.
    pub name: &'static str,
    /// Where it acts: `compile`, `link` or `rewrite`.
    pub step: &'static str,
    /// What it does; for words that are added none.
    pub what: Option<&'static str>,
    /// The words that it adds.
    pub words: Vec<String>,
    /// Why.
    pub why: &'static str,
    /// How to have it otherwise.
    pub overridden_by: String,
}

/// Every rule for a target: first what is added, then what is taken out or replaced, in the order in which they act.
#[must_use]
pub fn documented(target: &TargetEnvironment) -> Vec<Documented> {
    let added = ADDED.iter().map(|added| Documented {
        name: added.name,
        step: added.step.name(),
        what: None,
        words: texts((added.words)(target)),
        why: added.why,
        overridden_by: format!("`--rule off={}`; {}", added.name, added.step.overridden_by()),
    });
    let rewrites = rules::all().map(|rule| Documented {
        name: rule.name,
        step: "rewrite",
        what: Some(rule.what),
        words: Vec::new(),
        why: rule.why,
        overridden_by: format!("`--rule off={}`", rule.name),
    });
    added.chain(rewrites).collect()
}

/// The command lines of a target's tools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CommandLines {
    /// The compiler of C.
    pub cc: Vec<String>,
    /// The compiler of C++.
    pub cxx: Vec<String>,
    /// Options for compiling C.
    pub cflags: Vec<String>,
    /// Options for compiling C++.
    pub cxxflags: Vec<String>,
    /// The linker.
    pub ld: Vec<String>,
    /// Its options for modules, but for what they are to show.
    pub ldflags: Vec<String>,
    /// The archiver.
    pub ar: Vec<String>,
}

/// The command lines of a target's tools, with everything that the stand-in adds.
#[must_use]
pub fn command_lines(target: &TargetEnvironment) -> CommandLines {
    let config = Config::new(target, &target.directory);
    let tools = &target.description.tools;
    let mut cflags = added::words(Step::CompileFirst, &config);
    cflags.extend(added::words(Step::Compile, &config));
    let mut include = OsString::from("-I");
    include.push(target.python_include());
    cflags.push(include);
    let cflags = texts(cflags);
    let linker = tools.ld.as_ref().map(|ld| added::tool(&config, ld, "wasm-ld"));
    CommandLines {
        cc: texts(added::compiler(&config, false)),
        cxx: texts(added::compiler(&config, true)),
        cxxflags: cflags.clone(),
        cflags,
        ld: texts(linker.unwrap_or_default()),
        ldflags: texts(added::words(Step::Link, &config)),
        ar: texts(added::tool(&config, &tools.ar, "ar")),
    }
}

fn texts(words: Vec<OsString>) -> Vec<String> {
    words.into_iter().map(|word| word.to_string_lossy().into_owned()).collect()
}

/// A command line as a shell would take it.
#[must_use]
pub fn shell(words: &[String]) -> String {
    crate::work::shown(words)
}

/// What a rule that rewrites commands does, and why.
#[must_use]
pub fn rule(name: &str) -> Option<(&'static str, &'static str)> {
    let rule = rules::all().find(|rule| rule.name == name)?;
    Some((rule.what, rule.why))
}
