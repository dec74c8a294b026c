//! The dependency files that compilers write for make (`-MD`): which headers a source was compiled with.

/// The prerequisites of a dependency file's rules, in order, each once; the source itself is among them.
///
/// In a name, a blank and `#` are written with a backslash before them and `$` twice; a backslash at the end of a line
/// continues it. Compilers leave all other characters as they are, so a backslash before anything else is itself.
pub(crate) fn parse(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut name = String::new();
    let mut in_targets = true;
    let mut letters = text.chars().peekable();
    loop {
        let letter = letters.next();
        match letter {
            Some('\\') => match letters.peek() {
                Some(' ' | '#') => name.extend(letters.next()),
                Some('\n') => {
                    letters.next();
                    end(&mut name, in_targets, &mut names);
                }
                Some('\r') => {
                    letters.next();
                    letters.next_if_eq(&'\n');
                    end(&mut name, in_targets, &mut names);
                }
                _ => name.push('\\'),
            },
            Some('$') => {
                letters.next_if_eq(&'$');
                name.push('$');
            }
            // The colon that ends the targets is followed by a blank; one in a name is not.
            Some(':') if in_targets && letters.peek().is_none_or(|next| next.is_whitespace()) => {
                name.clear();
                in_targets = false;
            }
            Some('\n') | None => {
                end(&mut name, in_targets, &mut names);
                in_targets = true;
                if letter.is_none() {
                    return names;
                }
            }
            Some(' ' | '\t' | '\r') => end(&mut name, in_targets, &mut names),
            Some(letter) => name.push(letter),
        }
    }
}

fn end(name: &mut String, in_targets: bool, names: &mut Vec<String>) {
    let name = std::mem::take(name);
    if !in_targets && !name.is_empty() && !names.contains(&name) {
        names.push(name);
    }
}

/// The same of a file that Cython wrote, where each name has a line of its own. Before 3.3 a blank in it is written as it is.
pub(crate) fn parse_cython(text: &str) -> Vec<String> {
    let lines = text.lines().skip(1).map(str::trim_start);
    let names = lines.map(|line| line.strip_suffix(" \\").unwrap_or(line).replace("\\ ", " "));
    names.filter(|name| !name.is_empty()).collect()
}

/// A name as it stands in a dependency file.
pub(crate) fn quoted(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            ' ' | '#' => text.extend(['\\', letter]),
            '$' => text.push_str("$$"),
            _ => text.push(letter),
        }
    }
    text
}

/// A dependency file: a rule that makes `targets`, which are quoted already, of files, and with `phony` a rule without
/// anything for each file but the first.
pub(crate) fn write(targets: &[String], files: &[String], phony: bool) -> String {
    let mut text = targets.join(" ") + ":";
    for file in files {
        text += " \\\n  ";
        text += &quoted(file);
    }
    text.push('\n');
    for file in files.iter().skip(1).filter(|_| phony) {
        text += &quoted(file);
        text += ":\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rules_are_read() {
        let text = "out.o: a.c /usr/include/x.h \\\n  my\\ dir/\\#y.h a.c \\\n $$z.h\nphony.h:\n";
        assert_eq!(parse(text), ["a.c", "/usr/include/x.h", "my dir/#y.h", "$z.h"]);
        assert_eq!(parse("C:/out.o: C:/a.c\r\n"), ["C:/a.c"]);
        assert_eq!(parse("a.o: ä b\\c.h"), ["ä", "b\\c.h"]);
        assert_eq!(parse(""), [""; 0]);
    }

    proptest! {
        #[test]
        fn written_names_are_read_back(names in prop::collection::vec("[a-zA-Z0-9 #$äß./_-]{1,12}", 0..8), phony: bool) {
            let mut expected: Vec<String> = Vec::new();
            for name in names {
                if !expected.contains(&name) {
                    expected.push(name);
                }
            }
            prop_assert_eq!(parse(&write(&["out.o".to_owned()], &expected, phony)), expected);
        }

        #[test]
        fn names_of_cython_are_read(names in prop::collection::vec("[a-zA-Z0-9#$äß./_][a-zA-Z0-9 #$äß./_-]{0,9}[a-z]", 1..8), escaped: bool) {
            let written = |name: &String| if escaped { name.replace(' ', "\\ ") } else { name.clone() };
            let lines: Vec<String> = names.iter().map(written).collect();
            let text = format!("my out.c: \\\n  {}\n", lines.join(" \\\n  "));
            prop_assert_eq!(parse_cython(&text), names);
        }

        #[test]
        fn nothing_panics(text: String) {
            parse(&text);
            parse_cython(&text);
        }
    }
}
