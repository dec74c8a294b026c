//! Where the manifests of a project are: one above a file or directory, those that it adds, and those that the command line
//! adds.
//!
//! The project's directory is that of the first; without one it is the directory given. What is added keeps the paths of its
//! own manifest. Nothing outside the project's directory is added unless that is allowed.

use std::path::{Path, PathBuf};

use anymod_model::codes::build as codes;
use anymod_model::manifest::{self, Manifest};
use anymod_model::{Diagnostic, Diagnostics, Place};

use crate::install;
use crate::project;

/// Where to look for manifests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layers {
    /// A manifest, or a file or directory that one is beside, in or above.
    pub start: PathBuf,
    /// True to leave out the manifest that is found there.
    pub without: bool,
    /// Further manifests or their directories, whose modules are added.
    pub modules: Vec<PathBuf>,
    /// True to add what is outside the project's directory.
    pub allow_outside: bool,
}

/// A project's directory and its manifest.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Without symbolic links.
    pub(crate) root: PathBuf,
    /// None if there is none or it is left out.
    pub(crate) file: Option<PathBuf>,
}

impl Layers {
    /// The manifest at a path, or above it, and nothing else.
    #[must_use]
    pub fn at(start: impl Into<PathBuf>) -> Layers {
        Layers { start: start.into(), ..Layers::default() }
    }

    /// Finds the project. Without a manifest its directory is the one given, if that is wanted.
    ///
    /// # Errors
    /// `B0006` if there is no manifest, `B0002` if the path leads nowhere.
    pub(crate) fn find(&self, optional: bool) -> Result<Found, Diagnostic> {
        if !self.without {
            match project::find_manifest(&self.start) {
                Ok(file) => {
                    let root = file.parent().unwrap_or(Path::new("/")).to_owned();
                    return Ok(Found { root, file: Some(file) });
                }
                Err(finding) if finding.code == &codes::NO_MANIFEST && optional => {}
                Err(finding) => return Err(finding),
            }
        }
        let error = |error| install::read_error(&self.start, &error);
        let start = self.start.canonicalize().map_err(error)?;
        let root = match start.is_dir() {
            true => start,
            false => start.parent().unwrap_or(Path::new("/")).to_owned(),
        };
        Ok(Found { root, file: None })
    }
}

impl Found {
    /// Reads the manifest and adds those that it and the command line name.
    ///
    /// # Errors
    /// What is wrong with each, missing ones, those outside, and modules of the same name.
    pub(crate) fn read(&self, layers: &Layers) -> Result<Manifest, Diagnostics> {
        let mut manifest = match &self.file {
            Some(file) => project::parse_manifest(file)?,
            None => Manifest::empty(manifest::FILE_NAME),
        };
        let outside = layers.allow_outside || manifest.allows_outside();
        let mut findings = Vec::new();
        for (file, place) in self.added(layers, &manifest) {
            if let Err(errors) = self.add(&mut manifest, &file, outside, place) {
                findings.extend(errors.0);
            }
        }
        if findings.is_empty() { Ok(manifest) } else { Err(Diagnostics(findings)) }
    }

    /// The files of all manifests that are read, the first one's first.
    pub(crate) fn files(&self, layers: &Layers, manifest: &Manifest) -> Vec<PathBuf> {
        let added = self.added(layers, manifest).into_iter();
        let added = added.filter_map(|(path, _)| file_of(&path));
        self.file.iter().cloned().chain(added).collect()
    }

    /// What is added: paths as they lead from here, and where the manifest names them.
    fn added(&self, layers: &Layers, manifest: &Manifest) -> Vec<(PathBuf, Option<Place>)> {
        let named = manifest.module_dirs().iter();
        let named = named.map(|dir| (self.root.join(&dir.value), Some(manifest.place(dir))));
        // The command line's are relative to where it was given.
        let given = layers.modules.iter().map(|path| (path.clone(), None));
        named.chain(given).collect()
    }

    fn add(
        &self,
        manifest: &mut Manifest,
        path: &Path,
        outside: bool,
        place: Option<Place>,
    ) -> Result<(), Diagnostics> {
        let at = |finding: Diagnostic| match &place {
            Some(place) => finding.at(place.clone()),
            None => finding,
        };
        let Some(file) = file_of(path) else {
            let name = manifest::FILE_NAME;
            let message = format!("there is no `{name}` in `{}`", path.display());
            let finding = Diagnostic::error(&codes::NO_MANIFEST, message);
            let hint = match near(path) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "give the directory of a module's manifest, or the manifest".to_owned(),
            };
            return Err(at(finding.hint(hint)).into());
        };
        let directory = file.parent().unwrap_or(Path::new("/"));
        if !outside && !directory.starts_with(&self.root) {
            let message = format!("`{}` is outside the project", path.display());
            let hint = "set `allow-outside = true` in `[project]`, or give `--allow-outside`";
            return Err(at(Diagnostic::error(&codes::PATH_OUTSIDE, message).hint(hint)).into());
        }
        let prefix = relative(&self.root, directory);
        // A module's directory may be named by both the manifest and the command line.
        if Some(&file) == self.file.as_ref() || manifest.has_adopted(&prefix) {
            return Ok(());
        }
        let added = project::parse_manifest(&file)?;
        manifest.adopt(added, &prefix).map_err(|finding| at(finding).into())
    }
}

/// The manifest at a path or in a directory, without symbolic links.
fn file_of(path: &Path) -> Option<PathBuf> {
    let path = path.canonicalize().ok()?;
    let file = if path.is_dir() { path.join(manifest::FILE_NAME) } else { path };
    file.is_file().then_some(file)
}

/// The neighbour of a path that was probably meant.
fn near(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let entries = std::fs::read_dir(parent.unwrap_or(Path::new("."))).ok()?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().join(manifest::FILE_NAME).is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    let near = manifest::nearest(name, names.iter().map(String::as_str))?;
    Some(path.with_file_name(near).display().to_string())
}

/// The way from one directory to another, both absolute and without symbolic links, with `/`.
pub(crate) fn relative(from: &Path, to: &Path) -> String {
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| "..".to_owned());
    let down = to.components().skip(common);
    let down = down.map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_between_directories() {
        let way = |from: &str, to: &str| relative(Path::new(from), Path::new(to));
        assert_eq!(way("/a/b", "/a/b/c/d"), "c/d");
        assert_eq!(way("/a/b", "/a/x"), "../x");
        assert_eq!(way("/a/b", "/c"), "../../c");
        assert_eq!(way("/a/b", "/a/b"), "");
    }
}
