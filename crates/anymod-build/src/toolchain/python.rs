//! What builds extension modules for a Python: the host's compiler with the headers of a CPython that is installed, or
//! the compiler and headers of a Pyodide's target environment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anymod_model::codes::toolchain as codes;
use anymod_model::manifest::SourceKind;
use anymod_model::pyodide::PyodideFacts;
use anymod_model::{Diagnostic, PythonVersion, Target};
use anymod_store::{Digest, Fields};

use super::{Choice, ask, cpython, digest_of};
use crate::environment::Environment;
use crate::intercept::added::{self, ADDED, Step};
use crate::log::Log;
use crate::target::{self, TargetEnvironment};

/// A Python and the tools that build extension modules for it.
#[derive(Clone, Debug)]
pub(crate) struct PythonTools {
    pub(crate) python: Python,
    c: Compiler,
    /// None if the C compiler has no C++ compiler beside it.
    cxx: Option<Compiler>,
    linker: Linker,
}

/// What is to be known of a Python to name what is built for it.
#[derive(Clone, Debug)]
pub(crate) struct Python {
    pub(crate) version: PythonVersion,
    /// What it says its version is.
    pub(crate) release: String,
    /// The interpreter, or the directory of the target environment.
    pub(crate) place: PathBuf,
    /// What the names of extension modules end with.
    pub(crate) suffix: String,
    /// ABI tag of wheels.
    pub(crate) abi: String,
    /// Platform tag of wheels.
    pub(crate) platform: String,
    /// The file with the names that it offers to its modules: a list, or the program or library that it is.
    pub(crate) offers: String,
    /// Facts of the release, if it is a Pyodide.
    pub(crate) facts: Option<PyodideFacts>,
}

#[derive(Clone, Debug)]
struct Compiler {
    /// The program and its first options.
    command: Vec<String>,
    /// Its last options: where the headers of Python are.
    end: Vec<String>,
    identity: Digest,
}

#[derive(Clone, Debug)]
enum Linker {
    /// The compilers link.
    Compiler,
    /// wasm-ld.
    Wasm {
        /// The program and its first options.
        command: Vec<String>,
        /// The option that leaves out what debuggers read.
        strip: Vec<String>,
        /// Files that the options name: what the runtime offers, and a library for targets that need one.
        inputs: Vec<String>,
        identity: Digest,
    },
}

/// What is linked into an extension module.
pub(crate) struct Linked<'a> {
    /// Objects and archives, in order.
    pub(crate) files: Vec<String>,
    /// What the project says about all calls of compilers.
    pub(crate) flags: Vec<&'a str>,
    /// What it says about linking.
    pub(crate) ldflags: Vec<&'a str>,
    /// Names like `libm`.
    pub(crate) libraries: Vec<&'a str>,
    /// True if C++ is among it.
    pub(crate) cxx: bool,
    /// True to keep what debuggers read.
    pub(crate) debug: bool,
    /// The function that Python calls.
    pub(crate) entry: String,
    pub(crate) output: String,
}

/// A call of a linker.
pub(crate) struct LinkCall {
    pub(crate) argv: Vec<String>,
    /// Files that it reads besides those linked.
    pub(crate) inputs: Vec<String>,
    /// The file in which it lists what it read, if it does.
    pub(crate) depfile: Option<String>,
    pub(crate) tool: Digest,
    /// The extension module.
    pub(crate) output: String,
}

/// Finds what builds for a target that is a Python.
///
/// # Errors
/// What is missing, with the command that installs it.
pub(crate) fn find_python(
    target: Target,
    choice: &Choice,
    environment: &Environment,
    log: &mut Log,
) -> Result<PythonTools, Diagnostic> {
    match target {
        Target::CPython(version) => host(version, choice, environment, log),
        _ => {
            let found = target::find(&target.to_string(), environment)?;
            // What it says may change, and the build that trusted it has to notice.
            log.digest(&text(&found.directory.join(target::DESCRIPTION)));
            pyodide(&found, log)
        }
    }
}

/// Pairs of a C and a C++ compiler; the first whose C compiler is there is taken.
const HOST_COMPILERS: [[&str; 2]; 3] = [["gcc", "g++"], ["cc", "c++"], ["clang", "clang++"]];

