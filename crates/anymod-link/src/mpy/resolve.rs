//! Loads objects, pulls members out of archives and decides what every global symbol stands for.
//!
//! Order, and with it every later choice, is fixed: objects load in the order given, wherever they stand; then, for
//! each needed symbol in the order in which loaded objects first name it, the first archive (in the order given) whose
//! index has it provides the first member that defines it, whose own needs queue up behind. A strong definition beats a
//! tentative one, which beats a weak one; of two weak ones the first loaded stays. Of COMDAT groups with one signature
//! the first loaded stays.

use anymod_model::codes::link as code;
use anymod_model::{Diagnostic, Place};
use object::elf as constants;
use rustc_hash::FxHashSet;

use super::findings::Findings;
use super::options::{Compat, Input, Options};
use super::program::{
    Definition, Global, LOCAL, Origin, Program, Role, Runtime, Section, SectionId, Strength, Unit,
};
use super::{check, role, shim};
use crate::read::archive::Archive;
use crate::read::{Fault, elf, magic};

/// Name of the function that a runtime calls to initialise a module.
pub(crate) const ENTRY: &str = "mpy_init";

struct Loader<'a, 'o> {
    options: &'o Options,
    program: Program<'a>,
    /// Signatures of the COMDAT groups that are loaded.
    groups: FxHashSet<&'a str>,
    /// Globals that some object needs, in the order of their first mention.
    needed: Vec<u32>,
    findings: &'o mut Findings,
}

/// Loads all inputs.
pub(crate) fn load<'a>(
    objects: &'a [Input<'a>],
    archives: &'a [Input<'a>],
    options: &Options,
    findings: &mut Findings,
) -> Program<'a> {
    let is_thumb = options.arch.info().elf_machine == constants::EM_ARM.0;
    let mut loader = Loader {
        options,
        program: Program { is_thumb, ..Program::default() },
        groups: FxHashSet::default(),
        needed: Vec::new(),
        findings,
    };
    let entry = loader.intern(ENTRY, 0);
    loader.need(entry);
    let mut opened = Vec::new();
    for input in objects.iter().chain(archives) {
        let format = magic::identify(input.data);
        let archive = match format {
            Ok(magic::Format::Elf) => {
                loader.object(Origin { file: &input.name, member: None }, input.data);
                continue;
            }
            Ok(magic::Format::Archive) => Archive::read(input.data),
            Err(fault) => Err(fault),
        };
        match archive {
            Ok(archive) => opened.push((input.name.as_str(), archive)),
            Err(fault) => loader.refuse(fault, Place::file(&input.name)),
        }
    }
    loader.members(&opened);
    loader.place_common();
    loader.provide();
    loader.program
}

