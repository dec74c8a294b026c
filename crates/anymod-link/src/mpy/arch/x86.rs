//! 32-bit x86.
//!
//! Code learns its own address by calling a thunk that returns it, adds the distance to the global offset table
//! (`R_386_GOTPC`: `GOT + A - P`) and keeps the result in a register. From there, data of the module is named by its
//! distance from the table (`GOTOFF`), anything else by its slot's offset in the table (`GOT32`, and `GOT32X` where the
//! instruction may be rewritten). Addends are in the bytes (`SHT_REL`). A `GOT32X` field without a base register would
//! be the slot's absolute address, which no loader can fill in.
//!
//! Names and numbers: i386 psABI 1.1, table 4.9.

use super::patch::{Patch, Trouble, signed};
use super::{Isa, Jump, Kind, Starter, Usage, Veneer, kind};

/// 32-bit x86.
pub(crate) static ISA: Isa = Isa {
    relocations: &RELOCATIONS,
    apply,
    skips_table,
    compat_got: &[2, 3, 43],
    compat_jump: NEAR_JUMP,
    jumps: &JUMPS,
    veneer: Some(Veneer {
        code: &[
            0xe8, 0x00, 0x00, 0x00, 0x00, // call 1f
            0x59, // 1: pop %ecx (no argument travels in it)
            0xff, 0x61, 0x07, // jmp *(2f - 1b)(%ecx)
            0x0f, 0x0b, 0x90, // ud2; nop: padding that is never reached; 2: the word
        ],
        align: 4,
    }),
    starter: Some(Starter {
        open: &[0x83, 0xec, 0x0c],  // sub $12, %esp: aligned to 16 at each call
        close: &[0x83, 0xc4, 0x0c], // add $12, %esp
        tail: &[],
        call_size: 5,
        call,
        enter: jump,
    }),
    high: &[],
    has_literals: false,
    has_stored_addends: false,
};

static RELOCATIONS: [Kind; 30] = [
    kind(0, "R_386_NONE", Usage::Nothing),
    kind(1, "R_386_32", Usage::Word),
    kind(2, "R_386_PC32", Usage::Relative),
    kind(3, "R_386_GOT32", Usage::GotSlot),
    kind(4, "R_386_PLT32", Usage::Branch(4)),
    kind(9, "R_386_GOTOFF", Usage::GotRelative),
    kind(10, "R_386_GOTPC", Usage::GotBase),
    kind(14, "R_386_TLS_TPOFF", Usage::ThreadLocal),
    kind(15, "R_386_TLS_IE", Usage::ThreadLocal),
    kind(16, "R_386_TLS_GOTIE", Usage::ThreadLocal),
    kind(17, "R_386_TLS_LE", Usage::ThreadLocal),
    kind(18, "R_386_TLS_GD", Usage::ThreadLocal),
    kind(19, "R_386_TLS_LDM", Usage::ThreadLocal),
    kind(20, "R_386_16", Usage::AbsolutePiece),
    kind(21, "R_386_PC16", Usage::Relative),
    kind(22, "R_386_8", Usage::AbsolutePiece),
    kind(23, "R_386_PC8", Usage::Relative),
    kind(24, "R_386_TLS_GD_32", Usage::ThreadLocal),
    kind(28, "R_386_TLS_LDM_32", Usage::ThreadLocal),
    kind(32, "R_386_TLS_LDO_32", Usage::ThreadLocal),
    kind(33, "R_386_TLS_IE_32", Usage::ThreadLocal),
    kind(34, "R_386_TLS_LE_32", Usage::ThreadLocal),
    kind(35, "R_386_TLS_DTPMOD32", Usage::ThreadLocal),
    kind(36, "R_386_TLS_DTPOFF32", Usage::ThreadLocal),
    kind(37, "R_386_TLS_TPOFF32", Usage::ThreadLocal),
    kind(38, "R_386_SIZE32", Usage::AbsolutePiece),
    kind(39, "R_386_TLS_GOTDESC", Usage::ThreadLocal),
    kind(40, "R_386_TLS_DESC_CALL", Usage::ThreadLocal),
    kind(41, "R_386_TLS_DESC", Usage::ThreadLocal),
    kind(43, "R_386_GOT32X", Usage::GotSlot),
];

fn apply(number: u32, patch: &mut Patch<'_>) -> Result<(), Trouble> {
    let wrap = |value: i64| value as u32;
    match number {
        2 | 4 => {
            let value = patch.symbol + patch.addend32()? - patch.place;
            patch.set_u32(0, wrap(value))
        }
        43 if patch.skips_table => {
            let value = patch.symbol + patch.addend32()? - patch.got;
            patch.set_before(2, 0x8d); // lea
            patch.set_u32(0, wrap(value))
        }
        3 | 43 => {
            // A ModR/M byte of mod 00, r/m 101 in front of the field: no base register.
            if patch.before(1).is_some_and(|modrm| modrm & 0xc7 == 0x05) {
                return Err(Trouble::NotPositionIndependent);
            }
            let value = patch.slot - patch.got + patch.addend32()?;
            patch.set_u32(0, wrap(value))
        }
        9 => {
            let value = patch.symbol + patch.addend32()? - patch.got;
            patch.set_u32(0, wrap(value))
        }
        10 => {
            let value = patch.got + patch.addend32()? - patch.place;
            patch.set_u32(0, wrap(value))
        }
        21 => {
            let addend = patch.addend.unwrap_or(i64::from(patch.u16(0)? as i16));
            let value = signed(patch.symbol + addend - patch.place, 16)?;
            patch.set_u16(0, value as u16)
        }
        23 => {
            let addend = patch.addend.unwrap_or(i64::from(patch.u8(0)? as i8));
            let value = signed(patch.symbol + addend - patch.place, 8)?;
            patch.set_u8(0, value as u8)
        }
        _ => Err(Trouble::NotPositionIndependent),
    }
}

/// `mov` from the slot by a base register and a 32-bit displacement (psABI, "Optimize R_386_GOT32X").
fn skips_table(number: u32, code: &[u8], offset: usize) -> bool {
    let at = |back: usize| offset.checked_sub(back).and_then(|at| code.get(at)).copied();
    let has_base = at(1).is_some_and(|modrm| modrm & 0xc0 == 0x80 && modrm & 7 != 4);
    number == 43 && at(2) == Some(0x8b) && has_base
}

/// `jmp rel32`.
pub(crate) const NEAR_JUMP: Jump = Jump { size: 5, encode: |target| jump(0, target) };

/// Entry jumps of both x86 architectures: `jmp rel8`, `jmp rel32`.
pub(crate) static JUMPS: [Jump; 2] = [Jump { size: 2, encode: short_jump }, NEAR_JUMP];

fn short_jump(target: u64) -> Option<Vec<u8>> {
    let distance = i8::try_from(target.checked_sub(2)?).ok()?;
    Some(vec![0xeb, distance as u8])
}

/// `jmp rel32`.
pub(crate) fn jump(from: u64, to: u64) -> Option<Vec<u8>> {
    near(0xe9, from, to)
}

/// `call rel32`.
pub(crate) fn call(from: u64, to: u64) -> Option<Vec<u8>> {
    near(0xe8, from, to)
}

fn near(opcode: u8, from: u64, to: u64) -> Option<Vec<u8>> {
    let distance = i32::try_from(to as i64 - from as i64 - 5).ok()?;
    let mut bytes = vec![opcode];
    bytes.extend(distance.to_le_bytes());
    Some(bytes)
}
