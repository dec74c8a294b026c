//! Looks at every relocation that stays, before anything has an address, and prepares what they need.
//!
//! Owns the decisions that change the layout: which symbols get a slot in the global offset table, which branches go
//! through a veneer, which zeroed variables must live inside the code because something reaches them from there. It is
//! also where everything is refused that no layout could make right.

use std::collections::BTreeMap;

use anymod_model::codes::link as code;
use anymod_model::{Code, Diagnostic, Place};
use rustc_hash::{FxHashMap, FxHashSet};

use super::absolute::{self, Mentioned, Plan};
use super::arch::{Isa, Kind, Usage, isa};
use super::findings::Findings;
use super::layout::Piece;
use super::literals::Literals;
use super::options::{Options, StaticData};
use super::program::{Definition, Program, Role, Runtime, SectionId, Target};
use super::{compat, hint, relax, shim};
use crate::read::elf::Relocation;

/// A slot of the global offset table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    /// What its symbol stands for.
    pub(crate) definition: Definition,
    /// Added to the symbol's address.
    pub(crate) addend: i64,
    /// The symbol is a function.
    pub(crate) is_function: bool,
}

/// The key under which relocations share a slot: the place meant; in compatibility mode the symbol's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum SlotKey {
    Place(Definition, i64),
    Name(u32),
}

/// The slots in order of first use.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    /// The slots.
    pub(crate) list: Vec<Slot>,
    index: FxHashMap<SlotKey, u32>,
}

impl Slots {
    /// The number of the slot that a relocation to a target shares.
    pub(crate) fn find(
        &self,
        program: &Program<'_>,
        target: &Target,
        by_name: bool,
    ) -> Option<u32> {
        self.index.get(&key(program, target, by_name)).copied()
    }

    fn add(&mut self, program: &Program<'_>, target: &Target, by_name: bool) {
        self.insert(key(program, target, by_name), target, 0);
    }

    /// The number of the slot for a target and an addend, new or shared.
    fn add_literal(&mut self, target: &Target, addend: i64) -> u32 {
        self.insert(SlotKey::Place(target.definition, addend), target, addend)
    }

    fn insert(&mut self, key: SlotKey, target: &Target, addend: i64) -> u32 {
        let next = self.list.len() as u32;
        let number = *self.index.entry(key).or_insert(next);
        if number == next {
            self.list.push(Slot {
                definition: target.definition,
                addend,
                is_function: target.is_function,
            });
        }
        number
    }
}

fn key(program: &Program<'_>, target: &Target, by_name: bool) -> SlotKey {
    match target.global.filter(|_| by_name) {
        Some(index) => {
            let namesake =
                program.globals.get(index as usize).map_or(index, |global| global.namesake);
            SlotKey::Name(namesake)
        }
        None => SlotKey::Place(target.definition, 0),
    }
}

/// What the relocations need.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    /// The global offset table.
    pub(crate) slots: Slots,
    /// Xtensa literals.
    pub(crate) literals: Literals,
    /// Destinations outside the module that branches reach through veneers, in order of first use.
    pub(crate) veneers: Vec<Definition>,
    /// The number of each destination's veneer.
    pub(crate) veneer_numbers: FxHashMap<Definition, u32>,
    /// The linker's own functions that are used, in order of first use.
    pub(crate) shims: Vec<u8>,
    /// How absolute addresses in code become relative (RISC-V).
    pub(crate) absolute: FxHashMap<SectionId, Plan>,
    /// Zeroed sections that live inside the code.
    pub(crate) in_text: FxHashSet<SectionId>,
    /// Relocations, by section and offset, that are already reported as impossible.
    pub(crate) refused: FxHashSet<(SectionId, u64)>,
}

impl Needs {
    /// The thunks behind a section, if it has any.
    pub(crate) fn thunks(&self, id: SectionId) -> Option<Piece> {
        self.absolute.get(&id).filter(|plan| plan.thunks > 0).map(|_| Piece::Thunks(id))
    }
}

/// A greater addend than any address space of a module has.
pub(crate) const ADDEND: u64 = 1 << 40;

/// The most places listed for one undefined symbol.
const PLACES: usize = 4;

struct Scan<'s, 'a> {
    program: &'s Program<'a>,
    options: &'s Options,
    isa: &'static Isa,
    allows_bss_in_text: bool,
    needs: Needs,
    names: compat::LiteralNames,
    /// The section being scanned holds absolute addresses in code.
    has_absolute: bool,
    /// What the object scanned last mentions, if it holds absolute addresses in code.
    mentioned: (u32, Mentioned),
    /// Per undefined global: where it is referred to, and how often.
    undefined: BTreeMap<u32, (Vec<Place>, usize)>,
    findings: &'s mut Findings,
}

