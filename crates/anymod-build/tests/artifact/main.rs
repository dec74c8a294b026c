//! Artifacts: what other builds make, kept and put in place. Each defect of the caches that people use for this is a test.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

mod machine;
#[path = "../support/program.rs"]
mod program;

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anymod_build::artifact::{Asked, How, Outcome, capture, populate};
use anymod_store::{Limits, Link};

use machine::{MANIFEST, Machine, Worktree, shell, write};

#[test]
fn worktrees_in_different_directories_share_what_one_captured() {
    let machine = Machine::new();
    let one = machine.worktree("one");
    assert_eq!(one.populate().outcome, Outcome::Miss { differences: None });
    one.build();
    std::fs::set_permissions(one.root.join("out/pi.node"), std::fs::Permissions::from_mode(0o755))
        .unwrap();
    let captured = one.capture().unwrap().pop().unwrap();
    let names: Vec<&str> = captured.outputs.iter().map(|output| output.name.as_str()).collect();
    assert_eq!(names, ["out/index.d.ts", "out/pi.node"]);
    // The input that is not there is told, and no more.
    let told: Vec<&str> =
        captured.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(told, ["input `.cargo/config.toml` of artifact `native` matches nothing"]);

    let other = machine.worktree("somewhere/else/two");
    let populated = other.populate();
    assert_eq!(populated.key, captured.key);
    assert!(matches!(populated.outcome, Outcome::Hit { ref removed, .. } if removed.is_empty()));
    assert_eq!(other.read("out/pi.node"), "machine code of pub fn f() {}");
    assert_eq!(other.read("out/index.d.ts"), "");
    let mode = |path: &str| other.root.join(path).metadata().unwrap().permissions().mode() & 0o111;
    assert_ne!(mode("out/pi.node"), 0);
    assert_eq!(mode("out/index.d.ts"), 0);
    // What is in place stays in place.
    let before = other.root.join("out/pi.node").metadata().unwrap().modified().unwrap();
    assert!(other.is_hit());
    assert_eq!(other.root.join("out/pi.node").metadata().unwrap().modified().unwrap(), before);
}

