//! Settings of the tool itself, not of a project: the one table of them, what their values may be and where they come
//! from.
//!
//! A setting is a row of [`TABLE`]. The readers of files, variables and flags, the reference page and the listing all
//! work from the row, so adding a row is all that a new setting takes. What decides the bytes of a module is in the
//! manifest and never here. This module never looks for files or variables; `anymod_build::settings` does.

mod read;
mod table;
mod value;

use std::collections::BTreeMap;
use std::ops::Range;

pub use read::parse;
pub use table::{NAMESPACES, TABLE, VARIABLES};
pub use value::size;

use crate::{Diagnostic, Diagnostics, Place};

/// A setting: what it is called in each place that can set it, and what it means.
#[derive(Debug)]
pub struct Setting {
    /// Sections and key as a file spells them, with dots between; a part in capitals stands for any of `names`.
    pub key: &'static str,
    /// What the part in capitals may be; anything if empty.
    pub names: &'static [&'static str],
    /// Kind of its value.
    pub kind: Kind,
    /// Words that it takes besides, each with its meaning.
    pub words: &'static [(&'static str, &'static str)],
    /// What holds if nothing sets it.
    pub default: Fallback,
    /// The environment variable that sets it.
    pub variable: Option<&'static str>,
    /// The flags that set it, as help texts spell them.
    pub flags: &'static [&'static str],
    /// A value as a file spells it.
    pub example: &'static str,
    /// What it means, in plain sentences.
    pub doc: &'static str,
}

/// What kind of value a setting has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number from 1.
    Count,
    /// A number of bytes from 1, such as `10GiB`.
    Size,
    /// A path.
    Path,
    /// Any text.
    Text,
    /// A text that is not shown.
    Secret,
    /// Only the setting's words.
    Word,
}

impl Kind {
    /// What the value is, for messages and the reference page.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Kind::Bool => "`true` or `false`",
            Kind::Count => "a whole number from 1",
            Kind::Size => "a size such as `10GiB`",
            Kind::Path => "a path",
            Kind::Text | Kind::Secret => "a text",
            Kind::Word => "a word",
        }
    }
}

/// What holds for a setting that nothing sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// This value.
    Value(&'static str),
    /// Something found out on the machine, or nothing; described here.
    Described(&'static str),
}

/// A setting's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// A number.
    Count(u64),
    /// A number of bytes.
    Size(u64),
    /// A path.
    Path(String),
    /// A text.
    Text(String),
    /// A text that is not shown.
    Secret(String),
    /// One of the setting's words.
    Word(&'static str),
}

/// Where a value comes from; a later one here is stronger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nothing sets it.
    Default,
    /// A file.
    File {
        /// As the caller of [`parse`] called it.
        file: String,
        /// The value in the file's text.
        span: Range<usize>,
    },
    /// The environment variable of this name.
    Variable(&'static str),
    /// A flag of the command line.
    Flag(&'static str),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { file, .. } => f.write_str(file),
            Origin::Variable(name) => f.write_str(name),
            Origin::Flag(flag) => f.write_str(flag),
        }
    }
}

impl Origin {
    /// Where that is, for messages about the value.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self {
            Origin::File { file, span } => {
                Some(Place::Text { file: file.clone(), span: span.clone() })
            }
            Origin::Default | Origin::Variable(_) | Origin::Flag(_) => None,
        }
    }
}

/// A value with its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The value.
    pub value: Value,
    /// Where it comes from.
    pub origin: Origin,
}

/// What one place sets, by key with every part spelt out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    values: BTreeMap<String, Found>,
}

impl Layer {
    /// A layer that sets nothing.
    #[must_use]
    pub fn new() -> Layer {
        Layer::default()
    }

    /// Sets a value that is known to be one; for computed defaults and resolved paths.
    pub fn put(&mut self, key: &str, value: Value, origin: Origin) {
        self.values.insert(key.to_owned(), Found { value, origin });
    }

