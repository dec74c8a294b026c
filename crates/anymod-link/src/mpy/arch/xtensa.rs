//! Xtensa, with the CALL0 and the windowed ABI.
//!
//! Code cannot hold an address, so `l32r` loads it from a literal: a word in front of the instruction, at most 256 KiB
//! back. Compilers put literals into sections of their own (`.literal`), in which `R_XTENSA_32` (or `PLT` for
//! functions) marks the words that are addresses. The linker dissolves these sections into one pool at the start of the
//! code and shares equal literals, addresses first. `R_XTENSA_SLOT0_OP` stands on any instruction with an operand to
//! relocate; which one, the instruction tells. Branches and calls inside a section arrive already resolved, which is
//! checked rather than believed. `ASM_EXPAND` and the `DIFF` kinds serve linkers that shorten code; this one never
//! does.
//!
//! Addends are explicit, but words hold a second one in their bytes, which counts as well.
//!
//! Names and numbers: binutils' `include/elf/xtensa.h`; instructions: Xtensa ISA Reference Manual, chapters 6 and 7.

use super::patch::{Patch, Trouble, multiple, signed};
use super::{Isa, Jump, Kind, Starter, Usage, kind};

/// CALL0 ABI (ESP8266).
pub(crate) static CALL0: Isa = Isa {
    starter: Some(Starter {
        open: &[
            0x12, 0xc1, 0xe0, // addi a1, a1, -32
            0x02, 0x61, 0x00, // s32i a0, a1, 0
            0x22, 0x61, 0x01, // s32i a2, a1, 4
            0x32, 0x61, 0x02, // s32i a3, a1, 8
            0x42, 0x61, 0x03, // s32i a4, a1, 12
            0x52, 0x61, 0x04, // s32i a5, a1, 16
        ],
        close: &[
            0x02, 0x21, 0x00, // l32i a0, a1, 0
            0x22, 0x21, 0x01, // l32i a2, a1, 4
            0x32, 0x21, 0x02, // l32i a3, a1, 8
            0x42, 0x21, 0x03, // l32i a4, a1, 12
            0x52, 0x21, 0x04, // l32i a5, a1, 16
            0x12, 0xc1, 0x20, // addi a1, a1, 32
        ],
        tail: &[],
        call_size: 3,
        call: |from, to| call(0, from, to),
        enter: jump,
    }),
    ..BASE
};

/// Windowed ABI (ESP32).
pub(crate) static WINDOWED: Isa = Isa {
    starter: Some(Starter {
        open: &[0x36, 0x41, 0x00], // entry a1, 32: the caller's arguments stay in a2 to a5
        close: &[
            0xad, 0x02, // mov.n a10, a2
            0xbd, 0x03, // mov.n a11, a3
            0xcd, 0x04, // mov.n a12, a4
            0xdd, 0x05, // mov.n a13, a5
        ],
        tail: &[
            0x2d, 0x0a, // mov.n a2, a10
            0x1d, 0xf0, // retw.n
        ],
        call_size: 3,
        call: |from, to| call(2, from, to),
        enter: |from, to| call(2, from, to),
    }),
    ..BASE
};

const BASE: Isa = Isa {
    relocations: &RELOCATIONS,
    apply,
    skips_table: |_, _, _| false,
    compat_got: &[],
    compat_jump: JUMP,
    jumps: &[JUMP],
    veneer: None,
    starter: None,
    high: &[],
    has_literals: true,
    has_stored_addends: true,
};

/// `R_XTENSA_32`, a whole address.
pub(crate) const R_XTENSA_32: u32 = 1;

static RELOCATIONS: [Kind; 26] = [
    kind(0, "R_XTENSA_NONE", Usage::Nothing),
    kind(R_XTENSA_32, "R_XTENSA_32", Usage::Word),
    kind(6, "R_XTENSA_PLT", Usage::Word),
    kind(8, "R_XTENSA_OP0", Usage::AbsolutePiece),
    kind(9, "R_XTENSA_OP1", Usage::AbsolutePiece),
    kind(10, "R_XTENSA_OP2", Usage::AbsolutePiece),
    kind(11, "R_XTENSA_ASM_EXPAND", Usage::Nothing),
    kind(12, "R_XTENSA_ASM_SIMPLIFY", Usage::Nothing),
    kind(14, "R_XTENSA_32_PCREL", Usage::Relative),
    kind(17, "R_XTENSA_DIFF8", Usage::Nothing),
    kind(18, "R_XTENSA_DIFF16", Usage::Nothing),
    kind(19, "R_XTENSA_DIFF32", Usage::Nothing),
    kind(20, "R_XTENSA_SLOT0_OP", Usage::Slot),
    kind(50, "R_XTENSA_TLSDESC_FN", Usage::ThreadLocal),
    kind(51, "R_XTENSA_TLSDESC_ARG", Usage::ThreadLocal),
    kind(52, "R_XTENSA_TLS_DTPOFF", Usage::ThreadLocal),
    kind(53, "R_XTENSA_TLS_TPOFF", Usage::ThreadLocal),
    kind(54, "R_XTENSA_TLS_FUNC", Usage::ThreadLocal),
    kind(55, "R_XTENSA_TLS_ARG", Usage::ThreadLocal),
    kind(56, "R_XTENSA_TLS_CALL", Usage::ThreadLocal),
    kind(57, "R_XTENSA_PDIFF8", Usage::Nothing),
    kind(58, "R_XTENSA_PDIFF16", Usage::Nothing),
    kind(59, "R_XTENSA_PDIFF32", Usage::Nothing),
    kind(60, "R_XTENSA_NDIFF8", Usage::Nothing),
    kind(61, "R_XTENSA_NDIFF16", Usage::Nothing),
    kind(62, "R_XTENSA_NDIFF32", Usage::Nothing),
];

