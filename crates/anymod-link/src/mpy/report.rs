//! What a caller learns of a finished link besides the module: sizes, and what was left out.

use super::layout::{Layout, Memory, Piece};
use super::options::{Discarded, Options, Sizes};
use super::program::{Program, Role};
use super::scan::Needs;

/// Sizes by kind.
pub(crate) fn sizes(
    program: &Program<'_>,
    needs: &Needs,
    layout: &Layout,
    relocations: u64,
    options: &Options,
) -> Sizes {
    let [text, rodata, bss] = layout.sizes;
    let mut sizes = Sizes { text, rodata, bss, relocations, ..Sizes::default() };
    sizes.synthetic = layout.jump.len() as u64;
    for placed in &layout.placed {
        let total = match placed.piece {
            Piece::Section(id) => match program.section(id).map(|section| section.role) {
                Some(Role::Data) => &mut sizes.data,
                Some(Role::Bss) if needs.in_text.contains(&id) => &mut sizes.bss_in_text,
                Some(Role::Rodata | Role::RelocatedRodata)
                    if placed.address.memory == Memory::Text =>
                {
                    &mut sizes.rodata
                }
                _ => continue,
            },
            Piece::Got => &mut sizes.got,
            Piece::Literals => &mut sizes.literals,
            Piece::Starter | Piece::Thunks(_) | Piece::Veneer(_) | Piece::Shim(_) => {
                &mut sizes.synthetic
            }
        };
        *total += placed.size;
    }
    debug_assert!(options.arch.info().separate_rodata || layout.sizes.get(1) == Some(&0));
    sizes
}

/// Loadable sections that are not in the module.
pub(crate) fn discarded(program: &Program<'_>, live: &[bool]) -> Vec<Discarded> {
    let dead = program.ids().zip(live).filter(|((_, section), live)| {
        !**live && section.role.is_loaded() && section.header.size > 0
    });
    dead.filter_map(|((_, section), _)| {
        let origin = &program.units.get(section.unit as usize)?.origin;
        Some(Discarded {
            file: origin.file.to_string(),
            member: origin.member.map(str::to_string),
            section: section.header.name.to_string(),
            size: section.header.size,
        })
    })
    .collect()
}
