//! What planning has to know of an archive that somebody else built: its stamps, and the files of a thin one. Remembered by
//! the archive's content, so that a build in which nothing changed reads none.

use std::path::Path;

use anymod_link::archive::Content;
use anymod_model::stamp::Stamp;
use anymod_model::{Diagnostic, Diagnostics};
use anymod_store::Fields;
use serde::{Deserialize, Serialize};

use crate::log::Log;

/// What is to be known of an archive.
#[derive(Debug, Default)]
pub(crate) struct ArchiveFacts {
    /// False if there is no such file.
    pub(crate) there: bool,
    /// Stamps of its members.
    pub(crate) stamps: Vec<Stamp>,
    /// Paths of its members, if it is thin.
    pub(crate) thin: Vec<String>,
    /// What keeps it from being read. Whoever uses its members tells it, too, and with their names.
    pub(crate) problem: Option<Diagnostic>,
}

/// As they are remembered.
#[derive(Serialize, Deserialize)]
struct Remembered {
    stamps: Vec<String>,
    /// Names of members, relative to the archive's directory.
    thin: Vec<String>,
}

/// Looks at an archive.
pub(crate) fn of(path: &str, root: &Path, log: &mut Log) -> ArchiveFacts {
    let Some(digest) = log.digest(path) else { return ArchiveFacts::default() };
    let mut question = Fields::new();
    question.add("archive 1");
    question.add(digest.to_string());
    let question = question.finish();
    let known = log.fact(&question).and_then(|json| serde_json::from_str(json).ok());
    let remembered = match known {
        Some(known) => known,
        None => match read(path, root) {
            Ok(found) => {
                if let Ok(json) = serde_json::to_string(&found) {
                    log.learn(question, &json);
                }
                found
            }
            Err(problem) => {
                return ArchiveFacts { there: true, problem: Some(problem), ..Default::default() };
            }
        },
    };
    let thin: Vec<String> =
        remembered.thin.iter().map(|member| anymod_link::ar::beside(path, member)).collect();
    let mut stamps: Vec<Stamp> = remembered.stamps.iter().flat_map(|json| parsed(json)).collect();
    // Members of thin archives are looked at each by itself.
    for member in &thin {
        stamps.extend(of(member, root, log).stamps);
    }
    ArchiveFacts { there: true, stamps, thin, problem: None }
}

fn parsed(json: &str) -> Vec<Stamp> {
    Stamp::read_all(json.as_bytes()).unwrap_or_default()
}

fn read(path: &str, root: &Path) -> Result<Remembered, Diagnostic> {
    let bytes = crate::install::read(&root.join(path))?;
    let stamps = anymod_link::stamp::read(&bytes, path)?;
    let stamps = stamps.iter().map(|found| found.stamp.to_json()).collect();
    let mut thin = Vec::new();
    if anymod_link::archive::is_archive(&bytes) {
        for member in anymod_link::archive::members(&bytes, path)? {
            if matches!(member.content, Content::Elsewhere(_)) {
                thin.push(member.name.into_owned());
            }
        }
    }
    Ok(Remembered { stamps, thin })
}

/// The bytes of all members of thin archives among these files, by path.
///
/// # Errors
/// `B0002` if one cannot be read.
pub(crate) fn elsewhere(
    files: &[(String, Vec<u8>)],
    root: &Path,
) -> Result<std::collections::BTreeMap<String, Vec<u8>>, Diagnostics> {
    let mut found = std::collections::BTreeMap::new();
    for (path, bytes) in files {
        if !anymod_link::archive::is_archive(bytes) {
            continue;
        }
        for member in anymod_link::archive::members(bytes, path)? {
            if matches!(member.content, Content::Elsewhere(_)) {
                let member = anymod_link::ar::beside(path, &member.name);
                let bytes = crate::install::read(&root.join(&member))?;
                found.insert(member, bytes);
            }
        }
    }
    Ok(found)
}
