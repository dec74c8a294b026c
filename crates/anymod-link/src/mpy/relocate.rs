//! Fills the module's memories: copies sections, performs relocations, notes what the loader must adjust.

mod absolute;
mod synthetic;

use anymod_model::codes::link as code;
use anymod_model::mpy as format;
use anymod_model::{Code, Diagnostic};

use super::arch::patch::{HighForm, Patch, Trouble};
use super::arch::{Isa, Kind, Usage, isa};
use super::findings::Findings;
use super::hint;
use super::layout::{Address, Layout, Memory, Piece};
use super::literals::Literal;
use super::options::Options;
use super::program::{Definition, Program, Role, Runtime, Section, SectionId, Target};
use super::relax;
use super::scan::Needs;
use crate::read::elf::Relocation;

/// A word that the loader adjusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoadRelocation {
    /// The memory that the word is in: code or read-only data.
    pub(crate) memory: Memory,
    /// Offset of the word in it.
    pub(crate) offset: u64,
    /// What the loader adds: 0 to 2 a memory's address, from 6 on what `anymod_model::mpy` names.
    pub(crate) destination: u8,
}

/// The module's memories, filled.
#[derive(Debug, Default)]
pub(crate) struct Image {
    /// The code blob.
    pub(crate) text: Vec<u8>,
    /// The blob of read-only data.
    pub(crate) rodata: Vec<u8>,
    /// Size of the zeroed memory.
    pub(crate) bss: u64,
    /// Adjustments in the order in which they are stored.
    pub(crate) relocations: Vec<LoadRelocation>,
    /// Order of the slots in the global offset table: for each slot its position.
    pub(crate) slot_positions: Vec<u64>,
}

struct Linker<'l, 'a> {
    program: &'l Program<'a>,
    needs: &'l Needs,
    layout: &'l Layout,
    constructors: &'l [Definition],
    options: &'l Options,
    isa: &'static Isa,
    word: u64,
    image: Image,
    /// The first term of a difference, until its second term.
    minuend: Option<i64>,
    findings: &'l mut Findings,
}

/// What one relocation came to grief on.
enum Failure {
    Trouble(Trouble),
    Finding(&'static Code, String),
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Failure {
        Failure::Trouble(trouble)
    }
}

/// Makes the image.
pub(crate) fn run(
    program: &Program<'_>,
    needs: &Needs,
    layout: &Layout,
    constructors: &[Definition],
    options: &Options,
    findings: &mut Findings,
) -> Image {
    let [text, rodata, bss] = layout.sizes;
    let mut linker = Linker {
        program,
        needs,
        layout,
        constructors,
        options,
        isa: isa(options.arch),
        word: options.arch.info().word_size.into(),
        image: Image {
            text: vec![0; text as usize],
            rodata: vec![0; rodata as usize],
            bss,
            relocations: Vec::new(),
            slot_positions: Vec::new(),
        },
        minuend: None,
        findings,
    };
    linker.write(Address { memory: Memory::Text, offset: 0 }, &layout.jump);
    linker.slots();
    linker.literals();
    linker.pieces();
    let mut image = linker.image;
    if options.compat.is_none() {
        // Neighbouring words with one destination share an entry, so sorting makes the file smaller.
        image.relocations.sort_by_key(|relocation| (relocation.memory, relocation.offset));
    }
    image
}

impl Linker<'_, '_> {
    fn memory(&mut self, memory: Memory) -> &mut [u8] {
        match memory {
            Memory::Text => &mut self.image.text,
            Memory::Rodata => &mut self.image.rodata,
            Memory::Bss => &mut [],
        }
    }

    fn write(&mut self, at: Address, bytes: &[u8]) {
        let start = at.offset as usize;
        if let Some(slot) = self.memory(at.memory).get_mut(start..start + bytes.len()) {
            slot.copy_from_slice(bytes);
        }
    }

    fn write_word(&mut self, at: Address, value: u64) {
        let bytes = value.to_le_bytes();
        self.write(at, bytes.get(..self.word as usize).unwrap_or(&[]));
    }

