//! Where a package's source comes from: a directory, a source distribution or a release on the package index.
//!
//! A build never works in the user's own tree: a directory is copied, a source distribution unpacked into scratch.

use std::path::{Path, PathBuf};
use std::process::Command;

use anymod_model::codes::wheel as codes;
use anymod_model::{Diagnostic, Place};
use anymod_store::Digest;

use super::python::Interpreter;

use super::unpack;
use crate::environment::Environment;
use crate::install;
use crate::runner::Runner;
use crate::settings;

/// What to build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A directory with a `pyproject.toml` or a `setup.py`.
    Directory(PathBuf),
    /// A source distribution, `.tar.gz` or `.zip`.
    Archive(PathBuf),
    /// A release on the package index that pip is configured for.
    Release {
        /// Name of the project.
        name: String,
        /// The version.
        version: String,
    },
}

impl Source {
    /// Reads what a person typed: a path that exists, or `NAME==VERSION`.
    ///
    /// # Errors
    /// `W0102` if it is neither.
    pub fn parse(text: &str) -> Result<Source, Diagnostic> {
        let path = Path::new(text);
        if path.is_dir() {
            return Ok(Source::Directory(path.to_owned()));
        }
        if path.is_file() {
            return Ok(Source::Archive(path.to_owned()));
        }
        let release = text.split_once("==").map(|(name, version)| (name.trim(), version.trim()));
        match release {
            Some((name, version)) if is_word(name) && is_word(version) => {
                Ok(Source::Release { name: name.to_owned(), version: version.to_owned() })
            }
            _ => {
                let message = format!(
                    "`{text}` is neither a directory, a source distribution nor `NAME==VERSION`"
                );
                Err(Diagnostic::error(&codes::SOURCE, message)
                    .hint("name the directory of a package, its `.tar.gz`, or a release such as `ujson==5.10.0`"))
            }
        }
    }
}

/// True for a name or version that can stand on a command line and in a path.
fn is_word(text: &str) -> bool {
    let allowed =
        |character: char| character.is_ascii_alphanumeric() || "._-+!".contains(character);
    !text.is_empty()
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.chars().all(allowed)
}

/// A source that is on this machine.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// For people and for the name of the scratch directory: `ujson-5.10.0`.
    pub(crate) label: String,
    /// What tells it from others of that name: an archive's SHA-256, a directory's path.
    pub(crate) identity: String,
    origin: Origin,
}

#[derive(Debug)]
enum Origin {
    Directory(PathBuf),
    Archive { path: PathBuf, bytes: Vec<u8> },
}

impl Fetched {
    /// The archive's SHA-256; none for a directory.
    pub(crate) fn sha256(&self) -> Option<&str> {
        matches!(self.origin, Origin::Archive { .. }).then_some(self.identity.as_str())
    }
}

/// Gets hold of the source; a release through the interpreter's pip, or out of the cache if its hash is known.
///
/// # Errors
/// `W0104` if a release cannot be fetched, `W0105` if the bytes do not have the hash, `B0002` for a file that cannot be
/// read.
pub(crate) fn fetch(
    source: &Source,
    sha256: Option<&str>,
    interpreter: &Interpreter,
    environment: &Environment,
    runner: &Runner<'_>,
) -> Result<Fetched, Diagnostic> {
    let path = match source {
        Source::Directory(path) => {
            let real = path.canonicalize().map_err(|error| install::read_error(path, &error))?;
            let label = real
                .file_name()
                .map_or("package".into(), |name| name.to_string_lossy().into_owned());
            let identity = real.display().to_string();
            return Ok(Fetched { label, identity, origin: Origin::Directory(real) });
        }
        Source::Archive(path) => path.clone(),
        Source::Release { name, version } => {
            let cache = settings::cache_dir(environment).map(|cache| cache.join("sdists"));
            let known = sha256.and_then(|sha256| cached(cache.as_deref()?, sha256));
            match known {
                Some(path) => path,
                None => {
                    download(name, version, cache.as_deref(), interpreter, environment, runner)?
                }
            }
        }
    };
    let bytes = install::read(&path)?;
    let digest = Digest::of(&bytes).to_string();
    if let Some(expected) = sha256.filter(|expected| !expected.eq_ignore_ascii_case(&digest)) {
        return Err(Diagnostic::error(&codes::HASH, "the source distribution does not have the hash that it should have")
            .at(Place::file(path.display().to_string()))
            .note(format!("expected SHA-256 {expected}"))
            .note(format!("its SHA-256 is  {digest}"))
            .hint("compare with the hash that the package index shows; a release that changed is not to be trusted"));
    }
    let label = stem(&path);
    Ok(Fetched { label, identity: digest, origin: Origin::Archive { path, bytes } })
}

