//! Stores that cannot be written, and disks that are full: a build goes on, with one warning.

use std::path::Path;
use std::process::Command;

use anymod_store::{Claim, Options, Store};

use crate::processes::command;
use crate::program;
use crate::support::{Bench, files, keep, restore, walk};

/// What processes of other users and with other limits do.
pub(crate) fn task(task: &str, store: &Store, place: &Path) {
    match task {
        "read only" => read_only(store, place),
        "full disk" => full_disk(store, place),
        task => panic!("no task `{task}`"),
    }
}

fn one_warning(store: &Store) {
    let warnings = store.take_warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0].code.id, "S0001");
    assert!(warnings[0].hint.is_some() && warnings[0].place.is_some());
}

/// Nothing can be kept or claimed, and nobody hears of it twice.
fn nothing_is_kept(store: &Store, scratch: &Path) {
    let outputs = keep(store, scratch, "compile", "new", &[b"bytes"]);
    assert_eq!(outputs[0].size, 5, "digests are told all the same");
    one_warning(store);
    keep(store, scratch, "compile", "newer", &[b"other bytes"]);
    assert!(store.find("compile", &walk("new").1).is_none());
    assert!(matches!(store.claim(&walk("new").1), Claim::Unavailable));
    store.collect_if_grown();
    assert!(store.take_warnings().is_empty(), "once");
}

#[test]
fn a_path_below_a_file_is_no_store() {
    let bench = Bench::new();
    std::fs::write(bench.path("store"), "a file").unwrap();
    nothing_is_kept(&bench.store, bench.directory.path());
    assert_eq!(bench.store.gc(&anymod_store::Limits::default()).unwrap().blobs, 0);
    assert_eq!(bench.store.verify().blobs, 0);
    assert_eq!(std::fs::read(bench.path("store")).unwrap(), b"a file");
}

#[test]
fn an_unwritable_directory_in_the_store_turns_it_off() {
    let bench = Bench::new();
    bench.keep("compile", "a", &[b"bytes"]);
    let blobs = bench.store.directory().join("blobs");
    std::fs::remove_dir_all(&blobs).unwrap();
    std::fs::write(&blobs, "in the way").unwrap();
    let store = bench.again();
    keep(&store, bench.directory.path(), "compile", "b", &[b"other bytes"]);
    one_warning(&store);
    assert!(bench.files("tmp").is_empty());
    assert_eq!(restore(&store, "compile", "a", &bench.path("to")), Some(false));
}

/// Runs this program's `task` as somebody who may not write, through `shell` if there is one.
#[cfg(unix)]
fn as_nobody(task: &str, bench: &Bench) {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::os::unix::process::CommandExt as _;
    let place = bench.directory.path();
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    // Where it can be read by everybody.
    let program = bench.path("program");
    program::copy(&std::env::current_exe().unwrap(), &program);
    let scratch = bench.path("scratch");
    std::fs::create_dir(&scratch).unwrap();
    mode(place, 0o755);
    mode(&scratch, 0o777);
    let mut command = command(&program, task, place);
    let root = std::fs::metadata(place).unwrap().uid() == 0;
    if root {
        command.uid(65534).gid(65534);
    } else {
        let below = directories(&bench.path("store"));
        below.iter().for_each(|path| mode(path, 0o555));
    }
    let output = command.output().unwrap();
    directories(&bench.path("store")).iter().for_each(|path| mode(path, 0o755));
    assert!(output.status.success(), "{output:?}");
}

#[cfg(unix)]
fn directories(top: &Path) -> Vec<std::path::PathBuf> {
    let mut all = vec![top.to_owned()];
    for entry in std::fs::read_dir(top).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(directories(&path));
        }
    }
    all
}

#[cfg(unix)]
#[test]
fn a_read_only_store_is_read() {
    let bench = Bench::new();
    bench.keep("compile", "a", &[b"one", b"two"]);
    bench.keep("compile", "damaged", &[b"three"]);
    let record = |name: &str| {
        let key = walk(name).1.to_string();
        bench.files("records").into_iter().find(|path| path.ends_with(&key)).unwrap()
    };
    std::fs::write(record("damaged"), "nonsense").unwrap();
    as_nobody("read only", &bench);
    assert!(record("damaged").exists());
}

