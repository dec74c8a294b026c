//! `split verify` on hosts and modules that are built and loaded.

use super::fixtures::{Place, libraries, zig};

/// A program that loads modules and calls the init function of each, `anymod_init_NAME` of `NAME.so`.
pub(crate) const HOST: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
int main(int count, char **paths) {
    int failures = 0;
    for (int i = 1; i < count; i++) {
        char path[4096], symbol[4096];
        void *module = dlopen(paths[i], RTLD_NOW);
        if (!module) { printf("%s\n", dlerror()); failures++; continue; }
        strcpy(path, paths[i]);
        char *name = basename(path);
        *strchr(name, '.') = 0;
        snprintf(symbol, sizeof symbol, "anymod_init_%s", name);
        int (*init)(void) = (int (*)(void))dlsym(module, symbol);
        if (!init) { printf("%s\n", dlerror()); failures++; continue; }
        printf("%s: %d\n", name, init());
    }
    return failures;
}
"#;

#[test]
fn all_missing_symbols_are_told_at_once() {
    let place = Place::new();
    place.object("host", &format!("{HOST}\nint given(void) {{ return 1; }}"), "");
    place.cc("host.o -rdynamic -o host");
    place.object(
        "greedy",
        "int given(void); int first(void); int second(void); extern int third; int maybe(void) __attribute__((weak));
         int anymod_init_greedy(void) { return given() + first() + second() + third + (maybe ? maybe() : 0); }",
        "",
    );
    place.cc("-shared greedy.o -o greedy.so");
    let (status, report) = place.json("verify host greedy.so --all");
    assert_eq!(status, 1);
    let module = &report["report"]["files"][1];
    assert_eq!(module["missing"], serde_json::json!(["first", "second", "third"]));
    assert_eq!(module["symbols"]["given"], "host");
    assert_eq!(report["report"]["findings"].as_array().unwrap().len(), 1, "weak ones are no loss");
    assert_eq!(report["report"]["findings"][0]["code"], "H0201");
    // The loader finds one of them, and stops.
    let loaded = place.run("./host", "./greedy.so");
    assert_eq!(loaded.status, 1, "{loaded}");
    let told = ["first", "second", "third"].iter().filter(|n| loaded.stdout.contains(**n)).count();
    assert_eq!(told, 1, "{loaded}");
    let text = place.split("verify host greedy.so");
    assert!(text.stdout.contains("  missing  second\n"), "{text}");
}

#[test]
fn what_a_host_keeps_to_itself_is_said() {
    let place = Place::new();
    place.object("host", &format!("{HOST}\nint kept(void) {{ return 1; }}"), "");
    place.cc("host.o -o host");
    place.object("m", "int kept(void); int anymod_init_m(void) { return kept(); }", "");
    place.cc("-shared m.o -o m.so");
    let finished = place.split("verify host m.so");
    assert_eq!(finished.status, 1);
    assert!(finished.stderr.contains("the host has `kept` and does not export it"), "{finished}");
    place.cc("host.o -rdynamic -o host");
    assert_eq!(place.split("verify host m.so").status, 0);
    assert_eq!(place.run("./host", "./m.so").stdout, "m: 1\n");
}

#[test]
fn a_module_that_is_still_in_the_host_is_found() {
    let place = Place::new();
    place.object("host", HOST, "");
    place.object("m", "int anymod_init_m(void) { return 3; }", "");
    place.cc("host.o m.o -o host");
    place.cc("-shared m.o -o m.so");
    let (status, report) = place.json("verify host m.so");
    assert_eq!((status, &report["report"]["findings"][0]["code"]), (1, &"H0203".into()));
    place.cc("host.o -o host");
    assert_eq!(place.split("verify host m.so").status, 0);
}

