//! What the checker finds, one damaged spot at a time, and that it finds everything at once.

#![expect(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

use anymod_model::{Abi, Arch};
use anymod_pack::mpy::{
    Address, Body, Code, Destination, Header, Loader, Mpy, Object, Offset, Qstr, QstrText,
    Relocation, check,
};

const NATIVE: Code = Code {
    data: Vec::new(),
    body: Body::Viper { scope_flags: 0x70, rodata: Vec::new(), bss: 8 },
    children: None,
    relocations: None,
    offset: Offset(0),
};

/// A module as a linker makes it: eight words of code of which the last two are relocated, a word of rodata, bss.
fn native() -> Mpy {
    let relocation = |destination, word, count| Relocation {
        destination,
        address: Some(Address { in_rodata: false, word }),
        count,
        offset: Offset(0),
    };
    let code = Code {
        data: vec![0; 32],
        body: Body::Viper { scope_flags: 0x70, rodata: vec![0; 4], bss: 8 },
        relocations: Some(vec![
            relocation(Destination::FunTable, 6, None),
            relocation(Destination::Text, 7, Some(1)),
        ]),
        ..NATIVE
    };
    let header = Header { sub_version: 3, arch_number: 5, small_int_bits: 31, arch_flags: None };
    let qstrs = vec![Qstr::new("module.mpy"), Qstr::new("append")];
    Mpy { header, qstrs, objects: vec![], code, trailing: vec![], overlong: None }
}

/// A module of bytecode: `instructions` after a prelude, with one function inside.
fn bytecode(instructions: &[u8]) -> Mpy {
    let piece = |instructions: &[u8], children| Code {
        data: [&[0x00, 0x02, 0x01], instructions].concat(),
        body: Body::Bytecode,
        children,
        ..NATIVE
    };
    let code = piece(instructions, Some(vec![piece(&[0x51, 0x63], None)]));
    let header = Header { sub_version: 0, arch_number: 0, small_int_bits: 31, arch_flags: None };
    let qstrs = vec![Qstr::new("m.py"), Qstr::new("<module>")];
    Mpy { header, qstrs, objects: vec![Object::None], code, trailing: vec![], overlong: None }
}

fn loader() -> Loader {
    Loader::new(Abi::LATEST, Arch::Armv7m)
}

/// Codes of all findings, warnings too.
fn codes_with(mpy: &Mpy, loader: &Loader) -> Vec<&'static str> {
    let findings = match check(&mpy.write(), "m.mpy", loader) {
        Ok(checked) => checked.warnings,
        Err(errors) => errors.0,
    };
    findings.iter().map(|finding| finding.code.id).collect()
}

fn codes(change: impl FnOnce(&mut Mpy)) -> Vec<&'static str> {
    let mut mpy = native();
    change(&mut mpy);
    codes_with(&mpy, &loader())
}

fn relocations(mpy: &mut Mpy) -> &mut Vec<Relocation> {
    mpy.code.relocations.as_mut().unwrap()
}

#[test]
fn sound_files_pass() {
    assert_eq!(codes(|_| ()), [""; 0]);
    let all = [0x32, 0x00, 0x23, 0x00, 0x16, 0x01, 0x42, 0x40, 0x51, 0x63];
    assert_eq!(codes_with(&bytecode(&all), &loader()), [""; 0]);
}

#[test]
fn heads_are_held_against_the_loader() {
    assert_eq!(codes(|mpy| mpy.header.sub_version = 2), ["P0201"]);
    assert_eq!(codes(|mpy| mpy.header.arch_number = 7), ["P0202"]);
    assert_eq!(codes(|mpy| mpy.header.arch_number = 4), [""; 0], "armv6m on armv7m");
    assert_eq!(codes(|mpy| mpy.header.arch_number = 3), ["P0202"], "armv6 is no Thumb");
    assert_eq!(codes(|mpy| mpy.header.small_int_bits = 32), ["P0204"]);
    assert_eq!(codes(|mpy| mpy.header.arch_flags = Some(0)), ["P0203"]);
    let armv7em = Loader { arch: Some(Arch::Armv7emsp), ..loader() };
    let mut mpy = native();
    mpy.header.arch_number = 6;
    assert_eq!(codes_with(&mpy, &armv7em), [""; 0]);
    let without = Loader { arch: None, ..loader() };
    assert_eq!(codes_with(&native(), &without), ["P0202"]);
    assert_eq!(codes_with(&bytecode(&[0x51, 0x63]), &without), [""; 0]);
}

