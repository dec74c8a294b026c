//! The reader: TOML text to a tree of sections, checked against the key table in one pass that reports every error.
//!
//! It knows kinds of values, not what a particular key means; sections referring to each other are `check`'s business.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned as Toml;
use toml::de::{DeTable, DeValue};

use super::schema::{Child, Key, Kind, NameKind, ROOT, Section};
use super::suggest::nearest;
use super::values::Spanned;
use super::words;
use crate::codes::manifest as codes;
use crate::{Code, Diagnostic, Place};

/// A macro's definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Define {
    /// Defined as this text.
    As(String),
    /// Not defined, whatever an earlier layer says.
    Off,
}

/// A checked value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Bool(Spanned<bool>),
    One(Spanned<String>),
    Many(Vec<Spanned<String>>),
    Defines(BTreeMap<String, Spanned<Define>>),
    Facts(BTreeMap<String, Spanned<String>>),
}

/// The values of a section by key.
pub(super) type Layer = BTreeMap<&'static str, Value>;

/// A section that was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    /// Its own values.
    pub(super) layer: Layer,
    /// The sections inside by name in the key table, those of a name in file order.
    pub(super) children: BTreeMap<&'static str, Vec<Inner>>,
}

/// A section inside another.
#[derive(Clone, Debug)]
pub(super) struct Inner {
    /// The name that the user chose; empty where the table leaves no choice.
    pub(super) label: Spanned<String>,
    /// What it holds.
    pub(super) node: Node,
}

impl Node {
    /// The section inside that has no name of its own.
    pub(super) fn child(&self, name: &str) -> Option<&Node> {
        self.named(name).map(|inner| &inner.node).next()
    }

    /// The sections inside that have names of their own, in file order.
    pub(super) fn named(&self, name: &str) -> std::slice::Iter<'_, Inner> {
        self.children.get(name).map_or(&[][..], Vec::as_slice).iter()
    }

    /// A string, if the key is set.
    pub(super) fn one(&self, key: &str) -> Option<&Spanned<String>> {
        match self.layer.get(key) {
            Some(Value::One(value)) => Some(value),
            _ => None,
        }
    }

    /// A list, empty if the key is not set.
    pub(super) fn many(&self, key: &str) -> &[Spanned<String>] {
        match self.layer.get(key) {
            Some(Value::Many(values)) => values,
            _ => &[],
        }
    }
}

/// Reads a manifest, or a text that is built in if there is no file, whose values then have no place.
///
/// With any error among the findings the tree is incomplete.
pub(super) fn read(text: &str, file: Option<&str>) -> (Node, Vec<Diagnostic>) {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { file, outer: Vec::new(), findings: Vec::new() };
    for error in errors {
        let span = error.span().unwrap_or(text.len()..text.len());
        let message = error.message().replace('\n', ", ");
        reader.report(&codes::SYNTAX, span, message, None);
    }
    if let Some(last) = reader.findings.last_mut() {
        // What recovery made up would only be reported as further errors.
        last.hint = Some("the rest is checked once the file reads as TOML".to_owned());
        return (Node::default(), reader.findings);
    }
    let node = reader.section(&ROOT, document.get_ref(), "");
    (node, reader.findings)
}

