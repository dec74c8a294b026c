//! The way of exceptions.
//!
//! Why: modules that throw in different ways do not load (`tag import requires a WebAssembly.Tag`) or end the program at
//! the first exception. What: `invoke_` imports where the runtime uses instructions; instructions or tags where it goes
//! through JavaScript; both in one module. The later encoding of the instructions is told apart, because engines that
//! run the runtime may not have it. Mend: compile everything with the flags of the runtime's ABI.

use anymod_link::wasm::Kind;
use anymod_model::Diagnostic;
use anymod_model::codes::audit as code;
use anymod_model::pyodide::Exceptions;

use crate::subject::Subject;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let expected = subject.against.map(|against| against.facts.exceptions);
    let mut findings = Vec::new();
    for (path, shared) in &subject.modules {
        if shared.module.kind() != Kind::Shared {
            continue;
        }
        let found = shared.module.exceptions();
        let (message, hint) = match (expected, found.javascript, found.instructions) {
            (_, true, true) => (
                "exceptions go through JavaScript and by instructions in one module",
                "compile all objects and libraries of the module with the same exception flags",
            ),
            (Some(Exceptions::Wasm), true, false) => (
                "exceptions go through JavaScript, the runtime's by instructions",
                "compile with `-fwasm-exceptions -mllvm -wasm-enable-sjlj`",
            ),
            (Some(Exceptions::JavaScript), false, true) => (
                "exceptions go by instructions, the runtime's through JavaScript",
                "compile with `-fexceptions -mllvm -enable-emscripten-cxx-exceptions -mllvm -enable-emscripten-sjlj`",
            ),
            (Some(Exceptions::Wasm), false, true) if found.standard_encoding => (
                "exceptions are in the later encoding, the runtime's in the legacy one",
                "compile with `-mllvm -wasm-use-legacy-eh`",
            ),
            _ => continue,
        };
        findings
            .push(Diagnostic::error(&code::EXCEPTIONS, message).at(subject.place(path)).hint(hint));
    }
    findings
}