    /// Stores the address of a symbol in a word and tells the loader to adjust it.
    fn store_address(&mut self, at: Address, definition: Definition, thumb: bool, addend: i64) {
        let (value, destination) = match definition {
            Definition::Runtime(runtime) => (0, Some(runtime_destination(runtime))),
            Definition::Absolute(address) => (address, None),
            Definition::Undefined | Definition::Null | Definition::Indirect => (0, None),
            Definition::Section(..) | Definition::GotBase | Definition::Shim(..) => {
                let Some(address) = self.layout.address(definition, self.needs) else { return };
                (address.offset, Some(address.memory as u8))
            }
        };
        let bit = u64::from(thumb && destination.is_some_and(|to| to <= Memory::Bss as u8));
        self.write_word(at, value.wrapping_add(addend as u64) | bit);
        if let Some(destination) = destination {
            let Address { memory, offset } = at;
            self.image.relocations.push(LoadRelocation { memory, offset, destination });
        }
    }

    fn pieces(&mut self) {
        let layout = self.layout;
        for placed in &layout.placed {
            match placed.piece {
                Piece::Section(id) => self.section(id, placed.address),
                Piece::Veneer(number) => {
                    if let Some(definition) = self.needs.veneers.get(number as usize) {
                        self.veneer(placed.address.offset, *definition);
                    }
                }
                Piece::Shim(number) => self.shim(placed.address.offset, number),
                Piece::Starter => self.starter(placed.address.offset),
                Piece::Got | Piece::Literals | Piece::Thunks(_) => {}
            }
        }
    }

    fn section(&mut self, id: SectionId, address: Address) {
        let program = self.program;
        let Some(section) = program.section(id) else { return };
        self.write(address, section.header.data);
        let highs = self.high_values(section, address);
        self.minuend = None;
        for relocation in section.header.relocations.iter() {
            let Some(kind) = self.isa.kind(relocation.kind) else { continue };
            let is_refused = !self.needs.refused.is_empty()
                && self.needs.refused.contains(&(id, relocation.offset));
            if kind.usage == Usage::Nothing || is_refused {
                continue;
            }
            let Some(target) = program.target(section.unit, relocation.symbol) else { continue };
            if kind.usage == Usage::AbsoluteHigh {
                let site = Site { section, base: address, relocation, kind, target, paired: None };
                if let Err(failure) = self.absolute_high(id, &site) {
                    self.report(id, &site, failure);
                }
                continue;
            }
            let paired = match (kind.usage, target.definition) {
                (Usage::AbsoluteLow, definition) => {
                    self.absolute_low(id, address, &relocation, definition)
                }
                (Usage::PairedLow, Definition::Section(to, offset)) if to == id => {
                    let at = highs.binary_search_by_key(&offset, |high| high.0).ok();
                    at.and_then(|at| highs.get(at)).map(|high| high.1)
                }
                _ => None,
            };
            let site = Site { section, base: address, relocation, kind, target, paired };
            if let Err(failure) = self.relocation(&site) {
                self.report(id, &site, failure);
            }
        }
    }

    /// The values of a section's high parts by the offset of their instruction, for the low parts to look up.
    fn high_values(&self, section: &Section<'_>, base: Address) -> Vec<(u64, i64)> {
        let mut values = Vec::new();
        if self.isa.high.is_empty() {
            return values;
        }
        for relocation in section.header.relocations.iter() {
            if !self.isa.high.contains(&relocation.kind) {
                continue;
            }
            let Some(kind) = self.isa.kind(relocation.kind) else { continue };
            let Some(target) = self.program.target(section.unit, relocation.symbol) else {
                continue;
            };
            let place = base.offset.wrapping_add(relocation.offset);
            let symbol = match kind.usage {
                Usage::GotSlot => self.slot(&target),
                _ => match self.layout.address(target.definition, self.needs) {
                    Some(address) => address.offset,
                    None => self.outside(place, kind, &target),
                },
            };
            let addend = relocation.addend.unwrap_or(0);
            let value = (symbol as i64).wrapping_add(addend).wrapping_sub(place as i64);
            values.push((relocation.offset, value));
        }
        if !values.is_sorted_by_key(|value| value.0) {
            values.sort_by_key(|value| value.0);
        }
        values
    }

