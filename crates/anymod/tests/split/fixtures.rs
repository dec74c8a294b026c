//! Objects, archives, programs and modules that tests build in a directory of their own.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::support::machine::managed;
use super::support::process::{Finished, anymod, run};
use super::support::{scratch, write};

/// A directory to build in.
pub(crate) struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Place {
        let place = Place { directory: scratch().unwrap() };
        // GCC finds a linker by the name alone, and Debian has LLVM's under one with a version.
        if let Some(lld) = ["ld.lld", "ld.lld-19"].into_iter().find_map(program) {
            std::fs::create_dir(place.path("linkers")).unwrap();
            std::os::unix::fs::symlink(lld, place.path("linkers/ld.lld")).unwrap();
        }
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        write(&self.path(name), bytes).unwrap();
        self.path(name)
    }

    /// Runs a program here; `arguments` are split at spaces.
    pub(crate) fn run(&self, program: &str, arguments: &str) -> Finished {
        let mut command = Command::new(program);
        command.args(arguments.split_whitespace()).current_dir(self.directory.path());
        run(command.env("LC_ALL", "C").env("SOURCE_DATE_EPOCH", "0")).unwrap()
    }

    /// Runs the C compiler; it has to succeed.
    pub(crate) fn cc(&self, arguments: &str) {
        self.link("bfd", arguments).ok().unwrap();
    }

    /// Runs the C compiler with a linker.
    pub(crate) fn link(&self, linker: &str, arguments: &str) -> Finished {
        let linkers = self.path("linkers");
        self.run("cc", &format!("-B{} -fuse-ld={linker} {arguments}", linkers.display()))
    }

    /// Compiles a source text into an object `NAME.o`, position independent unless the flags say otherwise.
    pub(crate) fn object(&self, name: &str, source: &str, flags: &str) {
        self.write(&format!("{name}.c"), source);
        self.cc(&format!("-O1 -fPIC {flags} -c {name}.c -o {name}.o"));
    }

    /// Makes an archive of files.
    pub(crate) fn archive(&self, name: &str, members: &str) {
        self.run("ar", &format!("rcsD {name} {members}")).ok().unwrap();
    }

    /// Runs a verb of `anymod split` here.
    pub(crate) fn split(&self, arguments: &str) -> Finished {
        let mut command = anymod(self.directory.path());
        run(command.arg("split").args(arguments.split_whitespace())).unwrap()
    }

    /// The same with its report as JSON.
    pub(crate) fn json(&self, arguments: &str) -> (i32, serde_json::Value) {
        let finished = self.split(&format!("{arguments} --format json"));
        let value = serde_json::from_str(&finished.stdout);
        (finished.status, value.unwrap_or_else(|error| panic!("{error}: {finished}")))
    }
}

/// Compilers for other machines, all of them in one.
pub(crate) fn zig() -> String {
    managed("zig", "zig").unwrap().display().to_string()
}

/// A program on the `PATH`.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file())
}

/// The directory of this machine's static libraries.
pub(crate) fn libraries() -> &'static Path {
    Path::new("/usr/lib/x86_64-linux-gnu")
}

/// The codes of all findings of a report's file.
pub(crate) fn codes(file: &serde_json::Value) -> Vec<&str> {
    let findings = file["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    findings.iter().filter_map(|finding| finding["code"].as_str()).collect()
}
