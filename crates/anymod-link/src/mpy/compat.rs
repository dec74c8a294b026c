//! Where MicroPython's own linker makes a wrong module, so that reproducing its bytes would be no service.
//!
//! Each function names one defect: it says why the incumbent's result would be wrong, or nothing if it would be right.
//! What the incumbent refuses or crashes on itself is not listed; there are no bytes to reproduce.

use rustc_hash::{FxHashMap, FxHashSet};

use super::arch::xtensa::R_XTENSA_32;
use super::layout::Piece;
use super::program::{Definition, Program, Role, SectionId, Target};
use crate::read::elf::{Home, Relocation};

/// What the incumbent confuses because it knows literals by names.
#[derive(Debug, Default)]
pub(crate) struct LiteralNames {
    meanings: FxHashMap<String, (Definition, i64)>,
    units: FxHashSet<u32>,
}

impl LiteralNames {
    /// It numbers the literals of an object across sections, so only one section can be right.
    pub(crate) fn section(&mut self, unit: u32, size: u64) -> Option<&'static str> {
        (size > 0 && !self.units.insert(unit))
            .then_some("MicroPython's linker mixes up the literals of an object's several sections")
    }

    /// It shares literals by the name of their symbol or section, whichever object that is in.
    pub(crate) fn literal(
        &mut self,
        program: &Program<'_>,
        unit: u32,
        relocation: &Relocation,
        target: &Target,
        stored: i64,
    ) -> Option<&'static str> {
        let addend = relocation.addend.unwrap_or(0);
        let symbol = program.units.get(unit as usize)?.symbols.get(relocation.symbol)?;
        let is_section = symbol.kind == object::elf::STT_SECTION.0;
        if !is_section && addend != 0 {
            return Some("MicroPython's linker loses the addend of a literal");
        }
        let mut name = program.symbol_name(unit, relocation.symbol);
        if is_section {
            name = format!("{name}+{stored:#x}");
        }
        let meaning = (target.definition, stored.wrapping_add(addend));
        (*self.meanings.entry(name).or_insert(meaning) != meaning).then_some(
            "MicroPython's linker mixes up literals of the same name in different objects",
        )
    }
}

/// Since 1.28 it jumps to the offset of `mpy_init` in its own section, as if that section were the first.
pub(crate) fn entry(
    program: &Program<'_>,
    pieces: &[Piece],
    entry: SectionId,
) -> Option<&'static str> {
    let is_code =
        |id: &SectionId| program.section(*id).is_some_and(|section| section.role == Role::Text);
    let mut sections = pieces.iter().filter_map(|piece| match piece {
        Piece::Section(id) => Some(*id),
        _ => None,
    });
    (sections.find(is_code) != Some(entry)).then_some(
        "MicroPython's linker jumps to a wrong place if `mpy_init` is not in the first section of code",
    )
}

/// It takes an address of Xtensa code or data that stands in code or constants for a distance.
pub(crate) fn xtensa_word(
    program: &Program<'_>,
    id: SectionId,
    relocation: &Relocation,
) -> Option<&'static str> {
    let section = program.section(id)?;
    let symbol = program.units.get(section.unit as usize)?.symbols.get(relocation.symbol)?;
    let is_plain = matches!(section.role, Role::Text | Role::Rodata);
    let is_local = symbol.is_local() && matches!(symbol.home, Home::Section(_));
    (is_plain && is_local && relocation.kind == R_XTENSA_32)
        .then_some("MicroPython's linker takes the address for a distance")
}
