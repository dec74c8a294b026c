//! RISC-V, RV32IMC and RV64IMC.
//!
//! Addresses are built in two instructions. Relative to the place, `auipc` adds the high 20 bits (`R_RISCV_PCREL_HI20`,
//! or `GOT_HI20` for a slot of the global offset table) and a load, store or `addi` the low 12 (`PCREL_LO12_I`/`S`),
//! whose symbol is not the variable but the label of the `auipc`: the low part is looked up by the high part's offset.
//! As the low part is signed, the high part is rounded: `hi = (value + 0x800) >> 12`. Calls are `auipc` and `jalr`
//! under one relocation (`CALL_PLT`). Absolute addresses (`lui`, `HI20`/`LO12`) cannot be relocated; see `absolute`.
//!
//! Because linkers may shorten code, differences between labels are left to them: `ADD` and `SUB` relocations compute
//! into the bytes, `SET` overwrites. This linker never shortens: `RELAX` is ignored, and so is `ALIGN`, whose
//! padding stays as it is, so that code behind it is sure of two bytes only, which is all that instructions ask for.
//!
//! Names, numbers and operations: RISC-V ELF psABI 1.0, "Relocations"; encodings: the unprivileged ISA manual.

use super::patch::{HighForm, Patch, Trouble, multiple, signed};
use super::{Isa, Jump, Kind, Starter, Usage, Veneer, kind};

/// RV32IMC.
pub(crate) static RV32: Isa = Isa {
    relocations: &RELOCATIONS_32,
    apply,
    skips_table: |_, _, _| false,
    compat_got: &[1, 20, 41],
    compat_jump: FAR_JUMP,
    jumps: &JUMPS,
    veneer: Some(Veneer {
        code: &[
            0x17, 0x03, 0x00, 0x00, // auipc t1, 0
            0x03, 0x23, 0xc3, 0x00, // lw t1, 12(t1)
            0x67, 0x00, 0x03, 0x00, // jr t1
        ],
        align: 4,
    }),
    starter: Some(Starter {
        open: &[
            0x01, 0x11, // addi sp, sp, -32
            0x06, 0xce, // sw ra, 28(sp)
            0x2a, 0xc6, // sw a0, 12(sp)
            0x2e, 0xc8, // sw a1, 16(sp)
            0x32, 0xca, // sw a2, 20(sp)
            0x36, 0xcc, // sw a3, 24(sp)
        ],
        close: &[
            0xf2, 0x40, // lw ra, 28(sp)
            0x32, 0x45, // lw a0, 12(sp)
            0xc2, 0x45, // lw a1, 16(sp)
            0x52, 0x46, // lw a2, 20(sp)
            0xe2, 0x46, // lw a3, 24(sp)
            0x05, 0x61, // addi sp, sp, 32
        ],
        ..STARTER
    }),
    high: &HIGH,
    has_literals: false,
    has_stored_addends: false,
};

/// RV64IMC.
pub(crate) static RV64: Isa = Isa {
    relocations: &RELOCATIONS_64,
    apply,
    skips_table: |_, _, _| false,
    compat_got: &[2, 20, 41],
    compat_jump: FAR_JUMP,
    jumps: &JUMPS,
    veneer: Some(Veneer {
        code: &[
            0x17, 0x03, 0x00, 0x00, // auipc t1, 0
            0x03, 0x33, 0x03, 0x01, // ld t1, 16(t1)
            0x67, 0x00, 0x03, 0x00, // jr t1
            0x13, 0x00, 0x00, 0x00, // nop: aligns the word
        ],
        align: 8,
    }),
    starter: Some(Starter {
        open: &[
            0x39, 0x71, // addi sp, sp, -64
            0x06, 0xfc, // sd ra, 56(sp)
            0x2a, 0xec, // sd a0, 24(sp)
            0x2e, 0xf0, // sd a1, 32(sp)
            0x32, 0xf4, // sd a2, 40(sp)
            0x36, 0xf8, // sd a3, 48(sp)
        ],
        close: &[
            0xe2, 0x70, // ld ra, 56(sp)
            0x62, 0x65, // ld a0, 24(sp)
            0x82, 0x75, // ld a1, 32(sp)
            0x22, 0x76, // ld a2, 40(sp)
            0xc2, 0x76, // ld a3, 48(sp)
            0x21, 0x61, // addi sp, sp, 64
        ],
        ..STARTER
    }),
    high: &HIGH,
    has_literals: false,
    has_stored_addends: false,
};

