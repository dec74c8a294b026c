//! The command of the linker for a driver's: modules, programs and objects made of several.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::added::{self, Step};
use super::command::{Driver, Item};
use super::config::{Config, ExportPolicy};
use super::text::joined;

/// What is linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A module or library.
    Shared,
    /// A program. None can be run, but packages link some to see what there is.
    Program,
    /// An object of several.
    Relocatable,
}

/// What a driver's command links.
pub(crate) fn kind(driver: &Driver) -> Kind {
    if driver.has("-r") || driver.has("--relocatable") {
        Kind::Relocatable
    } else if driver.has("-shared") || driver.has("--shared") {
        Kind::Shared
    } else {
        Kind::Program
    }
}

/// A word of the linker's command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// An option.
    Word(OsString),
    /// A directory that is searched for libraries.
    Directory(OsString),
    /// A library that is looked for by its name.
    Library(OsString),
    /// A file.
    File(OsString),
}

impl Piece {
    fn word(&self) -> OsString {
        match self {
            Piece::Word(word) | Piece::File(word) => word.clone(),
            Piece::Directory(directory) => joined("-L", directory),
            Piece::Library(name) => joined("-l", name),
        }
    }
}

/// The words of the linker's command, but for the file it makes.
pub(crate) fn words(pieces: &[Piece]) -> Vec<OsString> {
    pieces.iter().map(Piece::word).collect()
}

/// The files of a link in order, those of libraries as found; none if one is not found, or if options read or write
/// other files.
pub(crate) fn files(pieces: &[Piece], directory: &Path) -> Option<Vec<PathBuf>> {
    const OTHER: &[&str] = &[
        "--Map",
        "-Map",
        "--reproduce",
        "--why-extract",
        "--trace",
        "-t",
        "--print",
        "-M",
        "-y",
        "--thinlto",
        "--save-temps",
        "--verbose",
        "-v",
        "@",
        "-T",
        "-soname",
    ];
    let mut files = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Word(word) => {
                if OTHER.iter().any(|option| super::text::starts_with(word, option)) {
                    return None;
                }
            }
            Piece::Directory(_) => {}
            Piece::File(path) => files.push(directory.join(path)),
            Piece::Library(name) => {
                let found = pieces.iter().find_map(|piece| {
                    let Piece::Directory(searched) = piece else { return None };
                    let searched = directory.join(searched);
                    let named = |extension: &str| {
                        let mut file = joined("lib", name);
                        file.push(extension);
                        searched.join(file)
                    };
                    [named(".so"), named(".a")].into_iter().find(|path| path.exists())
                });
                files.push(found?);
            }
        }
    }
    Some(files)
}

/// The linker's command but for the file it makes. The sources among the inputs have been compiled to `objects`, in order.
pub(crate) fn pieces(driver: &Driver, objects: &[PathBuf], config: &Config) -> Vec<Piece> {
    let kind = kind(driver);
    let emcc = config.target.tools.ld.is_none();
    let mut words = match &config.target.tools.ld {
        Some(program) => added::tool(config, program, "wasm-ld"),
        None => added::compiler(config, true),
    };
    if kind == Kind::Relocatable {
        words.push("-r".into());
    } else {
        let debug = added::keeps_debug(driver);
        let added = added::words(Step::Link, config).into_iter();
        words.extend(added.filter(|word| !(debug && word == "--strip-debug")));
    }
    let whole = kind != Kind::Relocatable && config.exports == ExportPolicy::WholeArchive;
    words.extend(whole.then(|| "--whole-archive".into()));
    let mut pieces: Vec<Piece> = words.into_iter().map(Piece::Word).collect();
    let mut compiled = objects.iter();
    for item in &driver.items {
        match item {
            Item::Input { path, language } if is_source(path, language.as_deref()) => {
                pieces.extend(compiled.next().map(|object| Piece::File(object.into())));
            }
            Item::Input { path, .. } => pieces.push(Piece::File(path.clone())),
            Item::Valued { name: "-L", value, .. } => pieces.push(Piece::Directory(value.clone())),
            Item::Valued { name: "-l", value, .. } => pieces.push(Piece::Library(value.clone())),
            Item::Valued { name: "-u", .. } => {
                pieces.extend(item.words().into_iter().map(Piece::Word));
            }
            Item::Valued { name: "-Xlinker", value, .. } => {
                pieces.extend(emcc.then(|| Piece::Word("-Xlinker".into())));
                pieces.push(Piece::Word(value.clone()));
            }
            _ => {}
        }
    }
    let mut last: Vec<OsString> = whole.then(|| "--no-whole-archive".into()).into_iter().collect();
    if kind != Kind::Relocatable {
        match emcc {
            true => last.extend(emcc_exports(kind, &pieces, config)),
            false => last.extend(exports(kind, &pieces, config)),
        }
    }
    for flag in &config.flags.ldflags {
        match flag.strip_prefix("-Wl,") {
            Some(parts) => last.extend(parts.split(',').map(OsString::from)),
            None => last.push(flag.into()),
        }
    }
    pieces.extend(last.into_iter().map(Piece::Word));
    pieces
}

