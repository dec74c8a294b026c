//! What a link must do or refuse.

use crate::Case;
use crate::desk::Desk;
use crate::support::process::run;
use crate::support::{Checked, ensure};

pub(crate) const CASES: [Case; 16] = [
    ("whole_archives", whole_archives),
    ("constructors_run_once", constructors_run_once),
    ("stack", stack),
    ("policies", policies),
    ("strip", strip),
    ("clashing_helpers", clashing_helpers),
    ("duplicate_export", duplicate_export),
    ("multivalue", multivalue),
    ("native_archive", native_archive),
    ("empty_archive", empty_archive),
    ("undefined", undefined),
    ("no_export", no_export),
    ("side_module", side_module),
    ("not_an_archive", not_an_archive),
    ("decoys", decoys),
    ("slips", slips),
];

/// A function that is exported under its name.
fn exported(name: &str, value: &str) -> String {
    format!("__attribute__((export_name(\"{name}\"))) int {name}(void) {{ return {value}; }}\n")
}

/// Members that nobody refers to are linked, and their exports are there.
fn whole_archives() -> Checked {
    let desk = Desk::new()?;
    desk.object("one", &exported("one", "1"), &[])?;
    desk.object("two", &exported("two", "2"), &[])?;
    desk.archive("a.a", "", &["one.o", "two.o"])?;
    desk.module("b", &exported("three", "3"))?;
    let bundled = desk.bundle(&["a.a", "b.a"])?;
    for (name, value) in [("one", 1), ("two", 2), ("three", 3)] {
        ensure(bundled.exports.iter().any(|export| export == name), || format!("no {name}"))?;
        let found = desk.call(name, &[])?;
        ensure(found == value, || format!("{name} is {found}"))?;
    }
    ensure(bundled.imports.is_empty(), || format!("imports {:?}", bundled.imports))
}

fn constructors_run_once() -> Checked {
    let desk = Desk::new()?;
    let text = "static int runs;\n__attribute__((constructor)) static void run(void) { runs++; }\n";
    let text =
        format!("{text}{}{}", exported("first", "runs"), exported("runs_", "first() + runs"));
    desk.module("a", &text)?;
    desk.bundle(&["a.a"])?;
    let found = desk.call("runs_", &[])?;
    ensure(found == 2, || format!("{found} runs, counted twice"))
}

/// The stack is as large as asked for: a function that needs 8 MB of it runs, and does not with 64 KiB.
fn stack() -> Checked {
    let desk = Desk::new()?;
    let text = "__attribute__((noinline)) static int sum(volatile char *at) { return at[0] + at[8000000]; }\n\
         __attribute__((export_name(\"deep\"))) int deep(int value) {\n\
         volatile char room[8000001]; room[0] = room[8000000] = value; return sum(room); }\n";
    desk.module("a", text)?;
    desk.bundle(&["a.a"])?;
    let found = desk.call("deep", &[3])?;
    ensure(found == 6, || format!("{found} is not 6"))?;
    desk.bundle(&["a.a", "--stack-size", "65536"])?;
    let small = desk.call("deep", &[3]);
    ensure(small.is_err(), || format!("64 KiB are enough: {small:?}"))
}

fn policies() -> Checked {
    let desk = Desk::new()?;
    let text = "__attribute__((visibility(\"default\"))) int shown(void) { return 2; }\n\
         int hidden(void) { return 3; }\nint x_hidden(void) { return 4; }\n";
    desk.module("a", &format!("{}{text}", exported("x_named", "1")))?;
    let policies: [(&[&str], &[&str]); 5] = [
        (&[], &["shown", "x_named"]),
        (&["--exports", "all"], &["shown", "x_named"]),
        (&["--exports", "named"], &["x_named"]),
        (&["--export", "hidden", "--export", "x_named"], &["hidden", "x_named"]),
        (&["--export-prefix", "x_"], &["x_hidden", "x_named"]),
    ];
    for (policy, expected) in policies {
        let mut found = desk.bundle(&[&["a.a"], policy].concat())?.exports;
        found.retain(|name| name != "memory" && name != "_initialize");
        found.sort();
        ensure(found == expected, || format!("{policy:?}: {found:?}"))?;
    }
    let text = desk.refused("G0109", &["a.a", "--export", "hiden"])?;
    ensure(text.contains("`hiden`"), || text.clone())
}

fn strip() -> Checked {
    let desk = Desk::new()?;
    desk.object("a", &exported("a", "1"), &["-g"])?;
    desk.archive("a.a", "", &["a.o"])?;
    let mut sizes = Vec::new();
    let options: [&[&str]; 3] = [&[], &["--strip"], &["--strip", "all"]];
    for words in options {
        desk.bundle(&[&["a.a"], words].concat())?;
        ensure(desk.call("a", &[])? == 1, || format!("{words:?} broke it"))?;
        sizes.push(desk.read("out.wasm")?.len());
    }
    ensure(sizes.is_sorted_by(|larger, smaller| larger > smaller), || format!("{sizes:?}"))
}