    /// Sets what a flag of the command line says; `flag` is its long form.
    ///
    /// # Errors
    /// `M0204` if the setting does not take the value.
    pub fn flag(&mut self, key: &str, flag: &'static str, text: &str) -> Result<(), Diagnostic> {
        let Some(setting) = find(key) else { return Ok(()) };
        let value = value::of_text(setting, text).map_err(|problem| problem.about(flag))?;
        self.put(key, value, Origin::Flag(flag));
        Ok(())
    }

    /// What the environment sets; a variable that is set to nothing does not count.
    ///
    /// # Errors
    /// `M0204` for each variable with a value that its setting does not take.
    pub fn of_variables<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Layer, Diagnostics> {
        let (mut layer, mut findings) = (Layer::new(), Vec::new());
        for setting in TABLE {
            let Some(name) = setting.variable else { continue };
            let Some(text) = get(name).filter(|text| !text.is_empty()) else { continue };
            match value::of_text(setting, text) {
                Ok(value) => layer.put(setting.key, value, Origin::Variable(name)),
                Err(problem) => findings.push(problem.about(name)),
            }
        }
        if findings.is_empty() { Ok(layer) } else { Err(Diagnostics(findings)) }
    }

    /// Replaces every path by what `resolve` makes of it.
    pub fn resolve_paths(&mut self, resolve: impl Fn(&str) -> String) {
        for found in self.values.values_mut() {
            if let Value::Path(path) = &mut found.value {
                *path = resolve(path);
            }
        }
    }
}

/// Every setting with its value and origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    values: BTreeMap<String, Found>,
}

impl Settings {
    /// Puts layers together, weakest first, above the table's defaults.
    #[must_use]
    pub fn of(layers: impl IntoIterator<Item = Layer>) -> Settings {
        let mut values = BTreeMap::new();
        for setting in TABLE {
            let Fallback::Value(text) = setting.default else { continue };
            // A test holds every default of the table to its kind.
            let Ok(value) = value::of_text(setting, text) else { continue };
            values.insert(setting.key.to_owned(), Found { value, origin: Origin::Default });
        }
        for layer in layers {
            values.extend(layer.values);
        }
        Settings { values }
    }

    /// What holds for a key; nothing if nothing sets it and it has no default.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Found> {
        self.values.get(key)
    }

    /// True if the key is set to `true`.
    #[must_use]
    pub fn is_on(&self, key: &str) -> bool {
        matches!(self.get(key), Some(Found { value: Value::Bool(true), .. }))
    }

    /// The number or size of a key; nothing if it has none or a word takes its place, such as `none`.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<u64> {
        match self.get(key)?.value {
            Value::Count(number) | Value::Size(number) => Some(number),
            _ => None,
        }
    }

    /// The path of a key; nothing if it has none or a word takes its place, such as `off`.
    #[must_use]
    pub fn path(&self, key: &str) -> Option<&str> {
        match &self.get(key)?.value {
            Value::Path(path) => Some(path),
            _ => None,
        }
    }

    /// The text of a key; nothing if it has none or a word takes its place, such as `off`.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match &self.get(key)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The word of a key; nothing if its value is not one of its words.
    #[must_use]
    pub fn word(&self, key: &str) -> Option<&'static str> {
        match self.get(key)?.value {
            Value::Word(word) => Some(word),
            _ => None,
        }
    }

    /// Everything that holds, by key.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Found)> {
        self.values.iter().map(|(key, found)| (key.as_str(), found))
    }
}

/// Looks up the row of a key with every part spelt out.
#[must_use]
pub fn find(key: &str) -> Option<&'static Setting> {
    let parts: Vec<&str> = key.split('.').collect();
    TABLE.iter().find(|setting| setting.matches(&parts, true))
}