impl<'a> Loader<'a, '_> {
    /// Reports an input that cannot be read; without it, nothing can be said of undefined symbols.
    fn refuse(&mut self, fault: Fault, place: Place) {
        self.program.is_incomplete = true;
        self.findings.push(fault.at(place));
    }

    fn member(&mut self, file: &'a str, name: &'a str, data: &'a [u8]) {
        let origin = Origin { file, member: Some(name) };
        match magic::identify(data) {
            Ok(magic::Format::Elf) => self.object(origin, data),
            Ok(magic::Format::Archive) => {
                let fault = Fault::new(&code::NESTED_ARCHIVE, "the member is itself an archive")
                    .hint("unpack it with `ar x` and make one flat archive");
                self.refuse(fault, origin.place());
            }
            Err(fault) => self.refuse(fault, origin.place()),
        }
    }

    /// Pulls members until no archive can provide what is needed.
    fn members(&mut self, archives: &[(&'a str, Archive<'a>)]) {
        let mut loaded = FxHashSet::default();
        // Members lie apart, so all of an archive's are no larger than the archive.
        let mut budgets: Vec<usize> = archives.iter().map(|(_, archive)| archive.size()).collect();
        let mut next = 0;
        while let Some(&index) = self.needed.get(next) {
            next += 1;
            let Some(global) = self.program.globals.get(index as usize) else { continue };
            if global.strength != Strength::Undefined
                || self.options.externs.contains_key(global.name)
            {
                continue;
            }
            let provider = archives.iter().enumerate().find_map(|(number, (file, archive))| {
                archive.find(global.name).map(|key| (number, *file, archive, key))
            });
            let Some((number, file, archive, key)) = provider else { continue };
            if !loaded.insert((number, key)) {
                continue;
            }
            match archive.member(key) {
                Ok(member) => {
                    let budget = budgets.get_mut(number);
                    let left = budget.as_ref().and_then(|left| left.checked_sub(member.data.len()));
                    let (Some(budget), Some(left)) = (budget, left) else {
                        let fault = Fault::new(&code::MALFORMED, "members of the archive overlap");
                        return self.refuse(fault, Place::file(file));
                    };
                    *budget = left;
                    self.member(file, member.name, member.data);
                }
                Err(fault) => self.refuse(fault, Place::file(file)),
            }
        }
    }

    fn object(&mut self, origin: Origin<'a>, data: &'a [u8]) {
        let object = match elf::read(data).and_then(|object| {
            check::object(&object, self.options)?;
            Ok(object)
        }) {
            Ok(object) => object,
            Err(fault) => return self.refuse(fault, origin.place()),
        };
        let unit = self.program.units.len() as u32;
        let first_section = self.program.sections.len() as u32;
        let section_count = object.sections.len() as u32;
        self.sections(unit, &object, &origin);
        self.program.units.push(Unit {
            origin,
            symbols: object.symbols,
            first_section,
            section_count,
            globals: Vec::new(),
        });
        self.symbols(unit);
    }

    fn sections(&mut self, unit: u32, object: &elf::Object<'a>, origin: &Origin<'a>) {
        let first = self.program.sections.len();
        for header in &object.sections {
            let role = role::of(header, self.options);
            if role != Role::Ignored && header.flags & constants::SHF_COMPRESSED.0 != 0 {
                let place = origin.place_in(Some(header.name), None);
                let fault = Fault::new(&code::COMPRESSED_SECTION, "the section is compressed");
                self.refuse(fault, place);
            }
            self.program.sections.push(Section { unit, role, header: *header });
        }
        if self.options.compat.is_some() {
            return;
        }
        for group in &object.groups {
            if self.groups.insert(group.signature) {
                continue;
            }
            for member in &group.members {
                if let Some(section) = self.program.sections.get_mut(first + *member as usize)
                    && *member < object.sections.len() as u32
                {
                    section.role = Role::Duplicate;
                }
            }
        }
    }

    fn intern(&mut self, name: &'a str, unit: u32) -> u32 {
        let next = self.program.globals.len() as u32;
        let index = *self.program.names.entry(name).or_insert(next);
        if index == next {
            self.program.globals.push(Global::undefined(name, unit, index));
        }
        index
    }

    fn need(&mut self, index: u32) {
        if let Some(global) = self.program.globals.get_mut(index as usize)
            && !global.is_needed
        {
            global.is_needed = true;
            self.needed.push(index);
        }
    }

    fn symbols(&mut self, unit: u32) {
        let Some(view) = self.program.units.get(unit as usize) else { return };
        let (first, last) = (view.symbols.first_global, view.symbols.len());
        let mut globals = Vec::with_capacity((last - first) as usize);
        for at in first..last {
            globals.push(self.symbol(unit, at).unwrap_or(LOCAL));
        }
        if let Some(view) = self.program.units.get_mut(unit as usize) {
            view.globals = globals;
        }
    }

    /// Merges one global symbol of an object into the table; `None` if it is local or has no name.
    fn symbol(&mut self, unit: u32, at: u32) -> Option<u32> {
        let view = self.program.units.get(unit as usize)?;
        let symbol = view.symbols.get(at)?;
        if symbol.is_local() {
            return None;
        }
        let name = view.symbols.name(&symbol).unwrap_or_default();
        if name.is_empty() {
            let fault = Fault::new(&code::MALFORMED, format!("symbol {at} has no readable name"));
            self.refuse(fault, view.origin.place());
            return None;
        }
        let (definition, strength) = self.definition(unit, &symbol)?;
        let mut index = self.intern(name, unit);
        if strength == Strength::Undefined {
            if !symbol.is_weak() {
                self.need(index);
            }
            return Some(index);
        }
        let is_own_copy = self.options.compat.is_some() && name.starts_with(THUNK);
        if is_own_copy && self.program.globals.get(index as usize)?.strength == Strength::Strong {
            index = self.own_copy(name, unit, index);
        }
        let old = self.program.globals.get_mut(index as usize)?;
        let is_duplicate = old.strength == Strength::Strong && strength == Strength::Strong
            || self.options.compat.is_some() && old.strength > Strength::Undefined;
        if is_duplicate {
            self.duplicate(index, unit);
            return Some(index);
        }
        if strength == Strength::Common && old.strength == Strength::Common {
            old.size = old.size.max(symbol.size);
            old.align = old.align.max(symbol.value);
        } else if strength > old.strength {
            old.definition = definition;
            old.strength = strength;
            old.is_function = symbol.is_function();
            old.unit = unit;
            old.size = symbol.size;
            old.align = symbol.value;
        }
        Some(index)
    }

    /// What one object says of a symbol.
    fn definition(&mut self, unit: u32, symbol: &elf::Symbol) -> Option<(Definition, Strength)> {
        let view = self.program.units.get(unit as usize)?;
        let strength = if symbol.is_weak() { Strength::Weak } else { Strength::Strong };
        Some(match symbol.home {
            elf::Home::Undefined => (Definition::Undefined, Strength::Undefined),
            _ if symbol.is_indirect() => (Definition::Indirect, strength),
            elf::Home::Absolute => (Definition::Absolute(symbol.value), strength),
            elf::Home::Common => (Definition::Undefined, Strength::Common),
            elf::Home::Section(index) => {
                if index >= view.section_count {
                    let name = view.symbols.name(symbol).unwrap_or_default();
                    let message =
                        format!("symbol `{name}` is in section {index}, which is missing");
                    let fault = Fault::new(&code::MALFORMED, message);
                    self.refuse(fault, view.origin.place());
                    return None;
                }
                let id = SectionId(view.first_section + index);
                let section = self.program.section(id)?;
                if self.program.plain_value(symbol) > section.header.size {
                    let name = view.symbols.name(symbol).unwrap_or_default();
                    let message = format!("symbol `{name}` is outside of its section");
                    let fault = Fault::new(&code::MALFORMED, message);
                    self.refuse(fault, view.origin.place());
                    return None;
                }
                if section.role == Role::Duplicate {
                    (Definition::Undefined, Strength::Undefined)
                } else {
                    (Definition::Section(id, self.program.plain_value(symbol)), strength)
                }
            }
        })
    }

    /// A second global of one name: MicroPython's linker lets every x86 object keep its own thunks.
    fn own_copy(&mut self, name: &'a str, unit: u32, namesake: u32) -> u32 {
        let index = self.program.globals.len() as u32;
        self.program.globals.push(Global::undefined(name, unit, namesake));
        self.program.names.insert(name, index);
        index
    }

    fn duplicate(&mut self, index: u32, unit: u32) {
        let program = &self.program;
        let Some(global) = program.globals.get(index as usize) else { return };
        let place = |unit: u32| program.units.get(unit as usize).map(|unit| unit.origin.place());
        let mut finding = Diagnostic::error(
            &code::DUPLICATE,
            format!("symbol `{}` is already defined", global.name),
        )
        .hint("rename one, make it `static`, or drop one of the inputs");
        if let Some(first) = place(global.unit) {
            finding = finding.note(format!("first defined in {first}"));
        }
        if let Some(second) = place(unit) {
            finding = finding.at(second);
        }
        self.findings.push(finding);
    }

    /// Gives every tentative definition that stayed one a zeroed section of its own.
    fn place_common(&mut self) {
        for global in &mut self.program.globals {
            if global.strength != Strength::Common {
                continue;
            }
            let align = if global.align.is_power_of_two() { global.align } else { 16 };
            global.definition =
                Definition::Section(SectionId(self.program.sections.len() as u32), 0);
            self.program.sections.push(Section {
                unit: global.unit,
                role: Role::Bss,
                header: elf::Section {
                    name: ".bss.common",
                    kind: constants::SHT_NOBITS.0,
                    flags: 0,
                    size: global.size,
                    align,
                    data: &[],
                    relocations: elf::Relocations::None,
                },
            });
        }
    }

    /// Binds what no object defines to the runtime, to ROM, to the linker's own code, or to nothing.
    fn provide(&mut self) {
        for global in &mut self.program.globals {
            if global.strength != Strength::Undefined {
                if self.options.externs.contains_key(global.name) {
                    let place = self.program.units.get(global.unit as usize);
                    self.findings.push(shadowed(global.name, place.map(|unit| &unit.origin)));
                }
                continue;
            }
            global.definition =
                provided(global.name, self.options).unwrap_or(match global.is_needed {
                    true => Definition::Undefined,
                    false => Definition::Null,
                });
            global.is_function |= matches!(global.definition, Definition::Shim(..));
        }
    }
}

