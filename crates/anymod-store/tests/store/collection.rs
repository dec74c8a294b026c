//! What goes when there is too much, and what is told about what is there.

use std::collections::BTreeMap;
use std::time::Duration;

use anymod_store::{Claim, Held, Limit, Limits, Options};
use proptest::prelude::*;

use crate::support::{Bench, walk};

fn at_most(bytes: Option<u64>, entries: Option<u64>) -> Limits {
    Limits { bytes, entries, namespaces: BTreeMap::new() }
}

#[test]
fn what_was_used_longest_ago_goes_first() {
    let bench = Bench::new();
    for name in ["a", "b", "c", "d"] {
        bench.keep("compile", name, &[name.as_bytes()]);
    }
    assert_eq!(bench.restore("compile", "a", "to"), Some(true));
    assert!(bench.store.peek("compile", &walk("b").1).is_some(), "looking is not using");
    let collected = bench.store.gc(&at_most(None, Some(2))).unwrap();
    assert_eq!((collected.removed.records, collected.blobs), (2, 2));
    assert_eq!(collected.kept.entries, 2);
    assert_eq!(bench.restore("compile", "a", "to"), Some(true));
    assert_eq!(bench.restore("compile", "b", "to"), None);
    assert_eq!(bench.restore("compile", "c", "to"), None);
    assert_eq!(bench.restore("compile", "d", "to"), Some(true));
    assert_eq!(bench.files("blobs").len(), 2);
    assert!(bench.files("trash").is_empty() && bench.files("tmp").is_empty());
}

#[test]
fn a_namespace_has_limits_of_its_own() {
    let bench = Bench::new();
    for name in ["a", "b", "c"] {
        bench.keep("compile", name, &[name.as_bytes(), b"shared"]);
        bench.keep("artifact", name, &[b"shared"]);
    }
    let limit = Limit { bytes: None, entries: Some(1) };
    let namespaces = BTreeMap::from([("compile".to_owned(), limit)]);
    let collected = bench.store.gc(&Limits { bytes: None, entries: None, namespaces }).unwrap();
    assert_eq!(collected.namespaces, BTreeMap::from([("compile".to_owned(), 2)]));
    assert_eq!(bench.restore("compile", "c", "to"), Some(true));
    for name in ["a", "b", "c"] {
        assert_eq!(bench.restore("artifact", name, "to"), Some(true), "{name}");
    }
}

#[test]
fn a_blob_counts_once_and_stays_while_a_record_names_it() {
    let bench = Bench::new();
    let big = vec![7; 100_000];
    for name in ["a", "b", "c"] {
        bench.keep("compile", name, &[&big]);
    }
    let collected = bench.store.gc(&at_most(Some(150_000), None)).unwrap();
    assert_eq!(collected.removed, Held::default(), "three records of one blob fit");
    let collected = bench.store.gc(&at_most(None, Some(1))).unwrap();
    assert_eq!((collected.removed.records, collected.blobs), (2, 0));
    assert_eq!(bench.restore("compile", "c", "to"), Some(true));
    let collected = bench.store.gc(&at_most(Some(99_999), None)).unwrap();
    assert_eq!((collected.removed.records, collected.blobs), (1, 1));
    assert_eq!(collected.kept, Held::default());
}

#[test]
fn what_killed_processes_left_goes() {
    let bench = Bench::new();
    bench.keep("compile", "a", &[b"a"]);
    let below = |path: &str| bench.store.directory().join(path);
    std::fs::write(below("tmp/.anymod-x.tmp"), "half").unwrap();
    std::fs::create_dir(below("trash/.anymod-y")).unwrap();
    std::fs::write(below("trash/.anymod-y/0"), "old").unwrap();
    std::fs::write(below("claims").join(walk("dead").1.to_string()), "").unwrap();
    let Claim::Held(_guard) = bench.store.claim(&walk("alive").1) else { panic!("free") };
    bench.store.gc(&Limits::default()).unwrap();
    assert!(bench.files("tmp").is_empty() && bench.files("trash").is_empty());
    assert_eq!(bench.files("claims").len(), 1);
    assert!(matches!(bench.again().claim(&walk("alive").1), Claim::Busy));
    assert_eq!(bench.restore("compile", "a", "to"), Some(true));
}

#[test]
fn clearing_leaves_an_empty_store_that_works() {
    let bench = Bench::new();
    assert_eq!(bench.store.clear().unwrap().blobs, 0, "there is nothing yet");
    bench.keep("compile", "a", &[b"a", b"b"]);
    bench.keep("link", "a", &[b"c"]);
    let cleared = bench.store.clear().unwrap();
    assert_eq!((cleared.removed.records, cleared.blobs), (2, 3));
    assert!(bench.files("blobs").is_empty() && bench.files("records").is_empty());
    assert!(bench.files("trash").is_empty());
    assert_eq!(bench.restore("compile", "a", "to"), None);
    bench.keep("compile", "a", &[b"a"]);
    assert_eq!(bench.restore("compile", "a", "to"), Some(true));
}

