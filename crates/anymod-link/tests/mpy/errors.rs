//! Every way in which an input can be wrong has its code, and one link reports all of them.

use anymod_link::mpy::{Options, link};
use anymod_model::Arch;
use object::SectionKind;

use crate::objects::{Maker, codes, entry_naming, inputs, link_objects, options, text};

fn link_bytes(data: Vec<u8>, options: &Options) -> Vec<&'static str> {
    let files = [("main.o", Maker::with_entry(options.arch).bytes()), ("bad.o", data)];
    codes(link(&inputs(&files), &[], options))
}

#[test]
fn foreign_files_are_refused_by_name() {
    let x64 = options(Arch::X64);
    let mut big_endian = Maker::with_entry(Arch::X64).bytes();
    big_endian[5] = 2;
    let mut executable = Maker::with_entry(Arch::X64).bytes();
    executable[16] = 2;
    let mut narrow = Maker::with_entry(Arch::Rv32imc).bytes();
    narrow[18] = 62;
    narrow[19] = 0;
    let cases = [
        (Vec::new(), "L0012"),
        (b"int x;\n".to_vec(), "L0001"),
        (b"BC\xc0\xde....".to_vec(), "L0007"),
        (b"\0asm\x01\0\0\0".to_vec(), "L0008"),
        (b"\x7fELF".to_vec(), "L0002"),
        (big_endian, "L0003"),
        (executable, "L0006"),
        (narrow, "L0004"),
        (Maker::with_entry(Arch::Armv7m).bytes(), "L0005"),
    ];
    for (data, expected) in cases {
        assert_eq!(link_bytes(data, &x64), [expected]);
    }
}

#[test]
fn gcc_objects_without_code_are_recognised() {
    let mut maker = Maker::new(Arch::X64);
    maker.section(".gnu.lto_.decls.0", SectionKind::Other, &[1; 16], 1);
    assert_eq!(link_bytes(maker.bytes(), &options(Arch::X64)), ["L0007"]);
}

#[test]
fn every_wrong_input_of_one_link_is_reported() {
    let files = [("a.o", Vec::new()), ("b.o", b"\0asm".to_vec()), ("c.o", b"hello".to_vec())];
    let found = codes(link(&inputs(&files), &[], &options(Arch::X64)));
    assert_eq!(found, ["L0012", "L0008", "L0001"]);
}

#[test]
fn errors_of_every_phase_come_together() {
    let duplicate = || {
        let mut maker = Maker::new(Arch::X64);
        let section = maker.text(".text", &[0xc3; 8]);
        maker.function("twice", section, 0);
        maker
    };
    let mut maker = entry_naming(Arch::X64, 4, "missing", &[0; 16], 0, -4);
    let far = maker.section(".rodata", SectionKind::ReadOnlyData, &[0; 8], 8);
    let entry = maker.0.symbol_id(b"mpy_init").unwrap();
    maker.relocation((far, 0), 13, entry, 0x10_0000);
    let mut keep = options(Arch::X64);
    keep.gc_sections = false;
    let found = codes(link_objects(&[maker, duplicate(), duplicate()], &keep));
    assert_eq!(found, ["L0102", "L0101", "L0302"]);
}

#[test]
fn a_module_needs_its_entry() {
    let mut maker = Maker::new(Arch::X64);
    let section = maker.text(".text", &[0xc3]);
    maker.function("other", section, 0);
    assert_eq!(codes(link_objects(&[maker], &options(Arch::X64))), ["L0103"]);
    let mut maker = Maker::new(Arch::X64);
    let section = maker.section(".data", SectionKind::Data, &[0; 8], 8);
    maker.data("mpy_init", section, 0);
    assert_eq!(codes(link_objects(&[maker], &options(Arch::X64))), ["L0105"]);
}

#[test]
fn impossible_relocations_say_why() {
    let code = &[0; 16][..];
    let cases = [
        (Arch::X64, 10, "mpy_init", "L0304"),
        (Arch::X64, 22, "mpy_init", "L0203"),
        (Arch::X64, 2, "mp_type_type", "L0308"),
        (Arch::X64, 25, "mp_fun_table", "L0308"),
        (Arch::X86, 1000 % 256, "mpy_init", "L0301"),
        (Arch::Armv7m, 48, "mpy_init", "L0304"),
        (Arch::Rv32imc, 29, "mpy_init", "L0203"),
        (Arch::Xtensa, 14, "mp_fun_table", "L0308"),
    ];
    for (arch, kind, symbol, expected) in cases {
        let maker = match symbol {
            "mpy_init" => {
                let mut maker = Maker::new(arch);
                let section = maker.text(".text", code);
                let entry = maker.function("mpy_init", section, 0);
                maker.relocation((section, 8), kind, entry, 0);
                maker
            }
            _ => entry_naming(arch, kind, symbol, code, 8, 0),
        };
        assert_eq!(codes(link_objects(&[maker], &options(arch))), [expected], "{arch} {kind}");
    }
}

#[test]
fn words_must_be_aligned_and_inside() {
    let build = |offset: u64| {
        let mut maker = Maker::with_entry(Arch::X64);
        let table = maker.section(".rodata", SectionKind::ReadOnlyData, &[0; 16], 8);
        let symbol = maker.undefined("mp_fun_table");
        maker.relocation((table, offset), 1, symbol, 0);
        let mut keep = options(Arch::X64);
        keep.gc_sections = false;
        codes(link_objects(&[maker], &keep))
    };
    assert_eq!(build(8), [""; 0]);
    assert_eq!(build(4), ["L0305"]);
    assert_eq!(build(16), ["L0002"]);
}

#[test]
fn names_that_no_runtime_can_intern_are_refused() {
    let mut long = options(Arch::X64);
    long.qstrs = vec!["x".repeat(256)];
    assert_eq!(codes(link_objects(&[Maker::with_entry(Arch::X64)], &long)), ["L0503"]);
    long.qstrs = vec!["x".repeat(255)];
    assert_eq!(text(&link_objects(&[Maker::with_entry(Arch::X64)], &long).unwrap()).len(), 4);
}

#[test]
fn thread_local_variables_are_refused() {
    let mut maker = Maker::new(Arch::X64);
    let code = maker.text(".text", &[0; 8]);
    maker.function("mpy_init", code, 0);
    let section = maker.section(".tdata", SectionKind::Tls, &[0; 8], 8);
    let variable = maker.local("variable", section, 0);
    maker.relocation((code, 0), 2, variable, 0);
    assert_eq!(codes(link_objects(&[maker], &options(Arch::X64))), ["L0203"]);
}

#[test]
fn absurd_sizes_are_refused_without_being_allocated() {
    let mut maker = Maker::new(Arch::X64);
    let code = maker.text(".text", &[0; 8]);
    maker.function("mpy_init", code, 0);
    let bss = maker.0.add_section(Vec::new(), b".bss".to_vec(), SectionKind::UninitializedData);
    maker.0.append_section_bss(bss, 1 << 60, 8);
    let variable = maker.local("variable", bss, 0);
    maker.relocation((code, 0), 2, variable, 0);
    assert_eq!(codes(link_objects(&[maker], &options(Arch::X64))), ["L0205"]);
}
