//! One relocatable object: what it defines and asks for, its writable state, and what decides how it can be linked.

use object::Endianness;
use object::elf;
use object::read::elf::{FileHeader, Sym as _};
use rustc_hash::FxHashSet;

use super::elf::{Class, Elf32, Elf64, File, Section, class, open};
use super::pic::{self, Reference, Rule, Uses};
use super::{Binding, Constants, Fault, Home, Machine, Symbol};

/// An object's facts, borrowed from its bytes.
#[derive(Clone, Debug, Default)]
pub struct Object<'a> {
    /// What it is compiled for.
    pub machine: Machine,
    /// Symbols that are not its own alone, in the order of its table.
    pub symbols: Vec<Symbol<'a>>,
    /// Variables that can change, its own among them.
    pub variables: Vec<Variable<'a>>,
    /// Bytes that can change: not thread-local, and not read-only once relocated. Tentative definitions among them.
    pub state: u64,
    /// Bytes that a program gets.
    pub loaded: u64,
    /// Relocations that decide how it can be linked; none if nothing is known of the machine.
    pub uses: Option<Uses<'a>>,
    /// Bytes of constants.
    pub constants: Vec<Constants<'a>>,
    /// The first symbol that it defines with a version (`.symver`).
    pub versioned: Option<&'a str>,
    /// Sections of which a program keeps one copy, by index (COMDAT groups).
    grouped: Vec<bool>,
}

/// A variable that can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Variable<'a> {
    /// Name.
    pub name: &'a str,
    /// Bytes.
    pub size: u64,
}

impl Object<'_> {
    /// Whether of several definitions like this one a program keeps any: a weak, tentative, unique or grouped one.
    #[must_use]
    pub fn may_repeat(&self, symbol: &Symbol<'_>) -> bool {
        symbol.binding != Binding::Strong
            || match symbol.home {
                Home::Common => true,
                Home::Section(index) => self.grouped.get(index as usize).copied().unwrap_or(false),
                Home::Undefined | Home::Absolute => false,
            }
    }

    /// Whether a linker would take nothing from it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.loaded == 0 && self.symbols.is_empty()
    }
}

/// Reads an object of either class and byte order.
///
/// # Errors
/// If it is damaged, with an offset.
pub fn read(data: &[u8]) -> Result<Object<'_>, Fault> {
    match class(data)? {
        Class::Elf32 => read_class::<Elf32>(data),
        Class::Elf64 => read_class::<Elf64>(data),
    }
}

fn read_class<E: FileHeader<Endian = Endianness>>(data: &[u8]) -> Result<Object<'_>, Fault> {
    let file: File<'_, E> = open(data)?;
    let sections = file.headers()?;
    let mut object = Object { machine: file.machine(), ..Object::default() };
    for (index, section) in sections.iter().enumerate() {
        let grouped = section.flags & elf::SHF_GROUP.0 != 0;
        object.grouped.push(grouped);
        if !section.is_loaded() || section.name.starts_with(".note") {
            continue;
        }
        object.loaded = object.loaded.saturating_add(section.size);
        if section.is_state() {
            object.state = object.state.saturating_add(section.size);
        }
        let is_code = section.flags & elf::SHF_EXECINSTR.0 != 0;
        if !section.is_writable() && !is_code && section.name.starts_with(".rodata") {
            object.constants.push(file.constants(index, section)?);
        }
    }
    take_symbols(&file, &sections, &mut object)?;
    if let Some(rules) = pic::rules(object.machine.number) {
        object.uses = Some(uses(&file, &sections, &object.symbols, rules)?);
    }
    Ok(object)
}

fn take_symbols<'a, E: FileHeader<Endian = Endianness>>(
    file: &File<'a, E>,
    sections: &[Section<'a>],
    object: &mut Object<'a>,
) -> Result<(), Fault> {
    let is_shared = |entry: &E::Sym| entry.st_bind() != elf::STB_LOCAL;
    // Of the object's own symbols only variables are of interest.
    let is_wanted = |entry: &E::Sym| {
        let is_code = matches!(entry.st_type(), elf::STT_FUNC | elf::STT_FILE);
        is_shared(entry) || (!is_code && entry.st_size(file.endian).into() > 0)
    };
    let table = file.symbols(elf::SHT_SYMTAB)?;
    object.symbols.reserve_exact(table.count(is_shared));
    table.each(is_wanted, |mut symbol| {
        if !symbol.is_undefined() && symbol.name.contains('@') {
            object.versioned.get_or_insert(symbol.name);
            // The default version is what references without one get.
            symbol.name = symbol.name.split_once("@@").map_or(symbol.name, |(name, _)| name);
        }
        let variable = match symbol.home {
            Home::Common => {
                object.state = object.state.saturating_add(symbol.size);
                true
            }
            Home::Section(index) => {
                symbol.size > 0 && sections.get(index as usize).is_some_and(Section::is_state)
            }
            Home::Undefined | Home::Absolute => false,
        };
        if variable {
            object.variables.push(Variable { name: symbol.name, size: symbol.size });
        }
        if symbol.binding != Binding::Local {
            object.symbols.push(symbol);
        }
        Ok(())
    })
}

fn uses<'a, E: FileHeader<Endian = Endianness>>(
    file: &File<'a, E>,
    sections: &[Section<'a>],
    symbols: &[Symbol<'a>],
    rules: &[(u32, &'static str, Rule)],
) -> Result<Uses<'a>, Fault> {
    let mut uses = Uses::default();
    let mut seen = FxHashSet::default();
    let loaded = |index: usize| sections.get(index).is_some_and(|s| s.is_loaded());
    file.relocations(loaded, |target, relocation| {
        // There are few rules, and the most frequent types have small numbers.
        let row = rules.iter().find(|row| row.0 >= relocation.kind);
        let row = row.filter(|row| row.0 == relocation.kind);
        let (Some((_, name, rule)), Some(section)) = (row, sections.get(target)) else { return };
        // Most relocations decide nothing: only of the others is the symbol looked for.
        let is_settled = match rule {
            Rule::Fixed => uses.fixed.is_some(),
            Rule::Program => uses.program.is_some(),
            Rule::Address => section.is_writable() || uses.text.is_some(),
            Rule::Relative => section.is_writable(),
        };
        if is_settled {
            return;
        }
        let found = symbols.binary_search_by_key(&relocation.symbol, |symbol| symbol.index);
        let symbol = found.ok().and_then(|at| symbols.get(at));
        let reference = Reference {
            relocation: name,
            symbol: symbol.map(|symbol| symbol.name),
            section: section.name,
            offset: relocation.offset,
        };
        let slot = match rule {
            Rule::Fixed => &mut uses.fixed,
            Rule::Program => &mut uses.program,
            Rule::Address => &mut uses.text,
            Rule::Relative => {
                if let Some(symbol) = symbol
                    && seen.insert(symbol.index)
                {
                    uses.relative.push(reference);
                }
                return;
            }
        };
        *slot = Some(reference);
    })?;
    Ok(uses)
}
