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

/// Where a compilation by a zig that never comes to its end has left word that it has begun.
const BEGUN: &str = "begun";

/// A home whose zig is the usual one, but begins to compile and does not end.
fn with_endless_zig(mut tree: Tree) -> Tree {
    let real = machine::anymod_home().join("toolchains");
    let name = crate::tree::files(&real).into_iter().find(|path| path.ends_with("zig"));
    let real = name.unwrap().parent().unwrap().to_owned();
    let home = tree.base.path().join("home");
    let zig = home.join("toolchains").join(real.file_name().unwrap());
    std::fs::create_dir_all(zig.join("lib/libc/include")).unwrap();
    // As much of it as compilations for the target name.
    for part in ["include", "libc/include/generic-musl", "libc/include/x86_64-linux-musl"] {
        let part = Path::new("lib").join(part);
        std::os::unix::fs::symlink(real.join(&part), zig.join(&part)).unwrap();
    }
    let begun = tree.base.path().join(BEGUN).display().to_string();
    let real = real.join("zig").display().to_string();
    crate::support::program::script(
        &zig.join("zig"),
        &format!(
            "case \"$*\" in *\" -c m.c \"*) : >'{begun}'; exec sleep 3600 ;; esac\nexec '{real}' \"$@\""
        ),
    );
    tree.set("ANYMOD_TOOLCHAIN", "zig");
    tree.set("ANYMOD_HOME", home.to_str().unwrap());
    tree
}

#[test]
fn this_machine_wins_if_no_worker_ends() {
    let here = with_zig(Tree::one());
    here.built();
    let farm = Arc::new(Farm::new(8, FOREVER, copying(&here.root)));
    let tree = sending(with_zig(Tree::one()), &farm, "race");
    let built = tree.built();
    assert_eq!((built.totals().remote_ran, built.codes()), (0, Vec::new()), "{built:#?}");
    assert_eq!(tree.dist(), here.dist());
    assert_eq!(tree.build(&[]).ok().ran(), [""; 0], "it is fresh");
}

#[test]
fn a_worker_wins_if_this_machine_does_not_end() {
    let here = with_zig(Tree::one());
    here.built();
    let tree = with_endless_zig(Tree::one());
    let (begun, copy) = (tree.base.path().join(BEGUN), copying(&here.root));
    // The worker is not done before this machine has begun.
    let work = move |command: &Command| {
        while !begun.exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        copy(command)
    };
    let farm = Arc::new(Farm::new(8, Duration::ZERO, Box::new(work)));
    let tree = sending(tree, &farm, "race");
    let built = tree.built();
    assert_eq!((built.totals().remote_ran, built.codes()), (1, Vec::new()), "{built:#?}");
    assert_eq!(tree.dist(), here.dist());
    assert!(crate::tree::processes_in(&tree.root).is_empty(), "the compiler here was called off");
    assert_eq!(tree.build(&[]).ok().ran(), [""; 0], "it is fresh");
}

#[test]
fn without_a_race_workers_do_what_they_can() {
    let here = with_zig(Tree::one());
    here.built();
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
