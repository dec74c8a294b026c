//! Removing what builds made, and only that.
//!
//! Below `build/` that is what builds name themselves: a directory for each target, and a few files and directories of
//! fixed names. Below `dist/` it is the modules that the manifest describes. Whatever else lies there stays, and symbolic
//! links are removed or refused, never followed out of the project.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anymod_model::codes::build as codes;
use anymod_model::event::Event;
use anymod_model::manifest::{Manifest, RuntimeSettings};
use anymod_model::target::glob_matches;
use anymod_model::{Diagnostic, Diagnostics, Place, Target};

use crate::plan::{BUILD_DIR, DIST_DIR};
use crate::way::Sink;
use crate::{install, package, project, settings};

/// What to remove.
#[derive(Clone, Debug, Default)]
pub struct CleanRequest {
    /// The manifest, or a directory at or below which one is. It is read only for `installed`.
    pub manifest: PathBuf,
    /// Target names, in which `*` stands for anything; everything if empty.
    pub targets: Vec<String>,
    /// Also remove the modules that builds installed into `dist/`.
    pub installed: bool,
    /// Remove nothing and only say what would be.
    pub dry_run: bool,
}

/// What was removed, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Directories and files, relative to the project, in order.
    pub paths: Vec<String>,
    /// How many files that were.
    pub files: u64,
    /// Their sizes in all.
    pub bytes: u64,
}

/// The file that holds the lock of `build/`. It stays: another build may be waiting for it.
const LOCK: &str = ".anymod-lock";
/// Names below `build/` that belong to no target, besides those that begin with one of [`OWN_PREFIXES`].
const OWN_NAMES: [&str; 4] = ["include", "compile_commands.json", "last-run.jsonl", "timings.html"];
const OWN_PREFIXES: [&str; 2] = [".anymod-", ".work-"];

/// Removes what builds made, once no build runs.
///
/// # Errors
/// `B0006` without a manifest, `B0009` for a target that does not exist, `B0014` if `build/` or `dist/` lead out of the
/// project, `B0003` for what cannot be removed, and for `installed` what is wrong with the manifest.
pub fn clean(request: &CleanRequest, sink: Sink<'_>) -> Result<Cleaned, Diagnostics> {
    let Some(root) = settings::project_root(&request.manifest) else {
        // Says in the usual words that there is none.
        return Err(project::read_manifest(&request.manifest).err().unwrap_or_else(|| {
            Diagnostic::error(&codes::NO_MANIFEST, "there is no manifest").into()
        }));
    };
    check_targets(&request.targets)?;
    let directory = root.join(BUILD_DIR);
    let mut paths = Vec::new();
    let mut lock = None;
    if is_inside(&root, &directory)? {
        lock = take_lock(&directory, sink)?;
        paths.extend(built(&directory, &request.targets)?);
    }
    if request.installed {
        paths.extend(installed(&root, &request.targets)?);
    }
    let mut cleaned = Cleaned::default();
    for path in &paths {
        count(path, &mut cleaned);
        let shown = path.strip_prefix(&root).unwrap_or(path);
        cleaned.paths.push(shown.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/"));
    }
    if !request.dry_run {
        remove(&paths, &root.join(DIST_DIR))?;
    }
    drop(lock);
    Ok(cleaned)
}

/// Reports patterns that no target matches.
fn check_targets(patterns: &[String]) -> Result<(), Diagnostics> {
    let unknown = patterns.iter().filter(|pattern| Target::matching(pattern).is_empty());
    let unknown: Vec<Diagnostic> = unknown
        .map(|pattern| {
            Diagnostic::error(&codes::UNKNOWN_TARGET, format!("no target is called `{pattern}`"))
                .hint("run `anymod targets` for their names")
        })
        .collect();
    if unknown.is_empty() { Ok(()) } else { Err(Diagnostics(unknown)) }
}

/// True for the name of a target that patterns choose; any target if there is no pattern.
fn is_chosen(name: &str, patterns: &[String]) -> bool {
    let matches = |pattern: &String| glob_matches(pattern, name);
    Target::parse(name).is_some() && (patterns.is_empty() || patterns.iter().any(matches))
}

/// True if the directory is there and really in the project; an error if it is elsewhere.
fn is_inside(root: &Path, directory: &Path) -> Result<bool, Diagnostic> {
    if directory.symlink_metadata().is_err() {
        return Ok(false);
    }
    // A link that leads nowhere has nothing behind it.
    let Ok(real) = directory.canonicalize() else { return Ok(false) };
    if real.starts_with(root) && real != root {
        return Ok(real.is_dir());
    }
    let message = format!("it leads to `{}`, outside the project", real.display());
    Err(Diagnostic::error(&codes::OUTSIDE, message)
        .at(Place::file(directory.display().to_string()))
        .hint("remove the symbolic link, and by hand what it leads to"))
}

/// Keeps builds out. Nothing is created where no build has been.
fn take_lock(directory: &Path, sink: Sink<'_>) -> Result<Option<std::fs::File>, Diagnostic> {
    let path = directory.join(LOCK);
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let file = install::open_lock(&path)?;
    if file.try_lock().is_err() {
        sink(Event::Waiting { path: directory.display().to_string() });
        file.lock().map_err(|error| install::write_error(&path, &error))?;
    }
    Ok(Some(file))
}

/// What is to be removed below `build/`, in order.
fn built(directory: &Path, patterns: &[String]) -> Result<Vec<PathBuf>, Diagnostic> {
    let entries = std::fs::read_dir(directory);
    let entries = entries.map_err(|error| install::read_error(directory, &error))?;
    let everything = patterns.is_empty();
    let ours = |name: &str| {
        let own =
            OWN_NAMES.contains(&name) || OWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        is_chosen(name, patterns) || (everything && own && name != LOCK)
    };
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(ours))
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    Ok(paths)
}

