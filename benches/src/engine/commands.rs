//! The compilers' command lines, as anymod itself runs them, so that the incumbents run the same.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Engine;
use crate::files::{make_dir, write};
use crate::measure;

/// The command line that compiles one source for one architecture.
pub(super) struct Compiler {
    pub(super) arch: &'static str,
    program: PathBuf,
    /// Its arguments for the one source of the project that was asked.
    arguments: Vec<String>,
    /// That project.
    root: String,
}

/// Architectures and the compilers that anymod finds for them.
const PROGRAMS: [(&str, &str); 2] = [("x64", "gcc"), ("armv7m", "arm-none-eabi-gcc")];

const NAME: &str = "asked";

impl Compiler {
    /// Asks `anymod build`, by building a module with compilers that note down how they are called.
    pub(super) fn ask(engine: &Engine) -> Result<Vec<Compiler>, String> {
        let root = engine.directory.join("asked");
        make_dir(&root.join("src"))?;
        make_dir(&root.join("include"))?;
        make_dir(&root.join("bin"))?;
        let manifest = format!(
            "[project]\ntargets = [\"micropython-x64\", \"micropython-armv7m\"]\n\
             [module.{NAME}]\nsources = [\"src/{NAME}.c\"]\ninclude-dirs = [\"include\"]\n"
        );
        write(&root.join("anymod.toml"), &manifest)?;
        write(&root.join(format!("src/{NAME}.c")), "void *mpy_init(void) { return 0; }\n")?;
        for (arch, program) in PROGRAMS {
            let (program, script) = (super::find(program)?, root.join("bin").join(program));
            write(&script, &noting_script(&program, &root.join(arch)))?;
            make_executable(&script)?;
        }
        crate::files::remove_dir(&root.join("build"))?;
        let mut build = engine.build(&root, super::NO_STORE);
        let path = std::env::var("PATH").unwrap_or_default();
        build.env("PATH", format!("{}:{path}", root.join("bin").display()));
        measure::once(&mut vec![build])?;
        PROGRAMS.into_iter().map(|(arch, program)| Compiler::noted(&root, arch, program)).collect()
    }

    fn noted(root: &Path, arch: &'static str, program: &'static str) -> Result<Compiler, String> {
        let notes = std::fs::read_to_string(root.join(arch))
            .map_err(|error| format!("`anymod build` did not call {program}: {error}"))?;
        Ok(Compiler {
            arch,
            program: super::find(program)?,
            arguments: notes.lines().map(str::to_owned).collect(),
            root: root.display().to_string(),
        })
    }

    /// The command line as text for a shell. `object` and `source` are paths or references to variables, `generated` the
    /// directory of the qstrs header, `root` the project.
    pub(super) fn line(&self, root: &Path, source: &str, object: &str, generated: &str) -> String {
        let mut line = quoted(&self.program.display().to_string());
        let built = format!("build/micropython-{}/release/{NAME}/gen", self.arch);
        let mut previous = "";
        for argument in &self.arguments {
            let word = match previous {
                "-o" => object.to_owned(),
                "-MF" => format!("{object}.d"),
                _ if *argument == format!("src/{NAME}.c") => source.to_owned(),
                _ => match argument.strip_suffix(&built) {
                    Some(option) => format!("{option}{generated}"),
                    None => quoted(&argument.replace(&self.root, &root.display().to_string())),
                },
            };
            line = format!("{line} {word}");
            previous = argument;
        }
        line
    }
}

/// A word as a shell takes it for one.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_=+./,:@".contains(letter);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{word}'") }
}

/// A script that writes the arguments of the last compilation to `notes` and is the compiler otherwise.
fn noting_script(program: &Path, notes: &Path) -> String {
    let (program, notes) = (program.display(), notes.display());
    format!(
        "#!/bin/sh\ncase \" $* \" in *\" src/{NAME}.c \"*) printf '%s\\n' \"$@\" >'{notes}' ;; esac\n\
         exec '{program}' \"$@\"\n"
    )
}

fn make_executable(path: &Path) -> Result<(), String> {
    measure::once(&mut vec![{
        let mut command = Command::new("chmod");
        command.arg("+x").arg(path);
        command
    }])
    .map(|_| ())
}
