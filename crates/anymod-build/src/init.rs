//! A new project on disk.

use std::path::{Path, PathBuf};

use anymod_model::codes::build as codes;
use anymod_model::manifest::init_template;
use anymod_model::{Diagnostic, Diagnostics, Place};

use crate::install;

/// Writes the files of a new project with one module into a directory; returns their paths.
///
/// # Errors
/// A name that no module can have, and `B0007` for each file that is there already; then nothing is written.
pub fn init(directory: &Path, name: &str) -> Result<Vec<PathBuf>, Diagnostics> {
    let files = init_template(name)?;
    let in_the_way = |(path, _): &(String, String)| {
        let path = directory.join(path);
        path.symlink_metadata().is_ok().then(|| {
            Diagnostic::error(&codes::EXISTS, "the file is there already")
                .at(Place::file(path.display().to_string()))
                .hint("choose another directory, or remove the file")
        })
    };
    let findings: Vec<Diagnostic> = files.iter().filter_map(in_the_way).collect();
    if !findings.is_empty() {
        return Err(Diagnostics(findings));
    }
    let mut written = Vec::new();
    for (path, text) in files {
        let path = directory.join(path);
        install::write_if_changed(&path, text.as_bytes())?;
        written.push(path);
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_written_once() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("new");
        let files = init(&target, "demo").unwrap();
        assert!(files.contains(&target.join("anymod.toml")));
        assert!(files.iter().all(|file| file.is_file()));
        let error = init(&target, "demo").unwrap_err();
        assert_eq!(error.0.len(), files.len());
        assert_eq!(error.0[0].code.id, "B0007");
    }
}