fn host(
    version: PythonVersion,
    choice: &Choice,
    environment: &Environment,
    log: &mut Log,
) -> Result<PythonTools, Diagnostic> {
    if !cfg!(target_os = "linux") {
        let message = format!("`{}` cannot be built for on this system", Target::CPython(version));
        return Err(Diagnostic::error(&codes::UNSUPPORTED, message)
            .hint("build on Linux; modules for other systems are not there yet"));
    }
    let interpreter = cpython::find(version, choice, environment, log)?;
    let found = HOST_COMPILERS
        .iter()
        .find_map(|[c, cxx]| Some((environment.find_program(c)?, environment.find_program(cxx))));
    let (c, cxx) = found.ok_or_else(|| {
        let message = format!("no compiler found for `{}`", Target::CPython(version));
        Diagnostic::error(&codes::MISSING, message)
            .note("looked for `gcc`, `cc`, `clang` on the `PATH`")
            .hint("run `apt-get install gcc g++ libc6-dev`")
    })?;
    let mut compiler = |program: PathBuf| {
        let mut command = vec![program.to_string_lossy().into_owned()];
        // Code for any address, of which only what is marked so is seen from outside.
        command.extend(["-fPIC", "-fvisibility=hidden"].map(str::to_owned));
        let identity = identity(&program, environment, log)?;
        Ok::<_, Diagnostic>(Compiler { command, end: headers(&interpreter.include), identity })
    };
    Ok(PythonTools {
        c: compiler(c)?,
        cxx: cxx.map(compiler).transpose()?,
        linker: Linker::Compiler,
        python: interpreter.python,
    })
}

/// Digest of a compiler's driver and of the programs behind it, which may be replaced on their own.
pub(super) fn identity(
    program: &Path,
    environment: &Environment,
    log: &mut Log,
) -> Result<Digest, Diagnostic> {
    let mut identity = Fields::new();
    identity.add(digest_of(program, log)?.to_string());
    for part in ["cc1", "cc1plus", "as", "collect2", "ld"] {
        let path = ask(program, &[&format!("-print-prog-name={part}")], environment, log)?;
        // A name without a directory is one that the driver looks up on the `PATH`, or of a part that it has inside.
        if let Some(path) = environment.find_program(&path) {
            identity.add(digest_of(&path, log)?.to_string());
        }
    }
    Ok(identity.finish())
}

/// Options that name directories of headers. Each path is a word of its own, so that it is known for one.
fn headers(directories: &[PathBuf]) -> Vec<String> {
    let words = |directory: &PathBuf| ["-isystem".to_owned(), text(directory)];
    directories.iter().flat_map(words).collect()
}

fn pyodide(target: &TargetEnvironment, log: &mut Log) -> Result<PythonTools, Diagnostic> {
    let (facts, tools) = (&target.description.facts, &target.description.tools);
    let Some(ld) = &tools.ld else {
        let message = format!("`{}` has a compiler without `wasm-ld`", facts.target());
        return Err(Diagnostic::error(&codes::UNSUPPORTED, message)
            .hint("make the target again, with clang or zig: `anymod target add --help`"));
    };
    let mut compiler = |cxx: bool| {
        let mut command: Vec<String> = texts(added::compiler_of(tools, cxx));
        for step in [Step::CompileFirst, Step::Compile] {
            command.extend(options(target, step, &|_| true));
        }
        // Calls within the module are direct; the entry point is exported by name.
        command.push("-fvisibility=hidden".to_owned());
        let identity = digest_of(if cxx { &tools.cxx } else { &tools.cc }, log)?;
        Ok::<_, Diagnostic>(Compiler {
            command,
            end: headers(&[target.python_include()]),
            identity,
        })
    };
    let (c, cxx) = (compiler(false)?, compiler(true)?);
    let version = PythonVersion::parse(facts.python_minor());
    let version = version.ok_or_else(|| {
        let message = format!("`{}` is no Python that anymod knows", facts.python);
        Diagnostic::error(&codes::UNSUPPORTED, message).hint("choose another release of Pyodide")
    })?;
    let symbols = text(&target.symbols());
    Ok(PythonTools {
        python: Python {
            version,
            release: facts.python.clone(),
            place: target.directory.clone(),
            suffix: facts.extension_suffix.clone(),
            abi: version.tag(),
            platform: facts.platform.clone(),
            offers: symbols.clone(),
            facts: Some(facts.clone()),
        },
        c,
        cxx: Some(cxx),
        linker: Linker::Wasm {
            command: [
                texts(added::tool_of(tools, ld, "wasm-ld")),
                options(target, Step::Link, &|name| name != STRIP),
            ]
            .concat(),
            strip: options(target, Step::Link, &|name| name == STRIP),
            inputs: [vec![symbols], texts(target.throw_support())].concat(),
            identity: digest_of(ld, log)?,
        },
    })
}

