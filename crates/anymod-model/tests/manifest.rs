//! Manifests as data: each directory under `tests/manifest` holds an `anymod.toml` and the `expect.txt` that it gives.
//!
//! The manifest says in comments what is asked of it, a line each:
//!
//! - `#: resolve MODULE TARGET BUILD-TYPE` dumps the merged settings, or the findings.
//! - `#: toolchain TARGET` dumps the choice of a compiler.
//! - `#: library NAME TARGET BUILD-TYPE` dumps its settings.
//! - `#: artifact NAME` dumps its settings.
//! - `#: adopt FILE` adds another manifest of the directory and dumps both.
//! - `#: env NAME=VALUE` sets a variable; no other is set.
//!
//! Without a question, or if the manifest is wrong, `expect.txt` holds what parsing gives. `BLESS=1` rewrites it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use anymod_model::manifest::{
    ArchiveSettings, ArtifactSettings, LibrarySettings, Manifest, MicroPythonSettings,
    ModuleSettings, NodeSettings, PythonSettings, RuntimeSettings, Spanned, ToolchainChoice,
    ToolchainKind, parse,
};
use anymod_model::node::Variant;
use anymod_model::{Diagnostics, Place, Target};

const FILE: &str = "anymod.toml";

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifest");
    let mut cases: Vec<PathBuf> =
        std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() > 20, "the cases are there");
    cases
}

/// Line and column, both from 1, of a byte offset.
fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Findings in their plain form, the place told by line, column and the text there.
fn render(findings: &Diagnostics, text: &str) -> String {
    let mut out = String::new();
    for finding in &findings.0 {
        let mut plain = finding.clone();
        // A place in another file stays as it is told.
        let ours = |place: &mut Place| matches!(place, Place::Text { file, .. } if file == FILE);
        if let Some(Place::Text { file, span }) = plain.place.take_if(ours) {
            let (line, column) = line_and_column(text, span.start);
            let there = text[span].lines().next().unwrap_or_default();
            writeln!(out, "{file}:{line}:{column}: `{there}`").unwrap();
        }
        writeln!(out, "{plain}").unwrap();
    }
    out
}

fn list(out: &mut String, key: &str, values: &[Spanned<String>], text: &str) {
    if values.is_empty() {
        return;
    }
    writeln!(out, "{key}").unwrap();
    for value in values {
        writeln!(out, "    {:?}{}", value.value, origin(value, text)).unwrap();
    }
}

fn origin<T>(value: &Spanned<T>, text: &str) -> String {
    match &value.span {
        Some(span) => format!("    line {}", line_and_column(text, span.start).0),
        None => "    built in".to_owned(),
    }
}

fn dump_micropython(out: &mut String, micropython: &MicroPythonSettings, text: &str) {
    writeln!(out, "abi {}", micropython.abi.releases()).unwrap();
    for (key, value) in [
        ("source-name", &micropython.source_name),
        ("micropython-dir", &micropython.micropython_dir),
        ("externs", &micropython.externs),
    ] {
        if let Some(value) = value {
            writeln!(out, "{key} {:?}{}", value.value, origin(value, text)).unwrap();
        }
    }
    list(out, "qstr-sources", &micropython.qstr_sources, text);
    list(out, "mpy-cross-flags", &micropython.mpy_cross_flags, text);
    if let Some(float) = micropython.float {
        writeln!(out, "float {}", float.name()).unwrap();
    }
    writeln!(out, "static-data {}", micropython.static_data.name()).unwrap();
    writeln!(out, "gc-sections {}", micropython.gc_sections).unwrap();
    for flag in &micropython.arch_flags {
        writeln!(out, "arch-flag {}", flag.name()).unwrap();
    }
}

fn dump_python(out: &mut String, python: &PythonSettings, text: &str) {
    writeln!(out, "import-name {:?}", python.import_name).unwrap();
    if let Some(version) = &python.limited_api {
        writeln!(out, "limited-api {}{}", version.value, origin(version, text)).unwrap();
    }
    list(out, "ldflags", &python.ldflags, text);
    list(out, "package-data", &python.package_data, text);
    let wheel = &python.wheel;
    writeln!(out, "wheel {} {}", wheel.name, wheel.version).unwrap();
    for (key, value) in [
        ("summary", &wheel.summary),
        ("license", &wheel.license),
        ("requires-python", &wheel.requires_python),
    ] {
        if let Some(value) = value {
            writeln!(out, "{key} {value:?}").unwrap();
        }
    }
}