/// Scans all live sections.
pub(crate) fn scan(
    program: &Program<'_>,
    live: &[bool],
    options: &Options,
    findings: &mut Findings,
) -> Needs {
    let allows_bss_in_text = match options.static_data {
        StaticData::Default => options.arch.info().writable_text,
        StaticData::InText => true,
        StaticData::Refuse => false,
    };
    let mut scan = Scan {
        program,
        options,
        isa: isa(options.arch),
        allows_bss_in_text,
        needs: Needs::default(),
        names: compat::LiteralNames::default(),
        has_absolute: false,
        mentioned: (u32::MAX, Mentioned::default()),
        undefined: BTreeMap::new(),
        findings,
    };
    for ((id, section), is_live) in program.ids().zip(live) {
        if !is_live {
            continue;
        }
        match section.role {
            Role::Literal => scan.literals(id),
            role if role.is_loaded() => {
                scan.check_data(id, role);
                scan.has_absolute = false;
                for relocation in section.header.relocations.iter() {
                    scan.relocation(id, section.unit, &relocation);
                }
                if scan.has_absolute {
                    scan.plan_absolute(id, section.unit);
                }
            }
            _ => {}
        }
    }
    scan.report_undefined();
    scan.needs
}

impl Scan<'_, '_> {
    fn plan_absolute(&mut self, id: SectionId, unit: u32) {
        if self.mentioned.0 != unit {
            self.mentioned = (unit, Mentioned::of(self.program, unit));
        }
        let is_64 = self.options.arch.info().word_size == 8;
        match absolute::plan(self.program, id, &self.mentioned.1, is_64) {
            Ok(plan) => {
                self.needs.absolute.insert(id, plan);
            }
            Err(offset) => {
                let message = "the other half of the address cannot be told".to_string();
                self.error(id, offset, &code::UNPAIRED, message);
            }
        }
    }

    fn error(&mut self, id: SectionId, offset: u64, code: &'static Code, message: String) {
        let mut finding = Diagnostic::error(code, message);
        finding.place = self.program.place(id, Some(offset));
        finding.hint = hint::of(code, self.options).map(str::to_string);
        self.findings.push(finding);
    }

    /// Initialised variables need memory that is writable where they are.
    fn check_data(&mut self, id: SectionId, role: Role) {
        let Some(section) = self.program.section(id) else { return };
        let is_empty = section.header.size == 0;
        if role != Role::Data || is_empty || self.options.arch.info().separate_rodata {
            return;
        }
        if self.options.compat.is_some() {
            let message = format!("MicroPython's linker refuses `{}`", section.header.name);
            self.error(id, 0, &code::COMPAT_REFUSED, message);
        } else if !self.allows_bss_in_text {
            let message = format!(
                "`{}` holds {} bytes of initialised variables, but code is not writable on {}",
                section.header.name, section.header.size, self.options.arch
            );
            self.error(id, 0, &code::STATIC_DATA, message);
        }
    }

    /// Dissolves a section of Xtensa literals into the pool.
    fn literals(&mut self, id: SectionId) {
        let program = self.program;
        let Some(section) = program.section(id) else { return };
        if self.options.compat.is_some()
            && let Some(why) = self.names.section(section.unit, section.header.size)
        {
            self.error(id, 0, &code::COMPAT_REFUSED, why.to_string());
        }
        for relocation in section.header.relocations.iter() {
            self.relocation(id, section.unit, &relocation);
            let Some(target) = program.target(section.unit, relocation.symbol) else { continue };
            let tail = section.header.data.get(relocation.offset as usize..).unwrap_or(&[]);
            let Some(stored) = tail.first_chunk::<4>() else {
                let message = "a literal's address is outside the section".to_string();
                return self.error(id, relocation.offset, &code::MALFORMED, message);
            };
            let stored = i64::from(i32::from_le_bytes(*stored));
            let addend = stored.wrapping_add(relocation.addend.unwrap_or(0));
            if self.options.compat.is_some()
                && let Some(why) =
                    self.names.literal(program, section.unit, &relocation, &target, stored)
            {
                self.error(id, relocation.offset, &code::COMPAT_REFUSED, why.to_string());
            }
            let slot = self.needs.slots.add_literal(&target, addend);
            self.needs.literals.add_address(id, relocation.offset, slot);
        }
        self.needs.literals.add_values(id, section.header.data);
    }

