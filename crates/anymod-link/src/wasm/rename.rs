//! Giving symbols of an object other names: how helpers of the same name in several modules come to live side by side.
//!
//! Only the section `linking` is written anew. Everything else refers to symbols by number, and their order stays. A group
//! of which a linker keeps one copy (COMDAT) is renamed with its members, so that each module keeps its own.
//!
//! `wasm-ld -r` and then binding the symbols locally would do as well, were it not that `wasm-ld -r` drops the names that
//! functions are exported by.

use std::collections::BTreeSet;

use anymod_model::{Diagnostic, Place};
use wasmparser::{
    BinaryReader, ComdatMap, ComdatSymbolKind, LinkingSectionReader, Result, SectionLimited,
    SymbolFlags, SymbolInfo,
};

use super::object::Imported;
use super::sections::{HEADER, damaged, leb128, push, push_custom, push_string, split};

/// Types of the parts of the section.
const COMDATS: u8 = 7;
const SYMBOLS: u8 = 8;

/// Which symbols get other names, and which.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renames {
    /// Names of the symbols.
    pub names: BTreeSet<String>,
    /// What is added to them.
    pub suffix: String,
}

impl Renames {
    fn new_name(&self, name: &str, flags: SymbolFlags) -> Option<String> {
        let ours = !flags.contains(SymbolFlags::BINDING_LOCAL) && self.names.contains(name);
        ours.then(|| format!("{name}{}", self.suffix))
    }
}

/// What was renamed, as groups name it: kind and number of segment or function.
type Renamed = BTreeSet<(u8, u32)>;

/// The object with other names for symbols that other objects see, whether it defines or needs them.
///
/// # Errors
/// `L0601` if it is no module, `L0602` with the offset if it is damaged.
pub fn rename(
    object: &[u8],
    renames: &Renames,
    place: &Place,
) -> std::result::Result<Vec<u8>, Diagnostic> {
    let malformed = |error: wasmparser::Error| damaged(&error, place);
    let sections = split(object, place)?;
    let imported = Imported::of(object).map_err(malformed)?;
    let mut out = HEADER.to_vec();
    for section in &sections {
        match section.named("linking") {
            Some(content) => {
                let offset = section.offset + (section.body.len() - content.len()) as u64;
                let reader = BinaryReader::new(content, offset);
                let changed = linking(reader, renames, &imported).map_err(malformed)?;
                push_custom(&mut out, "linking", &changed);
            }
            None => push(&mut out, section.id, section.body),
        }
    }
    Ok(out)
}

fn linking(
    mut reader: BinaryReader<'_>,
    renames: &Renames,
    imported: &Imported<'_>,
) -> Result<Vec<u8>> {
    // A version that nobody knows is an error.
    LinkingSectionReader::new(reader.clone())?;
    let mut out = Vec::new();
    number(&mut out, reader.read_var_u32()?);
    let mut parts = Vec::new();
    let mut renamed = Renamed::new();
    while !reader.eof() {
        let kind = reader.read_u8()?;
        let part = reader.read_reader()?;
        parts.push((kind, part.clone()));
        if kind == SYMBOLS {
            // What is renamed is known before the groups are written, wherever they are.
            symbols(part, renames, imported, &mut renamed)?;
        }
    }
    for (kind, mut part) in parts {
        let bytes = match kind {
            SYMBOLS => symbols(part, renames, imported, &mut renamed)?,
            COMDATS => groups(part, renames, &renamed)?,
            _ => part.read_bytes(part.bytes_remaining())?.to_vec(),
        };
        push(&mut out, kind, &bytes);
    }
    Ok(out)
}

/// The table of symbols, renamed; notes which functions and segments that are defined here got other names.
fn symbols(
    reader: BinaryReader<'_>,
    renames: &Renames,
    imported: &Imported<'_>,
    renamed: &mut Renamed,
) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let table = SectionLimited::<SymbolInfo<'_>>::new(reader)?;
    number(&mut out, table.count());
    for info in table {
        let info = info?;
        let (kind, mut flags, index, own) = match info {
            SymbolInfo::Section { flags, section } => {
                out.push(3);
                number(&mut out, flags.bits());
                number(&mut out, section);
                continue;
            }
            SymbolInfo::Data { flags, name, symbol } => {
                out.push(1);
                number(&mut out, flags.bits());
                let new = renames.new_name(name, flags);
                push_string(&mut out, new.as_deref().unwrap_or(name));
                if let Some(symbol) = symbol {
                    renamed.extend(new.map(|_| (ComdatSymbolKind::Data as u8, symbol.index)));
                    number(&mut out, symbol.index);
                    number(&mut out, symbol.offset);
                    number(&mut out, symbol.size);
                }
                continue;
            }
            SymbolInfo::Func { flags, index, name } => (0, flags, index, name),
            SymbolInfo::Global { flags, index, name } => (2, flags, index, name),
            SymbolInfo::Event { flags, index, name } => (4, flags, index, name),
            SymbolInfo::Table { flags, index, name } => (5, flags, index, name),
        };
        let defined = !flags.contains(SymbolFlags::UNDEFINED);
        let name = own.or_else(|| imported.at(&info).map(|(_, name)| name));
        let new = name.and_then(|name| renames.new_name(name, flags));
        if new.is_some() && !defined {
            // Its name was that of the import, which stays.
            flags |= SymbolFlags::EXPLICIT_NAME;
        }
        if new.is_some() && defined && kind == 0 {
            renamed.insert((ComdatSymbolKind::Func as u8, index));
        }
        out.push(kind);
        number(&mut out, flags.bits());
        number(&mut out, index);
        if let Some(name) = new.as_deref().or(own) {
            push_string(&mut out, name);
        }
    }
    Ok(out)
}

/// The groups, those renamed of which a member was.
fn groups(reader: BinaryReader<'_>, renames: &Renames, renamed: &Renamed) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let table = ComdatMap::new(reader)?;
    number(&mut out, table.count());
    for group in table {
        let group = group?;
        let mut members = Vec::new();
        number(&mut members, group.flags);
        number(&mut members, group.symbols.count());
        let mut ours = false;
        for member in group.symbols {
            let member = member?;
            ours |= renamed.contains(&(member.kind as u8, member.index));
            members.push(member.kind as u8);
            number(&mut members, member.index);
        }
        let suffix = if ours { renames.suffix.as_str() } else { "" };
        push_string(&mut out, &format!("{}{suffix}", group.name));
        out.extend(members);
    }
    Ok(out)
}

/// Numbers of the format have 32 bits.
fn number(out: &mut Vec<u8>, value: u32) {
    leb128(out, usize::try_from(value).unwrap_or(usize::MAX));
}

#[cfg(test)]
#[path = "rename_tests.rs"]
mod tests;
