//! `split inspect` on archives: each blocker flagged, and what is said of linkers held against them.

use super::fixtures::{Place, codes, libraries, zig};

/// Files that are linked in all ways by all linkers: name, how its archive is made, the code of its finding.
fn blockers(place: &Place) -> Vec<(&'static str, Option<&'static str>)> {
    place.object("a", "int a(void) { return 1; }", "");
    place.object("b", "int b(void) { return 2; }", "");
    place.object("again", "int a(void) { return 3; }", "");
    place.object("lost", "int nowhere(void); int lost(void) { return nowhere(); }", "");
    place.object("none", "typedef int unused;", "");
    place.object(
        "fixed",
        "extern int v; int fixed(void) { return v; }",
        "-fno-pie -fno-pic -mcmodel=medium",
    );
    place.object(
        "thread",
        "__thread int t; int thread(void) { return ++t; }",
        "-fPIE -fno-pic -fPIE",
    );
    place.object("global", "int shown = 1; int global(void) { return shown; }", "-fno-pic -fPIE");
    place.write("empty.o", "");
    place.write("text.o", "not an object\n");
    place.write("script.a", "/* GNU ld script */\nINPUT(a.o b.o)\n");
    place.archive("inner.a", "b.o");
    place.archive("nested.a", "a.o inner.a");
    place.archive("empty.a", "a.o empty.o");
    place.archive("text.a", "a.o text.o");
    place.archive("twice.a", "a.o again.o");
    place.archive("lost.a", "a.o lost.o");
    place.archive("plain.a", "a.o b.o none.o");
    place.archive("thread.a", "thread.o");
    place.archive("global.a", "global.o");
    place.run("ar", "rcsT thin.a a.o b.o").ok().unwrap();
    std::fs::create_dir(place.path("t")).unwrap();
    std::fs::copy(place.path("a.o"), place.path("t/x.o")).unwrap();
    std::fs::copy(place.path("b.o"), place.path("t/y.o")).unwrap();
    place.run("ar", "rcsT gone.a t/x.o t/y.o").ok().unwrap();
    std::fs::remove_file(place.path("t/y.o")).unwrap();
    std::fs::copy(place.path("a.o"), place.path("bare.a")).unwrap();
    vec![
        ("plain.a", None),
        ("thin.a", None),
        ("bare.a", None),
        ("thread.a", None),
        ("global.a", None),
        ("nested.a", Some("H0101")),
        ("lost.a", Some("H0102")),
        ("twice.a", Some("H0104")),
        ("empty.a", Some("H0105")),
        ("text.a", Some("H0105")),
        ("gone.a", Some("H0106")),
    ]
}

