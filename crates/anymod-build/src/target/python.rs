//! Headers of CPython: from an installation of the same minor version on this machine, else from Debian.
//!
//! Within a minor version CPython's headers keep to one ABI; which of its patch releases they are of is in the lock.

use std::path::{Path, PathBuf};

use anymod_model::Diagnostic;
use anymod_model::codes::toolchain as codes;
use anymod_model::pyodide::PyodideFacts;
use anymod_store::Digest;

use super::command::{command, output};
use super::lock::{LockedPackage, Origin, Role};
use super::sysconfig::Variables;
use super::{archive, debian, files, pyconfig, release};
use crate::environment::Environment;
use crate::install;

/// A directory with CPython's headers, and the `pyconfig.h` that goes with them.
struct Found {
    directory: PathBuf,
    pyconfig: PathBuf,
    version: String,
}

/// Makes the headers at `to`, with the target's `pyconfig.h`; what the lock says of them.
///
/// # Errors
/// `T0014` if there are none for the runtime's CPython, `T0013` if none are the locked ones.
pub(crate) fn headers(
    facts: &PyodideFacts,
    variables: &Variables,
    locked: Option<&LockedPackage>,
    to: &Path,
    work: &Path,
    environment: &Environment,
) -> Result<LockedPackage, Diagnostic> {
    let minor = facts.python_minor();
    let here = installed(facts, environment);
    if locked.is_none_or(|locked| locked.from == Origin::Machine) {
        let mut tried = Vec::new();
        for found in &here {
            make(found, variables, to)?;
            let package = LockedPackage {
                role: Role::Headers,
                from: Origin::Machine,
                name: "cpython".to_owned(),
                version: found.version.clone(),
                suite: None,
                sha256: None,
                integrity: None,
                files: Some(files::digest(to)?),
            };
            if locked.is_none_or(|locked| locked.files == package.files) {
                return Ok(package);
            }
            tried.push(format!("`{}` has others ({})", found.directory.display(), found.version));
            std::fs::remove_dir_all(to).map_err(|error| install::write_error(to, &error))?;
        }
        if let Some(locked) = locked {
            let message =
                format!("no CPython on this machine has the locked headers of {}", locked.version);
            let mut finding = Diagnostic::error(&codes::TARGET_LOCK, message);
            finding.notes = tried;
            return Err(finding.hint(install_hint(&locked.version)));
        }
    }
    from_debian(minor, variables, locked, to, work, environment).map_err(|mut finding| {
        if locked.is_some() {
            return finding;
        }
        finding.code = &codes::TARGET_HEADERS;
        finding.message = format!("there are no headers of CPython {minor}: {}", finding.message);
        finding
            .note(format!(
                "looked for `python{minor}` on the `PATH`, in pyenv and among uv's Pythons"
            ))
            .hint(install_hint(minor))
    })
}

fn install_hint(version: &str) -> String {
    format!(
        "install CPython {version} with its headers, for instance `uv python install {version}` or `pyenv install {version}`"
    )
}

/// The installations of the minor version on this machine: the runtime's own version first, else in the order in which
/// they are looked for.
fn installed(facts: &PyodideFacts, environment: &Environment) -> Vec<Found> {
    let minor = facts.python_minor();
    let name = format!("python{minor}");
    let mut directories = Vec::new();
    if let Some(program) = environment.find_program(&name) {
        let mut ask = command(&program, environment);
        ask.args(["-I", "-c", "import sysconfig; print(sysconfig.get_path('include'))"]);
        // A shim of pyenv that stands for nothing is common.
        if let Ok(said) = output(&mut ask, "ask Python") {
            directories.push(PathBuf::from(String::from_utf8_lossy(&said).trim()));
        }
    }
    for (parent, prefix) in installations(environment) {
        let mut names: Vec<_> = std::fs::read_dir(parent)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                name.strip_prefix(prefix)
                    .is_some_and(|version| version.starts_with(&format!("{minor}.")))
            })
            .map(|entry| entry.path().join("include").join(&name))
            .collect();
        names.sort();
        directories.extend(names.into_iter().rev());
    }
    directories.push(Path::new("/usr/include").join(&name));
    let mut found: Vec<Found> = Vec::new();
    for directory in directories {
        let known = found.iter().any(|found| found.directory == directory);
        if let Some(one) = look(&directory, minor).filter(|_| !known) {
            found.push(one);
        }
    }
    found.sort_by_key(|found| found.version != facts.python);
    found
}

