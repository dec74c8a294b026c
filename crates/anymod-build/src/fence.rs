//! The fence around a project: nothing is written outside it, whatever symbolic links lie on the way.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anymod_model::codes::build as codes;
use anymod_model::{Diagnostic, Place};

use crate::environment::Environment;
use crate::install;

/// The directories below which a build may write.
#[derive(Debug)]
pub(crate) struct Fence {
    /// Without symbolic links.
    inside: Vec<PathBuf>,
    /// Directories known to be inside and to exist.
    known: Mutex<HashSet<PathBuf>>,
}

impl Fence {
    /// The fence around a project's directory, which has no symbolic links in its path, and anymod's own.
    pub(crate) fn new(root: &Path, environment: &Environment) -> Fence {
        let mut inside = vec![root.to_owned()];
        if let Some(home) = environment.data_dir() {
            inside.push(home.canonicalize().unwrap_or(home));
        }
        Fence { inside, known: Mutex::default() }
    }

    /// Makes the directory of an output, if that is inside.
    ///
    /// # Errors
    /// `B0014` if it is not, `B0003` if it cannot be made.
    pub(crate) fn make_way(&self, output: &Path) -> Result<(), Diagnostic> {
        let Some(directory) = output.parent() else { return Err(outside(output, output)) };
        self.make(output, directory)
    }

    fn make(&self, output: &Path, directory: &Path) -> Result<(), Diagnostic> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known().contains(directory) {
            return Ok(());
        }
        if output.components().any(|part| part == Component::ParentDir) {
            return Err(outside(output, output));
        }
        let below = |inside: &PathBuf| directory != inside && directory.starts_with(inside);
        let parent = directory.parent().filter(|_| self.inside.iter().any(below));
        if let Some(parent) = parent {
            self.make(output, parent)?;
        }
        // What is made in a directory that is inside, or is one there and no link, is inside too.
        let is_there = || directory.symlink_metadata().is_ok_and(|there| there.is_dir());
        if parent.is_none() || !(std::fs::create_dir(directory).is_ok() || is_there()) {
            self.admit(output, directory)?;
            install::create_dir(directory)?;
        }
        known().insert(directory.to_owned());
        Ok(())
    }

    /// Looks where a directory, or as much of its path as exists, really is.
    fn admit(&self, output: &Path, directory: &Path) -> Result<(), Diagnostic> {
        let existing = directory.ancestors().find(|path| path.symlink_metadata().is_ok());
        let real = existing.and_then(|path| path.canonicalize().ok());
        match real {
            Some(real) if self.inside.iter().any(|inside| real.starts_with(inside)) => Ok(()),
            // A link that leads nowhere would be followed once something is there.
            None => Err(outside(output, directory)),
            // anymod's own directory may not be there yet.
            Some(_)
                if self
                    .inside
                    .iter()
                    .any(|inside| directory.starts_with(inside) && !inside.exists()) =>
            {
                Ok(())
            }
            Some(real) => Err(outside(output, &real)),
        }
    }
}

fn outside(output: &Path, real: &Path) -> Diagnostic {
    let message = "the output would be written outside the project";
    Diagnostic::error(&codes::OUTSIDE, message)
        .at(Place::file(output.display().to_string()))
        .note(format!("its directory is really `{}`", real.display()))
        .hint("remove the symbolic link or the `..` on the way, or build from where it leads to")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_and_dots_that_lead_out_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path().canonicalize().unwrap();
        let root = base.join("project");
        std::fs::create_dir_all(root.join("build")).unwrap();
        std::fs::create_dir(base.join("elsewhere")).unwrap();
        symlink(base.join("elsewhere"), root.join("build/out")).unwrap();
        symlink(root.join("build"), root.join("build/in")).unwrap();
        symlink(base.join("nowhere"), root.join("build/dangling")).unwrap();
        let fence = Fence::new(&root, &Environment::default());
        for output in ["build/a/b/c.o", "build/in/d/c.o"] {
            fence.make_way(&root.join(output)).unwrap();
            fence.make_way(&root.join(output)).unwrap();
        }
        for output in ["build/out/c.o", "build/out/x/c.o", "build/../../c.o", "build/dangling/c.o"]
        {
            let refused = fence.make_way(&root.join(output)).unwrap_err();
            assert_eq!(refused.code.id, "B0014", "{output}");
        }
        assert_eq!(std::fs::read_dir(base.join("elsewhere")).unwrap().count(), 0);
        assert!(!base.join("nowhere").exists());
    }
}
