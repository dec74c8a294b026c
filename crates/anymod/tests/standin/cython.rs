//! Cython through the store, with a real one: what it made once comes out of it, and never what should be made anew.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anymod_build::intercept::{Generator, Outcome};

use super::build::{Build, TARGETS, target};
use super::support::machine::cache;
use super::support::process::{Finished, run};

/// The release that the tests run.
const CYTHON: &str = "Cython==3.1.4";

/// A directory with a Cython in it, installed once.
fn cython() -> &'static Path {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| {
        let place = cache().join(CYTHON);
        if !place.join("bin/cython").is_file() {
            std::fs::create_dir_all(cache()).unwrap();
            let made = tempfile::Builder::new().prefix("cython-").tempdir_in(cache()).unwrap();
            let mut pip = Command::new("python3");
            pip.args(["-m", "pip", "install", "--quiet", "--target"]).arg(made.path()).arg(CYTHON);
            run(&mut pip).unwrap().ok().unwrap();
            // Another run of the tests may have been faster.
            let _ = std::fs::rename(made.path(), &place);
        }
        place
    })
}

/// A build with Cython, known by `identity`.
struct Generating(Build);

impl Generating {
    fn new(store: &Path, name: &str, identity: Option<&str>) -> Generating {
        let build = Build::of(&target(TARGETS[1]), name, Some(store), |_| {});
        let generating = Generating(build);
        generating.known_by(identity);
        generating
    }

    fn known_by(&self, identity: Option<&str>) {
        let identity = identity.map(str::to_owned);
        self.0.offer(Some(&Generator { program: cython().join("bin/cython"), identity }));
    }

    fn call(&self, line: &str) -> Finished {
        let mut command = self.0.command("cython");
        let places =
            [self.0.bin().to_owned(), cython().join("bin"), "/usr/bin".into(), "/bin".into()];
        command.env("PATH", std::env::join_paths(places).unwrap()).env("PYTHONPATH", cython());
        command.env("PYTHONHASHSEED", "0").env("PYTHONDONTWRITEBYTECODE", "1");
        run(command.args(line.split(' '))).unwrap()
    }

    /// What comes of a call that has to succeed.
    fn outcome(&self, line: &str) -> Outcome {
        let finished = self.call(line);
        assert_eq!(finished.status, 0, "{finished}");
        self.0.last().outcome
    }
}

#[test]
fn everything_that_is_imported_or_included_counts() {
    let store = tempfile::tempdir().unwrap();
    let generating = Generating::new(store.path(), "tree", Some("one"));
    let build = &generating.0;
    let source = "from q.d cimport N\ninclude \"part.pxi\"\ndef f(): return N + M\n";
    build.write("p/m.pyx", source);
    build.write("two/q/d.pxd", "cdef enum: N = 1\n");
    build.write("two/part.pxi", "M = 1\n");
    let line = "-3 -Ione -Itwo p/m.pyx -o m.c";
    let outcome = || generating.outcome(line);
    assert_eq!(outcome(), Outcome::Ran);
    let first = build.read("m.c");
    std::fs::remove_file(build.tree.join("m.c")).unwrap();
    assert_eq!(outcome(), Outcome::Hit);
    assert!(build.read("m.c") == first);
    for (file, text, before) in [
        ("p/m.pyx", "def f(): return 3\n", Some(source)),
        ("two/q/d.pxd", "cdef enum: N = 2\n", Some("cdef enum: N = 1\n")),
        ("two/part.pxi", "M = 2\n", Some("M = 1\n")),
        // New files that come to be found first, or that say more of the module and of what it is in.
        ("one/q/d.pxd", "cdef enum: N = 3\n", None),
        ("one/q/d/__init__.pxd", "cdef enum: N = 3\n", None),
        ("two/q.d.pxd", "cdef enum: N = 3\n", None),
        ("p/part.pxi", "M = 3\n", None),
        ("p/m.pxd", "cdef int x\n", None),
        ("p/__init__.py", "", None),
    ] {
        build.write(file, text);
        assert_eq!(outcome(), Outcome::Ran, "{file}");
        assert!(build.read("m.c") != first || file.starts_with("one/q/d/"), "{file}");
        assert_eq!(outcome(), Outcome::Hit, "{file}");
        match before {
            Some(before) => build.write(file, before),
            None => std::fs::remove_file(build.tree.join(file)).unwrap(),
        }
        assert_eq!(outcome(), Outcome::Hit, "{file}");
        assert!(build.read("m.c") == first, "{file}");
    }
}

