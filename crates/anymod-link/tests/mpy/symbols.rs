//! What symbols stand for: weak, tentative and duplicate definitions, COMDAT groups, the runtime's own names.

use anymod_model::{Abi, Arch};
use object::SectionKind;

use crate::objects::{Maker, codes, entry_naming, link_objects, options, text};

/// `mpy_init` as `call symbol; ret`.
fn caller(symbol: &str) -> Maker {
    entry_naming(Arch::X64, 4, symbol, &[0xe8, 0, 0, 0, 0, 0xc3, 0x90, 0x90], 1, -4)
}

fn callee(name: &str, fill: u8, weak: bool) -> Maker {
    let mut maker = Maker::new(Arch::X64);
    let code = maker.text(&format!(".text.{name}"), &[fill; 4]);
    match weak {
        true => maker.weak(name, code, 0),
        false => maker.function(name, code, 0),
    };
    maker
}

#[test]
fn strong_definitions_displace_weak_ones_in_any_order() {
    let strong_last = [caller("f"), callee("f", 0x11, true), callee("f", 0x22, false)];
    let strong_first = [caller("f"), callee("f", 0x22, false), callee("f", 0x11, true)];
    for makers in [strong_last, strong_first] {
        let code = text(&link_objects(&makers, &options(Arch::X64)).unwrap());
        assert_eq!(code[8..], [0x22; 4]);
    }
    let weak = [caller("f"), callee("f", 0x11, true), callee("f", 0x22, true)];
    let code = text(&link_objects(&weak, &options(Arch::X64)).unwrap());
    assert_eq!(code[8..], [0x11; 4], "the first of two weak ones stays");
}

#[test]
fn two_strong_definitions_are_an_error_that_names_both() {
    let makers = [caller("f"), callee("f", 1, false), callee("f", 2, false)];
    let findings = link_objects(&makers, &options(Arch::X64)).unwrap_err();
    let shown = findings.to_string();
    assert!(shown.contains("L0102") && shown.contains("b.o") && shown.contains("c.o"), "{shown}");
}

#[test]
fn tentative_definitions_become_one_of_the_greatest_size() {
    let first = entry_naming(Arch::X64, 9, "shared", &[0; 8], 0, -4);
    let mut second = Maker::new(Arch::X64);
    second.common("shared", 16, 4);
    let mut third = Maker::new(Arch::X64);
    third.common("shared", 40, 8);
    let linked = link_objects(&[first, second, third], &options(Arch::X64)).unwrap();
    assert_eq!(linked.sizes.bss, 40);
}

#[test]
fn one_copy_of_a_comdat_group_stays() {
    let copy = |fill: u8| {
        let mut maker = Maker::new(Arch::X64);
        let code = maker.text(".text.inline", &[fill; 4]);
        let symbol = maker.weak("inline", code, 0);
        maker.comdat(symbol, code);
        maker
    };
    let makers = [caller("inline"), copy(1), copy(2)];
    let linked = link_objects(&makers, &options(Arch::X64)).unwrap();
    assert_eq!(text(&linked)[8..], [1; 4]);
    assert_eq!(linked.sizes.text, 12);
}

#[test]
fn an_undefined_weak_function_is_never_reached_and_its_address_is_zero() {
    let mut maker = Maker::new(Arch::X64);
    let code =
        maker.text(".text", &[0xe8, 0, 0, 0, 0, 0x48, 0x8b, 0x05, 0, 0, 0, 0, 0xc3, 0, 0, 0]);
    maker.function("mpy_init", code, 0);
    let weak = maker.undefined_weak("nowhere");
    maker.relocation((code, 1), 4, weak, -4);
    maker.relocation((code, 8), 9, weak, -4);
    let linked = link_objects(&[maker], &options(Arch::X64)).unwrap();
    let code = text(&linked);
    assert_eq!(code[1..5], [0; 4], "the call falls through");
    assert_eq!(code[16..24], [0; 8], "the slot is zero");
    assert_eq!(linked.sizes.relocations, 1, "and nothing adjusts it");
}

