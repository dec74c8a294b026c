//! `split` on WebAssembly: side modules of a real wheel against releases of Pyodide, and types that do not fit.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use super::fixtures::Place;
use super::support::machine::{foreign_wheel, pyodide};
use super::support::process::run;

/// The release that the wheel is for, and another.
const RIGHT: &str = "0.29.5";
const WRONG: &str = "0.27.7";

/// Asks the engine which names each module imports that neither the main module, with what its loader has, nor the module
/// itself nor a given library offers.
const ENGINE: &str = r#"
const fs = require("fs");
const load = (path) => new WebAssembly.Module(fs.readFileSync(path));
const [main, library, ...sides] = process.argv.slice(1).map(load);
const names = (list) => list.map((row) => row.name);
const imports = (module) => WebAssembly.Module.imports(module);
const exports = (module) => names(WebAssembly.Module.exports(module));
const given = ["memory", "__indirect_function_table", "__stack_pointer", "__memory_base", "__table_base"];
for (const side of [library, ...sides]) {
    const known = new Set([...given, ...exports(main), ...names(imports(main)), ...exports(side)]);
    if (side !== library) exports(library).forEach((name) => known.add(name));
    const asked = imports(side).filter((row) => row.module === "env" || row.module.startsWith("GOT."));
    console.log(names(asked).filter((name) => !known.has(name)).join(" "));
}
"#;

/// The wheel's modules: the one that others need first.
fn unpacked(place: &Place) -> Vec<String> {
    let wheel = foreign_wheel("awkward_cpp").unwrap();
    place.run("python3", &format!("-m zipfile -e {} .", wheel.display())).ok().unwrap();
    let names =
        ["libawkward.so", "libawkward-cpu-kernels.so", "_ext.cpython-313-wasm32-emscripten.so"];
    names.map(|name| place.path(&format!("awkward_cpp/lib/{name}")).display().to_string()).to_vec()
}

fn main_module(release: &str) -> String {
    pyodide(release).unwrap().join("runtime/pyodide.asm.wasm").display().to_string()
}

/// The names that a report says are missing, of each module. They are listed with their types.
fn missing(report: &serde_json::Value) -> Vec<BTreeSet<String>> {
    let files = report["report"]["files"].as_array().unwrap().iter().skip(1);
    let name = |text: &str| {
        let name = text.split(' ').next().unwrap();
        name.rsplit('.').next().unwrap().to_owned()
    };
    files
        .map(|file| {
            let names = file["missing"].as_array().unwrap().iter();
            names.map(|text| name(text.as_str().unwrap())).collect()
        })
        .collect()
}

#[test]
fn a_wheel_fits_its_release_of_pyodide() {
    let place = Place::new();
    let modules = unpacked(&place);
    let main = main_module(RIGHT);
    let (status, report) = place.json(&format!("verify {main} {} --all", modules.join(" ")));
    assert_eq!((status, &report["report"]["findings"]), (0, &serde_json::json!([])));
    let extension = &report["report"]["files"][3];
    assert!(extension["providers"][&modules[0]].as_u64() > Some(100), "{}", extension["providers"]);
    assert_eq!(extension["symbols"]["PyTuple_New (i32) -> i32"], main.as_str());
    assert_eq!(extension["symbols"]["memory"], "the loader");

    // Its library has another directory now.
    std::fs::create_dir(place.path("elsewhere")).unwrap();
    std::fs::rename(&modules[0], place.path("elsewhere/libawkward.so")).unwrap();
    let (status, report) = place.json(&format!("verify {main} {}", modules[2]));
    let codes = report["report"]["findings"].to_string();
    assert_eq!(status, 1);
    assert!(codes.contains("H0201") && codes.contains("H0202"), "{codes}");
    let found = place.split(&format!("verify {main} {} --library-path elsewhere", modules[2]));
    assert_eq!(found.status, 0, "{found}");
}

#[test]
fn all_that_another_release_of_pyodide_lacks_is_told() {
    let place = Place::new();
    let modules = unpacked(&place);
    let main = main_module(WRONG);
    let (status, report) = place.json(&format!("verify {main} {}", modules.join(" ")));
    assert_eq!(status, 1);
    let mut engine = Command::new("node");
    engine.args(["-e", ENGINE, &main]).args(&modules);
    let asked = run(&mut engine).unwrap().ok().unwrap();
    let truth: Vec<BTreeSet<String>> = asked
        .stdout
        .lines()
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
        .collect();
    assert_eq!(missing(&report), truth);
    let all: BTreeSet<&str> = truth.iter().flatten().map(String::as_str).collect();
    assert!(
        all.contains("PyObject_VisitManagedDict") && all.contains("__wasm_lpad_context"),
        "{all:?}"
    );
    let (_, shown) = place.json(&format!("inspect {}", modules.join(" ")));
    assert_eq!(shown["files"][2]["wasm"]["needed"], serde_json::json!(["libawkward.so"]));
    assert_eq!(shown["files"][2]["wasm"]["init-functions"], serde_json::json!(["PyInit__ext"]));
}

#[test]
fn types_and_places_are_held_against_each_other() {
    let place = Place::new();
    let link = |name: &str, source: &str, flags: &str| {
        place.write(&format!("{name}.c"), source);
        let compile =
            format!("--target=wasm32-unknown-emscripten -O1 -fPIC -c {name}.c -o {name}.o");
        place.run("clang-19", &compile).ok().unwrap();
        place.run("wasm-ld-19", &format!("{flags} {name}.o -o {name}.wasm")).ok().unwrap();
    };
    let main = "int add(int a, int b) { return a + b; } long long wide(long long a) { return a; } int data = 4;
        void PyInit_still(void) {}";
    link("main", main, "--no-entry --export-all");
    let side = |name: &str, body: &str| {
        let flags = "--experimental-pic -shared --export-all --allow-undefined";
        link(name, body, flags);
    };
    side(
        "good",
        "int add(int, int); extern int data; int PyInit_good(void) { return add(1, data); }",
    );
    side(
        "bad",
        "int add(int); int wide(int); extern int (*add_address)(int); extern int absent; int *data(void);
         void *address(void) { return (void *)data; } int maybe(void) __attribute__((weak));
         void PyInit_still(void) { absent = add(1) + wide(2) + (maybe ? maybe() : 0); }",
    );
    assert_eq!(place.split("verify main.wasm good.wasm").status, 0);
    let (status, report) = place.json("verify main.wasm bad.wasm");
    let mut told: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for finding in report["report"]["findings"].as_array().unwrap() {
        let text = |key: &str| finding[key].as_str().unwrap();
        told.entry(text("code")).or_default().push(text("message"));
    }
    told.values_mut().for_each(|messages| messages.sort_unstable());
    let expected = BTreeMap::from([
        ("H0201", vec!["nothing provides `absent`"]),
        ("H0203", vec!["the main module still has `PyInit_still`"]),
        (
            "H0207",
            vec![
                "`add` is `(i32, i32) -> i32` in `main.wasm`, and needed as `(i32) -> i32`",
                "`data` is `variable` in `main.wasm`, and needed as `address of a function`",
                "`wide` is `(i64) -> i64` in `main.wasm`, and needed as `(i32) -> i32`",
            ],
        ),
    ]);
    assert_eq!((status, told), (1, expected), "{report:#}");
    // A program is no side module.
    let (status, report) = place.json("verify main.wasm main.wasm");
    assert_eq!((status, &report["report"]["findings"][0]["code"]), (1, &"H0206".into()));
}
