//! Gives everything that stays an address.
//!
//! A module has up to three memories: the code blob, a blob of read-only data where the architecture keeps it apart,
//! and zeroed memory that the loader allocates. The code blob holds, in order:
//!
//! | part | normally | compatibility mode |
//! |---|---|---|
//! | entry jump, constructors' calls | if needed | always, fixed size before 1.28 |
//! | literals (Xtensa) | addresses, then values | the same |
//! | code | `mpy_init`'s section, then input order | input order, mixed with constants |
//! | veneers and shims | if needed | none |
//! | constants, constants with addresses, variables | input order | – |
//! | global offset table | grouped by destination | the same |
//! | zeroed variables that code reaches directly | last | refused |

use anymod_model::codes::link as code;
use anymod_model::{Arch, Diagnostic};

use rustc_hash::FxHashMap;

use super::absolute::THUNK_SIZE;
use super::arch::{Isa, isa};
use super::findings::Findings;
use super::options::{Compat, Options};
use super::program::{Definition, Program, Role, SectionId};
use super::resolve::ENTRY;
use super::scan::Needs;
use super::{compat, shim};

/// One of a module's memories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Memory {
    /// The code blob.
    Text = 0,
    /// The blob of read-only data.
    Rodata = 1,
    /// Zeroed memory.
    Bss = 2,
}

/// A place in the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// Which memory.
    pub(crate) memory: Memory,
    /// Offset in it.
    pub(crate) offset: u64,
}

/// A part of the module that gets an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// An input section.
    Section(SectionId),
    /// Calls of the constructors.
    Starter,
    /// The thunks behind a section with absolute addresses.
    Thunks(SectionId),
    /// The veneer of this number in `Needs::veneers`.
    Veneer(u32),
    /// The shim of this number in `Needs::shims`.
    Shim(u32),
    /// The global offset table; on Xtensa the literals that are addresses.
    Got,
    /// Xtensa: the literals that are plain values.
    Literals,
}

/// A piece with its address and size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed {
    /// What.
    pub(crate) piece: Piece,
    /// Where.
    pub(crate) address: Address,
    /// Size in bytes.
    pub(crate) size: u64,
}

/// Where everything is.
#[derive(Debug)]
pub(crate) struct Layout {
    /// Pieces in order of address within each memory.
    pub(crate) placed: Vec<Placed>,
    /// Address of each section by id; `None` if it is not in the module.
    pub(crate) sections: Vec<Option<Address>>,
    /// Offset in the code of each section's thunks.
    pub(crate) thunks: FxHashMap<SectionId, u64>,
    /// Offset in the code of each veneer.
    pub(crate) veneers: Vec<u64>,
    /// Offset in the code of each shim.
    pub(crate) shims: Vec<u64>,
    /// Offset in the code of the global offset table.
    pub(crate) got: u64,
    /// Offset in the code of the plain literals.
    pub(crate) literals: u64,
    /// Offset in the code of the constructors' calls.
    pub(crate) starter: u64,
    /// Sizes of the three memories.
    pub(crate) sizes: [u64; 3],
    /// The entry jump; empty if the module starts with the code itself.
    pub(crate) jump: Vec<u8>,
}

/// The most bytes that a memory may have: far more than any runtime's heap, far less than hurts.
const LIMIT: u64 = 64 << 20;

/// The alignment that loaders give a memory, in bytes: heap blocks of four words, and pages for code on x86.
fn promised_alignment(memory: Memory, options: &Options) -> u64 {
    match (memory, options.arch) {
        (Memory::Text, Arch::X86 | Arch::X64) => 4096,
        _ => 4 * u64::from(options.arch.info().word_size),
    }
}

/// Warns of sections that need more alignment than a loader gives.
pub(crate) fn check_alignment(
    program: &Program<'_>,
    layout: &Layout,
    options: &Options,
    findings: &mut Findings,
) {
    for placed in &layout.placed {
        let Piece::Section(id) = placed.piece else { continue };
        let Some(section) = program.section(id) else { continue };
        let promised = promised_alignment(placed.address.memory, options);
        if section.header.align > promised && placed.size > 0 {
            let message = format!(
                "section is aligned to {} bytes, but loaders promise only {promised}",
                section.header.align
            );
            let mut finding = Diagnostic::warning(&code::ALIGNMENT, message)
                .hint("lower the alignment of the variable in it");
            finding.place = program.place(id, None);
            findings.push(finding);
        }
    }
}

/// What the entry jump must reach.
#[derive(Clone, Copy, Debug)]
enum Goal {
    Starter,
    Section(SectionId, u64),
}

