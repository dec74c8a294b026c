//! What builds archives: the machine's own compiler, the managed zig for every other platform and for WASI, and what a
//! Pyodide's environment or an installed emscripten compiles with.
//!
//! Finding them starts no process, so that asking for flags is quick. What a compiler is exactly is asked by [`identify`],
//! which the plan needs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anymod_model::codes::toolchain as codes;
use anymod_model::manifest::{SourceKind, ToolchainKind};
use anymod_model::platform::{Cpu, ObjectFormat, Os, PLATFORMS, Platform};
use anymod_model::{Diagnostic, Native, Target};
use anymod_store::{Digest, Fields};

use super::{Choice, ask, digest_of, managed_zig};
use crate::environment::Environment;
use crate::intercept::added::{self, ADDED, Added, Step};
use crate::log::Log;
use crate::target::{self, TargetEnvironment};

/// What compiles for a target whose modules are archives, and makes programs of them.
#[derive(Clone, Debug)]
pub(crate) struct ArchiveTools {
    pub(crate) family: Family,
    /// The compiler of C and the words that choose what it compiles for.
    pub(crate) cc: Vec<String>,
    /// The same for C++, if there is one.
    pub(crate) cxx: Option<Vec<String>>,
    /// Options of every compilation.
    pub(crate) cflags: Vec<String>,
    /// Options of every link of a program.
    pub(crate) ldflags: Vec<String>,
    /// The archiver.
    pub(crate) ar: Vec<String>,
    /// What a program with C++ in it is linked with besides.
    pub(crate) cxx_libraries: Vec<String>,
    pub(crate) format: ObjectFormat,
    pub(crate) cpu: Option<Cpu>,
    /// Files that decide what is compiled besides the programs, for instance the description of an environment.
    descriptions: Vec<PathBuf>,
}

/// Families of compilers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// The machine's own: GCC, or clang in its place.
    Machine,
    Zig,
    /// Emscripten's, or a clang with the headers of a Pyodide's environment.
    Emscripten,
}

/// What compilers are exactly.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) c: Digest,
    pub(crate) cxx: Digest,
    /// As stamps name it: `gcc 12`, `zig 0.17.0`.
    pub(crate) name: String,
}

/// The platform that this program runs on, if it is one of the table.
pub(crate) fn host() -> Option<Platform> {
    let os = match std::env::consts::OS {
        "linux" => Os::Linux,
        "macos" => Os::Darwin,
        "windows" => Os::Win32,
        _ => return None,
    };
    let cpu = match std::env::consts::ARCH {
        "x86_64" => Cpu::X64,
        "aarch64" => Cpu::Arm64,
        _ => return None,
    };
    PLATFORMS.iter().find(|row| row.os == os && row.cpu == cpu).map(|row| row.platform)
}

/// Finds what compiles for a target, without starting anything.
///
/// # Errors
/// `T0001` if there is nothing, with the command that installs it; `T0004` for a family that does not serve the target.
pub(crate) fn find_archive_tools(
    target: Target,
    choice: &Choice,
    environment: &Environment,
) -> Result<ArchiveTools, Diagnostic> {
    let choice = &choice.effective();
    let forced = choice.manifest.kind;
    match target {
        Target::Native(Native::Host) if forced != Some(ToolchainKind::Zig) => {
            machine(target, &[], choice, environment)
        }
        Target::Native(Native::HostStatic) if forced == Some(ToolchainKind::Gnu) => {
            machine(target, &["-static"], choice, environment)
        }
        Target::Native(Native::HostStatic) if forced.is_none() => {
            // A program with all of musl in it runs everywhere; one with all of glibc in it does not quite.
            zig(target, choice, environment)
                .or_else(|_| machine(target, &["-static"], choice, environment))
        }
        Target::Emscripten => emscripten(choice, environment),
        _ if forced == Some(ToolchainKind::Gnu) => {
            let message = format!("no GNU toolchain is known for `{target}`");
            let hint = "use `--toolchain zig` for this target, or `auto`";
            Err(Diagnostic::error(&codes::UNSUPPORTED, message).hint(hint))
        }
        _ => zig(target, choice, environment),
    }
}