    fn relocation(&mut self, id: SectionId, unit: u32, relocation: &Relocation) {
        let Some(kind) = self.isa.kind(relocation.kind) else {
            let symbol = self.program.symbol_name(unit, relocation.symbol);
            let message = format!("relocation type {} to `{symbol}` is not known", relocation.kind);
            return self.error(id, relocation.offset, &code::UNSUPPORTED_RELOCATION, message);
        };
        if kind.usage == Usage::Nothing {
            return;
        }
        let size = self.program.section(id).map_or(0, |section| section.header.size);
        let is_absurd = relocation.addend.is_some_and(|addend| addend.unsigned_abs() > ADDEND);
        let target = self.program.target(unit, relocation.symbol);
        let (Some(target), false) = (target, is_absurd || relocation.offset >= size) else {
            self.needs.refused.insert((id, relocation.offset));
            let message = format!(
                "`{}` to symbol {} names a place outside of a section",
                kind.name, relocation.symbol
            );
            return self.error(id, relocation.offset, &code::MALFORMED, message);
        };
        if kind.usage == Usage::GotBase {
            return;
        }
        let problem = match target.definition {
            Definition::Undefined => return self.note_undefined(id, relocation.offset, &target),
            Definition::Section(to, _) => self.section_problem(id, to, kind.usage),
            _ => self.outside_problem(&target, kind.usage),
        };
        if let Some((code, why)) = problem {
            self.needs.refused.insert((id, relocation.offset));
            let symbol = self.program.symbol_name(unit, relocation.symbol);
            let message = format!("`{}` to `{symbol}`: {why}", kind.name);
            return self.error(id, relocation.offset, code, message);
        }
        if self.isa.has_literals
            && self.options.compat.is_some()
            && let Some(why) = compat::xtensa_word(self.program, id, relocation)
        {
            return self.error(id, relocation.offset, &code::COMPAT_REFUSED, why.to_string());
        }
        self.has_absolute |= matches!(kind.usage, Usage::AbsoluteHigh | Usage::AbsoluteLow);
        let by_name = self.options.compat.is_some();
        let loads_address = kind.usage == Usage::AbsoluteHigh
            && matches!(target.definition, Definition::Runtime(_));
        let makes_slot = kind.usage == Usage::GotSlot
            || loads_address
            || by_name && target.global.is_some() && self.isa.compat_got.contains(&kind.number);
        if makes_slot && !self.isa.has_literals && !self.skips_table(id, relocation, kind, &target)
        {
            let target = if by_name { self.rom_target(target) } else { target };
            self.needs.slots.add(self.program, &target, by_name);
        }
        if let Definition::Shim(number, _) = target.definition
            && !self.needs.shims.contains(&number)
        {
            self.needs.shims.push(number);
        }
    }

    fn skips_table(
        &self,
        id: SectionId,
        relocation: &Relocation,
        kind: &Kind,
        target: &Target,
    ) -> bool {
        let Some(section) = self.program.section(id) else { return false };
        let (program, options) = (self.program, self.options);
        relax::skips_table(program, self.isa, section, relocation, kind, target, options)
    }

    /// MicroPython's linker prefers an address in ROM to a definition, but only in the global offset table.
    fn rom_target(&self, target: Target) -> Target {
        let global = target.global.and_then(|index| self.program.globals.get(index as usize));
        match global.and_then(|global| self.options.externs.get(global.name)) {
            Some(address) => Target { definition: Definition::Absolute(*address), ..target },
            None => target,
        }
    }

    /// What is wrong with a relocation from a section to a section, if anything; notes where zeroed variables must
    /// live.
    fn section_problem(
        &mut self,
        from: SectionId,
        to: SectionId,
        usage: Usage,
    ) -> Option<(&'static Code, String)> {
        let target = self.program.section(to)?;
        let compat = self.options.compat.is_some();
        match target.role {
            Role::Duplicate => {
                let why =
                    "the symbol's section was discarded for another object's copy".to_string();
                return Some((&code::DISCARDED_REFERENCE, why));
            }
            Role::ThreadLocal => {
                return Some((&code::THREAD_LOCAL, "the variable is thread-local".into()));
            }
            Role::Ignored | Role::Constructors => {
                let code = if compat { &code::COMPAT_REFUSED } else { &code::DISCARDED_REFERENCE };
                let why = format!("section `{}` is not loaded", target.header.name);
                return Some((code, why));
            }
            _ => {}
        }
        let is_relative =
            matches!(usage, Usage::Relative | Usage::GotRelative | Usage::AbsoluteHigh);
        match usage {
            Usage::ThreadLocal => {
                Some((&code::THREAD_LOCAL, "native modules have no thread-local storage".into()))
            }
            Usage::AbsolutePiece => Some((
                &code::NOT_POSITION_INDEPENDENT,
                "the instruction holds an absolute address".into(),
            )),
            Usage::AbsoluteHigh | Usage::AbsoluteLow if compat => Some((
                &code::COMPAT_REFUSED,
                "MicroPython's linker takes the absolute address for its offset".into(),
            )),
            _ if is_relative && target.role == Role::Bss && from != to => self.bss_problem(to),
            _ => None,
        }
    }

