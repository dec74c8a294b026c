//! Tests of the log: what it keeps, and what it survives.

use std::time::{Duration, SystemTime};

use super::*;
use crate::stat::SETTLED;
use proptest::prelude::*;

struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Tree {
        Tree(tempfile::tempdir().unwrap())
    }
    fn open(&self) -> Log {
        Log::open(&self.0.path().join("log"), self.0.path())
    }
    fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.0.path().join("log")).unwrap()
    }
    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).unwrap();
    }
}

fn filled(tree: &Tree) {
    tree.put("in\tput", "1");
    tree.put("out", "2");
    let mut log = tree.open();
    let (input, output, passed) = (log.id("in\tput"), log.id("out"), log.id("no"));
    let walk = ["argument", "-O2", "-c", "tool", "1"].map(|text| log.id(text));
    let record = Record {
        command: Digest::of(b"cc"),
        walk: vec![(walk[0], walk[1]), (walk[0], walk[2]), (walk[3], walk[4])],
        inputs: vec![log.now(input).unwrap()],
        outputs: vec![log.now(output).unwrap()],
        passed: vec![passed],
    };
    log.record("x64/a\nb", record);
    log.learn(Digest::of(b"version?"), "gcc \\ 12\nmore");
    log.close().unwrap();
}

#[test]
fn what_was_recorded_is_read_back() {
    let tree = Tree::new();
    filled(&tree);
    let mut log = tree.open();
    assert_eq!(log.fact(&Digest::of(b"version?")), Some("gcc \\ 12\nmore"));
    let record = log.action("x64/a\nb").unwrap().clone();
    let version = *log.version(record.inputs[0]).unwrap();
    assert_eq!((log.text(version.path), version.digest), ("in\tput", Digest::of(b"1")));
    assert!(log.now(version.path).is_some());
    assert!(log.now(record.passed[0]).is_none());
    assert_eq!(log.text(record.passed[0]), "no");
    let walk: Vec<String> =
        log.walk(&record).iter().map(|field| format!("{}={}", field.name, field.value)).collect();
    assert_eq!(walk, ["argument=-O2", "argument=-c", "tool=1"]);
}

#[test]
fn a_cut_last_line_is_dropped_and_written_over() {
    let tree = Tree::new();
    filled(&tree);
    let whole = tree.bytes();
    std::fs::write(tree.0.path().join("log"), &whole[..whole.len() - 5]).unwrap();
    let mut log = tree.open();
    assert!(log.action("x64/a\nb").is_some());
    assert_eq!(log.fact(&Digest::of(b"version?")), None);
    log.learn(Digest::of(b"version?"), "13");
    log.close().unwrap();
    assert_eq!(tree.open().fact(&Digest::of(b"version?")), Some("13"));
}

#[test]
fn content_counts_whatever_the_times_say() {
    let tree = Tree::new();
    tree.put("file", "old");
    let path = tree.0.path().join("file");
    let past = SystemTime::now() - Duration::from_secs(1000);
    let set = |time| std::fs::File::options().write(true).open(&path).unwrap().set_modified(time);
    set(past).unwrap();
    std::thread::sleep(SETTLED * 2);
    let mut log = tree.open();
    assert_eq!(log.digest("file"), Some(Digest::of(b"old")));
    log.close().unwrap();
    tree.put("file", "new");
    set(past).unwrap();
    assert_eq!(tree.open().digest("file"), Some(Digest::of(b"new")), "same size and time");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(tree.open().digest("file"), None);
}

#[test]
fn a_log_mostly_superseded_is_written_anew() {
    let tree = Tree::new();
    filled(&tree);
    let mut log = tree.open();
    let record = Record::clone(&log.action("x64/a\nb").unwrap());
    for round in 0..1500_u32 {
        log.record("again", Record { command: Digest::of(&round.to_le_bytes()), ..record.clone() });
    }
    log.flush().unwrap();
    let long = tree.bytes().len();
    log.close().unwrap();
    assert!(tree.bytes().len() < long / 100);
    let mut log = tree.open();
    let again = log.action("again").unwrap().clone();
    assert_eq!(again.command, Digest::of(&1499_u32.to_le_bytes()));
    let version = log.version(again.inputs[0]).unwrap();
    assert_eq!(log.text(version.path), "in\tput");
    assert_eq!(log.digest("out"), Some(Digest::of(b"2")));
}

proptest! {
    #[test]
    fn any_damage_is_survived(cut in 0usize..2000, flip in 0usize..2000, value: u8) {
        let tree = Tree::new();
        filled(&tree);
        let mut bytes = tree.bytes();
        let at = flip % bytes.len();
        bytes[at] = value;
        bytes.truncate(cut.max(1));
        std::fs::write(tree.0.path().join("log"), &bytes).unwrap();
        let mut log = tree.open();
        if let Some(record) = log.action("x64/a\nb") {
            prop_assert_eq!(record.command, Digest::of(b"cc"));
            let version = log.version(record.inputs[0]).unwrap();
            prop_assert_eq!((log.text(version.path), version.digest), ("in\tput", Digest::of(b"1")));
        }
        log.learn(Digest::of(b"new"), "fact");
        log.close().unwrap();
        let log = tree.open();
        prop_assert_eq!(log.fact(&Digest::of(b"new")), Some("fact"));
    }
}
