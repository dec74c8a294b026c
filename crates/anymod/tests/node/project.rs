//! Copies of the example, and running the command and Node in them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::machine::{cache, repository};
use crate::support::process::{Finished, anymod, run};
use crate::support::{Checked, read, scratch, write};

/// A project in a directory of its own.
pub(crate) struct Project {
    pub(crate) directory: tempfile::TempDir,
}

impl Project {
    /// The example with other targets.
    pub(crate) fn example(targets: &str) -> Checked<Project> {
        let directory = scratch()?;
        let from = repository().join("examples/vectors");
        for name in ["vectors.c", "vectors.h", "node.c", "vectors.d.ts"] {
            write(&directory.path().join(name), read(&from.join(name))?)?;
        }
        let manifest = String::from_utf8_lossy(&read(&from.join("anymod.toml"))?).into_owned();
        let manifest = manifest.replace("\"node-linux-x64\"", targets);
        write(&directory.path().join("anymod.toml"), manifest)?;
        Ok(Project { directory })
    }

    /// A project of one C file for this machine; `more` is the end of its manifest.
    pub(crate) fn of_source(source: &str, more: &str) -> Checked<Project> {
        let directory = scratch()?;
        write(&directory.path().join("one.c"), source)?;
        let manifest = format!(
            "[project]\nversion = \"1.0.0\"\ntargets = [\"node-linux-x64\"]\n[module.one]\nsources = [\"one.c\"]\n{more}"
        );
        write(&directory.path().join("anymod.toml"), manifest)?;
        Ok(Project { directory })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// An installed file of the module `vectors`.
    pub(crate) fn installed(&self, name: &str) -> PathBuf {
        self.path("dist/node/vectors").join(name)
    }

    pub(crate) fn anymod(&self, arguments: &[&str]) -> Checked<Finished> {
        run(self.command(arguments))
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> &'static mut Command {
        let mut command = anymod(self.directory.path());
        // What zig builds of each platform's C library takes minutes for some, once.
        command.env("ZIG_GLOBAL_CACHE_DIR", cache().join("zig-cache")).args(arguments);
        command.env_remove("CFLAGS").env_remove("RUSTFLAGS");
        Box::leak(Box::new(command))
    }

    pub(crate) fn build(&self, arguments: &[&str]) -> Checked<Finished> {
        self.anymod(&[&["build"], arguments].concat())?.ok()
    }

    /// Runs a script in Node, in the project's directory.
    pub(crate) fn node(&self, script: &str) -> Checked<Finished> {
        run(Command::new("node").current_dir(self.directory.path()).arg("-e").arg(script))
    }
}

/// The bytes of a file, changed.
pub(crate) fn change(path: &Path, how: impl Fn(&mut Vec<u8>)) -> Checked {
    let mut bytes = read(path)?;
    how(&mut bytes);
    write(path, bytes)
}
