//! The remote cache for everything that is kept besides the actions of `anymod build`: what one checkout gives, another one
//! in another directory, with a store that is empty, takes without starting the tool that made it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::cache::connected;
use crate::server::{Server, results};
use crate::support::machine;
use crate::support::program::script;
use crate::tree::{Tree, copy_sources};

/// Runs a command of anymod in a tree, which has to succeed.
fn anymod(tree: &Tree, words: &[&str]) -> String {
    let output = tree.anymod(words).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words:?}: {said}");
    format!("{}{said}", String::from_utf8_lossy(&output.stdout))
}

/// A directory with the toolchains of the tests, before it is connected.
fn place() -> Tree {
    let mut tree = Tree::new(&[]);
    tree.set("ANYMOD_HOME", machine::anymod_home().to_str().unwrap());
    tree
}

/// Runs a program in a tree, which has to succeed.
fn run(tree: &Tree, program: impl AsRef<std::ffi::OsStr>, words: &[&str]) {
    let output = Command::new(program).args(words).current_dir(&tree.root).output().unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
}

/// The same files elsewhere, with a store that is empty.
fn copied(tree: &Tree, server: &Server, mode: &str) -> Tree {
    let other = connected(place(), server, mode);
    copy_sources(&tree.root, &other.root);
    other
}

#[test]
fn the_calls_of_a_wheel() {
    let server = Server::cache();
    let wheel = |mode: &str| {
        let mut tree = connected(place(), &server, mode);
        copy_sources(&machine::repository().join("tests/wheels/tiny"), &tree.root);
        tree.set("XDG_CACHE_HOME", machine::cache().join("wheels").to_str().unwrap());
        tree.set("TINY", "");
        machine::pyodide("0.29.5").unwrap();
        let said = anymod(&tree, &["wheel", "-t", "pyodide-0.29.5", "--format", "json"]);
        let mut events = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let built = events.rfind(|event| event["event"] == "wheel-built").unwrap();
        let bytes = std::fs::read(tree.root.join(built["path"].as_str().unwrap())).unwrap();
        tree.verify();
        (built["ran"].as_u64().unwrap(), built["remote_hits"].as_u64().unwrap(), bytes)
    };
    let first = wheel("read-write");
    assert!(first.0 >= 2 && first.1 == 0, "{} {}", first.0, first.1);
    assert_eq!(wheel("read"), (0, first.0, first.2));
}

/// A tool that precompiles, and notes that it ran.
const TOOL: &str = "cat \"$4\" \"$4\" >\"$3\" && echo ran >>\"$0.ran\"";

#[test]
fn bundles_and_what_is_precompiled() {
    let server = Server::cache();
    let first = connected(place(), &server, "read-write");
    first.write("one.c", "#include <stdlib.h>\n__attribute__((visibility(\"default\"))) int *one(void) { return malloc(4); }\n");
    let zig = machine::managed("zig", "zig").unwrap();
    run(&first, &zig, &["cc", "--target=wasm32-wasi", "-O1", "-c", "one.c", "-o", "one.o"]);
    run(&first, &zig, &["ar", "rcsD", "one.a", "one.o"]);
    let bundle = |tree: &Tree, name: &str| {
        let tool = tree.base.path().join("precompile");
        script(&tool, TOOL);
        let log = tree.base.path().join("precompile.ran");
        let tool = tool.to_str().unwrap();
        let words = ["bundle", "one.a", "-o", name, "--cwasm", tool, "--format", "json"];
        let said = anymod(tree, &words);
        let told: Value = serde_json::from_str(said.get(..said.rfind('}').unwrap() + 1).unwrap())
            .unwrap_or_else(|error| panic!("{error}: {said}"));
        tree.verify();
        (told["outcome"].clone(), told["remote"] == true, log.exists())
    };
    let second = copied(&first, &server, "read");
    assert_eq!(bundle(&first, "out.wasm"), ("linked".into(), false, true));
    assert_eq!(bundle(&second, "out.wasm"), ("hit".into(), true, false));
    for name in ["out.wasm", "out.cwasm"] {
        assert!(first.read(name) == second.read(name), "{name}");
    }
    // What came from the server is in the store like everything else.
    assert_eq!(bundle(&second, "again.wasm"), ("hit".into(), false, false));
}

