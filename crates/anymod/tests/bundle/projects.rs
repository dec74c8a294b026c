//! What follows from a manifest: flags, archives of targets and build types, libraries, files for other builds.

use std::process::Command;

use crate::Case;
use crate::desk::{Desk, call};
use crate::support::process::{Finished, run};
use crate::support::{Checked, ensure, same_bytes};

pub(crate) const CASES: [Case; 12] = [
    ("equal_bytes", equal_bytes),
    ("debug_then_release", debug_then_release),
    ("build_types_do_not_mix", build_types_do_not_mix),
    ("flags_change", flags_change),
    ("typo", typo),
    ("missing_module", missing_module),
    ("no_python", no_python),
    ("make", make),
    ("failing_flags", failing_flags),
    ("stamps", stamps),
    ("outside", outside),
    ("no_wasm", no_wasm),
];

/// A host library and two modules that use it; one has a directory of headers with a space in its name.
const MANIFEST: &str = r#"
[project]
targets = ["wasi", "native"]

[module.one]
sources = ["one.c"]
include-dirs = ["the headers"]
defines = { GREETING = '"two words"' }

[module.one.archive]
host-libraries = ["host"]

[module.two]
sources = ["two.c"]

[module.host]
sources = ["host.c"]

[module.host.archive]
headers = ["host.h"]
public-include-dirs = ["."]
abi = { gc = "none" }

[library.host]
archive = "build/{target}/{build-type}/host.a"
include-dirs = ["."]
abi = { gc = "none" }
"#;

const FILES: [(&str, &str); 6] = [
    ("anymod.toml", MANIFEST),
    ("the headers/number.h", "#define NUMBER 40\n"),
    (
        "one.c",
        "#include \"host.h\"\n#include \"number.h\"\nEXPORT(one) int one(void) { return host_add(NUMBER, sizeof GREETING); }\n",
    ),
    (
        "two.c",
        "#ifdef __wasm__\n__attribute__((export_name(\"two\")))\n#endif\nint two(void) { return\n#ifdef NDEBUG\n 2\n#else\n 1\n#endif\n; }\n",
    ),
    ("host.c", "#include \"host.h\"\nint host_add(int a, int b) { return a + b; }\n"),
    (
        "host.h",
        "#ifdef __wasm__\n#define EXPORT(name) __attribute__((export_name(#name)))\n#else\n#define EXPORT(name)\n#endif\nint host_add(int, int);\n",
    ),
];

fn project() -> Checked<Desk> {
    let desk = Desk::new()?;
    for (name, text) in FILES {
        desk.write(name, text)?;
    }
    Ok(desk)
}

/// Runs the command, which has to succeed.
fn ok(desk: &Desk, words: &[&str]) -> Checked<Finished> {
    run(&mut desk.anymod(words))?.ok()
}

/// Runs the command, which has to fail with a text and print nothing that could be taken for a result.
fn refused(desk: &Desk, words: &[&str], text: &str) -> Checked<Finished> {
    let finished = run(&mut desk.anymod(words))?;
    let told = finished.status != 0 && finished.stderr.contains(text) && finished.stdout.is_empty();
    ensure(told, || format!("not refused with `{text}`: {finished}"))?;
    Ok(finished)
}

/// Archives and bundle are the same in another directory, for another user, and whatever is done at once.
fn equal_bytes() -> Checked {
    let (one, other) = (project()?, project()?);
    let mut archives = vec!["bundle.wasm".to_owned()];
    for (target, build_type) in [("wasi", "debug"), ("wasi", "release"), ("native", "debug")] {
        let names = ["one", "two", "host"];
        archives.extend(names.map(|name| format!("build/{target}/{build_type}/{name}.a")));
    }
    for (desk, jobs, user) in [(&one, "1", "one"), (&other, "2", "other")] {
        let build = ["build", "--no-store", "-b", "debug", "-b", "release", "-j", jobs];
        let bundle = ["bundle", "-b", "debug", "-o", "bundle.wasm"];
        for words in [&build[..], &bundle] {
            let mut command = desk.anymod(words);
            command.env("USER", user).env("LOGNAME", user).env("HOME", desk.path(user));
            run(&mut command)?.ok()?;
        }
    }
    for archive in archives {
        same_bytes(&one.read(&archive)?, &other.read(&archive)?)
            .map_err(|error| format!("{archive}: {error}"))?;
    }
    Ok(())
}

