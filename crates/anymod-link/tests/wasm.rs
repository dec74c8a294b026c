//! The reader of WebAssembly modules: what it finds in modules written as text, and that no bytes make it panic.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use anymod_link::wasm::{
    ExceptionUse, ExportKind, Features, ImportKind, Kind, Module, SymbolFlags, ValueType, read,
    set_runtime_path, validate, validate_outline,
};
use proptest::prelude::*;

/// A module's bytes from its text.
fn bytes(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// A shared module with one of everything that a loader asks for.
const SHARED: &str = r#"(module
  (@dylink.0
    (mem-info (memory 24 3) (table 2 0))
    (needed "libfirst.so" "libsecond.so")
    (runtime-path "$ORIGIN/../parts.libs")
    (export-info "own_thread_variable" tls)
    (import-info "env" "perhaps" undefined binding-weak))
  (type $add (func (param i32 i64) (result f64)))
  (import "env" "memory" (memory 1))
  (import "env" "__indirect_function_table" (table 2 funcref))
  (import "env" "__memory_base" (global i32))
  (import "GOT.mem" "perhaps" (global (mut i32)))
  (import "GOT.func" "other" (global (mut i32)))
  (import "env" "add" (func $add (type $add)))
  (import "env" "__cpp_exception" (tag (param i32)))
  (func $own (export "PyInit_one") (result i32) i32.const 0)
  (global (export "data") i32 (i32.const 8))
  (data (i32.const 0) "/home/someone/one.c\00")
  (@custom "target_features" "\02+\0dmutable-globals-\07atomics")
  (@producers (language "C11" "") (processed-by "clang" "19.1.7")))"#;

#[test]
fn a_shared_module_is_read_whole() {
    let bytes = bytes(&SHARED.replace("\\0dmutable-globals", "\\0fmutable-globals"));
    let module = read(&bytes, "one.so").unwrap();
    assert_eq!(module.kind(), Kind::Shared);
    let dylink = module.dylink.as_ref().unwrap();
    assert_eq!((dylink.memory_size, dylink.memory_alignment), (24, 3));
    assert_eq!((dylink.table_size, dylink.table_alignment), (2, 0));
    assert_eq!(dylink.needed, ["libfirst.so", "libsecond.so"]);
    assert_eq!(dylink.runtime_path, ["$ORIGIN/../parts.libs"]);
    assert!(dylink.exports["own_thread_variable"].is_thread_local());
    assert!(dylink.is_weak("GOT.mem", "perhaps") && !dylink.is_weak("GOT.func", "other"));
    let names: Vec<_> = module.imports.iter().map(|import| (import.module, import.name)).collect();
    assert_eq!(
        names,
        [
            ("env", "memory"),
            ("env", "__indirect_function_table"),
            ("env", "__memory_base"),
            ("GOT.mem", "perhaps"),
            ("GOT.func", "other"),
            ("env", "add"),
            ("env", "__cpp_exception"),
        ]
    );
    assert_eq!(
        module.imports[2].kind,
        ImportKind::Global { value: ValueType::I32, mutable: false }
    );
    let add = module.signature(0).unwrap();
    assert_eq!(add.parameters, [ValueType::I32, ValueType::I64]);
    assert_eq!(add.results, [ValueType::F64]);
    let init = module.export("PyInit_one").unwrap();
    assert_eq!((init.kind, init.index), (ExportKind::Function, 1));
    assert_eq!(module.signature(init.index).unwrap().results, [ValueType::I32]);
    assert_eq!(module.function_names()[&1], "own");
    assert_eq!(module.target_features, [('+', "mutable-globals"), ('-', "atomics")]);
    assert_eq!(module.producers[1], ("processed-by", "clang", "19.1.7"));
    let data = module.data[0];
    let at = usize::try_from(data.offset).unwrap();
    assert_eq!(&bytes[at..at + data.bytes.len()], b"/home/someone/one.c\0");
    assert!(!module.shares_memory());
}