/// Two modules with helpers of the same name: an error that names both, or each with its own.
fn clashing_helpers() -> Checked {
    let desk = Desk::new()?;
    for (name, value) in [("a", 1), ("b", 2)] {
        let helper = format!(
            "int value = {value};\n__attribute__((noinline)) int helper(void) {{ return value; }}\n"
        );
        desk.module(name, &format!("{helper}{}", exported(name, "helper() * 10 + value")))?;
    }
    let text = desk.refused("G0105", &["a.a", "b.a"])?;
    for name in ["`helper`", "a.a", "b.a", "--isolate"] {
        ensure(text.contains(name), || format!("{name} is not named: {text}"))?;
    }
    desk.bundle(&["a.a", "b.a", "--isolate"])?;
    let found = (desk.call("a", &[])?, desk.call("b", &[])?);
    ensure(found == (11, 22), || format!("{found:?}"))
}

/// The linker alone writes an invalid module and reports success.
fn duplicate_export() -> Checked {
    let desk = Desk::new()?;
    desk.module("a", &exported("same", "1").replace("int same", "int first"))?;
    desk.module("b", &exported("same", "2").replace("int same", "int second"))?;
    for more in [&[][..], &["--isolate"]] {
        let text = desk.refused("G0104", &[&["a.a", "b.a"], more].concat())?;
        for name in ["`same`", "a.a(a.o)", "b.a(b.o)"] {
            ensure(text.contains(name), || format!("{name} is not named: {text}"))?;
        }
    }
    Ok(())
}

/// One side returns structures as several results, the other through memory: the linker warns, and the call traps.
fn multivalue() -> Checked {
    let desk = Desk::new()?;
    let pair = "typedef struct { int a, b; } pair;\n";
    let options = ["-mmultivalue", "-Xclang", "-target-abi", "-Xclang", "experimental-mv"];
    desk.object("a", &format!("{pair}pair make(int x) {{ return (pair){{x, x}}; }}\n"), &options)?;
    desk.archive("a.a", "", &["a.o"])?;
    desk.module("b", &format!("{pair}pair make(int);\n{}", exported("b", "make(1).b")))?;
    let text = desk.refused("G0106", &["a.a", "b.a"])?;
    for name in ["make", "a.o", "b.o"] {
        ensure(text.contains(name), || format!("{name} is not named: {text}"))?;
    }
    desk.object("b", &format!("{pair}pair make(int);\n{}", exported("b", "make(1).b")), &options)?;
    desk.archive("b.a", "", &["b.o"])?;
    desk.bundle(&["a.a", "b.a"])?;
    ensure(desk.call("b", &[])? == 1, || "another result".to_owned())
}

fn native_archive() -> Checked {
    let desk = Desk::new()?;
    desk.module("a", &exported("a", "1"))?;
    desk.native_object("machine", "int machine(void) { return 1; }\n")?;
    desk.archive("b.a", "", &["a.o", "machine.o"])?;
    let text = desk.refused("G0101", &["a.a", "b.a"])?;
    one_line(&text, "b.a(machine.o)")
}

fn empty_archive() -> Checked {
    let desk = Desk::new()?;
    desk.module("a", &exported("a", "1"))?;
    desk.write("empty.a", "!<arch>\n")?;
    let text = desk.refused("G0103", &["a.a", "empty.a"])?;
    one_line(&text, "empty.a")?;
    desk.write("zero.o", "")?;
    desk.archive("zero.a", "S", &["zero.o"])?;
    let text = desk.refused("L0012", &["a.a", "zero.a"])?;
    one_line(&text, "zero.a(zero.o)")
}

/// The message itself is a line that names the culprit.
fn one_line(text: &str, culprit: &str) -> Checked {
    let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("error")).collect();
    ensure(errors.len() == 1 && text.contains(culprit), || {
        format!("not one line with {culprit}: {text}")
    })
}

fn undefined() -> Checked {
    let desk = Desk::new()?;
    desk.module("a", &format!("int gone(void);\n{}", exported("a", "gone()")))?;
    let text = desk.refused("G0107", &["a.a"])?;
    ensure(text.contains("`gone`"), || text.clone())?;
    let import = "__attribute__((import_module(\"host\"), import_name(\"ask\"))) int ask(void);\n";
    desk.module("b", &format!("{import}{}", exported("b", "ask()")))?;
    let text = desk.refused("G0108", &["b.a"])?;
    ensure(text.contains("host.ask"), || text.clone())?;
    let bundled = desk.bundle(&["b.a", "--allow-import", "host.*"])?;
    ensure(bundled.imports == ["ask"], || format!("imports {:?}", bundled.imports))
}

