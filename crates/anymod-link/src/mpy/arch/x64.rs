//! x86-64.
//!
//! Position-independent code names everything by its distance from the next instruction: `R_X86_64_PC32` and `PLT32`
//! hold `S + A - P`, where the addend includes the 4 bytes of the field itself (and of any immediate behind it).
//! Symbols that may live outside the module are read through a slot of the global offset table, itself found by its
//! distance (`GOTPCREL`, and `GOTPCRELX`/`REX_GOTPCRELX` where the instruction may be rewritten to skip the table).
//! Calls through a procedure linkage table are plain calls here: everything is in one image. Absolute 32-bit fields
//! cannot be relocated.
//!
//! Names and numbers: x86-64 psABI 1.0, table 4.9.

use super::patch::{Patch, Trouble, signed};
use super::x86::{JUMPS, NEAR_JUMP};
use super::{Isa, Kind, Starter, Usage, Veneer, kind};

/// x86-64.
pub(crate) static ISA: Isa = Isa {
    relocations: &RELOCATIONS,
    apply,
    skips_table,
    compat_got: &[R_X86_64_GOTPCREL, R_X86_64_REX_GOTPCRELX],
    compat_jump: NEAR_JUMP,
    jumps: &JUMPS,
    veneer: Some(Veneer {
        code: &[
            0xff, 0x25, 0x02, 0x00, 0x00, 0x00, // jmp *2(%rip)
            0x0f, 0x0b, // ud2: padding that is never reached
        ],
        align: 8,
    }),
    starter: Some(Starter {
        open: &[
            0x57, // push %rdi
            0x56, // push %rsi
            0x52, // push %rdx
            0x51, // push %rcx
            0x51, // push %rcx: keeps the stack aligned to 16
        ],
        close: &[
            0x59, // pop %rcx
            0x59, // pop %rcx
            0x5a, // pop %rdx
            0x5e, // pop %rsi
            0x5f, // pop %rdi
        ],
        tail: &[],
        call_size: 5,
        call: super::x86::call,
        enter: super::x86::jump,
    }),
    high: &[],
    has_literals: false,
    has_stored_addends: false,
};

const R_X86_64_64: u32 = 1;
const R_X86_64_GOTPCREL: u32 = 9;
const R_X86_64_REX_GOTPCRELX: u32 = 42;

static RELOCATIONS: [Kind; 37] = [
    kind(0, "R_X86_64_NONE", Usage::Nothing),
    kind(R_X86_64_64, "R_X86_64_64", Usage::Word),
    kind(2, "R_X86_64_PC32", Usage::Relative),
    kind(3, "R_X86_64_GOT32", Usage::GotSlot),
    kind(4, "R_X86_64_PLT32", Usage::Branch(4)),
    kind(R_X86_64_GOTPCREL, "R_X86_64_GOTPCREL", Usage::GotSlot),
    kind(10, "R_X86_64_32", Usage::AbsolutePiece),
    kind(11, "R_X86_64_32S", Usage::AbsolutePiece),
    kind(12, "R_X86_64_16", Usage::AbsolutePiece),
    kind(13, "R_X86_64_PC16", Usage::Relative),
    kind(14, "R_X86_64_8", Usage::AbsolutePiece),
    kind(15, "R_X86_64_PC8", Usage::Relative),
    kind(16, "R_X86_64_DTPMOD64", Usage::ThreadLocal),
    kind(17, "R_X86_64_DTPOFF64", Usage::ThreadLocal),
    kind(18, "R_X86_64_TPOFF64", Usage::ThreadLocal),
    kind(19, "R_X86_64_TLSGD", Usage::ThreadLocal),
    kind(20, "R_X86_64_TLSLD", Usage::ThreadLocal),
    kind(21, "R_X86_64_DTPOFF32", Usage::ThreadLocal),
    kind(22, "R_X86_64_GOTTPOFF", Usage::ThreadLocal),
    kind(23, "R_X86_64_TPOFF32", Usage::ThreadLocal),
    kind(24, "R_X86_64_PC64", Usage::Relative),
    kind(25, "R_X86_64_GOTOFF64", Usage::GotRelative),
    kind(26, "R_X86_64_GOTPC32", Usage::GotBase),
    kind(27, "R_X86_64_GOT64", Usage::GotSlot),
    kind(28, "R_X86_64_GOTPCREL64", Usage::GotSlot),
    kind(29, "R_X86_64_GOTPC64", Usage::GotBase),
    kind(30, "R_X86_64_GOTPLT64", Usage::GotSlot),
    kind(31, "R_X86_64_PLTOFF64", Usage::GotRelative),
    kind(34, "R_X86_64_GOTPC32_TLSDESC", Usage::ThreadLocal),
    kind(35, "R_X86_64_TLSDESC_CALL", Usage::ThreadLocal),
    kind(36, "R_X86_64_TLSDESC", Usage::ThreadLocal),
    kind(41, "R_X86_64_GOTPCRELX", Usage::GotSlot),
    kind(R_X86_64_REX_GOTPCRELX, "R_X86_64_REX_GOTPCRELX", Usage::GotSlot),
    kind(43, "R_X86_64_CODE_4_GOTPCRELX", Usage::GotSlot),
    kind(44, "R_X86_64_CODE_4_GOTTPOFF", Usage::ThreadLocal),
    kind(45, "R_X86_64_CODE_4_GOTPC32_TLSDESC", Usage::ThreadLocal),
    kind(46, "R_X86_64_CODE_5_GOTPCRELX", Usage::GotSlot),
];