#[test]
fn kinds_are_told_apart() {
    let cases = [
        ("(module (memory 1))", Kind::Standalone),
        ("(module (@dylink.0 (mem-info)))", Kind::Shared),
        (r#"(module (@custom "linking" "\02"))"#, Kind::Object),
    ];
    for (text, kind) in cases {
        assert_eq!(read(&bytes(text), "m").unwrap().kind(), kind, "{text}");
    }
}

#[test]
fn exceptions_are_told_from_imports_and_instructions() {
    let none = ExceptionUse::default();
    let cases = [
        ("", none),
        (
            r#"(import "env" "invoke_vi" (func (param i32 i32)))"#,
            ExceptionUse { javascript: true, ..none },
        ),
        (
            r#"(import "env" "emscripten_longjmp" (func (param i32 i32)))"#,
            ExceptionUse { javascript: true, ..none },
        ),
        (
            r#"(import "env" "__c_longjmp" (tag (param i32)))"#,
            ExceptionUse { instructions: true, ..none },
        ),
        (
            "(func try catch_all rethrow 0 end)",
            ExceptionUse { instructions: true, legacy_encoding: true, ..none },
        ),
        (
            "(func block try_table (catch_all 0) end end)",
            ExceptionUse { instructions: true, standard_encoding: true, ..none },
        ),
        ("(tag $t) (func throw $t)", ExceptionUse { instructions: true, ..none }),
        // The name alone is not it.
        (r#"(import "other" "invoke_vi" (func (param i32 i32)))"#, none),
    ];
    for (text, expected) in cases {
        let bytes = bytes(&format!("(module {text})"));
        assert_eq!(read(&bytes, "m").unwrap().exceptions(), expected, "{text}");
    }
}

#[test]
fn threads_and_vectors_are_noticed() {
    let shared = bytes(
        r#"(module (import "env" "memory" (memory 1 2 shared))
          (func (drop (memory.atomic.notify (i32.const 0) (i32.const 1)))))"#,
    );
    let module = read(&shared, "m").unwrap();
    assert!(module.shares_memory() && module.code.atomics && !module.code.vectors);
    let vectors = bytes("(module (func (drop (v128.const i64x2 0xfefefefe 0xfefefefe))))");
    let module = read(&vectors, "m").unwrap();
    assert!(!module.shares_memory() && !module.code.atomics && module.code.vectors);
}

#[test]
fn what_is_no_module_is_named() {
    let component = b"\0asm\x0d\0\x01\0";
    let cases: [(&[u8], &str, Option<&str>); 6] = [
        (b"", "L0601", Some("m")),
        (b"\x7fELF\x02\x01\x01", "L0601", Some("m")),
        (component, "L0601", None),
        (b"\0asm\x01\0\0", "L0602", None),
        (b"\0asm\x01\0\0\0\x01\x7f", "L0602", None),
        (b"\0asm\x01\0\0\0\x7f\x00", "L0602", None),
    ];
    for (bytes, id, place) in cases {
        let error = read(bytes, "m").unwrap_err();
        assert_eq!(error.code.id, id, "{bytes:?}: {error}");
        if let Some(place) = place {
            assert_eq!(error.place.unwrap().to_string(), place);
        }
    }
}

#[test]
fn a_fault_names_its_offset() {
    let mut bytes = bytes(SHARED);
    bytes.truncate(bytes.len() - 40);
    let error = read(&bytes, "one.so").unwrap_err();
    assert_eq!(error.code.id, "L0602");
    assert!(error.place.unwrap().to_string().starts_with("one.so+0x"));
}

#[test]
fn engines_refuse_what_is_invalid() {
    let cases = [
        ("(module (func (result i32) i32.const 0))", Features::Node20, true),
        ("(module (func (result i32)))", Features::Latest, false),
        (
            r#"(module (func $a) (export "a" (func $a)) (export "a" (func $a)))"#,
            Features::Latest,
            false,
        ),
        ("(module (func try catch_all end))", Features::Node20, true),
        (
            r#"(module (import "e" "b" (global i32))
              (global i32 (i32.add (global.get 0) (i32.const 1))))"#,
            Features::Node20,
            false,
        ),
        (
            r#"(module (import "e" "b" (global i32))
              (global i32 (i32.add (global.get 0) (i32.const 1))))"#,
            Features::Latest,
            true,
        ),
    ];
    for (text, features, accepted) in cases {
        let result = validate(&bytes(text), "m", features);
        assert_eq!(result.is_ok(), accepted, "{text}: {result:?}");
        assert!(result.err().is_none_or(|error| error.code.id == "L0603"));
    }
}