/// `ujson-5.10.0` of `ujson-5.10.0.tar.gz`.
fn stem(path: &Path) -> String {
    let name =
        path.file_name().map_or("package".into(), |name| name.to_string_lossy().into_owned());
    let stem = [".tar.gz", ".tgz", ".zip", ".tar"].iter().find_map(|end| name.strip_suffix(end));
    stem.unwrap_or(&name).to_owned()
}

fn cached(cache: &Path, sha256: &str) -> Option<PathBuf> {
    let mut files = std::fs::read_dir(cache.join(sha256)).ok()?.flatten();
    files.next().map(|entry| entry.path())
}

/// The program that asks pip for the file of a release.
const FETCH: &str = include_str!("fetch.py");

/// Downloads the source distribution of a release into the cache.
fn download(
    name: &str,
    version: &str,
    cache: Option<&Path>,
    interpreter: &Interpreter,
    environment: &Environment,
    runner: &Runner<'_>,
) -> Result<PathBuf, Diagnostic> {
    let cache = cache.ok_or_else(super::environment::no_cache)?;
    install::create_dir(cache)?;
    let work = tempfile::Builder::new().prefix(".fetching-").tempdir_in(cache);
    let work = work.map_err(|error| install::write_error(cache, &error))?;
    let mut command = Command::new(&interpreter.path);
    command.args(["-c", FETCH, name, version]).arg(work.path());
    command.env_clear().envs(environment.all());
    let ended = runner.run(command)?;
    let mut files =
        std::fs::read_dir(work.path()).into_iter().flatten().flatten().map(|entry| entry.path());
    let file = files.next().filter(|_| ended.status.success()).ok_or_else(|| {
        let message = format!("cannot fetch the source distribution of {name} {version}");
        let mut finding = Diagnostic::error(&codes::FETCH, message);
        let lines: Vec<&str> = ended.said.lines().collect();
        finding.notes = lines
            .iter()
            .skip(lines.len().saturating_sub(8))
            .map(|line| (*line).to_owned())
            .collect();
        finding.hint(
            "check the name and the version, the network and the index that pip is configured for",
        )
    })?;
    let digest = Digest::of(&install::read(&file)?).to_string();
    let place = cache.join(digest);
    install::create_dir(&place)?;
    let place = place.join(file.file_name().unwrap_or_default());
    std::fs::rename(&file, &place).map_err(|error| install::write_error(&place, &error))?;
    Ok(place)
}

/// Puts the source into a directory that is empty; the directory of the package.
///
/// # Errors
/// `W0103` for an archive that is not safe, `W0102` if there is no package in it.
pub(crate) fn place(fetched: &Fetched, into: &Path) -> Result<PathBuf, Diagnostic> {
    let root = match &fetched.origin {
        Origin::Directory(from) => {
            let to = into.join(from.file_name().unwrap_or("package".as_ref()));
            copy(from, &to)?;
            to
        }
        Origin::Archive { path, bytes } => {
            unpack::unpack(path, bytes, into)?;
            let mut entries =
                std::fs::read_dir(into).into_iter().flatten().flatten().map(|entry| entry.path());
            match (entries.next(), entries.next()) {
                (Some(only), None) if only.is_dir() => only,
                _ => into.to_owned(),
            }
        }
    };
    if ["pyproject.toml", "setup.py"].iter().any(|file| root.join(file).is_file()) {
        return Ok(root);
    }
    Err(Diagnostic::error(
        &codes::SOURCE,
        format!("`{}` holds no package: neither `pyproject.toml` nor `setup.py`", fetched.label),
    )
    .hint("name the directory that holds one of them"))
}

/// Copies a tree without what its directories say is not source: caches and virtual environments.
fn copy(from: &Path, to: &Path) -> Result<(), Diagnostic> {
    install::create_dir(to)?;
    let entries = std::fs::read_dir(from).map_err(|error| install::read_error(from, &error))?;
    for entry in entries.flatten() {
        let (source, place) = (entry.path(), to.join(entry.file_name()));
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_symlink() {
            copy_link(&source, &place, to)?;
        } else if kind.is_dir() {
            if !is_no_source(&source) {
                copy(&source, &place)?;
            }
        } else if kind.is_file() {
            copy_file(&source, &place)?;
        }
    }
    Ok(())
}

