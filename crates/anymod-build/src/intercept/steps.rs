//! The steps of a call that make something, each through the store where that is possible: compile, archive, link.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anymod_model::Diagnostic;
use anymod_store::{Explanation, Store, Visit as _};

use super::added;
use super::call::{Call, start};
use super::command::Driver;
use super::compiler::{self, Compilation, Dependencies};
use super::digests::Digests;
use super::linker;
use super::places::{self, Places};
use super::process::{Ended, Surroundings};
use super::stored::{Made, Run, Searched, Step, Stored, Went};
use crate::shelf::Shelf;
use crate::target::Compiler;
use crate::{depfile, install};

impl Call<'_> {
    /// Compiles the sources of a driver's command.
    pub(super) fn compile(&mut self, driver: &Driver, cxx: bool) -> Result<Ended, Diagnostic> {
        for compilation in compiler::compilations(driver, cxx, self.config, None) {
            let ended = self.one(driver, &compilation)?;
            if ended.exit != 0 {
                return Ok(ended);
            }
        }
        Ok(Ended::default())
    }

    /// Compiles the sources of a driver's command and links what comes of them with the rest.
    pub(super) fn link(&mut self, driver: &Driver, cxx: bool) -> Result<Ended, Diagnostic> {
        self.record.linked = true;
        let scratch = tempfile::Builder::new().prefix("anymod-").tempdir();
        let scratch =
            scratch.map_err(|error| install::write_error(&std::env::temp_dir(), &error))?;
        let mut objects = Vec::new();
        for compilation in compiler::compilations(driver, cxx, self.config, Some(scratch.path())) {
            let ended = self.one(driver, &compilation)?;
            if ended.exit != 0 {
                return Ok(ended);
            }
            objects.push(compilation.output);
        }
        let output = PathBuf::from(driver.value("-o").unwrap_or(OsStr::new("a.out")));
        let mut pieces = linker::pieces(driver, &objects, self.config);
        // The linker writes the name of its output into it, and that has another name while it is being made.
        let mut named = OsString::from("--soname=");
        named.push(output.file_name().unwrap_or_default());
        pieces.push(linker::Piece::Word(named));
        let words = linker::words(&pieces);
        self.record(&with_output(&words, &output));
        match self.link_walk(&pieces) {
            Some(walk) if is_for_store(&output) => self.stored("link", walk, &words, &output),
            _ => self.start(&with_output(&words, &output), true),
        }
    }

    /// Everything that decides what a link makes; none if that is not known.
    fn link_walk(&mut self, pieces: &[linker::Piece]) -> Option<Explanation> {
        let program = self.config.target.tools.ld.as_deref()?;
        let files = linker::files(pieces, self.directory)?;
        self.open_shelf()?;
        let places = Places::new(self.config, self.directory, None);
        let mut walk = Explanation::default();
        walk.field("kind", "link");
        for piece in pieces {
            match piece {
                linker::Piece::Word(word) => {
                    walk.field("argument", &places.portable_word(word.to_str()?));
                }
                // What they stand for is known by its content.
                linker::Piece::File(_) | linker::Piece::Library(_) => walk.field("argument", "-"),
                linker::Piece::Directory(_) => {}
            }
        }
        walk.field("tool", &self.config.identity(program)?.to_string());
        let symbols = self.digests.lasting(&self.config.environment().symbols())?;
        walk.field("symbols", &symbols.to_string());
        for file in files {
            walk.field("input", &Digests::passing(&file)?.to_string());
            for member in thin_members(&file)? {
                walk.field("member", &Digests::passing(&member)?.to_string());
            }
        }
        Some(walk)
    }

    /// The archiver. What makes a new archive of objects goes through the store.
    pub(super) fn archive(&mut self, arguments: Vec<OsString>) -> Result<Ended, Diagnostic> {
        let program = added::tool(self.config, &self.config.target.tools.ar, "ar");
        let Some((output, members)) = archived(&arguments) else {
            return self.tool(program, arguments);
        };
        self.record.output = Some(output.to_string_lossy().into_owned());
        let Some(walk) = self.archive_walk(&arguments, &output, members) else {
            return self.tool(program, arguments);
        };
        let words: Vec<OsString> = program.into_iter().chain(arguments.iter().cloned()).collect();
        self.record(&words);
        let Call { config: _, digests, shelf, surroundings, directory, .. } = self;
        let Some(shelf) = shelf.as_ref() else { return Ok(Ended::default()) };
        let places = Places::new(self.config, directory, None);
        let step = Step { kind: "archive", walk, output: &output, searched: Searched::Not };
        let went = Stored { shelf, digests, places: &places, directory }.step(&step, || {
            let ended = start(&words, surroundings, true)?;
            let made = said(&ended).map(|said| Made { read: Vec::new(), said });
            Ok((ended, made))
        })?;
        self.went(went, &output, None)
    }

    fn archive_walk(
        &mut self,
        arguments: &[OsString],
        output: &Path,
        members: &[OsString],
    ) -> Option<Explanation> {
        if self.config.target.tools.compiler == Compiler::Emcc || !is_for_store(output) {
            return None;
        }
        self.open_shelf()?;
        let identity = self.config.identity(&self.config.target.tools.ar)?;
        let mut walk = Explanation::default();
        walk.field("kind", "archive");
        walk.field("argument", arguments.first()?.to_str()?);
        walk.field("tool", &identity.to_string());
        let thin = arguments.first()?.to_str()?.contains('T');
        let before = match output.exists() {
            // What its members are is not in it.
            true if thin || !thin_members(output)?.is_empty() => return None,
            true => Digests::passing(output)?.to_string(),
            false => "-".to_owned(),
        };
        walk.field("before", &before);
        if thin {
            walk.field("output", output.to_str().filter(|_| output.is_relative())?);
        }
        for member in members {
            let path = Path::new(member);
            let digest = Digests::passing(&self.directory.join(path))?;
            // A thin archive holds the way to a member, others the last part of its path.
            let name = match thin {
                true => path.to_str().filter(|_| path.is_relative())?,
                false => path.file_name()?.to_str()?,
            };
            walk.field(&format!("input {name}"), &digest.to_string());
        }
        Some(walk)
    }

    /// Compiles one source.
    fn one(&mut self, driver: &Driver, compilation: &Compilation) -> Result<Ended, Diagnostic> {
        self.record.sources.push(compilation.source.to_string_lossy().into_owned());
        let places = Places::new(self.config, self.directory, Some(Path::new(&compilation.source)));
        let maps = places.maps();
        let shown = compilation.command(&maps, &compilation.output, None);
        self.record(&shown);
        let Some(walk) = self.compile_walk(compilation, &places) else {
            return self.start(&shown, true);
        };
        let search = places::searched(&driver.items, &places);
        let source = compilation.source.to_str().unwrap_or_default();
        let Call { digests, shelf, surroundings, directory, .. } = self;
        let Some(shelf) = shelf.as_ref() else { return Ok(Ended::default()) };
        let step = Step {
            kind: "compile",
            walk,
            output: &compilation.output,
            searched: Searched::Headers(source, &search),
        };
        let went = Stored { shelf, digests, places: &places, directory }
            .step(&step, || compile(compilation, &maps, surroundings))?;
        let went = match went {
            Went::Ran((ended, read)) => {
                if let Some(dependencies) =
                    compilation.dependencies.as_ref().filter(|_| ended.exit == 0)
                {
                    self.write_dependencies(dependencies, driver, &read)?;
                }
                Went::Ran(ended)
            }
            Went::Hit(read, said) => Went::Hit(read, said),
        };
        self.went(
            went,
            &compilation.output,
            compilation.dependencies.as_ref().map(|wanted| (wanted, driver)),
        )
    }

    /// Everything that decides what a compilation makes, but for headers; none if that is not known, or nothing is kept.
    fn compile_walk(&mut self, compilation: &Compilation, places: &Places) -> Option<Explanation> {
        // What emcc is cannot be told from its program, which is a script of a whole SDK.
        let emcc = self.config.target.tools.compiler == Compiler::Emcc;
        if emcc || !compilation.can_be_kept || !is_for_store(&compilation.output) {
            return None;
        }
        self.open_shelf()?;
        let mut walk = Explanation::default();
        walk.field("kind", "compile");
        for word in &compilation.words {
            walk.field("argument", &places.portable_word(word.to_str()?));
        }
        if let Some(given) = &compilation.given {
            walk.field("language", given.to_str()?);
        }
        walk.field("environment SOURCE_DATE_EPOCH", self.surroundings.epoch().to_str()?);
        let program = Path::new(compilation.words.first()?);
        walk.field("tool", &self.config.identity(program)?.to_string());
        let source = compilation.source.to_str()?;
        let content = self.digests.lasting(&self.directory.join(source))?;
        walk.field(&format!("input {}", places.portable(source)), &content.to_string());
        Some(walk)
    }

    /// A step of a tool that makes one file and reads nothing but what is in its walk.
    fn stored(
        &mut self,
        kind: &'static str,
        walk: Explanation,
        words: &[OsString],
        output: &Path,
    ) -> Result<Ended, Diagnostic> {
        let Call { digests, shelf, surroundings, directory, .. } = self;
        let Some(shelf) = shelf.as_ref() else { return Ok(Ended::default()) };
        let places = Places::new(self.config, directory, None);
        let step = Step { kind, walk, output, searched: Searched::Not };
        let went = Stored { shelf, digests, places: &places, directory }.step(&step, || {
            let unfinished = unfinished(output, "tmp");
            let ended = start(&with_output(words, &unfinished), surroundings, true)?;
            finish(&ended, &unfinished, output)?;
            let made = said(&ended).map(|said| Made { read: Vec::new(), said });
            Ok((ended, made))
        })?;
        self.went(went, output, None)
    }

    /// Tells how a step went; of one that came out of the store it says what its tool had said.
    pub(super) fn went(
        &mut self,
        went: Went<Ended>,
        output: &Path,
        wanted: Option<(&Dependencies, &Driver)>,
    ) -> Result<Ended, Diagnostic> {
        match went {
            Went::Ran(ended) => {
                self.ran = true;
                Ok(ended)
            }
            Went::Hit(read, said) => {
                use std::io::Write as _;
                self.hit = true;
                touch(output);
                if let Some((dependencies, driver)) = wanted {
                    self.write_dependencies(dependencies, driver, &read)?;
                }
                // Whoever closed our output does not want to know.
                let _ = std::io::stderr().write_all(said.as_bytes());
                Ok(Ended { said: said.into_bytes(), ..Ended::default() })
            }
        }
    }

    /// Writes the dependency file that a command asked for.
    fn write_dependencies(
        &self,
        wanted: &Dependencies,
        driver: &Driver,
        read: &[String],
    ) -> Result<(), Diagnostic> {
        let sysroot = self.config.environment().sysroot();
        let system = compiler::system_directories(driver);
        let is_system = |path: &&String| {
            Path::new(path).starts_with(&sysroot)
                || path.contains("/lib/clang/")
                || system.iter().any(|directory| Path::new(path).starts_with(directory))
        };
        let mut listed: Vec<String> = Vec::new();
        for path in read.iter().filter(|path| wanted.system || !is_system(path)) {
            if !listed.contains(path) {
                listed.push(path.clone());
            }
        }
        let text = depfile::write(&wanted.targets, &listed, wanted.phony);
        install::write_built(&wanted.file, text.as_bytes()).map(|_| ())
    }

    /// Opens the store, if there is one.
    pub(super) fn open_shelf(&mut self) -> Option<()> {
        if self.shelf.is_none() {
            let config = self.config.store.as_ref()?;
            let store = Store::open(&config.directory, config.options()).ok()?;
            self.shelf = Some(Shelf::of_child(store, self.config.parent.clone()).for_a_moment());
        }
        Some(())
    }
}

