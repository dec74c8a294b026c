//! The package's own build backend: what `pyproject.toml` says of it, and its PEP 517 hooks, run unmodified.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anymod_model::codes::wheel as codes;
use anymod_model::{Diagnostic, Diagnostics, Place};
use serde::Deserialize;
use serde_json::{Value, json};

use super::environment::BuildEnvironment;

use crate::install;
use crate::runner::Runner;

/// A backend, as `pyproject.toml` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Backend {
    /// The object that has the hooks, for instance `setuptools.build_meta`.
    pub(crate) object: String,
    /// Directories of the source from which it is imported.
    path: Vec<String>,
    /// What it needs.
    pub(crate) requires: BTreeSet<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Project {
    #[serde(rename = "build-system")]
    build_system: Option<BuildSystem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct BuildSystem {
    requires: Vec<String>,
    build_backend: Option<String>,
    #[serde(default)]
    backend_path: Vec<String>,
}

/// What stands for a `pyproject.toml` that names no backend.
const LEGACY: &str = "setuptools.build_meta:__legacy__";

impl Backend {
    /// Reads it out of the source.
    ///
    /// # Errors
    /// `W0108` if `pyproject.toml` cannot be understood.
    pub(crate) fn read(root: &Path) -> Result<Backend, Diagnostic> {
        let path = root.join("pyproject.toml");
        if !path.is_file() {
            return Backend::of(Project::default());
        }
        let bytes = install::read(&path)?;
        let wrong = |why: String| {
            Diagnostic::error(
                &codes::PYPROJECT,
                format!("cannot understand `pyproject.toml`: {why}"),
            )
            .at(Place::file(path.display().to_string()))
            .hint("mend it as PEP 518 describes the section `[build-system]`")
        };
        let text =
            String::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8 text".to_owned()))?;
        let project: Project =
            toml::from_str(&text).map_err(|error| wrong(error.message().to_owned()))?;
        let backend = Backend::of(project)?;
        // PEP 517: a backend in the source stays in the source.
        let inside = |directory: &String| {
            root.join(directory)
                .canonicalize()
                .is_ok_and(|real| root.canonicalize().is_ok_and(|root| real.starts_with(root)))
        };
        if let Some(outside) = backend.path.iter().find(|directory| !inside(directory)) {
            return Err(wrong(format!(
                "`backend-path` names `{outside}`, which is not a directory of the source"
            )));
        }
        Ok(backend)
    }

    #[expect(clippy::unnecessary_wraps, reason = "both callers go on with a result")]
    fn of(project: Project) -> Result<Backend, Diagnostic> {
        let Some(system) = project.build_system else {
            let requires = BTreeSet::from(["setuptools".to_owned()]);
            return Ok(Backend { object: LEGACY.to_owned(), path: Vec::new(), requires });
        };
        Ok(Backend {
            object: system.build_backend.unwrap_or_else(|| LEGACY.to_owned()),
            path: system.backend_path,
            requires: system.requires.into_iter().collect(),
        })
    }

    /// True if a distribution of this name is among what it requires.
    pub(crate) fn requires(&self, distribution: &str) -> bool {
        names(&self.requires, distribution)
    }
}

/// True if a distribution of this name, in its normal form, is among requirements.
pub(super) fn names(requirements: &BTreeSet<String>, distribution: &str) -> bool {
    let normal = |name: &str| name.to_ascii_lowercase().replace(['_', '.'], "-");
    requirements.iter().any(|requirement| {
        let end = requirement.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
        normal(requirement.get(..end.unwrap_or(requirement.len())).unwrap_or_default())
            == distribution
    })
}

/// Settings for a backend: the values of each key, in order.
pub(crate) type ConfigSettings = BTreeMap<String, Vec<String>>;

/// What every hook is run with.
pub(crate) struct Hooks<'a> {
    pub(crate) backend: &'a Backend,
    /// The directory of the source.
    pub(crate) root: &'a Path,
    pub(crate) environment: &'a BuildEnvironment,
    /// A directory for requests and results.
    pub(crate) work: &'a Path,
    pub(crate) settings: &'a ConfigSettings,
    pub(crate) runner: &'a Runner<'a>,
}

/// Where a backend is asked what it needs: what it leaves there is no part of the build.
pub(crate) struct Asked {
    /// The directory of a copy of the source.
    pub(crate) root: PathBuf,
    /// A directory for temporary files.
    pub(crate) temporary: PathBuf,
}

/// What a run of the driver came to.
#[derive(Debug, Deserialize)]
struct Answer {
    requirements: BTreeSet<String>,
    wheel: Option<String>,
    extensions: Vec<String>,
}

/// What came of a build.
#[derive(Debug)]
pub(crate) enum Came {
    /// The backend needs these besides what is there; nothing was built.
    Needs(BTreeSet<String>),
    /// A wheel.
    Wheel(BuiltWheel),
}

/// A wheel that a backend built.
#[derive(Debug)]
pub(crate) struct BuiltWheel {
    /// Its file.
    pub(crate) path: PathBuf,
    /// Names of the extension modules that setuptools knows of.
    pub(crate) extensions: Vec<String>,
    /// What the backend and its tools said.
    pub(crate) said: String,
}

/// A hook that failed.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) findings: Diagnostics,
    /// What it and its tools said, unchanged.
    pub(crate) said: String,
}

impl From<Diagnostic> for Failed {
    fn from(finding: Diagnostic) -> Failed {
        Failed { findings: finding.into(), said: String::new() }
    }
}

