//! Disks that are full, and stores that cannot be written.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::tree::{DIST, Tree, files, module_c};

/// A disk of its own at a directory, if this user may mount one.
struct Disk(PathBuf);

impl Disk {
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    fn at(directory: &Path, options: &str) -> Option<Disk> {
        std::fs::create_dir_all(directory).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(directory).stderr(Stdio::null());
        if mount.status().is_ok_and(|status| status.success()) {
            return Some(Disk(directory.to_owned()));
        }
        eprintln!("skipped: mounting a disk needs root");
        None
    }

    /// Leaves no room but for so many bytes.
    fn fill(&self, but: usize) {
        let filler = self.0.join("filler");
        let _ = std::fs::write(&filler, vec![1; 8 << 20]);
        let length = std::fs::metadata(&filler).unwrap().len();
        let file = std::fs::File::options().write(true).open(filler).unwrap();
        file.set_len(length.saturating_sub(but as u64)).unwrap();
    }

    fn free(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// The build succeeds with one warning, twice.
fn one_warning(tree: &Tree, what: &str) {
    for _ in 0..2 {
        tree.clean();
        let built = tree.built();
        assert_eq!(built.codes(), ["S0001"], "{what}: {built:#?}");
        assert_eq!(tree.dist().len(), 5, "{what}");
    }
}

#[test]
fn disk_a_store_that_cannot_be_written_is_one_warning() {
    let mut tree = Tree::many(5);
    let usual = tree.store.clone();
    for (what, store) in [("a file", "file"), ("below a file", "file/below")] {
        tree.store = tree.root.with_file_name(store);
        if what == "a file" {
            std::fs::write(&tree.store, "mine").unwrap();
        }
        one_warning(&tree, what);
    }
    assert_eq!(std::fs::read(tree.root.with_file_name("file")).unwrap(), b"mine");
    tree.store = usual;
    if let Some(_disk) = Disk::at(&tree.store, "size=1m,ro") {
        one_warning(&tree, "read-only and empty");
    }
}

#[test]
fn disk_a_store_that_has_become_read_only_still_gives() {
    let tree = Tree::many(5);
    let Some(disk) = Disk::at(&tree.store, "size=8m") else { return };
    tree.built();
    let expected = tree.dist();
    let remount = Command::new("mount").args(["-o", "remount,ro"]).arg(&disk.0).status().unwrap();
    assert!(remount.success());
    tree.clean();
    let built = tree.built();
    assert_eq!((built.ran(), built.codes()), (vec![], vec![]), "{built:#?}");
    assert!(tree.dist() == expected);
    tree.write("m1.c", module_c("times1", "77"));
    let built = tree.built();
    assert_eq!(built.codes(), ["S0001"], "{built:#?}");
}

#[test]
fn disk_a_full_store_is_one_warning_and_stays_sound() {
    for room in [0, 4 << 10, 40 << 10] {
        let tree = Tree::many(5);
        let Some(disk) = Disk::at(&tree.store, "size=1m") else { return };
        disk.fill(room);
        let built = tree.built();
        assert_eq!(built.codes(), ["S0001"], "{room}: {built:#?}");
        let expected = tree.dist();
        disk.free();
        tree.clean();
        let built = tree.built();
        assert_eq!(built.codes(), [""; 0], "{room}: {built:#?}");
        assert!(tree.dist() == expected);
        tree.verify();
    }
}

#[test]
fn disk_a_full_build_directory_is_an_error_and_nothing_is_half_written() {
    let tree = Tree::one();
    tree.built();
    tree.clean();
    let Some(disk) = Disk::at(&tree.path("build"), "size=512k") else { return };
    tree.built();
    let before = tree.dist();
    tree.write(
        "m.c",
        module_c("twice", "3")
            .replace("MP_DYNRUNTIME_INIT_ENTRY", "MP_DYNRUNTIME_INIT_ENTRY (void)MP_QSTR_more;"),
    );
    let mut seen = Vec::new();
    for room in [0, 4 << 10, 8 << 10, 16 << 10] {
        disk.fill(room);
        let built = tree.build(&[]);
        if built.code == Some(0) {
            break;
        }
        // A compiler tells in its own words that it cannot write.
        assert!(matches!(built.code, Some(2 | 4)), "{built:#?}");
        let expected = ["B0001", "B0003", "S0003"];
        assert!(built.codes().iter().all(|code| expected.contains(&code.as_str())), "{built:#?}");
        assert!(room > 0 || built.codes().iter().any(|code| code == "B0003"), "{built:#?}");
        // On a disk of its own, `dist` may have the new module before the log finds no room; never half of it.
        seen.push(tree.dist());
        tree.verify();
        disk.free();
    }
    let _ = std::fs::remove_file(disk.0.join("filler"));
    tree.built();
    assert!(tree.dist() != before);
    assert!(seen.iter().all(|dist| *dist == before || *dist == tree.dist()));
    assert!(seen.first() == Some(&before), "without any room nothing is built");
    let fresh = Tree::new(&[]);
    super::tree::copy_sources(&tree.root, &fresh.root);
    fresh.built();
    assert!(fresh.read(DIST) == tree.read(DIST));
    assert_eq!(files(&tree.path("build")).iter().filter(|path| path.ends_with(".tmp")).count(), 0);
}