#[test]
fn a_library_in_two_outputs_is_found_also_when_stripped() {
    let place = Place::new();
    let sqlite = libraries().join("libsqlite3.a").display().to_string();
    let lzma = libraries().join("liblzma.a").display().to_string();
    let expat = libraries().join("libexpat.a").display().to_string();
    place.object("host", &format!("{HOST}\n#include <lzma.h>\nint use(void) {{ return lzma_physmem() > 0; }}\n
        int check(void) {{ lzma_stream s = LZMA_STREAM_INIT; return lzma_easy_encoder(&s, 6, LZMA_CHECK_CRC64); }}"), "");
    place.object("m", "#include <lzma.h>\nint anymod_init_m(void) { lzma_stream s = LZMA_STREAM_INIT; return lzma_easy_encoder(&s, 6, LZMA_CHECK_CRC64); }", "");
    place.object("n", "int anymod_init_n(void) { return 4; }", "");
    place.cc(&format!("host.o -s -o host {lzma} -lpthread"));
    place.cc(&format!("-shared -s m.o -o m.so -Wl,--exclude-libs,ALL {lzma}"));
    place.cc("-shared n.o -o n.so");
    assert_eq!(place.run("./host", "./m.so ./n.so").stdout, "m: 0\nn: 4\n");
    let given = format!("--library {lzma} --library {expat} --library {sqlite}");
    let (status, report) = place.json(&format!("verify host m.so n.so {given}"));
    let report = &report["report"];
    let codes: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["code"].as_str().unwrap())
        .collect();
    assert_eq!((status, codes), (1, vec!["H0204", "H0205"]), "{report:#}");
    for file in 0..2 {
        let found = &report["files"][file]["embedded"];
        assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
        assert_eq!(
            (&found[0]["library"], &found[0]["symbols"]),
            (&lzma.as_str().into(), &0.into())
        );
        assert!(found[0]["score"].as_f64().unwrap() > 0.7, "{found}");
    }
    assert_eq!(report["files"][2]["embedded"], serde_json::json!([]));
}

#[test]
fn state_in_two_outputs_is_found_whatever_its_library() {
    let place = Place::new();
    place.object("host", HOST, "");
    place.cc("host.o -rdynamic -o host");
    let library = "static int counter; int counted(void) { return ++counter; } int setting = 7;
         const int constant[4] = {1, 2, 3, 4}; __thread int own;";
    place.object("two", library, "");
    place.archive("libtwo.a", "two.o");
    let mut runs = String::new();
    for name in ["one", "other"] {
        // Each has a variable `parser` of the same size, which is nobody's copy.
        let source = format!(
            "int counted(void); extern int setting; static int parser = 1; int anymod_init_{name}(void) {{ return counted() + setting + parser++; }}"
        );
        place.object(name, &source, "");
        place.cc(&format!("-shared {name}.o libtwo.a -Wl,--exclude-libs,ALL -o {name}.so"));
        runs += &format!("{name}: 9\n");
    }
    assert_eq!(place.run("./host", "./one.so ./other.so").stdout, runs, "each counts by itself");
    let (status, report) = place.json("verify host one.so other.so");
    let findings = report["report"]["findings"].as_array().unwrap();
    assert_eq!((status, findings.len(), &findings[0]["code"]), (1, 1, &"H0205".into()));
    let message = findings[0]["message"].as_str().unwrap();
    assert!(message.ends_with("have 8 bytes of state each: `counter`, `setting`"), "{message}");
    // In the host alone.
    place.cc("host.o two.o -rdynamic -o host");
    for name in ["one", "other"] {
        place.cc(&format!("-shared {name}.o -o {name}.so"));
    }
    assert_eq!(place.split("verify host one.so other.so").status, 0);
    assert_eq!(place.run("./host", "./one.so ./other.so").stdout, "one: 9\nother: 10\n");
}

/// The file without the headers of its sections, as `llvm-strip --strip-sections` leaves it but for its size.
fn without_sections(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    // `e_shoff`, then `e_shentsize`, `e_shnum` and `e_shstrndx`.
    let (offset, counts) = if bytes[4] == 2 { (40..48, 58..64) } else { (32..36, 46..52) };
    bytes[offset].fill(0);
    bytes[counts].fill(0);
    bytes
}

#[test]
fn files_without_section_headers_are_read_by_their_segments() {
    let (place, zig) = (Place::new(), zig());
    place.write(
        "lib.c",
        "extern int data; int far(int); int state = 3; const char text[] = \"a text that is unlike others\";
         int offered(void) { return far(data) + text[3] + state++; }",
    );
    // Both classes, both byte orders, relocations of both kinds; a table of names of each kind.
    for (target, hash) in [
        ("x86_64-linux-gnu", "gnu"),
        ("aarch64-linux-gnu", "sysv"),
        ("arm-linux-gnueabihf", "gnu"),
        ("powerpc64-linux-gnu", "gnu"),
        ("mips-linux-musleabi", "sysv"),
    ] {
        place
            .run(&zig, &format!("clang -target {target} -fPIC -O1 -c lib.c -o lib.o"))
            .ok()
            .unwrap();
        let link =
            format!("ld.lld -shared --hash-style={hash} -soname libown.so lib.o -o whole.so");
        place.run(&zig, &link).ok().unwrap();
        let bytes = std::fs::read(place.path("whole.so")).unwrap();
        place.write("bare.so", without_sections(&bytes));
        let (status, report) = place.json("inspect whole.so bare.so");
        let image = |file: usize| report["files"][file]["image"].clone();
        let (mut whole, mut bare) = (image(0), image(1));
        assert!(whole["exports"].as_array().unwrap().contains(&"offered".into()), "{whole:#}");
        // What linkers made is not told apart from what programs change, and not all of it is protected.
        assert!(bare["state"].as_u64() >= Some(4), "{target}: {bare:#}");
        for image in [&mut whole, &mut bare] {
            image["state"].take();
            image["is-stripped"].take();
        }
        assert_eq!((status, bare), (0, whole), "{target}");
    }
    // A host and its module, bound to each other all the same, and a library found inside.
    let lzma = libraries().join("liblzma.a").display().to_string();
    place.object(
        "host",
        &format!("{HOST}\n#include <lzma.h>\nint given(void) {{ return lzma_physmem() > 0; }}"),
        "",
    );
    place.cc(&format!(
        "host.o -rdynamic -s -o host -Wl,--whole-archive {lzma} -Wl,--no-whole-archive -lpthread"
    ));
    place.object(
        "m",
        "int given(void); int gone(void); int anymod_init_m(void) { return given() + gone(); }",
        "",
    );
    place.cc("-shared m.o -o m.so");
    let verified = |place: &Place| {
        let (status, mut report) = place.json(&format!("verify host m.so --library {lzma}"));
        assert_eq!(status, 1);
        report["report"]["files"].take()
    };
    let before = verified(&place);
    for name in ["host", "m.so"] {
        let bytes = std::fs::read(place.path(name)).unwrap();
        place.write(name, without_sections(&bytes));
    }
    assert_eq!(verified(&place), before);
    assert_eq!(before[1]["missing"], serde_json::json!(["gone"]));
    assert_eq!(before[0]["embedded"].as_array().unwrap().len(), 1, "{before:#}");
}

#[test]
fn sizes_before_and_after_are_told() {
    let place = Place::new();
    place.object("host", HOST, "");
    place.object(
        "m",
        "const char large[50000] = {1}; int anymod_init_m(void) { return large[0]; }",
        "",
    );
    place.cc("host.o m.o -o static");
    place.cc("host.o -o host");
    place.cc("-shared m.o -o m.so");
    let (_, report) = place.json("verify host m.so --before static");
    let rows = report["report"]["sizes"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows[0]["before"].as_u64() > rows[0]["after"].as_u64() && rows[1]["before"].is_null());
    let text = place.split("verify host m.so --before static");
    assert!(text.stdout.contains("\ntotal "), "{text}");
}

#[test]
fn needed_libraries_and_machines_are_looked_at() {
    let place = Place::new();
    place.object("host", HOST, "");
    place.cc("host.o -o host");
    place.object("lib", "int from_lib(void) { return 6; }", "");
    std::fs::create_dir(place.path("deep")).unwrap();
    place.cc("-shared lib.o -Wl,-soname,libdeep.so.1 -o deep/libdeep.so.1");
    place.object("m", "int from_lib(void); int anymod_init_m(void) { return from_lib(); }", "");
    place.cc("-shared m.o deep/libdeep.so.1 -o m.so");
    let (status, report) = place.json("verify host m.so");
    assert_eq!(status, 1);
    let codes = report["report"]["findings"].to_string();
    assert!(codes.contains("H0201") && codes.contains("H0202"), "{codes}");
    assert_eq!(place.split("verify host m.so --library-path deep").status, 0);
    place.cc("-shared m.o deep/libdeep.so.1 -Wl,-rpath,$ORIGIN/deep -o m.so");
    assert_eq!(place.split("verify host m.so").status, 0);
    assert_eq!(place.run("./host", "./m.so").stdout, "m: 6\n");
    place.write("m32.c", "int anymod_init_m32(void) { return 1; }");
    place.cc("-m32 -shared -nostdlib -fPIC m32.c -o m32.so");
    let (status, report) = place.json("verify host m32.so");
    assert_eq!((status, &report["report"]["findings"][0]["code"]), (1, &"H0206".into()));
}
