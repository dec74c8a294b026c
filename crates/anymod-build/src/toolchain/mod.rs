//! Toolchains: which compiler builds for a target, how it is called, and what it is exactly.
//!
//! `find` answers for one target. The default is the managed zig where it is installed and serves the target, else
//! the GNU compiler of the architecture: the managed one is the same bytes on every machine, so that two people get the
//! same module from the same sources. `--toolchain`, then `ANYMOD_TOOLCHAIN`, then the manifest's `[toolchain.…]` say
//! otherwise.
//!
//! Answers of compilers are kept in the build's log under the content digest of the program asked, so that a build in
//! which nothing changed starts no process.

mod cpython;
pub mod doctor;
pub(crate) mod fetch;
pub mod install;
mod libraries;
mod mpy_cross;
mod native;
mod node;
pub mod prewarm;
mod python;
mod smoke;
mod table;
mod unpack;
pub mod wasi;

pub(crate) use libraries::{Library, Recipe, find_library, group};
pub(crate) use mpy_cross::{MpyCross, find_mpy_cross};
pub(crate) use native::{ArchiveTools, find_archive_tools, identify as identify_archive_tools};
pub(crate) use node::{NodeTools, find_node};
pub(crate) use python::{LinkCall, Linked, Python, PythonTools, find_python};

use std::path::{Path, PathBuf};

use anymod_model::codes::toolchain as codes;
use anymod_model::manifest::{FloatModel, SourceKind, ToolchainChoice, ToolchainKind};
use anymod_model::{Arch, Diagnostic, Place, Target};

use crate::environment::{ANYMOD_TOOLCHAIN, Environment};
use crate::log::Log;
use anymod_store::{Digest, Fields};

/// Version of the managed zig.
pub const ZIG_VERSION: &str = "0.17.0";

/// A compiler for one target.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// Its family.
    pub kind: ToolchainKind,
    /// What it compiles for.
    pub arch: Arch,
    /// The program.
    pub program: PathBuf,
    /// What it says its version is.
    pub version: String,
    /// Digest of the program and of the programs behind it.
    pub identity: Digest,
    /// Options found out about this installation.
    found_flags: Vec<String>,
}

/// What decides which toolchain is taken.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// The family that the command line or the environment asks for.
    pub forced: Option<ToolchainKind>,
    /// What the manifest says.
    pub manifest: ToolchainChoice,
    /// The manifest's file, for messages.
    pub file: String,
    /// The manifest's directory, to which `dir` is relative.
    pub root: PathBuf,
}

impl Choice {
    /// The choice as if the manifest had made it alone. Its place for one family says nothing about another.
    fn effective(&self) -> Choice {
        let mut choice = self.clone();
        // Only GNU compilers have prefixes.
        let implied = self.manifest.prefix.as_ref().map(|_| ToolchainKind::Gnu);
        let own = self.manifest.kind.or(implied);
        if self.forced.is_some() && own.is_some() && self.forced != own {
            choice.manifest = ToolchainChoice::default();
        }
        choice.manifest.kind = self.forced.or(own);
        choice
    }
}

/// Reads the family of compilers asked for by `--toolchain` or, without it, by the environment; `None` is `auto`.
///
/// # Errors
/// `T0003` if it is no such word.
pub fn forced_kind(
    option: Option<&str>,
    environment: &Environment,
) -> Result<Option<ToolchainKind>, Diagnostic> {
    let word = option.or_else(|| environment.get(ANYMOD_TOOLCHAIN)).unwrap_or("auto");
    if matches!(word, "auto" | "") {
        return Ok(None);
    }
    ToolchainKind::from_name(word).map(Some).ok_or_else(|| {
        Diagnostic::error(&codes::CHOICE, format!("`{word}` is not a choice of toolchain"))
            .hint("write `auto`, `gnu` or `zig`")
    })
}

/// Finds the compiler for a target.
///
/// # Errors
/// `T0001` if there is none, `T0002` if it does not run, `T0004` if the one asked for cannot serve the target.
pub(crate) fn find(
    arch: Arch,
    choice: &Choice,
    environment: &Environment,
    log: &mut Log,
) -> Result<Toolchain, Diagnostic> {
    let target = Target::MicroPython(arch);
    let choice = &choice.effective();
    let located = match choice.manifest.kind {
        Some(kind) => locate(kind, arch, choice, environment).ok_or_else(|| match kind {
            ToolchainKind::Zig if table::row(arch).clang_flags.is_empty() => unsupported(target),
            _ => missing(arch, &[kind], choice),
        }),
        None => {
            let either = [ToolchainKind::Zig, ToolchainKind::Gnu];
            let mut found =
                either.iter().filter_map(|kind| locate(*kind, arch, choice, environment));
            found.next().ok_or_else(|| missing(arch, &either, choice))
        }
    };
    let (kind, program) = located?;
    identify(kind, arch, &program, environment, log)
}