#[test]
fn functions_are_validated_in_shares() {
    let good = "(func (result i32) i32.const 1)";
    let text = format!("(module {}(func (result i32)) {good} (func drop))", good.repeat(9));
    let bytes = bytes(&text);
    let whole = validate(&bytes, "m", Features::Latest).unwrap_err();
    for most in [0, 1, 2, 5, 12, 100] {
        let outline = validate_outline(&bytes, "m", Features::Latest).unwrap();
        let shares = outline.shares(most);
        assert!(shares.len() <= most.max(1), "{most}");
        let results: Vec<_> = shares.into_iter().map(|share| share.validate()).collect();
        let first = results.into_iter().find_map(Result::err).unwrap();
        assert_eq!(first.place, whole.place, "{most}");
    }
    let empty = validate_outline(b"\0asm\x01\0\0\0", "m", Features::Latest).unwrap();
    assert!(empty.shares(4).is_empty());
}

#[test]
fn a_runtime_path_takes_the_place_of_another() {
    let old = bytes(SHARED);
    let paths = ["$ORIGIN/../new.libs".to_owned(), "x".repeat(200)];
    let new = set_runtime_path(&old, "one.so", &paths).unwrap();
    let (before, after) = (read(&old, "m").unwrap(), read(&new, "m").unwrap());
    let (before_dylink, after_dylink) = (before.dylink.unwrap(), after.dylink.unwrap());
    assert_eq!(after_dylink.runtime_path, paths);
    assert_eq!(after_dylink.needed, before_dylink.needed);
    assert_eq!(after_dylink.imports, before_dylink.imports);
    assert_eq!(after.imports, before.imports);
    assert_eq!(
        set_runtime_path(&new, "one.so", &["$ORIGIN/../parts.libs".to_owned()]).unwrap().len(),
        old.len()
    );
    let none = set_runtime_path(&new, "one.so", &[]).unwrap();
    assert_eq!(read(&none, "m").unwrap().dylink.unwrap().runtime_path, [""; 0]);
    let standalone = bytes("(module (memory 1))");
    for wrong in [&standalone[..], b"", b"\x7fELF"] {
        assert_eq!(set_runtime_path(wrong, "m", &paths).unwrap_err().code.id, "L0601");
    }
    let mut damaged = old;
    let part = damaged.windows(8).position(|bytes| bytes == b"dylink.0").unwrap() + 8;
    damaged[part + 1] = 0x7f;
    assert_eq!(set_runtime_path(&damaged, "m", &paths).unwrap_err().code.id, "L0602");
}

#[test]
fn flags_are_bits() {
    assert!(SymbolFlags::from_bits(1).is_weak() && !SymbolFlags::from_bits(0x10).is_weak());
}

/// Calls everything that reads further.
fn use_everything(module: &Module<'_>) {
    let _ = (module.kind(), module.exceptions(), module.shares_memory(), module.function_names());
    for export in &module.exports {
        let _ = module.signature(export.index);
    }
}

proptest! {
    #[test]
    fn damaged_modules_never_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = bytes(SHARED);
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        for bytes in [&bytes[..], &bytes[..cut.index(bytes.len())]] {
            match read(bytes, "m") {
                Ok(module) => use_everything(&module),
                Err(error) => prop_assert!(error.place.is_some()),
            }
            let _ = validate(bytes, "m", Features::Latest);
            let _ = set_runtime_path(bytes, "m", &["p".to_owned()]);
        }
    }

    #[test]
    fn any_sections_never_panic(rest in prop::collection::vec(any::<u8>(), 0..200)) {
        let bytes = [b"\0asm\x01\0\0\0", rest.as_slice()].concat();
        if let Ok(module) = read(&bytes, "m") {
            use_everything(&module);
        }
    }
}
