//! Keeping, finding, restoring, and what they leave on disk.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anymod_store::{Claim, Digest, Kept, Link, Options, Store};

use crate::support::{Bench, files, walk};

#[test]
fn what_is_kept_is_found_and_restored() {
    let bench = Bench::new();
    assert!(bench.store.find("compile", &walk("a").1).is_none());
    assert!(!bench.store.directory().exists(), "looking creates nothing");
    let outputs = bench.keep("compile", "a", &[b"object", b""]);
    assert_eq!(outputs[0].digest, Digest::of(b"object"));
    assert_eq!((outputs[0].name.as_str(), outputs[0].size), ("out0", 6));
    let record = bench.store.find("compile", &walk("a").1).unwrap();
    assert_eq!(record.walk, walk("a").0);
    assert_eq!(record.entries[0].outputs, outputs);
    assert_eq!(bench.restore("compile", "a", "deep/er"), Some(true));
    assert_eq!(std::fs::read(bench.path("deep/er/out0")).unwrap(), b"object");
    assert_eq!(std::fs::read(bench.path("deep/er/out1")).unwrap(), b"");
    assert!(bench.store.find("link", &walk("a").1).is_none(), "another namespace");
    assert!(bench.store.take_warnings().is_empty());
    assert!(bench.files("tmp").is_empty() && bench.files("trash").is_empty());
    assert_eq!(files(&bench.path("deep")).len(), 2, "no temporary file stays");
}

#[test]
fn entries_tell_what_they_were_made_of() {
    let bench = Bench::new();
    let object = bench.path("a.o");
    let (walk, key) = walk("a");
    for version in ["one", "two", "one"] {
        std::fs::write(&object, version).unwrap();
        let found = [("a.h".to_owned(), Digest::of(version.as_bytes()))];
        let files = [("a.o".to_owned(), object.clone())];
        let passed = ["first/a.h".to_owned()];
        let said = "warning: \\tabs\tand\nlines";
        bench.store.keep(
            "compile",
            &key,
            &walk,
            Kept { found: &found, passed: &passed, said, files: &files },
        );
    }
    let record = bench.again().find("compile", &key).unwrap();
    assert_eq!(record.entries.len(), 2, "the same inputs again replace the entry");
    assert_eq!(record.entries[0].found, [("a.h".to_owned(), Digest::of(b"one"))]);
    assert_eq!(record.entries[0].outputs[0].digest, Digest::of(b"one"));
    assert_eq!(record.entries[1].outputs[0].digest, Digest::of(b"two"));
    assert_eq!(record.entries[1].passed, ["first/a.h"]);
    assert_eq!(record.entries[1].said, "warning: \\tabs\tand\nlines");
}

#[cfg(unix)]
#[test]
fn modes_are_the_umasks_and_executables_stay_so() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for link in [Link::Reflink, Link::Copy, Link::Hardlink] {
        let bench = Bench::with(Options { link, ..Options::default() });
        let (plain, tool) = (bench.path("plain"), bench.path("tool"));
        std::fs::write(&plain, "same bytes").unwrap();
        std::fs::write(&tool, "same bytes").unwrap();
        let usual = mode(&plain);
        let executable = usual | (usual & 0o444) >> 2;
        std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
        let (walk, key) = walk("a");
        let kept = [("plain".to_owned(), plain), ("tool".to_owned(), tool)];
        let kept = Kept { found: &[], passed: &[], said: "", files: &kept };
        let outputs = bench.store.keep("link", &key, &walk, kept);
        assert_eq!([outputs[0].executable, outputs[1].executable], [false, true]);
        assert_eq!(bench.files("blobs").len(), 1, "one content, one blob");
        let to: Vec<PathBuf> = ["to/plain", "to/tool"].map(|name| bench.path(name)).into();
        assert!(bench.store.restore(&outputs, &to).unwrap());
        let blob = bench.files("blobs").remove(0);
        assert_eq!(mode(&blob) & 0o222, 0, "a blob is read-only");
        let plain = if link == Link::Hardlink { mode(&blob) } else { usual };
        assert_eq!(mode(&to[0]), plain, "{link:?}");
        assert_eq!(mode(&to[1]), executable, "{link:?}");
        // Once more over what is there, also over another name of the same blob.
        assert!(bench.store.restore(&outputs, &to).unwrap());
        assert_eq!(files(&bench.path("to")).len(), 2, "no temporary file stays");
    }
}

#[test]
fn what_is_there_already_is_left_alone() {
    let bench = Bench::new();
    bench.keep("compile", "a", &[b"object"]);
    bench.restore("compile", "a", "to");
    let written = || std::fs::metadata(bench.path("to/out0")).unwrap().modified().unwrap();
    let before = written();
    bench.restore("compile", "a", "to");
    assert_eq!(written(), before);
    std::fs::write(bench.path("to/out0"), "edited").unwrap();
    bench.restore("compile", "a", "to");
    assert_eq!(std::fs::read(bench.path("to/out0")).unwrap(), b"object");
}