/// Where pyenv and uv keep Pythons, and how the names of those begin.
fn installations(environment: &Environment) -> Vec<(PathBuf, &'static str)> {
    let home = environment.get("HOME").map(PathBuf::from);
    let pyenv = environment.get("PYENV_ROOT").map(PathBuf::from);
    let pyenv = pyenv.or_else(|| Some(home.as_ref()?.join(".pyenv")));
    let uv = environment.get("UV_PYTHON_INSTALL_DIR").map(PathBuf::from);
    let data = environment.get("XDG_DATA_HOME").map(PathBuf::from);
    let data = data.or_else(|| Some(home?.join(".local/share")));
    let uv = uv.or_else(|| Some(data?.join("uv/python")));
    let pyenv = pyenv.map(|pyenv| (pyenv.join("versions"), ""));
    let uv = uv.map(|uv| (uv, "cpython-"));
    [pyenv, uv].into_iter().flatten().collect()
}

/// Looks whether a directory has all headers of a minor version.
fn look(directory: &Path, minor: &str) -> Option<Found> {
    let patchlevel = std::fs::read_to_string(directory.join("patchlevel.h")).ok()?;
    let version = patchlevel.lines().find_map(|line| {
        let rest = line.strip_prefix("#define PY_VERSION")?;
        Some(rest.split('"').nth(1)?.to_owned())
    })?;
    if !version.starts_with(&format!("{minor}.")) || !directory.join("Python.h").is_file() {
        return None;
    }
    let name = directory.file_name()?;
    let mut candidates = vec![directory.join("pyconfig.h")];
    // Debian has a header there that includes the one of the architecture.
    let siblings = std::fs::read_dir(directory.parent()?).into_iter().flatten().flatten();
    let mut siblings: Vec<_> =
        siblings.map(|entry| entry.path().join(name).join("pyconfig.h")).collect();
    siblings.sort();
    candidates.extend(siblings);
    let pyconfig = candidates.into_iter().find(|path| {
        std::fs::read_to_string(path).is_ok_and(|text| text.contains("#define SIZEOF_LONG "))
    })?;
    Some(Found { directory: directory.to_owned(), pyconfig, version })
}

/// Copies CPython's own headers, not those that packages put beside them, and derives `pyconfig.h`.
fn make(found: &Found, variables: &Variables, to: &Path) -> Result<(), Diagnostic> {
    install::create_dir(to)?;
    let entries = std::fs::read_dir(&found.directory)
        .map_err(|error| install::read_error(&found.directory, &error))?;
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_file() && path.extension().is_some_and(|extension| extension == "h") {
            install::write_scratch(&to.join(name), install::read(&path)?)?;
        } else if name == "cpython" || name == "internal" {
            files::copy(&path, &to.join(name))?;
        }
    }
    let template = install::read(&found.pyconfig)?;
    let derived = pyconfig::derive(&String::from_utf8_lossy(&template), variables);
    install::write_scratch(&to.join("pyconfig.h"), derived)
}

