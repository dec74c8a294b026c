//! Bytes as a record of the store: as they are, and as lines under a right checksum.
#![no_main]

use anymod_store::{Digest, Record};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let key = Digest::of(b"fuzz");
    let _ = Record::decode(data, "compile", &key);
    let mut text = format!("anymod-record 1\tcompile\t{key}\n").into_bytes();
    text.extend_from_slice(data);
    let sum = Digest::of(&text);
    text.extend_from_slice(format!("=\t{sum}\n").as_bytes());
    if let Some(record) = Record::decode(&text, "compile", &key) {
        let again = record.encode("compile", &key);
        let read = Record::decode(again.as_bytes(), "compile", &key);
        assert!(read == Some(record), "a record is read as it was written");
    }
});