impl From<Diagnostics> for Failed {
    fn from(findings: Diagnostics) -> Failed {
        Failed { findings, said: String::new() }
    }
}

impl Hooks<'_> {
    /// Builds the wheel into a directory. With a place to be asked in, the backend is asked before what else it needs.
    pub(crate) fn build_wheel(
        &self,
        into: &Path,
        asked: Option<&Asked>,
        variables: &BTreeMap<String, String>,
    ) -> Result<Came, Failed> {
        let (answer, said) = self.call(into, asked, variables)?;
        if !answer.requirements.is_empty() {
            return Ok(Came::Needs(answer.requirements));
        }
        let name = answer.wheel.as_deref().and_then(|name| Path::new(name).file_name());
        let path = name.map(|name| into.join(name)).filter(|path| path.is_file());
        match path {
            Some(path) => Ok(Came::Wheel(BuiltWheel { path, extensions: answer.extensions, said })),
            None => Err(Failed {
                findings: self.failed("it reported success and wrote no wheel"),
                said,
            }),
        }
    }

    /// The settings as backends expect them: a text for one value, a list for several.
    fn settings(&self) -> Value {
        let value = |values: &Vec<String>| match values.as_slice() {
            [one] => json!(one),
            several => json!(several),
        };
        let map: serde_json::Map<String, Value> =
            self.settings.iter().map(|(key, values)| (key.clone(), value(values))).collect();
        if map.is_empty() { Value::Null } else { Value::Object(map) }
    }

    fn failed(&self, why: &str) -> Diagnostics {
        let message = format!("the build backend `{}` failed: {why}", self.backend.object);
        Diagnostic::error(&codes::BACKEND, message).into()
    }

    /// The interpreter, at the same addresses each time where the system allows that: the order of a set of objects follows
    /// their addresses and reaches what generators such as Cython write.
    fn interpreter(&self, variables: &BTreeMap<String, String>) -> Command {
        let without_randomisation = || {
            let mut command = Command::new("setarch");
            command.arg("-R").env_clear().envs(variables);
            command
        };
        let mut asked = without_randomisation();
        asked.arg("true");
        // Some sandboxes refuse it.
        if self.runner.run(asked).is_ok_and(|ended| ended.status.success()) {
            let mut command = without_randomisation();
            command.arg(&self.environment.python);
            return command;
        }
        let mut command = Command::new(&self.environment.python);
        command.env_clear().envs(variables);
        command
    }

    fn call(
        &self,
        into: &Path,
        asked: Option<&Asked>,
        variables: &BTreeMap<String, String>,
    ) -> Result<(Answer, String), Failed> {
        let (request, result) = (self.work.join("request.json"), self.work.join("result.json"));
        let driver = self.work.join("driver.py");
        let path: Vec<PathBuf> =
            self.backend.path.iter().map(|directory| self.root.join(directory)).collect();
        let text = json!({
            "into": into,
            "asked": asked.map(|asked| json!({ "root": asked.root, "temporary": asked.temporary })),
            "settings": self.settings(),
            "backend": self.backend.object,
            "backend_path": path,
            "result": result,
            "parent": std::process::id(),
        });
        install::write_scratch(&driver, include_str!("driver.py"))?;
        install::write_scratch(&request, text.to_string())?;
        let _ = std::fs::remove_file(&result);
        let mut command = self.interpreter(variables);
        // Unbuffered, so that what the backend says and what its tools say is in order.
        command.arg("-u").arg(&driver).arg(&request).current_dir(self.root);
        let ended = self.runner.run(command)?;
        if !ended.status.success() {
            let findings = self.failed(&format!("`build_wheel` ended with {}", ended.status));
            return Err(Failed { findings, said: ended.said });
        }
        let answer =
            install::read(&result).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        match answer {
            Some(answer) => Ok((answer, ended.said)),
            None => Err(Failed {
                findings: self.failed("`build_wheel` left no result"),
                said: ended.said,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: Option<&str>) -> Result<Backend, Diagnostic> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("tools")).unwrap();
        if let Some(text) = text {
            std::fs::write(directory.path().join("pyproject.toml"), text).unwrap();
        }
        Backend::read(directory.path())
    }

    #[test]
    fn what_names_no_backend_is_built_by_setuptools() {
        let nothing = read(None).unwrap();
        assert_eq!(nothing.object, LEGACY);
        assert!(nothing.requires("setuptools"));
        assert_eq!(read(Some("[project]\nname = \"x\"")).unwrap(), nothing);
        let no_backend =
            read(Some("[build-system]\nrequires = [\"setuptools>=61\", \"Cython\"]")).unwrap();
        assert_eq!(no_backend.object, LEGACY);
        assert!(no_backend.requires("cython") && no_backend.requires("setuptools"));
    }

    #[test]
    fn backends_are_named_with_their_path() {
        let text = "[build-system]\nrequires = [\"meson_python>=0.15\"]\nbuild-backend = \"own\"\nbackend-path = [\"tools\"]";
        let backend = read(Some(text)).unwrap();
        assert_eq!((backend.object.as_str(), backend.path.len()), ("own", 1));
        assert!(backend.requires("meson-python") && !backend.requires("meson"));
    }

    #[test]
    fn what_is_not_understood_is_told() {
        for text in [
            "[build-system",
            "[build-system]\nbuild-backend = \"x\"",
            "[build-system]\nrequires = []\nbackend-path = [\"..\"]",
        ] {
            assert_eq!(read(Some(text)).unwrap_err().code.id, "W0108", "{text}");
        }
    }
}
