//! No file, however damaged, makes anything panic, loop or allocate beyond its size.

mod strategies;

use anymod_model::{Abi, Arch};
use anymod_pack::mpy::{Dump, Loader, MergeOptions, check, merge, rename, sizes};
use proptest::prelude::*;

/// Everything that takes a file. What succeeds must succeed on its own output.
fn use_everything(bytes: &[u8], other: &[u8]) {
    let loader = Loader {
        jump_target: Some(|_, code| code.first().map(|byte| i64::from(*byte) - 9)),
        ..Loader::new(Abi::LATEST, Arch::Armv7emdp)
    };
    let _ = check(bytes, "m.mpy", &loader);
    let _ = sizes(bytes, "m.mpy");
    if let Ok(dump) = Dump::new(bytes, "m.mpy", None) {
        assert!(dump.text().len() < 100_000 + 1_000 * bytes.len());
    }
    if let Ok(renamed) = rename(bytes, "m.mpy", "n.py") {
        assert!(sizes(&renamed, "n.mpy").is_ok());
    }
    let named = MergeOptions { source_name: Some("all.py".to_owned()) };
    for inputs in [[("m.mpy", bytes), ("o.mpy", other)], [("o.mpy", other), ("m.mpy", bytes)]] {
        if let Ok(merged) = merge(&inputs, &named) {
            assert!(sizes(&merged, "all.mpy").is_ok());
        }
    }
}

proptest! {
    #[test]
    fn whole_files(mpy in strategies::mpy(), other in strategies::mpy()) {
        use_everything(&mpy.write(), &other.write());
    }

    #[test]
    fn damaged_files(
        mpy in strategies::mpy(),
        other in strategies::mpy(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = mpy.write();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        use_everything(&bytes, &other.write());
        use_everything(&bytes[..cut.index(bytes.len())], &other.write());
    }

    #[test]
    fn any_bytes_as_instructions(code in prop::collection::vec(any::<u8>(), 0..300)) {
        let len = code.len() + 3;
        let mut bytes = b"M\x06\x00\x1f\x02\x00\x08a.py\x00\x0f".to_vec();
        anymod_model::mpy::write_uint(&mut bytes, (len as u64) << 3);
        bytes.extend([0x00, 0x02, 0x01]);
        bytes.extend(&code);
        use_everything(&bytes, &bytes);
    }
}

#[test]
fn jumps_that_lengthen_each_other_come_to_an_end() {
    // Forward jumps of the short form's reach, each over the next 63: the longer indices at the end make the last jump
    // grow, that makes the one before grow, and so on, one a round.
    let mut code = [0x4b, 126].repeat(20_000);
    code.extend([0x10, 0x01].repeat(100));
    let len = code.len() + 3;
    let mut bytes = b"M\x06\x00\x1f\x02\x00\x08a.py\x00\x0f".to_vec();
    anymod_model::mpy::write_uint(&mut bytes, (len as u64) << 3);
    bytes.extend([0x00, 0x02, 0x01]);
    bytes.extend(&code);
    let wide = (0..80).map(|_| ("b.mpy", bytes.as_slice())).collect::<Vec<_>>();
    let started = std::time::Instant::now();
    let merged = merge(&wide, &MergeOptions::default());
    assert!(merged.is_ok(), "{merged:?}");
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
