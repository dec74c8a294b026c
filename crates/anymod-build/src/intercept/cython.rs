//! Calls of Cython, which writes C for modules in its language: through the store, as compilations are.
//!
//! Cython is a tool of the build machine, and nothing of its commands is rewritten. What it reads besides its source it lists
//! itself (`-M`, since Cython 3.0); where else it looked is known by `modules`. Commands that do anything else than to make one
//! file of one source run as they are.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anymod_model::Diagnostic;
use anymod_model::codes::intercept as codes;
use anymod_store::{Explanation, Visit as _};

use super::call::{Call, start};
use super::modules::{Modules, absolute};
use super::places::Places;
use super::process::{Ended, Surroundings};
use super::steps::{is_for_store, said};
use super::stored::{Made, Run, Searched, Step, Stored, Went};
use super::trace::Outcome;
use crate::layers::relative;
use crate::{depfile, install};

/// The name that it is called by.
pub(crate) const NAME: &str = "cython";

/// Options without a value that change nothing but what is written to the one file.
const FLAGS: [&str; 25] = [
    "-v",
    "--verbose",
    "-f",
    "--force",
    "-p",
    "--embed-positions",
    "-D",
    "--no-docstrings",
    "--line-directives",
    "-+",
    "--cplus",
    "--embed",
    "-2",
    "-3",
    "--3str",
    "--lenient",
    "--capi-reexport-cincludes",
    "--fast-fail",
    "-Werror",
    "--warning-errors",
    "-Wextra",
    "--warning-extra",
    "--convert-range",
    "--no-c-in-traceback",
    "--old-style-globals",
];

/// The same with a value, which may be joined: to the second form by `=`.
const VALUED: [(&str, &str); 8] = [
    ("-I", "--include-dir"),
    ("-o", "--output-file"),
    ("-X", "--directive"),
    ("-E", "--compile-time-env"),
    ("-z", "--pre-import"),
    ("", "--cleanup"),
    ("", "--module-name"),
    ("", "--shared"),
];

/// A command that makes one file of one source.
#[derive(Debug, PartialEq, Eq)]
struct Command {
    source: String,
    output: PathBuf,
    /// The words without those that say where the output goes and that a dependency file is wanted.
    words: Vec<String>,
    search: Vec<String>,
    module: Option<String>,
    /// True if a dependency file is wanted.
    lists: bool,
}

impl Command {
    /// Takes a command apart; none if it is another one.
    fn parse(arguments: &[OsString]) -> Option<Command> {
        let (mut sources, mut output, mut cplus) = (Vec::new(), None, false);
        let (mut words, mut search) = (Vec::new(), Vec::new());
        let (mut module, mut lists) = (None, false);
        let mut rest = arguments.iter();
        while let Some(word) = rest.next() {
            let word = word.to_str()?;
            if matches!(word, "-M" | "--depfile") {
                lists = true;
            } else if FLAGS.contains(&word) || word.starts_with("--embed=") {
                cplus |= matches!(word, "-+" | "--cplus");
                words.push(word.to_owned());
            } else if let Some((option, joined)) = VALUED.iter().find_map(|row| valued(word, *row))
            {
                let value = match joined {
                    Some(value) => value,
                    None => rest.next()?.to_str()?,
                };
                match option {
                    "--output-file" => output = Some(PathBuf::from(value)),
                    "--include-dir" => search.push(value.to_owned()),
                    "--module-name" => module = Some(value.to_owned()),
                    _ => {}
                }
                if option != "--output-file" {
                    words.extend([option.to_owned(), value.to_owned()]);
                }
            } else if word.starts_with('-') {
                return None;
            } else {
                sources.push(word.to_owned());
                words.push(word.to_owned());
            }
        }
        let [source] = <[String; 1]>::try_from(sources).ok()?;
        let extension = if cplus { "cpp" } else { "c" };
        let output = output.unwrap_or_else(|| Path::new(&source).with_extension(extension));
        Some(Command { source, output, words, search, module, lists })
    }

    /// Where it has Cython look.
    fn modules(&self, directory: &Path) -> Option<Modules> {
        let whole = |path: &str| absolute(directory, path).to_str().map(str::to_owned);
        Some(Modules {
            source: whole(&self.source)?,
            search: self.search.iter().map(|path| whole(path)).collect::<Option<_>>()?,
            name: self.module.clone(),
        })
    }
}

/// The long form of an option that a word is, and its value if that is in the word.
fn valued<'w>(
    word: &'w str,
    (short, long): (&str, &'static str),
) -> Option<(&'static str, Option<&'w str>)> {
    if word == long || (!short.is_empty() && word == short) {
        return Some((long, None));
    }
    let joined = word.strip_prefix(long).and_then(|rest| rest.strip_prefix('='));
    let joined = joined.or_else(|| word.strip_prefix(short).filter(|_| !short.is_empty()));
    joined.map(|value| (long, Some(value)))
}

