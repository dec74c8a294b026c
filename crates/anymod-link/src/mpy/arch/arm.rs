//! ARM, M profile: Thumb code only.
//!
//! A function's address has bit 0 set, which relocations for data add (`T`) and branches drop. GCC reaches the global
//! offset table by `R_ARM_BASE_PREL` in a literal and a slot by its offset in the table (`GOT_BREL`); clang reads a
//! slot by its own distance (`GOT_PREL`). Constants and static variables are reached by `REL32` in a literal or, with
//! Thumb-2, by a `movw`/`movt` pair (`THM_MOVW_PREL_NC`, `THM_MOVT_PREL`). The same pair with an absolute address
//! cannot be adjusted by the loader. Addends are in the bytes (`SHT_REL`).
//!
//! A 32-bit branch holds 25 bits: `S`, then `I1` and `I2` stored as `J1 = !I1 ^ S` and `J2 = !I2 ^ S`, then ten and
//! eleven more. ARMv6-M has that encoding of `bl` too (ARMv6-M ARM, A6.7.13); before it, in Thumb-1, `J1` and `J2` were
//! always set.
//!
//! Names, numbers and operations: aaelf32, "Relocation codes"; instructions: ARMv7-M ARM, chapter A7.

use super::patch::{Patch, Trouble, multiple, signed};
use super::{Isa, Jump, Kind, Starter, Usage, Veneer, kind};

/// ARMv6-M.
pub(crate) static THUMB1: Isa = Isa {
    relocations: &RELOCATIONS,
    apply,
    skips_table: |_, _, _| false,
    compat_got: &[26],
    compat_jump: Jump { size: 8, encode: compat_jump_thumb1 },
    jumps: &[Jump { size: 2, encode: short_jump }, Jump { size: 8, encode: calling_jump }],
    veneer: Some(Veneer {
        code: &[
            0x03, 0xb4, // push {r0, r1}
            0x01, 0x48, // ldr r0, [pc, #4]
            0x01, 0x90, // str r0, [sp, #4]
            0x01, 0xbd, // pop {r0, pc}
        ],
        align: 4,
    }),
    starter: Some(STARTER),
    high: &[],
    has_literals: false,
    has_stored_addends: false,
};

/// ARMv7-M and ARMv7E-M.
pub(crate) static THUMB2: Isa = Isa {
    relocations: &RELOCATIONS,
    apply,
    skips_table: |_, _, _| false,
    compat_got: &[26],
    compat_jump: Jump { size: 4, encode: compat_jump_thumb2 },
    jumps: &[Jump { size: 2, encode: short_jump }, Jump { size: 4, encode: wide_jump }],
    veneer: Some(Veneer {
        code: &[0xdf, 0xf8, 0x00, 0xf0], // ldr.w pc, [pc, #0]
        align: 4,
    }),
    starter: Some(STARTER),
    high: &[],
    has_literals: false,
    has_stored_addends: false,
};

const STARTER: Starter = Starter {
    open: &[0x1f, 0xb5],  // push {r0-r4, lr}
    close: &[0x0f, 0xbc], // pop {r0-r3}
    tail: &[0x10, 0xbd],  // pop {r4, pc}
    call_size: 4,
    call,
    enter: call,
};

