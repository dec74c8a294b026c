//! Target environments for tests: the facts of real ones, without their files.

use std::path::Path;

use anymod_model::pyodide::{Exceptions, PyodideFacts};

use crate::target::{Compiler, Description, TargetEnvironment, Tools};

/// The facts of a release, 0.29.5 or 0.27.7.
pub(crate) fn facts(version: &str) -> PyodideFacts {
    let new = version == "0.29.5";
    let text = |new_text: &str, old: &str| if new { new_text } else { old }.to_owned();
    let platform = text("pyodide_2025_0_wasm32", "pyodide_2024_0_wasm32");
    PyodideFacts {
        version: version.to_owned(),
        python: text("3.13.2", "3.12.7"),
        abi: Some(text("2025_0", "2024_0")),
        emscripten: text("4.0.9", "3.1.58"),
        platforms: vec![platform.clone()],
        platform,
        exceptions: if new { Exceptions::Wasm } else { Exceptions::JavaScript },
        extension_suffix: text(
            ".cpython-313-wasm32-emscripten.so",
            ".cpython-312-wasm32-emscripten.so",
        ),
    }
}

/// An environment of a release in a directory where nothing is.
pub(crate) fn target(directory: &Path, version: &str) -> TargetEnvironment {
    let tools = Tools {
        compiler: Compiler::Clang,
        cc: "/tools/clang".into(),
        cxx: "/tools/clang++".into(),
        ld: Some("/tools/wasm-ld".into()),
        ar: "/tools/llvm-ar".into(),
        ranlib: "/tools/llvm-ranlib".into(),
        strip: "/tools/llvm-strip".into(),
        nm: "/tools/llvm-nm".into(),
    };
    TargetEnvironment {
        directory: directory.join(format!("pyodide-{version}")),
        description: Description { format: super::FORMAT, facts: facts(version), tools },
    }
}