const STARTER: Starter = Starter {
    open: &[],
    close: &[],
    tail: &[],
    call_size: 8,
    call: |from, to| auipc_jalr(1, 1, from, to),
    enter: |from, to| auipc_jalr(6, 0, from, to),
};

/// Relocations whose value the low parts that name their place take over.
static HIGH: [u32; 2] = [R_RISCV_GOT_HI20, R_RISCV_PCREL_HI20];

const R_RISCV_GOT_HI20: u32 = 20;
const R_RISCV_PCREL_HI20: u32 = 23;
const R_RISCV_HI20: u32 = 26;

static RELOCATIONS_32: [Kind; 53] = relocations(Usage::Word, Usage::AbsolutePiece);
static RELOCATIONS_64: [Kind; 53] = relocations(Usage::AbsolutePiece, Usage::Word);

/// The table; what a 32-bit and a 64-bit word are depends on the size of an address.
const fn relocations(word32: Usage, word64: Usage) -> [Kind; 53] {
    [
        kind(0, "R_RISCV_NONE", Usage::Nothing),
        kind(1, "R_RISCV_32", word32),
        kind(2, "R_RISCV_64", word64),
        kind(6, "R_RISCV_TLS_DTPMOD32", Usage::ThreadLocal),
        kind(7, "R_RISCV_TLS_DTPMOD64", Usage::ThreadLocal),
        kind(8, "R_RISCV_TLS_DTPREL32", Usage::ThreadLocal),
        kind(9, "R_RISCV_TLS_DTPREL64", Usage::ThreadLocal),
        kind(10, "R_RISCV_TLS_TPREL32", Usage::ThreadLocal),
        kind(11, "R_RISCV_TLS_TPREL64", Usage::ThreadLocal),
        kind(16, "R_RISCV_BRANCH", Usage::Branch(4)),
        kind(17, "R_RISCV_JAL", Usage::Branch(4)),
        kind(18, "R_RISCV_CALL", Usage::Branch(8)),
        kind(19, "R_RISCV_CALL_PLT", Usage::Branch(8)),
        kind(R_RISCV_GOT_HI20, "R_RISCV_GOT_HI20", Usage::GotSlot),
        kind(21, "R_RISCV_TLS_GOT_HI20", Usage::ThreadLocal),
        kind(22, "R_RISCV_TLS_GD_HI20", Usage::ThreadLocal),
        kind(R_RISCV_PCREL_HI20, "R_RISCV_PCREL_HI20", Usage::Relative),
        kind(24, "R_RISCV_PCREL_LO12_I", Usage::PairedLow),
        kind(25, "R_RISCV_PCREL_LO12_S", Usage::PairedLow),
        kind(R_RISCV_HI20, "R_RISCV_HI20", Usage::AbsoluteHigh),
        kind(27, "R_RISCV_LO12_I", Usage::AbsoluteLow),
        kind(28, "R_RISCV_LO12_S", Usage::AbsoluteLow),
        kind(29, "R_RISCV_TPREL_HI20", Usage::ThreadLocal),
        kind(30, "R_RISCV_TPREL_LO12_I", Usage::ThreadLocal),
        kind(31, "R_RISCV_TPREL_LO12_S", Usage::ThreadLocal),
        kind(32, "R_RISCV_TPREL_ADD", Usage::ThreadLocal),
        kind(33, "R_RISCV_ADD8", Usage::Term),
        kind(34, "R_RISCV_ADD16", Usage::Term),
        kind(35, "R_RISCV_ADD32", Usage::Term),
        kind(36, "R_RISCV_ADD64", Usage::Term),
        kind(37, "R_RISCV_SUB8", Usage::Term),
        kind(38, "R_RISCV_SUB16", Usage::Term),
        kind(39, "R_RISCV_SUB32", Usage::Term),
        kind(40, "R_RISCV_SUB64", Usage::Term),
        kind(41, "R_RISCV_GOT32_PCREL", Usage::GotSlot),
        kind(43, "R_RISCV_ALIGN", Usage::Nothing),
        kind(44, "R_RISCV_RVC_BRANCH", Usage::Branch(2)),
        kind(45, "R_RISCV_RVC_JUMP", Usage::Branch(2)),
        kind(46, "R_RISCV_RVC_LUI", Usage::AbsolutePiece),
        kind(51, "R_RISCV_RELAX", Usage::Nothing),
        kind(52, "R_RISCV_SUB6", Usage::Term),
        kind(53, "R_RISCV_SET6", Usage::Term),
        kind(54, "R_RISCV_SET8", Usage::Term),
        kind(55, "R_RISCV_SET16", Usage::Term),
        kind(56, "R_RISCV_SET32", Usage::Term),
        kind(57, "R_RISCV_32_PCREL", Usage::Relative),
        kind(59, "R_RISCV_PLT32", Usage::Relative),
        kind(60, "R_RISCV_SET_ULEB128", Usage::Term),
        kind(61, "R_RISCV_SUB_ULEB128", Usage::Term),
        kind(62, "R_RISCV_TLSDESC_HI20", Usage::ThreadLocal),
        kind(63, "R_RISCV_TLSDESC_LOAD_LO12", Usage::ThreadLocal),
        kind(64, "R_RISCV_TLSDESC_ADD_LO12", Usage::ThreadLocal),
        kind(65, "R_RISCV_TLSDESC_CALL", Usage::ThreadLocal),
    ]
}

