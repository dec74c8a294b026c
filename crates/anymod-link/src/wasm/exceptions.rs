//! How exceptions and `longjmp` leave the functions of a module.
//!
//! There are two ways, and all modules of a program have to go the same one. Through JavaScript: every call that may throw
//! is a call of an import named `invoke_` and letters for its type, behind which a JavaScript function catches. By
//! instructions: exceptions carry the tag `__cpp_exception`, jumps the tag `__c_longjmp`, both imported by shared modules.

use super::{ImportKind, Module};

/// What a module shows of its exceptions. All false: no exception and no `longjmp` is raised or caught in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExceptionUse {
    /// Imports that exist for exceptions through JavaScript.
    pub javascript: bool,
    /// Instructions or tags of exception handling, in any encoding.
    pub instructions: bool,
    /// Among them instructions of the encoding that was standardised later (`try_table`).
    pub standard_encoding: bool,
    /// Among them instructions of the encoding that engines had first (`try`).
    pub legacy_encoding: bool,
}

/// Beginnings of the names of functions that only code for exceptions through JavaScript imports.
const JAVASCRIPT: [&str; 3] = ["invoke_", "__cxa_find_matching_catch_", "__resumeException"];
/// The same for jumps.
const JAVASCRIPT_JUMPS: [&str; 2] = ["emscripten_longjmp", "_emscripten_throw_longjmp"];
/// Tags that shared modules import.
const TAGS: [&str; 2] = ["__cpp_exception", "__c_longjmp"];

pub(super) fn find(module: &Module<'_>) -> ExceptionUse {
    let mut found = ExceptionUse {
        standard_encoding: module.code.standard_exceptions,
        legacy_encoding: module.code.legacy_exceptions,
        instructions: module.code.standard_exceptions
            || module.code.legacy_exceptions
            || module.code.throws,
        javascript: false,
    };
    for import in module.imports.iter().filter(|import| import.module == "env") {
        match import.kind {
            ImportKind::Function { .. } => {
                found.javascript |= JAVASCRIPT.iter().any(|start| import.name.starts_with(start))
                    || JAVASCRIPT_JUMPS.contains(&import.name);
            }
            ImportKind::Tag { .. } => found.instructions |= TAGS.contains(&import.name),
            _ => {}
        }
    }
    found
}