/// Lays the module out.
pub(crate) fn place(
    program: &Program<'_>,
    live: &[bool],
    needs: &Needs,
    constructors: usize,
    options: &Options,
    findings: &mut Findings,
) -> Option<Layout> {
    let isa = isa(options.arch);
    let (entry, value) = entry_section(program, findings)?;
    let goal = match constructors {
        0 => Goal::Section(entry, value),
        _ => Goal::Starter,
    };
    let pieces = match options.compat {
        Some(_) => compatible_order(program, live, isa),
        None => order(program, live, needs, entry, constructors, options),
    };
    if options.compat.is_some_and(|compat| compat >= Compat::V1_28)
        && let Some(why) = compat::entry(program, &pieces, entry)
    {
        let mut finding = Diagnostic::error(&code::COMPAT_REFUSED, why);
        finding.place = program.place(entry, None);
        findings.push(finding.hint("link without `--compat`"));
        return None;
    }
    let builder = Builder { program, needs, constructors, isa, options };
    let is_fixed = options.compat.is_some_and(|compat| compat < Compat::V1_28);
    let align = match options.compat {
        Some(_) => program.section(entry).map_or(1, |section| section.header.align),
        None => 1,
    };
    if is_fixed {
        let mut layout = builder.assign(&pieces, isa.compat_jump.size, findings)?;
        layout.jump = (isa.compat_jump.encode)(layout.entry(goal)?)?;
        return Some(layout);
    }
    let layout = builder.assign(&pieces, 0, findings)?;
    if layout.entry(goal)? == 0 {
        return Some(layout);
    }
    for jump in isa.jumps {
        let size = jump.size.next_multiple_of(align);
        let mut layout = builder.assign(&pieces, size, findings)?;
        if let Some(bytes) = (jump.encode)(layout.entry(goal)?) {
            layout.jump = bytes;
            return Some(layout);
        }
    }
    findings
        .push(Diagnostic::error(&code::OUT_OF_RANGE, "the entry jump does not reach `mpy_init`"));
    None
}

fn entry_section(program: &Program<'_>, findings: &mut Findings) -> Option<(SectionId, u64)> {
    let definition =
        program.global(ENTRY).map_or(Definition::Undefined, |global| global.definition);
    match definition {
        Definition::Section(id, value)
            if program.section(id).is_some_and(|section| section.role == Role::Text) =>
        {
            Some((id, value))
        }
        Definition::Undefined | Definition::Null => {
            let message = "no input defines `mpy_init`";
            findings.push(
                Diagnostic::error(&code::NO_ENTRY, message)
                    .hint("define `mp_obj_t mpy_init(…)`; in C++ declare it `extern \"C\"`"),
            );
            None
        }
        _ => {
            let message = "`mpy_init` is not a function of the module";
            findings.push(Diagnostic::error(&code::ENTRY_NOT_CODE, message));
            None
        }
    }
}

fn compatible_order(program: &Program<'_>, live: &[bool], isa: &Isa) -> Vec<Piece> {
    let mut pieces = Vec::new();
    if isa.has_literals {
        pieces.extend([Piece::Got, Piece::Literals]);
    }
    let loaded =
        program.ids().zip(live).filter(|((_, section), live)| **live && section.role.is_loaded());
    pieces.extend(loaded.map(|((id, _), _)| Piece::Section(id)));
    if !isa.has_literals {
        pieces.push(Piece::Got);
    }
    pieces
}

fn order(
    program: &Program<'_>,
    live: &[bool],
    needs: &Needs,
    entry: SectionId,
    constructors: usize,
    options: &Options,
) -> Vec<Piece> {
    let isa = isa(options.arch);
    let mut pieces = Vec::new();
    let mut later: [Vec<Piece>; 5] = Default::default();
    let [rodata, relocated, data, bss_in_text, bss] = &mut later;
    if constructors > 0 {
        pieces.push(Piece::Starter);
    }
    if isa.has_literals {
        pieces.extend([Piece::Got, Piece::Literals]);
    }
    pieces.push(Piece::Section(entry));
    pieces.extend(needs.thunks(entry));
    for ((id, section), live) in program.ids().zip(live) {
        let piece = Piece::Section(id);
        match section.role {
            _ if !live || id == entry => {}
            Role::Text => {
                pieces.push(piece);
                pieces.extend(needs.thunks(id));
            }
            Role::Rodata => rodata.push(piece),
            Role::RelocatedRodata => relocated.push(piece),
            Role::Data => data.push(piece),
            Role::Bss if needs.in_text.contains(&id) => bss_in_text.push(piece),
            Role::Bss => bss.push(piece),
            _ => {}
        }
    }
    pieces.extend((0..needs.veneers.len() as u32).map(Piece::Veneer));
    pieces.extend((0..needs.shims.len() as u32).map(Piece::Shim));
    let [rodata, relocated, data, bss_in_text, bss] = later;
    pieces.extend(rodata.into_iter().chain(relocated).chain(data));
    if !isa.has_literals {
        pieces.push(Piece::Got);
    }
    pieces.extend(bss_in_text.into_iter().chain(bss));
    pieces
}

struct Builder<'b, 'a> {
    program: &'b Program<'a>,
    needs: &'b Needs,
    constructors: usize,
    isa: &'static Isa,
    options: &'b Options,
}

