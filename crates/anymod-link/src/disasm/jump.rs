//! The jump to `mpy_init` that linkers put at the beginning of a module's code.

use anymod_model::Arch;

/// Where an unconditional jump at the beginning of `code` leads, relative to that beginning; `None` if the code begins
/// with something else, as it does when `mpy_init` itself comes first.
///
/// Knows every form that `mpy_ld.py` and anymod write, among them armv6m's detour over a pushed `lr` and RISC-V's
/// `auipc` and `jalr`.
#[must_use]
pub fn jump_target(arch: Arch, code: &[u8]) -> Option<i64> {
    match arch {
        Arch::X86 | Arch::X64 => x86(code),
        Arch::Armv6m | Arch::Armv7m | Arch::Armv7emsp | Arch::Armv7emdp => thumb(code),
        Arch::Xtensa | Arch::Xtensawin => xtensa(code),
        Arch::Rv32imc | Arch::Rv64imc => riscv(code),
    }
}

fn half(code: &[u8], at: usize) -> Option<u32> {
    Some(u32::from(*code.get(at)?) | u32::from(*code.get(at + 1)?) << 8)
}

fn word(code: &[u8], at: usize) -> Option<u32> {
    Some(half(code, at)? | half(code, at + 2)? << 16)
}

/// The low `bits` of a value as a signed number.
fn signed(value: u32, bits: u32) -> i64 {
    i64::from((value << (32 - bits)) as i32 >> (32 - bits))
}

/// `jmp` with 32 or 8 bits.
fn x86(code: &[u8]) -> Option<i64> {
    match code.first()? {
        0xe9 => Some(5 + signed(word(code, 1)?, 32)),
        0xeb => Some(2 + signed(u32::from(*code.get(1)?), 8)),
        _ => None,
    }
}

/// `b`, `b.w`, or `push {r0, lr}; bl; pop {r0, pc}`.
fn thumb(code: &[u8]) -> Option<i64> {
    let first = half(code, 0)?;
    if first & 0xf800 == 0xe000 {
        return Some(4 + signed(first << 1, 12));
    }
    if first == 0xb501 && half(code, 6) == Some(0xbd01) {
        return Some(2 + thumb_wide(code, 2, 0xd000)?);
    }
    thumb_wide(code, 0, 0x9000)
}

/// The four-byte branch (`kind` 0x9000) or call (0xd000) at `at`, relative to itself.
fn thumb_wide(code: &[u8], at: usize, kind: u32) -> Option<i64> {
    let (high, low) = (half(code, at)?, half(code, at + 2)?);
    if high & 0xf800 != 0xf000 || low & 0xd000 != kind {
        return None;
    }
    let sign = high >> 10 & 1;
    let upper = |bit: u32| !(low >> bit ^ sign) & 1;
    let offset =
        sign << 24 | upper(13) << 23 | upper(11) << 22 | (high & 0x3ff) << 12 | (low & 0x7ff) << 1;
    Some(4 + signed(offset, 25))
}

/// `j`.
fn xtensa(code: &[u8]) -> Option<i64> {
    let low = half(code, 0)?;
    let word = u32::from(*code.get(2)?) << 16 | low;
    (low & 0x3f == 0x06).then(|| 4 + signed(word >> 6, 18))
}

/// `c.j`, `jal zero`, or `auipc` and `jalr zero`.
fn riscv(code: &[u8]) -> Option<i64> {
    let low = half(code, 0)?;
    if low & 0xe003 == 0xa001 {
        return Some(compressed_jump(low));
    }
    let first = word(code, 0)?;
    if first & 0xfff == 0x06f {
        let bit = |from: u32, width: u32, to: u32| (first >> from & ((1 << width) - 1)) << to;
        let offset = bit(31, 1, 20) | bit(12, 8, 12) | bit(20, 1, 11) | bit(21, 10, 1);
        return Some(signed(offset, 21));
    }
    let second = word(code, 4)?;
    let register = first >> 7 & 0x1f;
    if first & 0x7f != 0x17 || second & 0xfffff != (register << 15 | 0x67) {
        return None;
    }
    Some(signed(first & 0xffff_f000, 32) + signed(second >> 20, 12))
}