    fn relocation(&mut self, site: &Site<'_, '_>) -> Result<(), Failure> {
        self.relocation_as(site, None)
    }

    fn relocation_as(
        &mut self,
        site: &Site<'_, '_>,
        thunk: Option<HighForm>,
    ) -> Result<(), Failure> {
        let Site { section, base, relocation, kind, target, paired } = *site;
        if kind.usage == Usage::Word {
            return self.word(base, &relocation, &target);
        }
        let place = base.offset.wrapping_add(relocation.offset);
        let symbol = match self.layout.address(target.definition, self.needs) {
            Some(address) => {
                if needs_same_memory(kind.usage) && address.memory != base.memory {
                    let why = "the symbol is loaded into other memory than the place";
                    return Err(Failure::Finding(&code::CROSS_MEMORY, why.into()));
                }
                address.offset
            }
            None => self.outside(place, kind, &target),
        };
        let skips_table = relax::skips_table(
            self.program,
            self.isa,
            section,
            &relocation,
            kind,
            &target,
            self.options,
        );
        let slot = match kind.usage {
            Usage::GotSlot if !skips_table => self.slot(&target),
            _ => 0,
        };
        let literal = match kind.usage {
            Usage::Slot => self.literal(&relocation, &target)?,
            _ => None,
        };
        // A veneer is code, whatever the symbol behind it says of itself.
        let is_function =
            target.is_function || self.needs.veneer_numbers.contains_key(&target.definition);
        let is_thumb = self.program.is_thumb && is_function;
        let is_compat = self.options.compat.is_some();
        let (got, apply, minuend) = (self.layout.got as i64, self.isa.apply, self.minuend);
        let (start, size) = (base.offset as usize, section.header.size as usize);
        let bytes = self.memory(base.memory).get_mut(start..start + size);
        let mut patch = Patch {
            bytes: bytes.ok_or(Trouble::Outside)?,
            offset: usize::try_from(relocation.offset).unwrap_or(usize::MAX),
            place: place as i64,
            symbol: symbol as i64,
            is_thumb,
            addend: relocation.addend,
            slot: slot as i64,
            skips_table,
            got,
            paired,
            minuend,
            literal,
            thunk,
            is_compat,
        };
        let result = apply(kind.number, &mut patch);
        self.minuend = patch.minuend;
        Ok(result?)
    }

    /// Where the literal is that an instruction names, if it names one in the pool.
    fn literal(&self, relocation: &Relocation, target: &Target) -> Result<Option<i64>, Failure> {
        let Definition::Section(id, value) = target.definition else { return Ok(None) };
        if self.program.section(id).is_none_or(|section| section.role != Role::Literal) {
            return Ok(None);
        }
        let offset = value.wrapping_add(relocation.addend.unwrap_or(0) as u64);
        let address = match self.needs.literals.find(id, offset) {
            Some(Literal::Address(number)) => {
                self.image.slot_positions.get(number as usize).copied()
            }
            Some(Literal::Value(number)) => {
                Some(self.layout.literals + u64::from(number) * self.word)
            }
            None => None,
        };
        match address {
            Some(address) => Ok(Some(address as i64)),
            None => Err(Failure::Finding(&code::MALFORMED, "there is no such literal".into())),
        }
    }

    fn slot(&self, target: &Target) -> u64 {
        let by_name = self.options.compat.is_some();
        let number = self.needs.slots.find(self.program, target, by_name);
        number
            .and_then(|number| self.image.slot_positions.get(number as usize))
            .copied()
            .unwrap_or(0)
    }

    /// The address to use for a symbol outside the module: its veneer, or for a call of nothing the next instruction.
    fn outside(&self, place: u64, kind: &Kind, target: &Target) -> u64 {
        let veneer = self.needs.veneer_numbers.get(&target.definition);
        if let Some(offset) = veneer.and_then(|number| self.layout.veneers.get(*number as usize)) {
            return *offset;
        }
        match (target.definition, kind.usage) {
            (Definition::Null, Usage::Branch(length)) => place.wrapping_add(length.into()),
            (Definition::Absolute(address), _) => address,
            _ => 0,
        }
    }