/// Pairs of a C and a C++ compiler; the first whose C compiler is there is taken.
const MACHINE_COMPILERS: [[&str; 2]; 3] = [["gcc", "g++"], ["cc", "c++"], ["clang", "clang++"]];

fn machine(
    target: Target,
    ldflags: &[&str],
    choice: &Choice,
    environment: &Environment,
) -> Result<ArchiveTools, Diagnostic> {
    let find = |name: &str| in_place(name, choice, environment);
    let pairs = match &choice.manifest.prefix {
        Some(prefix) => vec![["gcc", "g++"].map(|name| format!("{}{name}", prefix.value))],
        None => MACHINE_COMPILERS.map(|pair| pair.map(str::to_owned)).to_vec(),
    };
    let found = pairs.iter().find_map(|[c, cxx]| Some((find(c)?, find(cxx))));
    let Some((c, cxx)) = found else {
        let names: Vec<&str> = pairs.iter().map(|[c, _]| c.as_str()).collect();
        let message = format!("no compiler found for `{target}`");
        return Err(Diagnostic::error(&codes::MISSING, message)
            .note(format!("looked for `{}`", names.join("`, `")))
            .hint("run `apt-get install gcc g++ libc6-dev`"));
    };
    let prefix = choice.manifest.prefix.as_ref().map_or("", |prefix| &prefix.value);
    let ar = find(&format!("{prefix}ar")).map_or_else(|| "ar".to_owned(), |path| text(&path));
    let row = host().map(Platform::info);
    let format = row.map_or(ObjectFormat::Elf, |row| row.format);
    Ok(ArchiveTools {
        family: Family::Machine,
        cc: vec![text(&c)],
        cxx: cxx.map(|path| vec![text(&path)]),
        cflags: position_independent(format),
        ldflags: ldflags.iter().map(|flag| (*flag).to_owned()).collect(),
        ar: vec![ar],
        cxx_libraries: vec!["-lstdc++".to_owned()],
        format,
        // A compiler with a prefix may be for another processor.
        cpu: row.filter(|_| prefix.is_empty()).map(|row| row.cpu),
        descriptions: Vec::new(),
    })
}

