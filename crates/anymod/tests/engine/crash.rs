//! Builds that are killed or interrupted at any moment.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::tree::{Built, Numbers, Tree, leftovers, processes_in, signal, times};

/// Kills a process group and whatever works in the project, as a machine does that runs out of memory.
fn kill_all(tree: &Tree, group: u32) {
    signal("KILL", &format!("-{group}"));
    // Tools are in groups of their own, and one may just be starting another.
    while let [first, ..] = processes_in(&tree.root).as_slice() {
        signal("KILL", &first.to_string());
    }
}

#[test]
fn crash_killed_at_random_moments() {
    let long = std::env::var_os("ANYMOD_TORTURE").is_some();
    let tree = Tree::many(if long { 30 } else { 10 });
    let clock = Instant::now();
    tree.built();
    let whole = u64::try_from(clock.elapsed().as_millis()).unwrap();
    let expected = tree.dist();
    let mut numbers = Numbers::new("crash_killed_at_random_moments");
    for round in 0..times(10, 200) {
        tree.clean();
        if round % 2 == 0 {
            let _ = std::fs::remove_dir_all(&tree.store);
        }
        let mut child = tree.anymod(&["build"]);
        child.process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = child.spawn().unwrap();
        let after = numbers.below(whole);
        std::thread::sleep(Duration::from_millis(after));
        kill_all(&tree, child.id());
        child.wait().unwrap();
        for (path, bytes) in tree.dist() {
            assert!(
                path.ends_with(".tmp") || expected.get(&path) == Some(&bytes),
                "{path} after {after} ms"
            );
        }
        tree.verify();
        let built = tree.built();
        assert_eq!(built.codes(), [""; 0], "after {after} ms");
        assert!(tree.dist() == expected, "after {after} ms");
        assert_eq!(
            leftovers(&tree.root),
            [""; 0].map(std::path::PathBuf::from),
            "after {after} ms"
        );
        tree.verify();
    }
    // What killed builds left in the store goes with the next collection.
    let collected = tree.anymod(&["cache", "gc"]).output().unwrap();
    assert!(collected.status.success());
    assert_eq!(super::tree::files(&tree.store.join("v1/tmp")).len(), 0);
    tree.clean();
    assert_eq!(tree.built().ran(), [""; 0]);
}

/// A project whose compiler takes its time and does not listen.
fn stubborn(tree: &mut Tree, body: &str) {
    let body = format!(
        "case \"$*\" in *' -c '*) touch ../started; {body};; esac\nexec /usr/bin/gcc \"$@\""
    );
    tree.tool("gcc", &body);
}

fn wait_until_started(tree: &Tree) {
    let clock = Instant::now();
    while !tree.path("../started").exists() {
        assert!(clock.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn interrupted(built: &Built) {
    assert_eq!(built.code, Some(130), "{built:#?}");
    assert!(built.codes().iter().any(|code| code == "B0013"), "{built:#?}");
}

#[test]
fn crash_signals_end_a_build_cleanly() {
    for (name, body) in [
        ("INT", "sleep 30"),
        ("TERM", "trap '' TERM; sleep 30 & sleep 30; sleep 30"),
        ("HUP", "(trap '' TERM; sleep 30) & exec sleep 30"),
    ] {
        let mut tree = Tree::many(4);
        stubborn(&mut tree, body);
        let mut command = tree.anymod(&["build", "--format", "json", "-j", "3"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_until_started(&tree);
        std::thread::sleep(Duration::from_millis(100));
        let clock = Instant::now();
        signal(name, &child.id().to_string());
        let built = Built::of(child.wait_with_output().unwrap());
        assert!(clock.elapsed() < Duration::from_secs(5), "{name}: {:?}", clock.elapsed());
        interrupted(&built);
        assert_eq!(processes_in(&tree.root), [0; 0], "{name}");
        assert_eq!(leftovers(&tree.root), [""; 0].map(std::path::PathBuf::from), "{name}");
        tree.verify();
        tree.tool("gcc", "exec /usr/bin/gcc \"$@\"");
        tree.built();
        assert_eq!(tree.dist().len(), 4);
    }
}

#[test]
fn crash_a_key_on_a_terminal_ends_the_build() {
    let mut tree = Tree::one();
    stubborn(&mut tree, "sleep 30");
    let anymod = tree.anymod(&["build"]);
    let mut script = Command::new("script");
    script.arg("-qec").arg(format!("{} build", env!("CARGO_BIN_EXE_anymod"))).arg("/dev/null");
    for (name, value) in anymod.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    script.current_dir(&tree.root).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = script.spawn() else {
        panic!("`script` is missing; run `apt-get install bsdutils`")
    };
    wait_until_started(&tree);
    let mut keys = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut keys, b"\x03").unwrap();
    let clock = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(clock.elapsed() < Duration::from_secs(5));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("B0013"), "{said}");
    assert_eq!(processes_in(&tree.root), [0; 0]);
}

#[test]
fn crash_who_waits_for_another_build_can_be_interrupted() {
    let mut tree = Tree::one();
    stubborn(&mut tree, "sleep 30");
    let mut first =
        tree.anymod(&["build"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until_started(&tree);
    let mut second = tree.anymod(&["build", "--format", "json"]);
    let second = second.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let clock = Instant::now();
    signal("INT", &second.id().to_string());
    interrupted(&Built::of(second.wait_with_output().unwrap()));
    assert!(clock.elapsed() < Duration::from_secs(2), "{:?}", clock.elapsed());
    signal("INT", &first.id().to_string());
    assert_eq!(first.wait().unwrap().code(), Some(130));
}
