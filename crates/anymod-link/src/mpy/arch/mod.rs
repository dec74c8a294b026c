//! Instruction sets: what a linker must know of each, as tables.
//!
//! One file per instruction set, each opening with how its compilers address code and data and what its relocations
//! mean. A file owns relocation tables, instruction encodings and the little code that the linker makes itself; it
//! never sees an object, a symbol table or a section, only one place to patch at a time.

pub(crate) mod arm;
pub(crate) mod patch;
pub(crate) mod riscv;
pub(crate) mod riscv_flow;
pub(crate) mod x64;
pub(crate) mod x86;
pub(crate) mod xtensa;

use anymod_model::Arch;

use patch::{Patch, Trouble};

/// How a relocation uses its symbol; decides what the linker must prepare before anything has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usage {
    /// Nothing: a hint or a marker.
    Nothing,
    /// A whole address in a word of data, which the loader adjusts.
    Word,
    /// A distance from the place: the symbol must be in the same memory.
    Relative,
    /// A distance from the place in a branch, of an instruction this many bytes long; may go through a veneer.
    Branch(u8),
    /// A slot of the global offset table that holds the symbol's address.
    GotSlot,
    /// The global offset table itself; the symbol does not matter.
    GotBase,
    /// A distance from the global offset table: the symbol must be in the code's memory.
    GotRelative,
    /// A piece of an absolute address in an instruction, which no loader can adjust.
    AbsolutePiece,
    /// The high part of an absolute address, which can be made relative to the place (RISC-V `lui`).
    AbsoluteHigh,
    /// The low part to an [`Usage::AbsoluteHigh`].
    AbsoluteLow,
    /// One term of a difference between two symbols of the same memory.
    Term,
    /// The low part of a distance whose high part is at the symbol (RISC-V `%pcrel_lo`).
    PairedLow,
    /// A literal or a branch, told apart by the instruction (Xtensa slot 0).
    Slot,
    /// Thread-local storage.
    ThreadLocal,
}

/// A relocation type.
#[derive(Debug)]
pub(crate) struct Kind {
    /// Number in the psABI.
    pub(crate) number: u32,
    /// Name in the psABI.
    pub(crate) name: &'static str,
    /// How it uses its symbol.
    pub(crate) usage: Usage,
}

/// A row of a relocation table.
pub(crate) const fn kind(number: u32, name: &'static str, usage: Usage) -> Kind {
    Kind { number, name, usage }
}

/// A jump from offset 0 of the code.
#[derive(Debug)]
pub(crate) struct Jump {
    /// Size in bytes.
    pub(crate) size: u64,
    /// Its bytes for a target address, or `None` if it does not reach.
    pub(crate) encode: fn(u64) -> Option<Vec<u8>>,
}

/// Code that jumps to the address in a word that the loader fills in; the word follows the code.
#[derive(Debug)]
pub(crate) struct Veneer {
    /// The code, padded to the word's alignment.
    pub(crate) code: &'static [u8],
    /// Alignment of the whole.
    pub(crate) align: u64,
}

/// Encodes a transfer of control from an address to an address; `None` if it does not reach.
pub(crate) type Transfer = fn(u64, u64) -> Option<Vec<u8>>;

/// How the linker runs constructors before `mpy_init`: `open`, a call of each, `close`, then a jump or call to
/// `mpy_init`, `tail`.
#[derive(Debug)]
pub(crate) struct Starter {
    /// Saves the arguments.
    pub(crate) open: &'static [u8],
    /// Restores them.
    pub(crate) close: &'static [u8],
    /// Follows the last call.
    pub(crate) tail: &'static [u8],
    /// Size of a call.
    pub(crate) call_size: u64,
    /// A call from an address to an address.
    pub(crate) call: Transfer,
    /// The last transfer of control, to `mpy_init`; as long as a call.
    pub(crate) enter: Transfer,
}

/// An instruction set.
#[derive(Debug)]
pub(crate) struct Isa {
    /// Its relocations, sorted by number.
    pub(crate) relocations: &'static [Kind],
    /// Performs a relocation.
    pub(crate) apply: fn(u32, &mut Patch<'_>) -> Result<(), Trouble>,
    /// True if the instruction before a GOT slot's relocation, at an offset in some code, can name a symbol of the
    /// module directly instead.
    pub(crate) skips_table: fn(u32, &[u8], usize) -> bool,
    /// Relocations for which MicroPython's linker makes a GOT slot when the symbol is global.
    pub(crate) compat_got: &'static [u32],
    /// The entry jump of MicroPython's linker before 1.28: always the same size.
    pub(crate) compat_jump: Jump,
    /// Entry jumps, the shortest first.
    pub(crate) jumps: &'static [Jump],
    /// Jump to an address that only the loader knows.
    pub(crate) veneer: Option<Veneer>,
    /// Constructors' calls.
    pub(crate) starter: Option<Starter>,
    /// Relocations that are the high part for others that name their place (RISC-V), sorted.
    pub(crate) high: &'static [u32],
    /// Addresses are loaded from literals in front of the code (Xtensa).
    pub(crate) has_literals: bool,
    /// Words hold an addend besides the explicit one (Xtensa).
    pub(crate) has_stored_addends: bool,
}

impl Isa {
    /// The table's row for a relocation.
    pub(crate) fn kind(&self, number: u32) -> Option<&'static Kind> {
        let at = self.relocations.binary_search_by_key(&number, |kind| kind.number).ok()?;
        self.relocations.get(at)
    }
}

/// The instruction set of an architecture.
pub(crate) fn isa(arch: Arch) -> &'static Isa {
    match arch {
        Arch::X86 => &x86::ISA,
        Arch::X64 => &x64::ISA,
        Arch::Armv6m => &arm::THUMB1,
        Arch::Armv7m | Arch::Armv7emsp | Arch::Armv7emdp => &arm::THUMB2,
        Arch::Xtensa => &xtensa::CALL0,
        Arch::Xtensawin => &xtensa::WINDOWED,
        Arch::Rv32imc => &riscv::RV32,
        Arch::Rv64imc => &riscv::RV64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anymod_model::arch::ARCHES;

    #[test]
    fn relocation_tables_are_sorted_and_unique() {
        for row in &ARCHES {
            let numbers: Vec<u32> =
                isa(row.arch).relocations.iter().map(|kind| kind.number).collect();
            assert!(numbers.is_sorted_by(|a, b| a < b), "{}", row.name);
        }
    }

    #[test]
    fn jumps_have_the_size_they_promise() {
        for row in &ARCHES {
            let isa = isa(row.arch);
            for jump in isa.jumps.iter().chain([&isa.compat_jump]) {
                let bytes = (jump.encode)(64).unwrap();
                assert_eq!(bytes.len() as u64, jump.size, "{}", row.name);
            }
        }
    }
}
