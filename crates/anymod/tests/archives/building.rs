//! What goes into an archive, when it is made again, and what is refused.

use crate::Case;
use crate::desk::{Desk, refused};
use crate::support::machine::anymod_home;
use crate::support::process::run;
use crate::support::{Checked, ensure, same_bytes};

pub(crate) const CASES: [Case; 11] = [
    ("every_target_and_build_type_in_one_call_and_then_nothing", every_target),
    ("the_same_bytes_under_another_directory_home_and_number_of_jobs", same_everywhere),
    ("vendored_archives_are_merged_or_listed_beside", vendored),
    ("a_member_of_a_thin_archive_that_changes_is_noticed", thin),
    ("what_is_no_code_for_the_target_is_refused_with_its_member", foreign),
    ("stamps_that_differ_name_both_sides", stamps),
    ("an_archive_of_another_build_type_is_refused", build_type),
    ("a_library_that_is_not_there_is_told_with_the_one_that_is", absent),
    ("a_module_without_a_build_says_why", unsupported),
    ("paths_outside_are_refused_until_they_are_allowed", outside),
    ("bad_code_for_webassembly_leaves_no_archive", broken),
];

fn every_target() -> Checked {
    let desk = Desk::new()?;
    let all = [
        "build",
        "-t",
        "native",
        "-t",
        "native-static",
        "-t",
        "native-linux-arm64",
        "-t",
        "wasi",
        "-b",
        "debug",
        "-b",
        "release",
    ];
    let first = desk.anymod(&all)?.ok()?;
    ensure(first.stderr.contains("16 modules in place, 16 changed"), || first.to_string())?;
    for target in ["native", "native-static", "native-linux-arm64", "wasi"] {
        for build_type in ["debug", "release"] {
            for module in ["greet", "host"] {
                let archive = desk.bytes(&format!("build/{target}/{build_type}/{module}.a"))?;
                let stamps =
                    anymod_link::stamp::read(&archive, module).map_err(|e| e.to_string())?;
                let [found] = stamps.as_slice() else { return Err(format!("{stamps:?}")) };
                let said = [found.stamp.get("target"), found.stamp.get("build-type")];
                ensure(said == [Some(target), Some(build_type)], || format!("{found:?}"))?;
            }
        }
    }
    let again = desk.anymod(&all)?.ok()?;
    ensure(again.stderr.contains("0 actions ran"), || again.to_string())
}

fn same_everywhere() -> Checked {
    let (one, other) = (Desk::called("one")?, Desk::called("other place")?);
    let build = [
        "build",
        "-t",
        "native-win32-x64",
        "-t",
        "native-darwin-arm64",
        "-t",
        "native",
        "-t",
        "wasi",
        "-b",
        "debug",
    ];
    run(one.command(&build).arg("-j1"))?.ok()?;
    let home = other.path("home");
    std::fs::create_dir(&home).map_err(|error| error.to_string())?;
    run(other.command(&build).arg("-j2").env("HOME", home).env("USER", "somebody"))?.ok()?;
    for target in ["native-win32-x64", "native-darwin-arm64", "native", "wasi"] {
        for module in ["greet", "host"] {
            let path = format!("build/{target}/debug/{module}.a");
            same_bytes(&one.bytes(&path)?, &other.bytes(&path)?)
                .map_err(|different| format!("{path}: {different}"))?;
        }
    }
    Ok(())
}

/// Makes `vendor/libextra.a` by the machine's tools, with options of `ar`.
fn extra(desk: &Desk, value: i32, options: &str) -> Checked {
    desk.write("vendor/extra.c", &format!("int extra(void) {{ return {value}; }}\n"))?;
    desk.run("gcc", &["-c", "vendor/extra.c", "-o", "vendor/extra.o"])?.ok()?;
    let _ = std::fs::remove_file(desk.path("vendor/libextra.a"));
    desk.run("ar", &[options, "vendor/libextra.a", "vendor/extra.o"])?.ok().map(|_| ())
}

