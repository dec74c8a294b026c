//! Where things go: entry, garbage collection, static variables, constructors.

use anymod_link::mpy::{Compat, Memory, StaticData};
use anymod_model::Arch;
use anymod_model::arch::ARCHES;
use object::SectionKind;

use crate::objects::{Maker, codes, link_objects, options, return_code, text};

#[test]
fn the_least_module_of_every_architecture_is_its_code() {
    for row in &ARCHES {
        let linked = link_objects(&[Maker::with_entry(row.arch)], &options(row.arch)).unwrap();
        assert_eq!(text(&linked), return_code(row.arch), "{}", row.name);
        assert_eq!(linked.mpy[..2], *b"M\x06");
        assert_eq!(linked.mpy[2] >> 2, row.arch.number());
        assert_eq!(linked.mpy.last(), Some(&0xff));
    }
}

/// Size of the jump with which MicroPython's linker begins every module.
fn isa_jump(arch: Arch) -> usize {
    match arch {
        Arch::X86 | Arch::X64 => 5,
        Arch::Armv6m | Arch::Rv32imc | Arch::Rv64imc => 8,
        Arch::Armv7m | Arch::Armv7emsp | Arch::Armv7emdp => 4,
        Arch::Xtensa | Arch::Xtensawin => 3,
    }
}

#[test]
fn compatibility_mode_always_jumps_before_1_28() {
    for row in &ARCHES {
        let mut old = options(row.arch);
        old.compat = Some(Compat::V1_26);
        let linked = link_objects(&[Maker::with_entry(row.arch)], &old).unwrap();
        let code = return_code(row.arch);
        let start = isa_jump(row.arch).next_multiple_of(4);
        assert_eq!(text(&linked)[start..start + 4], *code, "{}", row.name);
        old.compat = Some(Compat::V1_28);
        let linked = link_objects(&[Maker::with_entry(row.arch)], &old).unwrap();
        assert_eq!(text(&linked)[..4], *code, "{}", row.name);
    }
}

#[test]
fn the_entry_is_found_wherever_it_is() {
    let mut maker = Maker::new(Arch::X64);
    let first = maker.text(".text.other", &[0x90; 300]);
    maker.function("other", first, 0);
    let second = maker.text(".text.mpy_init", &[0x90, 0x90, 0xc3, 0x90]);
    maker.function("mpy_init", second, 2);
    let mut keep = options(Arch::X64);
    keep.gc_sections = false;
    let code = text(&link_objects(&[maker], &keep).unwrap());
    // jmp +4: two bytes, two of padding, two of the section.
    assert_eq!(code[..7], [0xeb, 0x04, 0, 0, 0x90, 0x90, 0xc3]);
    assert_eq!(code.len(), 308);
}

#[test]
fn what_the_entry_does_not_reach_is_dropped_and_listed() {
    let mut maker = Maker::with_entry(Arch::X64);
    let dead = maker.text(".text.dead", &[0xc3; 64]);
    maker.function("dead", dead, 0);
    let missing = maker.undefined("missing");
    maker.relocation((dead, 1), 2, missing, -4);
    let linked = link_objects(&[maker], &options(Arch::X64)).unwrap();
    let sections: Vec<_> = linked.discarded.iter().map(|gone| gone.section.as_str()).collect();
    assert_eq!(sections, [".text.dead"]);
    assert_eq!(linked.sizes.text, 4);
}

/// `mpy_init` names a zeroed variable by `kind`.
fn with_bss(arch: Arch, kind: u32) -> Maker {
    let mut maker = Maker::new(arch);
    let code = maker.text(".text", &[0x8d, 0x05, 0, 0, 0, 0, 0xc3, 0x90]);
    maker.function("mpy_init", code, 0);
    let bss = maker.section(".bss", SectionKind::UninitializedData, &[0; 100], 8);
    let variable = maker.data("variable", bss, 4);
    maker.relocation((code, 2), kind, variable, -4);
    maker
}

#[test]
fn zeroed_variables_live_where_they_can_be_reached() {
    let relative = link_objects(&[with_bss(Arch::X64, 2)], &options(Arch::X64)).unwrap();
    assert_eq!((relative.sizes.bss, relative.sizes.bss_in_text), (0, 100));
    // lea 0x10-6(%rip): the variable is at 8 + 4.
    assert_eq!(text(&relative)[2], 12 - 6);
    let by_table = link_objects(&[with_bss(Arch::X64, 9)], &options(Arch::X64)).unwrap();
    assert_eq!((by_table.sizes.bss, by_table.sizes.got), (100, 8));
    let variable = by_table.map.symbols.iter().find(|symbol| symbol.name == "variable").unwrap();
    assert_eq!((variable.memory, variable.offset), (Memory::Bss, 4));
}