fn apply(number: u32, patch: &mut Patch<'_>) -> Result<(), Trouble> {
    let addend = patch.addend.unwrap_or(0);
    let target = patch.symbol.wrapping_add(addend);
    match number {
        14 => {
            let stored = i64::from(patch.u32(0)? as i32);
            patch.set_u32(0, target.wrapping_add(stored).wrapping_sub(patch.place) as u32)
        }
        20 if patch.is_compat && patch.literal.is_none() => {
            let before = instruction(patch)?;
            slot(patch, target)?;
            match before == instruction(patch)? {
                true => Ok(()),
                false => Err(Trouble::Compat),
            }
        }
        20 => slot(patch, target),
        _ => Err(Trouble::NotPositionIndependent),
    }
}

/// The instruction's bytes that a relocation can change; a narrow one has only the first two.
fn instruction(patch: &Patch<'_>) -> Result<(u16, Option<u8>), Trouble> {
    Ok((patch.u16(0)?, patch.u8(2).ok()))
}

/// Relocates the instruction at the place: `l32r` to its literal, a call or branch to its target.
fn slot(patch: &mut Patch<'_>, target: i64) -> Result<(), Trouble> {
    let first = patch.u8(0)?;
    let next = patch.place + 4;
    match first & 0xf {
        1 => {
            let literal = patch.literal.unwrap_or(target);
            let distance = multiple(literal - ((patch.place + 3) & !3), 4)?;
            if !(-0x4_0000..=-4).contains(&distance) {
                return Err(Trouble::Range { value: distance, min: -0x4_0000, max: -4 });
            }
            patch.set_u16(1, (distance >> 2) as u16)
        }
        5 => {
            let distance = multiple(target - (patch.place & !3) - 4, 4)?;
            let words = signed(distance, 20)? >> 2;
            set_field(patch, 6, 18, words)
        }
        6 => match first >> 4 & 3 {
            0 => {
                let distance = signed(target - next, 18)?;
                set_field(patch, 6, 18, distance)
            }
            1 => {
                let distance = signed(target - next, 12)?;
                set_field(patch, 12, 12, distance)
            }
            _ => {
                let distance = signed(target - next, 8)?;
                set_field(patch, 16, 8, distance)
            }
        },
        7 => {
            let distance = signed(target - next, 8)?;
            set_field(patch, 16, 8, distance)
        }
        0xc if first & 0x80 != 0 => {
            let value = target - next;
            if !(0..64).contains(&value) {
                return Err(Trouble::Range { value, min: 0, max: 63 });
            }
            let bits = value as u8;
            patch.set_u8(0, first & 0xcf | bits & 0x30)?;
            patch.set_u8(1, patch.u8(1)? & 0x0f | bits << 4)
        }
        _ => Err(Trouble::Instruction("`l32r`, call or branch")),
    }
}

/// Sets `bits` bits from bit `shift` on of the three-byte instruction at the place.
fn set_field(patch: &mut Patch<'_>, shift: u32, bits: u32, value: i64) -> Result<(), Trouble> {
    let mask = ((1_u32 << bits) - 1) << shift;
    let low = u32::from(patch.u16(0)?);
    let word = low | u32::from(patch.u8(2)?) << 16;
    let word = word & !mask | ((value as u32) << shift) & mask;
    patch.set_u16(0, word as u16)?;
    patch.set_u8(2, (word >> 16) as u8)
}

/// `j`.
const JUMP: Jump = Jump { size: 3, encode: |target| jump(0, target) };

fn three(word: u32) -> Vec<u8> {
    word.to_le_bytes().into_iter().take(3).collect()
}

fn jump(from: u64, to: u64) -> Option<Vec<u8>> {
    let distance = signed(to as i64 - from as i64 - 4, 18).ok()?;
    Some(three(6 | (distance as u32) << 6))
}

/// `call0` (`window` 0) to `call12` (`window` 3).
fn call(window: u32, from: u64, to: u64) -> Option<Vec<u8>> {
    let distance = to as i64 - (from as i64 & !3) - 4;
    let words = signed(multiple(distance, 4).ok()?, 20).ok()? >> 2;
    Some(three(5 | window << 4 | (words as u32) << 6))
}
