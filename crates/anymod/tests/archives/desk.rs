//! A project to try things on, in a directory whose name needs quoting.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::process::{Finished, anymod, run};
use crate::support::{Checked, ensure, scratch, write};

/// A project in a directory of its own.
pub(crate) struct Desk {
    pub(crate) root: PathBuf,
    _scratch: tempfile::TempDir,
}

/// A module, glue with a header of its own, a host library and a program.
const FILES: [(&str, &str); 6] = [
    (
        "anymod.toml",
        "[project]\ntargets = [\"native\", \"wasi\"]\n\n[module.greet]\nsources = [\"src/greet.c\"]\n\n\
         [module.greet.archive]\nheaders = [\"include/greet.h\"]\npublic-include-dirs = [\"include\"]\nhost-libraries = [\"host\"]\n\
         abi = { gc = \"none\" }\n\n[module.host]\nsources = [\"host/host.c\"]\narchive = {}\n\n\
         [library.host]\narchive = \"build/{target}/{build-type}/host.a\"\ninclude-dirs = [\"host\"]\ndefines = { HOST = \"\\\"it's $5\\\"\" }\n",
    ),
    (
        "src/greet.c",
        "#include \"greet.h\"\n#include \"host.h\"\nconst char *greeting(void) { return HOST; }\nint greet(int x) { return host(x) + 1; }\n",
    ),
    ("include/greet.h", "const char *greeting(void);\nint greet(int);\n"),
    ("host/host.c", "#include \"host.h\"\nint host(int x) { return x * 2; }\n"),
    ("host/host.h", "int host(int);\n"),
    (
        "main.c",
        "#include <stdio.h>\n#include \"greet.h\"\nint main(void) { printf(\"%s %d\\n\", greeting(), greet(20)); return 0; }\n",
    ),
];

impl Desk {
    /// The project, in a directory whose name has a blank, a quote and a dollar sign.
    pub(crate) fn new() -> Checked<Desk> {
        Desk::called("it's a $desk")
    }

    pub(crate) fn called(name: &str) -> Checked<Desk> {
        let scratch = scratch()?;
        let root = scratch.path().canonicalize().map_err(|error| error.to_string())?.join(name);
        let desk = Desk { root, _scratch: scratch };
        for (path, text) in FILES {
            desk.write(path, text)?;
        }
        Ok(desk)
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> Checked {
        write(&self.root.join(path), text)
    }

    /// Replaces a part of a file, which has to be there.
    pub(crate) fn edit(&self, path: &str, from: &str, to: &str) -> Checked {
        let text = std::fs::read_to_string(self.root.join(path)).map_err(|e| e.to_string())?;
        ensure(text.contains(from), || format!("`{from}` is not in {path}"))?;
        self.write(path, &text.replacen(from, to, 1))
    }

    /// Adds to the manifest.
    pub(crate) fn describe(&self, text: &str) -> Checked {
        let path = self.root.join("anymod.toml");
        let old = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
        write(&path, old + text)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = anymod(&self.root);
        command.args(arguments);
        command
    }

    pub(crate) fn anymod(&self, arguments: &[&str]) -> Checked<Finished> {
        run(&mut self.command(arguments))
    }

    /// Runs another program here.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Checked<Finished> {
        run(Command::new(program).args(arguments).current_dir(&self.root))
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub(crate) fn bytes(&self, path: &str) -> Checked<Vec<u8>> {
        crate::support::read(&self.root.join(path))
    }
}

/// Fails unless a command failed with a status, said this, and nothing went to standard output.
pub(crate) fn refused(finished: &Finished, status: i32, said: &[&str]) -> Checked {
    let right = finished.status == status && finished.stdout.is_empty();
    ensure(right, || format!("expected status {status} and no output: {finished}"))?;
    for text in said {
        ensure(finished.stderr.contains(text), || format!("`{text}` is not told: {finished}"))?;
    }
    Ok(())
}

/// True if a program of this name is on the `PATH`.
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| Path::new(&directory).join(program).is_file())
}
