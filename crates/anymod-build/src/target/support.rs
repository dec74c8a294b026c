//! An object that links of JavaScript-exception targets take along.
//!
//! There, a `throw` out of a function with something to destroy calls `__cxa_throw` through its address. That function is
//! one of JavaScript, and a module that the installer loads ahead of its import gets no address for such a function
//! (emscripten's `loadDynamicLibrary` with `allowUndefined`): the `throw` would call address 0. A function of the
//! module's own in between has one.

use std::path::Path;

use anymod_model::Diagnostic;
use anymod_model::pyodide::Exceptions;

use super::command::{command, output};
use super::{Compiler, Description, OBJECT};
use crate::environment::Environment;
use crate::install;

/// The functions, for a linker that is told to wrap them.
const SOURCE: &str = "\
__attribute__((noreturn)) void __real___cxa_throw(void *, void *, void *);
__attribute__((noreturn)) void __real___cxa_rethrow(void);
__attribute__((noreturn, visibility(\"hidden\")))
void __wrap___cxa_throw(void *object, void *type, void *destroy) { __real___cxa_throw(object, type, destroy); }
__attribute__((noreturn, visibility(\"hidden\")))
void __wrap___cxa_rethrow(void) { __real___cxa_rethrow(); }
";

/// Makes the object where the environment needs one.
///
/// # Errors
/// `T0011` if the compiler fails.
pub(crate) fn make(
    description: &Description,
    made: &Path,
    work: &Path,
    environment: &Environment,
) -> Result<(), Diagnostic> {
    let tools = &description.tools;
    if description.facts.exceptions != Exceptions::JavaScript || tools.compiler == Compiler::Emcc {
        return Ok(());
    }
    let (source, object) = (work.join("throw.c"), made.join(OBJECT));
    install::write_scratch(&source, SOURCE)?;
    install::create_dir(object.parent().unwrap_or(made))?;
    let mut compile = command(&tools.cc, environment);
    if tools.compiler == Compiler::Zig {
        compile.arg("clang");
    }
    compile.args(["--target=wasm32-unknown-emscripten", "-fPIC", "-O2", "-c", "throw.c", "-o"]);
    // Named without its directory, which would be in the object.
    compile.arg(&object).current_dir(work);
    output(&mut compile, "compile for the target").map(drop)
}