static RELOCATIONS: [Kind; 49] = [
    kind(0, "R_ARM_NONE", Usage::Nothing),
    kind(2, "R_ARM_ABS32", Usage::Word),
    kind(3, "R_ARM_REL32", Usage::Relative),
    kind(5, "R_ARM_ABS16", Usage::AbsolutePiece),
    kind(8, "R_ARM_ABS8", Usage::AbsolutePiece),
    kind(10, "R_ARM_THM_CALL", Usage::Branch(4)),
    kind(17, "R_ARM_TLS_DTPMOD32", Usage::ThreadLocal),
    kind(18, "R_ARM_TLS_DTPOFF32", Usage::ThreadLocal),
    kind(19, "R_ARM_TLS_TPOFF32", Usage::ThreadLocal),
    kind(24, "R_ARM_GOTOFF32", Usage::GotRelative),
    kind(25, "R_ARM_BASE_PREL", Usage::GotBase),
    kind(26, "R_ARM_GOT_BREL", Usage::GotSlot),
    kind(30, "R_ARM_THM_JUMP24", Usage::Branch(4)),
    kind(38, "R_ARM_TARGET1", Usage::Word),
    kind(40, "R_ARM_V4BX", Usage::Nothing),
    kind(42, "R_ARM_PREL31", Usage::Relative),
    kind(43, "R_ARM_MOVW_ABS_NC", Usage::AbsolutePiece),
    kind(44, "R_ARM_MOVT_ABS", Usage::AbsolutePiece),
    kind(47, "R_ARM_THM_MOVW_ABS_NC", Usage::AbsolutePiece),
    kind(48, "R_ARM_THM_MOVT_ABS", Usage::AbsolutePiece),
    kind(49, "R_ARM_THM_MOVW_PREL_NC", Usage::Relative),
    kind(50, "R_ARM_THM_MOVT_PREL", Usage::Relative),
    kind(51, "R_ARM_THM_JUMP19", Usage::Branch(4)),
    kind(52, "R_ARM_THM_JUMP6", Usage::Branch(2)),
    kind(80, "R_ARM_THM_TLS_DESCSEQ16", Usage::ThreadLocal),
    kind(87, "R_ARM_THM_MOVW_BREL_NC", Usage::AbsolutePiece),
    kind(88, "R_ARM_THM_MOVT_BREL", Usage::AbsolutePiece),
    kind(89, "R_ARM_THM_MOVW_BREL", Usage::AbsolutePiece),
    kind(90, "R_ARM_TLS_GOTDESC", Usage::ThreadLocal),
    kind(91, "R_ARM_TLS_CALL", Usage::ThreadLocal),
    kind(92, "R_ARM_TLS_DESCSEQ", Usage::ThreadLocal),
    kind(93, "R_ARM_THM_TLS_CALL", Usage::ThreadLocal),
    kind(96, "R_ARM_GOT_PREL", Usage::GotSlot),
    kind(102, "R_ARM_THM_JUMP11", Usage::Branch(2)),
    kind(103, "R_ARM_THM_JUMP8", Usage::Branch(2)),
    kind(104, "R_ARM_TLS_GD32", Usage::ThreadLocal),
    kind(105, "R_ARM_TLS_LDM32", Usage::ThreadLocal),
    kind(106, "R_ARM_TLS_LDO32", Usage::ThreadLocal),
    kind(107, "R_ARM_TLS_IE32", Usage::ThreadLocal),
    kind(108, "R_ARM_TLS_LE32", Usage::ThreadLocal),
    kind(109, "R_ARM_TLS_LDO12", Usage::ThreadLocal),
    kind(110, "R_ARM_TLS_LE12", Usage::ThreadLocal),
    kind(111, "R_ARM_TLS_IE12GP", Usage::ThreadLocal),
    kind(129, "R_ARM_THM_TLS_DESCSEQ16", Usage::ThreadLocal),
    kind(130, "R_ARM_THM_TLS_DESCSEQ32", Usage::ThreadLocal),
    kind(132, "R_ARM_THM_ALU_ABS_G0_NC", Usage::AbsolutePiece),
    kind(133, "R_ARM_THM_ALU_ABS_G1_NC", Usage::AbsolutePiece),
    kind(134, "R_ARM_THM_ALU_ABS_G2_NC", Usage::AbsolutePiece),
    kind(135, "R_ARM_THM_ALU_ABS_G3", Usage::AbsolutePiece),
];

