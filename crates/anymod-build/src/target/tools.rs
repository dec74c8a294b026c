//! Finding the tools that build for a target, and refusing those that cannot.

use std::path::{Path, PathBuf};

use anymod_model::Diagnostic;
use anymod_model::codes::toolchain as codes;
use anymod_model::pyodide::PyodideFacts;

use super::command::{command, output};
use super::{Compiler, Tools};
use crate::environment::Environment;
use crate::toolchain::{ZIG_VERSION, install};

/// The oldest clang whose code Pyodide's ABIs agree with.
const OLDEST_CLANG: u32 = 19;

/// What follows the names of LLVM's programs, best first: the version that is tested, what is first on the path, newer
/// ones.
const SUFFIXES: [&str; 6] = ["-19", "", "-20", "-21", "-22", "-23"];

/// The command that installs the default tools.
const INSTALL: &str = "apt-get install clang-19 lld-19 llvm-19";

/// Finds the tools of a kind.
///
/// # Errors
/// `T0015` if they are missing or too old, `T0016` if they make code for another runtime.
pub(crate) fn find(
    compiler: Compiler,
    facts: &PyodideFacts,
    environment: &Environment,
) -> Result<Tools, Diagnostic> {
    match compiler {
        Compiler::Clang => clang(environment),
        Compiler::Zig => zig(environment),
        Compiler::Emcc => emcc(facts, environment),
    }
}

/// True if every tool is still where it was.
pub(crate) fn are_there(tools: &Tools, environment: &Environment) -> bool {
    let all = [&tools.cc, &tools.cxx, &tools.ar, &tools.ranlib, &tools.strip, &tools.nm];
    all.into_iter()
        .chain(&tools.ld)
        .all(|tool| environment.find_program(&tool.to_string_lossy()).is_some())
}

fn clang(environment: &Environment) -> Result<Tools, Diagnostic> {
    let mut notes = Vec::new();
    for suffix in SUFFIXES {
        let Some(cc) = environment.find_program(&format!("clang{suffix}")) else { continue };
        match clang_with(&cc, suffix, environment) {
            Ok(tools) => return Ok(tools),
            Err(why) => notes.push(format!("`{}`: {why}", cc.display())),
        }
    }
    let mut finding = Diagnostic::error(
        &codes::TARGET_TOOLS,
        format!("there is no clang {OLDEST_CLANG} or newer with lld and LLVM's tools"),
    );
    finding.notes = notes;
    Err(finding.hint(format!("run `{INSTALL}`; or use the managed zig with `--compiler zig`")))
}

/// The tools that belong to a clang; why it does not serve, if it does not.
fn clang_with(cc: &Path, suffix: &str, environment: &Environment) -> Result<Tools, String> {
    let say = |argument: &str| {
        let said = output(command(cc, environment).arg(argument), "ask");
        said.map(|said| String::from_utf8_lossy(&said).into_owned())
            .map_err(|_| "it does not run".to_owned())
    };
    let version = clang_version(&say("--version")?).ok_or("it does not tell its version")?;
    if version < OLDEST_CLANG {
        return Err(format!("it is of version {version}, {OLDEST_CLANG} is needed"));
    }
    if !say("--print-targets")?.contains("wasm32") {
        return Err("it was built without WebAssembly".to_owned());
    }
    // Beside the compiler first: an unpacked LLVM has everything in one directory.
    let beside = cc.parent().unwrap_or(Path::new(""));
    let tool = |name: &str| {
        let name = format!("{name}{suffix}");
        environment
            .find_program(&beside.join(&name).to_string_lossy())
            .or_else(|| environment.find_program(&name))
            .ok_or_else(|| format!("`{name}` is missing"))
    };
    Ok(Tools {
        compiler: Compiler::Clang,
        cxx: tool("clang++")?,
        ld: Some(tool("wasm-ld")?),
        ar: tool("llvm-ar")?,
        ranlib: tool("llvm-ranlib")?,
        strip: tool("llvm-strip")?,
        nm: tool("llvm-nm")?,
        cc: cc.to_owned(),
    })
}