#[test]
fn every_blocker_is_flagged_and_linkers_do_what_is_said() {
    let place = Place::new();
    let fixtures = blockers(&place);
    place.object("main", "int main(void) { return 0; }", "");
    let mut wrong = Vec::new();
    for (archive, code) in fixtures {
        let (status, report) = place.json(&format!("inspect {archive}"));
        let file = &report["files"][0];
        assert_eq!(codes(file), code.into_iter().collect::<Vec<_>>(), "{archive}: {file:#}");
        assert_eq!(status, i32::from(code.is_some()), "{archive}");
        for said in file["library"]["linkers"].as_array().unwrap() {
            let (linker, r#use) = (said["linker"].as_str().unwrap(), said["use"].as_str().unwrap());
            let whole = format!("-Wl,--whole-archive {archive} -Wl,--no-whole-archive");
            let done = place.link(
                linker,
                &match r#use {
                    "whole-archive" => format!("main.o -rdynamic -o out {whole}"),
                    "needed" => format!("main.o -o out {archive}"),
                    _ => format!("-shared -o out.so {whole}"),
                },
            );
            if (done.status != 0) != (said["outcome"] == "refuses") {
                wrong.push(format!("{archive}: {said}\n{done}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_no_archive_is_told() {
    let place = Place::new();
    blockers(&place);
    let (status, report) = place.json("inspect script.a bare.a thin.a");
    assert_eq!(status, 0);
    let kinds: Vec<&str> =
        report["files"].as_array().unwrap().iter().map(|f| f["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["linker script", "object", "thin archive"]);
    assert_eq!(report["files"][0]["reads"], serde_json::json!(["a.o", "b.o"]));
    let refused = place.split("inspect text.o");
    assert_eq!(refused.status, 2, "{refused}");
    assert!(refused.stderr.contains("H0002"), "{refused}");
}

#[test]
fn definitions_that_something_hides_are_found() {
    let place = Place::new();
    place.object("shown", "int one(void) { return 1; } int two(void) { return 2; }", "");
    place.object(
        "mention",
        "__attribute__((visibility(\"hidden\"))) int one(void); int own(void) { return one(); }",
        "",
    );
    place.object(
        "private",
        "__attribute__((visibility(\"hidden\"))) int helper(void) { return 5; }",
        "",
    );
    place.object("user", "int helper(void); int use(void) { return helper(); }", "");
    place.object(
        "builtins",
        "__attribute__((weak, visibility(\"hidden\"))) double sqrt(double x) { return x; }",
        "-fno-builtin",
    );
    place.archive("mixed.a", "shown.o mention.o");
    place.archive("own.a", "private.o user.o");
    place.archive("builtins.a", "builtins.o");
    let (status, report) = place.json("inspect mixed.a own.a builtins.a");
    assert_eq!(status, 1);
    let hidden = |file: usize| report["files"][file]["library"]["hidden"].clone();
    assert_eq!(hidden(0), serde_json::json!(["one"]));
    assert_eq!(hidden(1), serde_json::json!([]), "a private function is nobody's loss");
    assert_eq!(hidden(2), serde_json::json!(["sqrt"]), "the C library's has the same name");

    // What is foretold is what all linkers do, and they do not say a word.
    place.object("main", "int main(void) { return 0; }", "");
    for linker in ["bfd", "lld", "mold"] {
        let whole = "-Wl,--whole-archive mixed.a -Wl,--no-whole-archive";
        place.link(linker, &format!("main.o -rdynamic -o out {whole}")).ok().unwrap();
        let (_, host) = place.json("inspect out");
        let exports = host["files"][0]["image"]["exports"].as_array().unwrap();
        assert!(exports.contains(&"two".into()) && !exports.contains(&"one".into()), "{linker}");
    }
}

/// Larger archives take the linker too long.
const LARGEST: u64 = 700 << 10;

#[test]
fn classes_of_debian_archives_agree_with_the_linker() {
    let place = Place::new();
    let (mut seen, mut wrong) = (0, Vec::new());
    let mut archives: Vec<_> =
        std::fs::read_dir(libraries()).unwrap().map(|entry| entry.unwrap().path()).collect();
    archives.retain(|path| path.extension().is_some_and(|end| end == "a") && !path.is_symlink());
    archives.retain(|path| path.metadata().unwrap().len() < LARGEST);
    archives.sort();
    let paths: Vec<String> = archives.iter().map(|path| path.display().to_string()).collect();
    let (_, report) = place.json(&format!("inspect {}", paths.join(" ")));
    for file in report["files"].as_array().unwrap() {
        let Some(class) = file["library"]["class"]["name"].as_str() else { continue };
        seen += 1;
        let path = file["file"].as_str().unwrap();
        let linkers = file["library"]["linkers"].as_array().unwrap();
        let is_shared =
            |line: &&serde_json::Value| line["linker"] == "bfd" && line["use"] == "shared";
        let said = linkers.iter().find(is_shared).unwrap();
        let whole = format!("-shared -o out.so -Wl,--whole-archive {path} -Wl,--no-whole-archive");
        let plain = place.link("bfd", &whole);
        let refused_for_class = |text: &str| text.contains("when making a shared object");
        let agrees = (plain.status != 0) == (said["outcome"] == "refuses")
            && (!refused_for_class(&plain.stderr) || !matches!(class, "pic" | "text-relocations"));
        // With all of its symbols hidden, only what is never shared is refused for its relocations.
        let hidden = place.link("bfd", &format!("-Wl,--exclude-libs,ALL {whole}"));
        let class_agrees =
            !refused_for_class(&hidden.stderr) || matches!(class, "program" | "fixed");
        if !agrees || !class_agrees {
            wrong.push(format!("{path}: {class}, {said}\n{plain}\n{hidden}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 20, "only {seen} archives");
}

/// Sources whose relocations decide, and how they are compiled.
const SOURCES: [(&str, &str); 5] = [
    ("global", "int shown = 1; int set(int v) { int old = shown; shown = v; return old; }"),
    (
        "call",
        "int helper(int); int call(int v) { return helper(v) + 1; } int helper(int v) { return v * 3; }",
    ),
    ("thread", "__thread int own; int thread(void) { return ++own; }"),
    (
        "table",
        "static int a(void) { return 1; } int (*const table[])(void) = { a }; int pick(int i) { return table[i](); }",
    ),
    ("text", "extern int outside; int *address(void) { return &outside; }"),
];
const MODES: [(&str, &str); 3] =
    [("pic", "-fPIC"), ("pie", "-fPIE"), ("none", "-fno-pic -fno-pie")];

#[test]
fn classes_of_other_machines_agree_with_a_linker() {
    let (place, zig) = (Place::new(), zig());
    let mut archives = Vec::new();
    for machine in ["aarch64-linux-gnu", "arm-linux-gnueabihf", "riscv64-linux-gnu"] {
        for (mode, flags) in MODES {
            for (name, source) in SOURCES {
                let object = format!("{machine}-{mode}-{name}");
                place.write(&format!("{name}.c"), source);
                let compile =
                    format!("clang -target {machine} {flags} -O1 -c {name}.c -o {object}.o");
                place.run(&zig, &compile).ok().unwrap();
                place.archive(&format!("{object}.a"), &format!("{object}.o"));
                archives.push(format!("{object}.a"));
            }
        }
    }
    let (_, report) = place.json(&format!("inspect {}", archives.join(" ")));
    let (mut wrong, mut classes) = (Vec::new(), std::collections::BTreeSet::new());
    for (file, archive) in report["files"].as_array().unwrap().iter().zip(&archives) {
        let library = &file["library"];
        classes.insert(library["class"]["name"].as_str().unwrap().to_owned());
        let linkers = library["linkers"].as_array().unwrap();
        let said = linkers.iter().find(|line| line["linker"] == "lld" && line["use"] == "shared");
        let refuses = said.unwrap()["outcome"] == "refuses";
        let linked =
            place.run(&zig, &format!("ld.lld -shared --whole-archive {archive} -o out.so"));
        if (linked.status != 0) != refuses {
            wrong.push(format!("{archive}: {}\n{linked}", library["class"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let all = ["fixed", "pic", "pie", "program", "text-relocations"].map(str::to_owned);
    assert_eq!(classes, all.into_iter().collect());
}

#[test]
fn known_libraries_are_what_they_are() {
    let place = Place::new();
    let names = ["z", "bz2", "lzma", "sqlite3", "expat", "ffi", "ssl", "crypto"];
    let paths: Vec<String> = names
        .iter()
        .map(|name| libraries().join(format!("lib{name}.a")).display().to_string())
        .collect();
    let (status, report) = place.json(&format!("inspect {}", paths.join(" ")));
    // A reference in assembly hides one of libcrypto's own functions, in a shared library as well.
    assert_eq!(status, 1, "{report:#}");
    assert_eq!(codes(&report["files"][7]), ["H0103"]);
    assert_eq!(report["files"][7]["library"]["hidden"], serde_json::json!(["OPENSSL_cpuid_setup"]));
    assert!((0..7).all(|file| codes(&report["files"][file]).is_empty()), "{report:#}");
    let classes: Vec<&str> = (0..names.len())
        .map(|file| report["files"][file]["library"]["class"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(classes, ["pie", "program", "pic", "pie", "pic", "pie", "pic", "pic"]);
    let state = |file: usize| report["files"][file]["library"]["state"].as_u64().unwrap();
    assert_eq!((state(0), state(2), state(4)), (0, 8, 0));
    assert!(state(7) > 10_000);
}
