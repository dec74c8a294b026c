//! File-level services around `.mpy` files: read the inputs, call the pure function, write the output.
//!
//! `anymod mpy …` is made of these; a build uses the smaller ones itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anymod_link::mpy::{self, Input, Linked, Options, externs, qstr};
use anymod_model::codes::build as codes;
use anymod_model::{Diagnostic, Diagnostics, Place};
use anymod_pack::mpy::{MergeOptions, Mpy};

use crate::install;
use crate::toolchain::group;

/// What `anymod mpy link` is asked to link.
#[derive(Clone, Debug)]
pub struct LinkRequest {
    /// Objects, and archives given among them, in order.
    pub files: Vec<PathBuf>,
    /// Archives searched for what the objects leave open (`-l`), or linker scripts that name some in a `GROUP`.
    pub libraries: Vec<PathBuf>,
    /// The header with the module's qstrs (`--qstrs`).
    pub qstrs: Option<PathBuf>,
    /// The list of ROM symbols (`--externs`).
    pub externs: Option<PathBuf>,
    /// Everything else; `qstrs` and `externs` of it are filled in from the files.
    pub options: Options,
    /// Where the module goes.
    pub output: PathBuf,
}

/// Links files and writes the module; returns what the linker knows and whether the file changed.
///
/// # Errors
/// Unreadable files and the linker's findings, all at once; `B0003` if the output cannot be written.
pub fn mpy_link(request: &LinkRequest) -> Result<(Linked, bool), Diagnostics> {
    let mut options = request.options.clone();
    if let Some(path) = &request.qstrs {
        options.qstrs = read_qstrs(path)?;
    }
    if let Some(path) = &request.externs {
        options.externs = read_externs(path)?;
    }
    let files = read_files(&request.files)?;
    // A C library's `libm.a` may be a linker script that names the archives.
    let in_group = |path: &PathBuf| group(path).unwrap_or_else(|| vec![path.clone()]);
    let libraries: Vec<PathBuf> = request.libraries.iter().flat_map(in_group).collect();
    let libraries = read_files(&libraries)?;
    let linked = mpy::link(&as_inputs(&files), &as_inputs(&libraries), &options)?;
    let changed = install::write_if_changed(&request.output, &linked.mpy)?;
    Ok((linked, changed))
}

/// Collects the qstrs of sources into the header that they include (`--preprocess`); true if the file changed.
///
/// # Errors
/// `B0002` for each source that cannot be read, `B0003` if the output cannot be written.
pub fn mpy_preprocess(sources: &[PathBuf], output: &Path) -> Result<bool, Diagnostics> {
    let files = read_files(sources)?;
    let header = qstr_header(files.iter().map(|(_, bytes)| bytes.as_slice()));
    Ok(install::write_if_changed(output, header.as_bytes())?)
}

/// Merges files into one; true if the output changed.
///
/// # Errors
/// Unreadable files, those of [`anymod_pack::mpy::merge`], `B0003` if the output cannot be written.
pub fn mpy_merge(
    inputs: &[PathBuf],
    output: &Path,
    options: &MergeOptions,
) -> Result<bool, Diagnostics> {
    let files = read_files(inputs)?;
    let inputs: Vec<(&str, &[u8])> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let merged = anymod_pack::mpy::merge(&inputs, options)?;
    Ok(install::write_if_changed(output, &merged)?)
}

/// Changes the name stored in a file; writes it back unless another output is given. True if that changed.
///
/// # Errors
/// An unreadable file, those of [`anymod_pack::mpy::rename`], `B0003` if the output cannot be written.
pub fn mpy_rename(
    input: &Path,
    new_name: &str,
    output: Option<&Path>,
) -> Result<bool, Diagnostics> {
    let bytes = install::read(input)?;
    let renamed = anymod_pack::mpy::rename(&bytes, &input.display().to_string(), new_name)?;
    Ok(install::write_if_changed(output.unwrap_or(input), &renamed)?)
}

/// Reads a file: its bytes and what they mean.
///
/// # Errors
/// An unreadable file and those of [`Mpy::parse`].
pub fn mpy_read(path: &Path) -> Result<(Vec<u8>, Mpy), Diagnostics> {
    let bytes = install::read(path)?;
    let mpy = Mpy::parse(&bytes, &path.display().to_string())?;
    Ok((bytes, mpy))
}

/// The header with the qstrs that sources mention.
pub(crate) fn qstr_header<'a>(sources: impl Iterator<Item = &'a [u8]>) -> String {
    let mut names = BTreeSet::new();
    for source in sources {
        // Names are ASCII; what else a source holds does not matter.
        qstr::scan(&String::from_utf8_lossy(source), &mut names);
    }
    qstr::config_header(&qstr::numbered(&names))
}

/// The qstrs that a header numbers.
pub(crate) fn read_qstrs(path: &Path) -> Result<Vec<String>, Diagnostic> {
    let bytes = install::read(path)?;
    Ok(qstr::parse_config_header(&String::from_utf8_lossy(&bytes)))
}

/// The symbols of a list of ROM symbols.
pub(crate) fn read_externs(path: &Path) -> Result<BTreeMap<String, u64>, Diagnostics> {
    let bytes = install::read(path)?;
    let name = path.display().to_string();
    let Ok(text) = String::from_utf8(bytes) else {
        let finding = Diagnostic::error(&codes::READ, "the file is not text");
        return Err(finding.at(Place::file(name)).into());
    };
    externs::parse(&text, &name)
}

/// Reads files under the names that the user gave; all that cannot be read are told.
pub(crate) fn read_files<P: AsRef<Path>>(
    paths: &[P],
) -> Result<Vec<(String, Vec<u8>)>, Diagnostics> {
    let (mut files, mut findings) = (Vec::new(), Vec::new());
    for path in paths.iter().map(AsRef::as_ref) {
        match install::read(path) {
            Ok(bytes) => files.push((path.display().to_string(), bytes)),
            Err(finding) => findings.push(finding),
        }
    }
    if findings.is_empty() { Ok(files) } else { Err(Diagnostics(findings)) }
}

pub(crate) fn as_inputs(files: &[(String, Vec<u8>)]) -> Vec<Input<'_>> {
    files.iter().map(|(name, data)| Input { name: name.clone(), data }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anymod_model::Arch;

    #[test]
    fn all_unreadable_files_are_told() {
        let request = LinkRequest {
            files: vec!["/nowhere/a.o".into(), "/nowhere/b.o".into()],
            libraries: Vec::new(),
            qstrs: None,
            externs: None,
            options: Options::new(Arch::X64, "m.mpy"),
            output: "/nowhere/m.mpy".into(),
        };
        let error = mpy_link(&request).unwrap_err();
        assert_eq!(error.0.len(), 2);
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn qstrs_are_written_and_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let (source, header) = (directory.path().join("a.c"), directory.path().join("gen.h"));
        std::fs::write(&source, "MP_QSTR_beta MP_QSTR_alpha \u{fc}").unwrap();
        assert!(mpy_preprocess(std::slice::from_ref(&source), &header).unwrap());
        assert!(!mpy_preprocess(&[source], &header).unwrap());
        assert_eq!(read_qstrs(&header).unwrap(), ["alpha", "beta"]);
    }
}
