//! Wheels and runtimes for tests.

use std::collections::BTreeSet;

use anymod_audit::Against;
use anymod_model::pyodide::{Exceptions, PyodideFacts};
use anymod_model::{Diagnostic, Place, Severity};
use anymod_pack::wheel::{File, Wheel, WheelName, read};

/// Files by their paths.
pub(crate) type Files<'a> = &'a [(&'a str, &'a [u8])];

/// A wheel's name for the runtime of [`wasm_runtime`].
pub(crate) const NAME: &str = "spam-1.0-cp313-cp313-pyodide_2025_0_wasm32.whl";
/// What extension modules for it are called.
pub(crate) const SUFFIX: &str = ".cpython-313-wasm32-emscripten.so";

/// A runtime with exceptions by instructions.
pub(crate) fn wasm_runtime() -> Against {
    Against {
        facts: PyodideFacts {
            version: "0.29.5".to_owned(),
            python: "3.13.2".to_owned(),
            abi: Some("2025_0".to_owned()),
            emscripten: "4.0.9".to_owned(),
            platform: "pyodide_2025_0_wasm32".to_owned(),
            platforms: ["pyodide_2025_0_wasm32", "emscripten_4_0_9_wasm32"]
                .map(str::to_owned)
                .to_vec(),
            exceptions: Exceptions::Wasm,
            extension_suffix: SUFFIX.to_owned(),
        },
        symbols: ["malloc", "PyModule_Create2", "stderr", "fd_write"].map(str::to_owned).into(),
    }
}

/// One of before, with exceptions through JavaScript and no runtime paths.
pub(crate) fn javascript_runtime() -> Against {
    let mut against = wasm_runtime();
    against.facts.emscripten = "3.1.58".to_owned();
    against.facts.exceptions = Exceptions::JavaScript;
    against
}

/// A shared module's bytes from what is in it besides `dylink.0`.
pub(crate) fn shared(text: &str) -> Vec<u8> {
    let dylink = if text.contains("@dylink.0") { "" } else { "(@dylink.0 (mem-info))" };
    wat::parse_str(format!("(module {dylink} {text})")).unwrap()
}

/// An extension module that is as it should be.
pub(crate) fn extension(name: &str) -> Vec<u8> {
    shared(&format!(r#"(func (export "PyInit_{name}") (result i32) i32.const 0)"#))
}

/// A wheel with a right description and these files.
pub(crate) fn wheel(name: &str, files: Files<'_>) -> Wheel {
    let name = WheelName::parse(name).unwrap();
    let info = format!("{}-{}.dist-info", name.distribution, name.version);
    let mut wheel = Wheel { name, files: [].into() };
    let metadata = format!(
        "Metadata-Version: 2.1\nName: {}\nVersion: {}\n",
        wheel.name.distribution, wheel.name.version
    );
    wheel.files.insert(format!("{info}/METADATA"), File::new(metadata));
    wheel.files.insert(format!("{info}/WHEEL"), File::new("Wheel-Version: 1.0\n"));
    for (path, bytes) in files {
        wheel.files.insert((*path).to_owned(), File::new(*bytes));
    }
    let name = wheel.name.clone();
    let set = |tags: &[String]| tags.join(".");
    wheel.retag(&set(&name.interpreters), &set(&name.abis), &set(&name.platforms)).unwrap();
    let file = wheel.file_name();
    // Through its bytes, so that it has a record.
    read(&wheel.write(0).unwrap(), &file).unwrap()
}

/// A wheel with one extension module of these bytes.
pub(crate) fn one(bytes: &[u8]) -> Wheel {
    wheel(NAME, &[(&format!("spam/_a{SUFFIX}"), bytes)])
}

/// Findings as `CODE file` for errors and `CODE? file` for warnings, with the directory left out.
pub(crate) fn brief(findings: &[Diagnostic]) -> Vec<String> {
    let brief = |finding: &Diagnostic| {
        assert!(finding.hint.is_some(), "{finding}: no hint");
        let mark = if finding.severity == Severity::Error { "" } else { "?" };
        let Some(Place::Binary { file, member, .. }) = &finding.place else {
            panic!("{finding}: no place")
        };
        let path = member.as_ref().unwrap_or(file);
        format!("{}{mark} {}", finding.code.id, path.rsplit('/').next().unwrap())
    };
    findings.iter().map(brief).collect()
}

/// The codes of a wheel's findings, against a runtime.
pub(crate) fn audit(wheel: &Wheel, against: &Against) -> Vec<String> {
    brief(&anymod_audit::wheel(wheel, Some(against), &[], &[]))
}

/// All notes of all findings.
pub(crate) fn notes(findings: &[Diagnostic]) -> BTreeSet<&str> {
    findings.iter().flat_map(|finding| &finding.notes).map(String::as_str).collect()
}
