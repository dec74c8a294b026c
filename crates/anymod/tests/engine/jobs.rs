//! How many tools run at once, and what is told of them.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anymod_model::event::{Event, Outcome};

use super::tree::{Tree, copy_sources, module_c};

/// A compiler that notes how many of it run while it does.
fn counting(tree: &mut Tree) -> PathBuf {
    let base = tree.root.parent().unwrap().to_owned();
    std::fs::create_dir_all(base.join("running")).unwrap();
    let body = format!(
        "case \"$*\" in *' -c '*) mkdir '{0}/running/'$$; sleep 0.05; ls '{0}/running' | wc -l >> '{0}/counts'; \
         /usr/bin/gcc \"$@\"; status=$?; rmdir '{0}/running/'$$; exit $status;; esac\nexec /usr/bin/gcc \"$@\"",
        base.display()
    );
    tree.tool("gcc", &body);
    base.join("counts")
}

/// The most that ran at once, and how often a compiler ran.
fn most(counts: &PathBuf) -> (usize, usize) {
    let text = std::fs::read_to_string(counts).unwrap();
    let counts: Vec<usize> = text.lines().map(|line| line.trim().parse().unwrap()).collect();
    (counts.iter().copied().max().unwrap(), counts.len())
}

#[test]
fn jobs_as_many_at_once_as_asked_for() {
    for (jobs, expected) in [("1", 1), ("4", 4)] {
        let mut tree = Tree::many(8);
        let counts = counting(&mut tree);
        tree.build(&["-j", jobs]).ok();
        assert_eq!(most(&counts), (expected, 8), "-j{jobs}");
    }
}

/// Runs make in the directory that holds the tree; what it said.
fn make(tree: &Tree, makefile: &str, arguments: &[&str]) -> String {
    let base = tree.root.parent().unwrap();
    std::fs::write(base.join("Makefile"), makefile).unwrap();
    let anymod = tree.anymod(&[]);
    let mut command = Command::new("make");
    command.args(arguments).current_dir(base).stdin(Stdio::null());
    for (name, value) in anymod.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

#[test]
fn jobs_two_builds_share_the_jobserver_of_make() {
    let mut tree = Tree::many(6);
    let counts = counting(&mut tree);
    let other = tree.root.with_file_name("other");
    copy_sources(&tree.root, &other);
    let build =
        |at: &str| format!("\t+cd {at} && {} build --no-store\n", env!("CARGO_BIN_EXE_anymod"));
    let makefile = format!("all: one two\none:\n{}two:\n{}", build("tree"), build("other"));
    let said = make(&tree, &makefile, &["-j2"]);
    assert_eq!(most(&counts), (2, 12), "{said}");
    assert!(!said.contains("jobserver"), "{said}");
}

#[test]
fn jobs_a_tool_that_is_make_takes_part() {
    let mut tree = Tree::many(3);
    let base = tree.root.parent().unwrap().to_owned();
    std::fs::create_dir(base.join("running")).unwrap();
    let recipe = format!(
        "all: a b c\na b c:\n\t@mkdir {0}/running/$$$$; sleep 0.1; ls {0}/running | wc -l >> {0}/counts; rmdir {0}/running/$$$$\n",
        base.display()
    );
    std::fs::write(base.join("inner.mk"), recipe).unwrap();
    let body = format!(
        "case \"$*\" in *' -c '*) make -s -f '{}/inner.mk' || exit 1;; esac\nexec /usr/bin/gcc \"$@\"",
        base.display()
    );
    tree.tool("gcc", &body);
    let built = tree.build(&["-j", "3"]).ok();
    assert!(!format!("{built:?}").contains("jobserver unavailable"), "{built:#?}");
    let (most, runs) = most(&base.join("counts"));
    assert_eq!(runs, 9);
    assert!((2..=3).contains(&most), "{most} at once");
}

#[test]
fn jobs_the_first_failure_stops_unless_told_to_go_on() {
    let tree = Tree::many(12);
    for number in [0, 5] {
        tree.write(&format!("m{number}.c"), "int x = ;\n");
    }
    let built = tree.build(&["-j", "1"]);
    assert_eq!((built.code, built.failed().len()), (Some(4), 1), "{built:#?}");
    assert!(built.totals().skipped > 0);
    let built = tree.build(&["--keep-going"]);
    assert_eq!(
        (built.code, built.failed()),
        (Some(4), vec!["compile m0.c".to_owned(), "compile m5.c".to_owned()])
    );
    assert_eq!((tree.dist().len(), built.totals().installed), (10, 10));
    // For people: the command once, and what the tool said as it said it.
    let output = tree.anymod(&["build", "-j", "1"]).output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(said.matches("-c m0.c").count(), 1, "{said}");
    assert!(said.contains("m0.c:1:9: error: expected expression before ‘;’ token\n"), "{said}");
}

/// What a compiler said, as the stream has it.
fn said(tree: &Tree) -> (Option<i32>, String) {
    let built = tree.build(&[]);
    let output = built.events.iter().find_map(|event| match event {
        Event::ActionFinished { outcome: Outcome::Ran | Outcome::Failed, output, .. }
            if !output.is_empty() =>
        {
            Some(output.clone())
        }
        _ => None,
    });
    (built.code, output.unwrap_or_default())
}

#[test]
fn jobs_compilers_that_say_odd_things_or_much() {
    let mut tree = Tree::one();
    let compiler =
        |body: &str| format!("case \"$*\" in *' -c '*) {body};; esac\nexec /usr/bin/gcc \"$@\"");
    tree.tool("gcc", &compiler("printf 'caf\\351 \\033[1mbold\\033[m \\000 end\\n'"));
    // The stream is JSON, which is UTF-8: a byte that is no text is shown as U+FFFD, everything else as it is.
    assert_eq!(said(&tree), (Some(0), "caf\u{fffd} \u{1b}[1mbold\u{1b}[m \0 end\n".to_owned()));
    tree.tool("gcc", &compiler("head -c 10000000 /dev/zero | tr '\\000' x"));
    let clock = Instant::now();
    assert_eq!(said(&tree).1.len(), 10_000_000);
    tree.clean();
    let built = tree.built();
    assert_eq!(built.ran(), [""; 0]);
    assert!(clock.elapsed() < Duration::from_secs(20), "{:?}", clock.elapsed());
    tree.tool("gcc", &compiler("sleep 20 & echo started"));
    let clock = Instant::now();
    assert_eq!(said(&tree), (Some(0), "started\n".to_owned()));
    assert!(clock.elapsed() < Duration::from_secs(5), "{:?}", clock.elapsed());
    tree.tool("gcc", &compiler("kill -SEGV $$"));
    let built = tree.build(&[]);
    assert_eq!(built.code, Some(4));
    assert!(format!("{built:?}").contains("killed by signal 11"), "{built:#?}");
    tree.tool("gcc", &compiler("exit 0"));
    tree.write("m.c", module_c("twice", "9"));
    let built = tree.build(&[]);
    assert_ne!(built.code, Some(0), "a compiler that makes nothing: {built:#?}");
}
