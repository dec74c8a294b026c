//! One call of the stand-in: what it was called as, what it runs, and how it ends.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anymod_model::Diagnostic;
use anymod_model::codes::intercept as codes;

use super::added;
use super::command::{Driver, Item, Language, Mode, language};
use super::compiler;
use super::config::Config;
use super::digests::Digests;
use super::names::{self, Role};
use super::process::{self, Ended, Surroundings};
use super::queries::{self, Answer};
use super::response;
use super::rules::{self, Context};
use super::trace::{Outcome, TraceRecord, VERSION};
use crate::shelf::Shelf;
use crate::target::Compiler;

/// A call under the name of a tool.
#[derive(Clone, Debug)]
pub struct Called {
    /// The name.
    name: String,
    role: Role,
    /// The running file.
    executable: PathBuf,
}

/// What this process was called as; none if it is not by a tool's name. `argv0` is the first word of its command line.
#[must_use]
pub fn called_as(argv0: &OsStr) -> Option<Called> {
    let name = |path: &Path| path.file_name().and_then(OsStr::to_str).map(str::to_owned);
    let called = name(Path::new(argv0));
    if called.as_deref() == Some("anymod") {
        return None;
    }
    let executable = std::env::current_exe().ok()?;
    let names = [called, name(&executable)];
    let found = names.into_iter().flatten().find_map(|name| Some((names::role(&name)?, name)));
    found.map(|(role, name)| Called { name, role, executable })
}

/// Does what the call asks for; the exit status. Does not return if the tool was killed by a signal that kills this
/// process as well.
#[must_use]
pub fn main(called: &Called) -> u8 {
    let begun = Instant::now();
    let config = match Config::read(&called.executable) {
        Ok(config) => config,
        Err(error) => return tell(&error),
    };
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let directory = std::env::current_dir().unwrap_or_default();
    let lossy = |word: &OsString| word.to_string_lossy().into_owned();
    let mut call = Call {
        surroundings: Surroundings::of_process(&config.bin()),
        record: TraceRecord {
            version: VERSION,
            before: std::iter::once(called.name.clone())
                .chain(arguments.iter().map(lossy))
                .collect(),
            cwd: directory.to_string_lossy().into_owned(),
            ..TraceRecord::default()
        },
        digests: Digests::new(&config.directory),
        shelf: None,
        ran: false,
        hit: false,
        config: &config,
        directory: &directory,
    };
    let arguments = response::expand(arguments, &|name| std::fs::read(name).ok());
    let ended = call.run(called.role, arguments).unwrap_or_else(|error| Ended {
        exit: tell(&error).into(),
        said: error.to_string().into_bytes(),
        ..Ended::default()
    });
    call.digests.remember();
    if call.hit && !call.ran {
        call.record.outcome = Outcome::Hit;
    }
    let Call { mut record, shelf, .. } = call;
    if let Some(shelf) = shelf {
        shelf.store().collect_if_grown();
        record.remote = record.outcome == Outcome::Hit && shelf.hits() > 0;
    }
    record.exit = ended.exit;
    if ended.exit != 0 {
        // A query that fails is how packages learn that there is no such compiler.
        record.outcome = Outcome::Failed;
        let from = ended.said.len().saturating_sub(SAID);
        let said = ended.said.get(from..).unwrap_or_default();
        record.said = (!said.is_empty()).then(|| String::from_utf8_lossy(said).into_owned());
    }
    record.milliseconds = begun.elapsed().as_secs_f64() * 1000.0;
    record.append(&config.trace);
    if let Some(signal) = ended.signal {
        process::end_by(signal);
    }
    u8::try_from(ended.exit).unwrap_or(1)
}

/// The most that a record keeps of what a tool that failed said.
const SAID: usize = 4000;

/// Says on the error output what is wrong; the exit status for it.
fn tell(error: &Diagnostic) -> u8 {
    use std::io::Write as _;
    // With nobody to tell, the exit status has to do.
    let _ = writeln!(std::io::stderr(), "anymod: {error}");
    error.code.exit
}