/// Each build type has its own archives, and a bundle those of its own.
fn debug_then_release() -> Checked {
    let desk = project()?;
    for (build_type, two) in [("debug", 1), ("release", 2), ("debug", 1)] {
        ok(&desk, &["bundle", "-b", build_type, "-o", "out.wasm"])?;
        let found = (desk.call("one", &[])?, desk.call("two", &[])?);
        ensure(found == (50, two), || format!("{build_type}: {found:?}"))?;
    }
    Ok(())
}

fn build_types_do_not_mix() -> Checked {
    let desk = project()?;
    ok(&desk, &["build", "-t", "wasi", "-b", "debug", "-b", "release"])?;
    let text = desk.refused("G0110", &["build/wasi/debug/one.a", "build/wasi/release/host.a"])?;
    for side in ["`debug`", "`release`", "one.a", "host.a"] {
        ensure(text.contains(side), || format!("{side} is not named: {text}"))?;
    }
    Ok(())
}

/// A changed option in the manifest is in the next bundle.
fn flags_change() -> Checked {
    let desk = project()?;
    ok(&desk, &["bundle", "-o", "out.wasm"])?;
    ensure(desk.call("one", &[])? == 50, || "another sum".to_owned())?;
    desk.write("anymod.toml", MANIFEST.replace("two words", "two more words"))?;
    ok(&desk, &["bundle", "-o", "out.wasm"])?;
    let found = desk.call("one", &[])?;
    ensure(found == 55, || format!("{found}: the option is an old one"))
}

fn typo() -> Checked {
    let desk = project()?;
    desk.write("anymod.toml", MANIFEST.replace("include-dirs = [\"the", "include-dir = [\"the"))?;
    for words in [&["bundle"][..], &["build"], &["flags", "--target", "wasi"], &["info"]] {
        refused(&desk, words, "did you mean `include-dirs`")?;
    }
    Ok(())
}

fn missing_module() -> Checked {
    let desk = project()?;
    refused(&desk, &["info", "on"], "`on`")?;
    refused(&desk, &["flags", "--target", "wasi", "on"], "`on`")?;
    refused(&desk, &["info", "--module", "nowhere"], "nowhere")?;
    refused(&desk, &["bundle", "--no-manifest"], "error")?;
    desk.write("alone/anymod.toml", "[module.alone]\nsources = [\"alone.c\"]\n")?;
    let text = "#ifdef __wasm__\n__attribute__((export_name(\"alone\")))\n#endif\nint alone(void) { return 7; }\n";
    desk.write("alone/alone.c", text)?;
    for (more, expected) in
        [(&[][..], &["alone", "one", "two"][..]), (&["--no-manifest"], &["alone"])]
    {
        ok(&desk, &[&["bundle", "--module", "alone", "-o", "out.wasm"], more].concat())?;
        for name in ["alone", "one", "two"] {
            let there = call(&desk.path("out.wasm"), name, &[]).is_ok();
            ensure(there == expected.contains(&name), || format!("{more:?}: {name}: {there}"))?;
        }
    }
    Ok(())
}

/// No interpreter is needed, or run if there is one.
fn no_python() -> Checked {
    let desk = project()?;
    let decoy = format!("#!/bin/sh\n: >'{}'\nexit 1\n", desk.path("mark").display());
    for name in ["python", "python3", "zig", "wasm-ld", "clang"] {
        desk.decoy(name, &decoy)?;
    }
    for words in [
        &["build", "-t", "wasi"][..],
        &["bundle", "-o", "out.wasm"],
        &["flags", "--target", "wasi", "--cc"],
        &["info", "--target", "wasi"],
    ] {
        run(desk.anymod(words).env("PATH", &desk.directory))?.ok()?;
    }
    ensure(!desk.path("mark").exists(), || "a decoy was run".to_owned())?;
    ensure(desk.call("one", &[])? == 50, || "another sum".to_owned())
}