/// Takes the headers out of Debian's package of the suite that has it.
fn from_debian(
    minor: &str,
    variables: &Variables,
    locked: Option<&LockedPackage>,
    to: &Path,
    work: &Path,
    environment: &Environment,
) -> Result<LockedPackage, Diagnostic> {
    let name = format!("libpython{minor}-dev");
    let locked_suite = locked.and_then(|locked| locked.suite.as_deref());
    let suites =
        locked_suite.map_or_else(|| release::python_suites(minor).to_vec(), |suite| vec![suite]);
    let version = locked.map(|locked| locked.version.as_str());
    let mut failure = None;
    for suite in suites {
        let fetched = match debian::fetch(&name, suite, version, work, environment) {
            Ok(fetched) => fetched,
            Err(finding) => {
                failure = Some(finding);
                continue;
            }
        };
        let unpacked = work.join("headers");
        archive::debian(&fetched.file, &[("usr/include", "")], &unpacked, environment)?;
        let found = look(&unpacked.join(format!("python{minor}")), minor).ok_or_else(|| {
            Diagnostic::error(
                &codes::TARGET_HEADERS,
                format!("the package `{name}` has no headers of CPython {minor}"),
            )
            .hint(install_hint(minor))
        })?;
        make(&found, variables, to)?;
        let package = LockedPackage {
            role: Role::Headers,
            from: Origin::Debian,
            name,
            version: fetched.version,
            suite: Some(suite.to_owned()),
            sha256: Some(Digest::of(&install::read(&fetched.file)?).to_string()),
            integrity: None,
            files: Some(files::digest(to)?),
        };
        return Ok(package);
    }
    Err(failure.unwrap_or_else(|| {
        Diagnostic::error(&codes::TARGET_HEADERS, format!("no Debian suite has `{name}`"))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::fixture::facts;

    fn headers_at(directory: &Path, version: &str) {
        std::fs::create_dir_all(directory.join("cpython")).unwrap();
        std::fs::create_dir_all(directory.join("greenlet")).unwrap();
        let patchlevel = format!("#define PY_VERSION              \"{version}\"\n");
        std::fs::write(directory.join("patchlevel.h"), patchlevel).unwrap();
        for name in ["Python.h", "cpython/object.h", "greenlet/greenlet.h"] {
            std::fs::write(directory.join(name), name).unwrap();
        }
        std::fs::write(directory.join("pyconfig.h"), "#define SIZEOF_LONG 8\n").unwrap();
    }

    fn environment(home: &Path) -> Environment {
        Environment::default().with("HOME", &home.display().to_string())
    }

    #[test]
    fn the_runtimes_own_version_is_preferred_and_foreign_headers_stay_away() {
        let home = tempfile::tempdir().unwrap();
        for version in ["3.13.0", "3.13.2", "3.13.9", "3.12.1"] {
            let minor = version.rsplit_once('.').unwrap().0;
            headers_at(
                &home.path().join(format!(".pyenv/versions/{version}/include/python{minor}")),
                version,
            );
        }
        let to = home.path().join("out");
        let make = |locked| {
            let _ = std::fs::remove_dir_all(&to);
            headers(
                &facts("0.29.5"),
                &Variables::new(),
                locked,
                &to,
                home.path(),
                &environment(home.path()),
            )
        };
        let package = make(None).unwrap();
        assert_eq!((package.version.as_str(), package.from), ("3.13.2", Origin::Machine));
        let names: Vec<_> = files::of(&to).unwrap().into_keys().collect();
        assert_eq!(names, ["Python.h", "cpython/object.h", "patchlevel.h", "pyconfig.h"]);
        assert_eq!(
            std::fs::read_to_string(to.join("pyconfig.h")).unwrap(),
            "/* #undef SIZEOF_LONG */\n"
        );
        // A lock finds the headers that it means, wherever they are.
        std::fs::remove_dir_all(home.path().join(".pyenv/versions/3.13.2")).unwrap();
        let other = make(None).unwrap();
        assert_eq!(other.version, "3.13.9");
        let error = make(Some(&package)).unwrap_err();
        assert_eq!(error.code.id, "T0013");
        headers_at(
            &home.path().join(".local/share/uv/python/cpython-3.13.2-linux/include/python3.13"),
            "3.13.2",
        );
        assert_eq!(make(Some(&package)).unwrap(), package);
    }

    #[test]
    fn debians_two_headers_are_told_apart() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("python3.13");
        headers_at(&directory, "3.13.5");
        std::fs::write(
            directory.join("pyconfig.h"),
            "#include <x86_64-linux-gnu/python3.13/pyconfig.h>\n",
        )
        .unwrap();
        assert!(look(&directory, "3.13").is_none());
        let real = root.path().join("x86_64-linux-gnu/python3.13");
        std::fs::create_dir_all(&real).unwrap();
        std::fs::write(real.join("pyconfig.h"), "#define SIZEOF_LONG 8\n").unwrap();
        let found = look(&directory, "3.13").unwrap();
        assert_eq!((found.pyconfig, found.version), (real.join("pyconfig.h"), "3.13.5".to_owned()));
        assert!(look(&directory, "3.12").is_none());
    }

    #[test]
    fn a_machine_without_headers_is_told_how_to_get_them() {
        let home = tempfile::tempdir().unwrap();
        let (facts, to) = (
            PyodideFacts { python: "3.99.1".to_owned(), ..facts("0.29.5") },
            home.path().join("out"),
        );
        let error =
            headers(&facts, &Variables::new(), None, &to, home.path(), &environment(home.path()))
                .unwrap_err();
        assert_eq!(error.code.id, "T0014");
        assert!(error.hint.unwrap().contains("uv python install 3.99"));
    }
}
