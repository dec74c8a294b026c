//! The archives of a bundle: known by digests, so that a hit reads none of them; read when they are linked.
//!
//! A thin archive is its members: their digests are what counts, not the list with its times. Never looks into an object.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anymod_link::archive::{self, Content};
use anymod_model::codes::{link as link_codes, wasm as code};
use anymod_model::{Diagnostic, Diagnostics, Place};
use anymod_store::{Digest, Visit};

use crate::install;
use crate::intercept::digests::Digests;
use crate::stat::Stat;

/// The archives, in order.
pub(super) struct Inputs {
    pub(super) archives: Vec<Input>,
    /// Archives of which only what is needed is linked.
    pub(super) libraries: Vec<Input>,
}

/// A path without symbolic links, as far as it is there.
fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// An archive.
pub(super) struct Input {
    /// What the user called it.
    pub(super) shown: String,
    /// Its absolute path.
    pub(super) path: PathBuf,
    /// Its file name.
    pub(super) name: String,
    /// Names of the members of a thin archive, in the order of `files`.
    thin: Option<Vec<String>>,
    /// The archive, or the members of a thin one.
    files: Vec<Seen>,
}

/// An archive's members, read.
pub(super) struct Read {
    /// The bytes of the archive, in which the members are.
    bytes: Vec<u8>,
    /// The members of a thin archive.
    members: Option<Vec<(String, Vec<u8>)>>,
}

impl Inputs {
    /// Finds out what the archives and the libraries are.
    pub(super) fn find(
        paths: &[PathBuf],
        libraries: &[PathBuf],
        digests: &mut Digests,
    ) -> Result<Inputs, Diagnostics> {
        let mut findings = Vec::new();
        let mut all = |paths: &[PathBuf]| {
            let mut found = Vec::new();
            for path in paths {
                match Input::find(path, digests) {
                    Ok(input) => found.push(input),
                    Err(finding) => findings.push(finding),
                }
            }
            found
        };
        let inputs = Inputs { archives: all(paths), libraries: all(libraries) };
        findings.extend(inputs.twice());
        if findings.is_empty() { Ok(inputs) } else { Err(Diagnostics(findings)) }
    }

    /// Archives that are named more than once, whose symbols would all be there twice.
    fn twice(&self) -> Vec<Diagnostic> {
        let mut seen = BTreeSet::new();
        let again = self.archives.iter().filter(|input| !seen.insert(real(&input.path)));
        let told = |input: &Input| {
            Diagnostic::error(&code::REQUEST, format!("`{}` is named twice", input.shown))
                .hint("name every archive once")
        };
        again.map(told).collect()
    }

    /// True if a file is one of those that are linked, whatever it is called.
    pub(super) fn holds(&self, file: &Path) -> bool {
        let Some(found) = stat(file) else { return false };
        let file = real(file);
        let inputs = || self.archives.iter().chain(&self.libraries);
        inputs().flat_map(|input| &input.files).any(|seen| seen.stat == Some(found))
            || inputs().any(|input| real(&input.path) == file)
    }

    /// Walks over all of it that decides bytes. The names of the archives are in the bundle.
    pub(super) fn walk(&self, visitor: &mut dyn Visit) {
        for (kind, inputs) in [("archive", &self.archives), ("searched", &self.libraries)] {
            for input in inputs {
                input.walk(kind, visitor);
            }
        }
    }

    /// A file that is not what it was when it was looked at.
    pub(super) fn changed(&self) -> Option<PathBuf> {
        let inputs = self.archives.iter().chain(&self.libraries);
        let mut files = inputs.flat_map(|input| &input.files);
        files.find(|file| file.changed()).map(|file| file.path.clone())
    }
}

/// A file as it was before it was read.
struct Seen {
    path: PathBuf,
    stat: Option<Stat>,
    /// True if the stat tells of any change since.
    settled: bool,
    digest: Digest,
}

impl Seen {
    /// Looks at a file and finds its digest, none if it cannot be read.
    fn look(path: &Path, digests: &mut Digests) -> Option<Seen> {
        let stat = stat(path);
        let settled = stat.is_some_and(|stat| stat.is_settled(SystemTime::now()));
        Some(Seen { path: path.to_owned(), stat, settled, digest: digests.lasting(path)? })
    }

    fn changed(&self) -> bool {
        let same = self.stat == stat(&self.path)
            && (self.settled || Digests::passing(&self.path) == Some(self.digest));
        !same
    }
}

fn stat(path: &Path) -> Option<Stat> {
    std::fs::metadata(path).ok().map(|metadata| Stat::of(&metadata))
}

