//! The program being linked: objects, their sections under one numbering, and global symbols by name.
//!
//! Owns the tables that every later phase reads. `resolve` fills them; nothing after it adds an object or a symbol.

use std::fmt::Write as _;

use anymod_model::Place;
use rustc_hash::FxHashMap;

use crate::read::elf;

/// A section of some object, numbered across the program in loading order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SectionId(pub(crate) u32);

impl SectionId {
    /// As an index.
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a section is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Debug information, unwind tables, notes: never loaded.
    Ignored,
    /// A second copy of a COMDAT group's member.
    Duplicate,
    /// Instructions.
    Text,
    /// Constants.
    Rodata,
    /// Constants that hold addresses.
    RelocatedRodata,
    /// Initialised variables.
    Data,
    /// Zeroed variables.
    Bss,
    /// Xtensa literals: dissolved into one pool.
    Literal,
    /// Addresses of constructors.
    Constructors,
    /// Thread-local variables: refused when referenced.
    ThreadLocal,
}

impl Role {
    /// True if the section's bytes become part of the module when it is live.
    pub(crate) fn is_loaded(self) -> bool {
        matches!(self, Role::Text | Role::Rodata | Role::RelocatedRodata | Role::Data | Role::Bss)
    }
}

/// A section of the program.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    /// The object it comes from.
    pub(crate) unit: u32,
    /// What it is for.
    pub(crate) role: Role,
    /// Header, bytes and relocations.
    pub(crate) header: elf::Section<'a>,
}

/// Where an object comes from.
#[derive(Clone, Debug)]
pub(crate) struct Origin<'a> {
    /// Path as the user gave it.
    pub(crate) file: &'a str,
    /// Archive member.
    pub(crate) member: Option<&'a str>,
}

impl Origin<'_> {
    /// The object as a place.
    pub(crate) fn place(&self) -> Place {
        self.place_in(None, None)
    }

    /// A spot in the object as a place.
    pub(crate) fn place_in(&self, section: Option<&str>, offset: Option<u64>) -> Place {
        Place::Binary {
            file: self.file.to_string(),
            member: self.member.map(str::to_string),
            section: section.map(str::to_string),
            offset,
        }
    }
}

/// A loaded object.
#[derive(Debug)]
pub(crate) struct Unit<'a> {
    /// Where it comes from.
    pub(crate) origin: Origin<'a>,
    /// Its symbol table.
    pub(crate) symbols: elf::Symbols<'a>,
    /// Program-wide number of its section 0.
    pub(crate) first_section: u32,
    /// How many sections it has.
    pub(crate) section_count: u32,
    /// Index in `Program::globals` of each symbol from `symbols.first_global` on.
    pub(crate) globals: Vec<u32>,
}

/// Something that the runtime provides and the loader fills in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Runtime {
    /// `mp_fun_table`.
    FunTable,
    /// The content of an entry of `mp_fun_table`.
    FunTableEntry(u8),
    /// The module's table of qstr numbers.
    QstrTable,
    /// The module's table of objects.
    ObjTable,
}

/// What a symbol stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Definition {
    /// Nothing: an error if code that stays refers to it.
    Undefined,
    /// A weak symbol that nothing defines: address zero.
    Null,
    /// A place in a section. Thumb functions have bit 0 of the value clear.
    Section(SectionId, u64),
    /// A fixed address.
    Absolute(u64),
    /// Provided by the runtime.
    Runtime(Runtime),
    /// The global offset table itself.
    GotBase,
    /// A function that another function picks when it is first needed (`STT_GNU_IFUNC`).
    Indirect,
    /// Machine code that the linker brings along: its number and an offset in it.
    Shim(u8, u8),
}

/// How firmly a global is defined; a higher one displaces a lower one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strength {
    /// Only referred to.
    Undefined,
    /// `weak`.
    Weak,
    /// Tentative (`-fcommon`).
    Common,
    /// The definition.
    Strong,
}

/// A global symbol.
#[derive(Debug)]
pub(crate) struct Global<'a> {
    /// Name.
    pub(crate) name: &'a str,
    /// What it stands for.
    pub(crate) definition: Definition,
    /// How firmly.
    pub(crate) strength: Strength,
    /// Some object needs it: not only weak references.
    pub(crate) is_needed: bool,
    /// It is a function (for Thumb: called with bit 0 set).
    pub(crate) is_function: bool,
    /// The object that defines it.
    pub(crate) unit: u32,
    /// Size in bytes, for maps and tentative definitions.
    pub(crate) size: u64,
    /// Alignment of a tentative definition.
    pub(crate) align: u64,
    /// The first global of the same name: itself, but for names that every object may define for itself.
    pub(crate) namesake: u32,
}