    /// A whole address in a word of data.
    fn word(
        &mut self,
        base: Address,
        relocation: &Relocation,
        target: &Target,
    ) -> Result<(), Failure> {
        let offset = base.offset.wrapping_add(relocation.offset);
        let word = self.word as usize;
        let size = self.memory(base.memory).len() as u64;
        if offset.checked_add(self.word).is_none_or(|end| end > size) {
            return Err(Trouble::Outside.into());
        }
        let is_adjusted = !matches!(target.definition, Definition::Absolute(_) | Definition::Null);
        if !offset.is_multiple_of(self.word) && is_adjusted {
            let why = format!("the word is at {offset:#x}, which is not a multiple of {word}");
            return Err(Failure::Finding(&code::UNALIGNED_WORD, why));
        }
        let stored = |bytes: &[u8]| match word {
            4 => bytes.first_chunk::<4>().map_or(0, |word| i64::from(i32::from_le_bytes(*word))),
            _ => bytes.first_chunk::<8>().map_or(0, |word| i64::from_le_bytes(*word)),
        };
        let has_stored = relocation.addend.is_none() || self.isa.has_stored_addends;
        let mut addend = relocation.addend.unwrap_or(0);
        if has_stored {
            let tail = self.memory(base.memory).get(offset as usize..).unwrap_or(&[]);
            addend = addend.wrapping_add(stored(tail));
        }
        let is_thumb = self.program.is_thumb && target.is_function;
        let at = Address { memory: base.memory, offset };
        self.store_address(at, target.definition, is_thumb, addend);
        Ok(())
    }

    fn report(&mut self, id: SectionId, site: &Site<'_, '_>, failure: Failure) {
        let symbol = self.program.symbol_name(site.section.unit, site.relocation.symbol);
        let (code, why) = match failure {
            Failure::Finding(code, why) => (code, why),
            Failure::Trouble(trouble) => explain(trouble),
        };
        let message = format!("`{}` to `{symbol}`: {why}", site.kind.name);
        let mut finding = Diagnostic::error(code, message);
        finding.place = self.program.place(id, Some(site.relocation.offset));
        finding.hint = hint::of(code, self.options).map(str::to_string);
        self.findings.push(finding);
    }
}

/// One relocation with all that is known of it before it is performed.
struct Site<'s, 'a> {
    section: &'s Section<'a>,
    base: Address,
    relocation: Relocation,
    kind: &'static Kind,
    target: Target,
    paired: Option<i64>,
}

fn needs_same_memory(usage: Usage) -> bool {
    matches!(usage, Usage::Relative | Usage::Branch(_) | Usage::GotRelative)
}

fn runtime_destination(runtime: Runtime) -> u8 {
    match runtime {
        Runtime::FunTable => format::RELOC_FUN_TABLE,
        Runtime::FunTableEntry(index) => format::RELOC_FUN_TABLE_ENTRY + index,
        Runtime::QstrTable => format::RELOC_QSTR_TABLE,
        Runtime::ObjTable => format::RELOC_OBJ_TABLE,
    }
}

fn explain(trouble: Trouble) -> (&'static Code, String) {
    match trouble {
        Trouble::Outside => (&code::MALFORMED, "the place is outside the section".into()),
        Trouble::Range { value, min, max } => {
            (&code::OUT_OF_RANGE, format!("the distance {value} is not within {min}..={max}"))
        }
        Trouble::Misaligned { value, unit } => {
            (&code::MISALIGNED, format!("the distance {value} is not a multiple of {unit}"))
        }
        Trouble::Instruction(wanted) => (&code::BAD_INSTRUCTION, format!("no {wanted} there")),
        Trouble::Compat => (
            &code::COMPAT_REFUSED,
            "MicroPython's linker leaves a branch between sections as it is".into(),
        ),
        Trouble::Unpaired => (&code::UNPAIRED, "the high part of the address was not found".into()),
        Trouble::NotPositionIndependent => {
            (&code::NOT_POSITION_INDEPENDENT, "the instruction holds an absolute address".into())
        }
    }
}
