//! Flags and information: their order, their quotes, and that a failure never looks like an answer.

use std::process::Command;

use crate::Case;
use crate::desk::{Desk, has, refused};
use crate::support::process::run;
use crate::support::{Checked, ensure, program};

pub(crate) const CASES: [Case; 9] = [
    ("make_takes_what_is_told_and_stops_if_nothing_is", make),
    ("archives_come_before_what_they_need", order),
    ("every_format_is_read_back", formats),
    ("a_failure_prints_nothing_and_has_a_status", failures),
    ("no_python_and_nothing_of_the_working_directory_is_run", no_helpers),
    ("libraries_are_overridden_by_variable_and_flag", overrides),
    ("pkg_config_is_remembered_until_its_files_change", pkg_config),
    ("a_library_without_a_build_for_the_target_is_never_left_out", never_left_out),
    ("flags_work_without_a_manifest", no_manifest),
];

fn make() -> Checked {
    let desk = Desk::new()?;
    desk.anymod(&["build", "-t", "native"])?.ok()?;
    desk.write(
        "Makefile",
        "include flags.mk\nflags.mk: anymod.toml\n\t'$(ANYMOD)' flags greet -t native --format make > $@.new && mv $@.new $@\n\
         main: main.c\n\t$(CC) $(CFLAGS) $< -o $@ $(LDFLAGS)\n.DEFAULT_GOAL := main\n",
    )?;
    let made = |desk: &Desk| {
        let variable = format!("ANYMOD={}", env!("CARGO_BIN_EXE_anymod"));
        run(Command::new("make")
            .arg(variable)
            .current_dir(&desk.root)
            .env("ANYMOD_HOME", crate::support::machine::anymod_home()))
    };
    made(&desk)?.ok()?;
    let ran = run(&mut Command::new(desk.path("main")))?.ok()?;
    ensure(ran.stdout == "it's $5 41\n", || ran.to_string())?;
    // What cannot be told stops make before it compiles anything.
    std::fs::remove_file(desk.path("main")).map_err(|error| error.to_string())?;
    desk.edit("anymod.toml", "host-libraries", "host-librarys")?;
    let failed = made(&desk)?;
    ensure(failed.status == 2 && !desk.path("main").exists(), || failed.to_string())?;
    ensure(failed.stderr.contains("did you mean `host-libraries`?"), || failed.to_string())
}

fn words(desk: &Desk, arguments: &[&str]) -> Checked<Vec<String>> {
    let told = run(desk.command(&["flags"]).args(arguments).args(["--format", "json"]))?.ok()?;
    serde_json::from_str(&told.stdout).map_err(|error| format!("{error}: {told}"))
}

fn order() -> Checked {
    let desk = Desk::new()?;
    desk.edit(
        "anymod.toml",
        "host-libraries = [\"host\"]",
        "host-libraries = [\"host\"]\nsystem-libraries = [\"m\"]\nldflags = [\"-pthread\"]",
    )?;
    let words = words(&desk, &["-t", "native", "--ldflags"])?;
    let at = |end: &str| words.iter().position(|word| word.ends_with(end));
    let places = [at("/greet.a"), at("/host.a"), at("-lm"), at("-pthread")];
    ensure(places.iter().all(Option::is_some) && places.is_sorted(), || format!("{words:?}"))?;
    ensure(words.iter().filter(|word| word.ends_with("/host.a")).count() == 1, || {
        format!("{words:?}")
    })?;
    let told = desk.anymod(&["info", "greet", "--format", "json"])?.ok()?;
    let info: serde_json::Value = serde_json::from_str(&told.stdout).map_err(|e| e.to_string())?;
    let root = desk.root.to_string_lossy();
    let archives = serde_json::json!([
        format!("{root}/build/native/release/greet.a"),
        format!("{root}/build/native/release/host.a")
    ]);
    ensure(info["archives"] == archives, || told.to_string())?;
    ensure(info["headers"] == serde_json::json!([format!("{root}/include/greet.h")]), || {
        told.to_string()
    })
}

