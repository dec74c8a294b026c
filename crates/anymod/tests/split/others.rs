//! `split interpose` and `split probe`: what modules by others would lose to the host, and modules in a real process.

use std::collections::BTreeSet;
use std::process::Command;

use super::fixtures::Place;
use super::hosts::HOST;
use super::support::process::run;

/// A library of which the host has version 1, and somebody else's module version 2: inside, and in a file beside it.
fn build(place: &Place, script: &str) {
    let library = |version: u32| {
        format!(
        "int lib_state = {version}; int lib_version(void) {{ return lib_state; }} int lib_twice(void) {{ return 2 * lib_version(); }}
         int lib_unused(void) {{ return lib_twice(); }}"
    )
    };
    place.object("host", HOST, "");
    place.object("one", &library(1), "");
    place.object("two", &library(2), "");
    place.cc("host.o one.o -rdynamic -o host");
    std::fs::create_dir(place.path("others")).unwrap();
    let user = |name: &str| {
        format!(
            "int lib_version(void); int lib_twice(void); int anymod_init_{name}(void) {{ return lib_version() * 10 + lib_twice(); }}"
        )
    };
    place.object("inside", &user("inside"), "");
    place.cc(&format!("-shared inside.o two.o {script} -o others/inside.so"));
    place.object("beside", &user("beside"), "");
    place.cc(&format!("-shared two.o -Wl,-soname,liblib.so.2 {script} -o others/liblib.so.2"));
    place.cc("-shared beside.o others/liblib.so.2 -Wl,-rpath,$ORIGIN -o others/beside.so");
    place.write("others/readme.txt", "not a library");
}

/// What a loader bound to the host that the files of a directory define: file and symbol.
fn bindings(place: &Place) -> BTreeSet<(String, String)> {
    let mut command = Command::new("./host");
    command.current_dir(place.path("")).args(["others/inside.so", "others/beside.so"]);
    let ran = run(command.env("LD_DEBUG", "bindings").env("LD_BIND_NOW", "1")).unwrap();
    let mut bound = BTreeSet::new();
    for line in ran.stderr.lines() {
        // `binding file A [0] to B [0]: normal symbol `NAME' [VERSION]`
        let Some((_, rest)) = line.split_once("binding file ") else { continue };
        let words: Vec<&str> = rest.split_whitespace().collect();
        let (Some(user), Some(owner)) = (words.first(), words.get(3)) else { continue };
        let symbol = rest.split(['`', '\'']).nth(1).unwrap_or_default();
        if user.contains("others/") && *owner == "./host" {
            bound.insert((user.rsplit('/').next().unwrap().to_owned(), symbol.to_owned()));
        }
    }
    bound
}

#[test]
fn what_is_taken_over_is_what_a_loader_binds() {
    let place = Place::new();
    build(&place, "");
    let (status, report) = place.json("interpose host --against others");
    assert_eq!(status, 1);
    let report = &report["reports"][0];
    assert_eq!(report["files"], 3);
    let mut said = BTreeSet::new();
    for pair in report["pairs"].as_array().unwrap() {
        for symbol in pair["symbols"].as_array().unwrap() {
            said.insert((
                pair["user"].as_str().unwrap().to_owned(),
                symbol.as_str().unwrap().to_owned(),
            ));
        }
    }
    assert_eq!(said, bindings(&place));
    assert!(said.len() >= 6, "{said:?}");
    assert_eq!(
        place.run("./host", "others/inside.so others/beside.so").stdout,
        "inside: 12\nbeside: 12\n"
    );

    // Other names mend it.
    place.archive("one.a", "one.o");
    place.split("fix one.a --out mine.a --prefix mine_").ok().unwrap();
    place.cc("host.o -Wl,--whole-archive mine.a -Wl,--no-whole-archive -rdynamic -o host");
    assert_eq!(place.split("interpose host --against others").status, 0);
    assert_eq!(place.run("./host", "others/inside.so").stdout, "inside: 24\n");
}