#[test]
fn the_runtimes_names_become_load_relocations() {
    let slot = |name: &str| entry_naming(Arch::X64, 9, name, &[0; 8], 0, -4);
    // Operation, address of the word, end.
    let cases = [
        ("mp_fun_table", vec![8 << 1 | 1, 1 << 1, 0xff]),
        ("mp_native_qstr_table", vec![6 << 1 | 1, 1 << 1, 0xff]),
        ("mp_type_type", vec![(9 + 73) << 1 | 1, 1 << 1, 0xff]),
        ("memcpy", vec![(9 + 51) << 1 | 1, 1 << 1, 0xff]),
    ];
    for (name, expected) in cases {
        let linked = link_objects(&[slot(name)], &options(Arch::X64)).unwrap();
        assert!(linked.mpy.ends_with(&expected), "{name}: {:x?}", linked.mpy);
    }
    let mut old = options(Arch::X64);
    old.abi = Abi::V1_22;
    let linked = link_objects(&[slot("mp_type_type")], &old).unwrap();
    assert!(linked.mpy.ends_with(&[(9 + 67) << 1 | 1, 1 << 1, 0xff]));
    assert_eq!(codes(link_objects(&[slot("mp_type_Exception")], &old)), ["L0101"]);
}

#[test]
fn calls_of_the_runtime_go_through_a_veneer() {
    let linked = link_objects(&[caller("memset")], &options(Arch::X64)).unwrap();
    // call +3: the veneer is at 8, its word at 16, the second of the blob.
    assert_eq!(text(&linked)[1..5], [3, 0, 0, 0]);
    assert_eq!(text(&linked)[8..10], [0xff, 0x25]);
    assert!(linked.mpy.ends_with(&[(9 + 50) << 1 | 1, 2 << 1, 0xff]));
}

#[test]
fn rom_symbols_are_addresses_without_relocation() {
    let mut rom = options(Arch::X64);
    rom.externs.insert("rom".into(), 0x1234_5678);
    let slot = entry_naming(Arch::X64, 9, "rom", &[0; 8], 0, -4);
    let linked = link_objects(&[slot], &rom).unwrap();
    assert_eq!(text(&linked)[8..16], 0x1234_5678_u64.to_le_bytes());
    assert_eq!(linked.sizes.relocations, 1);
}

#[test]
fn undefined_symbols_are_grouped_with_their_places() {
    let mut maker = Maker::new(Arch::X64);
    let code = maker.text(".text", &[0; 64]);
    maker.function("mpy_init", code, 0);
    let missing = maker.undefined("missing");
    for at in 0..10 {
        maker.relocation((code, at * 4), 4, missing, -4);
    }
    let other = maker.undefined("strlen");
    maker.relocation((code, 40), 4, other, -4);
    let findings = link_objects(&[maker], &options(Arch::X64)).unwrap_err();
    assert_eq!(findings.0.len(), 2);
    let shown = findings.to_string();
    assert!(shown.contains("a.o:.text+0x4") && shown.contains("at 6 more places"), "{shown}");
    assert!(shown.contains("libc.a"), "{shown}");
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let build = || {
        let mut maker = caller("f");
        let table = maker.section(".rodata", SectionKind::ReadOnlyData, &[7; 32], 8);
        maker.data("table", table, 0);
        let makers = [maker, callee("f", 3, false), callee("g", 4, false)];
        let mut keep = options(Arch::X64);
        keep.gc_sections = false;
        link_objects(&makers, &keep).unwrap().mpy
    };
    assert_eq!(build(), build());
}

#[test]
fn thumb_veneers_are_thumb_code_and_go_to_thumb_code() {
    let bl = [0xff, 0xf7, 0xfe, 0xff, 0x70, 0x47, 0, 0xbf];
    let mut rom = options(Arch::Armv7m);
    rom.externs.insert("rom".into(), 0x0800_0100);
    let maker = entry_naming(Arch::Armv7m, 10, "rom", &bl, 0, 0);
    let code = text(&link_objects(&[maker], &rom).unwrap());
    // bl +4, to the veneer at 8; its word follows at 12.
    assert_eq!(code[..4], [0x00, 0xf0, 0x02, 0xf8]);
    assert_eq!(code[8..16], [0xdf, 0xf8, 0, 0xf0, 0x01, 0x01, 0x00, 0x08]);
    let maker = entry_naming(Arch::Armv7m, 3, "memset", &[0; 8], 4, 0);
    let code = text(&link_objects(&[maker], &options(Arch::Armv7m)).unwrap());
    assert_eq!(code[4..8], [8 - 4 + 1, 0, 0, 0], "the address of a function, as data");
}
