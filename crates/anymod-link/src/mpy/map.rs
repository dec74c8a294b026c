//! The map of a module: what is where, and where it came from.

use std::fmt;

use super::layout::{Layout, Memory, Piece};
use super::program::{Definition, Program};
use super::scan::Needs;
use super::shim;

/// One line of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The memory it is in.
    pub memory: Memory,
    /// Offset in that memory.
    pub offset: u64,
    /// Size in bytes.
    pub size: u64,
    /// Section name, or what the linker made.
    pub name: String,
    /// Path of the input with the archive member, empty for what the linker made.
    pub origin: String,
}

/// One symbol of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// The memory it is in.
    pub memory: Memory,
    /// Offset in that memory.
    pub offset: u64,
    /// Name.
    pub name: String,
}

/// Where everything in a module is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    /// Sections in order of address.
    pub sections: Vec<Entry>,
    /// Global symbols in order of address.
    pub symbols: Vec<Symbol>,
}

pub(crate) fn make(program: &Program<'_>, layout: &Layout, needs: &Needs) -> Map {
    let mut map = Map::default();
    if !layout.jump.is_empty() {
        map.sections.push(Entry {
            memory: Memory::Text,
            offset: 0,
            size: layout.jump.len() as u64,
            name: "entry jump".to_string(),
            origin: String::new(),
        });
    }
    for placed in layout.placed.iter().filter(|placed| placed.size > 0) {
        let (name, origin) = match placed.piece {
            Piece::Section(id) => {
                let Some(section) = program.section(id) else { continue };
                let unit = program.units.get(section.unit as usize);
                let origin = unit.map_or(String::new(), |unit| unit.origin.place().to_string());
                (section.header.name.to_string(), origin)
            }
            Piece::Starter => ("constructor calls".to_string(), String::new()),
            Piece::Thunks(_) => ("address thunks".to_string(), String::new()),
            Piece::Veneer(_) => ("veneer".to_string(), String::new()),
            Piece::Shim(number) => {
                let number = needs.shims.get(number as usize).copied();
                let shim = number.and_then(shim::get);
                (shim.map_or("shim", |shim| shim.name).to_string(), String::new())
            }
            Piece::Got => ("global offset table".to_string(), String::new()),
            Piece::Literals => ("literals".to_string(), String::new()),
        };
        map.sections.push(Entry {
            memory: placed.address.memory,
            offset: placed.address.offset,
            size: placed.size,
            name,
            origin,
        });
    }
    map.sections.sort_by_key(|entry| (entry.memory, entry.offset));
    for global in &program.globals {
        if matches!(global.definition, Definition::Section(..) | Definition::Shim(..))
            && let Some(address) = layout.address(global.definition, needs)
        {
            map.symbols.push(Symbol {
                memory: address.memory,
                offset: address.offset,
                name: global.name.to_string(),
            });
        }
    }
    map.symbols.sort_by(|a, b| (a.memory, a.offset, &a.name).cmp(&(b.memory, b.offset, &b.name)));
    map
}

impl fmt::Display for Map {
    /// A line per section, indented lines for the symbols in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut symbols = self.symbols.iter().peekable();
        for entry in &self.sections {
            let memory = memory_name(entry.memory);
            writeln!(
                f,
                "{memory:<6} {:08x} {:>7} {} {}",
                entry.offset, entry.size, entry.name, entry.origin
            )?;
            let end = (entry.memory, entry.offset + entry.size);
            while let Some(symbol) = symbols.next_if(|symbol| (symbol.memory, symbol.offset) < end)
            {
                writeln!(f, "       {:08x}         {}", symbol.offset, symbol.name)?;
            }
        }
        Ok(())
    }
}

fn memory_name(memory: Memory) -> &'static str {
    match memory {
        Memory::Text => "text",
        Memory::Rodata => "rodata",
        Memory::Bss => "bss",
    }
}
