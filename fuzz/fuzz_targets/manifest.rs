//! Text as a manifest, resolved for every module and target that it names.
#![no_main]

use anymod_model::manifest::{Environment, parse};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(manifest) = parse(text, "anymod.toml") else { return };
    let environment: Environment<'_> = &|_| None;
    for module in manifest.modules() {
        for target in manifest.targets(module) {
            let _ = manifest.resolve(module, target, manifest.default_build_type(), environment);
        }
    }
});
