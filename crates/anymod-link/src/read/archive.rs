//! `ar` archives: the symbol index, and members on demand.
//!
//! Owns the GNU, BSD and System V spellings of the format through the `object` crate. Members are parsed only when a
//! symbol asks for them, so that linking against a megabyte of C library costs its index and the few members used.

use anymod_model::codes::link as code;
use object::read::archive::{ArchiveFile, ArchiveOffset};
use rustc_hash::FxHashMap;

use super::{Fault, elf, magic};

/// An archive with the names its members define.
#[derive(Debug)]
pub(crate) struct Archive<'a> {
    data: &'a [u8],
    file: ArchiveFile<'a>,
    /// The member that an archive's index names first for a symbol.
    index: FxHashMap<&'a str, u64>,
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
        let mut archive = Archive { data, file, index: FxHashMap::default() };
        match file.symbols().map_err(malformed)? {
            Some(symbols) => {
                for symbol in symbols {
                    let symbol = symbol.map_err(malformed)?;
                    if let Ok(name) = std::str::from_utf8(symbol.name()) {
                        archive.index.entry(name).or_insert(symbol.offset().0);
                    }
                }
            }
            None => archive.index_members()?,
        }
        Ok(archive)
    }

    /// The offset of the member that defines a symbol; the key to [`Archive::member`].
    pub(crate) fn find(&self, symbol: &str) -> Option<u64> {
        self.index.get(symbol).copied()
    }

    /// A member by its header's offset.
    pub(crate) fn member(&self, offset: u64) -> Result<Member<'a>, Fault> {
        let member = self.file.member(ArchiveOffset(offset)).map_err(malformed)?;
        let data = member.data(self.data).map_err(malformed)?;
        Ok(Member { name: std::str::from_utf8(member.name()).unwrap_or("?"), data })
    }

    /// Every member in file order.
    pub(crate) fn members(&self) -> impl Iterator<Item = Result<Member<'a>, Fault>> + '_ {
        self.file.members().map(|member| {
            let member = member.map_err(malformed)?;
            let data = member.data(self.data).map_err(malformed)?;
            Ok(Member { name: std::str::from_utf8(member.name()).unwrap_or("?"), data })
        })
    }

    fn index_members(&mut self) -> Result<(), Fault> {
        for member in self.file.members() {
            let member = member.map_err(malformed)?;
            let data = member.data(self.data).map_err(malformed)?;
            let header = member.file_range().0.saturating_sub(HEADER_SIZE);
            if magic::identify(data).ok() != Some(magic::Format::Elf) {
                continue;
            }
            let Ok(object) = elf::read(data) else { continue };
            for at in object.symbols.first_global..object.symbols.len() {
                let Some(symbol) = object.symbols.get(at) else { break };
                if symbol.home == elf::Home::Undefined || symbol.is_local() {
                    continue;
                }
                if let Some(name) = object.symbols.name(&symbol) {
                    self.index.entry(name).or_insert(header);
                }
            }
        }
        Ok(())
    }
}

/// Size of a member's header in bytes.
const HEADER_SIZE: u64 = 60;
