//! Bundles of real objects, made by the managed zig at test time: what a linker and its cache must do in the corners.
//!
//! What users see of the command is held in `crates/anymod/tests/bundle`; here are thin archives, damaged and foreign members,
//! stamps, C++ kept apart, side modules, other linkers, precompiling.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

mod desk;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};

use anymod_build::bundle::{ExportPolicy, Outcome, Strip};
use anymod_build::toolchain::wasi::WasiTools;
use anymod_model::{Stamp, Target};
use desk::{Desk, exported, names};

#[test]
fn a_thin_archive_is_its_members() {
    let desk = Desk::new();
    let one = desk.object("sub dir/one.c", &exported("one", "1"), &[]);
    let two = desk.object("sub dir/two.c", &exported("two", "2"), &[]);
    let thin = desk.archive("thin.a", "T", &[one.clone(), two]);
    assert!(std::fs::read(&thin).unwrap().starts_with(b"!<thin>\n"));
    let request = desk.request(&[&thin]);
    let first = desk.bundle(&request).unwrap();
    assert_eq!((first.outcome, desk.call(&first, &["one", "two"])), (Outcome::Linked, vec![1, 2]));
    assert_eq!(desk.bundle(&request).unwrap().outcome, Outcome::Hit);
    let before = std::fs::read(&thin).unwrap();
    desk.object("sub dir/one.c", &exported("one", "3"), &[]);
    assert_eq!(std::fs::read(&thin).unwrap(), before, "the archive itself says nothing of it");
    let second = desk.bundle(&request).unwrap();
    assert_eq!(
        (second.outcome, desk.call(&second, &["one", "two"])),
        (Outcome::Linked, vec![3, 2])
    );
    // The functions of members are the archive's.
    let bytes = std::fs::read(&second.path).unwrap();
    let sizes = anymod_link::wasm::sizes(&bytes, "bundle").unwrap();
    assert!(sizes.by_origin().iter().any(|(name, _)| name == "thin.a"), "{:?}", sizes.by_origin());
    std::fs::write(&one, "").unwrap();
    assert!(desk.refused(&request, "L0012").contains("one.o"));
    std::fs::remove_file(&one).unwrap();
    let text = desk.refused(&request, "L0002");
    assert!(text.contains("thin.a(") && text.contains("one.o"), "{text}");
}

#[test]
fn members_that_cannot_be_linked_are_named() {
    let desk = Desk::new();
    let good = desk.object("good.c", &exported("good", "1"), &[]);
    let lto = desk.object("lto.c", &exported("lto", "1"), &["-flto"]);
    let bytes = std::fs::read(&good).unwrap();
    let member = |name: &str, bytes: &[u8]| {
        let path = desk.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let cut = member("cut.o", &bytes[..bytes.len() / 2]);
    let inner = desk.archive("inner.a", "", std::slice::from_ref(&good));
    let native = member("native.o", b"\x7fELF\x02\x01\x01 and no more");
    let linked = desk.bundle(&desk.request(&[&inner])).unwrap().path;
    for (object, code) in
        [(lto, "L0007"), (cut, "L0602"), (inner, "L0010"), (native, "G0101"), (linked, "G0102")]
    {
        let name = object.file_name().unwrap().to_string_lossy().into_owned();
        // As an archiver does that adds a file and looks for nothing in it.
        let archive = desk.archive("bad.a", "S", std::slice::from_ref(&good));
        append(&archive, &name, &std::fs::read(&object).unwrap());
        let text = desk.refused(&desk.request(&[&archive]), code);
        assert!(text.lines().next().unwrap().contains(&format!("bad.a({name})")), "{text}");
    }
    let archive = desk.archive("short.a", "", &[good]);
    let whole = std::fs::read(&archive).unwrap();
    std::fs::write(&archive, &whole[..whole.len() - 40]).unwrap();
    assert!(desk.refused(&desk.request(&[&archive]), "L0002").contains("short.a"));
}

/// Adds a member to an archive.
fn append(archive: &Path, name: &str, member: &[u8]) {
    let mut bytes = std::fs::read(archive).unwrap();
    let (name, size) = (format!("{name}/"), member.len());
    let header = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 644);
    bytes.extend(header.as_bytes());
    bytes.extend(member);
    bytes.extend((size % 2 == 1).then_some(b'\n'));
    std::fs::write(archive, bytes).unwrap();
}

/// The source of an object that holds a stamp.
fn stamped(stamp: &Stamp) -> String {
    let bytes: Vec<String> = stamp.to_json().bytes().map(|byte| byte.to_string()).collect();
    let section = ".section .custom_section.anymod.abi,\\\"\\\",@";
    format!("__asm__(\"{section}\\n.byte {}\\n\");\n", bytes.join(","))
}