#[test]
fn extensions_must_be_there() {
    let mut mpy = native();
    mpy.header.arch_number = Arch::Rv32imc.number();
    mpy.header.arch_flags = Some(3);
    let with = |arch_flags| Loader { arch_flags, ..Loader::new(Abi::LATEST, Arch::Rv32imc) };
    assert_eq!(codes_with(&mpy, &with(3)), [""; 0]);
    assert_eq!(codes_with(&mpy, &with(1)), ["P0203"]);
}

#[test]
fn the_sub_version_of_bytecode_does_not_matter() {
    let mut mpy = bytecode(&[0x51, 0x63]);
    mpy.header.sub_version = 1;
    assert_eq!(codes_with(&mpy, &loader()), [""; 0]);
}

#[test]
fn a_message_names_releases() {
    let mut mpy = native();
    mpy.header.sub_version = 2;
    let text = check(&mpy.write(), "m.mpy", &loader()).unwrap_err().to_string();
    assert!(text.contains("6.2 is for MicroPython 1.22"), "{text}");
    assert!(text.contains("1.23 and later"), "{text}");
}

#[test]
fn relocated_words_lie_inside() {
    assert_eq!(codes(|mpy| relocations(mpy)[1].count = Some(2)), ["P0208"]);
    assert_eq!(codes(|mpy| relocations(mpy)[0].address = None), ["P0208"], "no place yet");
    assert_eq!(codes(|mpy| relocations(mpy)[1].address = None), [""; 0], "goes on");
    assert_eq!(codes(|mpy| relocations(mpy)[1].count = Some(u64::MAX)), ["P0208"]);
    let far = |in_rodata, word| {
        codes(|mpy| relocations(mpy)[0].address = Some(Address { in_rodata, word }))
    };
    assert_eq!(far(false, u64::MAX >> 1), ["P0208"]);
    assert_eq!(far(true, 0), [""; 0]);
    assert_eq!(far(true, 1), ["P0208"]);
}

#[test]
fn a_word_is_the_architectures() {
    let mut mpy = native();
    mpy.header.arch_number = Arch::X64.number();
    let codes = codes_with(&mpy, &Loader::new(Abi::LATEST, Arch::X64));
    assert_eq!(codes, ["P0208", "P0208"], "words 6 and 7 of four");
}

#[test]
fn destinations_exist() {
    let with = |destination| codes(|mpy| relocations(mpy)[0].destination = destination);
    assert_eq!(with(Destination::FunTableEntry(86)), [""; 0]);
    assert_eq!(with(Destination::FunTableEntry(87)), ["P0208"]);
    assert_eq!(with(Destination::Rodata), [""; 0]);
    let without = |flag: u64, destination| {
        codes(|mpy| {
            relocations(mpy)[0].destination = destination;
            if let Body::Viper { scope_flags, rodata, bss } = &mut mpy.code.body {
                *scope_flags &= !flag;
                if flag == 0x20 { rodata.clear() } else { *bss = 0 }
            }
        })
    };
    assert_eq!(without(0x20, Destination::Rodata), ["P0208"]);
    assert_eq!(without(0x40, Destination::Bss), ["P0208"]);
}

#[test]
fn more_relocations_than_words_are_damage() {
    let codes = codes(|mpy| {
        let first = relocations(mpy)[0].clone();
        *relocations(mpy) = vec![first; 100];
    });
    assert_eq!(codes, ["P0208"]);
}

#[test]
fn pointers_out_of_their_section_are_a_warning() {
    let value = |value: u8| codes(|mpy| mpy.code.data[28] = value);
    assert_eq!(value(32), [""; 0], "one past the end");
    assert_eq!(value(33), ["P0212"]);
}

