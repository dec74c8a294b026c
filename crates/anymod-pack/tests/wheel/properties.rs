//! What holds of every wheel.

use anymod_pack::wheel::{File, Wheel, extension, read, read_record, same_version};
use proptest::prelude::*;

use crate::archive::{stored, zip};
use crate::wheel;

const NAME: &str = "spam-1.0-cp313-cp313-linux_x86_64.whl";

fn file() -> impl Strategy<Value = File> {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        (any::<u8>(), 0usize..70_000).prop_map(|(byte, count)| vec![byte; count]),
    ];
    (bytes, any::<bool>()).prop_map(|(bytes, executable)| File { bytes, executable })
}

fn any_wheel() -> impl Strategy<Value = Wheel> {
    let path = "[a-c]{1,2}(/[a-cä ,\"]{1,3}){0,2}\\.(py|so|cpython-313-x86_64-linux-gnu\\.so)";
    prop::collection::btree_map(path, file(), 0..6).prop_map(|files| {
        let mut wheel = wheel(NAME, &[]);
        wheel.files.extend(files);
        wheel
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(wheel in any_wheel(), epoch in any::<u64>()) {
        let bytes = wheel.write(epoch).unwrap();
        let mut again = read(&bytes, NAME).unwrap();
        prop_assert!(again.write(epoch).unwrap() == bytes);
        let record = again.files.remove("spam-1.0.dist-info/RECORD").unwrap();
        let rows = read_record(std::str::from_utf8(&record.bytes).unwrap()).unwrap();
        prop_assert_eq!(rows.len(), wheel.files.len() + 1);
        prop_assert_eq!(again, wheel);
    }

    #[test]
    fn renaming_loses_no_file(mut wheel in any_wheel()) {
        for file in wheel.files.values_mut() {
            file.bytes.splice(0..0, *b"\0asm");
        }
        let before: Vec<File> = wheel.files.values().cloned().collect();
        wheel.rename_extensions(".cpython-313-wasm32-emscripten.so");
        prop_assert_eq!(before.len(), wheel.files.len());
    }

    #[test]
    fn damaged_wheels_never_panic(
        wheel in any_wheel(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = wheel.write(0).unwrap();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        for bytes in [&bytes[..], &bytes[..cut.index(bytes.len())]] {
            if let Ok(wheel) = read(bytes, NAME) {
                let _ = wheel.write(0);
            }
        }
    }

    #[test]
    fn any_entries_never_panic(
        names in prop::collection::vec((".{0,12}", any::<u32>(), any::<u16>(), any::<u32>()), 0..4),
    ) {
        let entries: Vec<_> = names
            .into_iter()
            .map(|(name, size, method, mode)| {
                let mut entry = stored(&name, b"bytes");
                entry.size = size % 64;
                entry.method = method % 10;
                entry.mode = mode & 0o170_755;
                entry
            })
            .collect();
        let _ = read(&zip(&entries), NAME);
    }

    #[test]
    fn any_text_is_taken(text in ".{0,60}", other in "[0-9a-z.+!_-]{0,12}") {
        let _ = (extension(&text), read_record(&text));
        prop_assert!(same_version(&other, &other));
    }
}