struct Reader<'a> {
    file: Option<&'a str>,
    /// The sections around the one being read, with their paths.
    outer: Vec<(&'static Section, String)>,
    findings: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn report(
        &mut self,
        code: &'static Code,
        span: Range<usize>,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let place = Place::Text { file: self.file.unwrap_or("built in").to_owned(), span };
        let mut finding = Diagnostic::error(code, message).at(place);
        finding.hint = hint;
        self.findings.push(finding);
    }

    fn spanned<T>(&self, value: T, span: Range<usize>) -> Spanned<T> {
        Spanned { value, span: self.file.map(|_| span) }
    }

    fn section(&mut self, section: &'static Section, table: &DeTable<'_>, path: &str) -> Node {
        let mut node = Node::default();
        // The TOML reader sorts by name; the file's order is part of what a manifest says.
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        self.outer.push((section, path.to_owned()));
        for (name, value) in entries {
            if let Some(key) = section.key(name.get_ref()) {
                if let Some(value) = self.value(key, value) {
                    node.layer.insert(key.name, value);
                }
            } else if let Some(child) = section.child(name.get_ref()) {
                self.child(child, name, value, path, &mut node.children);
            } else {
                self.unknown(section, name, value, path);
            }
        }
        self.outer.pop();
        node
    }

    fn child(
        &mut self,
        child: &'static Child,
        name: &Toml<std::borrow::Cow<'_, str>>,
        value: &Toml<DeValue<'_>>,
        path: &str,
        children: &mut BTreeMap<&'static str, Vec<Inner>>,
    ) {
        let path = join(path, child.name);
        let heading = child.named.map_or(path.clone(), |kind| join(&path, kind.placeholder()));
        let hint = Some(format!("write a section `[{heading}]`"));
        let DeValue::Table(table) = value.get_ref() else {
            let message = format!("`{path}` is a section, but this is {}", type_name(value));
            return self.report(&codes::WRONG_TYPE, name.span(), message, hint);
        };
        let Some(kind) = child.named else {
            let node = self.section(child.section, table, &path);
            let label = self.spanned(String::new(), name.span());
            return children.entry(child.name).or_default().push(Inner { label, node });
        };
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(label, _)| label.span().start);
        for (label, value) in entries {
            let DeValue::Table(table) = value.get_ref() else {
                let message = format!(
                    "`{label}` in `[{path}]` has to be a section, but this is {}",
                    type_name(value),
                    label = label.get_ref()
                );
                self.report(&codes::WRONG_TYPE, label.span(), message, hint.clone());
                continue;
            };
            self.label(kind, label.get_ref(), label.span());
            let node = self.section(child.section, table, &join(&path, &quoted(label.get_ref())));
            let label = self.spanned(label.get_ref().to_string(), label.span());
            children.entry(child.name).or_default().push(Inner { label, node });
        }
    }

    fn label(&mut self, kind: NameKind, label: &str, span: Range<usize>) {
        let problem = match kind {
            NameKind::Module => words::module_name(label),
            NameKind::TargetPattern => words::target_pattern(label),
            NameKind::BuildType => words::build_type_name(label),
            NameKind::Artifact => words::artifact_name(label),
            NameKind::Library => words::library_name(label),
        };
        if let Some(problem) = problem {
            self.report(problem.code, span, problem.message, Some(problem.hint));
        }
    }

    fn unknown(
        &mut self,
        section: &'static Section,
        name: &Toml<std::borrow::Cow<'_, str>>,
        value: &Toml<DeValue<'_>>,
        path: &str,
    ) {
        let word = name.get_ref().as_ref();
        let what = if value.get_ref().is_table() { "section" } else { "key" };
        let place =
            if path.is_empty() { "at the top".to_owned() } else { format!("in `[{path}]`") };
        let known: Vec<&str> = section
            .keys()
            .map(|key| key.name)
            .chain(section.children.iter().map(|child| child.name))
            .collect();
        let inner = section.children.iter().find(|child| {
            child.named.is_none() && child.section.keys().any(|key| key.name == word)
        });
        let outer = self.outer.iter().rev().find(|(section, _)| section.key(word).is_some());
        let hint = if let Some(inner) = inner {
            format!("write it in `[{}]`", join(path, inner.name))
        } else if let Some((_, outer)) = outer {
            format!("write it in `[{outer}]`")
        } else if let Some(near) = nearest(word, known.iter().copied()) {
            format!("did you mean `{near}`?")
        } else if let Some(home) = home(&ROOT, "", word) {
            format!("`{word}` belongs in `[{home}]`")
        } else if known.is_empty() {
            "remove it".to_owned()
        } else {
            format!("known here are `{}`", known.join("`, `"))
        };
        let message = format!("unknown {what} `{}` {place}", word.escape_debug());
        self.report(&codes::UNKNOWN_KEY, name.span(), message, Some(hint));
    }

    fn value(&mut self, key: &'static Key, value: &Toml<DeValue<'_>>) -> Option<Value> {
        let found = match (key.kind, value.get_ref()) {
            (Kind::Bool, DeValue::Boolean(flag)) => {
                return Some(Value::Bool(self.spanned(*flag, value.span())));
            }
            (Kind::Defines, DeValue::Table(table)) => {
                return Some(Value::Defines(self.defines(table)));
            }
            (Kind::AbiFacts, DeValue::Table(table)) => {
                return Some(Value::Facts(self.facts(key, table)));
            }
            (kind, DeValue::Array(items)) if kind.is_list() => {
                let items = items.iter().filter_map(|item| self.text(key, item));
                return Some(Value::Many(items.collect()));
            }
            (kind, DeValue::String(_))
                if !kind.is_list() && !kind.is_table() && !matches!(kind, Kind::Bool) =>
            {
                return self.text(key, value).map(Value::One);
            }
            _ => type_name(value),
        };
        let message =
            format!("`{}` has to be {}, but this is {found}", key.name, key.kind.describe());
        let hint = format!("write it like `{} = {}`", key.name, key.example);
        self.report(&codes::WRONG_TYPE, value.span(), message, Some(hint));
        None
    }

    fn text(&mut self, key: &'static Key, value: &Toml<DeValue<'_>>) -> Option<Spanned<String>> {
        let DeValue::String(text) = value.get_ref() else {
            let message = format!("`{}` takes strings, but this is {}", key.name, type_name(value));
            let hint = format!("write it like `{} = {}`", key.name, key.example);
            self.report(&codes::WRONG_TYPE, value.span(), message, Some(hint));
            return None;
        };
        if let Some(problem) = words::value(key, text) {
            self.report(problem.code, value.span(), problem.message, Some(problem.hint));
            return None;
        }
        Some(self.spanned(text.to_string(), value.span()))
    }

    /// Reads a table of single values, each as the text that it is compared by.
    fn facts(
        &mut self,
        key: &'static Key,
        table: &DeTable<'_>,
    ) -> BTreeMap<String, Spanned<String>> {
        let mut facts = BTreeMap::new();
        for (name, value) in table {
            if let Some(problem) = words::fact_name(name.get_ref()) {
                self.report(problem.code, name.span(), problem.message, Some(problem.hint));
            }
            let text = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Boolean(flag) => flag.to_string(),
                DeValue::Integer(number) => number.to_string(),
                _ => {
                    let message = format!(
                        "`{}` in `{}` has to be a string, a number, `true` or `false`, but this is {}",
                        name.get_ref().escape_debug(),
                        key.name,
                        type_name(value)
                    );
                    let hint = format!("write it like `{} = {}`", key.name, key.example);
                    self.report(&codes::WRONG_TYPE, value.span(), message, Some(hint));
                    continue;
                }
            };
            match words::fact(key, &text) {
                Some(problem) => {
                    self.report(problem.code, value.span(), problem.message, Some(problem.hint));
                }
                None => {
                    let text = self.spanned(text, name.span().start..value.span().end);
                    facts.insert(name.get_ref().to_string(), text);
                }
            }
        }
        facts
    }

    fn defines(&mut self, table: &DeTable<'_>) -> BTreeMap<String, Spanned<Define>> {
        let mut defines = BTreeMap::new();
        for (name, value) in table {
            if let Some(problem) = words::macro_name(name.get_ref()) {
                self.report(problem.code, name.span(), problem.message, Some(problem.hint));
            }
            match definition(value.get_ref()) {
                Ok(define) => {
                    let define = self.spanned(define, name.span().start..value.span().end);
                    defines.insert(name.get_ref().to_string(), define);
                }
                Err(problem) => {
                    self.report(problem.code, value.span(), problem.message, Some(problem.hint));
                }
            }
        }
        defines
    }
}

