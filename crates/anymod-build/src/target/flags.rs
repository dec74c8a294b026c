//! The options that compilers and linkers get for a Pyodide, whatever the package: the one table of them.
//!
//! Paths are words of their own, so that they are known for paths.

use anymod_model::manifest::SourceKind;
use anymod_model::pyodide::Exceptions;

use super::{Compiler, TargetEnvironment};

/// The machine and, by it, the C library.
const MACHINE: &str = "--target=wasm32-unknown-emscripten";

/// Options of every compilation.
pub(crate) fn compile(target: &TargetEnvironment, kind: SourceKind) -> Vec<String> {
    let mut flags = vec![MACHINE.to_owned(), "--sysroot".to_owned()];
    flags.push(target.sysroot().to_string_lossy().into_owned());
    // Headers that stand for those of other systems.
    flags.extend(["-Xclang", "-iwithsysroot/include/compat", "-fPIC"].map(str::to_owned));
    if target.description.tools.compiler == Compiler::Zig {
        // Its own choice of processor has instructions that runtimes of today refuse.
        flags.push("-mcpu=generic-extended_const".to_owned());
    }
    flags.extend(exceptions(target, kind).iter().map(|flag| (*flag).to_owned()));
    flags
}

/// Options that say how exceptions and `longjmp` leave functions.
fn exceptions(target: &TargetEnvironment, kind: SourceKind) -> Vec<&'static str> {
    if matches!(kind, SourceKind::Asm | SourceKind::AsmCpp) {
        return Vec::new();
    }
    match (target.description.facts.exceptions, target.description.tools.compiler) {
        (Exceptions::Wasm, Compiler::Zig) => {
            // Newer compilers would use an encoding that came later.
            [&WASM_EXCEPTIONS[..], &["-mllvm", "-wasm-use-legacy-eh"]].concat()
        }
        (Exceptions::Wasm, _) => WASM_EXCEPTIONS.to_vec(),
        (Exceptions::JavaScript, _) => JAVASCRIPT_EXCEPTIONS.to_vec(),
    }
}

const WASM_EXCEPTIONS: [&str; 3] = ["-fwasm-exceptions", "-mllvm", "-wasm-enable-sjlj"];
const JAVASCRIPT_EXCEPTIONS: [&str; 5] = [
    "-fexceptions",
    "-mllvm",
    "-enable-emscripten-cxx-exceptions",
    "-mllvm",
    "-enable-emscripten-sjlj",
];

/// Options of every link by wasm-ld, besides the names that the runtime offers and what is exported.
pub(crate) fn link(_target: &TargetEnvironment) -> Vec<String> {
    ["-shared", "--experimental-pic", "--no-export-dynamic", "--fatal-warnings", "-O2"]
        .map(str::to_owned)
        .to_vec()
}
