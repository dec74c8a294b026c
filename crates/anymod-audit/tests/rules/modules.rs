//! Rules on WebAssembly modules.

use anymod_model::pyodide::Exceptions;

use crate::support::{
    Files, NAME, SUFFIX, audit, brief, extension, javascript_runtime, notes, one, shared,
    wasm_runtime, wheel,
};

/// What an extension module with this in it is found to be, for a runtime of each kind of exceptions.
fn found(text: &str, exceptions: Exceptions) -> String {
    let init = r#"(func (export "PyInit__a") (result i32) i32.const 0)"#;
    let runtime = match exceptions {
        Exceptions::Wasm => wasm_runtime(),
        Exceptions::JavaScript => javascript_runtime(),
    };
    let codes = audit(&one(&shared(&format!("{text} {init}"))), &runtime);
    let codes: Vec<&str> =
        codes.iter().map(|line| line.split(' ').next().unwrap_or_default()).collect();
    codes.join(" ")
}

#[test]
fn a_good_module_has_no_findings() {
    assert_eq!(audit(&one(&extension("_a")), &wasm_runtime()), [""; 0]);
}

#[test]
fn imports_have_to_be_provided() {
    let cases = [
        (r#"(import "env" "malloc" (func))"#, ""),
        (r#"(import "env" "mallocate" (func))"#, "A0004"),
        (r#"(import "env" "memory" (memory 1))"#, ""),
        (r#"(import "env" "__memory_base" (global i32))"#, ""),
        (r#"(import "GOT.mem" "stderr" (global (mut i32)))"#, ""),
        (r#"(import "GOT.mem" "stdnothing" (global (mut i32)))"#, "A0004"),
        (r#"(import "GOT.func" "malloc" (global (mut i32)))"#, ""),
        (r#"(import "GOT.func" "own" (global (mut i32))) (func (export "own"))"#, ""),
        (r#"(import "GOT.func" "other" (global (mut i32)))"#, "A0004"),
        (r#"(import "wasi_snapshot_preview1" "fd_write" (func))"#, ""),
        (r#"(import "wasi_snapshot_preview1" "fd_nothing" (func))"#, "A0004"),
        (r#"(import "other" "malloc" (func))"#, "A0004"),
        (
            r#"(@dylink.0 (mem-info) (import-info "env" "perhaps" undefined binding-weak))
              (import "GOT.mem" "perhaps" (global (mut i32)))"#,
            "",
        ),
        (r#"(import "env" "script" (func)) (func (export "__em_js__script"))"#, ""),
        (r#"(import "env" "invoke_vi" (func (param i32 i32)))"#, "A0004 A0006"),
    ];
    for (text, expected) in cases {
        assert_eq!(found(text, Exceptions::Wasm), expected, "{text}");
    }
    let through =
        r#"(import "env" "invoke_vi" (func)) (import "env" "__cxa_find_matching_catch_9" (func))"#;
    assert_eq!(found(through, Exceptions::JavaScript), "");
}

#[test]
fn all_missing_imports_are_listed_with_a_reason() {
    let text = r#"
      (import "env" "pthread_create" (func)) (import "env" "first" (func))
      (import "GOT.mem" "second" (global (mut i32))) (import "env" "first" (func))"#;
    let wheel = one(&shared(&format!(r#"{text} (func (export "PyInit__a"))"#)));
    let findings = anymod_audit::wheel(&wheel, Some(&wasm_runtime()), &[], &[]);
    assert_eq!(findings.len(), 1);
    assert!(findings[0].message.starts_with("3 imports"), "{}", findings[0].message);
    let expected =
        ["`first` (function)", "`pthread_create` (function)", "`second` (address of data)"];
    assert!(notes(&findings).into_iter().eq(expected), "{}", findings[0]);
    assert!(findings[0].hint.as_ref().unwrap().contains("no threads"));
}

#[test]
fn a_runtime_whose_symbols_are_not_known_is_not_compared() {
    let mut runtime = wasm_runtime();
    runtime.symbols.clear();
    let wheel = one(&shared(r#"(import "env" "a" (func)) (func (export "PyInit__a"))"#));
    assert_eq!(audit(&wheel, &runtime), [""; 0]);
}

#[test]
fn exceptions_go_the_runtimes_way() {
    use Exceptions::{JavaScript, Wasm};
    let instructions = "(func try catch_all rethrow 0 end)";
    let tag = r#"(import "env" "__cpp_exception" (tag (param i32)))"#;
    let invoke = r#"(import "env" "invoke_v" (func (param i32)))"#;
    let cases = [
        (instructions.to_owned(), Wasm, ""),
        (tag.to_owned(), Wasm, ""),
        (instructions.to_owned(), JavaScript, "A0006"),
        (tag.to_owned(), JavaScript, "A0006"),
        (invoke.to_owned(), JavaScript, ""),
        (format!("{invoke} {instructions}"), JavaScript, "A0006"),
        (format!("{invoke} {tag}"), Wasm, "A0004 A0006"),
    ];
    for (text, runtime, expected) in cases {
        assert_eq!(found(&text, runtime), expected, "{text} {runtime:?}");
    }
}

#[test]
fn engines_of_the_runtime_take_the_module() {
    let cases = [
        ("(func (result i32))", "L0603"),
        (
            r#"(import "env" "__memory_base" (global $b i32))
              (global i32 (i32.add (global.get $b) (i32.const 8)))"#,
            "A0007?",
        ),
        (r#"(func $f) (export "f" (func $f)) (export "f" (func $f))"#, "L0603"),
        (r#"(import "env" "memory" (memory 1 2 shared))"#, "A0008"),
        (r#"(import "env" "memory" (memory 1)) (func (drop (i32.atomic.load (i32.const 0))))"#, ""),
    ];
    for (text, expected) in cases {
        assert_eq!(found(text, Exceptions::Wasm), expected, "{text}");
    }
}

#[test]
fn the_init_function_is_that_of_the_files_name() {
    let runtime = wasm_runtime();
    let other = extension("other");
    let none = shared(r#"(func (export "own"))"#);
    let global = shared(r#"(global (export "PyInit__a") i32 (i32.const 0))"#);
    let punycode = shared(r#"(func (export "PyInitU__eckzbwbhc6jpgzcx415x"))"#);
    let japanese = format!("\u{30e2}\u{30b8}{SUFFIX}");
    let cases: [(&str, &[u8], &[&str]); 8] = [
        (&format!("_a{SUFFIX}"), &other, &["A0003"]),
        (&format!("_a{SUFFIX}"), &none, &["A0003"]),
        (&format!("_a{SUFFIX}"), &global, &["A0003"]),
        ("_a.abi3.so", &none, &["A0003"]),
        // A library may be called anything.
        ("libown.so", &none, &[]),
        ("_a.so", &other, &["A0003"]),
        ("other.so", &other, &[]),
        (&japanese, &punycode, &[]),
    ];
    for (path, bytes, expected) in cases {
        let codes = audit(&wheel(NAME, &[(path, bytes)]), &runtime);
        let codes: Vec<&str> = codes.iter().map(|line| &line[..5]).collect();
        assert_eq!(codes, expected, "{path}");
    }
}

#[test]
fn only_shared_modules_are_libraries() {
    let program = wat::parse_str("(module (memory 1))").unwrap();
    let object = wat::parse_str(r#"(module (@custom "linking" "\02"))"#).unwrap();
    let path = format!("_a{SUFFIX}");
    for bytes in [&program, &object] {
        assert_eq!(
            audit(&wheel(NAME, &[(&path, bytes)]), &wasm_runtime()),
            [format!("A0002 {path}")]
        );
    }
    // A program that a package brings along is its own business.
    assert_eq!(audit(&wheel(NAME, &[("spam/tool.wasm", &program)]), &wasm_runtime()), [""; 0]);
    for rest in [&b""[..], b"text"] {
        assert_eq!(
            audit(&wheel(NAME, &[(&path, rest)]), &wasm_runtime()),
            [format!("A0002 {path}")]
        );
    }
    let cut = &program[..program.len() - 1];
    assert_eq!(audit(&wheel(NAME, &[(&path, cut)]), &wasm_runtime()), [format!("L0602 {path}")]);
}

#[test]
fn needed_libraries_are_where_the_loader_looks() {
    let module = |runtime_path: &str| {
        shared(&format!(
            r#"(@dylink.0 (mem-info) (needed "libx.so") {runtime_path})
              (import "env" "of_x" (func)) (func (export "PyInit__a"))"#
        ))
    };
    let library = shared(r#"(func (export "of_x"))"#);
    let deep = shared(r#"(@dylink.0 (mem-info) (needed "liby.so")) (func (export "of_x"))"#);
    let plain = module("");
    let pathed = module(r#"(runtime-path "$ORIGIN/../spam.libs")"#);
    let (new, old) = (wasm_runtime(), javascript_runtime());
    let extension = format!("spam/_a{SUFFIX}");
    let code = format!("A0005 _a{SUFFIX}");
    let wrong: &[&str] = &[&code];
    let cases: [(&[u8], Files<'_>, &_, &[&str]); 10] = [
        (&plain, &[], &new, wrong),
        (&plain, &[("spam.libs/libx.so", &library)], &new, wrong),
        (&pathed, &[("spam.libs/libx.so", &library)], &new, &[]),
        (&pathed, &[("spam/libx.so", &library)], &new, wrong),
        (&plain, &[("libx.so", &library)], &new, &[]),
        (&plain, &[("spam.libs/libx.so", &library)], &old, &[]),
        (&plain, &[("spam/libx.so", &library)], &old, &[]),
        (&plain, &[("spam/deep/libx.so", &library)], &old, &[]),
        (&plain, &[("other/libx.so", &library)], &old, wrong),
        // What a library needs is looked for as well.
        (&plain, &[("spam/libx.so", &deep)], &old, &["A0005 libx.so"]),
    ];
    for (index, (module, libraries, runtime, expected)) in cases.into_iter().enumerate() {
        let files: Vec<(&str, &[u8])> = [&[(extension.as_str(), module)][..], libraries].concat();
        assert_eq!(audit(&wheel(NAME, &files), runtime), expected, "case {index}");
    }
}

#[test]
fn libraries_that_need_each_other_come_to_an_end() {
    let needs = |name: &str| {
        shared(&format!(r#"(@dylink.0 (mem-info) (needed "{name}")) (import "env" "lost" (func))"#))
    };
    let (one, two) = (needs("libtwo.so"), needs("libone.so"));
    let wheel = wheel(NAME, &[("libone.so", &one), ("libtwo.so", &two)]);
    assert_eq!(audit(&wheel, &wasm_runtime()), ["A0004 libone.so", "A0004 libtwo.so"]);
}

#[test]
fn paths_of_the_build_leak_from_data_and_text() {
    let module = shared(
        r#"(import "env" "memory" (memory 1)) (func (export "PyInit__a"))
          (data (i32.const 0) "\00/home/someone/spam/a.c\00/tmp/name\00/work/secret/b.c\00/usr/lib/x.so\00")"#,
    );
    let files: [(&str, &[u8]); 3] = [
        (&format!("spam/_a{SUFFIX}"), &module),
        ("spam/config.py", b"include = '/work/secret/include'\nother = '/work/secrets'\n"),
        ("spam/doc.txt", b"see /home/someone/there\n"),
    ];
    let wheel = wheel(NAME, &files);
    let private = ["/work/secret/".to_owned(), String::new()];
    let findings = anymod_audit::wheel(&wheel, Some(&wasm_runtime()), &[], &private);
    let module = format!("_a{SUFFIX}");
    let expected =
        [format!("A0009 {module}"), format!("A0010? {module}"), "A0009 config.py".to_owned()];
    assert_eq!(brief(&findings), expected);
    let expected = ["`/home/someone/spam/a.c`", "`/work/secret/b.c`", "`/work/secret/include`"];
    assert!(notes(&findings).into_iter().eq(expected), "{:?}", notes(&findings));
}

#[test]
fn a_module_is_audited_by_itself() {
    let findings =
        anymod_audit::module(&extension("b"), "out/_a.abi3.so", Some(&wasm_runtime()), &[]);
    assert_eq!(brief(&findings), ["A0003 _a.abi3.so"]);
    assert_eq!(findings[0].place.as_ref().unwrap().to_string(), "out/_a.abi3.so");
    let object = wat::parse_str(r#"(module (@custom "linking" "\02"))"#).unwrap();
    assert_eq!(brief(&anymod_audit::module(&object, "a.o", None, &[])), ["A0002 a.o"]);
    let elf = anymod_audit::module(b"\x7fELF\x02\x01\x01", "a.so", None, &[]);
    assert_eq!(brief(&elf), ["A0001 a.so"]);
    let text = anymod_audit::module(b"text", "a.so", None, &[]);
    assert_eq!(brief(&text), ["L0601 a.so"]);
}
