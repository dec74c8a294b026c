//! Relocations of every instruction set at their limits, as the psABIs define them.

use anymod_model::Arch;

use crate::objects::{Maker, codes, link_objects, options, text};

/// `mpy_init` with `code` and a relocation at 0 to a function `distance` bytes further on.
fn branch(arch: Arch, kind: u32, code: &[u8], distance: usize, addend: i64) -> Maker {
    let mut maker = Maker::new(arch);
    let mut bytes = code.to_vec();
    bytes.resize(distance + 4, 0);
    let section = maker.text(".text", &bytes);
    maker.function("mpy_init", section, 0);
    let target = maker.function("target", section, distance as u64);
    maker.relocation((section, 0), kind, target, addend);
    maker
}

/// A branch and how far it reaches: architecture, relocation, instruction, the last distance in reach, the first out of
/// it.
type Case = (Arch, u32, &'static [u8], usize, usize);

const BL: &[u8] = &[0xff, 0xf7, 0xfe, 0xff];
const B_NARROW: &[u8] = &[0xfe, 0xe7];
const BEQ_NARROW: &[u8] = &[0xfe, 0xd0];
const BEQ_WIDE: &[u8] = &[0x3f, 0xf4, 0xfe, 0xaf];
const RV_BEQ: &[u8] = &[0x63, 0, 0, 0];
const RV_JAL: &[u8] = &[0xef, 0, 0, 0];
const RV_C_J: &[u8] = &[0x01, 0xa0];
const RV_C_BEQZ: &[u8] = &[0x01, 0xc1];
const XT_J: &[u8] = &[0x06, 0, 0];
const XT_CALL0: &[u8] = &[0x05, 0, 0];

const CASES: [Case; 11] = [
    (Arch::Armv7m, 10, BL, 0x100_0002, 0x100_0004),
    (Arch::Armv6m, 10, BL, 0x100_0002, 0x100_0004),
    (Arch::Armv7m, 102, B_NARROW, 2050, 2052),
    (Arch::Armv7m, 103, BEQ_NARROW, 258, 260),
    (Arch::Armv7m, 51, BEQ_WIDE, 0x10_0002, 0x10_0004),
    (Arch::Rv32imc, 16, RV_BEQ, 4094, 4096),
    (Arch::Rv32imc, 17, RV_JAL, 0xf_fffe, 0x10_0000),
    (Arch::Rv64imc, 45, RV_C_J, 2046, 2048),
    (Arch::Rv64imc, 44, RV_C_BEQZ, 254, 256),
    (Arch::Xtensa, 20, XT_J, 0x2_0003, 0x2_0004),
    (Arch::Xtensawin, 20, XT_CALL0, 0x8_0000, 0x8_0004),
];

#[test]
fn branches_reach_as_far_as_their_fields_and_no_further() {
    for (arch, kind, code, last, first_out) in CASES {
        let result = link_objects(&[branch(arch, kind, code, last, 0)], &options(arch));
        assert_eq!(codes(result), [""; 0], "{arch} {kind} at {last:#x}");
        let result = link_objects(&[branch(arch, kind, code, first_out, 0)], &options(arch));
        assert_eq!(codes(result), ["L0302"], "{arch} {kind} at {first_out:#x}");
    }
}

#[test]
fn thumb_branches_use_all_their_bits() {
    // bl from 0 to 0x800000: distance 0x7ffffc, so I1 is 0 and I2 is 1: J1 = 1, J2 = 0.
    let maker = branch(Arch::Armv7m, 10, BL, 0x80_0000, 0);
    let code = text(&link_objects(&[maker], &options(Arch::Armv7m)).unwrap());
    assert_eq!(code[..4], [0xff, 0xf3, 0xfe, 0xf7]);
}

#[test]
fn odd_distances_and_foreign_instructions_are_refused() {
    let odd = branch(Arch::Rv32imc, 17, RV_JAL, 101, 0);
    assert_eq!(codes(link_objects(&[odd], &options(Arch::Rv32imc))), ["L0303"]);
    let foreign = branch(Arch::Rv32imc, 17, RV_BEQ, 100, 0);
    assert_eq!(codes(link_objects(&[foreign], &options(Arch::Rv32imc))), ["L0310"]);
    let unknown = branch(Arch::Rv32imc, 191, RV_JAL, 100, 0);
    assert_eq!(codes(link_objects(&[unknown], &options(Arch::Rv32imc))), ["L0301"]);
}

#[test]
fn thumb_functions_have_bit_0_in_data_only() {
    let mut maker = Maker::with_entry(Arch::Armv7m);
    let entry = maker.0.symbol_id(b"mpy_init").unwrap();
    maker.0.symbol_mut(entry).value = 1;
    let table = maker.section(".rodata", object::SectionKind::ReadOnlyData, &[0; 4], 4);
    maker.relocation((table, 0), 2, entry, 0);
    let mut keep = options(Arch::Armv7m);
    keep.gc_sections = false;
    let code = text(&link_objects(&[maker], &keep).unwrap());
    assert_eq!(code[..2], [0x70, 0x47], "no jump: the function is at 0");
    assert_eq!(code[4..8], [1, 0, 0, 0]);
}

#[test]
fn thumb_move_pairs_hold_a_distance_but_no_address() {
    // movw r0, #0; movt r0, #0; then the target.
    let mut code = vec![0x40, 0xf2, 0, 0, 0xc0, 0xf2, 0, 0];
    code.resize(0x1_2348, 0);
    let build = |low: u32, high: u32| {
        let mut maker = Maker::new(Arch::Armv7m);
        let section = maker.text(".text", &code);
        maker.function("mpy_init", section, 0);
        let target = maker.local("target", section, 0x1_2344);
        maker.relocation((section, 0), low, target, 0);
        maker.relocation((section, 4), high, target, 0);
        link_objects(&[maker], &options(Arch::Armv7m))
    };
    let linked = text(&build(49, 50).unwrap());
    // 0x12344: imm4 2, i 0, imm3 3, imm8 0x44; then 0x12340 >> 16 is 1.
    assert_eq!(linked[..8], [0x42, 0xf2, 0x44, 0x30, 0xc0, 0xf2, 0x01, 0x00]);
    assert_eq!(codes(build(47, 48)), ["L0304", "L0304"]);
}

#[test]
fn riscv_low_parts_follow_their_high_part() {
    // auipc a0, 0; addi a0, a0, 0; the target 0x1800 further on, so the high part is rounded up.
    let mut maker = Maker::new(Arch::Rv64imc);
    let mut code = vec![0x17, 0x05, 0, 0, 0x13, 0x05, 0x05, 0];
    code.resize(0x1804, 0);
    let section = maker.text(".text", &code);
    maker.function("mpy_init", section, 0);
    let target = maker.local("target", section, 0x1800);
    let label = maker.local(".L0", section, 0);
    maker.relocation((section, 0), 23, target, 0);
    maker.relocation((section, 4), 24, label, 0);
    let code = text(&link_objects(&[maker], &options(Arch::Rv64imc)).unwrap());
    assert_eq!(code[..8], [0x17, 0x25, 0, 0, 0x13, 0x05, 0x05, 0x80]);
}

#[test]
fn riscv_absolute_pairs_become_relative() {
    // lui a5, 0; lw a0, 0(a5); ret; the target.
    let mut maker = Maker::new(Arch::Rv32imc);
    let code = [0xb7, 0x07, 0, 0, 0x03, 0xa5, 0x07, 0, 0x67, 0x80, 0, 0, 1, 2, 3, 4];
    let section = maker.text(".text", &code);
    maker.function("mpy_init", section, 0);
    let target = maker.local("target", section, 12);
    maker.relocation((section, 0), 26, target, 0);
    maker.relocation((section, 4), 27, target, 0);
    let code = text(&link_objects(&[maker], &options(Arch::Rv32imc)).unwrap());
    // auipc a5, 0; lw a0, 12(a5).
    assert_eq!(code[..8], [0x97, 0x07, 0, 0, 0x03, 0xa5, 0xc7, 0]);
}

#[test]
fn riscv_absolute_pairs_that_cannot_be_followed_go_through_a_thunk() {
    // lui a5, 0; beqz a0, +4; lw a0, 0(a5); ret: the branch is where following ends.
    let mut maker = Maker::new(Arch::Rv32imc);
    let code = [0xb7, 0x07, 0, 0, 0x63, 0x02, 0x05, 0, 0x03, 0xa5, 0x07, 0, 0x67, 0x80, 0, 0];
    let section = maker.text(".text", &code);
    maker.function("mpy_init", section, 0);
    let target = maker.local("target", section, 12);
    maker.relocation((section, 0), 26, target, 0);
    maker.relocation((section, 8), 27, target, 4);
    let code = text(&link_objects(&[maker], &options(Arch::Rv32imc)).unwrap());
    let word = |at: usize| u32::from_le_bytes(code[at..at + 4].try_into().unwrap());
    assert_eq!(word(0), 0x0100_006f, "j +16");
    assert_eq!(word(8), 0x0047_a503, "lw a0, 4(a5): the addend's difference");
    assert_eq!((word(16), word(20)), (0x0000_0797, 0xffc7_8793), "auipc a5, 0; addi a5, a5, -4");
    assert_eq!(word(24), 0xfedf_f06f, "j -20");
}

#[test]
fn xtensa_literals_are_shared_and_keep_their_addends() {
    let mut maker = Maker::new(Arch::Xtensa);
    let literal = maker.text(".literal.mpy_init", &[7, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0]);
    // l32r a2 three times, ret.n
    let code = [0x21, 0, 0, 0x21, 0, 0, 0x21, 0, 0, 0x0d, 0xf0, 0];
    let section = maker.text(".text.mpy_init", &code);
    maker.function("mpy_init", section, 0);
    let table = maker.undefined("mp_native_qstr_table");
    maker.relocation((literal, 4), 1, table, 2);
    let label = maker.local("pool", literal, 0);
    for (at, addend) in [(0, 0), (3, 4), (6, 8)] {
        maker.relocation((section, at), 20, label, addend);
    }
    let linked = link_objects(&[maker], &options(Arch::Xtensa)).unwrap();
    let code = text(&linked);
    assert_eq!((linked.sizes.got, linked.sizes.literals), (4, 4));
    // j, padding, the address with its addend, the value; then the code at 12.
    assert_eq!(code[4..12], [2, 0, 0, 0, 7, 0, 0, 0]);
    let words = |at: usize| i16::from_le_bytes([code[at + 1], code[at + 2]]);
    assert_eq!((words(12), words(15), words(18)), (-1, -3, -3));
    assert!(linked.mpy.ends_with(&[6 << 1 | 1, 1 << 1, 0xff]));
}