/// Makes `greet` give what `extra` does.
fn with_extra(desk: &Desk, more: &str) -> Checked {
    desk.edit("src/greet.c", "host(x) + 1", "host(x) + extra()")?;
    desk.edit("src/greet.c", "#include \"host.h\"", "#include \"host.h\"\nint extra(void);")?;
    desk.edit(
        "anymod.toml",
        "[module.greet.archive]\n",
        &format!("[module.greet.archive]\narchives = [\"vendor/libextra.a\"]\n{more}"),
    )
}

/// Builds the program with the flags that are told, and runs it.
fn says(desk: &Desk, expected: &str) -> Checked {
    let script = "eval \"$(\"$ANYMOD\" flags greet -t native --cc) $(\"$ANYMOD\" flags greet -t native --cflags) main.c -o main \
        $(\"$ANYMOD\" flags greet -t native --ldflags)\"\n./main";
    let mut shell = std::process::Command::new("sh");
    shell.args(["-ec", script]).current_dir(&desk.root).env("ANYMOD_HOME", anymod_home());
    let ran = run(shell.env("ANYMOD", env!("CARGO_BIN_EXE_anymod")))?.ok()?;
    ensure(ran.stdout.trim() == expected, || format!("expected {expected}: {ran}"))
}

fn vendored() -> Checked {
    let desk = Desk::new()?;
    extra(&desk, 7, "rcs")?;
    with_extra(&desk, "")?;
    desk.anymod(&["build", "-t", "native"])?.ok()?;
    let members = desk.run("ar", &["t", "build/native/release/greet.a"])?.ok()?;
    ensure(members.stdout == "greet.c.o\nextra.o\nanymod.abi.o\n", || members.to_string())?;
    says(&desk, "it's $5 47")?;
    desk.edit("anymod.toml", "archives =", "merge-archives = false\narchives =")?;
    desk.anymod(&["build", "-t", "native"])?.ok()?;
    let members = desk.run("ar", &["t", "build/native/release/greet.a"])?.ok()?;
    ensure(members.stdout == "greet.c.o\nanymod.abi.o\n", || members.to_string())?;
    says(&desk, "it's $5 47")
}

fn thin() -> Checked {
    let desk = Desk::new()?;
    extra(&desk, 7, "rcsT")?;
    with_extra(&desk, "")?;
    desk.anymod(&["build", "-t", "native"])?.ok()?;
    says(&desk, "it's $5 47")?;
    let archive = desk.bytes("vendor/libextra.a")?;
    // The member alone is compiled again; the archive names it and stays.
    desk.write("vendor/extra.c", "int extra(void) { return 9; }\n")?;
    desk.run("gcc", &["-c", "vendor/extra.c", "-o", "vendor/extra.o"])?.ok()?;
    same_bytes(&archive, &desk.bytes("vendor/libextra.a")?)?;
    desk.anymod(&["build", "-t", "native"])?.ok()?;
    says(&desk, "it's $5 49")
}

fn foreign() -> Checked {
    let desk = Desk::new()?;
    extra(&desk, 7, "rcs")?;
    with_extra(&desk, "")?;
    let told = desk.anymod(&["build", "-t", "wasi"])?;
    refused(
        &told,
        1,
        &["vendor/libextra.a(extra.o)", "ELF for x86-64, but the archive is for WebAssembly"],
    )?;
    ensure(!desk.path("build/wasi/release/greet.a").exists(), || "half an archive".to_owned())?;
    std::fs::write(desk.path("vendor/libextra.a"), "!<arch>\n").map_err(|e| e.to_string())?;
    let told = desk.anymod(&["build", "-t", "native"])?;
    refused(&told, 1, &["L0019", "vendor/libextra.a", "no members"])
}

