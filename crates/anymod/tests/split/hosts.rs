//! `split verify` on hosts and modules that are built and loaded.

use super::fixtures::{Place, libraries};

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
