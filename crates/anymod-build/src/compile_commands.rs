//! `build/compile_commands.json`: how each source is compiled, for editors and analysers.
//!
//! The format is clang's "JSON Compilation Database": an array of objects with `directory`, `file`, `arguments` and
//! `output`. Editors look for it in a directory called `build` by themselves.

use std::collections::BTreeMap;
use std::path::Path;

use anymod_model::Diagnostic;
use anymod_model::event::ActionKind;
use anymod_store::{Digest, Fields};
use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::environment::Environment;
use crate::install;
use crate::log::Log;
use crate::plan::{BUILD_DIR, Plan};

const FILE: &str = "compile_commands.json";

#[derive(Serialize, Deserialize)]
struct Entry {
    directory: String,
    file: String,
    arguments: Vec<String>,
    output: String,
}

/// Writes the compile commands of a plan, beside those of other targets and modules that are there already.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn write(
    plan: &Plan,
    root: &Path,
    environment: &Environment,
    log: &mut Log,
) -> Result<(), Diagnostic> {
    let compiles: Vec<&Action> =
        plan.actions.iter().filter(|action| action.kind == ActionKind::Compile).collect();
    let path = root.join(BUILD_DIR).join(FILE);
    let question = Digest::of(FILE.as_bytes());
    let answer = state(&compiles, root).to_string();
    if log.fact(&question) == Some(&answer) && path.is_file() {
        // Asked, so that a build with nothing else to do notices if it is gone.
        environment.is_file(&path);
        return Ok(());
    }
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    let known: Vec<Entry> = std::fs::read(&path)
        .ok()
        .and_then(|json| serde_json::from_slice(&json).ok())
        .unwrap_or_default();
    for entry in known.into_iter().filter(|entry| root.join(&entry.file).is_file()) {
        entries.insert(entry.output.clone(), entry);
    }
    for action in compiles {
        let entry = Entry {
            directory: root.to_string_lossy().into_owned(),
            file: action.subject.clone(),
            arguments: action.argv.clone(),
            output: action.name().to_owned(),
        };
        entries.insert(entry.output.clone(), entry);
    }
    let entries: Vec<Entry> = entries.into_values().collect();
    // Strings and lists only, which JSON can always say.
    let json = serde_json::to_string_pretty(&entries).unwrap_or_default() + "\n";
    install::write_built(&path, json.as_bytes())?;
    log.learn(question, &answer);
    environment.is_file(&path);
    Ok(())
}

/// Digest of what would be written.
fn state(compiles: &[&Action], root: &Path) -> Digest {
    let mut state = Fields::new();
    state.add(root.to_string_lossy().as_bytes());
    for action in compiles {
        state.add(&action.subject);
        state.list(action.argv.iter());
    }
    state.finish()
}
