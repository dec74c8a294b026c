//! Calls of the command `anymod`, which builds the modules of a program; nothing else here knows of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

/// What the interpreter gives to modules.
const IMPORTS: [&str; 2] = ["--allow-import=toy.write", "--allow-import=toy.fail"];

/// What a C compiler needs to know of modules.
#[derive(Deserialize)]
pub(crate) struct Info {
    /// What declares their functions.
    pub(crate) headers: Vec<String>,
    /// The C compiler and its first arguments.
    cc: Vec<String>,
    cflags: Vec<String>,
    /// Archives, libraries and options, in the order in which they are linked.
    ldflags: Vec<String>,
}

/// Makes one WebAssembly module of the modules of a program; its path.
pub(crate) fn bundle(program: &Path, build_type: &str) -> Result<PathBuf, String> {
    let words = ["bundle", "--quiet", "--build-type", build_type];
    let path = anymod(program, &[&words[..], &IMPORTS].concat())?;
    Ok(PathBuf::from(path.trim_end_matches('\n')))
}

/// Builds the modules of a program for this machine; what to compile and link its C with.
pub(crate) fn info(program: &Path, build_type: &str) -> Result<Info, String> {
    let target = ["--target", "native", "--build-type", build_type];
    anymod(program, &[&["build", "--quiet"][..], &target].concat())?;
    let words = [&["info", "--format", "json"][..], &target].concat();
    let text = anymod(program, &words)?;
    serde_json::from_str(&text)
        .map_err(|error| format!("`anymod info` says something else: {error}"))
}

/// Compiles and links the C of a program.
pub(crate) fn link(info: &Info, source: &Path, output: &Path) -> Result<(), String> {
    let (program, first) = info.cc.split_first().ok_or("there is no C compiler")?;
    let mut command = Command::new(program);
    command.args(first).args(&info.cflags).arg(source).arg("-o").arg(output).args(&info.ldflags);
    let status = command.status().map_err(|error| format!("cannot run `{program}`: {error}"))?;
    if status.success() { Ok(()) } else { Err("the C compiler failed".to_owned()) }
}

/// Runs the command where the program is, whose manifest it is that counts; what it prints.
fn anymod(program: &Path, words: &[&str]) -> Result<String, String> {
    let directory = match program.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut command = Command::new("anymod");
    command.args(words).current_dir(directory).stderr(Stdio::inherit());
    let output = command.output().map_err(|error| format!("cannot run `anymod`: {error}"))?;
    if !output.status.success() {
        return Err("`anymod` failed".to_owned());
    }
    String::from_utf8(output.stdout).map_err(|_| "`anymod` does not print text".to_owned())
}
