//! Words as other languages write them: POSIX shells, make, CMake, Meson.

use anymod_build::intercept;

/// A command line as a shell takes it.
pub(super) fn shell(words: &[String]) -> String {
    intercept::shell(words)
}

/// A command line in a makefile: make takes it apart first, then a shell does.
///
/// `$` begins a variable and `#` a comment wherever they stand, so both are escaped also between a shell's quotes.
pub(super) fn make(words: &[String]) -> String {
    shell(words).replace('$', "$$").replace('#', "\\#")
}

/// A list of CMake as text, its elements separated by `;`.
pub(super) fn cmake_list(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| word.replace(';', "\\;")).collect();
    words.join(";")
}

/// The same as an argument between quotes.
pub(super) fn cmake(words: &[String]) -> String {
    let list = cmake_list(words);
    format!("\"{}\"", list.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$"))
}

/// An array of strings for Meson.
pub(super) fn meson(words: &[String]) -> String {
    let words: Vec<String> = words
        .iter()
        .map(|word| format!("'{}'", word.replace('\\', "\\\\").replace('\'', "\\'")))
        .collect();
    format!("[{}]", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_its_own_quotes() {
        let words = ["a b", "it's", "$x#y", "q\"\\;", ""].map(str::to_owned);
        assert_eq!(shell(&words), r#"'a b' 'it'\''s' '$x#y' 'q"\;' ''"#);
        assert_eq!(make(&words), r#"'a b' 'it'\''s' '$$x\#y' 'q"\;' ''"#);
        assert_eq!(cmake(&words), r#""a b;it's;\$x#y;q\"\\\\;;""#);
        assert_eq!(meson(&words), r#"['a b', 'it\'s', '$x#y', 'q"\\;', '']"#);
    }
}
