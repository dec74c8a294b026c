//! Files that MicroPython's own tools made (`tests/data/README.md`).

use anymod_model::{Abi, Arch};
use anymod_pack::mpy::{Dump, Loader, MergeOptions, Mpy, check, merge, rename};

const PLAIN: &[u8] = include_bytes!("data/plain.mpy");
const NATIVE: &[u8] = include_bytes!("data/native.mpy");
const MERGED: &[u8] = include_bytes!("data/merged.mpy");

#[test]
fn they_round_trip_and_pass_the_check() {
    let loader = Loader::new(Abi::LATEST, Arch::Armv7emsp);
    for (name, bytes) in [("plain", PLAIN), ("native", NATIVE), ("merged", MERGED)] {
        assert_eq!(Mpy::parse(bytes, name).unwrap().write(), bytes, "{name}");
        let checked = check(bytes, name, &loader).unwrap();
        assert_eq!(checked.warnings, [], "{name}");
    }
}

#[test]
fn merging_gives_the_incumbents_bytes() {
    let inputs = [("plain.mpy", PLAIN), ("native.mpy", NATIVE)];
    assert_eq!(merge(&inputs, &MergeOptions::default()).unwrap(), MERGED);
}

#[test]
fn all_kinds_of_code_are_told_apart() {
    let dump = Dump::new(MERGED, "merged.mpy", None).unwrap();
    assert_eq!(dump.source_name, "native.py");
    let native = &dump.code.children[0];
    let kinds: Vec<_> = native.children.iter().map(|child| child.kind).collect();
    assert_eq!(kinds, ["native", "viper", "asm"]);
    assert_eq!(native.children[0].name.as_deref(), Some("native"));
    assert_eq!(native.children[0].arguments, ["a", "b"]);
    let plain = &dump.code.children[1];
    let names: Vec<_> = plain.children.iter().filter_map(|child| child.name.clone()).collect();
    assert_eq!(names, ["Counter", "adder", "pairs", "guarded", "<listcomp>", "<lambda>"]);
    let constants =
        r#"(1, 2.5, "text", b"bytes", None, True, ..., 123456789012345678901234567890, 3j)"#;
    assert!(dump.objects.iter().any(|object| object == constants), "{:?}", dump.objects);
}

#[test]
fn a_renamed_file_differs_in_its_name_only() {
    for (bytes, name) in [(PLAIN, "plain.py"), (NATIVE, "native.py"), (MERGED, "native.py")] {
        let renamed = rename(bytes, "m.mpy", "package/other.py").unwrap();
        assert_ne!(renamed, bytes);
        assert_eq!(rename(&renamed, "m.mpy", name).unwrap(), bytes);
    }
}