#[test]
fn the_entry_is_inside() {
    assert_eq!(
        codes(|mpy| {
            mpy.code.data.clear();
            relocations(mpy).clear();
        }),
        ["P0209"]
    );
    let jumping = |target| Loader { jump_target: Some(target), ..loader() };
    assert_eq!(codes_with(&native(), &jumping(|_, _| Some(31))), [""; 0]);
    assert_eq!(codes_with(&native(), &jumping(|_, _| Some(32))), ["P0209"]);
    assert_eq!(codes_with(&native(), &jumping(|_, _| Some(-2))), ["P0209"]);
    assert_eq!(codes_with(&native(), &jumping(|_, _| None)), [""; 0]);
}

#[test]
fn bytecode_refers_to_what_is_there() {
    for (instructions, ok) in [
        ([0x16, 0x02].as_slice(), false),
        (&[0x23, 0x01], false),
        (&[0x32, 0x01], false),
        (&[0x32, 0x00], true),
        (&[0x42, 0x41, 0x22, 0x01], false),
        (&[0x42, 0x42, 0x22, 0x01], true),
        (&[0x42, 0x3d], false),
        (&[0x6f], false),
        (&[0x4c, 0x00], false),
        (&[0x1d, 0x00], false),
        (&[0x16], false),
    ] {
        let expected: &[&str] = if ok { &[] } else { &["P0207"] };
        assert_eq!(codes_with(&bytecode(instructions), &loader()), expected, "{instructions:?}");
    }
}

#[test]
fn tables_hold_what_a_firmware_takes() {
    let qstr = |text| codes(|mpy| mpy.qstrs[1].text = text);
    assert_eq!(qstr(QstrText::Static(0)), ["P0205"]);
    assert_eq!(qstr(QstrText::Static(165)), [""; 0]);
    assert_eq!(qstr(QstrText::Static(166)), ["P0205"]);
    assert_eq!(qstr(QstrText::Bytes(vec![b'a'; 255])), [""; 0]);
    assert_eq!(qstr(QstrText::Bytes(vec![b'a'; 256])), ["P0205"]);
    let object = |object| codes(|mpy| mpy.objects = vec![Object::Tuple(vec![object])]);
    assert_eq!(object(Object::Int(b"-12".to_vec())), [""; 0]);
    assert_eq!(object(Object::Int(b"0x1".to_vec())), ["P0206"]);
    assert_eq!(object(Object::Float(b"1e+20".to_vec())), [""; 0]);
    assert_eq!(object(Object::Float(b"1.2.3".to_vec())), ["P0206"]);
    assert_eq!(object(Object::Str(vec![0xff])), ["P0206"]);
}

#[test]
fn oddities_are_warnings() {
    assert_eq!(codes(|mpy| mpy.trailing = vec![0]), ["P0211"]);
    for (name, ok) in [
        ("module.py", true),
        ("package/module.py", true),
        ("/home/me/module.py", false),
        ("C:\\module.py", false),
        ("../module.py", false),
    ] {
        let expected: &[&str] = if ok { &[] } else { &["P0210"] };
        assert_eq!(codes(|mpy| mpy.qstrs[0] = Qstr::new(name)), expected, "{name}");
    }
}

#[test]
fn native_code_needs_an_architecture() {
    assert_eq!(codes(|mpy| mpy.header.arch_number = 0), ["P0202"]);
}

#[test]
fn everything_is_found_at_once() {
    let codes = codes(|mpy| {
        mpy.header.sub_version = 0;
        mpy.header.small_int_bits = 63;
        mpy.qstrs[0] = Qstr::new("/m.py");
        mpy.qstrs[1].text = QstrText::Static(999);
        relocations(mpy)[1].count = Some(9);
    });
    assert_eq!(codes, ["P0201", "P0204", "P0210", "P0205", "P0208"]);
}

#[test]
fn findings_are_bounded() {
    let mut mpy = bytecode(&[0x16, 0x7f].repeat(500));
    mpy.header.small_int_bits = 0;
    let errors = check(&mpy.write(), "m.mpy", &loader()).unwrap_err();
    assert_eq!(errors.0.len(), 100);
    assert!(errors.to_string().contains("400 further findings"), "{errors}");
}