#[test]
fn whatever_decides_the_bytes_is_in_the_key() {
    let machine = Machine::new();
    let tree = machine.worktree("tree");
    tree.build();
    tree.capture().unwrap();
    assert!(tree.is_hit());
    type Change = fn(&Worktree<'_>);
    let changes: &[(&str, Change)] = &[
        ("input src/lib.rs differs", |tree| tree.write("src/lib.rs", "pub fn g() {}")),
        ("input src/untracked.rs is new", |tree| tree.write("src/untracked.rs", "")),
        ("input src/generated.rs differs", |tree| tree.write("src/generated.rs", "// changed")),
        ("input .cargo/config.toml differs", |tree| tree.write(".cargo/config.toml", "[build]")),
        ("input Cargo.lock is new", |tree| tree.write("Cargo.lock", "")),
        ("input src/link.rs is new", |tree| {
            symlink("lib.rs", tree.root.join("src/link.rs")).unwrap();
        }),
        ("input src/lib.rs differs", |tree| {
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(tree.root.join("src/lib.rs"), mode).unwrap();
        }),
        ("input src/generated.rs is gone", |tree| {
            std::fs::remove_file(tree.root.join("src/generated.rs")).unwrap();
        }),
    ];
    for (number, (told, change)) in changes.iter().enumerate() {
        let tree = machine.worktree(&format!("tree{number}"));
        assert!(tree.is_hit(), "{told}");
        change(&tree);
        assert!(
            tree.differences().contains(&(*told).to_owned()),
            "{told}: {:?}",
            tree.differences()
        );
    }
    // What was left out is left out, and what outputs are is none.
    tree.write("src/notes.md", "nothing of importance");
    tree.write("out/pi.node", "damaged by hand");
    assert!(tree.is_hit());
    assert_eq!(tree.read("out/pi.node"), "machine code of pub fn f() {}");
}

#[test]
fn a_file_that_changes_behind_a_link_is_noticed() {
    let machine = Machine::new();
    let tree = machine.worktree("tree");
    write(&machine.path("shared.rs"), "one");
    symlink("../../shared.rs", tree.root.join("src/shared.rs")).unwrap();
    tree.build();
    tree.capture().unwrap();
    write(&machine.path("shared.rs"), "two");
    assert_eq!(tree.differences(), ["input src/shared.rs differs"]);
}

#[test]
fn variables_tools_and_the_command_line_are_in_the_key() {
    let mut machine = Machine::new();
    let tree = machine.worktree("tree");
    tree.build();
    tree.capture().unwrap();
    let plain = machine.environment.clone();
    for (name, told) in [
        ("RUSTFLAGS", "environment RUSTFLAGS differs"),
        ("CARGO_PROFILE", "environment CARGO_PROFILE is new"),
    ] {
        machine.environment = machine.environment(name, "-Copt-level=0");
        assert_eq!(
            Worktree { machine: &machine, ..machine.worktree("tree") }.differences(),
            [told]
        );
        // Set to nothing is not the same as not set.
        machine.environment = plain.clone().with(name, "");
        assert_eq!(machine.worktree("tree").differences(), [told]);
        machine.environment = plain.clone().with("UNRELATED", "x");
        assert!(machine.worktree("tree").is_hit());
        machine.environment = plain.clone();
    }
    let mut tree = machine.worktree("tree");
    for (asked, told) in [
        (Asked { target: Some("x".into()), ..Asked::default() }, "target differs"),
        (Asked { variant: Some("modern".into()), ..Asked::default() }, "variant differs"),
        (Asked { flags: vec!["--release".into()], ..Asked::default() }, "flag is new"),
    ] {
        tree.asked = asked;
        assert_eq!(tree.differences(), [told]);
    }
    tree.asked = Asked::default();
    assert!(tree.is_hit());
    // Another program behind the same path, and the same program that says something else.
    machine.tool("echo compiler 1 # rebuilt");
    assert_eq!(tree.differences(), ["tool compiler differs"]);
    machine.tool("cat channel");
    tree.write("channel", "stable");
    tree.build();
    tree.capture().unwrap();
    assert!(tree.is_hit());
    tree.write("channel", "nightly");
    assert_eq!(tree.differences(), ["tool compiler differs"]);
    std::fs::remove_file(machine.path("tools/compiler")).unwrap();
    assert_eq!(populate(&tree.request()).unwrap_err().0[0].code.id, "S0103");
}

#[test]
fn a_set_of_which_something_is_gone_or_damaged_is_a_miss_and_writes_nothing() {
    for damage in [
        (|blob| std::fs::remove_file(blob).unwrap()) as fn(&Path),
        |blob| {
            std::fs::set_permissions(blob, std::fs::Permissions::from_mode(0o644)).unwrap();
            let length = std::fs::metadata(blob).unwrap().len();
            std::fs::write(blob, vec![b'x'; length as usize]).unwrap();
        },
        |blob| {
            std::fs::set_permissions(blob, std::fs::Permissions::from_mode(0o644)).unwrap();
            std::fs::OpenOptions::new().write(true).open(blob).unwrap().set_len(1).unwrap();
        },
    ] {
        let machine = Machine::new();
        let one = machine.worktree("one");
        one.build();
        one.capture().unwrap();
        let big = |blob: &PathBuf| blob.metadata().unwrap().len() > 0;
        damage(&machine.blobs().into_iter().find(big).unwrap());
        let two = machine.worktree("two");
        two.write("out/stale.node", "stays on a miss");
        assert_eq!(two.differences(), [""; 0]);
        assert_eq!(std::fs::read_dir(two.root.join("out")).unwrap().count(), 1);
        let three = machine.worktree("three");
        assert!(!three.is_hit());
        assert!(!three.has("out"), "not even a directory");
        // Mended by capturing again.
        one.capture().unwrap();
        assert!(three.is_hit());
    }
}

#[test]
fn leftovers_that_look_like_outputs_are_removed() {
    let machine = Machine::new();
    let one = machine.worktree("one");
    one.build();
    one.capture().unwrap();
    let two = machine.worktree("two");
    two.write("out/pi-old-variant.node", "would be loaded by mistake");
    two.write("out/README", "no output");
    symlink("pi.node", two.root.join("out/link.node")).unwrap();
    let Outcome::Hit { removed, .. } = two.populate().outcome else { panic!("a miss") };
    assert_eq!(removed, ["out/link.node", "out/pi-old-variant.node"]);
    assert!(two.has("out/pi.node") && two.has("out/README") && !two.has("out/link.node"));
}

#[test]
fn only_complete_sets_without_empty_files_are_kept() {
    let machine = Machine::new();
    let tree = machine.worktree("tree");
    tree.write("out/pi.node", "code");
    assert_eq!(tree.refused(&How::default()), ["S0104"]);
    tree.build();
    tree.write("out/pi.node", "");
    assert_eq!(tree.refused(&How::default()), ["S0105"]);
    assert_eq!(tree.refused(&How { trust_outputs: true, ..How::default() }), ["S0105"]);
    assert!(machine.blobs().is_empty());
    tree.build();
    tree.capture().unwrap();
}

#[test]
fn outputs_of_other_inputs_are_not_kept() {
    let machine = Machine::new();
    let mut tree = machine.worktree("tree");
    tree.build();
    std::thread::sleep(Duration::from_millis(30));
    tree.write("src/lib.rs", "edited after the build");
    // Times that anybody can set do not help.
    let back = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    std::fs::File::open(tree.root.join("src/lib.rs")).unwrap().set_modified(back).unwrap();
    let findings = tree.capture().unwrap_err().0;
    assert_eq!(findings[0].code.id, "S0106");
    assert_eq!(findings[0].notes, ["it is older than the input `src/lib.rs`"]);
    tree.build();
    tree.capture().unwrap();
    // Another variant that nobody has built.
    tree.asked.variant = Some("modern".to_owned());
    assert_eq!(tree.refused(&How::default()), ["S0106", "S0106"]);
    tree.asked.variant = None;
    let other = machine.worktree("other");
    other.write("src/lib.rs", "edited after the build");
    assert!(other.is_hit());
    let other =
        Worktree { asked: Asked { variant: Some("x".into()), ..Asked::default() }, ..other };
    assert_eq!(other.refused(&How::default()), ["S0106", "S0106"]);
    let trust = How { trust_outputs: true, ..How::default() };
    capture(&other.request(), &trust).unwrap();
    assert!(other.is_hit());
}

#[test]
fn a_command_makes_the_outputs_of_inputs_that_stay_the_same() {
    let machine = Machine::new();
    let tree = machine.worktree("tree");
    let build = |tree: &Worktree<'_>, more: &str| {
        let root = tree.root.display();
        shell(&format!(
            "cd {root}; mkdir -p out; echo code > out/pi.node; touch out/index.d.ts; {more}"
        ))
    };
    assert_eq!(tree.refused(&build(&tree, "exit 3")), ["B0001"]);
    assert_eq!(tree.refused(&build(&tree, "echo generated > src/new.rs")), ["S0107"]);
    assert_eq!(tree.refused(&build(&tree, "echo changed > src/lib.rs")), ["S0107"]);
    assert_eq!(tree.refused(&build(&tree, "rm out/pi.node")), ["S0104"]);
    assert!(machine.blobs().is_empty());
    tree.write("out/pi-leftover.node", "of another variant");
    std::thread::sleep(Duration::from_millis(30));
    assert_eq!(tree.refused(&build(&tree, "")), ["S0106"]);
    std::fs::remove_file(tree.root.join("out/pi-leftover.node")).unwrap();
    capture(&tree.request(), &build(&tree, "")).unwrap();
    assert!(tree.is_hit());
    // A command that finds everything made.
    capture(&tree.request(), &shell("true")).unwrap();
}