fn stamps() -> Checked {
    let desk = Desk::new()?;
    desk.describe("abi = { gc = \"precise\" }\n")?;
    let told = desk.anymod(&["build", "-t", "native"])?;
    refused(
        &told,
        2,
        &["B0018", "gc: `none` against `precise`", "`greet`: ", "`host`, as the manifest says"],
    )?;
    let desk = Desk::new()?;
    desk.edit("anymod.toml", "archive = {}", "archive = { abi = { gc = \"precise\" } }")?;
    let told = desk.anymod(&["build", "-t", "wasi"])?;
    refused(
        &told,
        2,
        &["B0018", "gc: `none` against `precise`", "in `build/wasi/release/host.a`"],
    )?;
    // What functions with several results are called by is decided by options.
    let desk = Desk::new()?;
    desk.edit("anymod.toml", "archive = {}", "archive = { cflags = [\"-mmultivalue\", \"-Xclang\", \"-target-abi\", \"-Xclang\", \"experimental-mv\"] }")?;
    let told = desk.anymod(&["build", "-t", "wasi"])?;
    refused(&told, 2, &["multivalue: `false` against `true`"])
}

fn build_type() -> Checked {
    let desk = Desk::new()?;
    desk.anymod(&["build", "-t", "native", "-b", "debug"])?.ok()?;
    std::fs::copy(desk.path("build/native/debug/host.a"), desk.path("libhost.a"))
        .map_err(|e| e.to_string())?;
    desk.edit("anymod.toml", "build/{target}/{build-type}/host.a", "libhost.a")?;
    desk.anymod(&["build", "greet", "-t", "native", "-b", "debug"])?.ok()?;
    let told = desk.anymod(&["build", "greet", "-t", "native"])?;
    refused(&told, 2, &["build-type: `release` against `debug`", "in `libhost.a`"])
}

fn absent() -> Checked {
    let desk = Desk::new()?;
    desk.anymod(&["build", "-t", "native", "-b", "debug"])?.ok()?;
    let told = desk.anymod(&["build", "greet", "-t", "native"])?;
    refused(
        &told,
        2,
        &["B0019", "`build/native/release/host.a`", "there is one of build type `debug`"],
    )
}

fn unsupported() -> Checked {
    let desk = Desk::new()?;
    desk.describe("\n[module.map]\nsources = [\"host/host.c\"]\nwasm = { supported = false, reason = \"it maps files into memory\" }\n")?;
    let told = desk.anymod(&["build", "map", "-t", "wasi"])?;
    refused(
        &told,
        2,
        &["M0023", "module `map` has no build for `wasi`: it maps files into memory"],
    )?;
    let others = desk.anymod(&["build"])?.ok()?;
    ensure(others.stderr.contains("5 modules in place"), || others.to_string())?;
    ensure(others.stderr.contains("warning[M0023]"), || others.to_string())?;
    let told = desk.anymod(&["flags", "map", "-t", "wasi", "--cflags"])?;
    refused(&told, 2, &["it maps files into memory"])
}

fn outside() -> Checked {
    let desk = Desk::new()?;
    desk.edit("anymod.toml", "\"src/greet.c\"", "\"src/greet.c\", \"../above.c\"")?;
    desk.write("../above.c", "int above;\n")?;
    let told = desk.anymod(&["build", "-t", "native"])?;
    refused(&told, 2, &["B0020", "`../above.c` leads out of the project", "--allow-outside"])?;
    desk.anymod(&["build", "-t", "native", "--allow-outside"])?.ok()?;
    desk.edit("anymod.toml", "[project]", "[project]\nallow-outside = true")?;
    desk.anymod(&["build", "-t", "native"])?.ok().map(|_| ())
}

fn broken() -> Checked {
    let desk = Desk::new()?;
    desk.edit("src/greet.c", "return HOST;", "return HOST")?;
    let told = desk.anymod(&["build", "-t", "wasi"])?;
    refused(&told, 4, &["B0001", "src/greet.c"])?;
    ensure(!desk.path("build/wasi/release/greet.a").exists(), || "an archive".to_owned())
}