impl Setting {
    /// True if these parts are the key, or with `whole` unset, lead to it.
    fn matches(&self, parts: &[&str], whole: bool) -> bool {
        let own: Vec<&str> = self.key.split('.').collect();
        let right_length = if whole { parts.len() == own.len() } else { parts.len() < own.len() };
        right_length && own.iter().zip(parts).all(|(own, part)| stands_for(own, part))
    }
}

/// True if a part of a row's key stands for whatever the user calls it.
fn is_placeholder(part: &str) -> bool {
    part.starts_with(|letter: char| letter.is_ascii_uppercase())
}

fn stands_for(own: &str, part: &str) -> bool {
    own == part || is_placeholder(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_unique_documented_and_hold_their_own_values() {
        let (mut keys, mut variables) = (Vec::new(), Vec::new());
        for setting in TABLE {
            assert!(!keys.contains(&setting.key), "{} twice", setting.key);
            keys.push(setting.key);
            assert!(setting.doc.ends_with('.'), "{}", setting.key);
            assert!(setting.key.contains('.'), "{}: keys live in sections", setting.key);
            if let Some(name) = setting.variable {
                assert!(!variables.contains(&name) && name.starts_with("ANYMOD_"), "{name}");
                variables.push(name);
            }
            if let Fallback::Value(text) = setting.default {
                assert!(value::of_text(setting, text).is_ok(), "{}: {text}", setting.key);
            }
            assert!(setting.kind != Kind::Word || setting.default_is_word(), "{}", setting.key);
            let (sections, name) = setting.key.rsplit_once('.').unwrap();
            let section = match setting.names.first() {
                Some(first) => sections.replace("NAME", first),
                None => sections.to_owned(),
            };
            let text = format!("[{section}]\n{name} = {}\n", setting.example);
            let layer = parse(&text, "x.toml").unwrap();
            assert!(layer.values.contains_key(&format!("{section}.{name}")), "{text}");
        }
    }

    impl Setting {
        fn default_is_word(&self) -> bool {
            let Fallback::Value(text) = self.default else { return false };
            self.words.iter().any(|(word, _)| *word == text)
        }
    }

    #[test]
    fn the_last_layer_wins_and_says_where_from() {
        let file = parse("[build]\njobs = 3\nkeep-going = true\n", "user.toml").unwrap();
        let variables = Layer::of_variables(|name| (name == "ANYMOD_JOBS").then_some("4")).unwrap();
        let mut flags = Layer::new();
        flags.flag("store.path", "--store", "off").unwrap();
        let settings = Settings::of([file, variables, flags]);
        assert_eq!(settings.number("build.jobs"), Some(4));
        assert_eq!(settings.get("build.jobs").unwrap().origin.to_string(), "ANYMOD_JOBS");
        assert!(settings.is_on("build.keep-going"));
        let origin = &settings.get("build.keep-going").unwrap().origin;
        assert_eq!(origin.to_string(), "user.toml");
        assert_eq!(settings.word("store.path"), Some("off"));
        assert_eq!(settings.path("store.path"), None);
        assert_eq!(settings.number("store.max-size"), Some(10 << 30));
        assert_eq!(settings.get("store.max-size").unwrap().origin, Origin::Default);
    }

    #[test]
    fn a_wrong_variable_or_flag_is_called_by_its_name() {
        let wrong = Layer::of_variables(|name| match name {
            "ANYMOD_JOBS" => Some("many"),
            "ANYMOD_STORE_LINK" => Some("reflik"),
            "ANYMOD_KEEP_GOING" => Some(""),
            _ => None,
        });
        let findings = wrong.unwrap_err().0;
        let messages: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "`ANYMOD_STORE_LINK` does not take `reflik`",
                "`ANYMOD_JOBS` has to be a whole number from 1, but this is `many`",
            ]
        );
        assert_eq!(findings[0].hint.as_deref(), Some("did you mean `reflink`?"));
        let error = Layer::new().flag("build.jobs", "--jobs", "0").unwrap_err();
        assert!(error.message.starts_with("`--jobs` has to be"), "{}", error.message);
    }
}
