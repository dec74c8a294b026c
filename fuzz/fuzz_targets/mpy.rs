//! Bytes as a `.mpy` file: read, written back, checked, dumped, renamed, merged.
#![no_main]

use anymod_model::Abi;
use anymod_model::arch::ARCHES;
use anymod_pack::mpy::{Dump, Loader, MergeOptions, Mpy, check, merge, rename, sizes};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(mpy) = Mpy::parse(data, "fuzz.mpy") {
        // Not always the same bytes: numbers may be spelled longer than they need be.
        let written = mpy.write();
        assert!(written.len() <= data.len(), "a file is never written longer than it was");
        let again = Mpy::parse(&written, "written.mpy").expect("a written file can be read");
        assert!(again.write() == written, "a written file is written back as it was");
        let arch = mpy.header.arch().unwrap_or(ARCHES[0].arch);
        let loader = Loader {
            jump_target: Some(anymod_link::disasm::jump_target),
            ..Loader::new(Abi::LATEST, arch)
        };
        let _ = check(data, "fuzz.mpy", &loader);
        let _ = sizes(data, "fuzz.mpy");
    }
    if let Ok(dump) = Dump::new(data, "fuzz.mpy", None) {
        assert!(dump.text().len() < 100_000 + 1_000 * data.len(), "a dump is in proportion");
    }
    if let Ok(renamed) = rename(data, "fuzz.mpy", "other.py") {
        Mpy::parse(&renamed, "renamed.mpy").expect("a renamed file can be read");
    }
    if let Ok(merged) = merge(&[("a.mpy", data), ("b.mpy", data)], &MergeOptions::default()) {
        Mpy::parse(&merged, "merged.mpy").expect("a merged file can be read");
    }
});
