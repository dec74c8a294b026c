//! Commands through the store: what was made once comes out of it, and never what should be made anew.

use std::path::Path;

use anymod_build::intercept::Outcome;

use super::build::{Build, MODULE, TARGETS, target};

fn with_store(store: &Path, name: &str) -> Build {
    Build::of(&target(TARGETS[1]), name, Some(store), |_| {})
}

#[test]
fn a_second_build_in_another_place_compiles_nothing_and_makes_the_same() {
    let store = tempfile::tempdir().unwrap();
    let target = target(TARGETS[1]);
    let include = target.python_include();
    let make = |name: &str| {
        let build = with_store(store.path(), name);
        build.write("src/m.c", MODULE);
        build.write("src/w.c", "int w(void) { int unused; return 1; }");
        let tree = build.tree.display().to_string();
        let mut said = Vec::new();
        let lines = [
            vec!["cc", "-g", "-O2", "-Wall", "-I", include.to_str().unwrap(), "-c", "src/m.c"],
            vec!["cc", "-Wall", "-I.", "-c", "{tree}/src/w.c", "-o", "{tree}/w.o"],
            vec!["ar", "qc", "lib.a", "w.o"],
            vec!["cc", "-g", "-shared", "m.o", "lib.a", "-o", "m.so"],
        ];
        for line in lines {
            let (name, words) = line.split_first().unwrap();
            let words = words.iter().map(|word| word.replace("{tree}", &tree));
            let output = build.command(name).args(words).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            said.push(String::from_utf8(output.stderr).unwrap().replace(&tree, "{tree}"));
        }
        let files = ["m.o", "w.o", "lib.a", "m.so"].map(|name| build.read(name));
        (build.outcomes(), files, said, build)
    };
    let (first, files, said, _first_build) = make("tree");
    assert_eq!(first, [Outcome::Ran; 4]);
    assert!(said[1].contains("unused variable") && said[1].contains("{tree}"), "{said:?}");
    let (second, again, said_again, build) = make("another é place");
    assert_eq!(second, [Outcome::Hit; 4]);
    assert!(files == again);
    assert_eq!(said, said_again);
    // Without a store the same bytes come of it.
    let plain = Build::of(&target, "third", None, |_| {});
    plain.write("src/m.c", MODULE);
    plain.ok(&format!("cc -g -O2 -Wall -I {} -c src/m.c", include.display()));
    assert!(plain.read("m.o") == files[0]);
    drop(build);
}

#[test]
fn what_decides_the_object_is_looked_at() {
    let store = tempfile::tempdir().unwrap();
    let build = with_store(store.path(), "tree");
    build.write("a.c", "#include <x.h>\n#include <stdio.h>\nint f(void) { return X; }");
    build.write("second/x.h", "#define X 1");
    let line = "cc -Ifirst -Isecond -c a.c";
    let outcome = |line: &str| {
        build.ok(line);
        build.last().outcome
    };
    assert_eq!(outcome(line), Outcome::Ran);
    let one = build.read("a.o");
    assert_eq!(outcome(line), Outcome::Hit);
    assert_eq!(outcome("cc -Ifirst -Isecond -O1 -c a.c"), Outcome::Ran);
    build.write("second/x.h", "#define X 2");
    assert_eq!(outcome(line), Outcome::Ran, "a header changed");
    assert_ne!(build.read("a.o"), one);
    build.write("second/x.h", "#define X 1");
    assert_eq!(outcome(line), Outcome::Hit);
    assert_eq!(build.read("a.o"), one);
    build.write("first/x.h", "#define X 3");
    assert_eq!(outcome(line), Outcome::Ran, "a header came to be found first");
    std::fs::remove_file(build.tree.join("first/x.h")).unwrap();
    assert_eq!(outcome(line), Outcome::Hit);
    build.write("first/stdio.h", "");
    assert_eq!(outcome(line), Outcome::Ran, "a header of the system was put before it");
}

