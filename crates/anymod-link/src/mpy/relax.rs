//! Which references to the global offset table can name their symbol directly, so that it needs no slot.
//!
//! Decided from what is known before layout, so that scanning and relocating agree: the symbol is in a section that
//! always ends up in the code's memory, and the instruction has a form without the table.

use super::arch::{Isa, Kind, Usage};
use super::options::Options;
use super::program::{Definition, Program, Role, Section, Target};
use crate::read::elf::Relocation;

/// True if the relocation needs no slot.
pub(crate) fn skips_table(
    program: &Program<'_>,
    isa: &Isa,
    section: &Section<'_>,
    relocation: &Relocation,
    kind: &Kind,
    target: &Target,
    options: &Options,
) -> bool {
    let Definition::Section(id, _) = target.definition else { return false };
    let is_in_text = program.section(id).is_some_and(|section| match section.role {
        Role::Text => true,
        Role::Rodata | Role::RelocatedRodata | Role::Data => !options.arch.info().separate_rodata,
        _ => false,
    });
    kind.usage == Usage::GotSlot
        && options.compat.is_none()
        && is_in_text
        && (isa.skips_table)(relocation.kind, section.header.data, relocation.offset as usize)
}
