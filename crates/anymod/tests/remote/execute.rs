//! Remote execution: in sandboxes with nothing of the machine in them, with the bytes that a build here makes.

use std::path::Path;

use anymod_model::event::{ActionKind, Event, Outcome};

use crate::cache::connected;
use crate::server::Server;
use crate::support::machine;
use crate::tree::{Built, Tree, copy_sources, module_c};

/// The targets of MicroPython that zig compiles for, as far as an example has them.
const TARGETS: [&str; 8] = [
    "-t",
    "micropython-x8*",
    "-t",
    "micropython-x6*",
    "-t",
    "micropython-arm*",
    "-t",
    "micropython-rv*",
];

/// A project that is compiled by the managed zig.
fn with_zig(mut tree: Tree) -> Tree {
    tree.set("ANYMOD_TOOLCHAIN", "zig");
    tree.set("ANYMOD_HOME", machine::anymod_home().to_str().unwrap());
    tree
}

fn executing(tree: Tree, server: &Server) -> Tree {
    let mut tree = connected(tree, server, "read");
    tree.set("ANYMOD_REMOTE_EXECUTE", "true");
    tree
}

fn example(directory: &Path) -> Tree {
    let tree = with_zig(Tree::new(&[]));
    copy_sources(directory, &tree.root);
    tree
}

/// One server for all of it: a toolchain takes its time to get there.
#[test]
fn workers_make_what_this_machine_makes() {
    let server = Server::executor();
    examples_for_all_targets_of_zig_are_the_same_bytes(&server);
    headers_that_a_scan_cannot_follow_are_looked_for_here(&server);
    a_mistake_in_a_source_is_told_as_the_compiler_here_tells_it(&server);
    is_tried_out(&server, "ok");
}

/// What Pythons compile with their own compilers, whatever is asked for.
const PYTHONS: [&str; 4] = [
    "cpython-3.11 distance.c",
    "cpython-3.11 python.c",
    "pyodide-0.29.5 distance.c",
    "pyodide-0.29.5 python.c",
];

/// The examples, what is built of each besides the targets of MicroPython, how many compilations workers do of it, and which
/// ones are done here, because zig does not do them.
const EXAMPLES: [(&str, &[&str], usize, &[&str]); 6] = [
    ("bits", &[], 16, &[]),
    ("distance", &["-t", "cpython-3.11", "-t", "pyodide-0.29.5"], 16, &PYTHONS),
    ("dsp", &[], 8, &[]),
    ("framing", &[], 8, &[]),
    ("qrcode", &["-t", "wasi", "-t", "native"], 42, &[]),
    ("vectors", &["-t", "node-linux-x64", "--variant", "all"], 5, &[]),
];

fn examples_for_all_targets_of_zig_are_the_same_bytes(server: &Server) {
    for (name, more, executed, kept) in EXAMPLES {
        let directory = machine::repository().join("examples").join(name);
        let targets = if name == "vectors" { &[] } else { &TARGETS[..] };
        let targets = [targets, more].concat();
        let here = example(&directory);
        here.build(&[&targets[..], &["--no-store"]].concat()).ok();
        let there = executing(example(&directory), server);
        let remote = there.build(&targets).ok();
        assert!(there.dist() == here.dist(), "{name}: {:?}", there.dist().keys());
        assert_eq!(compiled_here(&remote), kept, "{name}: {:#?}", remote.codes());
        assert_eq!(remote.totals().remote_ran, executed, "{name}: {:#?}", remote.codes());
    }
}

/// The compilations that this machine did, and for what.
fn compiled_here(built: &Built) -> Vec<String> {
    let compiled = |event: &Event| match event {
        Event::ActionFinished { action, outcome: Outcome::Ran, remote: None, .. }
            if action.kind == ActionKind::Compile =>
        {
            Some(format!("{} {}", action.target, action.subject))
        }
        _ => None,
    };
    let mut here: Vec<String> = built.events.iter().filter_map(compiled).collect();
    here.sort();
    here
}

#[test]
fn what_cannot_be_done_there_is_done_here_and_told() {
    let server = Server::cache();
    let tree = executing(with_zig(Tree::one()), &server);
    let built = tree.built();
    assert_eq!(built.totals().remote_ran, 0);
    assert!(built.codes().contains(&"F0007".to_owned()), "{built:#?}");
    let here = with_zig(Tree::one());
    here.built();
    assert_eq!(tree.dist(), here.dist());
}

fn headers_that_a_scan_cannot_follow_are_looked_for_here(server: &Server) {
    let source = format!("#define H \"factor.h\"\n#include H\n{}", module_c("twice", "FACTOR"));
    let tree = Tree::one();
    tree.write("m.c", source);
    tree.write("factor.h", "#define FACTOR 2\n");
    let tree = executing(with_zig(tree), server);
    let built = tree.built();
    assert_eq!((built.totals().remote_ran, built.codes()), (0, Vec::new()), "{built:#?}");
    tree.write("m.c", format!("#include \"factor.h\"\n{}", module_c("twice", "FACTOR")));
    assert_eq!(tree.built().totals().remote_ran, 1);
    // The header counts as one that the action read.
    tree.write("factor.h", "#define FACTOR 3\n");
    assert!(tree.built().ran().contains(&"compile m.c".to_owned()));
}

fn a_mistake_in_a_source_is_told_as_the_compiler_here_tells_it(server: &Server) {
    let tree = Tree::one();
    tree.write("m.c", "int broken = ;\n");
    let tree = executing(with_zig(tree), server);
    let built = tree.build(&[]);
    assert_eq!(built.code, Some(4), "{built:#?}");
    assert_eq!(built.failed(), ["compile m.c"]);
}

#[test]
fn a_server_that_only_keeps_is_tried_out() {
    is_tried_out(&Server::cache(), "-");
    let output = Tree::one().anymod(&["remote", "check"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

fn is_tried_out(server: &Server, execution: &str) {
    let tree = connected(Tree::one(), server, "read-write");
    let output = tree.anymod(&["remote", "check"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}");
    let word = |line: &str| {
        let mut words = line.get(12..).unwrap_or_default().split_whitespace();
        words.next().unwrap_or_default().to_owned()
    };
    let steps: Vec<String> = told.lines().map(word).collect();
    assert_eq!(steps, ["ok", "ok", "ok", "ok", "ok", execution], "{told}");
}