#[test]
fn files_that_only_an_assembler_reads_count() {
    let store = tempfile::tempdir().unwrap();
    let build = with_store(store.path(), "tree");
    build.write("a.c", "#if __has_include(\"opt.h\")\nint f;\n#endif\nint g;");
    build.ok("cc -c a.c");
    build.ok("cc -c a.c");
    build.write("opt.h", "");
    build.ok("cc -c a.c");
    assert_eq!(build.outcomes(), [Outcome::Ran, Outcome::Hit, Outcome::Ran]);
}

#[test]
fn links_and_archives_know_their_inputs() {
    let store = tempfile::tempdir().unwrap();
    let build = with_store(store.path(), "tree");
    build.write("l.c", "int l(void) { return 1; }");
    build.write("m.c", "int l(void); int PyInit_m(void) { return l(); }");
    let make = || {
        for line in ["cc -c l.c", "ar rcs libl.a l.o", "cc -shared m.c -L. -ll -o m.so"] {
            build.ok(line);
            if line.starts_with("ar") {
                continue;
            }
        }
        std::fs::remove_file(build.tree.join("libl.a")).unwrap();
        build.read("m.so")
    };
    let (first, again) = (make(), make());
    assert!(first == again);
    assert_eq!(build.outcomes().get(3..).unwrap(), [Outcome::Hit; 3]);
    build.write("l.c", "int l(void) { return 2; }");
    assert!(make() != first);
    assert_eq!(build.outcomes().get(6..).unwrap(), [Outcome::Ran; 3]);
}

#[test]
fn what_cannot_be_known_is_not_kept() {
    let store = tempfile::tempdir().unwrap();
    let build = with_store(store.path(), "tree");
    build.write("a.c", "int f(void) { return 1; }");
    for line in ["cc --coverage -c a.c", "cc -save-temps -c a.c", "cc -c a.c -o /dev/null"] {
        build.ok(line);
        build.ok(line);
    }
    assert!(build.outcomes().iter().all(|outcome| *outcome == Outcome::Ran));
    assert!(!std::fs::symlink_metadata("/dev/null").unwrap().is_file());
}

#[test]
fn calls_for_the_same_run_once() {
    let store = tempfile::tempdir().unwrap();
    let build = with_store(store.path(), "tree");
    build.write("a.cpp", "#include <map>\n#include <string>\nstd::map<std::string, int> m;");
    let mut children: Vec<_> = (0..4)
        .map(|index| {
            let mut command = build.command("g++");
            command.args(["-O2", "-c", "a.cpp", "-o", &format!("{index}.o")]).spawn().unwrap()
        })
        .collect();
    assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));
    let ran = build.outcomes().into_iter().filter(|outcome| *outcome == Outcome::Ran).count();
    assert_eq!(ran, 1);
    assert!((1..4).all(|index| build.read(&format!("{index}.o")) == build.read("0.o")));
}

#[test]
fn members_of_thin_archives_count() {
    let store = tempfile::tempdir().unwrap();
    let build = with_store(store.path(), "tree");
    build.write("m.c", "int l(void); int PyInit_m(void) { return l(); }");
    let make = |result: &str| {
        build.write("l.c", &format!("int l(void) {{ return {result}; }}"));
        for line in ["cc -c l.c", "ar csrDT b/libl.a l.o", "cc -shared m.c b/libl.a -o m.so"] {
            build.ok(line);
        }
        std::fs::remove_file(build.tree.join("b/libl.a")).unwrap();
        (build.read("m.so"), build.outcomes().split_off(build.outcomes().len() - 3))
    };
    build.write("b/keep", "");
    let (first, _) = make("1");
    let (second, outcomes) = make("2");
    assert!(first != second, "the archive is the same and its members are not");
    assert_eq!(outcomes[0], Outcome::Ran);
    let (again, outcomes) = make("1");
    assert!(first == again);
    assert_eq!(outcomes, [Outcome::Hit; 3]);
    // The archive names its members, from where it is.
    build.ok("ar csrDT libl.a l.o");
    assert_eq!(build.last().outcome, Outcome::Ran);
}
