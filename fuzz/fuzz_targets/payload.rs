//! Bytes as an archive of embedded files: its index is read, and every part that it names is in the archive.
#![no_main]

use anymod_model::payload::{header, parse, parts};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok((index, start)) = parse(data) else { return };
    for file in &index.files {
        assert_eq!(parts(data, start, file).count(), file.parts.len());
    }
    let written = header(&index);
    if index.files.is_empty() {
        assert_eq!(parse(&written).map(|(index, _)| index), Ok(index));
    }
});
