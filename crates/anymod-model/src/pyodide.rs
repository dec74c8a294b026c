//! Pyodide: what is to be known of one release to build a wheel for it.
//!
//! The facts are derived from the release's own npm package when its target environment is made; nothing here is known
//! in advance of any one release but how C++ exceptions cross between modules.

use serde::{Deserialize, Serialize};

/// How C++ exceptions and `longjmp` leave a function. All modules of a runtime and the runtime itself have to agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exceptions {
    /// Through JavaScript: calls that may throw go through imports named `invoke_*` (ABI 2024 and before).
    JavaScript,
    /// By the exception-handling instructions of WebAssembly, legacy encoding, with the imported tag
    /// `env.__cpp_exception` (ABI 2025 and after).
    Wasm,
}

/// One release of Pyodide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PyodideFacts {
    /// Its version, for instance `0.29.5`.
    pub version: String,
    /// The version of its CPython, for instance `3.13.2`.
    pub python: String,
    /// Its ABI, for instance `2025_0`; none before there were ABIs.
    pub abi: Option<String>,
    /// The version of the emscripten that it was built with, for instance `4.0.9`.
    pub emscripten: String,
    /// Platform tag that wheels for it get, for instance `pyodide_2025_0_wasm32`.
    pub platform: String,
    /// Every platform tag that its own installer takes, best first.
    pub platforms: Vec<String>,
    /// How exceptions leave functions.
    pub exceptions: Exceptions,
    /// What the names of extension modules end with, for instance `.cpython-313-wasm32-emscripten.so`.
    pub extension_suffix: String,
}

impl PyodideFacts {
    /// Name of the target, for instance `pyodide-0.29.5`.
    #[must_use]
    pub fn target(&self) -> String {
        format!("pyodide-{}", self.version)
    }

    /// Major and minor version of its CPython, for instance `3.13`.
    #[must_use]
    pub fn python_minor(&self) -> &str {
        self.python.rsplit_once('.').map_or(self.python.as_str(), |(minor, _)| minor)
    }

    /// The interpreter tag of its wheels, for instance `cp313`.
    #[must_use]
    pub fn interpreter_tag(&self) -> String {
        format!("cp{}", self.python_minor().replace('.', ""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_from_versions() {
        let facts = PyodideFacts {
            version: "0.29.5".to_owned(),
            python: "3.13.2".to_owned(),
            abi: Some("2025_0".to_owned()),
            emscripten: "4.0.9".to_owned(),
            platform: "pyodide_2025_0_wasm32".to_owned(),
            platforms: vec!["pyodide_2025_0_wasm32".to_owned()],
            exceptions: Exceptions::Wasm,
            extension_suffix: ".cpython-313-wasm32-emscripten.so".to_owned(),
        };
        assert_eq!(facts.target(), "pyodide-0.29.5");
        assert_eq!(facts.python_minor(), "3.13");
        assert_eq!(facts.interpreter_tag(), "cp313");
    }
}
