//! Files in memory: mapped, so that of large programs only the parts are read that are looked at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anymod_link::host::Machine;
use anymod_link::host::archive::{self, Kind};
use anymod_link::host::library::{self, Library};
use anymod_link::host::segments;
use anymod_model::codes::split as codes;
use anymod_model::{Diagnostic, Place};
use memmap2::Mmap;

use super::parallel;
use crate::install;

/// A file's bytes.
#[derive(Debug, Default)]
pub enum Bytes {
    /// There are none.
    #[default]
    Empty,
    /// As they are on disk.
    Mapped(Mmap),
    /// With section headers that the file has lost.
    Restored(Vec<u8>),
}

impl std::ops::Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Empty => &[],
            Bytes::Mapped(map) => map,
            Bytes::Restored(bytes) => bytes,
        }
    }
}

impl Bytes {
    /// Has the system map all pages at once, where something will be read on nearly every one.
    fn map_all(&self) {
        #[cfg(target_os = "linux")]
        if let Bytes::Mapped(map) = self {
            // A system that knows no such advice maps them one after the other.
            let _ = map.advise(memmap2::Advice::PopulateRead);
        }
    }
}

/// Maps a file.
///
/// # Errors
/// `B0002` if it cannot be read.
pub fn map(path: &Path) -> Result<Bytes, Diagnostic> {
    let unreadable = |error: std::io::Error| install::read_error(path, &error);
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(unreadable(std::io::ErrorKind::IsADirectory.into()));
    }
    if metadata.len() == 0 {
        return Ok(Bytes::Empty);
    }
    #[expect(unsafe_code, reason = "the operating system offers mapped files in no other way")]
    // SAFETY: the map is private and only ever read. A file that someone cuts short meanwhile ends the process, as it does
    // with every linker; what is written to it meanwhile is read as any other foreign bytes.
    let map = unsafe { Mmap::map(&file) }.map_err(unreadable)?;
    Ok(Bytes::Mapped(map))
}

/// Files that are mapped sooner than a thread is started for them.
const FEW: usize = 8;

/// Bytes of a library that is read sooner than threads are started for its members.
const SMALL: usize = 1 << 20;

/// A file with the other files that it stands for.
#[derive(Debug)]
pub struct Loaded {
    /// The path as it was given.
    pub name: String,
    /// Its bytes, of a program or shared library with section headers.
    pub bytes: Bytes,
    /// How many it has on disk.
    pub size: u64,
    /// The members of a thin archive, by their names in it.
    members: BTreeMap<String, Bytes>,
}

impl Loaded {
    /// What the file is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        archive::kind(&self.bytes)
    }

    /// The bytes of a member of a thin archive.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&[u8]> {
        self.members.get(name).map(|bytes| &**bytes)
    }

    /// What the file is made for; an archive, what its first object is made for.
    #[must_use]
    pub fn machine(&self) -> Option<Machine> {
        let mut members = self.members.values();
        archive::machine(&self.bytes).or_else(|| members.find_map(|bytes| archive::machine(bytes)))
    }

    /// Reads the file as a library.
    ///
    /// # Errors
    /// `H0001` if it is damaged, `H0002` if it is no archive or object.
    pub fn library(&self) -> Result<Library<'_>, Diagnostic> {
        let hint = match self.kind() {
            Kind::Archive | Kind::ThinArchive | Kind::Object => None,
            Kind::LinkerScript => {
                Some("name the files that it lists; `anymod split inspect` shows them")
            }
            _ => Some("name an archive or an object"),
        };
        if let Some(hint) = hint {
            let message = format!("not a library: {}", self.kind().describe());
            let finding = Diagnostic::error(&codes::NOT_LINKABLE, message);
            return Err(finding.at(Place::file(&self.name)).hint(hint));
        }
        if self.kind() == Kind::Archive {
            self.bytes.map_all();
        }
        let read = || {
            let outline = library::outline(&self.name, &self.bytes, &mut |name| self.member(name))?;
            let members = outline.members();
            outline.with(match self.bytes.len() < SMALL {
                true => members.into_iter().map(library::content).collect(),
                false => parallel::map(&members, |member| library::content(*member)),
            })
        };
        read().map_err(|fault| fault.finding(&self.name, None))
    }
}

/// Maps a file and, if it is a thin archive, its members.
///
/// # Errors
/// `B0002` if it cannot be read, `H0001` if it has no section headers and what stands for them is damaged. Members that cannot
/// be read are left out.
pub fn load(path: &Path) -> Result<Loaded, Diagnostic> {
    let (mut bytes, name) = (map(path)?, path.display().to_string());
    let size = bytes.len() as u64;
    let restored = segments::with_sections(&bytes).map_err(|fault| fault.finding(&name, None))?;
    if let Some(restored) = restored {
        bytes = Bytes::Restored(restored);
    }
    let mut members = BTreeMap::new();
    if archive::kind(&bytes) == Kind::ThinArchive {
        let directory = path.parent().unwrap_or(Path::new(""));
        for member in archive::read(&bytes).map(|archive| archive.members).unwrap_or_default() {
            if let Ok(bytes) = map(&directory.join(&*member.name)) {
                members.insert(member.name.into_owned(), bytes);
            }
        }
    }
    Ok(Loaded { name, bytes, size, members })
}

/// Loads files, in their order.
///
/// # Errors
/// `B0002` for the first that cannot be read.
pub fn load_all(paths: &[PathBuf]) -> Result<Vec<Loaded>, Diagnostic> {
    if paths.len() < FEW {
        return paths.iter().map(|path| load(path)).collect();
    }
    parallel::map(paths, |path| load(path)).into_iter().collect()
}
