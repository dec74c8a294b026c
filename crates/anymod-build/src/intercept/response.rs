//! Response files: arguments that a command line names by `@FILE`.
//!
//! Words are separated by blanks; quotes of both kinds group, a backslash takes the next byte as it is. A word `@FILE` in a
//! response file stands for another one; one whose file cannot be read stands for itself, as GCC and clang have it.

use std::ffi::{OsStr, OsString};

use super::text;

/// Files in files deeper than this are a circle.
const MAX_DEPTH: usize = 16;

/// The arguments with response files in the place of their names. `read` gives the bytes of a file.
pub(crate) fn expand(
    arguments: Vec<OsString>,
    read: &dyn Fn(&OsStr) -> Option<Vec<u8>>,
) -> Vec<OsString> {
    if !arguments.iter().any(|argument| argument.as_encoded_bytes().starts_with(b"@")) {
        return arguments;
    }
    let mut expanded = Vec::new();
    expand_into(arguments, read, 0, &mut expanded);
    expanded
}

fn expand_into(
    arguments: Vec<OsString>,
    read: &dyn Fn(&OsStr) -> Option<Vec<u8>>,
    depth: usize,
    expanded: &mut Vec<OsString>,
) {
    for argument in arguments {
        let name = text::strip_prefix(&argument, "@").filter(|_| depth < MAX_DEPTH);
        match name.and_then(|name| read(&name)) {
            Some(bytes) => expand_into(split(&bytes), read, depth + 1, expanded),
            None => expanded.push(argument),
        }
    }
}

/// The words of a response file.
pub(crate) fn split(bytes: &[u8]) -> Vec<OsString> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    let mut rest = bytes.iter().copied();
    while let Some(byte) = rest.next() {
        match (byte, quote) {
            (b'\\', _) => word.get_or_insert_default().extend(rest.next()),
            (b'\'' | b'"', None) => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (_, Some(open)) if byte == open => quote = None,
            (b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c, None) => words.extend(word.take()),
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    words.into_iter().map(text::from_bytes).collect()
}

/// The text of a response file that [`split`] reads as these words.
pub(crate) fn join<'a>(words: impl IntoIterator<Item = &'a OsStr>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in words {
        bytes.push(b'"');
        for byte in word.as_encoded_bytes() {
            if matches!(byte, b'"' | b'\\') {
                bytes.push(b'\\');
            }
            bytes.push(*byte);
        }
        bytes.extend(b"\"\n");
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<String> {
        split(text.as_bytes()).into_iter().map(|word| word.into_string().unwrap()).collect()
    }

    #[test]
    fn words_are_split_as_compilers_do() {
        assert_eq!(words("-c a.c\n-o\t'b c.o'  "), ["-c", "a.c", "-o", "b c.o"]);
        assert_eq!(words(r#"-DX="\"a b\"" a\ b.c '' x"y"z"#), ["-DX=\"a b\"", "a b.c", "", "xyz"]);
        assert_eq!(words("\\"), [""]);
        assert_eq!(words("'open"), ["open"]);
    }

    #[test]
    fn files_in_files_are_read_and_circles_end() {
        let read = |name: &OsStr| match name.to_str()? {
            "a" => Some(b"-c @b @none".to_vec()),
            "b" => Some(b"x.c".to_vec()),
            "circle" => Some(b"1 @circle".to_vec()),
            _ => None,
        };
        let expanded = |word: &str| expand(vec![word.into()], &read);
        assert_eq!(expanded("@a"), ["-c", "x.c", "@none"]);
        assert_eq!(expanded("@circle").len(), MAX_DEPTH + 1);
        assert_eq!(expanded("@"), ["@"]);
    }

    proptest! {
        #[test]
        fn written_words_are_read_back(words in prop::collection::vec(".{0,20}", 0..10)) {
            let words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
            prop_assert_eq!(split(&join(words.iter().map(OsString::as_os_str))), words);
        }

        #[test]
        fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            split(&bytes);
        }
    }
}
