//! Random `.mpy` values that every reader must take.

use anymod_pack::mpy::{
    Address, Body, Code, Destination, Header, Mpy, Object, Offset, Qstr, QstrText, Relocation,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// A whole file.
pub(crate) fn mpy() -> impl Strategy<Value = Mpy> {
    (header(), vec(qstr(), 1..6), vec(object(), 0..4), code(), vec(any::<u8>(), 0..3)).prop_map(
        |(header, qstrs, objects, code, trailing)| Mpy {
            header,
            qstrs,
            objects,
            code,
            trailing,
            overlong: None,
        },
    )
}

fn header() -> impl Strategy<Value = Header> {
    (0..4_u8, prop_oneof![0..16_u8, 32..48_u8], any::<u8>(), option::of(uint())).prop_map(
        |(sub_version, arch_number, small_int_bits, arch_flags)| Header {
            sub_version,
            arch_number,
            small_int_bits,
            arch_flags,
        },
    )
}

/// Numbers of every length, small ones often.
fn uint() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64_u32).prop_map(|(value, shift)| value >> shift)
}

fn qstr() -> impl Strategy<Value = Qstr> {
    prop_oneof![
        (0..200_u64).prop_map(QstrText::Static),
        vec(any::<u8>(), 0..20).prop_map(QstrText::Bytes),
        "[a-z_]{1,200}".prop_map(|text| QstrText::Bytes(text.into_bytes())),
    ]
    .prop_map(|text| Qstr { text, offset: Offset(0) })
}

fn object() -> impl Strategy<Value = Object> {
    let leaf = prop_oneof![
        Just(Object::FunTable),
        Just(Object::None),
        Just(Object::False),
        Just(Object::True),
        Just(Object::Ellipsis),
        vec(any::<u8>(), 0..9).prop_map(Object::Str),
        vec(any::<u8>(), 0..9).prop_map(Object::Bytes),
        "-?[0-9]{1,30}".prop_map(|text| Object::Int(text.into_bytes())),
        "[0-9]\\.[0-9]{1,9}".prop_map(|text| Object::Float(text.into_bytes())),
        "[0-9]j".prop_map(|text| Object::Complex(text.into_bytes())),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| vec(inner, 0..4).prop_map(Object::Tuple))
}

fn code() -> impl Strategy<Value = Code> {
    let leaf = (bytecode(), body(), vec(relocation(), 0..5)).prop_map(|(data, body, all)| {
        let mut code = Code { data, body, children: None, relocations: None, offset: Offset(0) };
        if code.scope_flags() & 0x10 != 0 {
            code.relocations = Some(all);
        }
        code
    });
    leaf.prop_recursive(3, 8, 3, |inner| {
        (inner.clone(), vec(inner, 0..3))
            .prop_map(|(code, children)| Code { children: Some(children), ..code })
    })
}

/// Data that begins with a whole prelude (no argument, one name) and goes on with real instructions, or anything.
fn bytecode() -> impl Strategy<Value = Vec<u8>> {
    let instruction = prop_oneof![
        (0..8_u8, 0..6_u8).prop_map(|(op, index)| vec![0x10 + op, index]),
        (0x80..0xa0_u8).prop_map(|op| vec![op]),
        Just(vec![0x42, 0x40]),
        Just(vec![0x40, 0x41, 0x00]),
        Just(vec![0x4b, 0x02, 0x59, 0x59]),
        Just(vec![0x22, 0xff, 0x00]),
    ];
    let code = prop_oneof![
        8 => vec(instruction, 0..40).prop_map(|all| all.concat()),
        1 => vec(any::<u8>(), 0..60),
    ];
    code.prop_map(|code| [vec![0x00, 0x02, 0x00], code, vec![0x51, 0x63]].concat())
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        3 => Just(Body::Bytecode),
        1 => Just(Body::NativePy { prelude_offset: 0 }),
        2 => (0..0x80_u64, vec(any::<u8>(), 0..20), uint()).prop_map(|(scope_flags, rodata, bss)| {
            Body::Viper {
                scope_flags,
                rodata: if scope_flags & 0x20 == 0 { Vec::new() } else { rodata },
                bss: if scope_flags & 0x40 == 0 { 0 } else { bss },
            }
        }),
        1 => (0..0x10_u64, 0..5_u64, uint()).prop_map(|(scope_flags, n_pos_args, type_sig)| {
            Body::Asm { scope_flags, n_pos_args, type_sig }
        }),
    ]
}

fn relocation() -> impl Strategy<Value = Relocation> {
    let address = (any::<bool>(), uint())
        .prop_map(|(in_rodata, word)| Address { in_rodata, word: word >> 1 });
    let destination = prop_oneof![
        (
            prop_oneof![Just(Destination::Text), Just(Destination::Rodata), Just(Destination::Bss)],
            option::of(uint())
        ),
        (
            prop_oneof![
                Just(Destination::QstrTable),
                Just(Destination::ObjTable),
                Just(Destination::FunTable),
                (0..118_u8).prop_map(Destination::FunTableEntry)
            ],
            Just(None)
        ),
    ];
    (destination, option::of(address)).prop_map(|((destination, count), address)| Relocation {
        destination,
        address,
        count,
        offset: Offset(0),
    })
}