impl Builder<'_, '_> {
    fn assign(&self, pieces: &[Piece], jump: u64, findings: &mut Findings) -> Option<Layout> {
        let mut layout = Layout {
            placed: Vec::with_capacity(pieces.len()),
            sections: vec![None; self.program.sections.len()],
            thunks: FxHashMap::default(),
            veneers: Vec::new(),
            shims: Vec::new(),
            got: 0,
            literals: 0,
            starter: 0,
            sizes: [jump, 0, 0],
            jump: Vec::new(),
        };
        for &piece in pieces {
            let (memory, size, align) = self.shape(piece)?;
            let end = layout.sizes.get_mut(memory as usize)?;
            let offset = end.checked_next_multiple_of(align)?;
            // MicroPython's linker aligns for its tables even if they are empty.
            if size > 0 || self.options.compat.is_some() {
                *end = offset.checked_add(size)?;
            }
            if *end > LIMIT {
                let place = match piece {
                    Piece::Section(id) => self.program.place(id, None),
                    _ => None,
                };
                let message = format!("the module grows past {} MiB", LIMIT >> 20);
                let mut finding = Diagnostic::error(&code::TOO_LARGE, message);
                finding.place = place;
                findings.push(finding);
                return None;
            }
            layout.record(Placed { piece, address: Address { memory, offset }, size });
        }
        Some(layout)
    }

    /// Memory, size and alignment of a piece.
    fn shape(&self, piece: Piece) -> Option<(Memory, u64, u64)> {
        let word = u64::from(self.options.arch.info().word_size);
        Some(match piece {
            Piece::Section(id) => {
                let header = &self.program.section(id)?.header;
                (self.memory(id)?, header.size, header.align)
            }
            Piece::Got => (Memory::Text, self.needs.slots.list.len() as u64 * word, word),
            Piece::Literals => (Memory::Text, self.needs.literals.values.len() as u64 * word, word),
            Piece::Thunks(id) => {
                let count = self.needs.absolute.get(&id).map_or(0, |plan| plan.thunks);
                (Memory::Text, u64::from(count) * THUNK_SIZE, 4)
            }
            Piece::Veneer(_) => {
                let veneer = self.isa.veneer.as_ref()?;
                (Memory::Text, veneer.code.len() as u64 + word, veneer.align)
            }
            Piece::Shim(number) => {
                let shim = shim::get(*self.needs.shims.get(number as usize)?)?;
                (Memory::Text, shim.size(self.isa, word), 8)
            }
            Piece::Starter => {
                let starter = self.isa.starter.as_ref()?;
                let fixed = starter.open.len() + starter.close.len() + starter.tail.len();
                let calls = self.constructors as u64 + 1;
                (Memory::Text, fixed as u64 + calls * starter.call_size, 4)
            }
        })
    }

    fn memory(&self, id: SectionId) -> Option<Memory> {
        let is_apart = self.options.arch.info().separate_rodata;
        Some(match self.program.section(id)?.role {
            Role::Bss if !self.needs.in_text.contains(&id) => Memory::Bss,
            Role::Rodata | Role::RelocatedRodata | Role::Data if is_apart => Memory::Rodata,
            _ => Memory::Text,
        })
    }
}

impl Layout {
    fn record(&mut self, placed: Placed) {
        let offset = placed.address.offset;
        match placed.piece {
            Piece::Section(id) => {
                if let Some(slot) = self.sections.get_mut(id.index()) {
                    *slot = Some(placed.address);
                }
            }
            Piece::Thunks(id) => {
                self.thunks.insert(id, offset);
            }
            Piece::Got => self.got = offset,
            Piece::Literals => self.literals = offset,
            Piece::Veneer(_) => self.veneers.push(offset),
            Piece::Shim(_) => self.shims.push(offset),
            Piece::Starter => self.starter = offset,
        }
        self.placed.push(placed);
    }

    fn entry(&self, goal: Goal) -> Option<u64> {
        match goal {
            Goal::Starter => Some(self.starter),
            Goal::Section(id, value) => self.section(id)?.offset.checked_add(value),
        }
    }

    /// Address of a section.
    pub(crate) fn section(&self, id: SectionId) -> Option<Address> {
        *self.sections.get(id.index())?
    }

    /// Where a symbol is; `None` if it is not in the module.
    pub(crate) fn address(&self, definition: Definition, needs: &Needs) -> Option<Address> {
        let text = |offset| Some(Address { memory: Memory::Text, offset });
        match definition {
            Definition::Section(id, value) => {
                let base = self.section(id)?;
                Some(Address { memory: base.memory, offset: base.offset.wrapping_add(value) })
            }
            Definition::GotBase => text(self.got),
            Definition::Shim(number, inside) => {
                let at = needs.shims.iter().position(|used| *used == number)?;
                text(self.shims.get(at)? + u64::from(inside))
            }
            _ => None,
        }
    }
}