    fn bss_problem(&mut self, to: SectionId) -> Option<(&'static Code, String)> {
        if self.options.compat.is_some() {
            let why =
                "MicroPython's linker cannot place a static variable that code reaches directly";
            return Some((&code::COMPAT_REFUSED, why.into()));
        }
        if !self.allows_bss_in_text {
            let why =
                "the static variable would have to live inside the code, which is not writable";
            return Some((&code::STATIC_BSS, why.into()));
        }
        self.needs.in_text.insert(to);
        None
    }

    /// The same for targets outside the module's sections; notes which veneers are needed.
    fn outside_problem(
        &mut self,
        target: &Target,
        usage: Usage,
    ) -> Option<(&'static Code, String)> {
        let definition = target.definition;
        let is_outside = matches!(definition, Definition::Runtime(_) | Definition::Absolute(_));
        let is_callable = match definition {
            Definition::Runtime(Runtime::FunTableEntry(index)) => shim::is_function(index),
            _ => false,
        };
        match usage {
            Usage::ThreadLocal => {
                Some((&code::THREAD_LOCAL, "native modules have no thread-local storage".into()))
            }
            _ if definition == Definition::Indirect => {
                let why = "the function is picked at run time (IFUNC), which no loader does";
                Some((&code::UNSUPPORTED_RELOCATION, why.into()))
            }
            Usage::Branch(_) if is_outside && self.isa.veneer.is_some() => {
                self.need_veneer(definition)
            }
            Usage::Relative if is_callable && self.isa.veneer.is_some() => {
                self.need_veneer(definition)
            }
            Usage::Branch(_) | Usage::Relative | Usage::GotRelative | Usage::Slot if is_outside => {
                Some((&code::DIRECT_EXTERNAL, "the symbol is outside the module".into()))
            }
            Usage::Relative | Usage::GotRelative | Usage::Slot
                if definition == Definition::Null =>
            {
                Some((&code::WEAK_UNDEFINED, "nothing defines the weak symbol".into()))
            }
            Usage::AbsolutePiece => Some((
                &code::NOT_POSITION_INDEPENDENT,
                "the instruction holds an absolute address".into(),
            )),
            _ => None,
        }
    }

    fn need_veneer(&mut self, definition: Definition) -> Option<(&'static Code, String)> {
        if self.options.compat.is_some() {
            let why = "MicroPython's linker cannot call a runtime symbol directly";
            return Some((&code::COMPAT_REFUSED, why.into()));
        }
        let next = self.needs.veneers.len() as u32;
        if *self.needs.veneer_numbers.entry(definition).or_insert(next) == next {
            self.needs.veneers.push(definition);
        }
        None
    }

    fn note_undefined(&mut self, id: SectionId, offset: u64, target: &Target) {
        let Some(global) = target.global else { return };
        let (places, count) = self.undefined.entry(global).or_default();
        *count += 1;
        if places.len() < PLACES
            && let Some(place) = self.program.place(id, Some(offset))
        {
            places.push(place);
        }
    }

    fn report_undefined(&mut self) {
        for (global, (places, count)) in std::mem::take(&mut self.undefined) {
            let Some(global) = self.program.globals.get(global as usize) else { continue };
            let message = format!("undefined symbol `{}`", global.name);
            let mut finding = Diagnostic::error(&code::UNDEFINED, message)
                .hint(hint::undefined(global.name, self.options));
            let rest = count - places.len();
            let mut places = places.into_iter();
            finding.place = places.next();
            finding.notes.extend(places.map(|place| format!("also referenced at {place}")));
            if rest > 0 {
                finding.notes.push(format!("and at {rest} more places"));
            }
            self.findings.push(finding);
        }
    }
}