/// Prefix of the functions that 32-bit x86 code calls to learn its own address; each object brings its own.
const THUNK: &str = "__x86.get_pc_thunk.";

fn provided(name: &str, options: &Options) -> Option<Definition> {
    let table_entry = |index| Definition::Runtime(Runtime::FunTableEntry(index));
    match name {
        "_GLOBAL_OFFSET_TABLE_" => return Some(Definition::GotBase),
        "mp_fun_table" => return Some(Definition::Runtime(Runtime::FunTable)),
        "mp_native_qstr_table" => return Some(Definition::Runtime(Runtime::QstrTable)),
        "mp_native_obj_table" => return Some(Definition::Runtime(Runtime::ObjTable)),
        _ => {}
    }
    if let Some(address) = options.externs.get(name) {
        return Some(Definition::Absolute(*address));
    }
    if name.starts_with("mp_") {
        return options.abi.fun_table_index(name).map(table_entry);
    }
    match options.compat {
        None => shim::find(options.arch, name),
        Some(Compat::Latest) if matches!(name, "memset" | "memmove" | "memcpy") => {
            shim::find(options.arch, name)
        }
        Some(_) => None,
    }
}

fn shadowed(name: &str, origin: Option<&Origin<'_>>) -> Diagnostic {
    let message = format!("`{name}` has an address in ROM but an input defines it too");
    let finding = Diagnostic::warning(&code::EXTERN_SHADOWED, message)
        .hint("the input's definition is used; remove one of the two");
    match origin {
        Some(origin) => finding.at(origin.place()),
        None => finding,
    }
}

impl<'a> Global<'a> {
    fn undefined(name: &'a str, unit: u32, namesake: u32) -> Global<'a> {
        Global {
            name,
            definition: Definition::Undefined,
            strength: Strength::Undefined,
            is_needed: false,
            is_function: false,
            unit,
            size: 0,
            align: 1,
            namesake,
        }
    }
}