fn is_source(path: &OsStr, given: Option<&OsStr>) -> bool {
    super::command::language(path, given).is_some()
}

/// What is shown.
fn exports(kind: Kind, inputs: &[Piece], config: &Config) -> Vec<OsString> {
    if kind == Kind::Program {
        // A program without its function is an error, as it would be for one that can be run.
        let main =
            if names(inputs, b"__main_argc_argv").is_empty() { "main" } else { "__main_argc_argv" };
        return vec![joined("--export=", main)];
    }
    match &config.exports {
        ExportPolicy::PyInit => {
            let mut found = names(inputs, b"PyInit_");
            found.extend(names(inputs, b"PyInitU_"));
            if found.is_empty() {
                return vec!["--export-dynamic".into()];
            }
            found.iter().map(|name| joined("--export-if-defined=", name)).collect()
        }
        ExportPolicy::Requested | ExportPolicy::WholeArchive => vec!["--export-dynamic".into()],
        ExportPolicy::List(names) => names.iter().map(|name| joined("--export=", name)).collect(),
    }
}

/// The same in the words of emcc, which makes programs unless told otherwise.
fn emcc_exports(kind: Kind, inputs: &[Piece], config: &Config) -> Vec<OsString> {
    let mut words = added::words(Step::Compile, config);
    if kind == Kind::Program {
        return words;
    }
    let named = match &config.exports {
        ExportPolicy::PyInit => names(inputs, b"PyInit_"),
        ExportPolicy::List(names) => names.clone(),
        ExportPolicy::Requested | ExportPolicy::WholeArchive => Vec::new(),
    };
    if named.is_empty() {
        words.push("-sSIDE_MODULE=1".into());
    } else {
        let named: Vec<String> = named.iter().map(|name| format!("_{name}")).collect();
        words.push("-sSIDE_MODULE=2".into());
        words.push(joined("-sEXPORTED_FUNCTIONS=", named.join(",")));
    }
    words
}

