//! Bytes as a WebAssembly module: read, asked everything, validated, audited by itself.
#![no_main]

use anymod_link::wasm::{Features, absolute_paths, read, validate};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    match read(data, "fuzz.so") {
        Ok(module) => {
            let _ = (module.kind(), module.exceptions(), module.shares_memory());
            let _ = module.function_names();
            for export in module.exports.iter().take(1000) {
                let _ = module.signature(export.index);
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
    for path in absolute_paths(data) {
        assert!(data[path.offset..].starts_with(path.text.as_bytes()), "a path is where it says");
    }
});