/// The installed modules that the manifest describes, in order.
fn installed(root: &Path, patterns: &[String]) -> Result<Vec<PathBuf>, Diagnostics> {
    let (_, manifest) = project::read_manifest(root)?;
    let mut paths = Vec::new();
    let dist = root.join(DIST_DIR);
    if !is_inside(root, &dist)? {
        return Ok(paths);
    }
    let entries = std::fs::read_dir(&dist).map_err(|error| install::read_error(&dist, &error))?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    for name in names.filter(|name| is_chosen(name, patterns)) {
        let (Some(target), directory) = (Target::parse(&name), dist.join(&name)) else { continue };
        if !is_inside(root, &directory)? {
            continue;
        }
        let made = products(&manifest, target);
        let files = std::fs::read_dir(&directory).into_iter().flatten().flatten();
        let files = files.filter(|file| {
            let is_made = file.file_name().to_str().is_some_and(&made);
            // A directory of that name is nothing that a build makes.
            is_made && file.file_type().is_ok_and(|kind| !kind.is_dir())
        });
        paths.extend(files.map(|file| file.path()));
    }
    paths.sort();
    Ok(paths)
}

/// Tells the names of files that modules have for a target.
fn products(manifest: &Manifest, target: Target) -> impl Fn(&str) -> bool {
    let modules: Vec<String> = manifest.modules().map(str::to_owned).collect();
    let mut distributions = BTreeSet::new();
    for module in &modules {
        // What variables hold has no part in what a wheel is called.
        let settings = manifest
            .resolve(module, target, manifest.default_build_type(), &|_| Some("-".to_owned()));
        if let Ok(RuntimeSettings::Python(own)) = settings.map(|settings| settings.runtime) {
            distributions.insert(package::distribution(&own.wheel.name));
        }
    }
    move |name| match name.strip_suffix(".mpy") {
        Some(module) => modules.iter().any(|known| known == module),
        None => {
            let wheel = name.strip_suffix(".whl").and_then(|name| name.split_once('-'));
            wheel.is_some_and(|(distribution, _)| distributions.contains(distribution))
        }
    }
}

/// Adds the files at and below a path, without following links.
fn count(path: &Path, cleaned: &mut Cleaned) {
    let Ok(metadata) = path.symlink_metadata() else { return };
    if !metadata.is_dir() {
        cleaned.files += 1;
        cleaned.bytes += metadata.len();
        return;
    }
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        count(&entry.path(), cleaned);
    }
}