fn dump_archive(out: &mut String, archive: &ArchiveSettings, text: &str) {
    for (key, values) in [
        ("archives", &archive.archives),
        ("headers", &archive.headers),
        ("public-include-dirs", &archive.public_include_dirs),
        ("host-libraries", &archive.host_libraries),
        ("system-libraries", &archive.system_libraries),
        ("ldflags", &archive.ldflags),
    ] {
        list(out, key, values, text);
    }
    writeln!(out, "merge-archives {}", archive.merge_archives).unwrap();
    facts(out, &archive.abi, text);
}

fn facts(out: &mut String, facts: &BTreeMap<String, Spanned<String>>, text: &str) {
    for (name, fact) in facts {
        writeln!(out, "abi {name} = {:?}{}", fact.value, origin(fact, text)).unwrap();
    }
}

fn dump_library(library: Option<&LibrarySettings>, text: &str) -> String {
    let Some(library) = library else { return "no such library\n".to_owned() };
    let mut out = format!("library {}{}\n", library.name.value, origin(&library.name, text));
    for (key, value) in [
        ("archive", &library.archive),
        ("name", &library.link_name),
        ("pkg-config", &library.pkg_config),
    ] {
        if let Some(value) = value {
            writeln!(out, "{key} {:?}{}", value.value, origin(value, text)).unwrap();
        }
    }
    for (name, value) in &library.defines {
        writeln!(out, "define {name} = {:?}{}", value.value, origin(value, text)).unwrap();
    }
    for (key, values) in [
        ("headers", &library.headers),
        ("include-dirs", &library.include_dirs),
        ("cflags", &library.cflags),
        ("ldflags", &library.ldflags),
    ] {
        list(&mut out, key, values, text);
    }
    facts(&mut out, &library.abi, text);
    for (name, value) in &library.environment {
        writeln!(out, "read {name} = {value:?}").unwrap();
    }
    out
}

fn dump_settings(settings: &ModuleSettings, text: &str) -> String {
    let mut out = format!("{} {} {}\n", settings.module, settings.target, settings.build_type);
    list(&mut out, "sources", &settings.sources, text);
    list(&mut out, "exclude", &settings.exclude, text);
    list(&mut out, "include-dirs", &settings.include_dirs, text);
    for (name, value) in &settings.defines {
        writeln!(out, "define {name} = {:?}{}", value.value, origin(value, text)).unwrap();
    }
    list(&mut out, "flags", &settings.flags, text);
    list(&mut out, "cflags", &settings.cflags, text);
    list(&mut out, "cxxflags", &settings.cxxflags, text);
    list(&mut out, "asflags", &settings.asflags, text);
    list(&mut out, "libraries", &settings.libraries, text);
    match &settings.runtime {
        RuntimeSettings::MicroPython(settings) => dump_micropython(&mut out, settings, text),
        RuntimeSettings::Python(settings) => dump_python(&mut out, settings, text),
        RuntimeSettings::Archive(settings) => dump_archive(&mut out, settings, text),
        RuntimeSettings::Node(settings) => dump_node(&mut out, settings, text),
    }
    for (name, value) in &settings.environment {
        writeln!(out, "read {name} = {value:?}").unwrap();
    }
    out
}

fn dump_node(out: &mut String, settings: &NodeSettings, text: &str) {
    let NodeSettings { version, napi, package, .. } = settings;
    writeln!(out, "package {package} {version} napi {napi}").unwrap();
    for (key, value) in [("crate", &settings.crate_dir), ("declarations", &settings.declarations)] {
        if let Some(value) = value {
            writeln!(out, "{key} {}{}", value.value, origin(value, text)).unwrap();
        }
    }
    for variant in &settings.variants {
        let Variant { name, level } = &variant.value;
        writeln!(out, "variant {name} {level}{}", origin(variant, text)).unwrap();
    }
    list(out, "dispatched", &settings.dispatched, text);
    list(out, "ldflags", &settings.ldflags, text);
}

fn dump_toolchain(target: Target, choice: &ToolchainChoice) -> String {
    let value = |text: &Option<Spanned<String>>| text.as_ref().map(|text| text.value.clone());
    format!(
        "toolchain {target}\nkind {:?}\nprefix {:?}\ndir {:?}\n",
        choice.kind.map(ToolchainKind::name),
        value(&choice.prefix),
        value(&choice.dir)
    )
}

fn dump_artifact(settings: &ArtifactSettings, text: &str) -> String {
    let mut out = format!("artifact {}{}\n", settings.name.value, origin(&settings.name, text));
    list(&mut out, "inputs", &settings.inputs, text);
    list(&mut out, "exclude", &settings.exclude, text);
    list(&mut out, "outputs", &settings.outputs, text);
    list(&mut out, "may-be-empty", &settings.may_be_empty, text);
    list(&mut out, "tools", &settings.tools, text);
    list(&mut out, "environment", &settings.environment, text);
    out
}

