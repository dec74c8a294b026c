//! `anymod wheel` on real packages, pinned by hash, and on one that does what packages should not.
//!
//! Every package of `tests/wheels/packages.toml` with `ci` is built for two Pyodide releases of different ABI, imported and
//! exercised in the real runtime, and built once more, which compiles nothing.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Trial};
use serde::Deserialize;
use serde_json::Value;
use support::machine::{cache, pyodide, repository};
use support::process::{Finished, anymod, run};
use support::{Checked, ensure, read, scratch, write};

/// The releases, of different ABIs.
const RELEASES: [&str; 2] = ["0.27.7", "0.29.5"];

#[derive(Deserialize)]
struct List {
    package: Vec<Package>,
}

#[derive(Clone, Deserialize)]
struct Package {
    name: String,
    version: String,
    sha256: String,
    backend: String,
    #[serde(default)]
    ci: bool,
    test: Option<String>,
}

/// A test and its name.
type Case = (&'static str, fn() -> Checked);

const CASES: [Case; 14] = [
    ("lost_extension", lost_extension),
    ("swallowed_failure", swallowed_failure),
    ("absolute_compiler", absolute_compiler),
    ("probes_see_the_target", probes_see_the_target),
    ("spaces_and_letters", spaces_and_letters),
    ("asked_requirements", asked_requirements),
    ("hybrid", hybrid),
    ("installed_by_uv", installed_by_uv),
    ("managed_zig", managed_zig),
    ("rust_is_missing", rust_is_missing),
    ("wrong_hash", wrong_hash),
    ("bad_archive", bad_archive),
    ("interrupted", interrupted),
    ("killed", killed),
];

fn main() -> ExitCode {
    let text = std::fs::read_to_string(repository().join("tests/wheels/packages.toml"));
    let list: Result<List, _> = toml::from_str(&text.unwrap_or_default());
    let packages = list.map(|list| list.package).unwrap_or_default();
    let mut trials: Vec<Trial> = CASES
        .iter()
        .map(|(name, case)| Trial::test(format!("wheels::{name}"), || Ok(case()?)))
        .collect();
    for package in packages.into_iter().filter(|package| package.ci) {
        for release in RELEASES {
            let (name, package) = (format!("wheels::{release}::{}", package.name), package.clone());
            trials.push(Trial::test(name, move || Ok(built(&package, release)?)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// The command in a directory of its own. Fetched sources and build environments stay from one run of the tests to the next.
fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = anymod(directory);
    command.args(arguments).env("XDG_CACHE_HOME", cache().join("wheels"));
    for name in ["CFLAGS", "CXXFLAGS", "LDFLAGS", "SOURCE_DATE_EPOCH", "MAKEFLAGS", "TINY"] {
        command.env_remove(name);
    }
    command
}

/// Builds `package` for `release` into `dist` of the directory.
fn wheel(
    directory: &Path,
    package: &str,
    release: &str,
    more: &[&str],
    tiny: &str,
) -> Checked<Finished> {
    pyodide(release)?;
    let target = format!("pyodide-{release}");
    let mut command =
        command(directory, &["wheel", package, "--target", &target, "--format", "json"]);
    command.args(more).env("TINY", tiny).env("ANYMOD_STORE", directory.join("store"));
    run(&mut command)
}

/// The event of the wheel that was built.
fn event(finished: &Finished) -> Checked<Value> {
    let events =
        finished.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let built = events.into_iter().find(|event| event["event"] == "wheel-built");
    built.ok_or_else(|| format!("no wheel was built: {finished}"))
}

/// The wheels in `dist`.
fn wheels(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory.join("dist")).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn tiny() -> Checked<String> {
    Ok(repository().join("tests/wheels/tiny").display().to_string())
}

/// A package is built, tried, and built again out of the store.
fn built(package: &Package, release: &str) -> Checked {
    let scratch = scratch()?;
    let directory = scratch.path();
    let named = format!("{}=={}", package.name, package.version);
    let hash = format!("sha256:{}", package.sha256);
    let first = wheel(directory, &named, release, &["--hash", &hash], "")?.ok()?;
    let first = event(&first)?;
    ensure(first["ran"].as_u64() > Some(0), || format!("nothing ran: {first}"))?;
    let path = directory.join(first["path"].as_str().unwrap_or_default());
    let bytes = read(&path)?;
    let mut probe = command(directory, &["probe", "--target", &format!("pyodide-{release}")]);
    probe.arg(&path).arg("--test").arg(package.test.as_deref().unwrap_or("pass"));
    run(&mut probe)?.ok()?;
    let more = ["--hash", &hash, "--trace", "again.jsonl"];
    let again = wheel(directory, &named, release, &more, "")?.ok()?;
    let again = event(&again)?;
    ensure(again["ran"] == 0 && again["hits"].as_u64() > Some(0), || {
        format!("built again: {again}")
    })?;
    ensure(read(&path)? == bytes, || "another wheel came out of the same source".to_owned())?;
    let trace = read(&directory.join("again.jsonl"))?;
    let trace = String::from_utf8_lossy(&trace);
    // Other backends have Cython do its work within their own process.
    let generates = package.backend == "meson-python, Cython";
    let generated = trace.contains("\"before\":[\"cython\",\"-M\"");
    ensure(generated || !generates, || format!("Cython was not called by its name: {trace}"))
}

/// markupsafe builds itself without its extension module when the compiler fails.
fn lost_extension() -> Checked {
    let scratch = scratch()?;
    let directory = scratch.path();
    let fetch = [
        "wheel",
        "markupsafe==3.0.2",
        "--target",
        "pyodide-0.29.5",
        "--keep",
        "--out",
        "whole",
        "--format",
        "json",
    ];
    pyodide("0.29.5")?;
    let mut whole = command(directory, &fetch);
    // A directory of its own: what is kept is not in anyone's way.
    whole.env("XDG_CACHE_HOME", directory.join("cache"));
    let events = run(&mut whole)?.ok()?.stdout;
    let kept = events
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find(|event| event["event"] == "wheel-kept");
    let kept = kept
        .and_then(|event| Some(event["path"].as_str()?.to_owned()))
        .ok_or("nothing was kept")?;
    let source = Path::new(&kept).join("src/markupsafe-3.0.2");
    let file = source.join("src/markupsafe/_speedups.c");
    let text = String::from_utf8(read(&file)?).map_err(|error| error.to_string())?;
    write(&file, text + "\n#error \"broken\"\n")?;
    let broken = wheel(directory, &source.display().to_string(), "0.29.5", &[], "")?;
    ensure(broken.status == 1 && broken.stderr.contains("W0110"), || {
        format!("not noticed: {broken}")
    })?;
    ensure(wheels(directory).is_empty(), || "a wheel was delivered".to_owned())?;
    let taken = wheel(directory, &source.display().to_string(), "0.29.5", &["--allow-lost"], "")?;
    ensure(taken.status == 0 && wheels(directory).len() == 1, || format!("not taken: {taken}"))
}

/// The same where setuptools still knows the list.
fn swallowed_failure() -> Checked {
    let scratch = scratch()?;
    let broken = wheel(scratch.path(), &tiny()?, "0.27.7", &[], "swallow")?;
    ensure(broken.status == 1 && broken.stderr.contains("W0110"), || {
        format!("not noticed: {broken}")
    })?;
    ensure(wheels(scratch.path()).is_empty(), || "a wheel was delivered".to_owned())
}

/// A compiler called by its absolute path makes code for the host.
fn absolute_compiler() -> Checked {
    let scratch = scratch()?;
    let broken = wheel(scratch.path(), &tiny()?, "0.29.5", &[], "absolute")?;
    ensure(broken.status == 1 && broken.stderr.contains("_spam"), || {
        format!("not noticed: {broken}")
    })?;
    ensure(wheels(scratch.path()).is_empty(), || "a wheel was delivered".to_owned())
}

/// What a package tries at configure time is answered by the target; tries that fail are no lost extension modules.
fn probes_see_the_target() -> Checked {
    let scratch = scratch()?;
    for release in RELEASES {
        wheel(scratch.path(), &tiny()?, release, &[], "probe")?.ok()?;
    }
    ensure(wheels(scratch.path()).len() == 2, || "not two wheels".to_owned())
}

/// Everything lies in directories with spaces and letters beyond ASCII, and several targets are built at once.
fn spaces_and_letters() -> Checked {
    let scratch = scratch()?;
    let directory = scratch.path().join("my wörk");
    let package = directory.join("tiny päckage");
    std::fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
    run(Command::new("cp").arg("-R").arg(tiny()?).arg(&package))?.ok()?;
    let mut build = command(
        &directory,
        &["wheel", "tiny päckage", "-t", "pyodide-0.27.7", "-t", "pyodide-0.29.5", "-o", "öut put"],
    );
    build.env("XDG_CACHE_HOME", directory.join("cäche dir"));
    run(&mut build)?.ok()?;
    for (release, name) in [
        ("0.27.7", "tiny-1.0-cp312-cp312-pyodide_2024_0_wasm32.whl"),
        ("0.29.5", "tiny-1.0-cp313-cp313-pyodide_2025_0_wasm32.whl"),
    ] {
        let mut probe = command(&directory, &["probe", "--target", &format!("pyodide-{release}")]);
        probe
            .arg(directory.join("öut put").join(name))
            .args(["--test", "import tiny; assert tiny.answer() == 42"]);
        run(&mut probe)?.ok()?;
    }
    let left = std::fs::read_dir(&package).into_iter().flatten().count();
    ensure(left == 5, || format!("the package's directory has {left} entries"))
}

/// Probes the one wheel in `dist` whose name holds a word.
fn probed(directory: &Path, word: &str, release: &str, test: &str) -> Checked {
    let named = |path: &PathBuf| path.display().to_string().contains(word);
    let path = wheels(directory).into_iter().find(named).ok_or("no wheel was built")?;
    let mut probe = command(directory, &["probe", "--target", &format!("pyodide-{release}")]);
    run(probe.arg(path).args(["--test", test]))?.ok().map(|_| ())
}

/// A backend that knows nothing of compilers, with a hook of the package's that calls one.
fn hybrid() -> Checked {
    let scratch = scratch()?;
    let package = repository().join("tests/wheels/hybrid").display().to_string();
    for (release, abi) in [("0.27.7", "2024_0"), ("0.29.5", "2025_0")] {
        wheel(scratch.path(), &package, release, &[], "")?.ok()?;
        let test = "import hybrid; assert hybrid.size() == 4";
        probed(scratch.path(), abi, release, test)?;
    }
    Ok(())
}

/// uv makes the environment where it is on the `PATH`, and pip is not run.
fn installed_by_uv() -> Checked {
    const UV: &str = "uv==0.13.9";
    let place = cache().join(UV);
    if !place.join("bin/uv").is_file() {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--upgrade", "--target"]).arg(&place).arg(UV);
        run(&mut pip)?.ok()?;
    }
    let scratch = scratch()?;
    let directory = scratch.path();
    pyodide("0.29.5")?;
    let path = std::env::var("PATH").unwrap_or_default();
    let mut build = command(directory, &["wheel", &tiny()?, "-t", "pyodide-0.29.5"]);
    build.env("PATH", format!("{}:{path}", place.join("bin").display()));
    build.env("TINY", "asks-more").env("XDG_CACHE_HOME", directory.join("cache"));
    build.env("PIP_INDEX_URL", "http://127.0.0.1:1/nothing");
    run(&mut build)?.ok()?;
    probed(directory, "tiny", "0.29.5", "import tiny; assert tiny.answer() == 42")
}

/// The managed zig compiles C++ whose exceptions reach the runtime.
fn managed_zig() -> Checked {
    let scratch = scratch()?;
    let directory = scratch.path();
    let target = pyodide("0.29.5")?;
    let home = directory.join("home");
    std::fs::create_dir_all(home.join("targets")).map_err(|error| error.to_string())?;
    run(Command::new("cp").arg("-a").arg(&target).arg(home.join("targets")))?.ok()?;
    let tools = support::machine::anymod_home().join("toolchains");
    run(Command::new("ln").arg("-s").arg(tools).arg(home.join("toolchains")))?.ok()?;
    let mut chosen = command(directory, &["target", "add", "pyodide@0.29.5", "--compiler", "zig"]);
    run(chosen.env("ANYMOD_HOME", &home))?.ok()?;
    let source = repository().join("tests/wheels/thrown").display().to_string();
    let mut build = command(directory, &["wheel", &source, "-t", "pyodide-0.29.5"]);
    build.args(["--trace", "trace.jsonl"]).env("ANYMOD_HOME", &home);
    run(build.env("ANYMOD_STORE", directory.join("store")))?.ok()?;
    let trace = read(&directory.join("trace.jsonl"))?;
    let trace = String::from_utf8_lossy(&trace).into_owned();
    ensure(trace.contains("zig\",\"clang\""), || format!("zig did not compile: {trace}"))?;
    let test = "import thrown\ntry:\n    thrown.divide(1, 0)\n    raise SystemExit('divided')\nexcept ZeroDivisionError as error:\n    assert str(error) == 'thrown in C++'\nassert thrown.divide(6, 3) == 2";
    probed(directory, "thrown", "0.29.5", test)
}

/// A package that is in part Rust is refused before anything runs where Rust has no library for the target.
fn rust_is_missing() -> Checked {
    let scratch = scratch()?;
    let directory = scratch.path();
    let bin = directory.join("bin");
    let package = directory.join("package");
    write(
        &package.join("pyproject.toml"),
        "[build-system]\nrequires = [\"maturin>=1\"]\nbuild-backend = \"maturin\"\n",
    )?;
    let script =
        "#!/bin/sh\n[ \"$1\" = -vV ] && printf 'rustc 1.0\\nhost: x\\n' || echo /nothing\n";
    write(&bin.join("rustc"), script)?;
    run(Command::new("chmod").arg("+x").arg(bin.join("rustc")))?.ok()?;
    pyodide("0.29.5")?;
    let mut build = command(directory, &["wheel", "package", "-t", "pyodide-0.29.5"]);
    let path = std::env::var("PATH").unwrap_or_default();
    build.env("PATH", format!("{}:{path}", bin.display()));
    let refused = run(build.env("XDG_CACHE_HOME", directory.join("cache")))?;
    let told = refused.stderr.contains("rustup target add wasm32-unknown-emscripten");
    ensure(refused.status == 3 && told, || format!("not noticed: {refused}"))?;
    let made = directory.join("cache/anymod/environments");
    ensure(!made.exists(), || "an environment was made".to_owned())?;
    // The same of a package that only its `setup.py` tells about.
    std::fs::remove_file(package.join("pyproject.toml")).map_err(|error| error.to_string())?;
    let script =
        "from setuptools import setup\nsetup(name='asking', setup_requires=['setuptools-rust'])\n";
    write(&package.join("setup.py"), script)?;
    let mut build = command(directory, &["wheel", "package", "-t", "pyodide-0.29.5"]);
    let refused = run(build.env("PATH", format!("{}:{path}", bin.display())))?;
    let told = refused.stderr.contains("rustup target add wasm32-unknown-emscripten");
    ensure(refused.status == 3 && told, || format!("not noticed: {refused}"))
}

/// What a package asks for is installed, but not what is there already, and what is imported is compiled once.
fn asked_requirements() -> Checked {
    let scratch = scratch()?;
    let directory = scratch.path();
    pyodide("0.29.5")?;
    let kept = directory.join("cache/anymod/environments");
    for (mode, environments) in [("asks", 1), ("asks-more", 2)] {
        let mut build = command(directory, &["wheel", &tiny()?, "-t", "pyodide-0.29.5"]);
        build.env("TINY", mode).env("XDG_CACHE_HOME", directory.join("cache"));
        run(build.env("PYTHONDONTWRITEBYTECODE", "1"))?.ok()?;
        let entries = std::fs::read_dir(&kept).into_iter().flatten().flatten();
        let found: Vec<PathBuf> =
            entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        ensure(found.len() == environments, || format!("`{mode}` made {found:?}"))?;
        let compiled = |environment: &PathBuf| {
            let packages = environment.join("lib/python3.13/site-packages");
            packages.join("setuptools/__pycache__/build_meta.cpython-313.pyc").is_file()
        };
        ensure(found.iter().all(compiled), || "each import compiles again".to_owned())?;
    }
    Ok(())
}

fn wrong_hash() -> Checked {
    let scratch = scratch()?;
    let hash = format!("sha256:{}", "0".repeat(64));
    let refused = wheel(scratch.path(), "markupsafe==3.0.2", "0.29.5", &["--hash", &hash], "")?;
    ensure(refused.status == 1 && refused.stderr.contains("W0105"), || {
        format!("not noticed: {refused}")
    })
}

fn bad_archive() -> Checked {
    let scratch = scratch()?;
    let file = scratch.path().join("bad-1.tar.gz");
    write(&scratch.path().join("out.py"), "")?;
    let mut tar = Command::new("tar");
    run(tar
        .args(["czPf"])
        .arg(&file)
        .args(["--transform", "s,^,../,", "out.py"])
        .current_dir(scratch.path()))?
    .ok()?;
    let refused = wheel(scratch.path(), "bad-1.tar.gz", "0.29.5", &[], "")?;
    ensure(refused.status == 1 && refused.stderr.contains("W0103"), || {
        format!("not noticed: {refused}")
    })
}

/// Starts a build that hangs in the backend, sends it a signal, and builds again.
fn ended_by(signal: &str) -> Checked<i32> {
    let scratch = scratch()?;
    let directory = scratch.path();
    let (mark, cache_home) = (directory.join("mark"), directory.join("cache"));
    let arguments = ["wheel", &tiny()?, "-t", "pyodide-0.29.5"];
    pyodide("0.29.5")?;
    let mut build = command(directory, &arguments);
    build.env("TINY", "hang").env("TINY_MARK", &mark).env("XDG_CACHE_HOME", &cache_home);
    build.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut child = build.spawn().map_err(|error| error.to_string())?;
    let clock = Instant::now();
    while !mark.exists() {
        ensure(clock.elapsed() < Duration::from_secs(300), || {
            "the build does not begin".to_owned()
        })?;
        std::thread::sleep(Duration::from_millis(50));
    }
    run(Command::new("kill").arg(signal).arg(child.id().to_string()))?.ok()?;
    let status = child.wait().map_err(|error| error.to_string())?;
    ensure(wheels(directory).is_empty(), || "half a build was delivered".to_owned())?;
    // A process of a killed build ends itself within a second.
    let clock = Instant::now();
    loop {
        let mut again = command(directory, &arguments);
        run(again.env("XDG_CACHE_HOME", &cache_home))?.ok()?;
        let entries =
            std::fs::read_dir(cache_home.join("anymod/wheels")).into_iter().flatten().flatten();
        let left = entries.filter(|entry| entry.path().is_dir()).count();
        if left == 0 {
            break;
        }
        ensure(clock.elapsed() < Duration::from_secs(60), || format!("{left} directories stay"))?;
    }
    ensure(wheels(directory).len() == 1, || "no wheel after a second build".to_owned())?;
    Ok(status.code().unwrap_or(-1))
}

fn interrupted() -> Checked {
    let status = ended_by("-INT")?;
    ensure(status == 130, || format!("status {status}"))
}

fn killed() -> Checked {
    ended_by("-KILL").map(|_| ())
}