/// Removes paths, and directories below and at `dist` that this leaves empty.
fn remove(paths: &[PathBuf], dist: &Path) -> Result<(), Diagnostics> {
    let mut findings = Vec::new();
    for path in paths {
        let is_directory = path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
        let removed =
            if is_directory { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                let message = format!("cannot remove it: {}", install::reason(&error));
                findings.push(
                    Diagnostic::error(&codes::WRITE, message)
                        .at(Place::file(path.display().to_string()))
                        .hint("give yourself write permission, and end what uses it"),
                );
            }
            _ => {}
        }
    }
    let emptied: BTreeSet<&Path> =
        paths.iter().filter_map(|path| path.parent()).filter(|dir| dir.starts_with(dist)).collect();
    for directory in emptied.into_iter().rev() {
        // What is not empty stays.
        let _ = std::fs::remove_dir(directory).and_then(|()| std::fs::remove_dir(dist));
    }
    if findings.is_empty() { Ok(()) } else { Err(Diagnostics(findings)) }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "[module.m]\nsources = [\"m.c\"]\n";

    /// A project with these files, each as large as its path is long.
    fn project(files: &[&str]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for file in files {
            let path = directory.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, file).unwrap();
        }
        std::fs::write(directory.path().join("anymod.toml"), MANIFEST).unwrap();
        directory
    }

    const FILES: [&str; 11] = [
        "build/.anymod-lock",
        "build/.anymod-log",
        "build/.work-x1/0.out",
        "build/include/anymod/a.h",
        "build/micropython-x64/release/m/a.o",
        "build/micropython-x86/release/m/a.o",
        "build/mine/notes.txt",
        "dist/micropython-x64/m.mpy",
        "dist/micropython-x64/other.mpy",
        "dist/micropython-x86/m.mpy",
        "m.c",
    ];

    fn request(root: &Path) -> CleanRequest {
        CleanRequest { manifest: root.to_owned(), ..CleanRequest::default() }
    }

    fn run(request: &CleanRequest) -> Result<Cleaned, Diagnostics> {
        clean(request, &mut |_| {})
    }

    #[test]
    fn only_what_builds_made_goes() {
        let place = project(&FILES);
        let cleaned = run(&request(place.path())).unwrap();
        let paths = [
            "build/.anymod-log",
            "build/.work-x1",
            "build/include",
            "build/micropython-x64",
            "build/micropython-x86",
        ];
        assert_eq!(cleaned.paths, paths);
        assert_eq!(cleaned.files, 5);
        assert_eq!(cleaned.bytes, FILES[1..6].iter().map(|file| file.len() as u64).sum::<u64>());
        for file in [FILES[0], FILES[6], FILES[7], FILES[8], FILES[9], FILES[10]] {
            assert!(place.path().join(file).is_file(), "{file}");
        }
        assert!(!place.path().join("build/micropython-x64").exists());
        assert_eq!(run(&request(place.path())).unwrap(), Cleaned::default());
    }

    #[test]
    fn targets_and_installed_modules_can_be_chosen() {
        let place = project(&FILES);
        let chosen = CleanRequest {
            targets: vec!["*-x86".to_owned()],
            installed: true,
            dry_run: true,
            ..request(place.path())
        };
        let paths = ["build/micropython-x86", "dist/micropython-x86/m.mpy"];
        assert_eq!(run(&chosen).unwrap().paths, paths);
        assert!(place.path().join(FILES[9]).is_file(), "a dry run removes nothing");
        assert_eq!(run(&CleanRequest { dry_run: false, ..chosen }).unwrap().paths, paths);
        assert!(!place.path().join("dist/micropython-x86").exists());
        let all = CleanRequest { installed: true, ..request(place.path()) };
        run(&all).unwrap();
        assert!(!place.path().join(FILES[7]).exists());
        assert!(place.path().join(FILES[8]).is_file(), "not a module of the manifest");
        let wrong = CleanRequest { targets: vec!["nothing".to_owned()], ..request(place.path()) };
        assert_eq!(run(&wrong).unwrap_err().0[0].code.id, "B0009");
    }

    #[test]
    fn links_are_removed_or_refused_and_never_followed() {
        use std::os::unix::fs::symlink;
        let outside = project(&["micropython-x64/kept.o", "m.mpy"]);
        let place = project(&["build/.anymod-lock", "dist/keep"]);
        symlink(outside.path().join("micropython-x64"), place.path().join("build/micropython-x64"))
            .unwrap();
        let cleaned = run(&request(place.path())).unwrap();
        assert_eq!((cleaned.paths.len(), cleaned.files), (1, 1));
        assert!(outside.path().join("micropython-x64/kept.o").is_file());

        symlink(outside.path(), place.path().join("dist/micropython-x64")).unwrap();
        let all = CleanRequest { installed: true, ..request(place.path()) };
        assert_eq!(run(&all).unwrap_err().0[0].code.id, "B0014");
        assert!(outside.path().join("m.mpy").is_file());

        std::fs::remove_dir_all(place.path().join("build")).unwrap();
        symlink(outside.path(), place.path().join("build")).unwrap();
        assert_eq!(run(&request(place.path())).unwrap_err().0[0].code.id, "B0014");
        assert!(outside.path().join("micropython-x64/kept.o").is_file());
    }

    #[test]
    fn a_broken_manifest_is_in_the_way_only_where_it_is_needed() {
        let place = project(&FILES);
        std::fs::write(place.path().join("anymod.toml"), "[broken").unwrap();
        let installed = CleanRequest { installed: true, ..request(place.path()) };
        assert_eq!(run(&installed).unwrap_err().0[0].code.id, "M0001");
        assert!(place.path().join(FILES[4]).is_file(), "nothing is removed after an error");
        assert_eq!(run(&request(place.path())).unwrap().files, 5);
        let nowhere = tempfile::tempdir().unwrap();
        assert_eq!(run(&request(nowhere.path())).unwrap_err().0[0].code.id, "B0006");
    }
}
