//! What a TypeScript declaration file says that a module exports, found without a TypeScript compiler: the statements at its
//! top level that begin with `export`.

/// Something that is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Its name.
    pub name: String,
    /// True if there is a value of that name when a program runs; types exist for the compiler alone.
    pub value: bool,
    /// Where its name is, in bytes from the start.
    pub offset: usize,
}

/// Everything that the text exports, in its order; overloads are there once.
#[must_use]
pub fn declared(text: &str) -> Vec<Declared> {
    let words = words(text);
    let mut found: Vec<Declared> = Vec::new();
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(word) = words.get(at) {
        at += 1;
        match word.text {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth = depth.saturating_sub(1),
            "export" if depth == 0 => statement(&words, &mut at, &mut found),
            _ => {}
        }
    }
    found
}

/// Reads the statement after an `export`.
fn statement(words: &[Word<'_>], at: &mut usize, found: &mut Vec<Declared>) {
    let mut value = true;
    while let Some(word) = words.get(*at) {
        match word.text {
            "declare" | "abstract" | "async" => *at += 1,
            "default" => {
                add(found, word, true);
                return;
            }
            "interface" => value = false,
            "type" if words.get(*at + 1).is_some_and(|next| next.text == "{") => {
                *at += 1;
                return list(words, at, false, found);
            }
            "type" => value = false,
            // `const enum` has no value: compilers put its numbers in its place.
            "const" if words.get(*at + 1).is_some_and(|next| next.text == "enum") => {
                value = false;
                *at += 1;
            }
            "function" | "class" | "enum" | "const" | "let" | "var" | "namespace" | "module" => {}
            "{" => return list(words, at, true, found),
            _ => return,
        }
        if !matches!(word.text, "declare" | "abstract" | "async") {
            *at += 1;
            if let Some(name) = words.get(*at).filter(|name| is_name(name.text)) {
                *at += 1;
                add(found, name, value);
            }
            return;
        }
    }
}

/// Reads `{ a, b as c }`.
fn list(words: &[Word<'_>], at: &mut usize, value: bool, found: &mut Vec<Declared>) {
    let mut name: Option<&Word<'_>> = None;
    *at += 1;
    while let Some(word) = words.get(*at) {
        *at += 1;
        match word.text {
            "," | "}" => {
                if let Some(name) = name.take() {
                    add(found, name, value);
                }
                if word.text == "}" {
                    return;
                }
            }
            "as" => {}
            _ => name = Some(word),
        }
    }
}

fn add(found: &mut Vec<Declared>, word: &Word<'_>, value: bool) {
    match found.iter_mut().find(|known| known.name == word.text) {
        Some(known) => known.value |= value,
        None => found.push(Declared { name: word.text.to_owned(), value, offset: word.offset }),
    }
}

fn is_name(word: &str) -> bool {
    word.starts_with(|letter: char| letter.is_alphabetic() || matches!(letter, '_' | '$'))
}

/// A name or a sign.
struct Word<'a> {
    text: &'a str,
    offset: usize,
}

/// Takes a text apart, without comments and what is between quotes.
fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let offset = text.len() - rest.len();
        let length = if let Some(comment) = rest.strip_prefix("//") {
            2 + comment.find('\n').unwrap_or(comment.len())
        } else if let Some(comment) = rest.strip_prefix("/*") {
            2 + comment.find("*/").map_or(comment.len(), |end| end + 2)
        } else if matches!(letter, '"' | '\'' | '`') {
            1 + quoted(&rest[1..], letter)
        } else if is_name(rest) {
            let part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$');
            let end = rest.find(|letter| !part(letter)).unwrap_or(rest.len());
            words.push(Word { text: &rest[..end], offset });
            end
        } else {
            if !letter.is_whitespace() {
                words.push(Word { text: &rest[..letter.len_utf8()], offset });
            }
            letter.len_utf8()
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    words
}

/// Length of a quoted text with its end.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        if letter == quote && !escaped {
            return at + 1;
        }
        escaped = letter == '\\' && !escaped;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str, value: bool) -> Vec<String> {
        let wanted = declared(text).into_iter().filter(|one| one.value == value);
        wanted.map(|one| one.name).collect()
    }

    #[test]
    fn statements_at_the_top_are_exports() {
        let text = "// export function no(): void;
/** export class No {} */
export declare function f(a: { export: number }): void;
export function f(a: string): void;
export const a: number, s = \"export class No\";
export abstract class C { export: string; constructor(); }
export declare enum E { A = 1 }
export const enum K { A }
export interface I { x: number }
export type T = I | { y: string };
export namespace N { export const inner: 1; }
export default f;
declare function g(): void;
export { g, h as renamed };
export type { U };
";
        assert_eq!(names(text, true), ["f", "a", "C", "E", "N", "default", "g", "renamed"]);
        assert_eq!(names(text, false), ["K", "I", "T", "U"]);
        let first = &declared(text)[0];
        assert_eq!(&text[first.offset..first.offset + 1], "f");
    }

    #[test]
    fn anything_is_read_without_a_panic() {
        for text in [
            "export",
            "export {",
            "export type",
            "export const",
            "`",
            "/*",
            "'\\",
            "}}}export function ä(",
        ] {
            let _ = declared(text);
        }
    }
}
