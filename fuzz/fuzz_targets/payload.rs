//! Bytes as an archive of embedded files: its index is read, and every part that it names is in the archive.
#![no_main]

use anymod_model::payload::{header, parse, places};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok((index, start)) = parse(data) else { return };
    for file in &index.files {
        for (at, part) in places(start, file) {
            assert!(at + part.packed <= data.len() as u64);
        }
        assert_eq!(file.parts.iter().map(|part| part.plain).sum::<u64>(), file.size);
    }
    let written = header(&index);
    if index.files.is_empty() {
        assert_eq!(parse(&written).map(|(index, _)| index), Ok(index));
    }
});
