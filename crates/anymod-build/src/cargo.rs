//! Cargo as an action: it runs in a target directory of its own, its one artifact is found, and what it read is told.

use std::path::{Path, PathBuf};
use std::process::Command;

use anymod_model::codes::node as codes;
use anymod_model::{Diagnostic, Diagnostics, Place};
use serde::Deserialize;

use crate::action::Cargo;
use crate::depfile;
use crate::environment::Environment;
use crate::install;

/// Variables that reach what Cargo makes; `*` stands for anything. They are part of the action's key.
pub(crate) const VARIABLES: [&str; 11] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_*",
    "CARGO_PROFILE_*",
    "CARGO_TARGET_*",
    "CARGO_INCREMENTAL",
    "RUSTC*",
    "RUSTUP_TOOLCHAIN",
    "CFLAGS*",
    "CXXFLAGS*",
    "LDFLAGS",
];

/// What Cargo left.
pub(crate) struct Built {
    pub(crate) artifact: PathBuf,
    /// Files that it read, absolute.
    pub(crate) read: Vec<PathBuf>,
}

/// The process, in the project's directory.
pub(crate) fn command(
    argv: &[String],
    cargo: &Cargo,
    root: &Path,
    environment: &Environment,
) -> Result<Command, Diagnostic> {
    let linker = root.join(&cargo.linker);
    install::write_built(&linker, cargo.linker_script.as_bytes())?;
    install::make_executable(&linker)?;
    let mut command = Command::new(argv.first().map_or("cargo", String::as_str));
    // Cargo is configured by the environment: registries, proxies, flags.
    command.current_dir(root).env_clear().envs(environment.all()).env("CARGO_TERM_COLOR", "never");
    // Whoever runs anymod may have a directory for all of Cargo's work; this is a build of its own.
    command.env_remove("CARGO_TARGET_DIR").env_remove("CARGO_BUILD_TARGET_DIR");
    let types = root.join(&cargo.types);
    install::create_dir(&types)?;
    // Where macros of napi-rs write what they export.
    command.env("NAPI_TYPE_DEF_TMP_FOLDER", types);
    command.args(argv.iter().skip(1));
    // The compiler runs wherever Cargo's workspace is, so that these are absolute. They are not part of the command, because
    // the bytes are the same everywhere.
    command.arg(format!("-Clinker={}", linker.display()));
    command.arg(format!("-Clink-arg={}", root.join(&cargo.identity).display()));
    command.arg(format!("--remap-path-prefix={}=.", root.display()));
    Ok(command)
}

/// A line of `--message-format=json`.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    package_id: String,
    target: Option<Target>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    #[serde(default)]
    crate_types: Vec<String>,
}

/// Splits what Cargo said into its messages, and what is for people.
pub(crate) fn split(said: &str) -> (Vec<&str>, String) {
    let (messages, others): (Vec<&str>, Vec<&str>) =
        said.lines().partition(|line| line.starts_with("{\"reason\":"));
    (messages, others.iter().map(|line| format!("{line}\n")).collect())
}