fn apply(number: u32, patch: &mut Patch<'_>) -> Result<(), Trouble> {
    let addend = patch.addend.unwrap_or(0);
    let absolute = patch.symbol.wrapping_add(addend);
    let relative = absolute.wrapping_sub(patch.place);
    match number {
        16 => branch(patch, relative),
        17 => jump(patch, relative),
        18 | 19 => {
            high(patch, relative)?;
            patch.offset += 4;
            low_load(patch, relative)
        }
        R_RISCV_GOT_HI20 => {
            let value = patch.slot.wrapping_add(addend).wrapping_sub(patch.place);
            high(patch, value)
        }
        R_RISCV_PCREL_HI20 => high(patch, relative),
        R_RISCV_HI20 => absolute_high(patch, absolute, relative),
        24 | 27 => low_load(patch, patch.paired.ok_or(Trouble::Unpaired)?),
        25 | 28 => low_store(patch, patch.paired.ok_or(Trouble::Unpaired)?),
        33..=40 | 52..=56 | 60 | 61 => term(number, patch, absolute),
        41 => patch.store32(patch.slot.wrapping_add(addend).wrapping_sub(patch.place)),
        44 => compressed_branch(patch, relative),
        45 => compressed_jump(patch, relative),
        57 | 59 => patch.store32(relative),
        _ => Err(Trouble::NotPositionIndependent),
    }
}

/// The high part of a value whose low 12 bits are signed, checked to fit in 20 bits.
fn high_part(value: i64) -> Result<u32, Trouble> {
    signed(value.wrapping_add(0x800), 32).map_err(|_| Trouble::Range {
        value,
        min: i64::from(i32::MIN) - 0x800,
        max: i64::from(i32::MAX) - 0x800,
    })?;
    Ok((value.wrapping_add(0x800) >> 12) as u32)
}

/// `auipc`.
fn high(patch: &mut Patch<'_>, value: i64) -> Result<(), Trouble> {
    let word = patch.u32(0)?;
    if word & 0x7f != 0x17 {
        return Err(Trouble::Instruction("`auipc`"));
    }
    patch.set_u32(0, word & 0xfff | high_part(value)? << 12)
}

/// `lui`, in the form that `absolute` decided.
fn absolute_high(patch: &mut Patch<'_>, absolute: i64, relative: i64) -> Result<(), Trouble> {
    let word = patch.u32(0)?;
    if word & 0x7f != 0x37 {
        return Err(Trouble::Instruction("`lui`"));
    }
    let register = word & 0xf80;
    match patch.thunk {
        Some(HighForm::Fixed) => patch.set_u32(0, register | 0x37 | high_part(absolute)? << 12),
        Some(HighForm::Direct) => patch.set_u32(0, register | 0x17 | high_part(relative)? << 12),
        Some(HighForm::Jump(distance)) => {
            let value = signed(multiple(distance, 2)?, 21)? as u32;
            patch.set_u32(0, 0x6f | jump_bits(value))
        }
        None => Err(Trouble::Unpaired),
    }
}