/// Where the compiler of a family is, if it serves the architecture and exists.
fn locate(
    kind: ToolchainKind,
    arch: Arch,
    choice: &Choice,
    environment: &Environment,
) -> Option<(ToolchainKind, PathBuf)> {
    let row = table::row(arch);
    let dir = choice.manifest.dir.as_ref().map(|dir| choice.root.join(&dir.value));
    let in_dir = |name: &str| match &dir {
        Some(dir) => environment.find_program(&dir.join(name).to_string_lossy()),
        None => environment.find_program(name),
    };
    let program = match (kind, &choice.manifest.prefix) {
        (ToolchainKind::Zig, _) if row.clang_flags.is_empty() => None,
        (ToolchainKind::Zig, _) if dir.is_some() => in_dir("zig"),
        (ToolchainKind::Zig, _) => managed_zig(environment),
        (ToolchainKind::Gnu, Some(prefix)) => in_dir(&format!("{}gcc", prefix.value)),
        (ToolchainKind::Gnu, None) => row.gnu.iter().find_map(|name| in_dir(name)),
    };
    program.map(|program| (kind, program))
}

/// The zig that `anymod toolchain install zig` installed.
fn managed_zig(environment: &Environment) -> Option<PathBuf> {
    let directory = install::directory(environment, "zig", ZIG_VERSION)?;
    environment.find_program(&directory.join("zig").to_string_lossy())
}

/// Asks a compiler what it is.
fn identify(
    kind: ToolchainKind,
    arch: Arch,
    program: &Path,
    environment: &Environment,
    log: &mut Log,
) -> Result<Toolchain, Diagnostic> {
    let mut identity = Fields::new();
    identity.add(digest_of(program, log)?.to_string());
    let mut found_flags = Vec::new();
    let version = match kind {
        ToolchainKind::Zig => ask(program, &["version"], environment, log)?,
        ToolchainKind::Gnu => {
            // The driver is a small program; these do the work and may be replaced on their own.
            for part in ["cc1", "cc1plus", "as"] {
                let question = format!("-print-prog-name={part}");
                let path = ask(program, &[&question], environment, log)?;
                // A name without a directory is one that the driver looks up on the `PATH`.
                if let Some(path) = environment.find_program(&path) {
                    identity.add(digest_of(&path, log)?.to_string());
                }
            }
            if matches!(arch, Arch::Rv32imc | Arch::Rv64imc)
                && let Some(specs) = picolibc(program, environment, log)?
            {
                identity.add(digest_of(&specs, log)?.to_string());
                found_flags.push(format!("--specs={}", specs.display()));
            }
            if matches!(arch, Arch::Xtensa | Arch::Xtensawin) {
                found_flags.extend(borrowed_headers(program, environment, log)?);
            }
            let text = ask(program, &["--version"], environment, log)?;
            text.lines().next().unwrap_or_default().to_owned()
        }
    };
    let identity = identity.finish();
    Ok(Toolchain { kind, arch, program: program.to_owned(), version, identity, found_flags })
}

/// The file that selects picolibc, which distributions install beside a bare compiler.
fn picolibc(
    program: &Path,
    environment: &Environment,
    log: &mut Log,
) -> Result<Option<PathBuf>, Diagnostic> {
    let specs =
        PathBuf::from(ask(program, &["-print-file-name=picolibc.specs"], environment, log)?);
    Ok(specs.is_absolute().then_some(specs))
}

/// Where newlib's headers are in Debian's `libnewlib-dev`; they serve any architecture.
const NEWLIB_HEADERS: &str = "/usr/include/newlib";

