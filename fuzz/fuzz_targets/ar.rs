//! Bytes as an archive that a small module's link searches.
#![no_main]

use anymod_link::mpy::{Input, Options, link};
use anymod_model::arch::ARCHES;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (first, data) = data.split_first().unwrap_or((&0, &[]));
    let arch = ARCHES[usize::from(*first) % ARCHES.len()].arch;
    let archive = [b"!<arch>\n", data].concat();
    let archive = Input { name: "libfuzz.a".to_owned(), data: &archive };
    // No object defines mpy_init, so the archive is searched for it.
    let _ = link(&[], &[archive], &Options::new(arch, "fuzz"));
});