/// Name of the row for what debuggers read.
const STRIP: &str = "strip-debug";

/// What the stand-in adds to every command, which is no less right for our own.
fn options(target: &TargetEnvironment, step: Step, wanted: &dyn Fn(&str) -> bool) -> Vec<String> {
    let rows = ADDED.iter().filter(|row| row.step == step && wanted(row.name));
    rows.flat_map(|row| texts((row.words)(target))).collect()
}

fn texts(words: Vec<OsString>) -> Vec<String> {
    words.iter().map(|word| word.to_string_lossy().into_owned()).collect()
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

impl PythonTools {
    /// How a language is compiled: the command's begin, its end, and the digest of the compiler.
    ///
    /// # Errors
    /// If there is no compiler of C++.
    pub(crate) fn compiler(
        &self,
        kind: SourceKind,
    ) -> Result<(Vec<String>, Vec<String>, Digest), Diagnostic> {
        let compiler = if kind == SourceKind::Cxx { self.cxx()? } else { &self.c };
        Ok((compiler.command.clone(), compiler.end.clone(), compiler.identity))
    }

    fn cxx(&self) -> Result<&Compiler, Diagnostic> {
        self.cxx.as_ref().ok_or_else(|| {
            let c = self.c.command.first().map_or("", String::as_str);
            let message = format!("there is no compiler of C++ beside `{c}`");
            Diagnostic::error(&codes::MISSING, message).hint("run `apt-get install g++`")
        })
    }

    /// The command that links an extension module.
    ///
    /// # Errors
    /// If there is no compiler of C++ to link it with.
    pub(crate) fn link(&self, linked: Linked<'_>) -> Result<LinkCall, Diagnostic> {
        match &self.linker {
            Linker::Compiler => self.link_by_compiler(linked),
            Linker::Wasm { command, strip, inputs, identity } => {
                let mut argv = command.clone();
                // That there is one is for a later look to say, in words that fit.
                argv.push(format!("--export-if-defined={}", linked.entry));
                if !linked.debug {
                    argv.extend(strip.iter().cloned());
                }
                argv.extend(linked.ldflags.iter().map(|flag| (*flag).to_owned()));
                argv.extend(linked.files);
                let output = linked.output;
                argv.extend(["-o".to_owned(), output.clone()]);
                let (inputs, tool) = (inputs.clone(), *identity);
                Ok(LinkCall { argv, inputs, depfile: None, tool, output })
            }
        }
    }

    fn link_by_compiler(&self, linked: Linked<'_>) -> Result<LinkCall, Diagnostic> {
        let compiler = if linked.cxx { self.cxx()? } else { &self.c };
        let depfile = format!("{}.d", linked.output);
        let mut argv: Vec<String> = compiler.command.iter().take(1).cloned().collect();
        // Symbols of archives are nobody else's business.
        argv.extend(["-shared", "-Wl,--exclude-libs,ALL"].map(str::to_owned));
        // Some decide what is linked as well: `-fopenmp`, `-flto`, `-pthread`.
        argv.extend(linked.flags.iter().map(|flag| (*flag).to_owned()));
        argv.extend(linked.ldflags.iter().map(|flag| (*flag).to_owned()));
        argv.extend(linked.files);
        let names = linked.libraries.iter().filter_map(|name| name.strip_prefix("lib"));
        argv.extend(names.map(|name| format!("-l{name}")));
        for word in ["--dependency-file", &depfile] {
            argv.extend(["-Xlinker".to_owned(), word.to_owned()]);
        }
        let output = linked.output;
        argv.extend(["-o".to_owned(), output.clone()]);
        let tool = compiler.identity;
        Ok(LinkCall { argv, inputs: Vec::new(), depfile: Some(depfile), tool, output })
    }
}