#[test]
fn static_data_can_be_forbidden() {
    let mut refuse = options(Arch::X64);
    refuse.static_data = StaticData::Refuse;
    assert_eq!(codes(link_objects(&[with_bss(Arch::X64, 2)], &refuse)), ["L0202"]);
    assert_eq!(codes(link_objects(&[with_bss(Arch::X64, 9)], &refuse)), [""; 0]);
    let mut compat = options(Arch::X64);
    compat.compat = Some(Compat::V1_26);
    assert_eq!(codes(link_objects(&[with_bss(Arch::X64, 2)], &compat)), ["L0401"]);
}

/// `mpy_init` with an initialised variable that a word of constants names.
fn with_data(arch: Arch, word_kind: u32) -> Maker {
    let mut maker = Maker::with_entry(arch);
    let data = maker.section(".data", SectionKind::Data, &[1, 2, 3, 4], 4);
    let variable = maker.data("variable", data, 0);
    let table = maker.section(".data.rel.ro.table", SectionKind::ReadOnlyDataWithRel, &[0; 8], 8);
    maker.relocation((table, 0), word_kind, variable, 0);
    maker
}

#[test]
fn initialised_variables_follow_the_loader() {
    let keep = |arch| {
        let mut options = options(arch);
        options.gc_sections = false;
        options
    };
    let armv7m = link_objects(&[with_data(Arch::Armv7m, 2)], &keep(Arch::Armv7m)).unwrap();
    assert_eq!((armv7m.sizes.data, armv7m.sizes.text), (4, 16 + 4));
    let apart = link_objects(&[with_data(Arch::Xtensawin, 1)], &keep(Arch::Xtensawin)).unwrap();
    assert_eq!((apart.sizes.data, apart.sizes.text, apart.sizes.rodata), (4, 4, 12));
    assert_eq!(codes(link_objects(&[with_data(Arch::Xtensa, 1)], &keep(Arch::Xtensa))), ["L0201"]);
}

/// Two constructors, the later one with priority.
fn with_constructors(arch: Arch, word_kind: u32, word: usize) -> Maker {
    let mut maker = Maker::with_entry(arch);
    for (name, array) in [("second", ".init_array"), ("first", ".init_array.00101")] {
        let code = maker.text(&format!(".text.{name}"), return_code(arch));
        let function = maker.function(name, code, 0);
        let kind = SectionKind::Data;
        let array = maker.section(array, kind, &vec![0; word], word as u64);
        maker.0.section_mut(array).flags = object::SectionFlags::Elf {
            sh_type: object::elf::SHT_INIT_ARRAY,
            sh_flags: object::elf::SHF_ALLOC | object::elf::SHF_WRITE,
        };
        maker.relocation((array, 0), word_kind, function, 0);
    }
    maker
}

#[test]
fn constructors_run_first_by_priority() {
    let linked = link_objects(&[with_constructors(Arch::X64, 1, 8)], &options(Arch::X64)).unwrap();
    let address = |name: &str| {
        linked.map.symbols.iter().find(|symbol| symbol.name == name).unwrap().offset as i64
    };
    let code = text(&linked);
    let target = |at: usize| {
        let distance = i32::from_le_bytes(code[at + 1..at + 5].try_into().unwrap());
        at as i64 + 5 + i64::from(distance)
    };
    assert_eq!((code[5], target(5)), (0xe8, address("first")));
    assert_eq!((code[10], target(10)), (0xe8, address("second")));
    assert_eq!((code[20], target(20)), (0xe9, address("mpy_init")));
}

#[test]
fn constructors_are_refused_in_compatibility_mode() {
    let mut compat = options(Arch::X64);
    compat.compat = Some(Compat::V1_26);
    assert_eq!(codes(link_objects(&[with_constructors(Arch::X64, 1, 8)], &compat)), ["L0401"]);
}

#[test]
fn a_jump_that_the_incumbent_gets_wrong_is_refused() {
    let two_sections = || {
        let mut maker = Maker::new(Arch::X64);
        let first = maker.text(".text.other", &[0x90; 16]);
        maker.function("other", first, 0);
        let second = maker.text(".text.mpy_init", return_code(Arch::X64));
        maker.function("mpy_init", second, 0);
        maker
    };
    let mut compat = options(Arch::X64);
    for (release, expected) in [(Compat::V1_26, vec![]), (Compat::V1_28, vec!["L0401"])] {
        compat.compat = Some(release);
        assert_eq!(codes(link_objects(&[two_sections()], &compat)), expected);
    }
}