/// Finds the one artifact among Cargo's messages.
///
/// # Errors
/// `N0105` if there is none, or several.
pub(crate) fn built(messages: &[&str], cargo: &Cargo, root: &Path) -> Result<Built, Diagnostics> {
    let messages: Vec<Message> =
        messages.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let manifest = root.join(&cargo.directory).join("Cargo.toml");
    let manifest = manifest.canonicalize().unwrap_or(manifest);
    let artifacts = messages.iter().filter(|message| message.reason == "compiler-artifact");
    let own =
        |message: &&Message| message.manifest_path.canonicalize().ok().as_ref() == Some(&manifest);
    let is_library = |path: &&PathBuf| {
        let extension = path.extension().and_then(std::ffi::OsStr::to_str);
        extension.is_some_and(|extension| matches!(extension, "so" | "dylib" | "dll"))
    };
    let loadable = |message: &&Message| {
        let types = message.target.as_ref().map(|target| target.crate_types.as_slice());
        types.unwrap_or_default().iter().any(|kind| kind == "cdylib")
    };
    let found: Vec<&PathBuf> = artifacts
        .clone()
        .filter(own)
        .filter(loadable)
        .flat_map(|message| message.filenames.iter().filter(is_library))
        .collect();
    let [artifact] = found[..] else {
        let message =
            format!("the crate made {} libraries that can be loaded, not one", found.len());
        let mut finding = Diagnostic::error(&codes::ARTIFACTS, message)
            .at(Place::file(format!("{}/Cargo.toml", cargo.directory)))
            .hint("give the package one library with `crate-type = [\"cdylib\"]`");
        for message in artifacts.filter(own) {
            let kinds = message.target.as_ref().map(|target| target.crate_types.join(", "));
            for file in &message.filenames {
                let file = file.strip_prefix(root).unwrap_or(file);
                let kinds = kinds.as_deref().unwrap_or_default();
                finding = finding.note(format!("there is `{}` ({kinds})", file.display()));
            }
        }
        return Err(finding.into());
    };
    Ok(Built { artifact: artifact.clone(), read: read(&messages, artifact, &manifest) })
}

/// What macros told of types: every line of every file, sorted, so that the order in which crates are compiled leaves no
/// trace.
///
/// # Errors
/// `B0002` if a file cannot be read.
pub(crate) fn types(directory: &Path) -> Result<String, Diagnostic> {
    let mut lines = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let text = install::read(&entry.path())?;
        lines.extend(String::from_utf8_lossy(&text).lines().map(str::to_owned));
    }
    Ok(lines.into_iter().map(|line| line + "\n").collect())
}

/// The files that Cargo read: sources that it lists beside the artifact, manifests of packages on this machine, the lock.
fn read(messages: &[Message], artifact: &Path, manifest: &Path) -> Vec<PathBuf> {
    let listed = std::fs::read_to_string(artifact.with_extension("d")).unwrap_or_default();
    let mut read: Vec<PathBuf> = depfile::parse(&listed).into_iter().map(PathBuf::from).collect();
    let local = messages.iter().filter(|message| message.package_id.starts_with("path+"));
    read.extend(local.map(|message| message.manifest_path.clone()));
    let above = manifest.ancestors().skip(1);
    let lock = above.map(|directory| directory.join("Cargo.lock")).find(|lock| lock.is_file());
    if let Some(lock) = lock {
        read.extend(lock.parent().map(|directory| directory.join("Cargo.toml")));
        read.push(lock);
    }
    read.sort();
    read.dedup();
    read.retain(|path| path.is_file());
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cargo() -> Cargo {
        Cargo {
            directory: "crate".to_owned(),
            linker: "build/linker".to_owned(),
            linker_script: String::new(),
            types: "build/types".to_owned(),
            identity: "identity.o".to_owned(),
        }
    }

    fn message(types: &str, files: &str) -> String {
        format!(
            "{{\"reason\":\"compiler-artifact\",\"package_id\":\"path+file:///p\",\"manifest_path\":\"/p/crate/Cargo.toml\",\
             \"target\":{{\"crate_types\":[{types}]}},\"filenames\":[{files}]}}"
        )
    }

    #[test]
    fn one_artifact_is_found_and_all_are_listed_if_it_is_not() {
        let built = |lines: &[String]| {
            let text: Vec<&str> = lines.iter().map(String::as_str).collect();
            super::built(&text, &cargo(), Path::new("/p"))
        };
        // The manifest has to exist to be compared, and here none does.
        let error = built(&[message("\"rlib\"", "\"/p/t/liba.rlib\"")]).err().unwrap();
        assert_eq!(error.0[0].code.id, "N0105");
        let error = built(&[]).err().unwrap();
        assert!(error.0[0].message.contains("0 libraries"));
    }

    #[test]
    fn what_cargo_says_is_taken_apart() {
        let said = format!("   Compiling a\n{}\nwarning: x\n", message("", ""));
        let (messages, others) = split(&said);
        assert_eq!(messages.len(), 1);
        assert_eq!(others, "   Compiling a\nwarning: x\n");
    }
}
