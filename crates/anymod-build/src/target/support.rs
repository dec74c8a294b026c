//! A library that links of targets with exceptions through JavaScript take along.
//!
//! There, a `throw` out of a function with something to destroy calls `__cxa_throw` through its address. That function is
//! one of JavaScript, and a module that the installer loads ahead of its import gets no address for such a function
//! (emscripten's `loadDynamicLibrary` with `allowUndefined`): the `throw` would call address 0. A function of the
//! module's own in between has one. As it is in an archive, only modules that throw take it.

use std::path::Path;

use anymod_model::Diagnostic;
use anymod_model::pyodide::Exceptions;

use super::command::{command, output};
use super::{Compiler, Description, LIBRARY};
use crate::environment::Environment;
use crate::install;

/// The functions. The imports are named apart from the symbols, which are the functions' own. The linker's `--wrap`
/// would do the same, but wasm-ld 19 crashes of it.
const SOURCE: &str = "\
#define FROM_RUNTIME(name) __attribute__((noreturn, import_module(\"env\"), import_name(#name)))
FROM_RUNTIME(__cxa_throw) void runtime_throw(void *, void *, void *);
FROM_RUNTIME(__cxa_rethrow) void runtime_rethrow(void);
__attribute__((noreturn, visibility(\"hidden\")))
void __cxa_throw(void *object, void *type, void *destroy) { runtime_throw(object, type, destroy); }
__attribute__((noreturn, visibility(\"hidden\")))
void __cxa_rethrow(void) { runtime_rethrow(); }
";

/// Makes the library where the environment needs one.
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
    let library = made.join(LIBRARY);
    install::write_scratch(&work.join("throw.c"), SOURCE)?;
    install::create_dir(library.parent().unwrap_or(made))?;
    // Files are named without their directory, which would be in the object.
    let tool = |program: &Path, part: &str| {
        let mut command = command(program, environment);
        command.current_dir(work);
        if tools.compiler == Compiler::Zig {
            command.arg(part);
        }
        command
    };
    let mut compile = tool(&tools.cc, "clang");
    compile.args(["--target=wasm32-unknown-emscripten", "-fPIC", "-O2", "-c", "throw.c"]);
    output(compile.args(["-o", "throw.o"]), "compile for the target")?;
    let mut archive = tool(&tools.ar, "ar");
    output(archive.arg("rcsD").arg(&library).arg("throw.o"), "make a library for the target")
        .map(drop)
}
