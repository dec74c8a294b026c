//! Many at once: threads of one process, and a collector among them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anymod_store::{Claim, Limits};

use crate::support::{Bench, keep, restore, use_at_random, walk};

/// So little that almost everything goes.
pub(crate) fn tiny() -> Limits {
    Limits { bytes: Some(4000), entries: Some(3), namespaces: BTreeMap::new() }
}

#[test]
fn threads_keep_and_restore_while_one_collects() {
    let bench = Bench::new();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let users: Vec<_> = (0..4)
            .map(|seed| {
                let bench = &bench;
                scope.spawn(move || use_at_random(&bench.store, bench.directory.path(), seed, 150))
            })
            .collect();
        // In the same process and as another one would.
        let other = bench.again();
        let (store, done) = (&bench.store, &done);
        let collector = scope.spawn(move || {
            let mut count = 0;
            while !done.load(Ordering::Relaxed) {
                store.gc(&tiny()).unwrap();
                other.gc(&tiny()).unwrap();
                assert_eq!(other.verify().findings, []);
                count += 1;
            }
            count
        });
        let restored: u64 = users.into_iter().map(|user| user.join().unwrap()).sum();
        done.store(true, Ordering::Relaxed);
        assert!(collector.join().unwrap() > 0 && restored > 0);
    });
    assert!(bench.store.take_warnings().is_empty());
    assert_eq!(bench.store.verify().findings, []);
    assert!(bench.files("tmp").is_empty());
}

#[test]
fn a_stream_of_users_does_not_keep_a_collector_waiting() {
    let bench = Bench::new();
    bench.keep("compile", "a", &[&[1; 50_000]]);
    let (done, uses) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (bench, done, uses) = (&bench, &done, &uses);
            scope.spawn(move || {
                let to = bench.path(&format!("to{thread}"));
                while !done.load(Ordering::Relaxed) {
                    restore(&bench.store, "compile", "a", &to);
                    uses.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        while uses.load(Ordering::Relaxed) < 100 {
            std::thread::yield_now();
        }
        let other = bench.again();
        let begun = Instant::now();
        for _ in 0..10 {
            other.gc(&Limits::default()).unwrap();
        }
        let taken = begun.elapsed();
        let before = uses.load(Ordering::Relaxed);
        while uses.load(Ordering::Relaxed) < before + 100 {
            std::thread::yield_now();
        }
        done.store(true, Ordering::Relaxed);
        assert!(taken < Duration::from_secs(20), "{taken:?}");
    });
}

#[test]
fn threads_that_claim_run_an_action_once() {
    let bench = Bench::new();
    let runs = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let key = walk("once").1;
                while bench.store.find("compile", &key).is_none() {
                    match bench.store.claim(&key) {
                        Claim::Held(_guard) => {
                            if bench.store.find("compile", &key).is_none() {
                                runs.fetch_add(1, Ordering::Relaxed);
                                std::thread::sleep(Duration::from_millis(20));
                                let scratch = bench.directory.path();
                                keep(&bench.store, scratch, "compile", "once", &[b"made"]);
                            }
                        }
                        Claim::Busy => {
                            assert!(bench.store.wait(&key, Duration::from_secs(60)));
                        }
                        Claim::Unavailable => panic!("the store can be written"),
                    }
                }
            });
        }
    });
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

#[test]
fn many_create_a_store_while_one_collects() {
    for round in 0..40 {
        let bench = Bench::new();
        let start = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for seed in 0..3 {
                let (bench, start) = (&bench, &start);
                scope.spawn(move || {
                    let store = bench.again();
                    start.wait();
                    use_at_random(&store, bench.directory.path(), round * 3 + seed, 3);
                    assert_eq!(store.take_warnings(), []);
                });
            }
            start.wait();
            for turn in 0..10 {
                match turn % 2 {
                    0 => bench.store.gc(&tiny()).unwrap(),
                    _ => bench.store.clear().unwrap(),
                };
            }
        });
        assert_eq!(bench.store.verify().findings, []);
    }
}
