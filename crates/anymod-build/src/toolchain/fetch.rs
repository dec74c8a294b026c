//! Fetching a pinned package through the Python package tool that the machine has, as it is configured there.
//!
//! pip and uv know the machine's index, proxy and certificates; anymod does not need to. The pin is checked twice: by
//! the tool that downloads and again here.

use std::path::{Path, PathBuf};
use std::process::Command;

use anymod_model::Diagnostic;
use anymod_model::codes::toolchain as codes;

use super::install::Package;
use crate::environment::Environment;
use crate::install;
use crate::target::npm;
use anymod_store::Digest;

/// Ways to run pip, best first.
const PIPS: [&[&str]; 4] =
    [&["python3", "-m", "pip"], &["pip3"], &["pip"], &["uv", "tool", "run", "pip"]];

/// Downloads the package into `work`; the path of the file.
pub(crate) fn fetch(
    package: &Package,
    work: &Path,
    environment: &Environment,
) -> Result<PathBuf, Diagnostic> {
    let pip = find_pip(environment).map_err(|tried| no_pip(package, tried))?;
    let requirements = work.join("requirements.txt");
    let hashes: String =
        package.sha256.iter().map(|hash| format!(" --hash=sha256:{hash}")).collect();
    let text = format!("{}=={}{hashes}\n", package.distribution, package.version);
    install::write_scratch(&requirements, text)?;
    let downloads = work.join("download");
    let mut command = command(&pip, environment);
    command
        .args(["download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"])
        .args(["--only-binary", ":all:", "--require-hashes", "-r"])
        .arg(&requirements)
        .arg("-d")
        .arg(&downloads);
    let output = command.output().map_err(|error| failed(package, &install::reason(&error)))?;
    if !output.status.success() {
        let mut finding =
            failed(package, "the download failed").note(format!("ran {}", pip.join(" ")));
        for line in String::from_utf8_lossy(&output.stderr).lines().take(8) {
            finding = finding.note(line);
        }
        return Err(finding.hint("check the network and the index that pip is configured for"));
    }
    let mut files = std::fs::read_dir(&downloads)
        .map_err(|error| install::read_error(&downloads, &error))?
        .filter_map(|entry| Some(entry.ok()?.path()));
    let wheel = files.next().ok_or_else(|| failed(package, "the download left no file"))?;
    check(package, &wheel)?;
    Ok(wheel)
}

/// Downloads the package from npm into `work`; the path of the file.
pub(crate) fn fetch_from_npm(
    package: &Package,
    work: &Path,
    environment: &Environment,
) -> Result<PathBuf, Diagnostic> {
    let fetched = npm::pack(package.distribution, package.version, work, environment);
    let (file, _) = fetched.map_err(|finding| {
        let mut whole = failed(package, &finding.message);
        whole.notes = finding.notes;
        whole.hint = finding.hint;
        whole
    })?;
    check(package, &file)?;
    Ok(file)
}

/// Compares the file with the pins.
pub(crate) fn check(package: &Package, wheel: &Path) -> Result<(), Diagnostic> {
    let digest = Digest::of(&install::read(wheel)?).to_string();
    if package.sha256.contains(&digest.as_str()) {
        return Ok(());
    }
    let finding =
        failed(package, "the file is not the one that this version of anymod is pinned to");
    Err(finding.note(format!("its SHA-256 is {digest}")))
}

/// The first way to run pip that works, with the program as an absolute path; else what was tried.
pub(crate) fn find_pip(environment: &Environment) -> Result<Vec<String>, Vec<String>> {
    let mut tried = Vec::new();
    for words in PIPS {
        let Some((name, rest)) = words.split_first() else { continue };
        let Some(program) = environment.find_program(name) else { continue };
        let mut pip = vec![program.to_string_lossy().into_owned()];
        pip.extend(rest.iter().map(|word| (*word).to_owned()));
        // A Python without pip is common; uv fetches pip at this point if it has to.
        match command(&pip, environment).arg("--version").output() {
            Ok(output) if output.status.success() => return Ok(pip),
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr);
                let said = said.lines().next().unwrap_or("it said nothing");
                tried.push(format!("`{}` does not work: {said}", pip.join(" ")));
            }
            Err(error) => {
                tried.push(format!(
                    "`{}` does not work: {}",
                    pip.join(" "),
                    install::reason(&error)
                ));
            }
        }
    }
    Err(tried)
}

/// A command with the whole environment: proxies and indexes are configured there.
fn command(words: &[String], environment: &Environment) -> Command {
    let (program, arguments) =
        words.split_first().map_or(("pip", words), |(p, rest)| (p.as_str(), rest));
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(environment.all()).stdin(std::process::Stdio::null());
    command
}

pub(crate) fn failed(package: &Package, why: &str) -> Diagnostic {
    let message = format!("cannot install {} {}: {why}", package.name, package.version);
    Diagnostic::error(&codes::INSTALL, message)
}

fn no_pip(package: &Package, tried: Vec<String>) -> Diagnostic {
    let mut finding = failed(package, "there is no working pip or uv on the `PATH`");
    finding.notes = tried;
    finding.hint(
        "install one of them (`apt-get install python3-pip`); they are needed for the download only",
    )
}