fn apply(number: u32, patch: &mut Patch<'_>) -> Result<(), Trouble> {
    match number {
        3 => {
            let value = patch.address(patch.addend32()?) - patch.place;
            patch.set_u32(0, value as u32)
        }
        // MicroPython's linker knows 23 bits, whatever the core.
        10 | 30 => branch24(patch, if patch.is_compat { 23 } else { 25 }),
        24 => {
            let value = patch.address(patch.addend32()?) - patch.got;
            patch.set_u32(0, value as u32)
        }
        25 => {
            let value = patch.got + patch.addend32()? - patch.place;
            patch.set_u32(0, value as u32)
        }
        26 => {
            let value = patch.slot - patch.got + patch.addend32()?;
            patch.set_u32(0, value as u32)
        }
        42 => {
            let word = patch.u32(0)?;
            let addend = patch.addend.unwrap_or(i64::from((word << 1) as i32 >> 1));
            let value = signed(patch.address(addend) - patch.place, 31)?;
            patch.set_u32(0, word & 0x8000_0000 | value as u32 & 0x7fff_ffff)
        }
        49 | 50 => {
            let addend = match patch.addend {
                Some(addend) => addend,
                None => i64::from(move_immediate(patch)? as i16),
            };
            let value = match number {
                49 => patch.address(addend) - patch.place,
                _ => (patch.symbol + addend - patch.place) >> 16,
            };
            set_move_immediate(patch, value as u16)
        }
        51 => branch19(patch),
        52 => branch6(patch),
        96 => {
            let value = patch.slot + patch.addend32()? - patch.place;
            patch.set_u32(0, value as u32)
        }
        102 => narrow(patch, 11),
        103 => narrow(patch, 8),
        _ => Err(Trouble::NotPositionIndependent),
    }
}

/// Sign-extends the low `bits` of a value.
fn extend(value: u32, bits: u32) -> i64 {
    i64::from((value << (32 - bits)) as i32 >> (32 - bits))
}

/// The distance that a branch must hold, from `S + A - P`: even, and within `bits`.
fn distance(patch: &Patch<'_>, stored: i64, bits: u32) -> Result<i64, Trouble> {
    let value = patch.symbol + patch.addend.unwrap_or(stored) - patch.place;
    signed(multiple(value, 2)?, bits)
}

/// `bl` and `b.w`.
fn branch24(patch: &mut Patch<'_>, bits: u32) -> Result<(), Trouble> {
    let (high, low) = (u32::from(patch.u16(0)?), u32::from(patch.u16(2)?));
    if high & 0xf800 != 0xf000 || low & 0x8000 == 0 {
        return Err(Trouble::Instruction("32-bit Thumb branch"));
    }
    let sign = high >> 10 & 1;
    let (i1, i2) = (!(low >> 13 ^ sign) & 1, !(low >> 11 ^ sign) & 1);
    let stored =
        extend(sign << 24 | i1 << 23 | i2 << 22 | (high & 0x3ff) << 12 | (low & 0x7ff) << 1, 25);
    let (high_bits, low_bits) = split24(distance(patch, stored, bits)?);
    patch.set_u16(0, (high & 0xf800) as u16 | high_bits)?;
    patch.set_u16(2, (low & 0xd000) as u16 | low_bits)
}

/// The two half-words' immediate bits for a distance of 25 bits.
fn split24(distance: i64) -> (u16, u16) {
    let value = distance as u32;
    let sign = value >> 24 & 1;
    let (j1, j2) = (!(value >> 23 ^ sign) & 1, !(value >> 22 ^ sign) & 1);
    let high = sign << 10 | value >> 12 & 0x3ff;
    let low = j1 << 13 | j2 << 11 | value >> 1 & 0x7ff;
    (high as u16, low as u16)
}

/// `b<cond>.w`.
fn branch19(patch: &mut Patch<'_>) -> Result<(), Trouble> {
    let (high, low) = (u32::from(patch.u16(0)?), u32::from(patch.u16(2)?));
    if high & 0xf800 != 0xf000 || low & 0xd000 != 0x8000 {
        return Err(Trouble::Instruction("32-bit conditional Thumb branch"));
    }
    let stored = (high >> 10 & 1) << 20
        | (low >> 11 & 1) << 19
        | (low >> 13 & 1) << 18
        | (high & 0x3f) << 12
        | (low & 0x7ff) << 1;
    let value = distance(patch, extend(stored, 21), 21)? as u32;
    let high = high & 0xfbc0 | (value >> 20 & 1) << 10 | value >> 12 & 0x3f;
    let low = low & 0xd000 | (value >> 18 & 1) << 13 | (value >> 19 & 1) << 11 | value >> 1 & 0x7ff;
    patch.set_u16(0, high as u16)?;
    patch.set_u16(2, low as u16)
}