/// The names in objects and archives that begin so, sorted. Names stand in them as they are, and one that is no function
/// of theirs is not exported by `--export-if-defined`.
fn names(inputs: &[Piece], prefix: &[u8]) -> Vec<String> {
    let mut found = std::collections::BTreeSet::new();
    for input in inputs {
        let Piece::File(input) = input else { continue };
        let bytes = std::fs::read(Path::new(input)).unwrap_or_default();
        let mut rest = bytes.as_slice();
        while let Some(at) = memchr::memmem::find(rest, prefix) {
            let begun = rest.get(at..).unwrap_or_default();
            let legal = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
            let length = begun.iter().position(|byte| !legal(byte)).unwrap_or(begun.len());
            let whole = begun.get(..length).unwrap_or_default();
            let is_main = prefix.first() == Some(&b'_');
            if length > prefix.len() || (is_main && length == prefix.len()) {
                found.insert(String::from_utf8_lossy(whole).into_owned());
            }
            rest = rest.get(at + prefix.len()..).unwrap_or_default();
        }
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Compiler;
    use crate::target::fixture;

    /// The linker's command for a driver's, with an object that holds a module's function.
    fn linked(compiler: Compiler, change: impl FnOnce(&mut Config), line: &str) -> String {
        let directory = tempfile::tempdir().unwrap();
        let object = directory.path().join("m.o");
        std::fs::write(&object, b"\0asm\x08PyInit_m\0 PyInit_%s PyInitU_\0 __main_argc_argv\0")
            .unwrap();
        let mut target = fixture::target(Path::new("/targets"), "0.29.5");
        target.description.tools.compiler = compiler;
        if compiler == Compiler::Emcc {
            target.description.tools.ld = None;
        }
        let mut config = Config::new(&target, Path::new("/trace"));
        change(&mut config);
        let arguments = line.split(' ').map(|word| word.replace("m.o", object.to_str().unwrap()));
        let pieces = pieces(&Driver::parse(arguments.map(OsString::from).collect()), &[], &config);
        let words = words(&pieces);
        let words: Vec<&str> = words.iter().map(|word| word.to_str().unwrap()).collect();
        words.join(" ").replace(object.to_str().unwrap(), "m.o")
    }

    const SHARED: &str = "-shared --experimental-pic \
        --allow-undefined-file=/targets/pyodide-0.29.5/symbols.txt --fatal-warnings -O2";

    #[test]
    fn modules_programs_and_objects_are_linked_as_what_they_are() {
        let shared = linked(Compiler::Clang, |_| {}, "-shared m.o -Lx -ly -Wl,--gc-sections -O3");
        let expected = format!(
            "/tools/wasm-ld {SHARED} --strip-debug --no-export-dynamic m.o -Lx -ly --gc-sections \
             --export-if-defined=PyInit_m"
        );
        assert_eq!(shared, expected);
        let program = linked(Compiler::Clang, |_| {}, "m.o -g");
        let expected =
            format!("/tools/wasm-ld {SHARED} --no-export-dynamic m.o --export=__main_argc_argv");
        assert_eq!(program, expected);
        assert_eq!(linked(Compiler::Clang, |_| {}, "-r m.o"), "/tools/wasm-ld -r m.o");
        let zig = linked(Compiler::Zig, |_| {}, "-shared m.o");
        assert!(zig.starts_with("/tools/wasm-ld wasm-ld -shared"), "{zig}");
    }

    #[test]
    fn policies_and_options_of_users_come_last() {
        let change = |config: &mut Config| {
            config.exports = ExportPolicy::WholeArchive;
            config.flags.ldflags = vec!["-Wl,-O1,--x".to_owned(), "-y".to_owned()];
            config.rules_off = vec!["fatal-warnings".to_owned(), "symbols".to_owned()];
        };
        let expected = "/tools/wasm-ld -shared --experimental-pic -O2 --strip-debug --no-export-dynamic \
                        --whole-archive m.o --no-whole-archive --export-dynamic -O1 --x -y";
        assert_eq!(linked(Compiler::Clang, change, "-shared m.o"), expected);
    }

    #[test]
    fn emcc_links_by_itself() {
        let expected = "/tools/clang++ -Wl,--fatal-warnings -O2 m.o -Xlinker --gc-sections -fPIC \
                        -fwasm-exceptions -sSUPPORT_LONGJMP=wasm -sSIDE_MODULE=2 \
                        -sEXPORTED_FUNCTIONS=_PyInit_m";
        assert_eq!(linked(Compiler::Emcc, |_| {}, "-shared m.o -Wl,--gc-sections"), expected);
        let program = linked(Compiler::Emcc, |_| {}, "m.o");
        assert!(!program.contains("SIDE_MODULE"), "{program}");
    }
}
