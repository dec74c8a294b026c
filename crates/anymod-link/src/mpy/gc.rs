//! Which sections stay: those that `mpy_init` reaches, directly or through others.

use object::elf as constants;

use super::options::Options;
use super::program::{Definition, Program, Role, SectionId};
use super::resolve::ENTRY;

/// For each section of the program whether it stays.
pub(crate) fn live(program: &Program<'_>, options: &Options) -> Vec<bool> {
    let is_kept_whole = options.compat.is_some() || !options.gc_sections;
    if is_kept_whole {
        let stays =
            |role: Role| role.is_loaded() || role == Role::Literal || role == Role::Constructors;
        return program.sections.iter().map(|section| stays(section.role)).collect();
    }
    let mut live = vec![false; program.sections.len()];
    let mut work = Vec::new();
    let mut mark = |id: SectionId, work: &mut Vec<SectionId>| {
        if let Some(flag) = live.get_mut(id.index())
            && !std::mem::replace(flag, true)
        {
            work.push(id);
        }
    };
    if let Some(Definition::Section(id, _)) = program.global(ENTRY).map(|global| global.definition)
    {
        mark(id, &mut work);
    }
    for (id, section) in program.ids() {
        // `__attribute__((retain))`, the object's own way to say KEEP.
        let is_retained = section.header.flags & SHF_GNU_RETAIN != 0 && section.role.is_loaded();
        if section.role == Role::Constructors || is_retained {
            mark(id, &mut work);
        }
    }
    while let Some(id) = work.pop() {
        let Some(section) = program.section(id) else { continue };
        for relocation in section.header.relocations.iter() {
            let target = program.target(section.unit, relocation.symbol);
            if let Some(Definition::Section(id, _)) = target.map(|target| target.definition) {
                mark(id, &mut work);
            }
        }
    }
    live
}

/// GNU extension of the gABI's section flags.
const SHF_GNU_RETAIN: u64 = constants::SHF_GNU_RETAIN.0;