fn apply(number: u32, patch: &mut Patch<'_>) -> Result<(), Trouble> {
    match number {
        2 | 4 => {
            let addend = patch.addend32()?;
            patch.store32(patch.symbol.wrapping_add(addend).wrapping_sub(patch.place))
        }
        3 => {
            let addend = patch.addend32()?;
            patch.store32((patch.slot - patch.got).wrapping_add(addend))
        }
        41 | 42 if patch.skips_table => name_directly(patch),
        9 | 41 | 42 | 43 | 46 => {
            let addend = patch.addend32()?;
            patch.store32((patch.slot - patch.place).wrapping_add(addend))
        }
        13 => {
            let addend = patch.addend.unwrap_or(i64::from(patch.u16(0)? as i16));
            let value = patch.symbol.wrapping_add(addend).wrapping_sub(patch.place);
            patch.set_u16(0, signed(value, 16)? as u16)
        }
        15 => {
            let addend = patch.addend.unwrap_or(i64::from(patch.u8(0)? as i8));
            let value = patch.symbol.wrapping_add(addend).wrapping_sub(patch.place);
            patch.set_u8(0, signed(value, 8)? as u8)
        }
        24 => {
            let addend = patch.addend64()?;
            let value = patch.symbol.wrapping_add(addend).wrapping_sub(patch.place);
            patch.set_u64(0, value as u64)
        }
        25 | 31 => {
            let addend = patch.addend64()?;
            let value = patch.symbol.wrapping_add(addend).wrapping_sub(patch.got);
            patch.set_u64(0, value as u64)
        }
        26 => {
            let addend = patch.addend32()?;
            patch.store32((patch.got - patch.place).wrapping_add(addend))
        }
        27 | 30 => {
            let addend = patch.addend64()?;
            patch.set_u64(0, (patch.slot - patch.got).wrapping_add(addend) as u64)
        }
        28 => {
            let addend = patch.addend64()?;
            patch.set_u64(0, (patch.slot - patch.place).wrapping_add(addend) as u64)
        }
        29 => {
            let addend = patch.addend64()?;
            patch.set_u64(0, (patch.got - patch.place).wrapping_add(addend) as u64)
        }
        _ => Err(Trouble::NotPositionIndependent),
    }
}

/// `mov` from the slot, and calls and jumps through it (psABI, "Optimize GOTPCRELX Relocations").
fn skips_table(number: u32, code: &[u8], offset: usize) -> bool {
    let at = |back: usize| offset.checked_sub(back).and_then(|at| code.get(at)).copied();
    matches!(number, 41 | 42)
        && matches!((at(2), at(1)), (Some(0x8b), _) | (Some(0xff), Some(0x15 | 0x25)))
}

/// Rewrites an instruction that [`skips_table`] accepts.
fn name_directly(patch: &mut Patch<'_>) -> Result<(), Trouble> {
    let distance = patch.symbol.wrapping_add(patch.addend32()?).wrapping_sub(patch.place);
    match (patch.before(2), patch.before(1)) {
        (Some(0x8b), _) => patch.set_before(2, 0x8d), // lea
        (Some(0xff), Some(0x15)) => {
            patch.set_before(2, 0x67); // addr32, only to fill
            patch.set_before(1, 0xe8); // call
        }
        _ => {
            patch.set_before(2, 0xe9); // jmp; its field begins a byte earlier
            patch.offset -= 1;
            patch.store32(distance + 1)?;
            return patch.set_u8(4, 0x90); // nop
        }
    }
    patch.store32(distance)
}
