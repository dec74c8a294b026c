//! A driver's command line, taken apart as the driver would, and put together again.
//!
//! It knows what words mean, never what is to be done about them; that is `rules`.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::options::{self, Takes};
use super::text;

/// A piece of a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A file, or `-` for the standard input.
    Input {
        /// Its path.
        path: OsString,
        /// The language that `-x` gave it.
        language: Option<OsString>,
    },
    /// An option with a value.
    Valued {
        /// The option as the table has it.
        name: &'static str,
        value: OsString,
        /// True if both are one word.
        joined: bool,
    },
    /// Any other word.
    Flag(OsString),
}

impl Item {
    /// An option with its value in the same word.
    pub(crate) fn joined(name: &'static str, value: impl Into<OsString>) -> Item {
        Item::Valued { name, value: value.into(), joined: true }
    }

    /// An option with its value in a word of its own.
    pub(crate) fn separate(name: &'static str, value: impl Into<OsString>) -> Item {
        Item::Valued { name, value: value.into(), joined: false }
    }

    /// The words of a command line that are this piece. The language of a file is not among them.
    pub(crate) fn words(&self) -> Vec<OsString> {
        match self {
            // After `--` a name may begin as an option does.
            Item::Input { path, .. } if text::starts_with(path, "-") && path != "-" => {
                vec![text::joined("./", path)]
            }
            Item::Input { path, .. } => vec![path.clone()],
            Item::Flag(flag) => vec![flag.clone()],
            Item::Valued { name, value, joined: true } => vec![text::joined(name, value)],
            Item::Valued { name, value, joined: false } => vec![name.into(), value.clone()],
        }
    }

    /// The word, if it is a plain one and text.
    pub(crate) fn flag(&self) -> Option<&str> {
        match self {
            Item::Flag(flag) => flag.to_str(),
            _ => None,
        }
    }
}

/// How far a driver goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It preprocesses, or lists dependencies instead.
    Preprocess,
    /// It checks only.
    Check,
    /// It makes assembly.
    Assembly,
    /// It makes objects.
    Compile,
    /// It goes all the way.
    Link,
}

/// A driver's command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Driver {
    pub(crate) items: Vec<Item>,
}

impl Driver {
    /// Takes a command line, without its first word and with response files expanded, apart. There is none that is wrong:
    /// what a driver would refuse is passed on for it to do so.
    pub(crate) fn parse(arguments: Vec<OsString>) -> Driver {
        let mut items = Vec::new();
        let mut language = None;
        let mut rest = arguments.into_iter().peekable();
        let mut only_inputs = false;
        while let Some(word) = rest.next() {
            let bytes = word.as_encoded_bytes();
            if only_inputs || bytes == b"-" || !bytes.starts_with(b"-") {
                items.push(Item::Input { path: word, language: language.clone() });
                continue;
            }
            if bytes == b"--" {
                only_inputs = true;
                continue;
            }
            let setting = |word: &OsString| options::is_setting(word.as_encoded_bytes());
            if bytes == b"-s" && rest.peek().is_some_and(setting) {
                let value = rest.next().unwrap_or_default();
                items.push(Item::Valued { name: "-s", value, joined: false });
                continue;
            }
            if let Some(value) = text::strip_prefix(&word, "-s").filter(setting) {
                items.push(Item::Valued { name: "-s", value, joined: true });
                continue;
            }
            let item = match options::find(bytes) {
                Some((name, takes)) => valued(&word, name, takes, &mut rest),
                None => Item::Flag(word),
            };
            match item {
                Item::Valued { name: "-x", value, .. } => {
                    language = (value != "none").then_some(value);
                }
                Item::Valued { name: "-Wl,", value, .. } => {
                    items.extend(parts(&value).map(|part| Item::separate("-Xlinker", part)));
                }
                Item::Valued { name: "-Wp,", value, .. } => items.extend(preprocessor(&value)),
                item => items.push(item),
            }
        }
        Driver { items }
    }