fn formats() -> Checked {
    let desk = Desk::new()?;
    let expected = words(&desk, &["greet", "-t", "native", "--cflags"])?;
    let shell = "eval \"set -- $1\"; for word; do printf '%s\\n' \"$word\"; done";
    let told = desk.anymod(&["flags", "greet", "-t", "native", "--cflags"])?.ok()?;
    let read = run(Command::new("sh").args(["-c", shell, "sh", told.stdout.trim()]))?.ok()?;
    ensure(read.stdout.lines().eq(&expected), || format!("{expected:?}\n{read}"))?;
    if has("cmake") {
        let told = desk.anymod(&["flags", "greet", "-t", "native", "--format", "cmake"])?.ok()?;
        let script = told.stdout
            + "foreach(word IN LISTS ANYMOD_CFLAGS)\nmessage(\"${word}\")\nendforeach()\n";
        desk.write("flags.cmake", &script)?;
        let read = desk.run("cmake", &["-P", "flags.cmake"])?.ok()?;
        ensure(read.stderr.lines().eq(&expected), || format!("{expected:?}\n{read}"))?;
    }
    let told = desk.anymod(&["flags", "greet", "-t", "native", "--format", "meson"])?.ok()?;
    desk.write("flags.ini", &told.stdout)?;
    // A machine file is read by Python's own rules for strings.
    let script = "import configparser, ast, sys\nf = configparser.ConfigParser(interpolation=None); f.read('flags.ini')\n\
        for word in ast.literal_eval(f['built-in options']['c_args']): print(word)";
    let read = desk.run("python3", &["-c", script])?.ok()?;
    ensure(read.stdout.lines().eq(&expected), || format!("{expected:?}\n{read}"))
}

fn failures() -> Checked {
    let desk = Desk::new()?;
    let flags = |arguments: &[&str]| run(desk.command(&["flags"]).args(arguments));
    refused(&flags(&["gret", "-t", "native", "--cc"])?, 2, &["M0009", "did you mean `greet`?"])?;
    refused(&flags(&["-t", "wasy", "--cc"])?, 2, &["M0006", "did you mean `wasi`?"])?;
    refused(
        &flags(&["-t", "wasi", "-b", "relase", "--cc"])?,
        2,
        &["M0007", "did you mean `release`?"],
    )?;
    let home = desk.path("empty");
    let bare = run(desk.command(&["flags", "-t", "wasi", "--cc"]).env("ANYMOD_HOME", home))?;
    refused(&bare, 3, &["T0001", "anymod toolchain install zig"])?;
    desk.edit("anymod.toml", "public-include-dirs", "public-includes")?;
    refused(&flags(&["-t", "native", "--cc"])?, 2, &["M0002", "unknown key `public-includes`"])
}

fn no_helpers() -> Checked {
    let desk = Desk::new()?;
    // Programs of these names in the working directory would be run by whoever trusts a `PATH` with `.` in it.
    for name in ["gcc", "cc", "ar", "zig", "python3", "python", "pkg-config"] {
        program::script(&desk.path(name), "touch hijacked\nexit 1");
    }
    let tools = desk.path("tools");
    std::fs::create_dir(&tools).map_err(|error| error.to_string())?;
    for name in ["gcc", "as", "ld", "sh"] {
        let found = run(Command::new("sh").args(["-c", &format!("command -v {name}")]))?.ok()?;
        std::os::unix::fs::symlink(found.stdout.trim(), tools.join(name))
            .map_err(|e| e.to_string())?;
    }
    let path = format!(".::{}", tools.display());
    let built = run(desk.command(&["build", "-t", "native", "-t", "wasi"]).env("PATH", &path))?;
    built.ok()?;
    let told = run(desk.command(&["flags", "-t", "native", "--cc"]).env("PATH", &path))?.ok()?;
    ensure(told.stdout.contains("/tools/gcc"), || told.to_string())?;
    ensure(!desk.path("hijacked").exists(), || "a file of the working directory was run".to_owned())
}

