//! Reading and writing are each other's inverse, and damaged files end in a diagnostic.

#![expect(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

mod strategies;

use anymod_pack::mpy::{MAX_DEPTH, Mpy};
use proptest::prelude::*;

fn code_of(bytes: &[u8]) -> &'static str {
    Mpy::parse(bytes, "m.mpy").unwrap_err().0[0].code.id
}

proptest! {
    #[test]
    fn what_is_written_reads_back(mpy in strategies::mpy()) {
        let bytes = mpy.write();
        let again = Mpy::parse(&bytes, "m.mpy").unwrap();
        prop_assert_eq!(&again, &mpy);
        prop_assert_eq!(again.write(), bytes);
    }

    #[test]
    fn a_cut_file_is_an_error_inside_it(mpy in strategies::mpy(), at in any::<prop::sample::Index>()) {
        let mut mpy = mpy;
        mpy.trailing.clear();
        let bytes = mpy.write();
        let cut = &bytes[..at.index(bytes.len())];
        let errors = Mpy::parse(cut, "m.mpy").unwrap_err();
        let Some(anymod_model::Place::Binary { offset: Some(offset), .. }) = &errors.0[0].place else {
            panic!("no offset: {errors}");
        };
        prop_assert!(*offset <= cut.len() as u64);
    }

    #[test]
    fn damaged_files_do_not_panic_and_what_reads_round_trips(
        mpy in strategies::mpy(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = mpy.write();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(read) = Mpy::parse(&bytes, "m.mpy")
            && read.overlong.is_none()
        {
            prop_assert_eq!(read.write(), bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Mpy::parse(&bytes, "m.mpy");
        let _ = Mpy::parse(&[b"M\x06\x00\x1f".as_slice(), &bytes].concat(), "m.mpy");
    }
}

#[test]
fn heads_of_other_formats_are_told_apart() {
    assert_eq!(code_of(b""), "P0003");
    assert_eq!(code_of(b"\x7fELF"), "P0001");
    assert_eq!(code_of(b"M\x05\x02\x1f"), "P0002");
    assert_eq!(code_of(b"M\x07\x02\x1f"), "P0002");
    let old = Mpy::parse(b"M\x05\x02\x1f", "m.mpy").unwrap_err().to_string();
    assert!(old.contains("1.12 to 1.18"), "{old}");
    let circuit = Mpy::parse(b"C\x06\x00\x1f", "m.mpy").unwrap_err().to_string();
    assert!(circuit.contains("CircuitPython"), "{circuit}");
}

#[test]
fn lengths_past_the_end_cost_nothing() {
    let head = b"M\x06\x00\x1f".to_vec();
    let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    for rest in [
        huge.to_vec(),
        [b"\x01".as_slice(), &huge, b"\x03"].concat(),
        [b"\x01\x00".as_slice(), &huge].concat(),
        [b"\x01\x01\x03\x0a".as_slice(), &huge].concat(),
        [b"\x01\x00\x03".as_slice(), &huge].concat(),
    ] {
        let bytes = [head.clone(), rest].concat();
        assert_eq!(code_of(&bytes), "P0003", "{bytes:?}");
    }
}

#[test]
fn nesting_is_bounded() {
    let tuples = |depth: usize| {
        let open = [0x0a, 0x01].repeat(depth);
        [b"M\x06\x00\x1f\x01\x01\x03".as_slice(), &open, &[0x01, 0x18, 0, 2, 0]].concat()
    };
    assert!(Mpy::parse(&tuples(MAX_DEPTH), "m.mpy").is_ok());
    assert_eq!(code_of(&tuples(MAX_DEPTH + 1)), "P0005");
    let nested = [0x0c, 0x00, 0x01].repeat(10_000);
    assert_eq!(code_of(&[b"M\x06\x00\x1f\x01\x00\x03".as_slice(), &nested].concat()), "P0005");
}

#[test]
fn malformed_fields_are_named() {
    let body = |bytes: &[u8]| [b"M\x06\x00\x1f".as_slice(), bytes].concat();
    assert_eq!(code_of(&body(&[0x00, 0x00, 0x18, 0, 2, 0])), "P0004", "no qstr");
    assert_eq!(code_of(&body(&[0x01, 0x00, 0x02, b'a', b'b'])), "P0004", "no NUL");
    assert_eq!(code_of(&body(&[0x01, 0x01, 0x03, 0x0b])), "P0004", "unknown object");
    assert_eq!(code_of(&body(&[0x01, 0x00, 0x03, 0x00])), "P0004", "no prelude");
    assert_eq!(code_of(&body(&[0xff; 11])), "P0003");
    let long = [vec![0xff_u8; 10], vec![0x7f]].concat();
    assert_eq!(code_of(&body(&long)), "P0004", "over 64 bits");
}

#[test]
fn long_spellings_are_noticed_and_shortened() {
    let bytes = b"M\x06\x00\x1f\x80\x01\x00\x03\x18\x00\x02\x00".to_vec();
    let read = Mpy::parse(&bytes, "m.mpy").unwrap();
    assert_eq!(read.overlong.map(|offset| offset.0), Some(4));
    assert_eq!(read.write(), b"M\x06\x00\x1f\x01\x00\x03\x18\x00\x02\x00");
}
