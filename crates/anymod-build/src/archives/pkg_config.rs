//! What `pkg-config` says of a library, remembered until one of the files that it read is another.

use std::collections::BTreeSet;
use std::path::Path;

use anymod_store::{Digest, Fields};
use serde::{Deserialize, Serialize};

use super::libraries::Answer;
use crate::environment::Environment;
use crate::intercept::split;
use crate::log::Log;

/// Variables that decide where `pkg-config` looks and what it says.
const VARIABLES: [&str; 4] = [
    "PKG_CONFIG_PATH",
    "PKG_CONFIG_LIBDIR",
    "PKG_CONFIG_SYSROOT_DIR",
    "PKG_CONFIG_ALLOW_SYSTEM_LIBS",
];

/// An answer and the files that it came from.
#[derive(Serialize, Deserialize)]
struct Remembered {
    options: Vec<String>,
    /// Paths of `.pc` files and digests of their contents.
    files: Vec<(String, String)>,
}

/// The options for compiling and linking with a package.
///
/// The error says why there are none.
pub(crate) fn ask(
    package: &str,
    is_static: bool,
    environment: &Environment,
    log: &mut Log,
) -> Answer {
    let program = environment.find_program("pkg-config");
    let program = program.ok_or("`pkg-config` is not on the `PATH`")?;
    let mut question = Fields::new();
    question.add("pkg-config 1");
    question.add(program.to_string_lossy().as_bytes());
    question.add(package);
    question.add(if is_static { "static" } else { "shared" });
    for name in VARIABLES {
        question.add(environment.get(name).unwrap_or_default());
    }
    let question = question.finish();
    if let Some(known) = known(&question, log) {
        return Ok(known);
    }
    let run = |arguments: &[&str]| run(&program, arguments, environment);
    let mut options = split(&run(&["--cflags", package])?);
    let libs: &[&str] =
        if is_static { &["--static", "--libs", package] } else { &["--libs", package] };
    options.extend(split(&run(libs)?));
    let mut files = Vec::new();
    for name in closure(package, &run) {
        let directory = run(&["--variable=pcfiledir", &name])?;
        let path = format!("{directory}/{name}.pc");
        if let Some(digest) = log.digest(&path) {
            files.push((path, digest.to_string()));
        }
    }
    // Without a file to watch, the answer is asked for again each time.
    if !files.is_empty() {
        let remembered = Remembered { options: options.clone(), files };
        if let Ok(json) = serde_json::to_string(&remembered) {
            log.learn(question, &json);
        }
    }
    Ok(options)
}

/// An earlier answer, if every file that it came from is as it was.
fn known(question: &Digest, log: &mut Log) -> Option<Vec<String>> {
    let remembered: Remembered = serde_json::from_str(log.fact(question)?).ok()?;
    for (path, digest) in &remembered.files {
        if log.digest(path)?.to_string() != *digest {
            return None;
        }
    }
    Some(remembered.options)
}

/// A package and all that it requires.
fn closure(package: &str, run: &dyn Fn(&[&str]) -> Result<String, String>) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut left = vec![package.to_owned()];
    while let Some(name) = left.pop() {
        for question in ["--print-requires", "--print-requires-private"] {
            let requires = run(&[question, &name]).unwrap_or_default();
            let names = requires.lines().filter_map(|line| line.split_whitespace().next());
            left.extend(names.filter(|name| !all.contains(*name)).map(str::to_owned));
        }
        all.insert(name);
    }
    all
}

fn run(program: &Path, arguments: &[&str], environment: &Environment) -> Result<String, String> {
    let variables = VARIABLES.iter().filter_map(|name| Some((*name, environment.get(name)?)));
    let output = std::process::Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(environment.for_tools())
        .envs(variables)
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(|error| crate::install::reason(&error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let line = said.lines().map(str::trim).find(|line| !line.is_empty());
        return Err(line.unwrap_or("`pkg-config` failed without a word").to_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