/// A call that is being done.
pub(super) struct Call<'a> {
    pub(super) config: &'a Config,
    pub(super) directory: &'a Path,
    pub(super) surroundings: Surroundings,
    pub(super) record: TraceRecord,
    pub(super) digests: Digests,
    /// The store and what is behind it, once they are needed.
    pub(super) shelf: Option<Shelf>,
    /// True once a tool ran.
    pub(super) ran: bool,
    /// True once something came out of the store.
    pub(super) hit: bool,
}

impl Call<'_> {
    fn run(&mut self, role: Role, arguments: Vec<OsString>) -> Result<Ended, Diagnostic> {
        let tools = &self.config.target.tools;
        match role {
            Role::C => {
                let mut driver = Driver::parse(arguments);
                // These two names of POSIX are those of standards.
                let name = self.record.before.first().map(String::as_str);
                if let Some(name @ ("c89" | "c99")) = name
                    && !driver
                        .items
                        .iter()
                        .filter_map(Item::flag)
                        .any(|flag| flag.starts_with("-std="))
                {
                    driver.items.insert(0, Item::Flag(format!("-std={name}").into()));
                }
                self.driver(driver, false)
            }
            Role::Cxx => self.driver(Driver::parse(arguments), true),
            Role::Preprocessor => {
                let mut driver = Driver::parse(arguments);
                driver.items.push(Item::Flag("-E".into()));
                self.driver(driver, false)
            }
            Role::Linker if super::ld::is_for_host(&arguments) => self.host_linker(arguments),
            Role::Linker => self.driver(super::ld::as_driver(arguments), false),
            Role::Archiver => self.archive(arguments),
            Role::Ranlib => self.tool(added::tool(self.config, &tools.ranlib, "ranlib"), arguments),
            Role::Nm => self.tool(added::tool(self.config, &tools.nm, "nm"), arguments),
            // zig has no such tool, and its linker has stripped already.
            Role::Strip if self.config.target.tools.compiler == Compiler::Zig => {
                self.record.outcome = Outcome::Query;
                Ok(Ended::default())
            }
            Role::Strip => {
                let arguments = strip(arguments);
                self.record.rules.push("strip".to_owned());
                self.tool(added::tool(self.config, &tools.strip, "strip"), arguments)
            }
            Role::Cython => self.cython(arguments),
            Role::Nothing => {
                self.record.outcome = Outcome::Query;
                Ok(Ended::default())
            }
            Role::Fortran => Err(fortran(self.record.before.first())),
        }
    }

    /// A link of code for the build machine, by the machine's own linker: what a build runs itself, such as the build
    /// scripts of cargo, is made so. What of it gets into a wheel is found there.
    fn host_linker(&mut self, arguments: Vec<OsString>) -> Result<Ended, Diagnostic> {
        let name = self.record.before.first().map_or("ld", String::as_str);
        let program = self.surroundings.find(name).ok_or_else(|| {
            let message = format!(
                "`{name}` was called by a compiler of the build machine, which has no such linker"
            );
            Diagnostic::error(&codes::REFUSED, message)
                .note("the objects are for the build machine, not for the target")
                .hint("call compilers by the names in `CC` and `CXX` to build for the target")
        })?;
        self.record.outcome = Outcome::Host;
        self.tool(vec![program.into_os_string()], arguments)
    }

    /// A tool that takes the command as it is.
    pub(super) fn tool(
        &mut self,
        mut words: Vec<OsString>,
        arguments: Vec<OsString>,
    ) -> Result<Ended, Diagnostic> {
        words.extend(arguments);
        self.record(&words);
        self.start(&words, false)
    }

    fn driver(&mut self, mut driver: Driver, cxx: bool) -> Result<Ended, Diagnostic> {
        if let Some(answer) = queries::answer(&driver, self.config) {
            return self.answer(answer, &driver, cxx);
        }
        let context = Context { config: self.config, directory: self.directory };
        match rules::apply(&mut driver, &context) {
            Ok(fired) => self.record.rules.extend(fired.into_iter().map(str::to_owned)),
            Err(refusal) => {
                self.record.rules.push(refusal.rule.to_owned());
                return Err(Diagnostic::error(&codes::REFUSED, refusal.reason)
                    .note(format!("by the rule `{}`", refusal.rule))
                    .hint(format!("`--rule off={}` lets the compiler decide", refusal.rule)));
            }
        }
        self.record.output = driver.value("-o").map(|path| path.to_string_lossy().into_owned());
        let languages: Vec<Option<Language>> =
            driver.inputs().map(|(path, given)| language(path, given)).collect();
        if languages.contains(&Some(Language::Fortran)) {
            return Err(fortran(self.record.before.first()));
        }
        let mode = driver.mode();
        let sources = languages.iter().flatten().count();
        let ambiguous = mode == Mode::Compile && sources > 1 && driver.value("-o").is_some();
        let header = languages.contains(&Some(Language::Header));
        match mode {
            Mode::Compile if sources > 0 && !ambiguous && !header => self.compile(&driver, cxx),
            Mode::Link if !header => self.link(&driver, cxx),
            _ => {
                let words = compiler::direct(&driver, cxx, mode, self.config);
                self.record(&words);
                self.start(&words, false)
            }
        }
    }

    fn answer(&mut self, answer: Answer, driver: &Driver, cxx: bool) -> Result<Ended, Diagnostic> {
        use std::io::Write as _;
        self.record.outcome = Outcome::Query;
        match answer {
            Answer::Text(text) => {
                let written = std::io::stdout().write_all(text.as_bytes());
                Ok(Ended { exit: written.is_err().into(), ..Ended::default() })
            }
            Answer::Compiler => {
                let mut words = added::compiler(self.config, cxx);
                words.extend(added::words(added::Step::Compile, self.config));
                words.extend(driver.words());
                self.start(&words, false)
            }
            Answer::Linker(asked) => {
                let ld = self.config.target.tools.ld.as_deref().unwrap_or(Path::new(""));
                let mut words = added::tool(self.config, ld, "wasm-ld");
                words.extend(asked);
                self.start(&words, false)
            }
        }
    }

    /// Puts a command into the record.
    pub(super) fn record(&mut self, words: &[OsString]) {
        let words = words.iter().map(|word| word.to_string_lossy().into_owned());
        self.record.after.push(words.collect());
    }

    /// Runs a tool.
    pub(super) fn start(&mut self, words: &[OsString], keeps: bool) -> Result<Ended, Diagnostic> {
        self.ran = true;
        start(words, &self.surroundings, keeps)
    }
}