/// What a relocation refers to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// What the symbol stands for.
    pub(crate) definition: Definition,
    /// It is a function.
    pub(crate) is_function: bool,
    /// Index in `Program::globals`, if the symbol is not local.
    pub(crate) global: Option<u32>,
}

/// Everything that was loaded.
#[derive(Debug, Default)]
pub(crate) struct Program<'a> {
    /// Objects in loading order: those given, then archive members as symbols asked for them.
    pub(crate) units: Vec<Unit<'a>>,
    /// All their sections.
    pub(crate) sections: Vec<Section<'a>>,
    /// Global symbols in order of first appearance.
    pub(crate) globals: Vec<Global<'a>>,
    /// Globals by name.
    pub(crate) names: FxHashMap<&'a str, u32>,
    /// True if symbol values carry the Thumb bit.
    pub(crate) is_thumb: bool,
    /// True if an input could not be read.
    pub(crate) is_incomplete: bool,
}

impl<'a> Program<'a> {
    /// A section.
    pub(crate) fn section(&self, id: SectionId) -> Option<&Section<'a>> {
        self.sections.get(id.index())
    }

    /// All sections with their ids.
    pub(crate) fn ids(&self) -> impl Iterator<Item = (SectionId, &Section<'a>)> {
        (0..).map(SectionId).zip(&self.sections)
    }

    /// A global by name.
    pub(crate) fn global(&self, name: &str) -> Option<&Global<'a>> {
        self.globals.get(*self.names.get(name)? as usize)
    }

    /// What a symbol of an object stands for; `None` if the object has no such symbol.
    pub(crate) fn target(&self, unit: u32, symbol: u32) -> Option<Target> {
        let unit = self.units.get(unit as usize)?;
        if let Some(at) = symbol.checked_sub(unit.symbols.first_global)
            && let Some(&index) = unit.globals.get(at as usize)
            && index != LOCAL
        {
            let global = self.globals.get(index as usize)?;
            return Some(Target {
                definition: global.definition,
                is_function: global.is_function,
                global: Some(index),
            });
        }
        if symbol == 0 {
            let definition = Definition::Absolute(0);
            return Some(Target { definition, is_function: false, global: None });
        }
        let symbol = unit.symbols.get(symbol)?;
        let is_function = symbol.is_function();
        let definition = match symbol.home {
            _ if symbol.is_indirect() => Definition::Indirect,
            elf::Home::Section(index) if index < unit.section_count => {
                let id = SectionId(unit.first_section + index);
                let value = self.plain_value(&symbol);
                if value > self.section(id)?.header.size {
                    return None;
                }
                Definition::Section(id, value)
            }
            elf::Home::Absolute => Definition::Absolute(symbol.value),
            _ => return None,
        };
        Some(Target { definition, is_function, global: None })
    }

    /// A symbol's offset in its section, without the Thumb bit.
    pub(crate) fn plain_value(&self, symbol: &elf::Symbol) -> u64 {
        match self.is_thumb && symbol.is_function() {
            true => symbol.value & !1,
            false => symbol.value,
        }
    }

    /// A spot in a section as a place.
    pub(crate) fn place(&self, id: SectionId, offset: Option<u64>) -> Option<Place> {
        let section = self.section(id)?;
        let unit = self.units.get(section.unit as usize)?;
        Some(unit.origin.place_in(Some(section.header.name), offset))
    }

    /// A symbol as messages name it: its own name, or its section's.
    pub(crate) fn symbol_name(&self, unit: u32, symbol: u32) -> String {
        self.symbol_name_opt(unit, symbol).unwrap_or_else(|| format!("symbol {symbol}"))
    }

    fn symbol_name_opt(&self, unit: u32, index: u32) -> Option<String> {
        let unit = self.units.get(unit as usize)?;
        let symbol = unit.symbols.get(index)?;
        let mut name = unit.symbols.name(&symbol)?.to_string();
        if name.is_empty()
            && let elf::Home::Section(section) = symbol.home
        {
            let section = self.section(SectionId(unit.first_section + section))?;
            write!(name, "{}", section.header.name).ok()?;
        }
        Some(name)
    }
}

/// In `Unit::globals`: the symbol is local although it stands among the globals.
pub(crate) const LOCAL: u32 = u32::MAX;