/// Runs the compiler for one source: how it ended, the files that it read, and what is to be kept.
fn compile(
    compilation: &Compilation,
    maps: &[OsString],
    surroundings: &Surroundings,
) -> Run<(Ended, Vec<String>)> {
    let object = unfinished(&compilation.output, "tmp");
    let listing = unfinished(&compilation.output, "d.tmp");
    let ended = start(&compilation.command(maps, &object, Some(&listing)), surroundings, true)?;
    let listed = std::fs::read(&listing).unwrap_or_default();
    let _ = std::fs::remove_file(&listing);
    finish(&ended, &object, &compilation.output)?;
    let text = String::from_utf8(listed).ok();
    let mut read = text.as_deref().map(depfile::parse).unwrap_or_default();
    if read.is_empty() && compilation.plain {
        read.extend(compilation.source.to_str().map(str::to_owned));
    }
    let made =
        said(&ended).filter(|_| !read.is_empty()).map(|said| Made { read: read.clone(), said });
    Ok(((ended, read), made))
}

/// What a tool said, if it succeeded and that is all it said.
pub(super) fn said(ended: &Ended) -> Option<String> {
    let whole = ended.exit == 0 && ended.output.is_empty();
    whole.then(|| String::from_utf8(ended.said.clone()).ok()).flatten()
}