#[test]
fn stamps_are_compared_and_merged() {
    let desk = Desk::new();
    let module = |name: &str, stamp: &Stamp| {
        let code = desk.object(&format!("{name}.c"), &exported(name, "1"), &[]);
        let stamp = desk.object(&format!("{name}_stamp.c"), &stamped(stamp), &[]);
        desk.archive(&format!("{name}.a"), "", &[code, stamp])
    };
    let stamp =
        |build_type: &str| Stamp::new().with("target", "wasi").with("build-type", build_type);
    let a = module("a", &stamp("release").with("gc", "none"));
    let b = module("b", &stamp("release").with("compiler", "zig 0.17.0"));
    let made = desk.bundle(&desk.request(&[&a, &b])).unwrap();
    let bytes = std::fs::read(&made.path).unwrap();
    let merged = stamp("release").with("gc", "none").with("compiler", "zig 0.17.0");
    assert_eq!(anymod_link::stamp::of_object(&bytes, "bundle", None), Ok(vec![merged]));
    let debug = module("debug", &stamp("debug"));
    let text = desk.refused(&desk.request(&[&a, &debug]), "G0110");
    for word in ["`build-type`", "`release`", "a.a(a_stamp.o)", "`debug`", "debug.a(debug_stamp.o)"]
    {
        assert!(text.contains(word), "{word}: {text}");
    }
    let other = module("other", &Stamp::new().with("target", "emscripten"));
    assert!(desk.refused(&desk.request(&[&other]), "G0110").contains("`emscripten`"));
}

/// Inline functions, their static variables, templates, weak functions and constructors of two modules with the same names.
const CXX: &str = r#"
inline int counted() { static int n = VALUE * 10; return ++n; }
template <class T> struct Box {
    T value;
    __attribute__((noinline)) T get() { return value + VALUE; }
};
int helper();
int counter = VALUE;
__attribute__((constructor)) static void begin() { counter += 100; }
__attribute__((weak)) int weak_one() { return VALUE; }
extern "C" __attribute__((export_name(NAME))) int run() {
    Box<int> box{1};
    return counter * 10000 + helper() * 1000 + counted() * 10 + box.get() + weak_one();
}
"#;

#[test]
fn modules_with_the_same_names_inside_keep_apart() {
    let desk = Desk::new();
    let module = |name: &str, value: i32| {
        let text = CXX.replace("VALUE", &value.to_string()).replace("NAME", &format!("\"{name}\""));
        let one = desk.object(&format!("{name}/one.cpp"), &text, &["-fvisibility=hidden"]);
        let helper =
            format!("extern int counter;\nint helper() {{ return counter - 100 + {value}; }}\n");
        let two = desk.object(&format!("{name}/two.cpp"), &helper, &["-fvisibility=hidden"]);
        desk.archive(&format!("lib{name}.a"), "", &[one, two])
    };
    let (a, b) = (module("a", 1), module("b", 2));
    let mut request = desk.request(&[&a, &b]);
    let error = desk.bundle(&request).unwrap_err();
    assert!(error.0.iter().all(|finding| finding.code.id == "G0105"), "{error}");
    request.isolate = true;
    let made = desk.bundle(&request).unwrap();
    assert_eq!(names(&made), ["memory", "_initialize", "a", "b"]);
    let expected = |value: i64| {
        (value + 100) * 10000 + 2 * value * 1000 + (value * 10 + 1) * 10 + (1 + value) + value
    };
    assert_eq!(desk.call(&made, &["a", "b"]), [expected(1), expected(2)]);
    // Names say whose they are, and debug information is still there.
    let text = std::fs::read(&made.path).unwrap();
    let text = String::from_utf8_lossy(&text);
    assert!(text.contains("_Z6helperv.a") && text.contains("_Z6helperv.b"));
}