/// A link that stays where it leads to is copied as a link, so that a chain of them stays one; of others the content is.
fn copy_link(source: &Path, place: &Path, parent: &Path) -> Result<(), Diagnostic> {
    let Ok(to) = std::fs::read_link(source) else { return Ok(()) };
    let up = to.components().any(|part| matches!(part, std::path::Component::ParentDir));
    if to.is_relative() && !up {
        return unpack::symlink(&to, place).map_err(|error| install::write_error(place, &error));
    }
    match std::fs::metadata(source) {
        // A directory that holds itself would never end.
        Ok(there) if there.is_dir() && !parent.starts_with(source) => {
            let real =
                source.canonicalize().map_err(|error| install::read_error(source, &error))?;
            if source.starts_with(&real) { Ok(()) } else { copy(&real, place) }
        }
        Ok(there) if there.is_file() => copy_file(source, place),
        _ => Ok(()),
    }
}

fn copy_file(source: &Path, place: &Path) -> Result<(), Diagnostic> {
    std::fs::copy(source, place).map_err(|error| install::write_error(place, &error))?;
    // Generators compare times; what cannot be set only makes them run once more.
    if let Ok(time) = std::fs::metadata(source).and_then(|there| there.modified())
        && let Ok(file) = std::fs::File::open(place)
    {
        let _ = file.set_modified(time);
    }
    Ok(())
}

fn is_no_source(directory: &Path) -> bool {
    let name = directory.file_name().unwrap_or_default();
    name == "__pycache__"
        || name == "node_modules"
        || directory.join("pyvenv.cfg").exists()
        || directory.join("CACHEDIR.TAG").exists()
}

#[cfg(unix)]
pub(crate) fn make_executable(file: &std::fs::File) {
    use std::os::unix::fs::PermissionsExt as _;
    if let Ok(metadata) = file.metadata() {
        let mode = metadata.permissions().mode();
        let _ = file.set_permissions(std::fs::Permissions::from_mode(mode | (mode & 0o444) >> 2));
    }
}

#[cfg(not(unix))]
pub(crate) fn make_executable(_file: &std::fs::File) {}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn sources_are_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a-1.tar.gz");
        std::fs::write(&file, "").unwrap();
        let text = |path: &Path| path.display().to_string();
        assert_eq!(
            Source::parse(&text(directory.path())),
            Ok(Source::Directory(directory.path().to_owned()))
        );
        assert_eq!(Source::parse(&text(&file)), Ok(Source::Archive(file)));
        let release = Source::Release { name: "ujson".to_owned(), version: "5.10.0".to_owned() };
        assert_eq!(Source::parse("ujson==5.10.0"), Ok(release));
        for bad in ["ujson", "ujson==", "--index-url=x==1", "a/b==1", "ujson==../x"] {
            assert_eq!(Source::parse(bad).unwrap_err().code.id, "W0102", "{bad}");
        }
    }

    #[test]
    fn a_tree_is_copied_without_caches_and_environments() {
        let directory = tempfile::tempdir().unwrap();
        let from = directory.path().join("my päckage");
        for path in [
            "src/a.c",
            "pyproject.toml",
            "venv/pyvenv.cfg",
            "target/CACHEDIR.TAG",
            "src/__pycache__/a.pyc",
            ".git/HEAD",
        ] {
            let path = from.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        std::os::unix::fs::symlink("a.c", from.join("src/b.c")).unwrap();
        std::os::unix::fs::symlink("/", from.join("src/root")).unwrap();
        std::os::unix::fs::symlink("..", from.join("src/up")).unwrap();
        let fetched =
            Fetched { label: "p".into(), identity: "p".into(), origin: Origin::Directory(from) };
        // The whole file system is not copied: it holds the package itself.
        let root = place(&fetched, &directory.path().join("into")).unwrap();
        assert_eq!(root.file_name().unwrap(), "my päckage");
        for (path, there) in [
            ("src/a.c", true),
            ("src/b.c", true),
            (".git/HEAD", true),
            ("venv", false),
            ("target", false),
            ("src/__pycache__", false),
            ("src/up", false),
            ("src/root", false),
        ] {
            assert_eq!(root.join(path).exists(), there, "{path}");
        }
        assert!(root.join("src/b.c").symlink_metadata().unwrap().is_symlink());
    }
}