/// Puts a finished file in its place, or after a failure removes it and what was there before, as compilers do.
fn finish(ended: &Ended, unfinished: &Path, output: &Path) -> Result<(), Diagnostic> {
    if ended.exit == 0 {
        return std::fs::rename(unfinished, output)
            .map_err(|error| install::write_error(output, &error));
    }
    let _ = std::fs::remove_file(unfinished);
    if output.is_file() {
        let _ = std::fs::remove_file(output);
    }
    Ok(())
}

/// A name beside a file, for it while it is being made.
fn unfinished(output: &Path, extension: &str) -> PathBuf {
    let name = output.file_name().unwrap_or_default().to_string_lossy();
    output.with_file_name(format!(".anymod-{}-{name}.{extension}", std::process::id()))
}

/// True for a file that can come out of the store: not a device, and in a directory that is there.
pub(super) fn is_for_store(output: &Path) -> bool {
    let parent = output.parent().filter(|parent| !parent.as_os_str().is_empty());
    let there = std::fs::symlink_metadata(output);
    parent.is_none_or(Path::is_dir) && there.map_or(true, |there| there.is_file())
}

/// Gives a file that came out of the store the time of now, because make and ninja compare.
fn touch(path: &Path) {
    let file = std::fs::File::open(path);
    let now = std::fs::FileTimes::new().set_modified(std::time::SystemTime::now());
    // One that cannot be is built again by those who compare.
    let _ = file.and_then(|file| file.set_times(now));
}