fn no_export() -> Checked {
    let desk = Desk::new()?;
    desk.module("a", "int a(void) { return 1; }\n")?;
    desk.refused("G0114", &["a.a"]).map(|_| ())
}

/// A side module is one that the main module it is made for can load.
fn side_module() -> Checked {
    let desk = Desk::new()?;
    desk.module("main", &format!("{}{}", exported("one", "1"), exported("two", "2")))?;
    desk.bundle(&["main.a"])?;
    std::fs::rename(desk.path("out.wasm"), desk.path("main.wasm")).map_err(|e| e.to_string())?;
    let text = format!("int one(void);\nint two(void);\n{}", exported("three", "one() + two()"));
    desk.object("side", &text, &["-fPIC", "-fvisibility=default"])?;
    desk.archive("side.a", "", &["side.o"])?;
    let bundled = desk.bundle(&["side.a", "--shared", "--against", "main.wasm"])?;
    ensure(bundled.exports.iter().any(|name| name == "three"), || "no three".to_owned())?;
    let bytes = desk.read("out.wasm")?;
    // The first section is a custom one of this name.
    ensure(bytes.get(8) == Some(&0) && bytes.get(10..19) == Some(b"\x08dylink.0"), || {
        format!("no dylink.0 comes first: {:?}", bytes.get(..24))
    })?;
    let engine = wasmtime::Engine::default();
    wasmtime::Module::validate(&engine, &bytes).map_err(|error| error.to_string())?;

    desk.module("main", &exported("one", "1"))?;
    desk.bundle(&["main.a"])?;
    std::fs::rename(desk.path("out.wasm"), desk.path("main.wasm")).map_err(|e| e.to_string())?;
    let text = desk.refused("G0112", &["side.a", "--shared", "--against", "main.wasm"])?;
    ensure(text.contains("two") && !text.contains("`one`"), || text.clone())?;
    let text = format!("int three(void);\nint table[4];\n{}", exported("f", "table[three()]"));
    desk.module("fixed", &text)?;
    desk.refused("G0116", &["fixed.a", "--shared"]).map(|_| ())
}

fn not_an_archive() -> Checked {
    let desk = Desk::new()?;
    desk.module("a", &exported("a", "1"))?;
    desk.write("text.a", "not an archive\n")?;
    for missing in ["text.a", "absent.a"] {
        let words = ["bundle", "-o", "refused.wasm", "a.a", missing];
        let finished = run(&mut desk.anymod(&words))?;
        ensure(finished.status != 0 && finished.stderr.contains(missing), || finished.to_string())?;
    }
    ensure(!desk.path("refused.wasm").exists(), || "something was written".to_owned())
}

/// No Python, and nothing by the name of a tool that lies on the `PATH` or in the working directory.
fn decoys() -> Checked {
    let desk = Desk::new()?;
    desk.module("a", &exported("a", "1"))?;
    let decoy = format!("#!/bin/sh\n: >'{}'\nexit 1\n", desk.path("mark").display());
    for name in ["zig", "wasm-ld", "clang", "cc", "ar", "python3", "python"] {
        desk.decoy(name, &decoy)?;
    }
    for name in ["ziglang.py", "anymod.py", "sitecustomize.py"] {
        desk.write(name, "raise SystemExit('a decoy')\n")?;
    }
    let words = ["bundle", "-o", "out.wasm", "a.a"];
    run(desk.anymod(&words).env("PATH", &desk.directory))?.ok()?;
    ensure(!desk.path("mark").exists(), || "a decoy was run".to_owned())?;
    ensure(desk.call("a", &[])? == 1, || "another result".to_owned())
}

/// An archive that is named twice, and one that the bundle would be written over, by whatever name.
fn slips() -> Checked {
    let desk = Desk::new()?;
    desk.module("a", &exported("a", "1"))?;
    let archive = desk.read("a.a")?;
    std::os::unix::fs::symlink("a.a", desk.path("link.a")).map_err(|error| error.to_string())?;
    let text = desk.refused("G0117", &["a.a", "./link.a"])?;
    one_line(&text, "`./link.a` is named twice")?;
    for output in ["a.a", "link.a"] {
        let finished = run(&mut desk.anymod(&["bundle", "-o", output, "a.a"]))?;
        ensure(finished.status == 2 && finished.stderr.contains("written over"), || {
            format!("not refused: {finished}")
        })?;
    }
    ensure(desk.read("a.a")? == archive, || "the archive was written over".to_owned())
}