#[test]
fn names_are_never_paths() {
    let machine = Machine::new();
    let tree = machine.worktree("tree");
    let section = |name: &str, output: &str| {
        format!("[artifact.\"{name}\"]\ninputs = [\"src\"]\noutputs = [\"{output}\"]\n")
    };
    let manifest = section("a__b/c", "one.node") + &section("a/b__c", "two.node");
    tree.write("anymod.toml", &manifest.replace("two.node", "one.node"));
    tree.write("one.node", "one");
    let keys: Vec<_> = tree.capture().unwrap().iter().map(|captured| captured.key).collect();
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn nothing_is_read_or_written_through_a_way_out_of_the_project() {
    let machine = Machine::new();
    let one = machine.worktree("one");
    one.build();
    one.capture().unwrap();
    let two = machine.worktree("two");
    std::fs::create_dir(machine.path("elsewhere")).unwrap();
    symlink(machine.path("elsewhere"), two.root.join("out")).unwrap();
    let refused = populate(&two.request()).unwrap_err().0;
    assert_eq!(refused[0].code.id, "B0014");
    assert_eq!(std::fs::read_dir(machine.path("elsewhere")).unwrap().count(), 0);
    // A link in place of an output is replaced, not followed.
    let three = machine.worktree("three");
    write(&machine.path("victim"), "untouched");
    std::fs::create_dir(three.root.join("out")).unwrap();
    symlink(machine.path("victim"), three.root.join("out/pi.node")).unwrap();
    assert!(three.is_hit());
    assert_eq!(std::fs::read_to_string(machine.path("victim")).unwrap(), "untouched");
    assert_eq!(three.read("out/pi.node"), "machine code of pub fn f() {}");
}

#[test]
fn outputs_and_what_git_keeps_are_no_inputs() {
    let machine = Machine::new();
    let all = MANIFEST.replace("[\"src\", \"Cargo.*\", \".cargo/config.toml\"]", "[\".\"]");
    let trees = ["one", "two"].map(|name| machine.worktree(name));
    for tree in &trees {
        tree.write("anymod.toml", &all);
        // In a worktree it names the place of the repository.
        tree.write(".git", &format!("gitdir: {}", tree.root.display()));
    }
    let [one, two] = trees;
    one.build();
    one.capture().unwrap();
    assert!(two.is_hit() && two.is_hit() && one.is_hit());
    two.write("out/other.txt", "beside the outputs");
    assert_eq!(two.differences(), ["input out/other.txt is new"]);
}

#[test]
fn links_to_directories_are_followed_where_they_are_declared() {
    let machine = Machine::new();
    let tree = machine.worktree("tree");
    for (from, to) in [("real-src", "src"), ("real-out", "out")] {
        std::fs::create_dir_all(tree.root.join(from)).unwrap();
        let _ = std::fs::remove_dir_all(tree.root.join(to));
        symlink(from, tree.root.join(to)).unwrap();
    }
    tree.write("anymod.toml", &MANIFEST.replace("\"out/*.node\", \"out/index.d.ts\"", "\"out\""));
    tree.write("src/lib.rs", "behind a link");
    tree.build();
    tree.capture().unwrap();
    std::fs::remove_file(tree.root.join("out/pi.node")).unwrap();
    assert!(tree.is_hit());
    assert_eq!(tree.read("real-out/pi.node"), "machine code of behind a link");
    assert!(tree.root.join("out").is_symlink());
    tree.write("real-src/lib.rs", "changed behind it");
    assert_eq!(tree.differences(), ["input src/lib.rs differs"]);
}

#[test]
fn writing_through_a_hard_link_never_reaches_another_worktree() {
    let mut machine = Machine::new();
    machine.options.link = Link::Hardlink;
    let one = machine.worktree("one");
    one.build();
    one.capture().unwrap();
    let two = machine.worktree("two");
    assert!(two.is_hit());
    let output = two.root.join("out/pi.node");
    std::fs::set_permissions(&output, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(&output, "written in place").unwrap();
    let three = machine.worktree("three");
    assert_eq!(three.differences(), [""; 0], "the damage is noticed");
    assert!(!three.has("out/pi.node"));
    one.build();
    one.capture().unwrap();
    assert!(three.is_hit());
    assert_eq!(three.read("out/pi.node"), "machine code of pub fn f() {}");
}

#[test]
fn collecting_garbage_meanwhile_leaves_no_half_sets() {
    let machine = Machine::new();
    let one = machine.worktree("one");
    one.build();
    let request = one.request();
    let store = request.store.open().unwrap();
    let limits = Limits { bytes: Some(0), ..Limits::default() };
    std::thread::scope(|scope| {
        let collector = scope.spawn(|| {
            for _ in 0..60 {
                store.gc(&limits).unwrap();
                std::thread::sleep(Duration::from_millis(3));
            }
        });
        let mut hits = 0;
        while !collector.is_finished() {
            one.capture().unwrap_or_else(|errors| {
                // Collected before it was read back: told, and nothing else.
                assert!(errors.0.iter().all(|error| error.code.id == "S0108"), "{errors}");
                Vec::new()
            });
            let two = machine.worktree("two");
            let _ = std::fs::remove_dir_all(two.root.join("out"));
            if two.is_hit() {
                hits += 1;
                assert_eq!(two.read("out/pi.node"), "machine code of pub fn f() {}");
                assert!(two.has("out/index.d.ts"));
            } else {
                assert!(!two.has("out"));
            }
        }
        collector.join().unwrap();
        hits
    });
}

#[test]
fn many_worktrees_at_once() {
    let machine = Machine::new();
    let trees: Vec<Worktree<'_>> =
        (0..6).map(|number| machine.worktree(&format!("tree{number}"))).collect();
    let work = &|tree: &Worktree<'_>| {
        if !tree.is_hit() {
            let make = "mkdir -p out; printf code >out/pi.node; : >out/index.d.ts";
            let how = shell(&format!("cd {}; {make}", tree.root.display()));
            capture(&tree.request(), &how).unwrap();
        }
        tree.is_hit()
    };
    // Two in each worktree.
    let all = trees.iter().chain(&trees);
    let hits: Vec<bool> = std::thread::scope(|scope| {
        let threads: Vec<_> = all.map(|tree| scope.spawn(move || work(tree))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(hits, [true; 12]);
    assert!(trees.iter().all(|tree| tree.read("out/pi.node") == "code"));
}

#[test]
fn a_second_look_at_a_large_tree_reads_nothing() {
    let machine = Machine::new();
    let tree = machine.worktree("tree");
    for number in 0..500 {
        tree.write(&format!("src/{}/{number}.rs", number % 7), &number.to_string());
    }
    std::thread::sleep(Duration::from_millis(150));
    let key = tree.populate().key;
    let unreadable = tree.root.join("src/3/3.rs");
    let accessed = unreadable.metadata().unwrap().accessed().unwrap();
    assert_eq!(tree.populate().key, key);
    assert_eq!(unreadable.metadata().unwrap().accessed().unwrap(), accessed);
    let log = std::fs::read_to_string(tree.root.join("build/.anymod-artifacts/log")).unwrap();
    assert!(log.contains("src/3/3.rs"));
    // The same with the log damaged.
    tree.write("build/.anymod-artifacts/log", &log.replace('3', "4"));
    assert_eq!(tree.populate().key, key);
}

#[test]
fn what_cannot_be_read_is_not_left_out() {
    let machine = Machine::new();
    let tree = machine.worktree("tree");
    tree.build();
    tree.write("anymod.toml", "[artifact.a]\ninputs = [\"nothing\"]\noutputs = [\"out\"]\n");
    assert_eq!(tree.refused(&How::default()), ["S0102"]);
    let mut request = tree.request();
    request.names = vec!["b".to_owned()];
    assert_eq!(populate(&request).unwrap_err().0[0].code.id, "M0019");
    tree.write("anymod.toml", "[module.m]\nsources = [\"m.c\"]\n");
    for names in [vec![], vec!["m".to_owned()]] {
        request.names = names;
        assert_eq!(populate(&request).unwrap_err().0[0].code.id, "M0019");
    }
}
