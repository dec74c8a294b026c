//! Whether a main module has what a side module needs.
//!
//! A loader of side modules gives memory, table, stack pointer and places of its own accord; all else comes from the main
//! module: functions, and addresses of functions and data (`GOT.func`, `GOT.mem`).

use std::path::{Path, PathBuf};

use anymod_link::wasm::{GOT_FUNCTION, GOT_MEMORY, read};
use anymod_model::codes::wasm as code;
use anymod_model::{Diagnostic, Diagnostics, Place};

use super::report::Import;
use crate::install;

/// What loaders give, in `env`.
const GIVEN: [&str; 5] =
    ["memory", "__indirect_function_table", "__stack_pointer", "__memory_base", "__table_base"];

/// Holds a side module against a main module.
///
/// # Errors
/// `G0112` with everything that is missing; those of reading the main module.
pub(super) fn check(
    main: &Path,
    archives: &[PathBuf],
    imports: &[Import],
) -> Result<(), Diagnostics> {
    let (bytes, shown) = (install::read(main)?, main.display().to_string());
    let main = read(&bytes, &shown)?;
    let missing: Vec<&Import> = imports
        .iter()
        .filter(|import| match import.module.as_str() {
            "env" => !GIVEN.contains(&import.name.as_str()),
            GOT_FUNCTION | GOT_MEMORY => true,
            // Namespaces of the host's, for instance WASI's.
            _ => false,
        })
        .filter(|import| !import.weak && main.export(&import.name).is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: std::collections::BTreeSet<&str> =
        missing.iter().map(|import| import.name.as_str()).collect();
    let count = names.len();
    let what = if count == 1 { "one symbol" } else { "symbols" };
    let message = format!(
        "the main module lacks {} that `{}` needs: `{}`",
        if count == 1 { what.to_owned() } else { format!("{count} {what}") },
        archives.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join("`, `"),
        names.into_iter().collect::<Vec<_>>().join("`, `")
    );
    let finding = Diagnostic::error(&code::MAIN_LACKS, message)
        .at(Place::file(shown))
        .hint("export them from the main module, or link what defines them into the side module");
    Err(finding.into())
}
