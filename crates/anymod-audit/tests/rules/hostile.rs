//! Damaged modules and descriptions: findings, never a panic.

use proptest::prelude::*;

use crate::support::{NAME, SUFFIX, javascript_runtime, shared, wasm_runtime, wheel};

/// A module of which every rule has something to look at.
const BUSY: &str = r#"
  (@dylink.0 (mem-info) (needed "libx.so") (runtime-path "$ORIGIN/../spam.libs"))
  (import "env" "memory" (memory 1)) (import "GOT.mem" "lost" (global (mut i32)))
  (import "env" "invoke_vi" (func)) (import "env" "__cpp_exception" (tag (param i32)))
  (func (export "PyInit__a") try catch_all rethrow 0 end)
  (data (i32.const 0) "/home/someone/spam/a.c")"#;

proptest! {
    #[test]
    fn damaged_wheels_have_findings_and_never_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..5),
        cut in any::<prop::sample::Index>(),
        which in 0usize..4,
        text in ".{0,80}",
    ) {
        let mut module = shared(BUSY);
        for (at, value) in damage {
            let at = at.index(module.len());
            module[at] = value;
        }
        module.truncate(cut.index(module.len()) + 1);
        let path = format!("spam/_a{SUFFIX}");
        let library = shared(r#"(func (export "lost"))"#);
        let mut wheel = wheel(NAME, &[(&path, &module), ("spam.libs/libx.so", &library)]);
        let described = ["RECORD", "METADATA", "WHEEL"].get(which);
        if let Some(file) = described.and_then(|name| {
            wheel.files.get_mut(&format!("spam-1.0.dist-info/{name}"))
        }) {
            file.bytes = text.clone().into_bytes();
        }
        let texts = std::slice::from_ref(&text);
        for runtime in [None, Some(&wasm_runtime()), Some(&javascript_runtime())] {
            let findings =
                anymod_audit::wheel(&wheel, runtime, texts, texts);
            // An expected module that is not there, at least.
            prop_assert!(findings.iter().all(|finding| finding.place.is_some()));
            prop_assert!(!findings.is_empty());
            let _ = anymod_audit::module(&module, &path, runtime, texts);
        }
    }
}
