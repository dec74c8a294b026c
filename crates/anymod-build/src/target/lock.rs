//! `lock.json`: every package that a target environment was made from.
//!
//! A copy in a project makes the same environment again on another machine, or fails: that is `--lock FILE`.

use std::path::Path;

use anymod_model::codes::toolchain as codes;
use anymod_model::{Diagnostic, Place};
use serde::{Deserialize, Serialize};

use crate::install;

/// What `lock.json` holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Lock {
    /// Version of this file's meaning: 1.
    pub format: u32,
    /// Name of the target.
    pub target: String,
    /// The packages, in the order in which they are taken.
    pub packages: Vec<LockedPackage>,
}

/// A package that went into an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LockedPackage {
    /// What it is for.
    pub role: Role,
    /// Where it comes from.
    pub from: Origin,
    /// Its name there.
    pub name: String,
    /// Its version there.
    pub version: String,
    /// The Debian suite that had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suite: Option<String>,
    /// SHA-256 of the package's file; none for what was found on the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Integrity as npm writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integrity: Option<String>,
    /// SHA-256 over names and contents of the files that were made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<String>,
}

/// What a package of an environment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The runtime itself.
    Runtime,
    /// The runtime's installer of wheels.
    Installer,
    /// Headers of CPython.
    Headers,
    /// Headers of the C and C++ libraries.
    Sysroot,
}

/// Where a package of an environment comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The npm registry.
    Npm,
    /// The Python package index.
    Pypi,
    /// A Debian suite.
    Debian,
    /// An installation on this machine.
    Machine,
}

impl Lock {
    /// The package of a role and a name; any name if it is empty.
    #[must_use]
    pub fn find(&self, role: Role, name: &str) -> Option<&LockedPackage> {
        self.packages
            .iter()
            .find(|package| package.role == role && (name.is_empty() || package.name == name))
    }

    /// Reads a lock.
    ///
    /// # Errors
    /// `B0002` if the file cannot be read, `T0013` if it is no lock.
    pub fn read(path: &Path) -> Result<Lock, Diagnostic> {
        let bytes = install::read(path)?;
        let lock: Lock =
            serde_json::from_slice(&bytes).map_err(|error| damaged(path, &error.to_string()))?;
        if lock.format != 1 {
            return Err(damaged(path, &format!("format {} is not known", lock.format)));
        }
        Ok(lock)
    }

    /// The lock as it stands in a file.
    #[must_use]
    pub fn text(&self) -> String {
        // Plain structs always have a form in JSON.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Compares what was made with what a project's lock wants.
    ///
    /// # Errors
    /// `T0013` names every package that differs.
    pub fn compare(&self, wanted: &Lock, file: &Path) -> Result<(), Diagnostic> {
        let mut notes = Vec::new();
        if self.target != wanted.target {
            notes.push(format!("it is for `{}`, not for `{}`", wanted.target, self.target));
        }
        let names = self.packages.iter().chain(&wanted.packages).map(|p| (p.role, &p.name));
        let mut seen = Vec::new();
        for (role, name) in names {
            if seen.contains(&(role, name)) {
                continue;
            }
            seen.push((role, name));
            let (ours, theirs) = (self.find(role, name), wanted.find(role, name));
            if ours != theirs {
                let say = |package: Option<&LockedPackage>| {
                    package.map_or_else(|| "none".to_owned(), LockedPackage::describe)
                };
                notes.push(format!("`{name}`: locked {}, here {}", say(theirs), say(ours)));
            }
        }
        if notes.is_empty() {
            return Ok(());
        }
        let mut finding =
            Diagnostic::error(&codes::TARGET_LOCK, "the target environment differs from the lock")
                .at(Place::file(file.display().to_string()));
        finding.notes = notes;
        Err(finding.hint(
            "`anymod target remove` and `add --lock` make what the lock names; without the lock's file the command locks what is here",
        ))
    }
}

impl LockedPackage {
    /// Version and hash in a few words.
    fn describe(&self) -> String {
        let hash = [&self.integrity, &self.sha256, &self.files].into_iter().flatten().next();
        let hash = hash.map(String::as_str).unwrap_or_default();
        format!("{} ({hash})", self.version)
    }
}

fn damaged(path: &Path, why: &str) -> Diagnostic {
    Diagnostic::error(&codes::TARGET_LOCK, format!("not a lock of a target environment: {why}"))
        .at(Place::file(path.display().to_string()))
        .hint("remove the file and run the command again: it writes a new one")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(role: Role, name: &str, hash: &str) -> LockedPackage {
        LockedPackage {
            role,
            from: Origin::Npm,
            name: name.to_owned(),
            version: "1".to_owned(),
            suite: None,
            sha256: Some(hash.to_owned()),
            integrity: None,
            files: None,
        }
    }

    fn lock(packages: Vec<LockedPackage>) -> Lock {
        Lock { format: 1, target: "pyodide-1.2.3".to_owned(), packages }
    }

    #[test]
    fn locks_are_compared_package_by_package() {
        let one = lock(vec![package(Role::Runtime, "pyodide", "aa")]);
        assert_eq!(one.compare(&one.clone(), Path::new("x.json")), Ok(()));
        let other = lock(vec![
            package(Role::Runtime, "pyodide", "bb"),
            package(Role::Sysroot, "emscripten", "cc"),
        ]);
        let error = one.compare(&other, Path::new("x.json")).unwrap_err();
        assert_eq!(error.code.id, "T0013");
        assert_eq!(
            error.notes,
            ["`pyodide`: locked 1 (bb), here 1 (aa)", "`emscripten`: locked 1 (cc), here none"]
        );
    }

    #[test]
    fn a_lock_is_read_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock.json");
        let one = lock(vec![package(Role::Runtime, "pyodide", "aa")]);
        std::fs::write(&path, one.text()).unwrap();
        assert_eq!(Lock::read(&path).unwrap(), one);
        for text in ["", "{}", "[1]", &one.text().replace("\"format\": 1", "\"format\": 2")] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(Lock::read(&path).unwrap_err().code.id, "T0013", "{text}");
        }
    }
}