#[test]
fn another_command_or_another_cython_makes_it_anew() {
    let store = tempfile::tempdir().unwrap();
    let generating = Generating::new(store.path(), "tree", Some("one"));
    let build = &generating.0;
    build.write("m.pyx", "def f(): return 1\n");
    for line in ["-3 m.pyx", "-3 -X boundscheck=False m.pyx", "-3 --cplus m.pyx", "-3 m.pyx -o n.c"]
    {
        assert_eq!(generating.outcome(line), Outcome::Ran, "{line}");
        assert_eq!(generating.outcome(line), Outcome::Hit, "{line}");
    }
    let record = build.last();
    assert_eq!((record.sources, record.output), (vec!["m.pyx".to_owned()], Some("n.c".to_owned())));
    assert!(record.after[0][0].ends_with("bin/cython"), "{:?}", record.after);
    generating.known_by(Some("two"));
    assert_eq!(generating.outcome("-3 m.pyx"), Outcome::Ran);
    generating.known_by(None);
    assert_eq!(generating.outcome("-3 m.pyx"), Outcome::Ran);
    assert_eq!(generating.outcome("-3 m.pyx"), Outcome::Ran);
    assert_eq!(generating.outcome("-V"), Outcome::Query);
    // Build tools filter the environment of what they start.
    let finished = run(build.command("cython").arg("-V").env("PYTHONPATH", cython())).unwrap();
    assert!(finished.status == 0 && finished.output().contains("3.1.4"), "{finished}");
    build.offer(None);
    assert!(!build.bin().join("cython").exists(), "packages would think that there is one");
}

#[test]
fn what_cython_says_is_passed_on_and_failures_are_never_kept() {
    let store = tempfile::tempdir().unwrap();
    let generating = Generating::new(store.path(), "tree", Some("one"));
    let build = &generating.0;
    build.write("m.pyx", "cdef int unused(): return nothing\n");
    build.write("m.c", "/* Generated by Cython earlier */");
    for _again in 0..2 {
        let finished = generating.call("-3 m.pyx");
        assert_eq!((finished.status, build.last().outcome), (1, Outcome::Failed), "{finished}");
        assert_eq!(finished.stderr.matches("undeclared name not builtin: nothing").count(), 1);
        assert!(!build.has("m.c") || build.read("m.c").starts_with(b"#error"));
    }
    build.write("m.pyx", "cimport cython\ndef f():\n    cdef int i\n    return i\n");
    let first = generating.call("-3 -Wextra m.pyx");
    let again = generating.call("-3 -Wextra m.pyx");
    assert!(first.stderr.contains("warning: m.pyx:"), "{first}");
    assert_eq!(first.stderr, again.stderr);
    assert_eq!(build.last().outcome, Outcome::Hit);
}

#[test]
fn dependency_files_are_written_if_they_are_asked_for() {
    let store = tempfile::tempdir().unwrap();
    let make = |name: &str| {
        let generating = Generating::new(store.path(), name, Some("one"));
        let build = &generating.0;
        build.write("src/my p/m.pyx", "from libc.stdint cimport int8_t\nfrom d cimport N\n");
        build.write("src/my p/d.pxd", "cdef enum: N = 1\n");
        build.write("b/keep", "");
        let mut command = build.command("cython");
        command.current_dir(build.tree.join("b")).env("PYTHONPATH", cython());
        let path =
            format!("{}:{}:/usr/bin:/bin", build.bin().display(), cython().join("bin").display());
        command.env("PATH", path).args(["-3", "-M", "-o", "m.c", "../src/my p/m.pyx"]);
        run(&mut command).unwrap().ok().unwrap();
        let listed = String::from_utf8(build.read("b/m.c.dep")).unwrap();
        (build.last().outcome, build.read("b/m.c"), listed)
    };
    let first = make("tree");
    assert_eq!(first.0, Outcome::Ran);
    let listed = &first.2;
    assert!(listed.starts_with("m.c: \\\n"), "{listed}");
    assert!(listed.contains("../src/my\\ p/d.pxd") && listed.contains("stdint.pxd"), "{listed}");
    let second = make("another é place");
    assert_eq!(second.0, Outcome::Hit);
    assert!(second.1 == first.1);
    let own = |text: &str| text.lines().filter(|line| line.contains("my\\ p")).count();
    assert_eq!((own(listed), own(&second.2)), (2, 2), "{}", second.2);
    let generating = Generating::new(store.path(), "third", Some("one"));
    generating.0.write("m.pyx", "def f(): return 1\n");
    generating.outcome("-3 m.pyx");
    let mut names: Vec<_> = std::fs::read_dir(&generating.0.tree)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["m.c", "m.pyx"]);
}

#[test]
fn what_comes_with_a_header_is_made_each_time() {
    let store = tempfile::tempdir().unwrap();
    let generating = Generating::new(store.path(), "tree", Some("one"));
    let build = &generating.0;
    build.write("m.pyx", "cdef api int f(): return 1\n");
    for _again in 0..2 {
        assert_eq!(generating.outcome("-3 m.pyx"), Outcome::Ran);
        assert!(build.has("m.c"));
        std::fs::remove_file(build.tree.join("m_api.h")).unwrap();
    }
}