#[test]
fn a_build_collects_only_when_the_store_has_grown_past_its_limits() {
    let options = Options { limits: at_most(Some(100_000), None), ..Options::default() };
    let bench = Bench::with(options);
    let big = |seed: u8| vec![seed; 30_000];
    for seed in 0..3 {
        bench.keep("compile", &seed.to_string(), &[&big(seed)]);
        bench.store.collect_if_grown();
    }
    assert_eq!(bench.files("blobs").len(), 3, "there is room");
    bench.keep("compile", "3", &[&big(3)]);
    bench.store.collect_if_grown();
    assert_eq!(bench.files("blobs").len(), 2, "down to nine tenths");
    assert_eq!(bench.restore("compile", "3", "to"), Some(true));
    let tally = bench.store.directory().join("grown");
    assert!(std::fs::read_to_string(&tally).unwrap().starts_with("= * 6"));
    // A damaged tally is a reason to look.
    std::fs::write(&tally, "nonsense\n").unwrap();
    bench.keep("compile", "4", &[b"small"]);
    bench.store.collect_if_grown();
    assert!(std::fs::read_to_string(&tally).unwrap().starts_with("= * 6"));
    assert!(bench.store.take_warnings().is_empty());
}

#[test]
fn statistics_count_what_is_there() {
    let bench = Bench::new();
    assert_eq!(bench.store.statistics(), anymod_store::Statistics::default());
    bench.keep("compile", "a", &[b"12345", b"shared"]);
    std::thread::sleep(Duration::from_millis(5));
    bench.keep("link", "a", &[b"shared"]);
    let records: u64 =
        bench.files("records").iter().map(|path| path.metadata().unwrap().len()).sum();
    let statistics = bench.store.statistics();
    assert_eq!(statistics.blobs, 2);
    assert_eq!(statistics.whole.held, Held { records: 2, entries: 2, bytes: 11 + records });
    assert!(statistics.whole.oldest_use < statistics.whole.newest_use);
    let parts: u64 = statistics.namespaces.values().map(|part| part.held.bytes).sum();
    assert_eq!(parts, 17 + records, "what is shared counts in both");
    let link = bench.files("records/link").remove(0);
    std::fs::remove_file(link).unwrap();
    let compile = bench.files("records/compile").remove(0);
    std::fs::remove_file(compile).unwrap();
    let statistics = bench.store.statistics();
    assert_eq!((statistics.unreferenced, statistics.unreferenced_bytes), (2, 11));
}

#[test]
fn a_key_is_explained_by_its_first_digits() {
    let bench = Bench::new();
    for number in 0..20 {
        bench.keep("compile", &number.to_string(), &[b"a"]);
    }
    let (walk, key) = walk("7");
    let explained = bench.store.explain(&key.to_string()[..16].to_uppercase()).unwrap();
    assert_eq!((explained.key, explained.namespace.as_str()), (key, "compile"));
    assert_eq!(explained.record.walk, walk);
    let code = |prefix: &str| bench.store.explain(prefix).unwrap_err().code.id;
    assert_eq!(code(""), "S0005");
    assert_eq!(code("not hexadecimal"), "S0004");
    let unknown = format!("{}x", key);
    assert_eq!(code(&unknown), "S0004");
    // Of twenty keys, two begin with the same of sixteen digits.
    let ambiguous = (0..16).filter(|digit| code_of(&bench, *digit) == Some("S0005")).count();
    assert!(ambiguous > 0);
}

fn code_of(bench: &Bench, digit: u32) -> Option<&'static str> {
    let prefix = format!("{digit:x}");
    bench.store.explain(&prefix).err().map(|error| error.code.id)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is used in whatever order, what stays are the records that were used last, and they fit.
    #[test]
    fn the_limits_hold_and_the_latest_stay(
        sizes in prop::collection::vec(0usize..3000, 1..8),
        uses in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        bytes in prop::option::of(0u64..12_000),
        entries in prop::option::of(0u64..8),
    ) {
        let bench = Bench::new();
        let mut order = Vec::new();
        for (index, size) in sizes.iter().enumerate() {
            let content = vec![index as u8; *size];
            bench.keep("compile", &index.to_string(), &[&content]);
            order.push(index);
        }
        for index in uses {
            let index = index.index(sizes.len());
            prop_assert_eq!(bench.restore("compile", &index.to_string(), "to"), Some(true));
            order.retain(|other| *other != index);
            order.push(index);
        }
        let collected = bench.store.gc(&at_most(bytes, entries)).unwrap();
        let kept = bench.store.statistics().whole.held;
        prop_assert_eq!(collected.kept, kept);
        prop_assert!(bytes.is_none_or(|most| kept.bytes <= most));
        prop_assert!(entries.is_none_or(|most| kept.entries <= most));
        let gone = order.len() - kept.records as usize;
        for (position, index) in order.iter().enumerate() {
            let restored = bench.restore("compile", &index.to_string(), "to");
            prop_assert_eq!(restored, (position >= gone).then_some(true));
        }
        prop_assert!(bench.store.verify().findings.is_empty());
    }
}
