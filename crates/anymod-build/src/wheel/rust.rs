//! The Rust of this machine, for packages that are in part Rust: it has to have the standard library for the target.
//!
//! Looked at before anything is compiled, because cargo says what is missing only after minutes, in the middle of other
//! things.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anymod_model::Diagnostic;
use anymod_model::codes::wheel as codes;
use anymod_model::pyodide::{Exceptions, PyodideFacts};

use super::backend::{Backend, names};
use super::python::plain;
use crate::environment::Environment;

/// What Rust calls the target.
pub(crate) const TARGET: &str = "wasm32-unknown-emscripten";

/// Distributions that build Rust.
const BUILDERS: [&str; 2] = ["maturin", "setuptools-rust"];

/// The compiler of Rust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rust {
    /// What it calls the build machine.
    host: String,
}

impl Rust {
    /// The variable that names cargo the linker of the build machine, for build scripts and macros.
    pub(crate) fn linker_variable(&self) -> String {
        format!("CARGO_TARGET_{}_LINKER", self.host.to_ascii_uppercase().replace(['-', '.'], "_"))
    }
}

/// The compiler that a package in a directory gets whose backend asks for `more` than it requires; none if it wants none.
///
/// # Errors
/// `W0112` if there is none, or none that builds for the target.
pub(crate) fn find(
    backend: &Backend,
    more: &BTreeSet<String>,
    root: &Path,
    facts: &PyodideFacts,
    environment: &Environment,
) -> Result<Option<Rust>, Diagnostic> {
    if !BUILDERS.iter().any(|builder| backend.requires(builder) || names(more, builder)) {
        return Ok(None);
    }
    let missing = |what: &str| {
        Diagnostic::error(&codes::RUST, format!("this package is in part Rust, and {what}"))
            .note(format!("it builds with `{}`", backend.object))
    };
    let rustc = environment.find_program("rustc").ok_or_else(|| {
        missing("there is no `rustc` on the `PATH`")
            .hint(format!("install Rust with rustup, then `rustup target add {TARGET}`"))
    })?;
    // In the package's directory, which may name a toolchain of its own.
    let ask = |words: &[&str]| {
        let mut command = Command::new(&rustc);
        command.args(words).current_dir(root).env_clear().envs(plain(environment));
        let output = command.stdin(Stdio::null()).output().ok()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        output.status.success().then_some(said)
    };
    let about = ask(&["-vV"]).and_then(|said| {
        let host = said.lines().find_map(|line| line.strip_prefix("host: "))?.trim().to_owned();
        Some((said.lines().next()?.to_owned(), host))
    });
    let sysroot = ask(&["--print", "sysroot"]).map(|said| PathBuf::from(said.trim()));
    let (Some((version, host)), Some(sysroot)) = (about, sysroot) else {
        let message = format!("`{}` does not run", rustc.display());
        return Err(missing(&message).hint("look what `rustc -vV` says in the package's directory"));
    };
    let library = sysroot.join("lib/rustlib").join(TARGET).join("lib");
    let is = format!("`{}` is {version}, of `{}`", rustc.display(), sysroot.display());
    if !library.is_dir() {
        return Err(missing(&format!("Rust's standard library for `{TARGET}` is not installed"))
            .note(is)
            .hint(format!("run `rustup target add {TARGET}`")));
    }
    let throws = exceptions(&library);
    if throws != facts.exceptions {
        let (has, other) = match throws {
            Exceptions::Wasm => ("of WebAssembly", "an older Rust, or for a Pyodide from 0.28 on"),
            Exceptions::JavaScript => ("of JavaScript", "a newer Rust, or for an older Pyodide"),
        };
        let message = format!(
            "Rust's standard library throws exceptions {has}, and {} catches others",
            facts.target()
        );
        return Err(missing(&message).note(is).hint(format!("build with {other}")));
    }
    Ok(Some(Rust { host }))
}

/// How the standard library in a directory throws: the tag of exceptions of WebAssembly is named in it, or it is not.
fn exceptions(library: &Path) -> Exceptions {
    let files = std::fs::read_dir(library).into_iter().flatten().flatten();
    let tagged = files
        .filter(|file| {
            let name = file.file_name().to_string_lossy().into_owned();
            name.starts_with("libstd-") && name.ends_with(".rlib")
        })
        .filter_map(|file| std::fs::read(file.path()).ok())
        .any(|bytes| memchr::memmem::find(&bytes, b"__cpp_exception").is_some());
    if tagged { Exceptions::Wasm } else { Exceptions::JavaScript }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::target::fixture::facts;

    fn program(directory: &Path, script: &str) {
        let path = directory.join("rustc");
        assert!(std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).is_ok());
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        assert!(std::fs::set_permissions(&path, mode).is_ok());
    }

    fn backend(directory: &Path, requires: &str) -> Result<Backend, Diagnostic> {
        let text =
            format!("[build-system]\nrequires = [\"{requires}\"]\nbuild-backend = \"maturin\"\n");
        assert!(std::fs::write(directory.join("pyproject.toml"), text).is_ok());
        Backend::read(directory)
    }

    #[test]
    fn what_rust_lacks_is_told_and_other_packages_need_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let find_for = |requires: &str, release: &str| {
            // One that remembers nothing of an earlier look.
            let environment = Environment::default().with("PATH", &path.display().to_string());
            let backend = backend(path, requires)?;
            super::find(&backend, &BTreeSet::new(), path, &facts(release), &environment)
        };
        let find = |requires: &str| find_for(requires, "0.29.5");
        assert_eq!(find("setuptools>=60"), Ok(None));
        let error = find("maturin>=1,<2").unwrap_err();
        assert_eq!(error.code.id, "W0112");
        assert!(error.hint.unwrap().contains("rustup target add wasm32-unknown-emscripten"));
        program(path, "exit 1");
        assert!(find("setuptools_rust").unwrap_err().message.contains("does not run"));
        let script = "[ \"$1\" = -vV ] && printf 'rustc 1.95.0 (x)\\nhost: riscv64a23-unknown-linux-gnu\\n' || pwd";
        program(path, script);
        let error = find("maturin").unwrap_err();
        assert!(error.message.contains("is not installed"), "{error}");
        assert!(error.notes.iter().any(|note| note.contains("rustc 1.95.0")), "{error}");
        let library = path.join("lib/rustlib").join(TARGET).join("lib");
        std::fs::create_dir_all(&library).unwrap();
        std::fs::write(library.join("libstd-1.rlib"), "nothing").unwrap();
        assert!(find("maturin").unwrap_err().message.contains("of JavaScript"));
        assert!(find_for("maturin", "0.27.7").is_ok());
        std::fs::write(library.join("libstd-1.rlib"), "a __cpp_exception b").unwrap();
        assert!(find_for("maturin", "0.27.7").unwrap_err().message.contains("of WebAssembly"));
        let rust = find("maturin").unwrap().unwrap();
        assert_eq!(rust.linker_variable(), "CARGO_TARGET_RISCV64A23_UNKNOWN_LINUX_GNU_LINKER");
    }
}