fn overrides() -> Checked {
    let desk = Desk::new()?;
    desk.edit(
        "anymod.toml",
        "host-libraries = [\"host\"]",
        "host-libraries = [\"host\"]\nsystem-libraries = [\"magic\"]",
    )?;
    desk.describe("\n[library.magic]\nname = \"magic\"\n")?;
    let last = |command: &mut Command| -> Checked<String> {
        let told = run(command)?.ok()?;
        let words: Vec<String> = serde_json::from_str(&told.stdout).map_err(|e| e.to_string())?;
        Ok(words.last().cloned().unwrap_or_default())
    };
    let flags = ["flags", "greet", "-t", "native", "--ldflags", "--format", "json"];
    ensure(last(&mut desk.command(&flags))? == "-lmagic", || "the manifest's".to_owned())?;
    let variable = ("ANYMOD_LIBRARY_MAGIC", "'/v/my lib/libmagic.a'");
    let by_variable = last(desk.command(&flags).env(variable.0, variable.1))?;
    ensure(by_variable == "/v/my lib/libmagic.a", || by_variable.clone())?;
    let by_flag = last(
        desk.command(&flags).env(variable.0, variable.1).args(["--library", "magic=-L/f -lmagic5"]),
    )?;
    ensure(by_flag == "-lmagic5", || by_flag.clone())?;
    // A build that was asked with another word takes the long way, and knows.
    desk.anymod(&["build", "-t", "native"])?.ok()?;
    let told = run(&mut desk.command(&["build", "-t", "native", "--library", "magic"]))?;
    refused(&told, 2, &["M0101", "has no `=`"])
}

fn pkg_config() -> Checked {
    let desk = Desk::new()?;
    desk.edit(
        "anymod.toml",
        "host-libraries = [\"host\"]",
        "host-libraries = [\"host\"]\nsystem-libraries = [\"magic\"]",
    )?;
    desk.describe("\n[library.magic]\npkg-config = \"made-up\"\n")?;
    let package = |flags: &str| {
        format!(
            "Name: made-up\nDescription: x\nVersion: 1\nRequires: needed\nLibs: {flags}\nCflags: -I/made/up\n"
        )
    };
    desk.write("pc/made-up.pc", &package("-L/made/up -lmade"))?;
    let needed = |flag: &str| format!("Name: needed\nDescription: x\nVersion: 1\nLibs: {flag}\n");
    desk.write("pc/needed.pc", &needed("-lneeded"))?;
    let ask = |path: &str| {
        let mut command = desk.command(&["flags", "greet", "-t", "native", "--ldflags"]);
        run(command.env("PKG_CONFIG_PATH", desk.path("pc")).env("PATH", path))
    };
    let path = std::env::var("PATH").unwrap_or_default();
    let first = ask(&path)?.ok()?;
    ensure(first.stdout.contains("-L/made/up -lmade -lneeded"), || first.to_string())?;
    // Known: nothing is run, so a `pkg-config` that would fail is not noticed; a changed file is.
    let real = run(Command::new("sh").args(["-c", "command -v pkg-config"]))?.ok()?;
    let known = ask(&path)?.ok()?;
    ensure(known.stdout == first.stdout, || format!("{real}{known}"))?;
    desk.write("pc/needed.pc", &needed("-lanother"))?;
    let changed = ask(&path)?.ok()?;
    ensure(changed.stdout.contains("-lmade -lanother"), || changed.to_string())?;
    std::fs::remove_file(desk.path("pc/made-up.pc")).map_err(|error| error.to_string())?;
    refused(&ask(&path)?, 3, &["T0005", "there is no library `magic` for `native`", "made-up"])
}

fn never_left_out() -> Checked {
    let desk = Desk::new()?;
    desk.edit(
        "anymod.toml",
        "host-libraries = [\"host\"]",
        "host-libraries = [\"host\"]\nsystem-libraries = [\"magic\"]",
    )?;
    for command in [["flags", "greet", "--ldflags"], ["build", "greet", "--quiet"]] {
        let told = run(desk.command(&command).args(["-t", "wasi"]))?;
        refused(
            &told,
            3,
            &["T0005", "there is no library `magic` for `wasi`", "supported = false"],
        )?;
    }
    Ok(())
}

fn no_manifest() -> Checked {
    let empty = crate::support::scratch()?;
    let told = run(crate::support::process::anymod(empty.path())
        .args(["flags", "-t", "wasi", "-b", "debug", "--cflags"]))?
    .ok()?;
    ensure(told.stdout.contains("-fno-sanitize=undefined") && told.stdout.contains("-Og"), || {
        told.to_string()
    })
}