/// Options that give a compiler without a C library of its own newlib's headers, if they are there.
fn borrowed_headers(
    program: &Path,
    environment: &Environment,
    log: &mut Log,
) -> Result<Vec<String>, Diagnostic> {
    let mut question = Fields::new();
    question.add("has headers");
    question.add(digest_of(program, log)?.to_string());
    let question = question.finish();
    if log.fact(&question).is_none() {
        let preprocess = ["-E", "-x", "c", "-include", "stdint.h", "/dev/null"];
        let has = ask(program, &preprocess, environment, log).is_ok();
        log.learn(question, if has { "yes" } else { "no" });
    }
    let borrow = log.fact(&question) == Some("no") && environment.is_dir(Path::new(NEWLIB_HEADERS));
    let flags = ["-isystem".to_owned(), NEWLIB_HEADERS.to_owned()];
    Ok(if borrow { flags.to_vec() } else { Vec::new() })
}

impl Toolchain {
    /// The command that compiles a source of a kind, up to but without the project's own options.
    pub(crate) fn command(&self, language: SourceKind) -> Vec<String> {
        let mut command = vec![self.program.to_string_lossy().into_owned()];
        if self.kind == ToolchainKind::Zig {
            command.push("clang".to_owned());
        }
        command.extend(self.machine_flags());
        if self.kind == ToolchainKind::Zig {
            // A warning that its own options were not needed would be noise.
            command.push("-Wno-unused-command-line-argument".to_owned());
            if language == SourceKind::Cxx {
                // A module is never unloaded; GCC keeps destructors apart, clang would call `atexit`.
                command.push("-fno-c++-static-destructors".to_owned());
            }
        }
        command.extend(table::COMMON_FLAGS.iter().map(|flag| (*flag).to_owned()));
        if language == SourceKind::Cxx {
            command.extend(table::CXX_FLAGS.iter().map(|flag| (*flag).to_owned()));
        }
        command
    }

    /// Options that end a compiler call: where the toolchain's own headers are.
    pub(crate) fn system_headers(&self, language: SourceKind) -> Vec<String> {
        let mut flags = Vec::new();
        let directories = self.own_header_dirs(language);
        if self.kind == ToolchainKind::Zig {
            flags.push("-nostdinc".to_owned());
            if language == SourceKind::Cxx {
                flags.push("-nostdinc++".to_owned());
                flags.extend(LIBCXX_DEFINES.iter().map(|define| (*define).to_owned()));
            }
        }
        for directory in directories {
            flags.push("-isystem".to_owned());
            flags.push(directory.to_string_lossy().into_owned());
        }
        flags
    }

    /// The directories of the toolchain's own headers, in search order, as far as they have to be given.
    pub(crate) fn own_header_dirs(&self, language: SourceKind) -> Vec<PathBuf> {
        let (ToolchainKind::Zig, Some(home)) = (self.kind, self.program.parent()) else {
            return Vec::new();
        };
        let lib = home.join("lib");
        let mut directories = Vec::new();
        if language == SourceKind::Cxx {
            directories.push(lib.join("libcxx/include"));
        }
        directories.push(lib.join("include"));
        directories.push(lib.join("libc/include").join(table::row(self.arch).musl));
        directories.push(lib.join("libc/include/generic-musl"));
        directories
    }

    /// Options that select the architecture and, by it, the libraries.
    fn machine_flags(&self) -> Vec<String> {
        let row = table::row(self.arch);
        let flags = match self.kind {
            ToolchainKind::Gnu => row.gnu_flags,
            ToolchainKind::Zig => row.clang_flags,
        };
        flags
            .iter()
            .map(|flag| (*flag).to_owned())
            .chain(self.found_flags.iter().cloned())
            .collect()
    }
}

/// What libc++ wants to be told that its own build would have written into a header; values as for a C library
/// without threads, locales and files.
const LIBCXX_DEFINES: &[&str] = &[
    "-D_LIBCPP_ABI_VERSION=1",
    "-D_LIBCPP_ABI_NAMESPACE=__1",
    "-D_LIBCPP_HAS_MUSL_LIBC=1",
    "-D_LIBCPP_HAS_THREADS=0",
    "-D_LIBCPP_HAS_MONOTONIC_CLOCK=0",
    "-D_LIBCPP_HAS_LOCALIZATION=0",
    "-D_LIBCPP_HAS_WIDE_CHARACTERS=0",
    "-D_LIBCPP_HAS_UNICODE=0",
    "-D_LIBCPP_HAS_FILESYSTEM=0",
    "-D_LIBCPP_HAS_RANDOM_DEVICE=0",
    "-D_LIBCPP_HAS_TERMINAL=0",
    "-D_LIBCPP_HAS_TIME_ZONE_DATABASE=0",
    "-D_LIBCPP_HAS_VENDOR_AVAILABILITY_ANNOTATIONS=0",
    "-D_LIBCPP_PSTL_BACKEND_SERIAL",
    "-D_LIBCPP_HARDENING_MODE_DEFAULT=2",
    "-D_LIBCPP_ASSERTION_SEMANTIC_DEFAULT=2",
];