fn dump_manifest(manifest: &Manifest) -> String {
    let mut out = String::new();
    writeln!(out, "name {:?}", manifest.name()).unwrap();
    writeln!(out, "version {:?}", manifest.version()).unwrap();
    writeln!(out, "build types {:?}", manifest.build_types()).unwrap();
    writeln!(out, "default build type {:?}", manifest.default_build_type()).unwrap();
    for module in manifest.modules() {
        let targets: Vec<String> =
            manifest.targets(module).iter().map(ToString::to_string).collect();
        writeln!(out, "module {module} for {targets:?}").unwrap();
    }
    for artifact in manifest.artifacts() {
        writeln!(out, "artifact {artifact}").unwrap();
    }
    for library in manifest.libraries() {
        writeln!(out, "library {library}").unwrap();
    }
    for dir in manifest.module_dirs() {
        writeln!(out, "module-dir {:?}", dir.value).unwrap();
    }
    if manifest.allows_outside() {
        writeln!(out, "allows outside").unwrap();
    }
    out
}

/// Answers the questions of a case; also the codes of all findings.
fn answer(case: &Path, text: &str, codes: &mut BTreeSet<&'static str>) -> String {
    let directives = || text.lines().filter_map(|line| line.strip_prefix("#: "));
    let variables: BTreeMap<&str, &str> = directives()
        .filter_map(|line| line.strip_prefix("env "))
        .map(|line| line.split_once('=').expect("`#: env` has a `=`"))
        .collect();
    let environment = |name: &str| variables.get(name).map(|value| (*value).to_owned());
    let mut failed = |findings: Diagnostics| {
        codes.extend(findings.0.iter().map(|finding| finding.code.id));
        render(&findings, text)
    };
    let manifest = match parse(text, FILE) {
        Ok(manifest) => manifest,
        Err(findings) => return failed(findings),
    };
    let target = |name: &str| Target::parse(name).expect("a case names a real target");
    let mut answers = Vec::new();
    for line in directives() {
        let words: Vec<&str> = line.split(' ').collect();
        answers.push(match words[..] {
            ["resolve", module, name, build_type] => manifest
                .resolve(module, target(name), build_type, &environment)
                .map_or_else(&mut failed, |settings| dump_settings(&settings, text)),
            ["toolchain", name] => manifest
                .toolchain(target(name), &environment)
                .map_or_else(&mut failed, |choice| dump_toolchain(target(name), &choice)),
            ["library", name, for_target, build_type] => manifest
                .library(None, name, target(for_target), build_type, &environment)
                .map_or_else(&mut failed, |library| dump_library(library.as_ref(), text)),
            ["adopt", file] => {
                let other = std::fs::read_to_string(case.join(file)).unwrap();
                let mut both = manifest.clone();
                parse(&other, file)
                    .and_then(|other| Ok(both.adopt(other, "added")?))
                    .map_or_else(&mut failed, |()| dump_manifest(&both))
            }
            ["artifact", name] => manifest
                .artifact(name, &environment)
                .map_or_else(&mut failed, |settings| dump_artifact(&settings, text)),
            ["env", ..] => continue,
            _ => panic!("unknown directive `{line}`"),
        });
    }
    if answers.is_empty() { dump_manifest(&manifest) } else { answers.join("\n") }
}

#[test]
fn cases_give_what_they_expect() {
    let mut codes = BTreeSet::new();
    let mut wrong = Vec::new();
    for case in cases() {
        let text = std::fs::read_to_string(case.join(FILE)).unwrap();
        let found = answer(&case, &text, &mut codes);
        let expect = case.join("expect.txt");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&expect, &found).unwrap();
        } else if std::fs::read_to_string(&expect).unwrap_or_default() != found {
            wrong.push(format!("{}\n{found}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "run with BLESS=1 if these are right:\n{}", wrong.join("\n"));
    // M01.. are the command line's.
    for code in anymod_model::codes::manifest::ALL.iter().filter(|code| code.id < "M0100") {
        assert!(codes.contains(code.id), "no case gives {} ({})", code.id, code.title);
    }
}

#[test]
fn the_examples_are_right() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let directories = std::fs::read_dir(examples).unwrap().map(|entry| entry.unwrap().path());
    for file in directories.map(|directory| directory.join(FILE)).filter(|file| file.is_file()) {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.display().to_string();
        let manifest = parse(&text, &name).unwrap_or_else(|findings| panic!("{findings}"));
        if manifest.has_split() {
            assert!(manifest.split(&|_| None).is_ok(), "{name}");
        }
        for module in manifest.modules() {
            for target in manifest.targets(module) {
                let build_type = manifest.default_build_type();
                let settings = manifest.resolve(module, target, build_type, &|_| None);
                assert!(settings.is_ok(), "{name}: {}", settings.unwrap_err());
            }
        }
    }
}