/// Reads a macro's value.
fn definition(value: &DeValue<'_>) -> Result<Define, words::Problem> {
    match value {
        DeValue::Boolean(true) => Ok(Define::As("1".to_owned())),
        DeValue::Boolean(false) => Ok(Define::Off),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(_) if number.radix() == 16 => Ok(Define::As(number.to_string())),
            Ok(number) => Ok(Define::As(number.to_string())),
            Err(_) => Err(words::Problem {
                code: &codes::BAD_VALUE,
                message: format!("`{number}` does not fit 64 bits with a sign"),
                hint: "write the number as a string, with the suffix that C wants".to_owned(),
            }),
        },
        DeValue::String(text) => match words::macro_text(text) {
            None => Ok(Define::As(text.to_string())),
            Some(problem) => Err(problem),
        },
        other => Err(words::Problem {
            code: &codes::WRONG_TYPE,
            message: format!(
                "a macro is `true`, `false`, a whole number or a string, but this is {}",
                article(other.type_str())
            ),
            hint: "write the macro's text as a string".to_owned(),
        }),
    }
}

/// The heading of the section that has a key or section called `word`, wherever that is.
fn home(section: &'static Section, path: &str, word: &str) -> Option<String> {
    for child in section.children {
        let mut path = join(path, child.name);
        if let Some(kind) = child.named {
            path = join(&path, kind.placeholder());
        }
        if child.section.key(word).is_some() {
            return Some(path);
        }
        if let Some(found) = home(child.section, &path, word) {
            return Some(found);
        }
    }
    None
}

pub(crate) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// A key as TOML spells it: bare if it can be.
pub(crate) fn quoted(name: &str) -> String {
    let bare = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.escape_debug())
    }
}

pub(crate) fn type_name(value: &Toml<DeValue<'_>>) -> String {
    article(value.get_ref().type_str())
}

fn article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{article} {noun}")
}