#[test]
fn the_links_of_a_split() {
    let server = Server::cache();
    let first = connected(place(), &server, "read-write");
    copy_sources(&machine::repository().join("examples/split-host"), &first.root);
    run(&first, "sh", &["-c", "cc -O1 -fPIC -c *.c"]);
    let second = copied(&first, &server, "read");
    let linked = |tree: &Tree| {
        let said = anymod(tree, &["split", "link", "--out", "out"]);
        tree.verify();
        said.matches("from the store").count()
    };
    assert_eq!(linked(&first), 0);
    assert_eq!(linked(&second), 9);
    assert!(first.read("out/host") == second.read("out/host"));
}

#[test]
fn artifacts_of_another_build() {
    let server = Server::cache();
    let mut first = connected(place(), &server, "read-write");
    first.write(
        "anymod.toml",
        "[artifact.a]\ninputs = [\"in\"]\noutputs = [\"out/*\"]\n[artifact.b]\ninputs = [\"in\"]\noutputs = [\"b\"]\n",
    );
    first.write("in", "1");
    let second = copied(&first, &server, "read");
    let make = "mkdir out; cp in out/one; echo two >out/two; chmod +x out/two";
    anymod(&first, &["cache", "capture", "a", "--", "sh", "-c", make]);
    let told = anymod(&second, &["cache", "populate", "a"]);
    assert!(told.contains("2 files"), "{told}");
    for name in ["out/one", "out/two"] {
        assert_eq!(first.read(name), second.read(name));
    }
    assert!(is_executable(&second.path("out/two")) && !is_executable(&second.path("out/one")));
    second.verify();
    let missed = second.anymod(&["cache", "populate", "b"]).output().unwrap();
    assert_eq!(missed.status.code(), Some(1), "{missed:?}");
    // What is only taken is not given.
    let before = results(&server);
    first.set("ANYMOD_REMOTE_MODE", "read");
    first.write("in", "2");
    anymod(
        &first,
        &["cache", "capture", "a", "--", "sh", "-c", make.trim_start_matches("mkdir out; ")],
    );
    assert_eq!(results(&server), before);
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o111 != 0
}

/// Addons for Node.js are actions of the engine, of kinds that MicroPython has not.
#[test]
fn addons_and_their_seals() {
    let server = Server::cache();
    let addon = |mode: &str| {
        let mut tree = connected(place(), &server, mode);
        copy_sources(&machine::repository().join("examples/vectors"), &tree.root);
        tree.set("ZIG_GLOBAL_CACHE_DIR", machine::cache().join("zig-cache").to_str().unwrap());
        let built = tree.build(&["-t", "node-linux-x64"]).ok();
        tree.verify();
        (built.ran(), built.totals().remote_hits, tree.dist())
    };
    let first = addon("read-write");
    assert!(first.0.len() > 4 && first.1 == 0, "{:?}", first.0);
    let taken = addon("read");
    assert_eq!((taken.0.len(), taken.1), (0, first.0.len()), "{:?}", taken.0);
    assert_eq!(taken.2, first.2);
}

/// What is packed of addons is kept as well, and what unpacks it is built.
#[test]
fn archives_that_programs_take_in() {
    let server = Server::cache();
    let first = connected(place(), &server, "read-write");
    copy_sources(&machine::repository().join("examples/vectors"), &first.root);
    first.build(&["-t", "node-linux-x64", "--variant", "all"]).ok();
    let second = copied(&first, &server, "read");
    for path in crate::tree::files(&first.path("dist")) {
        let path = path.strip_prefix(&first.root).unwrap().to_str().unwrap();
        second.write(path, first.read(path));
    }
    let embedded = |tree: &Tree| {
        let said = anymod(tree, &["embed"]);
        tree.verify();
        // The archive, and five actions for what unpacks it.
        let source = ["from a remote server", "from the store", "(store)", "anymod-probe"];
        (source.map(|source| said.matches(source).count()), said)
    };
    let given = embedded(&first);
    assert_eq!(given.0, [0, 0, 0, 5], "{}", given.1);
    let taken = embedded(&second);
    assert_eq!(taken.0, [1, 0, 5, 5], "{}", taken.1);
    assert_eq!(second.dist(), first.dist());
    // Another host has the same archive, and what came from the server is in the store like everything else.
    let again = anymod(&second, &["embed", "--host", "bun", "--no-remote"]);
    assert!(again.contains("from the store"), "{again}");
}
