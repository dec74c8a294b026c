//! Ninja, and bundles of a project.

use std::process::Command;

use crate::Case;
use crate::desk::Desk;
use crate::support::process::run;
use crate::support::{Checked, ensure, same_bytes};

pub(crate) const CASES: [Case; 3] = [
    ("ninja_builds_archives_and_program_and_knows_what_they_depend_on", ninja),
    ("ninja_makes_the_bytes_that_a_build_makes", ninja_bytes),
    ("a_project_is_built_and_bundled_in_one_command", bundle),
];

fn emitted(desk: &Desk, arguments: &[&str]) -> Checked {
    run(desk.command(&["emit", "ninja", "-o", "build.ninja"]).args(arguments))?.ok().map(|_| ())
}

fn ninja() -> Checked {
    let desk = Desk::new()?;
    emitted(&desk, &["greet", "host", "--program", "out dir/main", "--source", "main.c"])?;
    let built = desk.run("ninja", &[])?.ok()?;
    ensure(!built.stdout.contains("warning"), || built.to_string())?;
    let says = |expected: &str| -> Checked {
        let ran = run(&mut Command::new(desk.path("out dir/main")))?.ok()?;
        ensure(ran.stdout == expected, || ran.to_string())
    };
    says("it's $5 41\n")?;
    let idle = desk.run("ninja", &[])?.ok()?;
    ensure(idle.stdout.contains("no work to do"), || idle.to_string())?;
    // A header that a source includes, two archives away from the program.
    desk.write("host/host.h", "int host(int);\n#define host(x) ((host)(x) + 1)\n")?;
    desk.write("host/host.c", "int host(int x) { return x * 3; }\n")?;
    desk.run("ninja", &[])?.ok()?;
    says("it's $5 62\n")?;
    // Removed archives are made again before the program is linked.
    std::fs::remove_file(desk.path("build/native/release/host.a")).map_err(|e| e.to_string())?;
    let again = desk.run("ninja", &["-v"])?.ok()?;
    ensure(again.stdout.contains("archive"), || again.to_string())?;
    says("it's $5 62\n")
}

fn ninja_bytes() -> Checked {
    let (one, other) = (Desk::new()?, Desk::new()?);
    for target in ["native", "wasi"] {
        emitted(&one, &["--target", target, "-b", "debug"])?;
        one.run("ninja", &[])?.ok()?;
        other.anymod(&["build", "-t", target, "-b", "debug"])?.ok()?;
        for module in ["greet", "host"] {
            let path = format!("build/{target}/debug/{module}.a");
            same_bytes(&one.bytes(&path)?, &other.bytes(&path)?)?;
        }
    }
    Ok(())
}

fn bundle() -> Checked {
    let desk = Desk::new()?;
    let bundle = ["bundle", "-o", "all.wasm", "--export", "greet"];
    let made = run(&mut desk.command(&bundle))?.ok()?;
    ensure(made.stdout.trim_end().ends_with("all.wasm"), || made.to_string())?;
    let wasm = desk.bytes("all.wasm")?;
    ensure(wasm.starts_with(b"\0asm"), || "no module".to_owned())?;
    let listed = desk.anymod(&["wasm", "exports", "all.wasm"])?.ok()?;
    ensure(listed.stdout.contains("greet"), || listed.to_string())?;
    desk.edit("anymod.toml", "abi = {", "ldflags = [\"--allow-undefined\"]\nabi = {")?;
    let told = desk.anymod(&bundle)?;
    ensure(
        told.status == 2 && told.stderr.contains("`--allow-undefined` is not for bundles"),
        || told.to_string(),
    )
}