/// Archives end up in programs and in shared libraries.
fn position_independent(format: ObjectFormat) -> Vec<String> {
    let words: &[&str] = match format {
        ObjectFormat::Elf => &["-fPIC"],
        ObjectFormat::MachO | ObjectFormat::Coff | ObjectFormat::Wasm => &[],
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn zig(
    target: Target,
    choice: &Choice,
    environment: &Environment,
) -> Result<ArchiveTools, Diagnostic> {
    let program = match &choice.manifest.dir {
        Some(_) => in_place("zig", choice, environment),
        None => managed_zig(environment),
    };
    let Some(program) = program else {
        let message = format!("no compiler found for `{target}`");
        return Err(Diagnostic::error(&codes::MISSING, message)
            .note("looked for the managed zig")
            .hint("run `anymod toolchain install zig`"));
    };
    let (triple, format, cpu) = triple(target)?;
    let call = |part: &str| [&text(&program), part, "-target", triple].map(str::to_owned).to_vec();
    // Without the first, code that is not optimised calls into a runtime library that no module brings along.
    let mut cflags = vec!["-fno-sanitize=undefined".to_owned()];
    cflags.extend(position_independent(format));
    let more: &[&str] = match format {
        ObjectFormat::Wasm => &["-fno-stack-protector"],
        // Debugging information for Windows names the command line and the object, both of which are zig's own.
        ObjectFormat::Coff => {
            &["-gno-codeview-command-line", "-Xclang", "-object-file-name=module.obj"]
        }
        ObjectFormat::Elf | ObjectFormat::MachO => &[],
    };
    cflags.extend(more.iter().map(|word| (*word).to_owned()));
    let is_static = target == Target::Native(Native::HostStatic);
    let mut cxx = call("c++");
    if format == ObjectFormat::Wasm {
        // zig's C++ library for WASI cannot throw.
        cxx.push("-fno-exceptions".to_owned());
    }
    Ok(ArchiveTools {
        family: Family::Zig,
        cc: call("cc"),
        cxx: Some(cxx),
        cflags,
        ldflags: if is_static { vec!["-static".to_owned()] } else { Vec::new() },
        ar: vec![text(&program), "ar".to_owned()],
        cxx_libraries: vec!["-lc++".to_owned()],
        format,
        cpu,
        descriptions: Vec::new(),
    })
}

/// The triple of a target, the format of its objects and its processor.
fn triple(target: Target) -> Result<(&'static str, ObjectFormat, Option<Cpu>), Diagnostic> {
    let platform = match target {
        Target::Wasi => return Ok(("wasm32-wasi", ObjectFormat::Wasm, None)),
        Target::Native(Native::Platform(platform)) => Some(platform),
        Target::Native(Native::HostStatic) => host().map(static_platform),
        _ => host(),
    };
    let Some(row) = platform.map(Platform::info) else {
        let message = format!("zig has no name for this machine, to build for `{target}`");
        let hint = "use `--toolchain gnu`, or name a platform such as `native-linux-x64`";
        return Err(Diagnostic::error(&codes::UNSUPPORTED, message).hint(hint));
    };
    Ok((row.zig_triple, row.format, Some(row.cpu)))
}

/// The platform whose C library can be linked into a program.
fn static_platform(host: Platform) -> Platform {
    match host {
        Platform::LinuxX64 => Platform::LinuxX64Musl,
        Platform::LinuxArm64 => Platform::LinuxArm64Musl,
        other => other,
    }
}

fn emscripten(choice: &Choice, environment: &Environment) -> Result<ArchiveTools, Diagnostic> {
    let find = |name: &str| in_place(name, choice, environment);
    let installed = || Some((find("emcc")?, find("em++"), find("emar")));
    // What the manifest names comes first, then an environment, which is made of pinned parts.
    let known = match choice.manifest.dir {
        Some(_) => None,
        None => newest_environment(environment),
    };
    if let Some(target) = known {
        return Ok(of_environment(&target));
    }
    let Some((cc, cxx, ar)) = installed() else {
        let message = "no sysroot and no compiler found for `emscripten`";
        return Err(Diagnostic::error(&codes::MISSING, message)
            .note("looked for a target environment of a Pyodide, and for `emcc`")
            .hint("run `anymod target add pyodide@0.29.5`, or put an emscripten on the `PATH`"));
    };
    Ok(ArchiveTools {
        family: Family::Emscripten,
        cc: vec![text(&cc)],
        cxx: cxx.map(|path| vec![text(&path)]),
        cflags: Vec::new(),
        ldflags: Vec::new(),
        ar: vec![ar.map_or_else(|| "emar".to_owned(), |path| text(&path))],
        cxx_libraries: Vec::new(),
        format: ObjectFormat::Wasm,
        cpu: None,
        descriptions: Vec::new(),
    })
}

/// The environment of the newest Pyodide that is there and whole.
fn newest_environment(environment: &Environment) -> Option<TargetEnvironment> {
    let mut known = target::list(environment).ok()?;
    known.sort_by_key(|target| Target::parse(&target.description.facts.target()));
    known
        .into_iter()
        .rev()
        .find(|known| environment.find_program(&text(&known.description.tools.cc)).is_some())
}

fn of_environment(target: &TargetEnvironment) -> ArchiveTools {
    let tools = &target.description.tools;
    let options = |step: Step| {
        // Modules of one host see each other only as far as they want to.
        let wanted = |row: &&Added| row.step == step && row.name != "visibility";
        let rows = ADDED.iter().filter(wanted);
        rows.flat_map(|row| texts((row.words)(target))).collect::<Vec<String>>()
    };
    ArchiveTools {
        family: Family::Emscripten,
        cc: texts(added::compiler_of(tools, false)),
        cxx: Some(texts(added::compiler_of(tools, true))),
        cflags: [options(Step::CompileFirst), options(Step::Compile)].concat(),
        ldflags: Vec::new(),
        ar: texts(added::tool_of(tools, &tools.ar, "ar")),
        cxx_libraries: Vec::new(),
        format: ObjectFormat::Wasm,
        cpu: None,
        descriptions: vec![target.directory.join(target::DESCRIPTION)],
    }
}

/// A program in the directory that the manifest names, or on the `PATH`.
fn in_place(name: &str, choice: &Choice, environment: &Environment) -> Option<PathBuf> {
    match &choice.manifest.dir {
        Some(dir) => {
            let path = choice.root.join(&dir.value).join(name);
            environment.find_program(&text(&path))
        }
        None => environment.find_program(name),
    }
}

impl ArchiveTools {
    /// The command that compiles a language, up to but without the project's own options.
    ///
    /// # Errors
    /// If there is no compiler of C++.
    pub(crate) fn command(&self, language: SourceKind) -> Result<Vec<String>, Diagnostic> {
        let compiler = match (language, &self.cxx) {
            (SourceKind::Cxx, Some(cxx)) => cxx,
            (SourceKind::Cxx, None) => {
                let c = self.cc.first().map_or("", String::as_str);
                let message = format!("there is no compiler of C++ beside `{c}`");
                let finding = Diagnostic::error(&codes::MISSING, message);
                return Err(finding.hint("run `apt-get install g++`"));
            }
            _ => &self.cc,
        };
        Ok([compiler.as_slice(), &self.cflags].concat())
    }
}

/// Asks the compilers what they are.
///
/// # Errors
/// `T0002` if one does not work.
pub(crate) fn identify(
    tools: &ArchiveTools,
    environment: &Environment,
    log: &mut Log,
) -> Result<Identity, Diagnostic> {
    let program = |words: &[String]| PathBuf::from(words.first().map_or("", String::as_str));
    let c = program(&tools.cc);
    let cxx = tools.cxx.as_deref().map_or_else(|| c.clone(), program);
    for description in &tools.descriptions {
        log.digest(&text(description));
    }
    let name = match tools.family {
        Family::Zig => format!("zig {}", ask(&c, &["version"], environment, log)?),
        Family::Machine => machine_name(&c, environment, log)?,
        Family::Emscripten if tools.descriptions.is_empty() => {
            format!("emcc {}", ask(&c, &["-dumpversion"], environment, log)?)
        }
        Family::Emscripten => {
            // Which one it imitates is among its options.
            let version = |part: &str| {
                let option = format!("-D__EMSCRIPTEN_{part}__=");
                tools.cflags.iter().find_map(|word| word.strip_prefix(&option)).unwrap_or("0")
            };
            format!("emcc {}.{}.{}", version("major"), version("minor"), version("tiny"))
        }
    };
    let mut digest = |program: &Path| match tools.family {
        Family::Machine => super::python::identity(program, environment, log),
        Family::Zig | Family::Emscripten => {
            let mut identity = Fields::new();
            identity.add(digest_of(program, log)?.to_string());
            for description in &tools.descriptions {
                identity.add(digest_of(description, log)?.to_string());
            }
            Ok(identity.finish())
        }
    };
    Ok(Identity { c: digest(&c)?, cxx: digest(&cxx)?, name })
}

/// `gcc 12` or `clang 19`: what of a version decides whether objects fit together.
fn machine_name(
    program: &Path,
    environment: &Environment,
    log: &mut Log,
) -> Result<String, Diagnostic> {
    let said = ask(program, &["--version"], environment, log)?;
    let family = if said.contains("clang") { "clang" } else { "gcc" };
    let version = ask(program, &["-dumpversion"], environment, log)?;
    let major = version.split('.').next().unwrap_or_default();
    Ok(format!("{family} {major}"))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn texts(words: Vec<OsString>) -> Vec<String> {
    words.iter().map(|word| word.to_string_lossy().into_owned()).collect()
}