fn read_only(store: &Store, place: &Path) {
    let scratch = place.join("scratch");
    assert_eq!(restore(store, "compile", "a", &scratch.join("to")), Some(true));
    assert_eq!(std::fs::read(scratch.join("to/out1")).unwrap(), b"two");
    assert!(store.take_warnings().is_empty(), "reading is fine");
    nothing_is_kept(store, &scratch);
    assert_eq!(restore(store, "compile", "a", &scratch.join("again")), Some(true));
    assert_eq!(store.gc(&anymod_store::Limits::default()).unwrap_err().code.id, "S0001");
    for _ in 0..2 {
        assert_eq!(restore(store, "compile", "damaged", &scratch.join("none")), None);
    }
    assert_eq!(store.take_warnings().len(), 1, "told once though it stays");
    assert_eq!(restore(store, "compile", "damaged", &scratch.join("none")), None);
    assert!(store.take_warnings().is_empty());
}

/// A limit on the size of files is the full disk that can be had without a disk of one's own.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_nothing_half_done() {
    let bench = Bench::new();
    bench.keep("compile", "small", &[b"small"]);
    bench.keep("compile", "big", &[b"small too", &[7; 100_000]]);
    std::fs::write(bench.path("bigger"), [8; 100_000]).unwrap();
    let program = std::env::current_exe().unwrap();
    let inner = command(&program, "full disk", bench.directory.path());
    let mut outer = Command::new("sh");
    // Ignored signals stay so in the program that follows: it gets an error, not a signal.
    outer.args(["-c", "trap '' XFSZ; ulimit -f 20; exec \"$0\" \"$@\""]).arg(&program);
    outer.args(inner.get_args());
    outer.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = outer.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(bench.files("tmp").is_empty() && bench.files("trash").is_empty());
    assert_eq!(bench.store.verify().findings, []);
    assert_eq!(bench.store.verify().records, 2);
}

fn full_disk(store: &Store, place: &Path) {
    assert_eq!(restore(store, "compile", "small", &place.join("to")), Some(true));
    let outputs = store.find("compile", &walk("big").1).unwrap().entries.remove(0).outputs;
    let to = [place.join("full/out0"), place.join("full/out1")];
    let error = store.restore(&outputs, &to).unwrap_err();
    assert_eq!(error.code.id, "S0003");
    assert!(error.to_string().contains("out1"), "{error}");
    assert!(files(&place.join("full")).is_empty(), "none of the set, no temporary file");
    let (walk, key) = walk("bigger");
    let files = [("out".to_owned(), place.join("bigger"))];
    let kept = anymod_store::Kept { found: &[], passed: &[], said: "", files: &files };
    assert_eq!(store.keep("compile", &key, &walk, kept)[0].size, 100_000);
    one_warning(store);
    assert!(store.find("compile", &key).is_none());
}

#[test]
fn an_unreadable_output_is_not_kept() {
    let bench = Bench::new();
    let (walk, key) = walk("a");
    let there = bench.path("there");
    std::fs::write(&there, "bytes").unwrap();
    let files = [("there".to_owned(), there), ("gone".to_owned(), bench.path("gone"))];
    let kept = anymod_store::Kept { found: &[], passed: &[], said: "", files: &files };
    let outputs = bench.store.keep("compile", &key, &walk, kept);
    assert_eq!(outputs.len(), 1);
    assert!(bench.store.find("compile", &key).is_none(), "part of a set is never a hit");
    assert!(bench.store.take_warnings().is_empty());
}

#[test]
fn an_unwritable_destination_is_told() {
    let bench = Bench::new();
    let outputs = bench.keep("compile", "a", &[b"bytes"]);
    std::fs::write(bench.path("file"), "").unwrap();
    let error = bench.store.restore(&outputs, &[bench.path("file/out")]).unwrap_err();
    assert_eq!(error.code.id, "S0003");
    assert!(error.to_string().contains("file/out"), "{error}");
    let unused = Store::open(&bench.path("store"), Options::default()).unwrap();
    assert!(unused.restore(&outputs, &[bench.path("fine/out")]).unwrap());
}
