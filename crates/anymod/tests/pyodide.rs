//! Target environments and probes with the real runtimes: what `anymod target add` made is there, whole and of use
//! without any network, and wheels of every kind are tried in it.
//!
//! The wheels are built here with the environment's own compiler.

mod support;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anymod_pack::wheel::{File, Wheel, WheelName};
use libtest_mimic::{Arguments, Trial};
use serde_json::Value;
use support::machine::{anymod_home, pyodide};
use support::process::{Finished, anymod, run};
use support::{Checked, ensure, read, scratch, write};

/// The releases, of different ABIs.
const RELEASES: [&str; 2] = ["0.27.7", "0.29.5"];

/// A test and its name.
type Case = (&'static str, fn(&str) -> Checked);

const CASES: [Case; 6] = [
    ("environment", environment),
    ("offline", offline),
    ("damage", damage),
    ("exceptions", exceptions),
    ("probe", probe),
    ("probe_of_broken_wheels", broken),
];

fn main() -> ExitCode {
    let mut trials = vec![
        Trial::test("pyodide::lock", || Ok(lock()?)),
        Trial::test("pyodide::killed", || Ok(killed()?)),
    ];
    for release in RELEASES {
        for (name, case) in CASES {
            let name = format!("pyodide::{release}::{name}");
            trials.push(Trial::test(name, move || Ok(case(release)?)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Runs the command; `home` is where it keeps environments.
fn command(home: &Path, arguments: &[&str]) -> Checked<Finished> {
    let mut command = anymod(home);
    command.env("ANYMOD_HOME", home).args(arguments);
    run(&mut command)
}

/// What is known of a release.
fn facts(release: &str) -> Checked<Value> {
    pyodide(release)?;
    let name = format!("pyodide-{release}");
    let shown = command(&anymod_home(), &["target", "show", &name, "--format", "json"])?.ok()?;
    serde_json::from_str(&shown.stdout).map_err(|error| error.to_string())
}

fn text<'a>(value: &'a Value, path: &str) -> Checked<&'a str> {
    value.pointer(path).and_then(Value::as_str).ok_or_else(|| format!("no `{path}` in {value}"))
}

/// A copy of an environment that may be damaged; big files are links.
fn copy(release: &str, home: &Path) -> Checked<PathBuf> {
    let from = pyodide(release)?;
    let to = home.join("targets").join(format!("pyodide-{release}"));
    let parent = home.join("targets");
    std::fs::create_dir_all(&parent).map_err(|error| error.to_string())?;
    run(std::process::Command::new("cp").arg("-R").arg(from).arg(&to))?.ok()?;
    Ok(to)
}

/// The environment says what the release is, and its headers and symbols are the target's.
fn environment(release: &str) -> Checked {
    let shown = facts(release)?;
    let (python, platform, exceptions) = match release {
        "0.27.7" => ("3.12.7", "pyodide_2024_0_wasm32", "java-script"),
        _ => ("3.13.2", "pyodide_2025_0_wasm32", "wasm"),
    };
    for (path, expected) in [
        ("/facts/python", python),
        ("/facts/platform", platform),
        ("/facts/exceptions", exceptions),
        ("/facts/version", release),
    ] {
        ensure(text(&shown, path)? == expected, || format!("{path}: {shown}"))?;
    }
    let takes = shown["facts"]["platforms"].to_string();
    ensure(takes.contains("pyemscripten_") == (release == "0.29.5"), || takes.clone())?;
    let directory = PathBuf::from(text(&shown, "/directory")?);
    let minor = python.rsplit_once('.').map_or(python, |(minor, _)| minor);
    let pyconfig = read(&directory.join(format!("include/python{minor}/pyconfig.h")))?;
    let pyconfig = String::from_utf8_lossy(&pyconfig).into_owned();
    ensure(pyconfig.contains("#define SIZEOF_LONG 4\n"), || "`long` is the host's".to_owned())?;
    let symbols = read(&directory.join("symbols.txt"))?;
    let symbols = String::from_utf8_lossy(&symbols).into_owned();
    for name in ["PyModule_Create2", "memcpy", "_ZdlPv"] {
        ensure(symbols.lines().any(|line| line == name), || format!("no `{name}`"))?;
    }
    ensure(symbols.lines().is_sorted(), || "the symbols are not sorted".to_owned())
}

/// A second `add` takes nothing from anywhere.
fn offline(release: &str) -> Checked {
    let home = scratch()?;
    copy(release, home.path())?;
    let mut add = anymod(home.path());
    // Neither npm nor pip nor apt: only the tools that compile.
    add.env("ANYMOD_HOME", home.path()).env("PATH", "/nowhere");
    let said = run(add.args(["target", "add", &format!("pyodide@{release}")]))?;
    let target = facts(release)?;
    ensure(text(&target, "/tools/cc")?.starts_with('/'), || target.to_string())?;
    ensure(said.stderr.starts_with("already there: pyodide-"), || said.to_string())?;
    said.ok().map(drop)
}

/// A changed file is found, and a damaged environment is not taken for a whole one.
fn damage(release: &str) -> Checked {
    let home = scratch()?;
    let directory = copy(release, home.path())?;
    let name = format!("pyodide-{release}");
    command(home.path(), &["target", "verify", &name])?.ok()?;
    write(&directory.join("symbols.txt"), "main\n")?;
    write(&directory.join("runtime/extra"), "")?;
    let said = command(home.path(), &["target", "verify", &name])?;
    ensure(said.status == 1 && said.stderr.contains("T0018"), || said.to_string())?;
    for note in ["`symbols.txt` was changed", "`runtime/extra` does not belong there"] {
        ensure(said.stderr.contains(note), || said.to_string())?;
    }
    let mut add = anymod(home.path());
    add.env("ANYMOD_HOME", home.path()).env("PATH", "/nowhere");
    let said = run(add.args(["target", "add", &name]))?;
    ensure(said.status == 4 && said.stderr.contains("`npm` is missing"), || said.to_string())?;
    let left = std::fs::read_dir(home.path().join("targets")).map_err(|error| error.to_string())?;
    let left =
        left.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(".making"));
    ensure(left.count() == 0, || "something unfinished was left".to_owned())?;
    write(&directory.join("target.json"), "{}")?;
    let said = command(home.path(), &["target", "show", &name])?;
    ensure(said.stderr.contains("T0018"), || said.to_string())?;
    command(home.path(), &["target", "remove", &name])?.ok()?;
    let said = command(home.path(), &["target", "show", &name])?;
    ensure(said.status == 3 && said.stderr.contains("T0009"), || said.to_string())
}

/// A project's lock is written, accepted, and refused where it names something else.
fn lock() -> Checked {
    let home = scratch()?;
    copy("0.29.5", home.path())?;
    let file = home.path().join("pyodide.lock.json");
    let path = file.display().to_string();
    let add = || command(home.path(), &["target", "add", "pyodide@0.29.5", "--lock", &path]);
    add()?.ok()?;
    let written = String::from_utf8_lossy(&read(&file)?).into_owned();
    ensure(written.contains("\"integrity\": \"sha512-"), || written.clone())?;
    add()?.ok()?;
    write(&file, written.replace("\"role\": \"sysroot\"", "\"role\": \"headers\""))?;
    let said = add()?;
    ensure(said.status == 1 && said.stderr.contains("T0013"), || said.to_string())?;
    write(&file, "{")?;
    let said = add()?;
    ensure(said.status == 1 && said.stderr.contains("T0013"), || said.to_string())
}

/// A command that was killed in the middle leaves no environment, and the next one clears up.
fn killed() -> Checked {
    let home = scratch()?;
    let bin = home.path().join("bin");
    write(&bin.join("npm"), "#!/bin/sh\necho $$ >\"$MARK\"\nexec sleep 60\n")?;
    run(std::process::Command::new("chmod").arg("+x").arg(bin.join("npm")))?.ok()?;
    let mark = home.path().join("mark");
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let mut add = anymod(home.path());
    add.args(["target", "add", "pyodide@0.29.5"]);
    add.env("ANYMOD_HOME", home.path()).env("PATH", path).env("MARK", &mark);
    let mut child = add.spawn().map_err(|error| error.to_string())?;
    let clock = Instant::now();
    while std::fs::read_to_string(&mark).map_or(true, |pid| pid.trim().is_empty()) {
        ensure(clock.elapsed() < Duration::from_secs(60), || "npm was not run".to_owned())?;
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
    let npm = String::from_utf8_lossy(&read(&mark)?).trim().to_owned();
    run(std::process::Command::new("kill").arg(npm))?.ok()?;
    let unfinished = || {
        let entries = std::fs::read_dir(home.path().join("targets")).into_iter().flatten();
        entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| name != ".lock")
            .collect::<Vec<_>>()
    };
    let left = unfinished();
    ensure(left.len() == 1 && left.iter().all(|name| name.starts_with(".making")), || {
        format!("{left:?}")
    })?;
    let listed = command(home.path(), &["target", "list"])?.ok()?;
    ensure(listed.stdout.is_empty(), || listed.to_string())?;
    // The next one fails for another reason, and leaves nothing.
    let mut add = anymod(home.path());
    add.env("ANYMOD_HOME", home.path()).env("PATH", "/nowhere");
    let said = run(add.args(["target", "add", "pyodide@0.29.5"]))?;
    ensure(said.status == 4, || said.to_string())?;
    ensure(unfinished().is_empty(), || format!("{:?}", unfinished()))
}

/// Compiles and links an extension module in C with the environment's tools.
fn extension(shown: &Value, source: &str, name: &str) -> Checked<Vec<u8>> {
    compiled(shown, "/tools/cc", "m.c", source, name)
}

fn compiled(shown: &Value, tool: &str, file: &str, source: &str, name: &str) -> Checked<Vec<u8>> {
    let directory = scratch()?;
    let place = |name: &str| directory.path().join(name);
    let target = PathBuf::from(text(shown, "/directory")?);
    let minor = text(shown, "/facts/python")?.rsplit_once('.').map_or("", |(minor, _)| minor);
    write(&place(file), source)?;
    let mut compile = std::process::Command::new(text(shown, tool)?);
    compile.args(["--target=wasm32-unknown-emscripten", "-fPIC", "-fvisibility=default", "-O2"]);
    compile.arg(format!("--sysroot={}", target.join("sysroot").display()));
    compile.args(["-Xclang", "-iwithsysroot/include/compat"]);
    compile.arg(format!("-I{}", target.join(format!("include/python{minor}")).display()));
    compile.args(match text(shown, "/facts/exceptions")? {
        "wasm" => ["-fwasm-exceptions", "-mllvm", "-wasm-enable-sjlj"],
        _ => ["-fexceptions", "-mllvm", "-enable-emscripten-cxx-exceptions"],
    });
    run(compile.arg("-c").arg(place(file)).arg("-o").arg(place("m.o")))?.ok()?;
    let mut link = std::process::Command::new(text(shown, "/tools/ld")?);
    link.args(["-shared", "--experimental-pic", "--no-export-dynamic"]);
    link.arg("--unresolved-symbols=import-dynamic");
    let support = target.join("support/libthrow.a");
    if support.exists() {
        link.arg(support);
    }
    link.arg(format!("--export=PyInit_{name}")).arg(place("m.o")).arg("-o").arg(place("m.so"));
    run(&mut link)?.ok()?;
    read(&place("m.so"))
}

/// The source of a module whose initialisation does something first.
fn source(name: &str, first: &str) -> String {
    format!(
        "#include <Python.h>\nextern int nobody_has_this(void);\n\
         static PyObject *answer(PyObject *s, PyObject *n) {{ return PyLong_FromLong(6 * PyLong_AsLong(n)); }}\n\
         static PyMethodDef methods[] = {{{{\"answer\", answer, METH_O, 0}}, {{0}}}};\n\
         static struct PyModuleDef module = {{PyModuleDef_HEAD_INIT, \"{name}\", 0, -1, methods}};\n\
         PyMODINIT_FUNC PyInit_{name}(void) {{ {first} return PyModule_Create(&module); }}\n"
    )
}

/// Writes a wheel with these files beside its description.
fn wheel(
    directory: &Path,
    shown: &Value,
    platform: &str,
    files: &[(&str, Vec<u8>)],
) -> Checked<PathBuf> {
    let minor = text(shown, "/facts/python")?.split('.').take(2).collect::<String>();
    let tag = format!("cp{minor}-cp{minor}-{platform}");
    let suffix = text(shown, "/facts/extension-suffix")?;
    let name =
        WheelName::parse(&format!("spam-1.0-{tag}.whl")).map_err(|error| error.to_string())?;
    let mut wheel = Wheel { name, files: std::collections::BTreeMap::new() };
    let description =
        format!("Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: {tag}\n");
    wheel.files.insert("spam-1.0.dist-info/WHEEL".to_owned(), File::new(description));
    let metadata = "Metadata-Version: 2.1\nName: spam\nVersion: 1.0\n";
    wheel.files.insert("spam-1.0.dist-info/METADATA".to_owned(), File::new(metadata));
    wheel.files.insert("spam/__init__.py".to_owned(), File::new(""));
    for (module, bytes) in files {
        wheel.files.insert(format!("spam/{module}{suffix}"), File::new(bytes.clone()));
    }
    let path = directory.join(wheel.file_name());
    write(&path, wheel.write(0).map_err(|error| error.to_string())?)?;
    Ok(path)
}

/// Tries a wheel; the report as JSON, and what the command said.
fn tried(release: &str, wheel: &Path, more: &[&str]) -> Checked<(Value, Finished)> {
    let (target, wheel) = (format!("pyodide-{release}"), wheel.display().to_string());
    let mut arguments = vec!["probe", &wheel, "--target", &target, "--format", "json"];
    arguments.extend(more);
    let said = command(&anymod_home(), &arguments)?;
    let report = serde_json::from_str(&said.stdout).map_err(|error| format!("{error}: {said}"))?;
    Ok((report, said))
}

/// C++ exceptions are thrown, rethrown and caught in a module that the installer loaded, with the headers' containers.
fn exceptions(release: &str) -> Checked {
    let shown = facts(release)?;
    let directory = scratch()?;
    let source = r#"
#include <Python.h>
#include <stdexcept>
#include <string>
#include <unordered_map>
static std::unordered_map<std::string, long> seen;
static long check(long n) {
    std::string text = "bad " + std::to_string(n);
    if (n > 2) throw std::runtime_error(text);
    return seen[text] = n;
}
static long again(long n) {
    std::string guard(100, 'x');
    try { return check(n); } catch (const std::runtime_error &) { guard += "y"; throw; }
}
static PyObject *call(PyObject *, PyObject *n) {
    try { return PyLong_FromLong(again(PyLong_AsLong(n))); }
    catch (const std::exception &e) { PyErr_SetString(PyExc_ValueError, e.what()); return nullptr; }
}
static PyMethodDef methods[] = {{"call", call, METH_O, nullptr}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "throws", nullptr, -1, methods};
PyMODINIT_FUNC PyInit_throws() { return PyModule_Create(&module); }
"#;
    let module = compiled(&shown, "/tools/cxx", "m.cpp", source, "throws")?;
    let platform = text(&shown, "/facts/platform")?;
    let wheel = wheel(directory.path(), &shown, platform, &[("throws", module)])?;
    let test = "from spam import throws\nassert throws.call(1) == 1\ntry:\n    throws.call(5)\nexcept ValueError as error:\n    assert str(error) == 'bad 5', error\nelse:\n    assert False";
    let (report, said) = tried(release, &wheel, &["--test", test])?;
    ensure(report["passed"] == true, || said.to_string())
}

/// A sound wheel with every tag that the release takes; a test of its own; the report's forms.
fn probe(release: &str) -> Checked {
    let shown = facts(release)?;
    let directory = scratch()?;
    let module = extension(&shown, &source("good", ""), "good")?;
    let test = directory.path().join("test.py");
    write(
        &test,
        "import spam.good, sys\nassert spam.good.answer(7) == 42\nassert __name__ == '__main__'\nsys.exit(0)\n",
    )?;
    let junit = directory.path().join("junit.xml");
    let (test, junit) = (test.display().to_string(), junit.display().to_string());
    let wheel_of =
        |platform: &str| wheel(directory.path(), &shown, platform, &[("good", module.clone())]);
    let sound = wheel_of(text(&shown, "/facts/platform")?)?;
    let (report, said) = tried(release, &sound, &["--test", &test, "--junit", &junit])?;
    ensure(said.status == 0 && report["passed"] == true, || said.to_string())?;
    let steps: Vec<_> = report["steps"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|step| step["kind"].as_str())
        .collect();
    ensure(steps == ["install", "import", "test"], || said.to_string())?;
    let junit = String::from_utf8_lossy(&read(junit.as_ref())?).into_owned();
    ensure(junit.contains("tests=\"3\" failures=\"0\""), || junit.clone())?;
    let (report, said) =
        tried(release, &sound, &["--test", "import spam.good; assert spam.good.answer(7) == 41"])?;
    ensure(said.status == 1 && said.stderr.contains("R0003"), || said.to_string())?;
    ensure(report["steps"][2]["failure"]["text"].to_string().contains("AssertionError"), || {
        said.to_string()
    })?;
    let foreign = wheel_of("pyemscripten_2024_0_wasm32")?;
    let (report, said) = tried(release, &foreign, &[])?;
    let installs = report["steps"][0]["failure"].is_null();
    ensure(!installs && said.status == 1 && said.stderr.contains("R0001"), || said.to_string())
}

/// Modules that cannot be imported, that end the runtime and that never return: each fails alone, and nothing is left.
fn broken(release: &str) -> Checked {
    let shown = facts(release)?;
    let directory = scratch()?;
    let module = |name: &str, first: &str| extension(&shown, &source(name, first), name);
    let files = [
        ("abort", module("abort", "__builtin_trap();")?),
        ("good", module("good", "")?),
        ("missing", module("missing", "if (nobody_has_this()) return 0;")?),
        (
            "raises",
            module("raises", "PyErr_SetString(PyExc_ImportError, \"not today\"); return 0;")?,
        ),
        ("unnamed", module("other", "")?),
        ("waits", module("waits", "for (volatile int i = 0;;) i = 1;")?),
    ];
    let broken = wheel(directory.path(), &shown, text(&shown, "/facts/platform")?, &files)?;
    // The runtime's installer loads every library at once: what is none is refused there.
    let files_of_garbage = [("garbage", b"\0asm\x01\0\0\0 and so on".to_vec())];
    let other = scratch()?;
    let garbage = wheel(other.path(), &shown, text(&shown, "/facts/platform")?, &files_of_garbage)?;
    let (_, said) = tried(release, &garbage, &[])?;
    ensure(said.status == 1 && said.stderr.contains("R0001"), || said.to_string())?;
    let clock = Instant::now();
    let (report, said) =
        tried(release, &broken, &["--timeout", "20", "--test", "import spam.good"])?;
    ensure(said.status == 1, || said.to_string())?;
    ensure(clock.elapsed() < Duration::from_secs(400), || format!("{:?}", clock.elapsed()))?;
    let mut verdicts = Vec::new();
    for step in report["steps"].as_array().into_iter().flatten() {
        let name = step["name"].as_str().unwrap_or_default();
        let failure = step["failure"]["kind"].as_str().unwrap_or("none");
        verdicts.push(format!("{} {failure}", name.strip_prefix("spam.").unwrap_or(name)));
    }
    let expected = |name: &str| match name {
        "waits" => "timed-out",
        "good" | "<test>" => "none",
        _ => "raised",
    };
    for name in ["abort", "good", "missing", "raises", "unnamed", "waits", "<test>"] {
        let verdict = format!("{name} {}", expected(name));
        ensure(verdicts.contains(&verdict), || format!("no `{verdict}` in {verdicts:?}\n{said}"))?;
    }
    Ok(())
}