#[test]
fn a_version_of_the_hosts_own_keeps_others_away_that_have_versions() {
    let place = Place::new();
    place.write("two.map", "TWO { global: *; };");
    build(&place, "-Wl,--version-script=two.map");
    let taken = |report: &serde_json::Value| {
        let pairs = report["reports"][0]["pairs"].as_array().unwrap();
        pairs.iter().map(|pair| pair["count"].as_u64().unwrap()).sum::<u64>()
    };
    let (status, report) = place.json("interpose host --against others");
    assert_eq!((status, taken(&report)), (1, bindings(&place).len() as u64));
    let symbols = "lib_state; lib_version; lib_twice; lib_unused;";
    place.write("host.map", format!("HOST {{ global: {symbols} local: *; }};"));
    for linker in ["bfd", "lld"] {
        let script = "-Wl,--version-script=host.map";
        place.link(linker, &format!("host.o one.o -rdynamic {script} -o host")).ok().unwrap();
        let (status, report) = place.json("interpose host --against others");
        assert_eq!((status, taken(&report)), (0, 0), "{linker}");
        assert_eq!(bindings(&place), BTreeSet::new(), "{linker}");
        let ran = place.run("./host", "others/inside.so others/beside.so");
        assert_eq!(ran.stdout, "inside: 24\nbeside: 24\n", "{linker}");
    }
    // Whoever asks for no version gets the host's all the same.
    place.cc("-shared inside.o two.o -o others/inside.so");
    let (status, report) = place.json("interpose host --against others");
    assert_eq!((status, taken(&report)), (1, bindings(&place).len() as u64));
}

#[test]
fn modules_are_imported_by_their_host() {
    let place = Place::new();
    place.object("host", HOST, "");
    place.cc("host.o -rdynamic -o host");
    place.object("good", "int anymod_init_good(void) { return 5; }", "");
    place.object("poor", "int absent(void); int missing(void); int anymod_init_poor(void) { return absent() + missing(); }", "");
    place.object(
        "slow",
        "#include <unistd.h>\nint anymod_init_slow(void) { sleep(60); return 1; }",
        "",
    );
    for name in ["good", "poor", "slow"] {
        place.cc(&format!("-shared {name}.o -o {name}.so"));
    }
    let (status, report) = place.json("probe host good.so --argument {file}");
    assert_eq!((status, &report["report"]["steps"][0]["said"]), (0, &"good: 5\n".into()));
    let failed = place.split("probe host good.so poor.so --argument {file}");
    assert_eq!(failed.status, 1);
    assert!(failed.stderr.contains("`poor` lacks absent, missing"), "{failed}");
    let failed = place
        .split("probe host slow.so --argument {directory}/{name}.so --timeout 1 --format junit");
    assert!(
        failed.stdout.contains("no end after 1 s") && failed.stdout.contains("failures=\"1\""),
        "{failed}"
    );
}

#[test]
fn a_python_imports_its_modules_in_several_orders() {
    let python = std::path::Path::new("/usr/bin/python3.11");
    let modules = std::path::Path::new("/usr/lib/python3.11/lib-dynload");
    let file = |name: &str| modules.join(format!("{name}.cpython-311-x86_64-linux-gnu.so"));
    let (json, zoneinfo) = (file("_json"), file("_zoneinfo"));
    assert!(
        python.is_file() && json.is_file() && zoneinfo.is_file(),
        "Debian's python3.11 is missing"
    );
    let place = Place::new();
    let given = format!("{} {} {}", python.display(), json.display(), zoneinfo.display());
    let (status, report) =
        place.json(&format!("probe {given} --snippet _json=assert(_json.make_encoder)"));
    let steps = report["report"]["steps"].as_array().unwrap();
    let orders: Vec<&str> = steps.iter().map(|step| step["order"].as_str().unwrap()).collect();
    assert_eq!((status, orders), (0, vec!["alone", "alone", "given", "reversed"]), "{report:#}");
    assert!(steps[0]["said"].as_str().unwrap().contains("_json.cpython-311"), "{report:#}");
    let failed = place.split(&format!("probe {given} --snippet _json=assert(0)"));
    assert_eq!(failed.status, 1, "{failed}");
    assert!(failed.stderr.contains("AssertionError"), "{failed}");
}