/// What a thunk puts into its register.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Yield {
    /// The address at this distance from the thunk.
    Address(i64),
    /// The word, of 8 bytes or else 4, at this distance from the thunk.
    Word(i64, bool),
}

/// The thunk for the `lui` in `word`: puts a value into its register and jumps back over `back` bytes from the thunk's
/// start.
pub(crate) fn thunk(word: u32, value: Yield, back: i64) -> Result<Vec<u8>, Trouble> {
    let register = word >> 7 & 31;
    let (distance, opcode) = match value {
        Yield::Address(distance) => (distance, 0x13),
        Yield::Word(distance, false) => (distance, 0x2003),
        Yield::Word(distance, true) => (distance, 0x3003),
    };
    let upper = high_part(distance)? << 12 | register << 7 | 0x17;
    let lower = (distance as u32 & 0xfff) << 20 | register << 15 | register << 7 | opcode;
    let jump = 0x6f | jump_bits(signed(back - 8, 21)? as u32);
    Ok([upper, lower, jump].iter().flat_map(|word| word.to_le_bytes()).collect())
}

/// How a relocation uses its symbol.
pub(crate) fn usage(number: u32) -> Option<Usage> {
    RV32.kind(number).map(|kind| kind.usage)
}

/// The low part in an instruction of I format.
fn low_load(patch: &mut Patch<'_>, value: i64) -> Result<(), Trouble> {
    let word = patch.u32(0)?;
    if word & 3 != 3 {
        return Err(Trouble::Instruction("32-bit instruction"));
    }
    patch.set_u32(0, word & 0xf_ffff | (value as u32 & 0xfff) << 20)
}

/// The low part in an instruction of S format.
fn low_store(patch: &mut Patch<'_>, value: i64) -> Result<(), Trouble> {
    let word = patch.u32(0)?;
    if word & 0x7f != 0x23 && word & 0x7f != 0x27 {
        return Err(Trouble::Instruction("store"));
    }
    let value = value as u32;
    patch.set_u32(0, word & 0x01ff_f07f | (value >> 5 & 0x7f) << 25 | (value & 0x1f) << 7)
}

fn branch(patch: &mut Patch<'_>, distance: i64) -> Result<(), Trouble> {
    let value = signed(multiple(distance, 2)?, 13)? as u32;
    let word = patch.u32(0)?;
    if word & 0x7f != 0x63 {
        return Err(Trouble::Instruction("conditional branch"));
    }
    let bits = (value >> 12 & 1) << 31
        | (value >> 5 & 0x3f) << 25
        | (value >> 1 & 0xf) << 8
        | (value >> 11 & 1) << 7;
    patch.set_u32(0, word & 0x01ff_f07f | bits)
}

fn jump(patch: &mut Patch<'_>, distance: i64) -> Result<(), Trouble> {
    let value = signed(multiple(distance, 2)?, 21)? as u32;
    let word = patch.u32(0)?;
    if word & 0x7f != 0x6f {
        return Err(Trouble::Instruction("`jal`"));
    }
    patch.set_u32(0, word & 0xfff | jump_bits(value))
}

fn jump_bits(value: u32) -> u32 {
    (value >> 20 & 1) << 31
        | (value >> 1 & 0x3ff) << 21
        | (value >> 11 & 1) << 20
        | (value >> 12 & 0xff) << 12
}

fn compressed_branch(patch: &mut Patch<'_>, distance: i64) -> Result<(), Trouble> {
    let value = signed(multiple(distance, 2)?, 9)? as u16;
    let word = patch.u16(0)?;
    if word & 0xc003 != 0xc001 {
        return Err(Trouble::Instruction("`c.beqz` or `c.bnez`"));
    }
    let bits = (value >> 8 & 1) << 12
        | (value >> 3 & 3) << 10
        | (value >> 6 & 3) << 5
        | (value >> 1 & 3) << 3
        | (value >> 5 & 1) << 2;
    patch.set_u16(0, word & 0xe383 | bits)
}

fn compressed_jump(patch: &mut Patch<'_>, distance: i64) -> Result<(), Trouble> {
    let value = signed(multiple(distance, 2)?, 12)? as u16;
    let word = patch.u16(0)?;
    if word & 0x6003 != 0x2001 {
        return Err(Trouble::Instruction("`c.j` or `c.jal`"));
    }
    patch.set_u16(0, word & 0xe003 | compressed_jump_bits(value))
}

