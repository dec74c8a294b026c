//! `cargo xtask pyodide-suite [--target NAME]… [PACKAGE]…`: builds every package of `tests/wheels/packages.toml` from its
//! source distribution, tries it in the real Pyodide, and prints the table of `docs/guide/pyodide.md`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde::Deserialize;

use crate::generated::root;

/// The targets that are tried unless others are named: two of different ABI.
const TARGETS: [&str; 2] = ["pyodide-0.29.5", "pyodide-0.27.7"];

#[derive(Deserialize)]
struct List {
    package: Vec<Package>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Package {
    name: String,
    version: String,
    sha256: String,
    backend: String,
    #[serde(default)]
    #[expect(dead_code, reason = "for the tests")]
    ci: bool,
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default)]
    config: Vec<String>,
    export: Option<String>,
    #[serde(default)]
    allow_lost: bool,
    why_not: Option<String>,
    test: Option<String>,
}

/// What came of a package on a target.
struct Row {
    built: bool,
    imported: bool,
    exercised: bool,
    why_not: String,
    seconds: f64,
}

/// Runs the suite.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let (mut targets, mut names) = (Vec::new(), Vec::new());
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if word == "--target" {
            targets.push(words.next().ok_or("--target: name a target")?.clone());
        } else {
            names.push(word.clone());
        }
    }
    if targets.is_empty() {
        targets = TARGETS.map(str::to_owned).to_vec();
    }
    let anymod = anymod()?;
    let text = std::fs::read_to_string(root().join("tests/wheels/packages.toml"));
    let list: List = toml::from_str(&text.map_err(|error| error.to_string())?)
        .map_err(|error| error.to_string())?;
    let work = target_directory().join("pyodide-suite");
    std::fs::create_dir_all(&work).map_err(|error| error.to_string())?;
    let mut failed = false;
    for target in &targets {
        add(&anymod, target)?;
        println!(
            "\n{target}\n\n| package | backend | built | imported | exercised | seconds | why not |\n|---|---|---|---|---|---|---|"
        );
        let mut wheels = BTreeMap::new();
        for package in &list.package {
            if !names.is_empty() && !names.contains(&package.name) {
                continue;
            }
            let row = try_package(&anymod, package, target, &work, &mut wheels);
            failed |= !row.built;
            let mark = |done: bool| if done { "yes" } else { "no" };
            println!(
                "| {} {} | {} | {} | {} | {} | {:.1} | {} |",
                package.name,
                package.version,
                package.backend,
                mark(row.built),
                mark(row.imported),
                mark(row.exercised),
                row.seconds,
                row.why_not,
            );
        }
    }
    if failed { Err("a package was not built".to_owned()) } else { Ok(()) }
}

pub(crate) fn target_directory() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The command, `$ANYMOD` or built optimised.
pub(crate) fn anymod() -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os("ANYMOD") {
        return Ok(path.into());
    }
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut build = Command::new(cargo);
    build.args(["build", "--release", "--quiet", "-p", "anymod"]).current_dir(root());
    let built = build.status().map_err(|error| format!("cannot run cargo: {error}"))?;
    if !built.success() {
        return Err("the command does not build".to_owned());
    }
    Ok(target_directory().join("release/anymod"))
}

/// Adds the target if it is not there.
fn add(anymod: &Path, target: &str) -> Result<(), String> {
    let output = Command::new(anymod).args(["--quiet", "target", "add", target]).output();
    let output = output.map_err(|error| format!("cannot run anymod: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Builds a package with an empty store and tries it.
fn try_package(
    anymod: &Path,
    package: &Package,
    target: &str,
    work: &Path,
    wheels: &mut BTreeMap<String, PathBuf>,
) -> Row {
    let out = work.join(target).join(&package.name);
    let _ = std::fs::remove_dir_all(&out);
    let mut build = Command::new(anymod);
    build.args(["wheel", "--target", target, "--format", "json"]);
    build.arg(format!("{}=={}", package.name, package.version));
    build.args(["--hash", &format!("sha256:{}", package.sha256)]);
    build.arg("--store").arg(out.join("store")).arg("--out").arg(&out);
    for setting in &package.config {
        build.arg(format!("--config-setting={setting}"));
    }
    if let Some(export) = &package.export {
        build.args(["--export", export]);
    }
    if package.allow_lost {
        build.arg("--allow-lost");
    }
    let clock = Instant::now();
    let output = build.output();
    let seconds = clock.elapsed().as_secs_f64();
    let mut row =
        Row { built: false, imported: false, exercised: false, why_not: String::new(), seconds };
    let errors = output.map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
    let _ = std::fs::remove_dir_all(out.join("store"));
    let wheel = std::fs::read_dir(&out).into_iter().flatten().flatten().map(|entry| entry.path());
    let Some(wheel) =
        wheel.into_iter().find(|path| path.extension().is_some_and(|end| end == "whl"))
    else {
        row.why_not = first_error(&errors.unwrap_or_else(|error| error.to_string()));
        return row;
    };
    row.built = true;
    wheels.insert(package.name.clone(), wheel.clone());
    let report = probe(anymod, package, target, &wheel, wheels);
    row.imported = report
        .as_ref()
        .is_ok_and(|steps| steps.iter().all(|step| step.kind == "test" || step.failure.is_none()));
    row.exercised = package.test.is_some()
        && report.as_ref().is_ok_and(|steps| steps.iter().all(|step| step.failure.is_none()));
    if !(row.imported && row.exercised) {
        let failure = report.map(|steps| {
            steps.into_iter().find_map(|step| step.failure).map(|failure| failure.text)
        });
        let said = failure.unwrap_or_else(Some).unwrap_or_default();
        row.why_not = package.why_not.clone().unwrap_or_else(|| {
            said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("took too long").to_owned()
        });
    }
    row
}

/// The part of the report of `anymod probe` that counts here.
#[derive(Deserialize)]
struct Report {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    kind: String,
    failure: Option<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default)]
    text: String,
}

fn probe(
    anymod: &Path,
    package: &Package,
    target: &str,
    wheel: &Path,
    wheels: &BTreeMap<String, PathBuf>,
) -> Result<Vec<Step>, String> {
    let mut probe = Command::new(anymod);
    probe.arg("probe").arg(wheel).args(["--target", target, "--format", "json"]);
    for need in &package.needs {
        let path =
            wheels.get(need).ok_or_else(|| format!("needs `{need}`, which was not built"))?;
        probe.arg("--needs").arg(path);
    }
    if let Some(test) = &package.test {
        probe.arg("--test").arg(test);
    }
    let output = probe.output().map_err(|error| error.to_string())?;
    let report: Result<Report, _> = serde_json::from_slice(&output.stdout);
    report
        .map(|report| report.steps)
        .map_err(|_| first_error(&String::from_utf8_lossy(&output.stderr)))
}

/// The first line that says what is wrong.
fn first_error(text: &str) -> String {
    let line = text.lines().find(|line| line.starts_with("error")).unwrap_or("no message");
    line.replace('|', "\\|")
}