#[test]
fn a_helper_that_another_archive_needs_stays_visible() {
    let desk = Desk::new();
    let host =
        desk.module("host.c", "int alloc(void) { return 7; }\nint util(void) { return 1; }\n", &[]);
    let text = format!(
        "int alloc(void);\nint util(void) {{ return 2; }}\n{}",
        exported("m", "alloc() * 10 + util()")
    );
    let module = desk.module("m.c", &text, &[]);
    let mut request = desk.request(&[&host, &module]);
    request.isolate = true;
    let made = desk.bundle(&request).unwrap();
    assert_eq!(desk.call(&made, &["m"]), [72]);
    let third =
        desk.module("third.c", &format!("int util(void);\n{}", exported("third", "util()")), &[]);
    request.archives.push(third);
    let text = desk.refused(&request, "G0105");
    for word in ["third.a", "`util`", "host.a(host.o)", "m.a(m.o)"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn side_modules_are_held_against_a_main_module() {
    let desk = Desk::new();
    let side = "extern int host_add(int, int);\nextern int host_data;\n\
        static int table[2] = {1, 2};\nint (*pointer)(int, int) = host_add;\n";
    let text =
        format!("{side}{}", exported("side", "pointer(table[0], host_add(1, 2)) + host_data"));
    let side = desk.module("side.c", &text, &["-fPIC"]);
    let shown = "#define SHOWN __attribute__((visibility(\"default\")))\n";
    let main = desk.module(
        "main.c",
        &format!("{shown}SHOWN int host_add(int a, int b) {{ return a + b; }}\n"),
        &[],
    );
    let mut request = desk.request(&[&main]);
    let main = desk.path("main.wasm");
    request.output = Some(main.clone());
    desk.bundle(&request).unwrap();
    for target in [Target::Wasi, Target::Emscripten] {
        let mut request = desk.request(&[&side]);
        request.target = target;
        request.shared = true;
        let made = desk.bundle(&request).unwrap();
        let bytes = std::fs::read(&made.path).unwrap();
        let module = anymod_link::wasm::read(&bytes, "side").unwrap();
        // The section that makes it one comes first.
        assert_eq!((bytes[8], &bytes[10..19]), (0, &b"\x08dylink.0"[..]));
        assert!(module.dylink.as_ref().unwrap().memory_size >= 4);
        assert_eq!(module.kind(), anymod_link::wasm::Kind::Shared);
        request.against = Some(main.clone());
        let text = desk.refused(&request, "G0112");
        assert!(text.contains("`host_data`") && !text.contains("`host_add`"), "{text}");
    }
    let mut request = desk.request(&[&side]);
    request.target = Target::Emscripten;
    desk.refused(&request, "G0117");
    let fixed = desk.module("fixed.c", &text.replace("side(", "fixed("), &[]);
    let mut request = desk.request(&[&fixed]);
    request.shared = true;
    let error = desk.bundle(&request).unwrap_err();
    assert!(error.0.iter().all(|finding| finding.code.id == "G0116"), "{error}");
    assert!(error.to_string().contains("fixed.a(fixed.o)"), "{error}");
}

#[test]
fn imports_are_held_against_what_is_allowed() {
    let desk = Desk::new();
    let import = "__attribute__((import_module(\"host\"), import_name(\"ask\"))) int ask(void);\nint gone(void);\n";
    let module = desk.module(
        "m.c",
        &format!("#include <stdio.h>\n{import}{}", exported("m", "ask() + gone() + puts(\"\")")),
        &[],
    );
    let mut request = desk.request(&[&module]);
    assert!(desk.refused(&request, "G0107").contains("m.a(m.o)"));
    request.allow_imports = vec!["gone".to_owned()];
    assert!(desk.refused(&request, "G0108").contains("`host.ask`"));
    request.allow_imports.push("host.a*".to_owned());
    let made = desk.bundle(&request).unwrap();
    let modules: std::collections::BTreeSet<&str> =
        made.imports.iter().map(|import| import.module.as_str()).collect();
    assert!(
        modules.into_iter().eq(["env", "host", "wasi_snapshot_preview1"]),
        "{:?}",
        made.imports
    );
    let ask = made.imports.iter().find(|import| import.name == "ask").unwrap();
    assert_eq!(ask.signature.as_deref(), Some("() -> i32"));
}

#[test]
fn policies_choose_exports_also_of_the_c_library() {
    let desk = Desk::new();
    let text = format!(
        "int hidden(void) {{ return 1; }}\n__attribute__((visibility(\"default\"))) int seen(void) {{ return 2; }}\n\
         __attribute__((export_name(\"outer\"))) int inner(void) {{ return 3; }}\n{}",
        exported("m", "4")
    );
    let module = desk.module("m.c", &text, &[]);
    let mut request = desk.request(&[&module]);
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    for (policy, expected) in [
        (ExportPolicy::All, vec!["m", "outer", "seen"]),
        (ExportPolicy::Named, vec!["m", "outer"]),
        (
            ExportPolicy::List(list(&["hidden", "outer", "malloc"])),
            vec!["hidden", "malloc", "outer"],
        ),
        (ExportPolicy::Prefix(list(&["hid", "out"])), vec!["hidden", "outer"]),
    ] {
        request.exports = policy;
        let made = desk.bundle(&request).unwrap();
        let mut found = names(&made);
        found.retain(|name| !matches!(*name, "memory" | "_initialize"));
        found.sort_unstable();
        assert_eq!(found, expected);
    }
    request.exports = ExportPolicy::List(list(&["hidden", "nowhere"]));
    assert!(desk.refused(&request, "G0109").contains("`nowhere`"));
    request.archives.push(module);
    assert!(desk.refused(&request, "G0117").contains("twice"));
}

#[test]
fn damage_heals_and_force_links_again() {
    let desk = Desk::new();
    let module = desk.module("m.c", &exported("m", "1"), &[]);
    let mut request = desk.request(&[&module]);
    request.output = None;
    let made = desk.bundle(&request).unwrap();
    let whole = std::fs::read(&made.path).unwrap();
    for damage in
        [Vec::new(), whole[..whole.len() / 2].to_vec(), [&whole[..20], &[7], &whole[21..]].concat()]
    {
        std::fs::write(&made.path, &damage).unwrap();
        let again = desk.bundle(&request).unwrap();
        assert_eq!((again.outcome, &again.path), (Outcome::Hit, &made.path));
        assert_eq!(std::fs::read(&made.path).unwrap(), whole);
        // Both damaged: the copy and what is kept.
        std::fs::write(&made.path, &damage).unwrap();
        for blob in blobs(&desk.path("store/v1/blobs")) {
            std::fs::remove_file(&blob).unwrap();
            std::fs::write(&blob, &damage).unwrap();
        }
        assert_eq!(desk.bundle(&request).unwrap().outcome, Outcome::Linked);
        assert_eq!(std::fs::read(&made.path).unwrap(), whole);
    }
    request.force = true;
    assert_eq!(desk.bundle(&request).unwrap().outcome, Outcome::Linked);
    request.store = None;
    request.force = false;
    let without = desk.bundle(&request).unwrap();
    assert_eq!((without.outcome, without.digest), (Outcome::Linked, made.digest));
}

fn blobs(directory: &Path) -> Vec<PathBuf> {
    let inside = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    inside
        .flat_map(|path| std::fs::read_dir(path).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect()
}

#[test]
#[ignore = "builds a C library, which takes half a minute; what is damaged is noticed in `toolchain::wasi`'s own tests"]
fn a_damaged_c_library_is_built_again_and_bytes_stay_the_same() {
    // Links to the machine's files, of which one is replaced here by a damaged copy: the machine's stays whole.
    let desk = Desk::new();
    let module = desk.module(
        "m.c",
        &format!("#include <string.h>\n{}", exported("m", "strlen((char *)&m)")),
        &[],
    );
    let made = desk.bundle(&desk.request(&[&module])).unwrap();
    let home = desk.path("home/cache/wasi");
    let machines = std::fs::read_link(&home).unwrap();
    std::fs::remove_file(&home).unwrap();
    for set in std::fs::read_dir(&machines).unwrap().map(|entry| entry.unwrap().path()) {
        let Some(name) = set.file_name().filter(|_| set.is_dir()) else { continue };
        std::fs::create_dir_all(home.join(name)).unwrap();
        for file in std::fs::read_dir(&set).unwrap().map(|entry| entry.unwrap().path()) {
            std::fs::copy(&file, home.join(name).join(file.file_name().unwrap())).unwrap();
        }
        std::fs::write(home.join(name).join("libc.a"), "!<arch>\n").unwrap();
    }
    let mut request = desk.request(&[&module]);
    request.force = true;
    let again = desk.bundle(&request).unwrap();
    assert_eq!((again.outcome, again.digest), (Outcome::Linked, made.digest));
}

#[test]
fn an_installed_linker_takes_its_own_library() {
    let desk = Desk::new();
    let module = desk.module("m.c", &exported("m", "5"), &[]);
    let sets = std::fs::read_dir(desk.path("home/cache/wasi")).unwrap();
    let mut sets = sets.map(|entry| entry.unwrap().path());
    let sysroot = sets.find(|path| path.join("libc.a").is_file()).unwrap();
    let mut request = desk.request(&[&module]);
    request.tools = WasiTools::Installed { wasm_ld: "wasm-ld-19".into(), sysroot };
    let made = desk.bundle(&request).unwrap();
    assert_eq!(desk.call(&made, &["m"]), [5]);
    request.tools = WasiTools::Managed;
    assert_eq!(
        desk.bundle(&request).unwrap().outcome,
        Outcome::Linked,
        "another linker, another key"
    );
}

#[test]
fn of_libraries_only_what_is_needed_is_linked() {
    let desk = Desk::new();
    let used = desk.object("used.c", "int used(void) { return 4; }\n", &[]);
    let unused = desk.object(
        "unused.c",
        &exported("unused", "gone()").replace("int unused", "int gone(void);\nint unused"),
        &[],
    );
    let library = desk.archive("libmany.a", "", &[used, unused]);
    let module =
        desk.module("m.c", &format!("int used(void);\n{}", exported("m", "used() + 1")), &[]);
    let mut request = desk.request(&[&module]);
    assert!(desk.refused(&request, "G0107").contains("`used`"));
    request.libraries = vec![library.clone()];
    let made = desk.bundle(&request).unwrap();
    assert_eq!(
        (desk.call(&made, &["m"]), names(&made)),
        (vec![5], vec!["memory", "_initialize", "m"])
    );
    let used = desk.object("used.c", "int used(void) { return 8; }\n", &[]);
    desk.archive("libmany.a", "", &[used]);
    let made = desk.bundle(&request).unwrap();
    assert_eq!((made.outcome, desk.call(&made, &["m"])), (Outcome::Linked, vec![9]));
}

#[test]
fn what_is_stripped_is_gone() {
    let desk = Desk::new();
    let module = desk.module("m.c", &exported("m", "5"), &["-g"]);
    let mut sizes = Vec::new();
    for strip in [Strip::Nothing, Strip::Debug, Strip::All] {
        let mut request = desk.request(&[&module]);
        request.strip = strip;
        let made = desk.bundle(&request).unwrap();
        let bytes = std::fs::read(&made.path).unwrap();
        let module = anymod_link::wasm::read(&bytes, "m").unwrap();
        let has = |name: &str| module.custom.iter().any(|section| section.name.starts_with(name));
        assert_eq!(has(".debug_"), strip == Strip::Nothing);
        assert_eq!((has("name"), has("anymod.origin")), (strip != Strip::All, strip != Strip::All));
        sizes.push(bytes.len());
    }
    assert!(sizes.is_sorted_by(|larger, smaller| larger > smaller), "{sizes:?}");
}

#[test]
fn the_precompiled_form_is_made_once_for_a_tool() {
    let desk = Desk::new();
    let module = desk.module("m.c", &exported("m", "5"), &[]);
    let (tool, calls) = (desk.path("a tool"), desk.path("calls"));
    let body = |word: &str| {
        format!(
            "echo x >>'{}'\n[ \"$1 $2\" = 'compile -o' ] || exit 9\n(echo {word}; cat \"$4\") >\"$3\"",
            calls.display()
        )
    };
    support::program::script(&tool, &body("one"));
    let mut request = desk.request(&[&module]);
    request.cwasm = Some(tool.clone());
    let counted = || std::fs::read_to_string(&calls).unwrap().lines().count();
    let made = desk.bundle(&request).unwrap();
    let cwasm = made.cwasm.unwrap();
    assert_eq!(cwasm, made.path.with_extension("cwasm"));
    let expected = [b"one\n".to_vec(), std::fs::read(&made.path).unwrap()].concat();
    assert_eq!(std::fs::read(&cwasm).unwrap(), expected);
    std::fs::write(&cwasm, "damaged").unwrap();
    desk.bundle(&request).unwrap();
    assert_eq!((counted(), std::fs::read(&cwasm).unwrap()), (1, expected));
    support::program::script(&tool, &body("another"));
    desk.bundle(&request).unwrap();
    assert_eq!(counted(), 2, "another tool");
    support::program::script(&tool, "echo the moon is full >&2; exit 3");
    assert!(desk.refused(&request, "G0115").contains("the moon is full"));
    support::program::script(&tool, "exit 0");
    assert!(desk.refused(&request, "G0115").contains("no file"));
}

#[test]
fn one_of_many_links() {
    let desk = Desk::new();
    let module = desk.module("m.c", &exported("m", "5"), &[]);
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|number| {
                let mut request = desk.request(&[&module]);
                request.output = Some(desk.path(&format!("out{number}.wasm")));
                let desk = &desk;
                scope.spawn(move || desk.bundle(&request).unwrap())
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap().outcome).collect()
    });
    assert_eq!(
        outcomes.iter().filter(|outcome| **outcome == Outcome::Linked).count(),
        1,
        "{outcomes:?}"
    );
    let first = std::fs::read(desk.path("out0.wasm")).unwrap();
    assert!(
        (1..6)
            .all(|number| std::fs::read(desk.path(&format!("out{number}.wasm"))).unwrap() == first)
    );
}