impl Input {
    fn find(given: &Path, digests: &mut Digests) -> Result<Input, Diagnostic> {
        let shown = given.display().to_string();
        let path =
            std::path::absolute(given).map_err(|error| install::read_error(given, &error))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let unreadable = |error: std::io::Error| install::read_error(given, &error);
        let (thin, files) = match is_thin(&path).map_err(unreadable)? {
            true => {
                let (names, files) = thin(&path, &shown, digests)?;
                (Some(names), files)
            }
            false => {
                let seen = Seen::look(&path, digests);
                // Reading says what is wrong.
                let seen = match seen {
                    Some(seen) => seen,
                    None => {
                        return Err(install::read(given).err().unwrap_or_else(|| {
                            install::read_error(given, &std::io::ErrorKind::NotFound.into())
                        }));
                    }
                };
                (None, vec![seen])
            }
        };
        Ok(Input { shown, path, name, thin, files })
    }

    fn walk(&self, kind: &str, visitor: &mut dyn Visit) {
        let Some(members) = &self.thin else {
            for file in &self.files {
                visitor.field(&format!("{kind} {}", self.name), &file.digest.to_string());
            }
            return;
        };
        visitor.field(&format!("thin {kind} {}", self.name), &members.len().to_string());
        for (name, file) in members.iter().zip(&self.files) {
            visitor.field(&format!("member {name}"), &file.digest.to_string());
        }
    }

    /// Reads the archive.
    pub(super) fn read(&self) -> Result<Read, Diagnostic> {
        let bytes = install::read(&self.path)?;
        let Some(names) = &self.thin else { return Ok(Read { bytes, members: None }) };
        let members = names
            .iter()
            .zip(&self.files)
            .map(|(name, file)| Ok((name.clone(), install::read(&file.path)?)));
        Ok(Read { bytes, members: Some(members.collect::<Result<_, Diagnostic>>()?) })
    }

    /// The file of a member of a thin archive.
    pub(super) fn member_path(&self, index: usize) -> Option<&Path> {
        self.thin.as_ref()?;
        self.files.get(index).map(|file| file.path.as_path())
    }

    /// A member as a place.
    pub(super) fn place(&self, member: &str) -> Place {
        Place::Binary {
            file: self.shown.clone(),
            member: Some(member.to_owned()),
            section: None,
            offset: None,
        }
    }
}

impl Read {
    /// Names and bytes of the members, in order. Indexes of symbols are none.
    pub(super) fn members(&self, shown: &str) -> Result<Vec<(String, &[u8])>, Diagnostic> {
        if let Some(members) = &self.members {
            return Ok(members
                .iter()
                .map(|(name, bytes)| (name.clone(), bytes.as_slice()))
                .collect());
        }
        let mut members = Vec::new();
        for member in archive::members(&self.bytes, shown)? {
            if let Content::Here(bytes) = member.content {
                members.push((member.name.into_owned(), bytes));
            }
        }
        Ok(members)
    }
}

fn is_thin(path: &Path) -> std::io::Result<bool> {
    use std::io::Read as _;
    let mut magic = Vec::new();
    std::fs::File::open(path)?.take(8).read_to_end(&mut magic)?;
    Ok(magic == b"!<thin>\n")
}

/// The members of a thin archive.
fn thin(
    path: &Path,
    shown: &str,
    digests: &mut Digests,
) -> Result<(Vec<String>, Vec<Seen>), Diagnostic> {
    let bytes = install::read(path)?;
    let directory = path.parent().unwrap_or(Path::new(""));
    let (mut names, mut files) = (Vec::new(), Vec::new());
    for member in archive::members(&bytes, shown)? {
        let file = directory.join(&*member.name);
        let seen = Seen::look(&file, digests).ok_or_else(|| {
            let place = Place::Binary {
                file: shown.to_owned(),
                member: Some(member.name.clone().into_owned()),
                section: None,
                offset: None,
            };
            let message = format!("the member's file `{}` cannot be read", file.display());
            Diagnostic::error(&link_codes::MALFORMED, message).at(place).hint(
                "a thin archive is used where it was made; build it again, or make a normal one",
            )
        })?;
        names.push(member.name.into_owned());
        files.push(seen);
    }
    Ok((names, files))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_after_it_was_looked_at_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.a");
        for settled in [false, true] {
            std::fs::write(&path, "!<arch>\n").unwrap();
            if settled {
                std::thread::sleep(crate::stat::SETTLED * 2);
            }
            let mut digests = Digests::new(directory.path());
            let inputs = Inputs::find(std::slice::from_ref(&path), &[], &mut digests).unwrap();
            assert_eq!(inputs.changed(), None);
            std::fs::write(&path, "!<arch>!").unwrap();
            assert_eq!(inputs.changed().as_ref(), Some(&path), "{settled}");
        }
        std::fs::remove_file(&path).unwrap();
        let error = Inputs::find(&[path], &[], &mut Digests::new(directory.path())).err().unwrap();
        assert_eq!(error.0[0].code.id, "B0002");
    }
}