/// How the usual firmware of an architecture represents `float`.
pub(crate) fn usual_float(arch: Arch) -> FloatModel {
    table::row(arch).float
}

/// Asks a program a question on its command line: what it prints, without the last newline.
pub(crate) fn ask(
    program: &Path,
    arguments: &[&str],
    environment: &Environment,
    log: &mut Log,
) -> Result<String, Diagnostic> {
    ask_with(program, arguments, &[], environment, log)
}

/// The same of a program whose answer depends on variables as well.
pub(crate) fn ask_with(
    program: &Path,
    arguments: &[&str],
    variables: &[&str],
    environment: &Environment,
    log: &mut Log,
) -> Result<String, Diagnostic> {
    let mut question = Fields::new();
    question.add(program.to_string_lossy().as_bytes());
    question.add(digest_of(program, log)?.to_string());
    question.list(arguments.iter());
    let set = |name: &&str| Some(((*name).to_owned(), environment.get(name)?.to_owned()));
    let variables: Vec<(String, String)> = variables.iter().filter_map(set).collect();
    question.list(variables.iter().map(|(name, value)| format!("{name}={value}")));
    let question = question.finish();
    if let Some(answer) = log.fact(&question) {
        return Ok(answer.to_owned());
    }
    let output = std::process::Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(environment.for_tools())
        .envs(variables)
        .stdin(std::process::Stdio::null())
        .output();
    let output = output.map_err(|error| unusable(program, &crate::install::reason(&error)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(unusable(program, said.lines().next().unwrap_or("it said nothing")));
    }
    let answer = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
    log.learn(question, &answer);
    Ok(answer)
}

fn digest_of(program: &Path, log: &mut Log) -> Result<Digest, Diagnostic> {
    let path = program.to_string_lossy();
    log.digest(&path).ok_or_else(|| unusable(program, "it cannot be read"))
}

fn unusable(program: &Path, why: &str) -> Diagnostic {
    let message = format!("`{}` does not work: {why}", program.display());
    Diagnostic::error(&codes::UNUSABLE, message)
        .hint("run `anymod doctor`; a damaged tool of anymod's own is mended by `anymod toolchain install`")
}

fn unsupported(target: Target) -> Diagnostic {
    Diagnostic::error(&codes::UNSUPPORTED, format!("zig cannot compile for `{target}`"))
        .hint("use `--toolchain gnu` for this target, or `auto`")
}

fn missing(arch: Arch, kinds: &[ToolchainKind], choice: &Choice) -> Diagnostic {
    let mut finding = Diagnostic::error(
        &codes::MISSING,
        format!("no compiler found for `{}`", Target::MicroPython(arch)),
    );
    let mut commands = Vec::new();
    for kind in kinds {
        if let Some(command) = install_command(*kind, arch) {
            commands.push(format!("`{command}`"));
        }
        match (kind, &choice.manifest.prefix) {
            (ToolchainKind::Gnu, Some(prefix)) => {
                finding = finding.note(format!("looked for `{}gcc`", prefix.value));
            }
            (ToolchainKind::Gnu, None) => {
                let names = table::row(arch).gnu.join("`, `");
                finding = finding.note(format!("looked for `{names}`"));
            }
            (ToolchainKind::Zig, _) => {}
        }
    }
    if let Some(dir) = &choice.manifest.dir {
        let span = dir.span.clone().unwrap_or_default();
        finding = finding
            .note(format!("looked in `{}` only, as the manifest says", dir.value))
            .at(Place::Text { file: choice.file.clone(), span });
    }
    let hint = match commands.as_slice() {
        [] => "install the chip maker's toolchain and put it on the `PATH`".to_owned(),
        commands => format!("run {}", commands.join(" or ")),
    };
    finding.hint(hint)
}

/// The command that installs a family's compiler for an architecture, if there is one.
fn install_command(kind: ToolchainKind, arch: Arch) -> Option<String> {
    let row = table::row(arch);
    match kind {
        ToolchainKind::Zig => {
            (!row.clang_flags.is_empty()).then(|| "anymod toolchain install zig".to_owned())
        }
        ToolchainKind::Gnu => {
            (!row.gnu_packages.is_empty()).then(|| format!("apt-get install {}", row.gnu_packages))
        }
    }
}