#[test]
fn all_of_a_set_or_none() {
    let bench = Bench::new();
    let outputs = bench.keep("compile", "a", &[b"first", b"second"]);
    let second = Digest::of(b"second").to_string();
    let blob = bench.files("blobs").into_iter().find(|path| path.ends_with(&second)).unwrap();
    std::fs::remove_file(blob).unwrap();
    assert_eq!(bench.restore("compile", "a", "to"), Some(false));
    assert!(files(&bench.path("to")).is_empty());
    // A directory in the way is told before anything is renamed.
    bench.keep("compile", "a", &[b"first", b"second"]);
    std::fs::create_dir_all(bench.path("to/out1")).unwrap();
    let to = [bench.path("to/out0"), bench.path("to/out1")];
    let error = bench.store.restore(&outputs, &to).unwrap_err();
    assert_eq!(error.code.id, "S0003");
    assert!(error.hint.is_some());
    assert!(files(&bench.path("to")).is_empty());
}

#[test]
fn one_claims_and_others_see_it() {
    let bench = Bench::new();
    let key = walk("a").1;
    let Claim::Held(guard) = bench.store.claim(&key) else { panic!("nobody holds it") };
    assert!(matches!(bench.again().claim(&key), Claim::Busy));
    assert!(matches!(bench.store.claim(&key), Claim::Busy));
    assert!(!bench.again().wait(&key, Duration::from_millis(1)));
    drop(guard);
    assert!(bench.again().wait(&key, Duration::ZERO));
    assert!(matches!(bench.again().claim(&key), Claim::Held(_)));
}

#[test]
fn a_hard_link_that_cannot_be_made_is_a_copy() {
    let bench = Bench::with(Options { link: Link::Hardlink, ..Options::default() });
    let outputs = bench.keep("compile", "a", &[&[7; 100_000]]);
    // Another file system, where there is one; without the blob's own there is nothing to link to either.
    let elsewhere = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    assert!(bench.store.restore(&outputs, &[elsewhere.path().join("out")]).unwrap());
    assert_eq!(std::fs::read(elsewhere.path().join("out")).unwrap(), [7; 100_000]);
    assert_eq!(files(elsewhere.path()).len(), 1);
}

#[cfg(unix)]
#[test]
fn writing_through_a_hard_link_is_noticed() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let bench = Bench::with(Options { link: Link::Hardlink, ..Options::default() });
    bench.keep("compile", "a", &[b"object"]);
    assert_eq!(bench.restore("compile", "a", "to"), Some(true));
    let linked = bench.path("to/out0");
    let inode = |path: &Path| std::fs::metadata(path).unwrap().ino();
    assert_eq!(inode(&linked), inode(&bench.files("blobs")[0]));
    std::fs::set_permissions(&linked, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(&linked, "abject").unwrap();
    assert_eq!(bench.restore("compile", "a", "again"), Some(false));
    assert_eq!(bench.store.take_warnings()[0].code.id, "S0002");
    bench.keep("compile", "a", &[b"object"]);
    assert_eq!(bench.restore("compile", "a", "to"), Some(true));
    assert_eq!(std::fs::read(&linked).unwrap(), b"object");
}

#[test]
fn names_of_outputs_are_labels_and_lead_nowhere() {
    let bench = Bench::new();
    let object = bench.path("a.o");
    std::fs::write(&object, "object").unwrap();
    let (walk, key) = walk("a");
    let outside = bench.path("outside").display().to_string();
    let names = ["../../outside", outside.as_str(), "a\0b", "a\nb\tc", ""];
    let files: Vec<_> = names.map(|name| (name.to_owned(), object.clone())).into();
    let kept = Kept { found: &[], passed: &[], said: "", files: &files };
    bench.store.keep("compile", &key, &walk, kept);
    let outputs = bench.again().find("compile", &key).unwrap().entries.remove(0).outputs;
    assert_eq!(outputs.iter().map(|output| output.name.as_str()).collect::<Vec<_>>(), names);
    let to: Vec<PathBuf> =
        (0..names.len()).map(|index| bench.path(&format!("to/{index}"))).collect();
    assert!(bench.store.restore(&outputs, &to).unwrap());
    assert_eq!(files_of(&bench, "to").len(), names.len());
    assert!(!bench.path("outside").exists());
    // Nor do namespaces: what cannot be a directory of the store's own is never kept.
    assert!(bench.store.find("../compile", &key).is_none());
}

fn files_of(bench: &Bench, directory: &str) -> Vec<PathBuf> {
    files(&bench.path(directory))
}

#[test]
fn a_nonsense_path_is_refused() {
    for bad in ["", "a\0b"] {
        let Err(error) = Store::open(Path::new(bad), Options::default()) else {
            panic!("{bad:?} is no path");
        };
        assert_eq!(error.code.id, "S0008");
    }
}
