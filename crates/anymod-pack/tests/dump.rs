//! The dump of a module with everything in it, as text and as data, and the sizes of its parts.

use anymod_pack::mpy::{
    Address, Body, Code, Destination, Dump, Header, Mpy, Object, Offset, Qstr, Relocation, sizes,
};

/// A linked module for armv7m with a function of bytecode inside.
fn module() -> Vec<u8> {
    let relocation = |destination, in_rodata, word, count| Relocation {
        destination,
        address: Some(Address { in_rodata, word }),
        count,
        offset: Offset(0),
    };
    let inner = Code {
        // f(x): return (x, "s")[-65] or so; the point is one of each kind of argument.
        data: vec![
            0x09, 0x04, 0x02, 0x03, 0x12, 0x02, 0x23, 0x00, 0x22, 0xff, 0x3f, 0x40, 0x41, 0x05,
            0xb0, 0x63,
        ],
        body: Body::Bytecode,
        children: None,
        relocations: None,
        offset: Offset(0),
    };
    let mut text = vec![0; 24];
    text[12] = 6;
    text[16] = 4;
    let code = Code {
        data: text,
        body: Body::Viper { scope_flags: 0x70, rodata: vec![0; 8], bss: 40 },
        children: Some(vec![inner]),
        relocations: Some(vec![
            relocation(Destination::FunTable, false, 2, None),
            relocation(Destination::QstrTable, false, 3, None),
            relocation(Destination::Bss, false, 4, Some(2)),
            relocation(Destination::FunTableEntry(52), true, 1, None),
        ]),
        offset: Offset(0),
    };
    let header = Header { sub_version: 3, arch_number: 5, small_int_bits: 31, arch_flags: None };
    let qstrs = ["module.py", "<module>", "f", "x"].map(Qstr::new).to_vec();
    let tuple = Object::Tuple(vec![Object::Str(b"s\n".to_vec()), Object::Bytes(vec![0xff])]);
    Mpy { header, qstrs, objects: vec![tuple], code, trailing: vec![0], overlong: None }.write()
}

const TEXT: &str = r#"m.mpy: 102 bytes
version 6.3 (MicroPython 1.23 and later), armv7m
small integers of 31 bits
stored name `module.py`
sizes: text 24, rodata 8, bss 40, bytecode 16, 5 relocated words

4 qstrs
     0  module.py
     1  <module>  (static 7)
     2  f
     3  x
1 constants
     0  ("s\n", b"\xff")

viper: 24 bytes at 0x25, scope flags 0x70, rodata 8, bss 40
     0:  00 00 00 00 00 00 00 00 00 00 00 00 06 00 00 00
    10:  04 00 00 00 00 00 00 00
relocated words
  text+0x8         mp_fun_table
  text+0xc         qstr_table[3] x
  text+0x10        bss+0x4
  text+0x14        bss+0x0
  rodata+0x4       mp_fun_table[52] realloc

  bytecode f(x): 16 bytes at 0x4b
       0:  12 02         LOAD_GLOBAL f
       2:  23 00         LOAD_CONST_OBJ 0: ("s\n", b"\xff")
       4:  22 ff 3f      LOAD_CONST_SMALL_INT -65
       7:  40 41 05      UNWIND_JUMP 0xa, 5
       a:  b0            LOAD_FAST 0
       b:  63            RETURN_VALUE
bytes after the end: 1
"#;

#[test]
fn text() {
    assert_eq!(Dump::new(&module(), "m.mpy", None).unwrap().text(), TEXT);
}

#[test]
fn data_has_the_same_facts() {
    let dump = Dump::new(&module(), "m.mpy", None).unwrap();
    let json = serde_json::to_value(&dump).unwrap();
    assert_eq!(json["arch"], "armv7m");
    assert_eq!(json["code"]["relocations"][1]["target"], "qstr_table[3] x");
    assert_eq!(json["code"]["children"][0]["arguments"][0], "x");
    assert_eq!(json["qstrs"][1]["static_number"], 7);
}

#[test]
fn a_disassembler_is_asked_for_machine_code_only() {
    let disassemble = |code: &[u8], base: u64| vec![format!("{} bytes at {base}", code.len())];
    let dump = Dump::new(&module(), "m.mpy", Some(&disassemble)).unwrap();
    assert_eq!(dump.code.lines, ["24 bytes at 0"]);
    assert_eq!(dump.code.children[0].lines.len(), 6);
}

#[test]
fn sizes_add_up() {
    let bytes = module();
    let sizes = sizes(&bytes, "m.mpy").unwrap();
    assert_eq!((sizes.text, sizes.rodata, sizes.bss, sizes.bytecode), (24, 8, 40, 16));
    assert_eq!((sizes.relocations, sizes.qstrs, sizes.objects), (5, 4, 1));
    assert_eq!(sizes.file, bytes.len() as u64);
}