fn with_output(words: &[OsString], output: &Path) -> Vec<OsString> {
    let mut words = words.to_vec();
    words.extend(["-o".into(), output.into()]);
    words
}

/// The archive and the members of a command of the archiver that adds files; none for others.
fn archived(arguments: &[OsString]) -> Option<(PathBuf, &[OsString])> {
    let (operation, rest) = arguments.split_first()?;
    let operation = operation.to_str()?;
    let letters = operation.strip_prefix('-').unwrap_or(operation);
    let adds = letters.contains(['r', 'q']);
    if !adds || !letters.chars().all(|letter| "rqcsSDUT".contains(letter)) {
        return None;
    }
    let (archive, members) = rest.split_first()?;
    let plain = !members.is_empty() && rest.iter().all(|word| !super::text::starts_with(word, "-"));
    plain.then(|| (PathBuf::from(archive), members))
}

/// The files that are the members of a thin archive, in order; none of any other file. Nothing if it is damaged.
fn thin_members(archive: &Path) -> Option<Vec<PathBuf>> {
    let mut magic = [0; THIN.len()];
    let mut file = std::fs::File::open(archive).ok()?;
    let read = std::io::Read::read_exact(&mut file, &mut magic);
    if read.is_err() || magic != THIN {
        return Some(Vec::new());
    }
    let bytes = std::fs::read(archive).ok()?;
    let members = anymod_link::archive::members(&bytes, "").ok()?;
    let directory = archive.parent().unwrap_or(Path::new(""));
    Some(members.iter().map(|member| directory.join(&*member.name)).collect())
}

/// How a thin archive begins.
const THIN: [u8; 8] = *b"!<thin>\n";