/// `cbz`, `cbnz`: forwards only.
fn branch6(patch: &mut Patch<'_>) -> Result<(), Trouble> {
    let word = u32::from(patch.u16(0)?);
    if word & 0xf500 != 0xb100 {
        return Err(Trouble::Instruction("`cbz` or `cbnz`"));
    }
    let stored = (word >> 9 & 1) << 6 | (word >> 3 & 0x1f) << 1;
    let value = distance(patch, i64::from(stored), 8)?;
    if !(0..=126).contains(&value) {
        return Err(Trouble::Range { value, min: 0, max: 126 });
    }
    let value = value as u32;
    patch.set_u16(0, (word & 0xfd07 | (value >> 6) << 9 | (value >> 1 & 0x1f) << 3) as u16)
}

/// 16-bit branches with an immediate of `bits` half-words.
fn narrow(patch: &mut Patch<'_>, bits: u32) -> Result<(), Trouble> {
    let word = u32::from(patch.u16(0)?);
    let (opcode, mask) = if bits == 11 { (0xe000, 0xf800) } else { (0xd000, 0xf000) };
    if word & mask != opcode {
        return Err(Trouble::Instruction("16-bit Thumb branch"));
    }
    let field = (1 << bits) - 1;
    let value = distance(patch, extend((word & field) << 1, bits + 1), bits + 1)?;
    patch.set_u16(0, (word & !field | value as u32 >> 1 & field) as u16)
}

/// The immediate of `movw` and `movt`: `imm4:i:imm3:imm8`.
fn move_immediate(patch: &Patch<'_>) -> Result<u16, Trouble> {
    let (high, low) = (patch.u16(0)?, patch.u16(2)?);
    if high & 0xfb70 != 0xf240 || low & 0x8000 != 0 {
        return Err(Trouble::Instruction("`movw` or `movt`"));
    }
    Ok((high & 0xf) << 12 | (high >> 10 & 1) << 11 | (low >> 12 & 7) << 8 | low & 0xff)
}

fn set_move_immediate(patch: &mut Patch<'_>, value: u16) -> Result<(), Trouble> {
    move_immediate(patch)?;
    let high = patch.u16(0)? & 0xfbf0 | value >> 12 | (value >> 11 & 1) << 10;
    let low = patch.u16(2)? & 0x8f00 | (value >> 8 & 7) << 12 | value & 0xff;
    patch.set_u16(0, high)?;
    patch.set_u16(2, low)
}

fn half_words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// `bl`.
fn call(from: u64, to: u64) -> Option<Vec<u8>> {
    let distance = signed(to as i64 - from as i64 - 4, 23).ok()?;
    let (high, low) = split24(distance);
    Some(half_words(&[0xf000 | high, 0xd000 | low]))
}

/// `b`, from offset 0.
fn short_jump(target: u64) -> Option<Vec<u8>> {
    let distance = signed(target as i64 - 4, 12).ok()?;
    Some(half_words(&[0xe000 | (distance as u16 >> 1 & 0x7ff)]))
}

/// `b.w`, from offset 0.
fn wide_jump(target: u64) -> Option<Vec<u8>> {
    let distance = signed(target as i64 - 4, 25).ok()?;
    let (high, low) = split24(distance);
    Some(half_words(&[0xf000 | high, 0x9000 | low]))
}

/// `push {r4, lr}; bl; pop {r4, pc}`: ARMv6-M has no long jump that keeps all arguments, and `r0` must keep the result.
fn calling_jump(target: u64) -> Option<Vec<u8>> {
    let mut bytes = half_words(&[0xb510]);
    bytes.extend(call(2, target)?);
    bytes.extend(half_words(&[0xbd10]));
    Some(bytes)
}

/// As MicroPython's linker has it: four half-words, unused ones zero.
fn compat_jump_thumb1(target: u64) -> Option<Vec<u8>> {
    let mut bytes = short_jump(target).unwrap_or_default();
    if bytes.is_empty() {
        bytes = half_words(&[0xb501]); // push {r0, lr}
        bytes.extend(call(2, target)?);
        bytes.extend(half_words(&[0xbd01])); // pop {r0, pc}
    }
    bytes.resize(8, 0);
    Some(bytes)
}

/// As MicroPython's linker has it: two half-words, an unused one zero.
fn compat_jump_thumb2(target: u64) -> Option<Vec<u8>> {
    let mut bytes = short_jump(target).or_else(|| wide_jump(target))?;
    bytes.resize(4, 0);
    Some(bytes)
}
