//! What a module's stamp says: for what, how and by what it is built, and what the manifest adds.

use std::collections::BTreeMap;

use anymod_model::manifest::{ArchiveSettings, ModuleSettings};
use anymod_model::stamp::Stamp;
use anymod_model::{Runtime, Target};

/// The stamp of a module that a compiler of this name builds.
pub(crate) fn of_module(settings: &ModuleSettings, own: &ArchiveSettings, compiler: &str) -> Stamp {
    let mut stamp = Stamp::new();
    for (name, fact) in &own.abi {
        stamp.set(name, &fact.value);
    }
    // Functions that return structures have another type with it.
    if is_wasm(settings.target) && !own.abi.contains_key("multivalue") {
        stamp.set("multivalue", if returns_many(settings) { "true" } else { "false" });
    }
    stamp.set("target", settings.target.to_string());
    stamp.set("build-type", &settings.build_type);
    stamp.set("compiler", compiler);
    stamp
}

/// A stamp that says no more than a table does.
pub(crate) fn of_facts(facts: &BTreeMap<String, String>) -> Stamp {
    facts.iter().fold(Stamp::new(), |stamp, (name, fact)| stamp.with(name, fact))
}

fn is_wasm(target: Target) -> bool {
    matches!(target.runtime(), Runtime::Wasi | Runtime::Emscripten)
}

/// True if options choose the ABI in which functions of C return several values (clang's `-target-abi experimental-mv`).
fn returns_many(settings: &ModuleSettings) -> bool {
    let options = settings.flags.iter().chain(&settings.cflags);
    options.into_iter().any(|option| option.value.ends_with("experimental-mv"))
}
