//! Remote execution by a server that does what it is told to: races, sick workers, sources that change meanwhile.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anymod_remote::message::Command;

use crate::stub::Answer;
use crate::stub::farm::{Farm, Work};
use crate::support::machine;
use crate::tree::{Tree, copy_sources};

/// An hour: longer than any test.
const FOREVER: Duration = Duration::from_secs(3600);

fn with_zig(mut tree: Tree) -> Tree {
    tree.set("ANYMOD_TOOLCHAIN", "zig");
    tree.set("ANYMOD_HOME", machine::anymod_home().to_str().unwrap());
    tree
}

/// A tree whose compilations go to a farm.
fn sending(mut tree: Tree, farm: &Arc<Farm>, fallback: &str) -> Tree {
    tree.set("ANYMOD_REMOTE", &format!("grpc://127.0.0.1:{}", farm.start()));
    tree.set("ANYMOD_REMOTE_MODE", "read-write");
    tree.set("ANYMOD_REMOTE_TIMEOUT", "120");
    tree.set("ANYMOD_REMOTE_EXECUTE", "true");
    tree.set("ANYMOD_REMOTE_LOCAL_FALLBACK", fallback);
    tree
}

/// Workers that make what was made in a tree that was built here.
fn copying(root: &Path) -> Box<Work> {
    let root = root.to_owned();
    Box::new(move |command: &Command| {
        let outputs = command.output_paths.iter();
        let made = |path: &String| std::fs::read(root.join(path)).unwrap_or(b"m.o: m.c\n".to_vec());
        outputs.map(|path| (path.clone(), made(path))).collect::<BTreeMap<_, _>>()
    })
}

#[test]
fn whoever_is_first_wins_and_the_bytes_are_the_same() {
    let here = with_zig(Tree::one());
    here.built();
    for (latency, executed) in [(FOREVER, 0), (Duration::ZERO, 1)] {
        let farm = Arc::new(Farm::new(8, latency, copying(&here.root)));
        // If nobody answers, a processor here is first; if somebody does at once, either may be.
        let tree = sending(with_zig(Tree::one()), &farm, "race");
        let built = tree.built();
        assert_eq!(tree.dist(), here.dist());
        assert!(built.totals().remote_ran <= executed, "{built:#?}");
        assert!(built.codes().is_empty(), "{built:#?}");
        assert_eq!(tree.build(&[]).ok().ran(), [""; 0], "whoever made it, it is fresh");
    }
    let farm = Arc::new(Farm::new(8, Duration::ZERO, copying(&here.root)));
    let tree = sending(with_zig(Tree::one()), &farm, "failure");
    assert_eq!(tree.built().totals().remote_ran, 1);
    assert_eq!(tree.dist(), here.dist());
}

#[test]
fn what_is_explained_is_what_is_sent() {
    let here = with_zig(Tree::one());
    here.built();
    let farm = Arc::new(Farm::new(8, Duration::ZERO, copying(&here.root)));
    let tree = sending(with_zig(Tree::one()), &farm, "failure");
    tree.built();
    let explained = |action: &str| {
        let output = tree.anymod(&["remote", "explain", action, "--format", "json"]).output();
        let output = output.unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let mut objects = crate::tree::files(&tree.root.join("build"));
    objects.retain(|path| path.to_string_lossy().ends_with("m.c.o"));
    let object = objects.first().unwrap().strip_prefix(&tree.root).unwrap().to_str().unwrap();
    let (code, text) = explained(object);
    assert_eq!(code, Some(0));
    let (_, digest) = text.split_once("\"action\":{\"digest\":{\"hash\":\"").unwrap();
    let digest = &digest[..64];
    assert!(farm.did(digest), "{text}");
    assert_eq!(explained(digest).1, text, "by its digest, it is the same");
    assert_eq!(explained("dist/micropython-x64/m.mpy").0, Some(2), "linked here");
    assert_eq!(explained("nowhere").0, Some(2));
}

#[test]
fn a_sick_farm_costs_its_help_alone() {
    let here = with_zig(Tree::one());
    here.built();
    let sick = |method: &str, _| (method == "Execute").then_some(Answer::Status(13, "worker died"));
    let farm = Farm::new(8, Duration::ZERO, copying(&here.root)).failing(Box::new(sick));
    let farm = Arc::new(farm);
    let tree = sending(with_zig(Tree::one()), &farm, "failure");
    let built = tree.built();
    assert_eq!(tree.dist(), here.dist());
    assert_eq!((built.totals().remote_ran, built.codes()), (0, vec!["F0007".to_owned()]));
    assert!(built.stderr.contains("worker died"), "{}", built.stderr);
}

#[test]
fn what_was_made_of_a_source_that_changed_meanwhile_is_kept_nowhere() {
    let here = with_zig(Tree::one());
    here.built();
    let tree = with_zig(Tree::one());
    let (source, copy) = (tree.root.join("m.c"), copying(&here.root));
    let work = move |command: &Command| {
        // Changed while a worker compiles it, and made to look old.
        let text = std::fs::read_to_string(&source).unwrap();
        std::fs::write(&source, format!("{text}\n/* changed */\n")).unwrap();
        let file = std::fs::File::options().append(true).open(&source).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000)).unwrap();
        copy(command)
    };
    let farm = Arc::new(Farm::new(8, Duration::ZERO, Box::new(work)));
    let original = with_zig(Tree::new(&[]));
    copy_sources(&tree.root, &original.root);
    let tree = sending(tree, &farm, "failure");
    assert_eq!(tree.built().totals().remote_ran, 1);
    assert!(!farm.results.lock().unwrap().is_empty(), "the rest is given");
    let other = sending(original, &farm, "failure");
    let hits = other.build(&["--remote-mode", "read"]).ok().hits();
    assert!(!hits.contains(&"compile m.c".to_owned()), "{hits:?}");
    assert!(tree.build(&["--no-remote"]).ok().ran().contains(&"compile m.c".to_owned()));
}