/// The scattered offset of `c.j`.
fn compressed_jump(half: u32) -> i64 {
    let bit = |from: u32, width: u32, to: u32| (half >> from & ((1 << width) - 1)) << to;
    let offset = bit(12, 1, 11)
        | bit(11, 1, 4)
        | bit(9, 2, 8)
        | bit(8, 1, 10)
        | bit(7, 1, 6)
        | bit(6, 1, 7)
        | bit(3, 3, 1)
        | bit(2, 1, 5);
    signed(offset, 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Encodings as GNU as makes them.
    const KNOWN: &[(Arch, &[u8], Option<i64>)] = &[
        (Arch::X64, &[0xe9, 0x3b, 0x01, 0x00, 0x00], Some(0x140)),
        (Arch::X86, &[0xeb, 0xfe], Some(0)),
        (Arch::X64, &[0x55, 0x48, 0x89, 0xe5], None),
        (Arch::Armv7m, &[0x06, 0xe0], Some(16)),
        (Arch::Armv7m, &[0xfe, 0xe7], Some(0)),
        (Arch::Armv7m, &[0x01, 0xf0, 0x00, 0xb8], Some(0x1004)),
        (Arch::Armv7m, &[0xff, 0xf7, 0xfe, 0xbf], Some(0)),
        (Arch::Armv7m, &[0xba, 0xf4, 0xc2, 0xbc], Some(-0x34_5678)),
        (Arch::Armv6m, &[0x01, 0xb5, 0x01, 0xf0, 0x00, 0xf8, 0x01, 0xbd], Some(0x1006)),
        (Arch::Armv6m, &[0x10, 0xb5, 0x00, 0xbf], None),
        (Arch::Xtensa, &[0x06, 0x00, 0x00], Some(4)),
        (Arch::Xtensawin, &[0x46, 0xff, 0xff], Some(1)),
        (Arch::Xtensawin, &[0x36, 0x41, 0x00], None),
        (Arch::Rv32imc, &[0x01, 0xa0], Some(0)),
        (Arch::Rv32imc, &[0x11, 0xa0], Some(4)),
        (Arch::Rv32imc, &[0xf5, 0xbf], Some(-4)),
        (Arch::Rv32imc, &[0xed, 0xbf], Some(-6)),
        (Arch::Rv32imc, &[0xfd, 0xaf], Some(0x7fe)),
        (Arch::Rv32imc, &[0x6d, 0xbc], Some(-0x546)),
        (Arch::Rv32imc, &[0x6f, 0x10, 0x00, 0x00], Some(0x1000)),
        (Arch::Rv32imc, &[0x6f, 0xb0, 0xfa, 0x4d], Some(0xa_bcde)),
        (Arch::Rv32imc, &[0x6f, 0xb0, 0xfa, 0xcd], Some(-0x5_4322)),
        (Arch::Rv64imc, &[0x6f, 0xf0, 0xdf, 0xff], Some(-4)),
        (Arch::Rv32imc, &[0x97, 0x1f, 0x00, 0x00, 0x67, 0x80, 0xcf, 0xff], Some(0xffc)),
        (Arch::Rv32imc, &[0x41, 0x11, 0x06, 0xc6, 0, 0, 0, 0], None),
    ];

    #[test]
    fn known_jumps() {
        for (arch, code, target) in KNOWN {
            assert_eq!(jump_target(*arch, code), *target, "{arch} {code:x?}");
        }
    }

    #[test]
    fn short_code_is_no_jump() {
        for (arch, code, target) in KNOWN {
            if target.is_some() {
                assert_eq!(jump_target(*arch, &code[..code.len() - 1]), None, "{arch} {code:x?}");
            }
        }
    }
}
