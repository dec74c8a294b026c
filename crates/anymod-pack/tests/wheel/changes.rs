//! What a build does with a wheel: rename, retag, write.

use anymod_pack::wheel::{Digest, File, digest_of, read, read_record};

use crate::wheel;

const NAME: &str = "spam-1.0-cp313-cp313-linux_x86_64.whl";
const WASM: &[u8] = b"\0asm\x01\0\0\0";

#[test]
fn modules_named_for_the_build_machine_get_the_targets_suffix() {
    let suffix = ".cpython-313-wasm32-emscripten.so";
    let mut wheel = wheel(
        NAME,
        &[
            ("spam/_a.cpython-313-x86_64-linux-gnu.so", WASM),
            ("spam-1.0.data/platlib/_b.cpython-313-darwin.so", WASM),
            ("spam/_right.cpython-313-wasm32-emscripten.so", WASM),
            ("spam/_plain.so", WASM),
            ("spam/_stable.abi3.so", WASM),
            ("spam/_host.cpython-313-x86_64-linux-gnu.so", b"\x7fELF"),
            ("spam/_old.cpython-312-x86_64-linux-gnu.so", WASM),
            ("spam/_twice.cpython-313-x86_64-linux-gnu.so", WASM),
            ("spam/_twice.cpython-313-wasm32-emscripten.so", WASM),
            ("spam/libz.1.so", WASM),
        ],
    );
    let renamed = wheel.rename_extensions(suffix);
    let expected = [
        ("spam-1.0.data/platlib/_b.cpython-313-darwin.so", "spam-1.0.data/platlib/_b"),
        ("spam/_a.cpython-313-x86_64-linux-gnu.so", "spam/_a"),
    ];
    let expected = expected.map(|(old, new)| (old.to_owned(), format!("{new}{suffix}")));
    assert_eq!(renamed, expected);
    for (old, new) in &renamed {
        assert!(!wheel.files.contains_key(old) && wheel.files.contains_key(new));
    }
    assert_eq!(wheel.rename_extensions(suffix), []);
}

#[test]
fn a_new_tag_is_in_the_name_and_in_the_wheel() {
    let mut wheel = wheel(NAME, &[("spam/__init__.py", b"")]);
    wheel.retag("cp313", "cp313", "pyodide_2025_0_wasm32").unwrap();
    assert_eq!(wheel.file_name(), "spam-1.0-cp313-cp313-pyodide_2025_0_wasm32.whl");
    let headers = wheel.headers("WHEEL").unwrap();
    assert_eq!(headers.all("Tag").collect::<Vec<_>>(), ["cp313-cp313-pyodide_2025_0_wasm32"]);
    assert_eq!(headers.get("Root-Is-Purelib"), Some("false"));
    assert_eq!(headers.get("Generator"), Some("test"));
    wheel.retag("cp312.cp313", "abi3", "a.b").unwrap();
    assert_eq!(wheel.headers("WHEEL").unwrap().all("Tag").count(), 4);
    let before = wheel.clone();
    let error = wheel.retag("cp313", "cp313", "linux-x86").unwrap_err();
    assert_eq!(error.0[0].code.id, "W0008");
    assert_eq!(wheel, before);
}

#[test]
fn equal_wheels_are_equal_bytes() {
    let files: [(&str, &[u8]); 3] =
        [("spam/b.py", &[b'x'; 5000]), ("spam.py", b"1"), ("zz/ä.txt", b"")];
    let mut reversed = files;
    reversed.reverse();
    let (mut one, mut other) = (wheel(NAME, &files), wheel(NAME, &reversed));
    // A RECORD of before does not matter.
    other.files.insert("spam-1.0.dist-info/RECORD".to_owned(), File::new("stale"));
    for wheel in [&mut one, &mut other] {
        wheel.files.get_mut("spam.py").unwrap().executable = true;
    }
    let bytes = one.write(1_700_000_000).unwrap();
    assert!(bytes == other.write(1_700_000_000).unwrap());
    assert!(bytes != one.write(1_600_000_000).unwrap(), "the time is written");
    let again = read(&bytes, NAME).unwrap();
    assert!(again.files["spam.py"].executable && !again.files["zz/ä.txt"].executable);
    assert_eq!(again.files["spam/b.py"].bytes, [b'x'; 5000]);
}

#[test]
fn the_record_is_last_and_right() {
    let bytes = wheel(NAME, &[("spam/a,b.py", b"1"), ("zzz.py", b"2")]).write(0).unwrap();
    let wheel = read(&bytes, NAME).unwrap();
    let text = String::from_utf8(wheel.files["spam-1.0.dist-info/RECORD"].bytes.clone()).unwrap();
    let rows = read_record(&text).unwrap();
    let paths: Vec<&str> = rows.iter().map(|row| row.path.as_str()).collect();
    let info = ["METADATA", "WHEEL", "RECORD"].map(|name| format!("spam-1.0.dist-info/{name}"));
    let [metadata, about, record] = info.each_ref();
    assert_eq!(paths, ["spam/a,b.py", "zzz.py", metadata, about, record]);
    for row in &rows[..4] {
        let file = &wheel.files[&row.path];
        assert_eq!(digest_of(row, &file.bytes), Digest::Right, "{}", row.path);
        assert_eq!(row.size, Some(file.bytes.len() as u64));
    }
}

#[test]
fn a_wheel_has_to_describe_itself() {
    let mut without = wheel(NAME, &[("spam.py", b"")]);
    without.files.remove("spam-1.0.dist-info/WHEEL");
    let bytes = without.write(0).unwrap();
    assert_eq!(read(&bytes, NAME).unwrap_err().0[0].code.id, "W0007");
    without.files.insert("other-1.dist-info/WHEEL".to_owned(), File::new(""));
    assert_eq!(without.write(0).unwrap_err().0[0].code.id, "W0007");
    assert_eq!(read(&bytes, "spam.zip").unwrap_err().0[0].code.id, "W0001");
}

#[test]
fn names_that_nobody_could_unpack_are_not_written() {
    for path in ["../spam.py", "/spam.py", "spam//a.py", "spam\\a.py", "spam.py/a"] {
        let wheel = wheel(NAME, &[("spam.py", b""), (path, b"")]);
        assert_eq!(wheel.write(0).unwrap_err().0[0].code.id, "W0009", "{path}");
    }
}