/// Runs a tool.
pub(super) fn start(
    words: &[OsString],
    surroundings: &Surroundings,
    keeps: bool,
) -> Result<Ended, Diagnostic> {
    process::run(words, surroundings, keeps).map_err(|error| {
        let program = words.first().map(|word| word.to_string_lossy()).unwrap_or_default();
        let reason = crate::install::reason(&error);
        let message = format!("`{program}` could not be started: {reason}");
        Diagnostic::error(&codes::NOT_STARTED, message)
            .hint("run `anymod target verify` for the target")
    })
}

fn fortran(name: Option<&String>) -> Diagnostic {
    let name = name.map_or("", String::as_str);
    let message = format!("`{name}`: there is no Fortran compiler for the target");
    Diagnostic::error(&codes::FORTRAN, message)
        .hint("look for a switch of the package that builds it without Fortran")
}

/// The words of a strip that leaves what the loader needs.
fn strip(arguments: Vec<OsString>) -> Vec<OsString> {
    let queries = arguments.iter().any(|word| word == "--version" || word == "--help");
    if queries {
        return arguments;
    }
    let mut words = vec!["--strip-debug".into(), "--keep-section=dylink.0".into()];
    let mut rest = arguments.into_iter();
    while let Some(word) = rest.next() {
        let text = word.to_str().unwrap_or_default();
        match text {
            "-o" => words.extend([Some(word), rest.next()].into_iter().flatten()),
            // Symbols to keep or remove, sections, formats: nothing of it is in a module.
            "-K" | "-N" | "-R" | "-F" | "-I" | "-O" => _ = rest.next(),
            _ if text.starts_with('-') && text != "-" && text != "-p" => {}
            _ => words.push(word),
        }
    }
    words
}
