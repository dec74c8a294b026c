//! The language: reads the text of a program into statements; never runs or translates one.
//!
//! A line is a call, with a name for what it returns if that is wanted: `code = qrcode.encode("text", "M")`. Arguments are
//! texts, numbers, names and calls. What follows a `#` at the beginning of a line is a comment.

use std::str::Chars;

/// A line of a program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    /// What the program calls the result from here on.
    pub(crate) name: Option<String>,
    /// What is called.
    pub(crate) call: Call,
    /// Its line in the file, from 1.
    pub(crate) line: usize,
}

/// A call of a module's function.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// The module, as in `qrcode.encode`.
    pub(crate) module: String,
    /// The function, without the module.
    pub(crate) function: String,
    /// What it is given.
    pub(crate) arguments: Vec<Expression>,
}

impl Call {
    /// The function's name in C and among the exports of a bundle.
    pub(crate) fn symbol(&self) -> String {
        format!("{}_{}", self.module, self.function)
    }
}

/// An argument.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Expression {
    /// A text between quotation marks.
    Text(String),
    /// A number of 32 bits.
    Number(i32),
    /// What an earlier line has named.
    Name(String),
    /// What a call returns.
    Call(Call),
}

/// Reads a program.
///
/// # Errors
/// The first line that is none of the language, and why.
pub(crate) fn read(text: &str) -> Result<Vec<Statement>, String> {
    let mut statements: Vec<Statement> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line_number = index + 1;
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let named = |name: &str| statements.iter().any(|old| old.name.as_deref() == Some(name));
        let statement = Reader { rest: line.chars(), named: &named }.statement(line_number);
        statements.push(statement.map_err(|error| format!("line {line_number}: {error}"))?);
    }
    Ok(statements)
}

/// The rest of a line.
struct Reader<'a> {
    rest: Chars<'a>,
    /// True for names that earlier lines have given.
    named: &'a dyn Fn(&str) -> bool,
}

impl Reader<'_> {
    fn statement(&mut self, line: usize) -> Result<Statement, String> {
        let first = self.word()?;
        let name = if self.taken('=') { Some(first.clone()) } else { None };
        let module = if name.is_some() { self.word()? } else { first };
        let call = self.call(module)?;
        if let Some(name) = &name
            && (self.named)(name)
        {
            return Err(format!("`{name}` has a value already"));
        }
        match self.rest.as_str() {
            "" => Ok(Statement { name, call, line }),
            rest => Err(format!("`{rest}` is too much")),
        }
    }

    /// A call, whose module has been read.
    fn call(&mut self, module: String) -> Result<Call, String> {
        self.expect('.')?;
        let function = self.word()?;
        self.expect('(')?;
        let mut arguments = Vec::new();
        if !self.taken(')') {
            loop {
                arguments.push(self.expression()?);
                if self.taken(')') {
                    break;
                }
                self.expect(',')?;
            }
        }
        Ok(Call { module, function, arguments })
    }

    fn expression(&mut self) -> Result<Expression, String> {
        self.skip_spaces();
        match self.rest.clone().next() {
            Some('"') => self.text().map(Expression::Text),
            Some('-' | '0'..='9') => {
                let digits = self.while_(|c| c == '-' || c.is_ascii_digit());
                let number = digits.parse().map(Expression::Number);
                number.map_err(|_| format!("`{digits}` is no number of 32 bits"))
            }
            _ => {
                let word = self.word()?;
                if self.rest.as_str().starts_with('.') {
                    return self.call(word).map(Expression::Call);
                }
                if (self.named)(&word) {
                    return Ok(Expression::Name(word));
                }
                Err(format!("`{word}` has no value"))
            }
        }
    }

    fn text(&mut self) -> Result<String, String> {
        self.expect('"')?;
        let mut text = String::new();
        loop {
            match self.rest.next() {
                Some('"') => return Ok(text),
                Some('\\') => match self.rest.next() {
                    Some('n') => text.push('\n'),
                    Some(literal @ ('"' | '\\')) => text.push(literal),
                    other => return Err(format!("`\\{}` means nothing", other.unwrap_or(' '))),
                },
                Some(character) => text.push(character),
                None => return Err("the text does not end".to_owned()),
            }
        }
    }

    /// A word of letters, digits and underscores.
    fn word(&mut self) -> Result<String, String> {
        self.skip_spaces();
        let word = self.while_(|c| c == '_' || c.is_ascii_alphanumeric());
        if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(format!("a name is missing before `{}`", self.rest.as_str()));
        }
        Ok(word)
    }

    fn while_(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let rest = self.rest.as_str();
        let length = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(length);
        self.rest = rest.chars();
        word.to_owned()
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.as_str().trim_start().chars();
    }

    /// Takes a character, and spaces on both sides, if it is next.
    fn taken(&mut self, character: char) -> bool {
        self.skip_spaces();
        let taken = self.rest.as_str().strip_prefix(character);
        if let Some(rest) = taken {
            // Spaces of a text belong to it.
            self.rest = if character == '"' { rest } else { rest.trim_start() }.chars();
        }
        taken.is_some()
    }

    fn expect(&mut self, character: char) -> Result<(), String> {
        if self.taken(character) {
            return Ok(());
        }
        match self.rest.as_str() {
            "" => Err(format!("`{character}` is missing at the end")),
            rest => Err(format!("`{character}` is missing before `{rest}`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Call, Expression, Statement, read};

    #[test]
    fn a_program() {
        let text = "# a comment\n\n a = m.f(\" x\\\"\", -7)\nm.g(a,m.h())\n";
        let call = |function: &str, arguments| Call {
            module: "m".to_owned(),
            function: function.to_owned(),
            arguments,
        };
        let first = vec![Expression::Text(" x\"".to_owned()), Expression::Number(-7)];
        let second =
            vec![Expression::Name("a".to_owned()), Expression::Call(call("h", Vec::new()))];
        let expected = vec![
            Statement { name: Some("a".to_owned()), call: call("f", first), line: 3 },
            Statement { name: None, call: call("g", second), line: 4 },
        ];
        assert_eq!(read(text), Ok(expected));
    }

    #[test]
    fn what_is_none() {
        for (text, error) in [
            ("m.f(", "line 1: a name is missing before ``"),
            ("\nm.f(1", "line 2: `,` is missing at the end"),
            ("m.f(x)", "line 1: `x` has no value"),
            ("x = m.f()\nx = m.f()", "line 2: `x` has a value already"),
            ("m.f() m", "line 1: `m` is too much"),
            ("m.f(\"x)", "line 1: the text does not end"),
            ("m.f(\"\\x\")", "line 1: `\\x` means nothing"),
            ("m.f(4294967296)", "line 1: `4294967296` is no number of 32 bits"),
            ("print(1)", "line 1: `.` is missing before `(1)`"),
        ] {
            assert_eq!(read(text), Err(error.to_owned()), "{text}");
        }
    }
}
