//! The archives of a bundle: known by digests, so that a hit reads none of them; read when they are linked.
//!
//! A thin archive is its members: their digests are what counts, not the list with its times. Never looks into an object.

use std::path::{Path, PathBuf};

use anymod_link::archive::{self, Content};
use anymod_model::codes::link as link_codes;
use anymod_model::{Diagnostic, Diagnostics, Place};
use anymod_store::{Digest, Visit};

use crate::install;
use crate::intercept::digests::Digests;

/// The archives, in order.
pub(super) struct Inputs {
    pub(super) archives: Vec<Input>,
}

/// An archive.
pub(super) struct Input {
    /// What the user called it.
    pub(super) shown: String,
    /// Its absolute path.
    pub(super) path: PathBuf,
    /// Its file name.
    pub(super) name: String,
    content: Known,
}

/// What is known of an archive.
enum Known {
    /// Its bytes.
    Whole(Digest),
    /// Its members: names, files and their bytes.
    Thin(Vec<(String, PathBuf, Digest)>),
}

/// An archive's members, read.
pub(super) struct Read {
    /// The bytes of the archive, in which the members are.
    bytes: Vec<u8>,
    /// The members of a thin archive.
    members: Option<Vec<(String, Vec<u8>)>>,
}

impl Inputs {
    /// Finds out what the archives are.
    pub(super) fn find(paths: &[PathBuf], digests: &mut Digests) -> Result<Inputs, Diagnostics> {
        let (mut archives, mut findings) = (Vec::new(), Vec::new());
        for path in paths {
            match Input::find(path, digests) {
                Ok(input) => archives.push(input),
                Err(finding) => findings.push(finding),
            }
        }
        if findings.is_empty() { Ok(Inputs { archives }) } else { Err(Diagnostics(findings)) }
    }

    /// Walks over all of it that decides bytes. The names of the archives are in the bundle.
    pub(super) fn walk(&self, visitor: &mut dyn Visit) {
        for input in &self.archives {
            match &input.content {
                Known::Whole(digest) => {
                    visitor.field(&format!("archive {}", input.name), &digest.to_string());
                }
                Known::Thin(members) => {
                    visitor
                        .field(&format!("thin archive {}", input.name), &members.len().to_string());
                    for (name, _, digest) in members {
                        visitor.field(&format!("member {name}"), &digest.to_string());
                    }
                }
            }
        }
    }

    /// A file that is not what it was.
    pub(super) fn changed(&self) -> Option<PathBuf> {
        let differs = |path: &Path, digest: Digest| Digests::passing(path) != Some(digest);
        self.archives.iter().find_map(|input| match &input.content {
            Known::Whole(digest) => differs(&input.path, *digest).then(|| input.path.clone()),
            Known::Thin(members) => members
                .iter()
                .find(|(_, path, digest)| differs(path, *digest))
                .map(|(_, path, _)| path.clone()),
        })
    }
}

impl Input {
    fn find(given: &Path, digests: &mut Digests) -> Result<Input, Diagnostic> {
        let shown = given.display().to_string();
        let path =
            std::path::absolute(given).map_err(|error| install::read_error(given, &error))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let content = if is_thin(&path).map_err(|error| install::read_error(given, &error))? {
            Known::Thin(thin(&path, &shown, digests)?)
        } else {
            let digest = digests.lasting(&path);
            Known::Whole(
                digest.map_or_else(|| install::read(given).map(|bytes| Digest::of(&bytes)), Ok)?,
            )
        };
        Ok(Input { shown, path, name, content })
    }

    /// Reads the archive.
    pub(super) fn read(&self) -> Result<Read, Diagnostic> {
        let bytes = install::read(&self.path)?;
        let members = match &self.content {
            Known::Whole(_) => None,
            Known::Thin(members) => Some(
                members
                    .iter()
                    .map(|(name, path, _)| Ok((name.clone(), install::read(path)?)))
                    .collect::<Result<_, Diagnostic>>()?,
            ),
        };
        Ok(Read { bytes, members })
    }

    /// The file of a member of a thin archive.
    pub(super) fn member_path(&self, index: usize) -> Option<&Path> {
        match &self.content {
            Known::Whole(_) => None,
            Known::Thin(members) => members.get(index).map(|(_, path, _)| path.as_path()),
        }
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
) -> Result<Vec<(String, PathBuf, Digest)>, Diagnostic> {
    let bytes = install::read(path)?;
    let directory = path.parent().unwrap_or(Path::new(""));
    let mut members = Vec::new();
    for member in archive::members(&bytes, shown)? {
        let file = directory.join(&*member.name);
        let digest = digests.lasting(&file).ok_or_else(|| {
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
        members.push((member.name.into_owned(), file, digest));
    }
    Ok(members)
}