fn compressed_jump_bits(value: u16) -> u16 {
    (value >> 11 & 1) << 12
        | (value >> 4 & 1) << 11
        | (value >> 8 & 3) << 9
        | (value >> 10 & 1) << 8
        | (value >> 6 & 1) << 7
        | (value >> 7 & 1) << 6
        | (value >> 1 & 7) << 3
        | (value >> 5 & 1) << 2
}

/// `ADD`, `SUB` and `SET`: arithmetic in the bytes, modulo their width.
fn term(number: u32, patch: &mut Patch<'_>, value: i64) -> Result<(), Trouble> {
    let small = value as u32;
    match number {
        33 => patch.set_u8(0, patch.u8(0)?.wrapping_add(value as u8)),
        34 => patch.set_u16(0, patch.u16(0)?.wrapping_add(value as u16)),
        35 => patch.set_u32(0, patch.u32(0)?.wrapping_add(small)),
        36 => patch.set_u64(0, patch.u64(0)?.wrapping_add(value as u64)),
        37 => patch.set_u8(0, patch.u8(0)?.wrapping_sub(value as u8)),
        38 => patch.set_u16(0, patch.u16(0)?.wrapping_sub(value as u16)),
        39 => patch.set_u32(0, patch.u32(0)?.wrapping_sub(small)),
        40 => patch.set_u64(0, patch.u64(0)?.wrapping_sub(value as u64)),
        52 => {
            let byte = patch.u8(0)?;
            patch.set_u8(0, byte & 0xc0 | byte.wrapping_sub(value as u8) & 0x3f)
        }
        53 => patch.set_u8(0, patch.u8(0)? & 0xc0 | value as u8 & 0x3f),
        54 => patch.set_u8(0, value as u8),
        55 => patch.set_u16(0, value as u16),
        56 => patch.set_u32(0, small),
        60 => {
            // The minuend may need more bytes than the difference: it waits for the subtrahend that follows.
            patch.minuend = Some(value);
            Ok(())
        }
        _ => {
            let minuend = patch.minuend.take().ok_or(Trouble::Unpaired)?;
            set_uleb128(patch, minuend.wrapping_sub(value) as u64)
        }
    }
}

/// Stores a value in as many bytes as the place already has.
fn set_uleb128(patch: &mut Patch<'_>, mut value: u64) -> Result<(), Trouble> {
    for at in 0.. {
        let more = patch.u8(at)? & 0x80;
        patch.set_u8(at, value as u8 & 0x7f | more)?;
        value >>= 7;
        if more == 0 {
            break;
        }
    }
    match value {
        0 => Ok(()),
        _ => Err(Trouble::Range { value: value as i64, min: 0, max: 0 }),
    }
}

/// `auipc t6; jr t6`.
const FAR_JUMP: Jump = Jump { size: 8, encode: |target| auipc_jalr(31, 0, 0, target) };

/// Entry jumps: `c.j`, `jal`, `auipc` and `jr`.
static JUMPS: [Jump; 3] =
    [Jump { size: 2, encode: short_jump }, Jump { size: 4, encode: near_jump }, FAR_JUMP];

fn short_jump(target: u64) -> Option<Vec<u8>> {
    let value = signed(target as i64, 12).ok()? as u16;
    Some((0xa001 | compressed_jump_bits(value)).to_le_bytes().to_vec())
}

fn near_jump(target: u64) -> Option<Vec<u8>> {
    let value = signed(target as i64, 21).ok()? as u32;
    Some((0x6f | jump_bits(value)).to_le_bytes().to_vec())
}

/// `auipc through, …; jalr link, …(through)`.
fn auipc_jalr(through: u32, link: u32, from: u64, to: u64) -> Option<Vec<u8>> {
    let distance = to as i64 - from as i64;
    let upper = high_part(distance).ok()? << 12 | through << 7 | 0x17;
    let lower = (distance as u32 & 0xfff) << 20 | through << 15 | link << 7 | 0x67;
    let mut bytes = upper.to_le_bytes().to_vec();
    bytes.extend(lower.to_le_bytes());
    Some(bytes)
}
