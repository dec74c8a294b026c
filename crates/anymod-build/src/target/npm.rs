//! Fetching the runtime through npm, as the machine has it configured.

use std::path::{Path, PathBuf};

use anymod_model::Diagnostic;
use anymod_model::codes::toolchain as codes;
use anymod_store::Digest;
use sha2::{Digest as _, Sha512};

use super::command::{command, failed, output};
use super::lock::{LockedPackage, Origin, Role};
use super::release::RELEASES;
use crate::environment::Environment;
use crate::install;

/// Name of the package that holds the runtime.
const PACKAGE: &str = "pyodide";

/// Downloads the runtime's package into a directory: its file, and what the lock says of it.
///
/// # Errors
/// `T0011` if npm is missing or fails, `T0013` if the package is not the one that is pinned.
pub(crate) fn fetch(
    version: &str,
    locked: Option<&LockedPackage>,
    work: &Path,
    environment: &Environment,
) -> Result<(PathBuf, LockedPackage), Diagnostic> {
    let (file, bytes) = pack(PACKAGE, version, work, environment)?;
    let integrity = integrity(&bytes);
    let pinned = RELEASES.iter().find(|(known, _)| *known == version).map(|(_, pin)| *pin);
    let locked = locked.and_then(|package| package.integrity.as_deref());
    for wanted in [pinned, locked].into_iter().flatten() {
        if wanted != integrity {
            let message = format!("npm's {PACKAGE}@{version} is not the package that is pinned");
            return Err(Diagnostic::error(&codes::TARGET_LOCK, message)
                .note(format!("pinned: {wanted}"))
                .note(format!("fetched: {integrity}"))
                .hint("look at the registry that npm is configured for: a published version never changes"));
        }
    }
    let package = LockedPackage {
        role: Role::Runtime,
        from: Origin::Npm,
        name: PACKAGE.to_owned(),
        version: version.to_owned(),
        suite: None,
        sha256: Some(Digest::of(&bytes).to_string()),
        integrity: Some(integrity),
        files: None,
    };
    Ok((file, package))
}

/// Downloads a package into a directory, as npm is configured: its file and that file's bytes.
///
/// # Errors
/// `T0011` if npm is missing or fails.
pub(crate) fn pack(
    package: &str,
    version: &str,
    work: &Path,
    environment: &Environment,
) -> Result<(PathBuf, Vec<u8>), Diagnostic> {
    let npm = environment.find_program("npm").ok_or_else(|| {
        failed(&format!("fetch {package}: `npm` is missing")).hint(
            "install Node.js with npm (`apt-get install nodejs npm`) and put it on the `PATH`",
        )
    })?;
    let purpose = format!("fetch npm's {package}@{version}");
    let mut pack = command(&npm, environment);
    pack.args(["pack", "--silent", "--ignore-scripts", "--pack-destination"])
        .arg(work)
        .arg(format!("{package}@{version}"))
        // A project of npm's at this place is not meant.
        .current_dir(work);
    output(&mut pack, &purpose).map_err(|finding| {
        finding.hint("check the network, the registry that npm is configured for, and the version")
    })?;
    let entries = std::fs::read_dir(work).map_err(|error| install::read_error(work, &error))?;
    let file = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "tgz"))
        .ok_or_else(|| failed(&format!("{purpose}: npm left no file")))?;
    let bytes = install::read(&file)?;
    Ok((file, bytes))
}

/// SHA-512 in the form of `package-lock.json`.
pub(crate) fn integrity(bytes: &[u8]) -> String {
    format!("sha512-{}", base64(&Sha512::digest(bytes)))
}

/// Base 64 of RFC 4648 with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for (index, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            let digit = DIGITS.get((bits >> shift & 63) as usize).copied().unwrap_or(b'=');
            text.push(if index <= group.len() { digit.into() } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_the_standard_one() {
        for (text, expected) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("\u{3fb}~?", "z7t+Pw==")]
        {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }

    #[test]
    fn a_machine_without_npm_is_told() {
        let work = tempfile::tempdir().unwrap();
        let error = fetch("0.29.5", None, work.path(), &Environment::default()).unwrap_err();
        assert_eq!(error.code.id, "T0011");
        assert!(error.message.contains("`npm` is missing"));
    }

    #[cfg(unix)]
    #[test]
    fn another_package_than_the_pinned_one_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let npm = directory.path().join("npm");
        let script = "#!/bin/sh\necho other >\"$5/pyodide.tgz\"\n";
        std::fs::write(&npm, script).unwrap();
        std::fs::set_permissions(&npm, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = directory.path().display().to_string();
        let environment = Environment::default().with("PATH", &path);
        let work = directory.path().join("work");
        std::fs::create_dir(&work).unwrap();
        let error = fetch("0.29.5", None, &work, &environment).unwrap_err();
        assert_eq!(error.code.id, "T0013", "{error}");
        let (_, unknown) = fetch("9.9.9", None, &work, &environment).unwrap();
        let error = fetch(
            "9.9.9",
            Some(&LockedPackage { integrity: Some("sha512-x".to_owned()), ..unknown.clone() }),
            &work,
            &environment,
        );
        assert_eq!(error.unwrap_err().code.id, "T0013");
        assert!(fetch("9.9.9", Some(&unknown), &work, &environment).is_ok());
    }
}