    /// The words of the command line. Inputs whose language was given come after `-x`.
    pub(crate) fn words(&self) -> Vec<OsString> {
        let mut words = Vec::new();
        let mut current: Option<&OsString> = None;
        for item in &self.items {
            if let Item::Input { language, .. } = item
                && language.as_ref() != current
            {
                current = language.as_ref();
                words.push("-x".into());
                words.push(language.clone().unwrap_or_else(|| "none".into()));
            }
            words.extend(item.words());
        }
        words
    }

    /// True if one of the words is exactly this.
    pub(crate) fn has(&self, flag: &str) -> bool {
        self.items.iter().any(|item| matches!(item, Item::Flag(word) if word == flag))
    }

    /// The value of an option that counts, the last.
    pub(crate) fn value(&self, option: &str) -> Option<&OsStr> {
        self.items.iter().rev().find_map(|item| match item {
            Item::Valued { name, value, .. } if *name == option => Some(value.as_os_str()),
            _ => None,
        })
    }

    /// The files of input, in order.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = (&OsStr, Option<&OsStr>)> {
        self.items.iter().filter_map(|item| match item {
            Item::Input { path, language } => Some((path.as_os_str(), language.as_deref())),
            _ => None,
        })
    }

    /// How far it is to go.
    pub(crate) fn mode(&self) -> Mode {
        let any = |flags: &[&str]| flags.iter().any(|flag| self.has(flag));
        if any(&["-E", "-M", "-MM", "--preprocess"]) {
            Mode::Preprocess
        } else if any(&["-fsyntax-only"]) {
            Mode::Check
        } else if any(&["-S", "--assemble"]) {
            Mode::Assembly
        } else if any(&["-c", "--compile"]) {
            Mode::Compile
        } else {
            Mode::Link
        }
    }

    /// Removes what `unwanted` says; true if anything was.
    pub(crate) fn remove(&mut self, mut unwanted: impl FnMut(&Item) -> bool) -> bool {
        let before = self.items.len();
        self.items.retain(|item| !unwanted(item));
        self.items.len() != before
    }

    /// Removes plain words; true if anything was.
    pub(crate) fn remove_flags(&mut self, unwanted: impl Fn(&str) -> bool) -> bool {
        self.remove(|item| item.flag().is_some_and(&unwanted))
    }
}

/// The parts of a value that are separated by commas.
fn parts(value: &OsStr) -> impl Iterator<Item = OsString> {
    let parts = value.as_encoded_bytes().split(|byte| *byte == b',');
    parts.filter(|part| !part.is_empty()).map(|part| text::from_bytes(part.to_vec()))
}

/// What words for the preprocessor are to the driver: those that ask for a dependency file are options of its own.
fn preprocessor(value: &OsStr) -> Vec<Item> {
    let mut parts = parts(value);
    let flag = match (parts.next(), parts.next(), parts.next()) {
        (Some(flag), Some(file), None) if flag == "-MD" || flag == "-MMD" => Some((flag, file)),
        _ => None,
    };
    match flag {
        Some((flag, file)) => vec![Item::Flag(flag), Item::separate("-MF", file)],
        None => vec![Item::joined("-Wp,", value)],
    }
}

fn valued(
    word: &OsStr,
    name: &'static str,
    takes: Takes,
    rest: &mut impl Iterator<Item = OsString>,
) -> Item {
    let joined = text::strip_prefix(word, name).unwrap_or_default();
    if takes == Takes::Joined || (takes == Takes::Either && !joined.is_empty()) {
        return Item::Valued { name, value: joined, joined: true };
    }
    match rest.next() {
        Some(value) => Item::Valued { name, value, joined: false },
        // Without its value it is for the driver to complain about.
        None => Item::Flag(word.to_owned()),
    }
}

/// Languages that a driver compiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    C,
    Cxx,
    /// Preprocessed already, or assembly that is.
    Plain,
    /// Assembly that is preprocessed.
    Assembly,
    Fortran,
    /// A header, to be compiled by itself.
    Header,
}

