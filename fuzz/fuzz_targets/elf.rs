//! Bytes as an object of every architecture: the linker answers with a module or with findings.
//!
//! The first byte chooses the architecture, the second how to link.
#![no_main]

use anymod_link::mpy::{Compat, Input, Options, StaticData, link};
use anymod_model::arch::ARCHES;

const COMPAT: [Option<Compat>; 5] = [None, None, None, Some(Compat::V1_25), Some(Compat::V1_28)];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&[arch, how], data)) = data.split_first_chunk() else { return };
    let mut options = Options::new(ARCHES[usize::from(arch) % ARCHES.len()].arch, "fuzz");
    options.gc_sections = how & 1 == 0;
    options.static_data = if how & 2 == 0 { StaticData::InText } else { StaticData::Refuse };
    options.compat = COMPAT[usize::from(how >> 2) % COMPAT.len()];
    let object = Input { name: "fuzz.o".to_owned(), data };
    match link(&[object], &[], &options) {
        Ok(linked) => assert!(linked.mpy.len() < (128 << 20), "a module has a limit"),
        Err(findings) => assert!(!findings.0.is_empty(), "a refusal has a reason"),
    }
});
