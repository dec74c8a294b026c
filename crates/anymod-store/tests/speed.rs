//! What a hit and a miss cost. A measurement, run by hand:
//! `cargo test --release -p anymod-store --test speed -- --ignored --nocapture`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anymod_store::{Claim, Digest, Explanation, Kept, Link, Options, Store, Visit};

const OBJECTS: usize = 1000;
const HEADERS: usize = 60;

/// 1,000 objects of about 3 KB, each made of 60 headers: found and restored in less than 100 ms by one thread.
#[test]
#[ignore = "a measurement: it tells something only in a release build on a quiet machine"]
fn thousand_hits() {
    let directory = tempfile::tempdir().unwrap();
    let walks: Vec<Explanation> = (0..OBJECTS).map(walk).collect();
    let found: Vec<(String, Digest)> = (0..HEADERS)
        .map(|number| {
            let name = format!("/usr/lib/gcc/arm-none-eabi/12.2.1/include/sys/header{number}.h");
            (name, Digest::of(&number.to_le_bytes()))
        })
        .collect();
    for link in [Link::Reflink, Link::Hardlink] {
        let place = directory.path().join(format!("{link:?}"));
        let store = Store::open(&place, Options { link, ..Options::default() }).unwrap();
        let object = directory.path().join("object.o");
        let mut keeping = Duration::ZERO;
        for (number, walk) in walks.iter().enumerate() {
            std::fs::write(&object, content(number)).unwrap();
            let files = [("out".to_owned(), object.clone())];
            let kept = Kept { found: &found, passed: &[], said: "", files: &files };
            let begun = Instant::now();
            let Claim::Held(_guard) = store.claim(&walk.key()) else { continue };
            store.keep("compile", &walk.key(), &walk.0, kept);
            keeping += begun.elapsed();
        }
        let begun = Instant::now();
        drop(store);
        println!(
            "{link:?}: {OBJECTS} claims and keeps {keeping:?}, then flush {:?}",
            begun.elapsed()
        );
        let store = Store::open(&place, Options { link, ..Options::default() }).unwrap();
        let mut best = [Duration::MAX; 2];
        for round in 0..5 {
            let to = place.join(format!("to{round}"));
            std::fs::create_dir(&to).unwrap();
            let mut times = [Duration::ZERO; 2];
            for (number, walk) in walks.iter().enumerate() {
                let begun = Instant::now();
                let record = store.find("compile", &walk.key()).unwrap();
                assert_eq!(record.entries[0].found.len(), HEADERS);
                times[0] += begun.elapsed();
                let path: [PathBuf; 1] = [to.join(format!("{number}.o"))];
                assert!(store.restore(&record.entries[0].outputs, &path).unwrap());
                times[1] += begun.elapsed();
            }
            best = [best[0].min(times[0]), best[1].min(times[1])];
        }
        println!("{link:?}: finds {:?}, finds and restores {:?}", best[0], best[1]);
        let begun = Instant::now();
        let verified = store.verify();
        println!("{link:?}: verify {:?} of {} files", begun.elapsed(), verified.blobs);
        let begun = Instant::now();
        store.gc(&Options::default().limits).unwrap();
        println!("{link:?}: gc {:?}", begun.elapsed());
        // Ten times what it takes: something would have gone wrong.
        assert!(best[1] < Duration::from_secs(1));
    }
}

fn walk(number: usize) -> Explanation {
    let mut walk = Explanation::default();
    walk.field("kind", "compile");
    for argument in 0..40 {
        walk.field("argument", &format!("-foption-number-{argument}"));
    }
    walk.field("input src/module.c", &Digest::of(&number.to_le_bytes()).to_string());
    walk
}

fn content(number: usize) -> Vec<u8> {
    (0..3000).map(|at| (at * 7 + at / 256 + number) as u8).chain(number.to_le_bytes()).collect()
}