/// The language of an input; none if it is for the linker.
pub(crate) fn language(path: &OsStr, given: Option<&OsStr>) -> Option<Language> {
    if let Some(given) = given {
        return Some(match given.to_str().unwrap_or_default() {
            "c" | "objective-c" => Language::C,
            "c++" | "objective-c++" => Language::Cxx,
            "assembler-with-cpp" => Language::Assembly,
            "f77" | "f95" | "f77-cpp-input" | "f95-cpp-input" => Language::Fortran,
            name if name.ends_with("-header") => Language::Header,
            _ => Language::Plain,
        });
    }
    let extension = Path::new(path).extension()?.to_str()?;
    Some(match extension {
        "c" | "m" => Language::C,
        "C" | "cc" | "cp" | "cpp" | "CPP" | "cxx" | "CXX" | "c++" | "C++" | "mm" | "M" => {
            Language::Cxx
        }
        "i" | "ii" | "s" | "bc" | "ll" => Language::Plain,
        "S" | "sx" => Language::Assembly,
        "f" | "for" | "ftn" | "f77" | "f90" | "f95" | "f03" | "f08" | "F" | "FOR" | "FPP"
        | "fpp" | "F77" | "F90" | "F95" | "F03" | "F08" => Language::Fortran,
        "h" | "H" | "hh" | "hpp" | "hxx" | "h++" => Language::Header,
        _ => return None,
    })
}

/// The words of a response file, taken apart as a driver's command and put together again: what a fuzzer calls.
#[must_use]
pub fn taken_apart(response: &[u8]) -> Vec<OsString> {
    let driver = Driver::parse(super::response::split(response));
    driver.mode();
    for (path, given) in driver.inputs() {
        language(path, given);
    }
    driver.words()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(line: &str) -> Driver {
        Driver::parse(line.split_whitespace().map(OsString::from).collect())
    }

    #[test]
    fn a_command_is_taken_apart() {
        let driver =
            parse("-c a.c -oa.o -I inc -DX -x c++ b -x none c.o -s SIDE_MODULE=1 -s -Wl,-z,now");
        assert_eq!(driver.mode(), Mode::Compile);
        assert_eq!(driver.value("-o"), Some(OsStr::new("a.o")));
        assert_eq!(driver.value("-s"), Some(OsStr::new("SIDE_MODULE=1")));
        assert!(driver.has("-s"));
        let inputs: Vec<_> = driver.inputs().map(|(path, given)| language(path, given)).collect();
        assert_eq!(inputs, [Some(Language::C), Some(Language::Cxx), None]);
    }

    #[test]
    fn how_far_it_goes() {
        assert_eq!(parse("-E -c x.c").mode(), Mode::Preprocess);
        assert_eq!(parse("x.c -o x").mode(), Mode::Link);
        assert_eq!(parse("-S x.c").mode(), Mode::Assembly);
        assert_eq!(parse("-- -c").mode(), Mode::Link);
    }

    #[test]
    fn what_lacks_its_value_stays() {
        assert_eq!(parse("-c a.c -o").words(), ["-c", "a.c", "-o"]);
    }

    const WORDS: &[&str] = &[
        "-c",
        "-o",
        "a.c",
        "b.o",
        "-I",
        "-Iinc",
        "-x",
        "c",
        "c++",
        "none",
        "-",
        "-DX=1",
        "-D",
        "-Wl,-z,now",
        "-Xlinker",
        "-s",
        "-sSIDE_MODULE=2",
        "WASM=1",
        "-O2",
        "-MD",
        "-MF",
        "-lm",
        "é",
    ];

    proptest! {
        #[test]
        fn words_of_a_parsed_command_parse_to_the_same(words in prop::collection::vec(prop::sample::select(WORDS), 0..12)) {
            let driver = Driver::parse(words.iter().map(OsString::from).collect());
            let again = Driver::parse(driver.words());
            prop_assert_eq!(&again, &driver);
        }

        #[test]
        fn nothing_panics(words in prop::collection::vec(any::<Vec<u8>>(), 0..12)) {
            let driver = Driver::parse(words.into_iter().map(text::from_bytes).collect());
            driver.words();
            driver.mode();
            for (path, given) in driver.inputs() {
                language(path, given);
            }
        }
    }
}
