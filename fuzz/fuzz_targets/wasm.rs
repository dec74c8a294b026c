//! Bytes as a WebAssembly module: read, asked everything, validated, audited by itself.
#![no_main]

use anymod_link::wasm::{Features, absolute_paths, read, resolve, set_runtime_path, validate};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    match read(data, "fuzz.so") {
        Ok(module) => {
            let _ = (module.kind(), module.exceptions(), module.shares_memory());
            let _ = module.function_names();
            for export in module.exports.iter().take(1000) {
                let _ = module.signature(export.index);
            }
            let (own, main) = (resolve::Offers::of(&module), resolve::Offers::of_main(&module));
            for wanted in resolve::wanted(&module) {
                let _ = resolve::provider(&wanted, &[&own, &main]);
            }
            for part in &module.data {
                let at = usize::try_from(part.offset).expect("an offset in memory");
                assert!(data[at..].starts_with(part.bytes), "data is where it says");
            }
            let _ = anymod_audit::module(data, "fuzz.cpython-313-wasm32-emscripten.so", None, &[]);
        }
        Err(finding) => assert!(finding.place.is_some(), "a refusal has a place"),
    }
    let _ = validate(data, "fuzz.so", Features::Latest);
    let paths = ["$ORIGIN/../fuzz.libs".to_owned()];
    if let Ok(changed) = set_runtime_path(data, "fuzz.so", &paths)
        && read(data, "fuzz.so").is_ok()
    {
        let module = read(&changed, "changed.so").expect("a changed module can be read");
        let many = module.custom.iter().filter(|section| section.name == "dylink.0").count();
        let paths_now = module.dylink.expect("it is still shared").runtime_path;
        assert!(many > 1 || paths_now == paths, "it has the new path");
    }
    for path in absolute_paths(data) {
        assert!(data[path.offset..].starts_with(path.text.as_bytes()), "a path is where it says");
    }
});
