//! Rules on wheels as a whole.

use anymod_pack::wheel::{File, WheelName};

use crate::support::{
    Files, NAME, SUFFIX, audit, brief, extension, one, shared, wasm_runtime, wheel,
};

const INFO: &str = "spam-1.0.dist-info";

#[test]
fn tags_are_those_that_the_installer_takes() {
    let bytes = extension("_a");
    let path = format!("_a{SUFFIX}");
    let stable: [(&str, &[u8]); 1] = [("_a.abi3.so", &bytes)];
    let tagged: [(&str, &[u8]); 1] = [(&path, &bytes)];
    let pure: [(&str, &[u8]); 1] = [("spam.py", b"")];
    let cases: [(&str, Files<'_>, &[&str]); 10] = [
        ("cp313-cp313-pyodide_2025_0_wasm32", &tagged, &[]),
        ("cp313-cp313-linux_x86_64.emscripten_4_0_9_wasm32", &tagged, &[]),
        ("cp312-cp312-pyodide_2025_0_wasm32", &tagged, &["A0011"]),
        ("cp313-cp313-pyodide_2024_0_wasm32", &tagged, &["A0011"]),
        ("cp39-abi3-pyodide_2025_0_wasm32", &stable, &[]),
        ("cp314-abi3-pyodide_2025_0_wasm32", &stable, &["A0011"]),
        ("py3-none-any", &pure, &[]),
        ("py2-none-any", &pure, &["A0011"]),
        ("py3-none-pyodide_2025_0_wasm32", &pure, &[]),
        ("py3-none-any", &tagged, &["A0012"]),
    ];
    for (tags, files, expected) in cases {
        let codes = audit(&wheel(&format!("spam-1.0-{tags}.whl"), files), &wasm_runtime());
        let codes: Vec<&str> = codes.iter().map(|line| &line[..5]).collect();
        assert_eq!(codes, expected, "{tags}");
    }
}

#[test]
fn a_renamed_wheel_is_noticed() {
    let mut wheel = one(&extension("_a"));
    wheel.name = WheelName::parse("ham-1.1-cp313-cp313-emscripten_4_0_9_wasm32.whl").unwrap();
    let codes = audit(&wheel, &wasm_runtime());
    assert_eq!(codes, ["A0015 METADATA", "A0015 METADATA", "A0015 METADATA", "A0013 WHEEL"]);
    // Spelled differently, it is the same package.
    let mut wheel = crate::support::wheel("spam_egg-1.0-py3-none-any.whl", &[]);
    let path = "spam_egg-1.0.dist-info/METADATA".to_owned();
    wheel.files.insert(path, File::new("Name: Spam.Egg\nVersion: 1.0.0\n"));
    assert_eq!(audit(&wheel, &wasm_runtime()), ["A0014 RECORD"], "the record is of the old file");
}

#[test]
fn the_record_is_compared_with_the_files() {
    let good = one(&extension("_a"));
    let record = format!("{INFO}/RECORD");
    let rows = String::from_utf8(good.files[&record].bytes.clone()).unwrap();
    let with = |text: String| {
        let mut wheel = good.clone();
        wheel.files.insert(record.clone(), File::new(text));
        wheel
    };
    let md5 = rows.replacen("sha256=", "md5=", 1);
    let larger = rows.replace(&format!(",{}\n", extension("_a").len()), ",1\n");
    let wrong = [
        with(String::new()),
        with(rows.replacen("sha256=", "sha256=A", 1)),
        with(md5),
        with(larger),
        with(format!("{rows}lost.py,sha256=x,1\n")),
        with(format!("{rows}{}\n", rows.lines().next().unwrap())),
        with("\"open".to_owned()),
    ];
    for wheel in wrong {
        assert_eq!(audit(&wheel, &wasm_runtime()), ["A0014 RECORD"]);
    }
    let mut added = good.clone();
    added.files.insert("new.py".to_owned(), File::new(""));
    assert_eq!(audit(&added, &wasm_runtime()), ["A0014 RECORD"]);
    let mut without = good.clone();
    without.files.remove(&record);
    assert_eq!(audit(&without, &wasm_runtime()), ["A0014 RECORD"]);
    let mut signed = good.clone();
    signed.files.insert(format!("{INFO}/RECORD.jws"), File::new("{}"));
    assert_eq!(audit(&signed, &wasm_runtime()), [""; 0]);
}

#[test]
fn machine_code_of_other_machines_is_found() {
    let elf = b"\x7fELF\x02\x01\x01";
    let macho = b"\xcf\xfa\xed\xfe\x0c\0\0\x01";
    let class = b"\xca\xfe\xba\xbe\0\0\0\x34";
    let mut windows = b"MZ".to_vec();
    windows.resize(0x3c, 0);
    windows.extend(b"\x40\0\0\0PE\0\0");
    let cases: [(&str, &[u8], &[&str]); 8] = [
        ("_a.so", elf, &["A0001 _a.so"]),
        ("libx.so.1", elf, &["A0001 libx.so.1"]),
        ("libx.dylib", macho, &["A0001 libx.dylib"]),
        ("_a.pyd", &windows, &["A0001 _a.pyd"]),
        ("spam-1.0.data/scripts/spam", elf, &["A0001 spam"]),
        ("launcher.exe", &windows, &["A0001? launcher.exe"]),
        ("A.class", class, &[]),
        ("_a.txt", b"MZ is how a name begins", &[]),
    ];
    for (path, bytes, expected) in cases {
        assert_eq!(audit(&wheel(NAME, &[(path, bytes)]), &wasm_runtime()), expected, "{path}");
        let pure = wheel("spam-1.0-py3-none-any.whl", &[(path, bytes)]);
        assert_eq!(brief(&anymod_audit::wheel(&pure, None, &[], &[])), expected, "{path}");
    }
    // A wheel for Linux is full of it.
    let linux = wheel("spam-1.0-cp313-cp313-linux_x86_64.whl", &[("_a.so", elf)]);
    assert_eq!(brief(&anymod_audit::wheel(&linux, None, &[], &[])), [""; 0]);
}

#[test]
fn modules_that_nobody_finds_and_modules_found_twice() {
    let bytes = extension("_a");
    let foreign: [(&str, &[u8]); 1] = [("spam/_a.cpython-313-x86_64-linux-gnu.so", &bytes)];
    let codes = audit(&wheel(NAME, &foreign), &wasm_runtime());
    assert_eq!(codes, ["A0017 _a.cpython-313-x86_64-linux-gnu.so"]);
    let twice: [(&str, &[u8]); 2] = [(&format!("spam/_a{SUFFIX}"), &bytes), ("spam/_a.so", &bytes)];
    assert_eq!(audit(&wheel(NAME, &twice), &wasm_runtime()), ["A0018? _a.so"]);
}

#[test]
fn a_declared_module_that_is_lost_is_an_error() {
    let bytes = extension("_a");
    let files: [(&str, &[u8]); 3] = [
        (&format!("spam/_a{SUFFIX}"), &bytes),
        (&format!("spam-1.0.data/platlib/spam/_c{SUFFIX}"), &extension("_c")),
        ("spam/_d.cpython-313-x86_64-linux-gnu.so", &shared(r#"(func (export "PyInit__d"))"#)),
    ];
    let expected = ["spam._a", "spam._b", "spam._c", "spam._d"].map(str::to_owned);
    let wheel = wheel(NAME, &files);
    let findings = anymod_audit::wheel(&wheel, Some(&wasm_runtime()), &expected, &[]);
    let lost: Vec<&str> = findings
        .iter()
        .filter(|finding| finding.code.id == "A0016")
        .map(|finding| finding.message.as_str())
        .collect();
    assert_eq!(lost.len(), 2);
    assert!(lost[0].contains("`spam._b`") && lost[1].contains("`spam._d`"), "{lost:?}");
}
