//! Renaming changes the stored name and nothing that the program sees.

#![expect(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

mod strategies;

use anymod_pack::mpy::{Code, Mpy, Qstr, QstrText, rename};
use proptest::prelude::*;

fn all_data(code: &Code) -> Vec<u8> {
    code.walk().flat_map(|piece| piece.data.clone()).collect()
}

fn module(file: &str, data: &[u8], qstrs: usize) -> Vec<u8> {
    let mut mpy = Mpy::parse(b"M\x06\x00\x1f\x01\x00\x03\x18\x00\x02\x00", "m").unwrap();
    mpy.qstrs = vec![Qstr::new(file)];
    mpy.qstrs.extend((1..qstrs).map(|index| Qstr::new(&format!("name{index}"))));
    mpy.code.data = data.to_vec();
    mpy.write()
}

proptest! {
    #[test]
    fn only_the_name_changes(mpy in strategies::mpy(), static_name in any::<bool>()) {
        let new_name = if static_name { "main" } else { "package/new_name.py" };
        let old = mpy.write();
        let bytes = rename(&old, "m.mpy", new_name).unwrap();
        let new = Mpy::parse(&bytes, "m.mpy").unwrap();
        prop_assert_eq!(new.qstrs[0].bytes(), new_name.as_bytes());
        let mut back = new.clone();
        back.qstrs[0] = mpy.qstrs[0].clone();
        if new.qstrs.len() == mpy.qstrs.len() {
            prop_assert_eq!(back.write(), old);
        } else {
            // The program used the old name: it is now the last entry, and only indices 0 became that one.
            let added = back.qstrs.pop().unwrap();
            prop_assert_eq!(added, mpy.qstrs[0].clone());
            let (before, after) = (all_data(&mpy.code), all_data(&new.code));
            let index = mpy.qstrs.len() as u8;
            prop_assert_eq!(before.len(), after.len());
            prop_assert!(before.iter().zip(&after).all(|(a, b)| a == b || (*a, *b) == (0, index)));
        }
        prop_assert_eq!(rename(&bytes, "m.mpy", new_name).unwrap(), bytes);
    }
}

#[test]
fn names_that_tell_too_much_are_refused() {
    let bytes = module("m.py", &[0x00, 0x02, 0x01, 0x51, 0x63], 2);
    for name in
        ["", "/m.py", "\\m.py", "c:/m.py", "..", "a/../m.py", "a\\m.py", "a\nb", &"a".repeat(256)]
    {
        let error = rename(&bytes, "m.mpy", name).unwrap_err();
        assert_eq!(error.0[0].code.id, "P0110", "{name}");
    }
    for name in ["m", "m.py", "a/m.py", "ä.py", "..a", &"a".repeat(255)] {
        assert!(rename(&bytes, "m.mpy", name).is_ok(), "{name}");
    }
}

#[test]
fn a_string_of_the_program_keeps_its_text() {
    // The outermost code's own name is the file's in merged files and moves along; LOAD_CONST_STRING 0 does not.
    let data = [0x00, 0x02, 0x00, 0x10, 0x00, 0x63];
    let new = Mpy::parse(&rename(&module("m.py", &data, 2), "m", "n.py").unwrap(), "m").unwrap();
    let texts: Vec<_> = new.qstrs.iter().map(Qstr::display).collect();
    assert_eq!(texts, ["n.py", "name1", "m.py"]);
    assert_eq!(new.code.data, [0x00, 0x02, 0x00, 0x10, 0x02, 0x63]);
}

#[test]
fn a_full_table_is_refused_by_name() {
    let data = [0x00, 0x02, 0x01, 0x10, 0x00, 0x63];
    assert!(rename(&module("m.py", &data, 127), "m", "n.py").is_ok());
    let mut mpy = Mpy::parse(&module("m.py", &data, 127), "m").unwrap();
    mpy.qstrs.push(Qstr::new("one_more"));
    let error = rename(&mpy.write(), "m.mpy", "n.py").unwrap_err();
    assert_eq!(error.0[0].code.id, "P0111");
    assert!(error.to_string().contains("`m.py`"), "{error}");
}

#[test]
fn static_names_change_both_ways() {
    let bytes = module("main", &[0x00, 0x02, 0x01, 0x51, 0x63], 2);
    let read = Mpy::parse(&bytes, "m").unwrap();
    assert!(matches!(read.qstrs[0].text, QstrText::Static(_)));
    let renamed = rename(&bytes, "m", "other").unwrap();
    assert_eq!(rename(&renamed, "m", "main").unwrap(), bytes);
}