/// The major version in what `clang --version` says.
fn clang_version(said: &str) -> Option<u32> {
    let (_, rest) = said.lines().next()?.split_once("clang version ")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The managed zig, which is every tool: `zig clang`, `zig wasm-ld`, `zig ar`.
fn zig(environment: &Environment) -> Result<Tools, Diagnostic> {
    let directory = install::directory(environment, "zig", ZIG_VERSION);
    let zig = directory
        .and_then(|directory| environment.find_program(&directory.join("zig").to_string_lossy()))
        .ok_or_else(|| {
            Diagnostic::error(&codes::TARGET_TOOLS, "the managed zig is not installed")
                .hint("run `anymod toolchain install zig`")
        })?;
    Ok(all_of(Compiler::Zig, &zig))
}

fn all_of(compiler: Compiler, program: &Path) -> Tools {
    let own = || program.to_owned();
    Tools {
        compiler,
        cc: own(),
        cxx: own(),
        ld: Some(own()),
        ar: own(),
        ranlib: own(),
        strip: own(),
        nm: own(),
    }
}

/// An installed emscripten. Its C and C++ libraries and its exceptions are the runtime's only in the same version.
fn emcc(facts: &PyodideFacts, environment: &Environment) -> Result<Tools, Diagnostic> {
    let missing = |name: &str| {
        Diagnostic::error(&codes::TARGET_TOOLS, format!("`{name}` is not on the `PATH`")).hint(
            format!(
                "install and activate emscripten {}, or leave `--compiler emcc` out",
                facts.emscripten
            ),
        )
    };
    let tool = |name: &str| environment.find_program(name).ok_or_else(|| missing(name));
    let cc = tool("emcc")?;
    let said = output(command(&cc, environment).arg("-dumpversion"), "ask `emcc` for its version")?;
    let version = String::from_utf8_lossy(&said).trim().to_owned();
    if version != facts.emscripten {
        let message = format!(
            "emcc {version} builds for another runtime: {} was built with emscripten {}",
            facts.target(),
            facts.emscripten
        );
        return Err(Diagnostic::error(&codes::TARGET_ABI, message)
            .note("a wheel's C++ library, exceptions and calling conventions have to be the runtime's")
            .hint(format!("activate emscripten {}, or leave `--compiler emcc` out", facts.emscripten)));
    }
    let tools: [PathBuf; 5] =
        [tool("em++")?, tool("emar")?, tool("emranlib")?, tool("emstrip")?, tool("emnm")?];
    let [cxx, ar, ranlib, strip, nm] = tools;
    Ok(Tools { compiler: Compiler::Emcc, cc, cxx, ld: None, ar, ranlib, strip, nm })
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::target::fixture::facts;

    fn program(directory: &Path, name: &str, script: &str) {
        let path = directory.join(name);
        assert!(std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).is_ok());
        let mode = std::fs::Permissions::from_mode(0o755);
        assert!(std::fs::set_permissions(&path, mode).is_ok());
    }

    fn clang_at(directory: &Path, suffix: &str, version: &str) {
        let script = format!(
            "[ \"$1\" = --version ] && echo 'Debian clang version {version} (3)' || echo 'wasm32 - x'"
        );
        program(directory, &format!("clang{suffix}"), &script);
        for name in ["clang++", "wasm-ld", "llvm-ar", "llvm-ranlib", "llvm-strip", "llvm-nm"] {
            program(directory, &format!("{name}{suffix}"), "");
        }
    }

    fn environment(directory: &Path) -> Environment {
        Environment::default().with("PATH", &directory.display().to_string())
    }

    #[test]
    fn the_tested_clang_goes_before_others_and_old_ones_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let find = || find(Compiler::Clang, &facts("0.29.5"), &environment(directory.path()));
        let error = find().unwrap_err();
        assert_eq!((error.code.id, error.notes.len()), ("T0015", 0));
        assert!(error.hint.unwrap().contains("apt-get install clang-19 lld-19 llvm-19"));
        clang_at(directory.path(), "", "14.0.6");
        let error = find().unwrap_err();
        assert!(error.notes[0].contains("version 14, 19 is needed"), "{error}");
        clang_at(directory.path(), "", "21.1.0");
        assert_eq!(find().unwrap().cc, directory.path().join("clang"));
        clang_at(directory.path(), "-19", "19.1.7");
        let tools = find().unwrap();
        assert_eq!(tools.ld, Some(directory.path().join("wasm-ld-19")));
        assert!(are_there(&tools, &environment(directory.path())));
        std::fs::remove_file(directory.path().join("wasm-ld-19")).unwrap();
        assert!(!are_there(&tools, &environment(directory.path())));
        assert_eq!(find().unwrap().cc, directory.path().join("clang"));
    }

    #[test]
    fn an_emscripten_of_another_version_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let find = || find(Compiler::Emcc, &facts("0.29.5"), &environment(directory.path()));
        assert_eq!(find().unwrap_err().code.id, "T0015");
        for name in ["emcc", "em++", "emar", "emranlib", "emstrip", "emnm"] {
            program(directory.path(), name, "echo 3.1.58");
        }
        assert_eq!(find().unwrap_err().code.id, "T0016");
        program(directory.path(), "emcc", "echo 4.0.9");
        assert_eq!(find().unwrap().ld, None);
    }

    #[test]
    fn zig_is_the_managed_one() {
        let error = find(Compiler::Zig, &facts("0.29.5"), &Environment::default()).unwrap_err();
        assert_eq!(error.hint.as_deref(), Some("run `anymod toolchain install zig`"));
    }
}