impl Call<'_> {
    /// Cython. What makes one file of one source goes through the store.
    pub(super) fn cython(&mut self, arguments: Vec<OsString>) -> Result<Ended, Diagnostic> {
        let Some(program) = self.config.cython.clone() else {
            let message =
                format!("`{NAME}` was called, and there is none in the build environment");
            return Err(Diagnostic::error(&codes::NOT_STARTED, message)
                .hint("require it in `[build-system]` of the package's `pyproject.toml`"));
        };
        let Some(command) = Command::parse(&arguments) else {
            let asks = ["-V", "--version", "-h", "--help"];
            if arguments.iter().any(|word| asks.iter().any(|asked| word == asked)) {
                self.record.outcome = Outcome::Query;
            }
            return self.tool(vec![program.into_os_string()], arguments);
        };
        self.record.sources.push(command.source.clone());
        self.record.output = Some(command.output.to_string_lossy().into_owned());
        let words: Vec<OsString> =
            std::iter::once(program.clone().into_os_string()).chain(arguments).collect();
        self.record(&words);
        let places = Places::new(self.config, self.directory, Some(Path::new(&command.source)));
        let modules = command.modules(self.directory);
        let walk = self.cython_walk(&command, &program, &places);
        let (Some(walk), Some(modules)) = (walk, modules) else {
            return self.start(&words, true);
        };
        let Call { digests, shelf, surroundings, directory, .. } = self;
        let Some(shelf) = shelf.as_ref() else { return self.start(&words, true) };
        let output = &command.output;
        let searched = Searched::Modules(&modules);
        let step = Step { kind: "cython", walk, output, searched };
        let went = Stored { shelf, digests, places: &places, directory }
            .step(&step, || run(&command, &words, surroundings, &places, directory))?;
        let (went, read) = match went {
            Went::Ran((ended, read)) => (Went::Ran(ended), read),
            Went::Hit(read, said) => (Went::Hit(read.clone(), said), read),
        };
        if command.lists && !read.is_empty() {
            let path = listing(output);
            install::write_built(&path, depfile_of(output, &read, self.directory).as_bytes())?;
        }
        self.went(went, output, None)
    }

    /// Everything that decides what Cython makes, but for what it imports and includes; none if that is not known, or nothing
    /// is kept.
    fn cython_walk(
        &mut self,
        command: &Command,
        program: &Path,
        places: &Places,
    ) -> Option<Explanation> {
        // Where there is a page of an earlier run's, Cython writes it anew.
        let page = command.output.with_extension("html").exists();
        if page || !is_for_store(&command.output) {
            return None;
        }
        let identity = self.config.generator(program)?;
        self.open_shelf()?;
        let mut walk = Explanation::default();
        walk.field("kind", "cython");
        for word in &command.words {
            walk.field("argument", &places.portable_word(word));
        }
        walk.field("output", command.output.file_name()?.to_str()?);
        for (name, value) in environment() {
            let value = value.to_str()?;
            let parts: Vec<_> = value.split(':').map(|part| places.portable(part)).collect();
            walk.field(&format!("environment {}", name.to_str()?), &parts.join(":"));
        }
        walk.field("tool", identity);
        let content = self.digests.lasting(&self.directory.join(&command.source))?;
        let source = places.portable(&command.source);
        walk.field(&format!("input {source}"), &content.to_string());
        Some(walk)
    }
}

/// The variables that change what the interpreter or Cython does, by name.
fn environment() -> Vec<(OsString, OsString)> {
    let is_heard = |name: &OsStr| {
        ["PYTHON", "CYTHON"].iter().any(|prefix| super::text::starts_with(name, prefix))
    };
    let mut heard: Vec<_> = std::env::vars_os().filter(|(name, _)| is_heard(name)).collect();
    heard.sort();
    heard
}

