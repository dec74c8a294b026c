//! The precompiled form of a bundle, made by a runtime's own tool and kept like the bundle.
//!
//! It is good for that tool and that machine alone: its key holds the tool's digest, and the processor's kind.

use std::path::{Path, PathBuf};
use std::process::Command;

use anymod_model::Diagnostic;
use anymod_model::codes::wasm as code;
use anymod_store::{Entry, Explanation, Kept, Visit};

use super::Bundle;
use crate::cancel::Cancel;
use crate::environment::Environment;
use crate::install;
use crate::intercept::digests::Digests;
use crate::runner::Runner;
use crate::shelf::{Shelf, Step};

const NAMESPACE: &str = "precompile";

/// Precompiles a bundle; returns where the result is, beside it.
///
/// # Errors
/// `G0115` with the tool's words if it fails, `B0003` if the file cannot be written.
pub(super) fn precompile(
    tool: &Path,
    cancel: &Cancel,
    bundle: &Bundle,
    shelf: Option<&Shelf>,
    digests: &mut Digests,
    environment: &Environment,
) -> Result<PathBuf, Diagnostic> {
    let program = environment.find_program(&tool.to_string_lossy()).ok_or_else(|| {
        Diagnostic::error(&code::PRECOMPILE, format!("`{}` is no program", tool.display()))
            .hint("name an installed tool, for instance `wasmtime`")
    })?;
    let digest = digests.lasting(&program).ok_or_else(|| {
        Diagnostic::error(&code::PRECOMPILE, format!("`{}` cannot be read", program.display()))
            .hint("give yourself permission to read it")
    })?;
    let to = bundle.path.with_extension("cwasm");
    let mut walk = Explanation::default();
    walk.field("kind", NAMESPACE);
    walk.field("tool", &digest.to_string());
    walk.field("machine", std::env::consts::ARCH);
    walk.field("bundle", &bundle.digest);
    let step = Step { namespace: NAMESPACE, key: walk.key(), walk: &walk.0 };
    if let Some(shelf) = shelf {
        let mut put = |entry: &Entry| {
            let [made] = entry.outputs.as_slice() else { return Ok(None) };
            let there = digests.lasting(&to) == Some(made.digest)
                || shelf.store().restore(&entry.outputs, std::slice::from_ref(&to))?;
            Ok::<_, Diagnostic>(there.then(|| to.clone()))
        };
        for find in [Shelf::look, Shelf::ask] {
            if let Some(to) = find(shelf, step, &mut |_| true, &mut put)? {
                return Ok(to);
            }
        }
    }
    let scratch =
        tempfile::tempdir().map_err(|error| install::write_error(&std::env::temp_dir(), &error))?;
    let made = run(&program, cancel, &bundle.path, scratch.path(), environment)?;
    if let Some(shelf) = shelf {
        let files = [("bundle.cwasm".to_owned(), made.clone())];
        shelf.keep(step, Kept { found: &[], passed: &[], said: "", files: &files });
    }
    install::write_built(&to, &install::read(&made)?)?;
    Ok(to)
}

fn run(
    program: &Path,
    cancel: &Cancel,
    wasm: &Path,
    scratch: &Path,
    environment: &Environment,
) -> Result<PathBuf, Diagnostic> {
    install::write_scratch(&scratch.join("bundle.wasm"), install::read(wasm)?)?;
    let made = scratch.join("bundle.cwasm");
    let mut command = Command::new(program);
    command.args(["compile", "-o", "bundle.cwasm", "bundle.wasm"]).current_dir(scratch);
    command.env_clear().envs(environment.for_tools());
    let failed = |why: String| {
        let message = format!("`{} compile` {why}", program.display());
        Diagnostic::error(&code::PRECOMPILE, message)
            .hint("the tool is run as `TOOL compile -o OUT IN`; try that by hand")
    };
    let ended =
        Runner::new(cancel).run_or(command, |reason| failed(format!("does not run: {reason}")))?;
    if !ended.status.success() {
        let finding = failed(format!("ended with {}", ended.status));
        return Err(ended.said.lines().take(20).fold(finding, |finding, line| finding.note(line)));
    }
    match made.is_file() {
        true => Ok(made),
        false => Err(failed("made no file".to_owned())),
    }
}
