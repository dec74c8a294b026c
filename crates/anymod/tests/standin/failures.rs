//! What goes wrong: with sources, with tools, with the stand-in itself.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anymod_build::intercept::Outcome;

use super::build::{Build, TARGETS, target};
use super::support::process::run;
use super::support::program;

#[test]
fn what_the_compiler_says_and_its_status_come_through() {
    for with_store in [false, true] {
        let store = tempfile::tempdir().unwrap();
        let store = with_store.then(|| store.path().to_owned());
        let build = Build::of(&target(TARGETS[1]), "tree", store.as_deref(), |_| {});
        build.write("a.c", "int f(void) { return x; }");
        build.write("a.o", "of an earlier build");
        for _again in 0..2 {
            let finished = build.call("cc -c a.c -o a.o");
            assert_eq!(finished.status, 1);
            assert!(finished.stderr.starts_with("a.c:1:"), "{finished}");
            assert!(!finished.stderr.contains("anymod"), "{finished}");
            let record = build.last();
            assert_eq!((record.outcome, record.exit), (Outcome::Failed, 1));
            assert_eq!(record.said.as_deref(), Some(finished.stderr.as_str()));
        }
        assert!(!build.has("a.o"), "compilers remove what they could not make anew");
        let none = build.call("cc -c none.c -o no/where.o");
        assert!(none.status != 0 && !build.has("no"), "{none}");
        let left = std::fs::read_dir(&build.tree).unwrap().count();
        assert_eq!(left, 1, "only the source");
    }
}

#[test]
fn a_name_outside_of_a_build_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("bin/gcc");
    program::copy(Path::new(env!("CARGO_BIN_EXE_anymod")), &copy);
    let call = || run(Command::new(&copy).args(["-c", "a.c"])).unwrap();
    let finished = call();
    assert_eq!(finished.status, 70);
    assert!(finished.stderr.starts_with("anymod: error[I0001]"), "{finished}");
    std::fs::write(directory.path().join("anymod-intercept.json"), "{\"format\": 99").unwrap();
    assert!(call().stderr.starts_with("anymod: error[I0002]"));
}

#[test]
fn a_tool_that_is_gone_is_told() {
    let mut target = target(TARGETS[1]);
    target.description.tools.cc = "/not/there/clang".into();
    let build = Build::of(&target, "tree", None, |_| {});
    build.write("a.c", "int x;");
    let finished = build.call("cc -c a.c");
    assert_eq!(finished.status, 3);
    assert!(finished.stderr.contains("I0005"), "{finished}");
}

#[test]
fn the_record_of_commands_is_explained() {
    let build = Build::new();
    build.write("a.c", "int f(void) { return 1; }");
    build.write("bad.c", "int f(");
    build.ok("gcc -pthread -c a.c -o a.o");
    build.call("gcc -c bad.c");
    let trace = build.place.path().join("trace.jsonl");
    let trace = trace.to_str().unwrap();
    let explain = |words: &[&str]| {
        let mut command = super::support::process::anymod(&build.tree);
        run(command.args(["explain", "rewrite"]).args(words)).unwrap()
    };
    let list = explain(&[trace]).stdout;
    assert!(
        list.contains("gcc a.c -> a.o  [threads]") && list.contains("bad.c (exit 1)"),
        "{list}"
    );
    let failed = explain(&[trace, "--failed"]).stdout;
    assert!(failed.starts_with("    2 failed") && failed.lines().count() == 1, "{failed}");
    let one = explain(&[&format!("{trace}:1")]).stdout;
    assert!(one.contains("before  gcc -pthread -c a.c -o a.o"), "{one}");
    assert!(one.contains("gone    -pthread") && one.contains("--target=wasm32"), "{one}");
    let json = explain(&[trace, "--format", "json"]).stdout;
    assert!(json.contains("\"rules\": [\n      \"threads\"\n    ]"), "{json}");
    let none = explain(&[&format!("{trace}:9")]);
    assert!(none.status == 2 && none.stderr.contains("I0007"), "{none}");
}

/// A compiler that is a script.
fn scripted(script: &str, place: &Path) -> anymod_build::target::TargetEnvironment {
    let mut target = target(TARGETS[1]);
    let path = place.join("compiler");
    program::script(&path, script);
    target.description.tools.cc = path;
    target
}

#[test]
fn status_and_signals_are_those_of_the_tool() {
    let place = tempfile::tempdir().unwrap();
    for (script, status) in [("exit 7", 7), ("kill -TERM $$", 143), ("kill -KILL $$", 137)] {
        let store = place.path().join("store");
        let build = Build::of(&scripted(script, place.path()), "tree", Some(&store), |_| {});
        build.write("a.c", "int x;");
        assert_eq!(build.call("cc -c a.c").status, status, "{script}");
        assert_eq!(build.last().exit, status);
    }
}

#[test]
fn the_tool_does_not_see_our_names_and_host_variables() {
    let place = tempfile::tempdir().unwrap();
    let script = "echo \"path=$PATH cpath=$CPATH keep=$KEEP\" >&2; exit 1";
    let build = Build::of(&scripted(script, place.path()), "tree", None, |_| {});
    build.write("a.c", "int x;");
    let bin = build.place.path().canonicalize().unwrap().join("é stand-in/bin");
    let mut command = build.command("cc");
    command.args(["-c", "a.c"]).env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
    let said = run(command.env("CPATH", "/usr/include").env("KEEP", "1")).unwrap().stderr;
    assert_eq!(said, "path=/usr/bin:/bin cpath= keep=1\n");
}

#[test]
fn a_killed_call_leaves_no_half_object() {
    let place = tempfile::tempdir().unwrap();
    // It writes half of its output and then takes its time.
    let script = "for last; do :; done\nprintf half > \"$last\"; : > \"$0.started\"; sleep 60";
    let store = place.path().join("store");
    let build = Build::of(&scripted(script, place.path()), "tree", Some(&store), |_| {});
    build.write("a.c", "int x;");
    let mut child = build.command("cc").args(["-c", "a.c", "-o", "a.o"]).spawn().unwrap();
    let started = place.path().join("compiler.started");
    while !started.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!build.has("a.o"));
    // The next call of another build does not wait for the dead.
    let again = Build::of(&target(TARGETS[1]), "tree", Some(&store), |_| {});
    again.write("a.c", "int x;");
    again.ok("cc -c a.c -o a.o");
}