/// Runs Cython: how it ended, the files that it read, and what is to be kept.
///
/// It writes into a directory of its own, because it may write more than the one file: headers for what a module offers to
/// C. What is made with others is not kept.
fn run(
    command: &Command,
    words: &[OsString],
    surroundings: &Surroundings,
    places: &Places,
    directory: &Path,
) -> Run<(Ended, Vec<String>)> {
    let parent = command.output.parent().unwrap_or(Path::new(""));
    let scratch = tempfile::Builder::new().prefix(".anymod-").tempdir_in(directory.join(parent));
    let scratch = scratch.map_err(|error| install::write_error(&command.output, &error))?;
    let made = scratch.path().join(command.output.file_name().unwrap_or_default());
    let mut all = words.to_vec();
    // The last one counts.
    all.extend(["-o".into(), made.clone().into()]);
    if !command.lists {
        all.push("-M".into());
    }
    let ended = start(&all, surroundings, true)?;
    let bytes = std::fs::read(&made).ok();
    let listed = std::fs::read_to_string(listing(&made)).unwrap_or_default();
    let mut read: Vec<String> = depfile::parse_cython(&listed)
        .iter()
        .filter_map(|path| absolute(directory, path).to_str().map(str::to_owned))
        .collect();
    read.sort();
    let broken = bytes.as_deref().is_none_or(|bytes| bytes.starts_with(b"#error"));
    let alone = deliver(scratch.path(), &command.output)?;
    if ended.exit != 0 {
        read.clear();
        if bytes.is_none() {
            remove_made(&command.output);
        }
        // Only the listing failed, and nobody had asked for it.
        if !broken && !command.lists {
            return Ok(((start(words, surroundings, true)?, read), None));
        }
    }
    let shows = bytes.is_some_and(|bytes| places.are_in(&bytes));
    let said = said(&ended).filter(|_| alone && !broken && !shows && !read.is_empty());
    let made = said.map(|said| Made { read: read.clone(), said });
    Ok(((ended, read), made))
}

/// Moves what is in a directory, but for the list of what was read, to where an output goes; true if that was the output
/// alone.
fn deliver(scratch: &Path, output: &Path) -> Result<bool, Diagnostic> {
    let failed = |error: std::io::Error| install::write_error(output, &error);
    let mut alone = true;
    for entry in std::fs::read_dir(scratch).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let to = output.with_file_name(path.file_name().unwrap_or_default());
        if to != listing(output) {
            alone &= to == output;
            std::fs::rename(&path, to).map_err(failed)?;
        }
    }
    Ok(alone)
}

/// Removes what an earlier run made, as Cython takes its content away after a failure. What somebody wrote stays.
fn remove_made(output: &Path) {
    let made =
        std::fs::read(output).is_ok_and(|bytes| bytes.starts_with(b"/* Generated by Cython"));
    if made {
        let _ = std::fs::remove_file(output);
    }
}

/// The file in which Cython lists what it read.
fn listing(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".dep");
    PathBuf::from(name)
}

/// The same file as Cython writes it: with paths from where it runs.
fn depfile_of(output: &Path, read: &[String], directory: &Path) -> String {
    let from_here = |path: &Path| relative(directory, path);
    let target = output.to_str().map(|output| absolute(directory, output));
    let target = target.as_deref().map(from_here).unwrap_or_default();
    let read: Vec<String> = read.iter().map(|path| from_here(Path::new(path))).collect();
    depfile::write(&[depfile::quoted(&target)], &read, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<Command> {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        Command::parse(&words)
    }

    #[test]
    fn commands_that_make_one_file_of_one_source_are_taken_apart() {
        let command =
            parse("-M --fast-fail -3 p/m.pyx -o b/m.pyx.c -Iinc --include-dir=two -Xa=1").unwrap();
        assert!(command.lists);
        assert_eq!((command.source.as_str(), command.output), ("p/m.pyx", "b/m.pyx.c".into()));
        assert_eq!(command.search, ["inc", "two"]);
        let words = "--fast-fail -3 p/m.pyx --include-dir inc --include-dir two --directive a=1";
        assert_eq!(command.words.join(" "), words);
        for (line, output) in [
            ("m.pyx", "m.c"),
            ("-+ p/m.pyx", "p/m.cpp"),
            ("m.py --cplus --module-name a.m -E X=1", "m.cpp"),
            ("--output-file=x m.pyx", "x"),
            ("m.pyx -ox", "x"),
        ] {
            assert_eq!(parse(line).unwrap().output, Path::new(output), "{line}");
        }
        assert_eq!(parse("m.py --module-name a.m").unwrap().module.as_deref(), Some("a.m"));
        for line in [
            "-V",
            "",
            "a.pyx b.pyx",
            "-a m.pyx",
            "-w d m.pyx",
            "--gdb m.pyx",
            "-t m.pyx",
            "-l m.pyx",
            "--cache m.pyx",
            "m.pyx -o",
            "--generate-shared=x.c",
            "--debug-verbose m.pyx",
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    #[test]
    fn dependency_files_have_paths_from_here() {
        let read = ["/s/b/q.pxd".to_owned(), "/s/my src/m.pyx".to_owned()];
        let text = depfile_of(Path::new("m.c"), &read, Path::new("/s/b"));
        assert_eq!(text, "m.c: \\\n  q.pxd \\\n  ../my\\ src/m.pyx\n");
    }
}
