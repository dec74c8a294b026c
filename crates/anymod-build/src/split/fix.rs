//! `split fix`: a changed archive beside the original.

use std::path::Path;

use anymod_link::host::fix::{self, Wishes};
use anymod_model::codes::build as codes;
use anymod_model::{Diagnostic, Diagnostics, Place};

use super::files;
use crate::install;

/// Writes a changed archive; returns what was done to it. The original stays as it is.
///
/// # Errors
/// `B0002` or `B0003` if a file cannot be read or written, the original being one that is not; otherwise as
/// [`fix::fix`].
pub fn fix(archive: &Path, out: &Path, wishes: &Wishes) -> Result<Vec<String>, Diagnostics> {
    let same =
        archive.canonicalize().ok().is_some_and(|path| out.canonicalize().is_ok_and(|o| o == path));
    if same {
        let finding =
            Diagnostic::error(&codes::WRITE, "the new archive would replace the original");
        let finding = finding.at(Place::file(out.display().to_string()));
        return Err(finding.hint("name another file with `--out`").into());
    }
    let loaded = files::load(archive)?;
    let fixed = loaded.fixed(wishes)?;
    install::write_if_changed(out, &fixed.bytes)?;
    Ok(fixed.done)
}

impl files::Loaded {
    /// The archive as wished.
    ///
    /// # Errors
    /// As [`fix::fix`].
    pub fn fixed(&self, wishes: &Wishes) -> Result<fix::Fixed, Diagnostics> {
        fix::fix(&self.name, &self.bytes, &mut |name| self.member(name), wishes)
    }
}