/// A makefile that asks for everything, with spaces in paths and in a macro: what it builds does the same.
fn make() -> Checked {
    let desk = project()?;
    let anymod = env!("CARGO_BIN_EXE_anymod");
    let makefile = format!(
        "CC := $(shell '{anymod}' flags --target native --cc)\n\
         CFLAGS := $(shell '{anymod}' flags --target native --cflags one)\n\
         LDFLAGS := $(shell '{anymod}' flags --target native --ldflags)\n\
         main: main.c ; $(CC) $(CFLAGS) main.c -o main $(LDFLAGS)\n"
    );
    desk.write("Makefile", makefile)?;
    let text = "#include <stdio.h>\nint one(void);\nint two(void);\n\
        int main(void) { printf(\"%d %d %s\\n\", one(), two(), GREETING); }\n";
    desk.write("main.c", text)?;
    ok(&desk, &["build", "-t", "native"])?;
    run(desk.with_environment(Command::new("make")).arg("main"))?.ok()?;
    let said = run(&mut Command::new(desk.path("main")))?.ok()?.stdout;
    ensure(said == "50 2 two words\n", || said.clone())
}

/// A helper that fails must not leave a makefile with empty variables that go unnoticed.
fn failing_flags() -> Checked {
    let desk = project()?;
    for words in [
        &["flags", "--target", "nowhere", "--cc"][..],
        &["flags", "--target", "wasi", "--build-type", "debgu", "--cflags"],
        &["flags", "--target", "wasi", "--cflags", "--manifest", "nowhere"],
    ] {
        refused(&desk, words, "error")?;
    }
    Ok(())
}

/// A host library built another way than a module says it has to be: told before anything is compiled.
fn stamps() -> Checked {
    let desk = project()?;
    let text = MANIFEST
        .replace("[module.one.archive]\n", "[module.one.archive]\nabi = { gc = \"boehm\" }\n");
    desk.write("anymod.toml", text)?;
    let refused = refused(&desk, &["build", "-t", "wasi"], "boehm")?;
    for side in ["`none`", "`one`", "`host`", "gc"] {
        ensure(refused.stderr.contains(side), || format!("{side} is not named: {refused}"))?;
    }
    ensure(!refused.stderr.contains("compile "), || format!("compiled: {refused}"))
}

/// Paths that lead out of the project are taken only if that is said.
fn outside() -> Checked {
    let desk = project()?;
    let outside = desk.directory.with_file_name("outside");
    let file = outside.join("more.c");
    crate::support::write(&file, "int more(void) { return 1; }\n")?;
    let text = MANIFEST.replace("[\"two.c\"]", "[\"two.c\", \"../outside/more.c\"]");
    desk.write("anymod.toml", text)?;
    refused(&desk, &["bundle"], "../outside/more.c")?;
    ok(&desk, &["bundle", "--allow-outside", "-o", "out.wasm"]).map(|_| ())
}

/// A module that says that it has no build for WebAssembly is left out, and not if it is asked for by name.
fn no_wasm() -> Checked {
    let desk = project()?;
    let reason = "it maps files into memory";
    let text = format!("{MANIFEST}\n[module.two.wasm]\nsupported = false\nreason = \"{reason}\"\n");
    desk.write("anymod.toml", text)?;
    let built = ok(&desk, &["build"])?;
    ensure(built.stderr.contains(reason), || format!("left out without a word: {built}"))?;
    ensure(desk.path("build/native/release/two.a").exists(), || "no native build".to_owned())?;
    ok(&desk, &["bundle", "-o", "out.wasm"])?;
    let found = (desk.call("one", &[])?, desk.call("two", &[]).is_err());
    ensure(found == (50, true), || format!("{found:?}"))?;
    refused(&desk, &["build", "-t", "wasi", "two"], reason).map(|_| ())
}
