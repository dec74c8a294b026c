//! The files `WHEEL` and `METADATA`: lines `Name: value` up to an empty line.

use std::fmt;

/// Names and values in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, String)>);

impl Headers {
    /// Reads lines up to the first empty one. A line that begins with a blank goes on with the value before; a line
    /// without a colon is passed over.
    #[must_use]
    pub fn parse(text: &str) -> Headers {
        let mut rows: Vec<(String, String)> = Vec::new();
        for line in text.lines().take_while(|line| !line.trim().is_empty()) {
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = rows.last_mut() {
                    value.push('\n');
                    value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':') {
                rows.push((name.trim().to_owned(), value.trim().to_owned()));
            }
        }
        Headers(rows)
    }

    /// The first value of a name, in any letter case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of a name, in any letter case.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(row, _)| row.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Puts these values where the first of that name is, or at the end, and drops all others of it.
    pub fn set(&mut self, name: &str, values: impl IntoIterator<Item = String>) {
        let is_it = |(row, _): &(String, String)| row.eq_ignore_ascii_case(name);
        let at = self.0.iter().position(is_it).unwrap_or(self.0.len());
        self.0.retain(|row| !is_it(row));
        let at = at.min(self.0.len());
        self.0.splice(at..at, values.into_iter().map(|value| (name.to_owned(), value)));
    }
}

impl fmt::Display for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, value)| {
            writeln!(f, "{name}: {}", value.replace('\n', "\n        "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_and_replaced() {
        let text =
            "Wheel-Version: 1.0\r\nTag: a-b-c\nTag: d-e-f\nBuild: 1\nX: y\n  z\n\nTag: body\n";
        let mut headers = Headers::parse(text);
        assert_eq!(headers.get("tag"), Some("a-b-c"));
        assert_eq!(headers.all("Tag").count(), 2);
        assert_eq!(headers.get("x"), Some("y\nz"));
        headers.set("Tag", ["g-h-i".to_owned()]);
        headers.set("Root-Is-Purelib", ["false".to_owned()]);
        let expected =
            "Wheel-Version: 1.0\nTag: g-h-i\nBuild: 1\nX: y\n        z\nRoot-Is-Purelib: false\n";
        assert_eq!(headers.to_string(), expected);
        assert_eq!(Headers::parse(expected), headers);
    }
}
