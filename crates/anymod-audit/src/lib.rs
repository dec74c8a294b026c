//! The audit of finished artifacts: bytes in, findings out.
//!
//! [`wheel`] looks at a whole wheel, [`module`] at one WebAssembly module, [`addon()`] at an addon for Node.js. What is looked for is in `rules/`, one file a
//! rule, each with what it finds, why it matters and how to mend it. Nothing here changes an artifact, reads a file or
//! runs anything; whether a module works when it is called is for a probe in the real runtime.

mod addon;
mod machine;
mod rules;
mod subject;

use std::collections::BTreeSet;

pub use addon::{AddonRequest, addon};
use anymod_model::Diagnostic;
use anymod_model::pyodide::PyodideFacts;
use anymod_pack::wheel::Wheel;

use subject::Subject;

/// The runtime that an artifact is meant for.
#[derive(Clone, Debug)]
pub struct Against {
    /// What is known of the release.
    pub facts: PyodideFacts,
    /// Names that its main module and its loader offer to modules.
    pub symbols: BTreeSet<String>,
}

/// Looks at a wheel.
///
/// Without a runtime, only what holds for every wheel is looked for, and what its own platform tags promise.
/// `expected_extensions` are module names (`package._module`) that have to be there; `private_paths` are absolute paths
/// of the build that no file may hold.
///
/// Findings are sorted by file, then by code. The wheel serves if none of them is an error.
#[must_use]
pub fn wheel(
    wheel: &Wheel,
    against: Option<&Against>,
    expected_extensions: &[String],
    private_paths: &[String],
) -> Vec<Diagnostic> {
    let (subject, findings) = Subject::of_wheel(wheel, against, expected_extensions, private_paths);
    rules::run(&subject, findings)
}

/// Looks at a WebAssembly module that is in no wheel. `file` is its path; its name tells which module it is to be.
#[must_use]
pub fn module(
    bytes: &[u8],
    file: &str,
    against: Option<&Against>,
    private_paths: &[String],
) -> Vec<Diagnostic> {
    let (subject, findings) = Subject::of_module(bytes, file, against, private_paths);
    rules::run(&subject, findings)
}
