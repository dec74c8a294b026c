//! A store whose files are not what they were.

use std::path::Path;

use super::tree::{Tree, files, times};

/// Ways to damage a file.
const WAYS: usize = 6;

fn damage(path: &Path, way: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    let last = bytes.len().saturating_sub(1);
    let flip = |bytes: &mut Vec<u8>, at: usize| {
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 0x10;
        }
    };
    match way {
        0 => flip(&mut bytes, 0),
        1 => flip(&mut bytes, last / 2),
        2 => flip(&mut bytes, last),
        3 => bytes.clear(),
        4 => bytes.truncate(last / 2),
        _ => bytes.push(b'\n'),
    }
    // Blobs are read-only, which damage does not ask about.
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn damage_any_file_of_the_store_is_noticed() {
    let tree = Tree::one();
    tree.built();
    let expected = tree.dist();
    let stored = || {
        let all = files(&tree.store.join("v1/blobs")).into_iter();
        all.chain(files(&tree.store.join("v1/records"))).collect::<Vec<_>>()
    };
    let count = stored().len();
    assert!(count >= 6, "{count}");
    let rounds = times(count, count * WAYS).min(count * WAYS);
    for round in 0..rounds {
        // In the short form each file once, each in another way.
        let (file, way) = (round % count, (round + round / count) % WAYS);
        let path = stored().remove(file);
        damage(&path, way);
        tree.clean();
        let built = tree.built();
        let what = format!("{} in way {way}: {built:#?}", path.display());
        assert!(tree.dist() == expected, "{what}");
        assert_eq!(built.codes(), ["S0002"], "{what}");
        assert!(!built.ran().is_empty() && built.ran().len() < 3, "{what}");
        tree.clean();
        let again = tree.built();
        assert_eq!((again.ran(), again.codes()), (vec![], vec![]), "{what}");
        assert!(tree.dist() == expected, "{what}");
        tree.verify();
    }
}

#[test]
fn damage_of_everything_at_once_is_told_once() {
    let tree = Tree::one();
    tree.built();
    let expected = tree.dist();
    for (number, path) in files(&tree.store.join("v1")).iter().enumerate() {
        damage(path, number % WAYS);
    }
    tree.clean();
    let built = tree.built();
    assert!(tree.dist() == expected);
    assert_eq!(built.codes(), ["S0002"], "{built:#?}");
    tree.clean();
    let again = tree.built();
    assert_eq!((again.ran(), again.codes()), (vec![], vec![]), "{again:#?}");
    // Now nobody notices by building: verifying does, once, and then the store is sound.
    let blob = files(&tree.store.join("v1/blobs")).remove(0);
    damage(&blob, 1);
    let output = tree.anymod(&["cache", "verify"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    tree.verify();
    tree.clean();
    assert_eq!(tree.built().codes(), [""; 0], "what verifying removed is only missing");
    assert!(tree.dist() == expected);
}
