//! The data module of CPython's `sysconfig`: read as Python writes it, and written for this machine.
//!
//! The module assigns a dictionary to `build_time_vars`, with strings and whole numbers as values (CPython's
//! `Lib/sysconfig`, `_generate_posix_vars`). Pyodide's own is made of it by turning the publisher's directory into
//! `f'{PYODIDE_ROOT}/...'`. No Python runs here: it is data and read as such.

use std::collections::BTreeMap;

/// A value of the dictionary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Number(i64),
}

impl Value {
    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            Value::Number(_) => None,
        }
    }
}

/// The dictionary.
pub(crate) type Variables = BTreeMap<String, Value>;

/// What stands for the publisher's directory until [`rewrite`] knows a better one.
const PLACEHOLDER: &str = "{PYODIDE_ROOT}";

/// Reads the dictionary out of the module; what is wrong with it, if it is not one.
pub(crate) fn read(module: &str) -> Result<Variables, String> {
    const NAME: &str = "build_time_vars";
    let start = module
        .match_indices(NAME)
        .find(|(at, _)| *at == 0 || module.get(..*at).is_some_and(|before| before.ends_with('\n')))
        .ok_or_else(|| format!("it does not assign `{NAME}`"))?;
    let rest = module.get(start.0 + NAME.len()..).unwrap_or_default();
    let mut reader = Reader { rest };
    reader.expect('=')?;
    reader.expect('{')?;
    let mut variables = Variables::new();
    loop {
        if reader.take('}') {
            return Ok(variables);
        }
        let name = reader.strings()?.ok_or_else(|| reader.wrong("a name"))?;
        reader.expect(':')?;
        let value = match reader.strings()? {
            Some(text) => Value::Text(text),
            None => Value::Number(reader.number()?),
        };
        variables.insert(name, value);
        if !reader.take(',') {
            reader.expect('}')?;
            return Ok(variables);
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    /// Skips white space, comments and the backslash that joins lines.
    fn skip(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.starts_with('#') {
                self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
            } else {
                return;
            }
        }
    }

    fn take(&mut self, wanted: char) -> bool {
        self.skip();
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        if self.take(wanted) { Ok(()) } else { Err(self.wrong(&format!("`{wanted}`"))) }
    }

    fn wrong(&self, wanted: &str) -> String {
        let found: String = self.rest.chars().take(20).collect();
        format!("{wanted} is expected where there is {found:?}")
    }

    fn number(&mut self) -> Result<i64, String> {
        self.skip();
        let digits = |c: char| c != '-' && !c.is_ascii_digit();
        let (number, rest) = self.rest.split_at(self.rest.find(digits).unwrap_or(self.rest.len()));
        let parsed = number.parse().map_err(|_| self.wrong("a string or a whole number"))?;
        self.rest = rest;
        Ok(parsed)
    }

    /// Strings that stand side by side are one, as Python has it; nothing if there is no string.
    fn strings(&mut self) -> Result<Option<String>, String> {
        let mut text: Option<String> = None;
        loop {
            self.skip();
            let formatted = self.rest.strip_prefix(['f', 'F']);
            let rest = formatted.unwrap_or(self.rest);
            let Some(quote) = rest.chars().next().filter(|c| matches!(c, '\'' | '"')) else {
                return Ok(text);
            };
            self.rest = rest.get(1..).unwrap_or_default();
            self.string(quote, formatted.is_some(), text.get_or_insert_default())?;
        }
    }

    fn string(&mut self, quote: char, formatted: bool, text: &mut String) -> Result<(), String> {
        let mut characters = self.rest.chars();
        loop {
            match characters.next() {
                None | Some('\n') => return Err("a string does not end".to_owned()),
                Some(c) if c == quote => break,
                Some('\\') => escape(&mut characters, text)?,
                Some(c @ ('{' | '}')) if formatted => {
                    let after = characters.as_str();
                    if let Some(after) = after.strip_prefix(c) {
                        text.push(c);
                        characters = after.chars();
                    } else if let Some(after) = after.strip_prefix("PYODIDE_ROOT}") {
                        text.push_str(PLACEHOLDER);
                        characters = after.chars();
                    } else {
                        return Err("a string is formatted with something unknown".to_owned());
                    }
                }
                Some(c) => text.push(c),
            }
        }
        self.rest = characters.as_str();
        Ok(())
    }
}

/// Reads what stands after a backslash.
fn escape(characters: &mut std::str::Chars<'_>, text: &mut String) -> Result<(), String> {
    let length = match characters.next() {
        Some('x') => 2,
        Some('u') => 4,
        Some('U') => 8,
        Some(c) => {
            match c {
                '\n' => {}
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                '\\' | '\'' | '"' => text.push(c),
                // Python leaves an escape that it does not know as it is.
                c => text.extend(['\\', c]),
            }
            return Ok(());
        }
        None => return Err("a string does not end".to_owned()),
    };
    let rest = characters.as_str();
    let code = rest.get(..length).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let c = code.and_then(char::from_u32).ok_or("a string has a wrong escape")?;
    text.push(c);
    *characters = rest.get(length..).unwrap_or_default().chars();
    Ok(())
}

/// The data for this machine: what the publisher's machine had is not here. `home` is the environment's directory,
/// `include` that of CPython's headers.
pub(crate) fn rewrite(variables: &Variables, home: &str, include: &str) -> Variables {
    let prefix = variables.get("prefix").and_then(Value::text).unwrap_or_default();
    // Pyodide installs its CPython into `cpython/installs` of its own tree, where everything else is as well.
    let root = prefix.split("/cpython/").next().filter(|root| root.len() > 1);
    let foreign = [prefix, root.unwrap_or(prefix), PLACEHOLDER];
    let mut rewritten = Variables::new();
    for (name, value) in variables {
        let value = match value {
            Value::Number(number) => Value::Number(*number),
            Value::Text(text) => {
                let mut text = text.clone();
                for tool in ["emcc", "em++", "emar", "emranlib", "emstrip", "emnm"] {
                    text = tool_name(&text, tool, &foreign);
                }
                for directory in foreign.iter().filter(|directory| directory.len() > 1) {
                    text = text.replace(directory, home);
                }
                Value::Text(text)
            }
        };
        rewritten.insert(name.clone(), value);
    }
    let parent = include.rsplit_once('/').map_or(include, |(parent, _)| parent);
    for (name, path) in [
        ("INCLUDEPY", include),
        ("CONFINCLUDEPY", include),
        ("INCLUDEDIR", parent),
        ("CONFINCLUDEDIR", parent),
        ("prefix", home),
        ("exec_prefix", home),
    ] {
        rewritten.insert(name.to_owned(), Value::Text(path.to_owned()));
    }
    rewritten
}

/// Puts a tool's plain name in the place of its path on the publisher's machine: it is looked up on the `PATH`.
fn tool_name(text: &str, tool: &str, foreign: &[&str]) -> String {
    let plain = match tool {
        "emcc" => "cc",
        "em++" => "c++",
        other => other.strip_prefix("em").unwrap_or(other),
    };
    let word = |word: &str| {
        let file = word.rsplit_once('/').is_some_and(|(_, file)| file == tool);
        let theirs =
            foreign.iter().any(|directory| directory.len() > 1 && word.starts_with(directory));
        if file && theirs { plain.to_owned() } else { word.to_owned() }
    };
    // Words are kept apart by what kept them apart: spaces, quotes and the `=` of an assignment.
    text.split_inclusive([' ', '\'', '"', '='])
        .map(|part| {
            let end = part.trim_end_matches([' ', '\'', '"', '=']);
            word(end) + part.get(end.len()..).unwrap_or_default()
        })
        .collect()
}

/// The module.
pub(crate) fn write(variables: &Variables) -> String {
    let mut text = String::from(
        "# Configuration of the target's CPython, with paths of this machine.\nbuild_time_vars = {\n",
    );
    for (name, value) in variables {
        let value = match value {
            Value::Number(number) => number.to_string(),
            Value::Text(text) => literal(text),
        };
        text += &format!("    {}: {value},\n", literal(name));
    }
    text + "}\n"
}

/// A string as a Python literal.
fn literal(text: &str) -> String {
    let mut literal = String::from("'");
    for c in text.chars() {
        match c {
            '\\' => literal += "\\\\",
            '\'' => literal += "\\'",
            '\n' => literal += "\\n",
            c if c.is_control() => literal += &format!("\\u{:04x}", u32::from(c)),
            c => literal.push(c),
        }
    }
    literal + "'"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MODULE: &str = r#"# system configuration generated and used by the sysconfig module
import os
PYODIDE_ROOT = os.environ.get("PYODIDE_ROOT", "/root/repo")
build_time_vars = {'AR': f'{PYODIDE_ROOT}/emsdk/bin/emar', 'CC': 'cc', 'MINUS': -1,
 'INCLUDEPY': f'{PYODIDE_ROOT}/cpython/installs/python-3.13.2/include/python3.13',
 'ARGS': f"'CC={PYODIDE_ROOT}/emsdk/bin/emcc' "
         "'x={y}' \x41",
 'prefix': f'{PYODIDE_ROOT}/cpython/installs/python-3.13.2', 'SIZEOF_LONG': 4}
"#;

    #[test]
    fn pyodides_data_is_read_and_moved() {
        let variables = read(MODULE).unwrap();
        assert_eq!(variables["SIZEOF_LONG"], Value::Number(4));
        assert_eq!(variables["MINUS"], Value::Number(-1));
        assert_eq!(variables["CC"].text(), Some("cc"));
        let here = rewrite(&variables, "/home/é x/t", "/home/é x/t/include/python3.13");
        assert_eq!(here["AR"].text(), Some("ar"));
        assert_eq!(here["prefix"].text(), Some("/home/é x/t"));
        assert_eq!(here["INCLUDEPY"].text(), Some("/home/é x/t/include/python3.13"));
        assert_eq!(here["INCLUDEDIR"].text(), Some("/home/é x/t/include"));
        assert_eq!(here["ARGS"].text(), Some("'CC=cc' 'x={y}' A"));
        assert_eq!(read(&write(&here)).unwrap(), here);
    }

    #[test]
    fn data_with_absolute_paths_is_moved_too() {
        let module = "build_time_vars = {'prefix': '/root/repo/cpython/installs/python-3.11.3',\n 'AR': '/root/repo/emsdk/emar', 'src': '/root/repo/cpython/build'}";
        let here = rewrite(&read(module).unwrap(), "/t", "/t/include/python3.11");
        assert_eq!(here["AR"].text(), Some("ar"));
        assert_eq!(here["src"].text(), Some("/t/cpython/build"));
    }

    #[test]
    fn what_is_no_data_is_told() {
        for (module, expected) in [
            ("x = 1", "does not assign"),
            ("build_time_vars = {'a': 'b}", "does not end"),
            ("build_time_vars = {'a' 1}", "`:` is expected"),
            ("build_time_vars = {'a': foo()}", "a string or a whole number is expected"),
            ("build_time_vars = {'a': f'{x}'}", "something unknown"),
            ("build_time_vars = {'a': '\\xzz'}", "wrong escape"),
            ("build_time_vars = {'a': 1", "`}` is expected"),
        ] {
            let error = read(module).unwrap_err();
            assert!(error.contains(expected), "{module}: {error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            entries in proptest::collection::btree_map("\\PC*", "\\PC*|[\n\t\r\\\\'\"]*", 0..8)
        ) {
            let variables: Variables =
                entries.into_iter().map(|(name, text)| (name, Value::Text(text))).collect();
            prop_assert_eq!(read(&write(&variables)).unwrap(), variables);
        }

        #[test]
        fn nothing_makes_the_reader_panic(text in "(build_time_vars = \\{)?[ -~é\n\\\\{}'\"f:,]*") {
            let _ = read(&text);
        }
    }
}
