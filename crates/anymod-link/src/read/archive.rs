//! `ar` archives: the symbol index, and members on demand.
//!
//! Owns the GNU, BSD and System V spellings of the format through the `object` crate. Members are parsed only when a
//! symbol asks for them, so that linking against a megabyte of C library costs its index and the few members used.

use anymod_model::codes::link as code;
use object::read::archive::{ArchiveFile, ArchiveMember, ArchiveOffset};
use rustc_hash::FxHashMap;

use super::{Fault, elf, magic};

/// An archive with the names its members define.
#[derive(Debug)]
pub(crate) struct Archive<'a> {
    data: &'a [u8],
    file: ArchiveFile<'a>,
    /// The member that an archive's index names first for a symbol.
    index: FxHashMap<&'a str, Key>,
    /// The members, if the archive has no index and all had to be read.
    members: Vec<Member<'a>>,
}

/// Names a member of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// By the offset of its header.
    Header(u64),
    /// By its number.
    Number(u32),
}

/// One member's bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'a> {
    /// Name.
    pub(crate) name: &'a str,
    /// Bytes.
    pub(crate) data: &'a [u8],
}

fn malformed(error: impl std::fmt::Display) -> Fault {
    Fault::new(&code::MALFORMED, format!("archive: {}", error.to_string().to_lowercase()))
        .hint("the archive is damaged or cut off; build it again")
}

impl<'a> Archive<'a> {
    /// Reads the archive's symbol index, or makes one from the members if it has none.
    pub(crate) fn read(data: &'a [u8]) -> Result<Archive<'a>, Fault> {
        let file = ArchiveFile::parse(data).map_err(malformed)?;
        if file.is_thin() {
            return Err(Fault::new(
                &code::THIN_ARCHIVE,
                "thin archive: its members are other files",
            ));
        }
        let mut archive = Archive { data, file, index: FxHashMap::default(), members: Vec::new() };
        match file.symbols().map_err(malformed)? {
            Some(symbols) => {
                for symbol in symbols {
                    let symbol = symbol.map_err(malformed)?;
                    if let Ok(name) = std::str::from_utf8(symbol.name()) {
                        let key = Key::Header(symbol.offset().0);
                        archive.index.entry(name).or_insert(key);
                    }
                }
            }
            None => archive.index_members()?,
        }
        if archive.index.is_empty() {
            archive.refuse_nested()?;
        }
        Ok(archive)
    }

    /// An archive that defines nothing because its members are archives, into which no linker looks.
    fn refuse_nested(&self) -> Result<(), Fault> {
        for member in self.file.members() {
            let member = self.open(&member.map_err(malformed)?)?;
            if magic::identify(member.data).ok() == Some(magic::Format::Archive) {
                let message = format!("the member `{}` is itself an archive", member.name);
                return Err(Fault::new(&code::NESTED_ARCHIVE, message)
                    .hint("unpack it with `ar x` and make one flat archive"));
            }
        }
        Ok(())
    }

    /// Size of the archive's file in bytes.
    pub(crate) fn size(&self) -> usize {
        self.data.len()
    }

    /// The member that defines a symbol.
    pub(crate) fn find(&self, symbol: &str) -> Option<Key> {
        self.index.get(symbol).copied()
    }

    /// A member.
    pub(crate) fn member(&self, key: Key) -> Result<Member<'a>, Fault> {
        match key {
            Key::Number(number) => {
                let member = self.members.get(number as usize).copied();
                member.ok_or_else(|| malformed("no such member"))
            }
            Key::Header(offset) => {
                self.open(&self.file.member(ArchiveOffset(offset)).map_err(malformed)?)
            }
        }
    }

    fn open(&self, member: &ArchiveMember<'a>) -> Result<Member<'a>, Fault> {
        let data = member.data(self.data).map_err(malformed)?;
        Ok(Member { name: std::str::from_utf8(member.name()).unwrap_or("?"), data })
    }

    fn index_members(&mut self) -> Result<(), Fault> {
        let members = self.file.members().map(|member| self.open(&member.map_err(malformed)?));
        self.members = members.collect::<Result<_, _>>()?;
        for (member, number) in self.members.iter().zip(0..) {
            if magic::identify(member.data).ok() != Some(magic::Format::Elf) {
                continue;
            }
            let Ok(object) = elf::read(member.data) else { continue };
            for at in object.symbols.first_global..object.symbols.len() {
                let Some(symbol) = object.symbols.get(at) else { break };
                if symbol.home == elf::Home::Undefined || symbol.is_local() {
                    continue;
                }
                if let Some(name) = object.symbols.name(&symbol) {
                    self.index.entry(name).or_insert(Key::Number(number));
                }
            }
        }
        Ok(())
    }
}
