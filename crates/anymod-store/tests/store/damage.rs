//! Bits that flip and files that are cut: noticed, dropped, told, made again.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use crate::support::{Bench, files, walk};

const CONTENTS: [&[u8]; 2] = [b"the first file", b"\0\x01\x02 the second"];

fn bench() -> Bench {
    let bench = Bench::new();
    bench.keep("compile", "a", &CONTENTS);
    bench
}

/// Changes a file behind the store's back, as a failing disk does.
fn overwrite(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    // Blobs are read-only, and tests may run as anyone.
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Restored entirely and right, or not at all.
fn restored(bench: &Bench) -> bool {
    let _ = std::fs::remove_dir_all(bench.path("to"));
    let restored = bench.restore("compile", "a", "to") == Some(true);
    let wanted = if restored { CONTENTS.len() } else { 0 };
    let there = files(&bench.path("to"));
    assert_eq!(there.len(), wanted, "{there:?}");
    for (index, path) in there.iter().enumerate() {
        assert_eq!(std::fs::read(path).unwrap(), CONTENTS[index]);
    }
    restored
}

fn content(bench: &Bench) -> Vec<PathBuf> {
    [bench.files("blobs"), bench.files("records")].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_damage_is_noticed_dropped_and_told_once(
        file in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        bit in 0u8..8,
        cut in any::<bool>(),
        verify_first in any::<bool>(),
    ) {
        let bench = bench();
        let all = content(&bench);
        prop_assert_eq!(all.len(), 3);
        overwrite(&all[file.index(all.len())], |bytes| {
            let at = at.index(bytes.len());
            if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        });
        if verify_first {
            prop_assert!(!bench.store.verify().findings.is_empty());
        } else {
            prop_assert!(!restored(&bench));
            let warnings = bench.store.take_warnings();
            prop_assert_eq!(warnings.len(), 1);
            prop_assert_eq!(warnings[0].code.id, "S0002");
            prop_assert!(!restored(&bench), "it is not tried again");
            prop_assert!(bench.store.take_warnings().is_empty());
            let _ = bench.store.verify();
        }
        prop_assert_eq!(bench.store.verify().findings, []);
        bench.keep("compile", "a", &CONTENTS);
        prop_assert!(restored(&bench));
        prop_assert_eq!(bench.store.verify().findings, []);
    }
}

#[test]
fn a_sound_store_verifies() {
    let bench = bench();
    let verified = bench.store.verify();
    assert_eq!((verified.blobs, verified.records), (2, 1));
    assert_eq!(verified.bytes, (CONTENTS[0].len() + CONTENTS[1].len()) as u64);
    assert_eq!(verified.findings, []);
}

#[test]
fn a_record_of_missing_files_is_mended() {
    let bench = bench();
    let blob = bench.files("blobs").remove(0);
    std::fs::remove_file(blob).unwrap();
    let findings = bench.store.verify().findings;
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].code.id, "S0006");
    assert!(bench.store.find("compile", &walk("a").1).is_none());
    assert!(bench.store.verify().findings.is_empty());
    assert!(bench.store.take_warnings().is_empty(), "a file that is gone is a miss");
}

#[test]
fn foreign_files_are_found() {
    let bench = bench();
    let blob = bench.files("blobs").remove(0);
    let places = ["mine.txt", "blobs/x", "blobs/ab/x", "records/Some/x", "records/compile/x"];
    for place in places {
        let path = bench.store.directory().join(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "mine").unwrap();
    }
    // A blob in another blob's directory is nobody's.
    let elsewhere = bench.store.directory().join("blobs/ab").join(blob.file_name().unwrap());
    let misplaced = !blob.parent().unwrap().ends_with("ab");
    if misplaced {
        std::fs::copy(&blob, elsewhere).unwrap();
    }
    let findings = bench.store.verify().findings;
    assert_eq!(findings.len(), places.len() + usize::from(misplaced));
    assert!(findings.iter().all(|finding| finding.code.id == "S0007"), "{findings:?}");
    assert!(bench.store.verify().findings.is_empty());
    assert!(restored(&bench));
}

#[cfg(unix)]
#[test]
fn a_link_in_a_blobs_place_is_not_followed_to_other_bytes() {
    let bench = bench();
    let blob = bench.files("blobs").remove(0);
    std::fs::remove_file(&blob).unwrap();
    let mine = bench.path("mine");
    std::fs::write(&mine, "other bytes").unwrap();
    std::os::unix::fs::symlink(&mine, &blob).unwrap();
    assert!(!restored(&bench));
    assert_eq!(std::fs::read(&mine).unwrap(), b"other bytes");
    bench.keep("compile", "a", &CONTENTS);
    assert!(restored(&bench));
}

#[test]
fn many_damaged_files_are_one_warning() {
    let bench = Bench::new();
    for number in 0..9 {
        bench.keep("compile", &number.to_string(), &[b"a"]);
    }
    for record in bench.files("records") {
        overwrite(&record, Vec::clear);
    }
    for number in 0..9 {
        assert_eq!(bench.restore("compile", &number.to_string(), "to"), None);
    }
    let warnings = bench.store.take_warnings();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].message.starts_with("9 damaged files"), "{}", warnings[0]);
}
