//! Target environments: everything that building for one release of a runtime takes, in one directory of the user's.
//!
//! An environment is made once, by `anymod target add pyodide@VERSION`, from pinned packages; after that no network is
//! needed. It is at `<data>/targets/<name>/`:
//!
//! | file | what it is |
//! |---|---|
//! | `target.json` | the facts of the release and the tools to build with ([`TargetEnvironment`]) |
//! | `lock.json` | every package it was made from, with hashes |
//! | `runtime/` | the runtime itself, as its publisher packs it |
//! | `sysroot/` | headers of the C and C++ libraries |
//! | `include/` | headers of CPython, with the target's `pyconfig.h` |
//! | `sysconfig/` | the target's sysconfig data, with paths of this machine |
//! | `symbols.txt` | names that the runtime's main module offers or knows, sorted, one a line |

use std::path::{Path, PathBuf};

use anymod_model::pyodide::PyodideFacts;
use serde::{Deserialize, Serialize};

/// A target environment that is there.
#[derive(Clone, Debug)]
pub struct TargetEnvironment {
    /// The directory that holds it.
    pub directory: PathBuf,
    /// What its `target.json` says.
    pub description: Description,
}

/// What `target.json` holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Description {
    /// Version of this file's meaning: 1.
    pub format: u32,
    /// The release.
    pub facts: PyodideFacts,
    /// The tools that build for it.
    pub tools: Tools,
}

/// Absolute paths of the tools that build for a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tools {
    /// What kind of compiler it is.
    pub compiler: Compiler,
    /// The compiler of C.
    pub cc: PathBuf,
    /// The compiler of C++.
    pub cxx: PathBuf,
    /// The linker, `wasm-ld` (`emcc` links itself and has none).
    pub ld: Option<PathBuf>,
    /// `llvm-ar` and what goes by the same format.
    pub ar: PathBuf,
    /// `llvm-ranlib`.
    pub ranlib: PathBuf,
    /// `llvm-strip`.
    pub strip: PathBuf,
    /// `llvm-nm`.
    pub nm: PathBuf,
}

/// Kinds of compilers that build for Pyodide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compiler {
    /// A clang of its own with wasm-ld.
    Clang,
    /// The clang and wasm-ld inside the managed zig.
    Zig,
    /// An installed emscripten.
    Emcc,
}

impl TargetEnvironment {
    /// Headers of the C and C++ libraries, to be given as `--sysroot`.
    #[must_use]
    pub fn sysroot(&self) -> PathBuf {
        self.directory.join("sysroot")
    }

    /// Headers of CPython: the directory that holds `Python.h`.
    #[must_use]
    pub fn python_include(&self) -> PathBuf {
        self.directory
            .join("include")
            .join(format!("python{}", self.description.facts.python_minor()))
    }

    /// The directory that holds the sysconfig data module, to be put on `PYTHONPATH` of a build.
    #[must_use]
    pub fn sysconfig(&self) -> PathBuf {
        self.directory.join("sysconfig")
    }

    /// Name of the sysconfig data module, the value of `_PYTHON_SYSCONFIGDATA_NAME`.
    #[must_use]
    pub fn sysconfigdata_name(&self) -> &'static str {
        "_sysconfigdata__emscripten_wasm32-emscripten"
    }

    /// The file of names that the runtime's main module offers or knows.
    #[must_use]
    pub fn symbols(&self) -> PathBuf {
        self.directory.join("symbols.txt")
    }

    /// The runtime's own files.
    #[must_use]
    pub fn runtime(&self) -> PathBuf {
        self.directory.join("runtime")
    }

    /// Where the environment of this name is, or would be, below the user's data directory.
    #[must_use]
    pub fn place(data: &Path, name: &str) -> PathBuf {
        data.join("targets").join(name)
    }
}
