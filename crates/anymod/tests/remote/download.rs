//! `--remote-download`: what is left on the server, fetched when something needs it, and made again when it is gone.

use std::path::Path;

use crate::cache::{connected, elsewhere};
use crate::server::Server;
use crate::support::machine;
use crate::support::program::script;
use crate::tree::{Tree, files, module_c};

const MANIFEST: &str = "[project]\ntargets = [\"micropython-x64\"]\n\
    [module.one]\nsources = [\"one.c\", \"more.c\"]\n[module.two]\nsources = [\"two.c\"]\n";

/// Two modules, one of two sources, compiled by a compiler that for one of the sources runs what is in a file first, if
/// there is one.
fn project(before: &Path) -> Tree {
    let one = format!("int more(void);\n{}", module_c("twice", "more()"));
    let mut tree = Tree::new(&[
        ("anymod.toml", MANIFEST),
        ("one.c", &one),
        ("more.c", "int more(void);\nint more(void) { return 2; }\n"),
        ("two.c", &module_c("thrice", "3")),
    ]);
    let bin = before.with_file_name("bin");
    let before = before.display();
    let body = format!("case \"$*\" in *more.c*) [ ! -e {before} ] || . {before};; esac");
    script(&bin.join("gcc"), &format!("{body}\nexec /usr/bin/gcc \"$@\""));
    tree.set("PATH", &format!("{}:/usr/bin:/bin", bin.display()));
    tree.set("ANYMOD_HOME", machine::anymod_home().to_str().unwrap());
    tree
}

/// The objects that are on disk.
fn objects(tree: &Tree) -> usize {
    let files = files(&tree.path("build"));
    files.iter().filter(|path| path.extension().is_some_and(|end| end == "o")).count()
}

struct Desk {
    server: Server,
    scratch: tempfile::TempDir,
    first: Tree,
}

impl Desk {
    /// A server that has everything of a project.
    fn new() -> Desk {
        let (server, scratch) = (Server::cache(), tempfile::tempdir().unwrap());
        let first = connected(project(&scratch.path().join("before")), &server, "read-write");
        first.built();
        Desk { server, scratch, first }
    }

    fn other(&self, download: &str) -> Tree {
        let mut tree = connected(elsewhere(&self.first), &self.server, "read");
        tree.set("ANYMOD_REMOTE_DOWNLOAD", download);
        tree
    }

    /// What a build of these sources makes that asks nobody.
    fn expected(&self, tree: &Tree) -> std::collections::BTreeMap<String, Vec<u8>> {
        let alone = elsewhere(tree);
        alone.build(&["--no-remote", "--no-store"]).ok();
        alone.dist()
    }
}

#[test]
fn what_nothing_here_reads_stays_where_it_is() {
    let desk = Desk::new();
    let all = desk.other("all").built().totals();
    for (download, installed) in [("outputs", 2), ("minimal", 0)] {
        let tree = desk.other(download);
        let built = tree.built();
        assert_eq!(built.ran(), [""; 0], "{download}");
        let totals = built.totals();
        assert_eq!((totals.remote_hits, totals.hits), (all.remote_hits, all.hits), "{download}");
        assert!(totals.downloaded < all.downloaded, "{download}: {totals:?}");
        assert_eq!((tree.dist().len(), objects(&tree)), (installed, 0), "{download}");
        // Nothing is forgotten of what was left: all of it comes when it is asked for.
        let whole = tree.build(&["--remote-download", "all"]).ok();
        assert_eq!(whole.ran(), [""; 0], "{download}");
        assert_eq!((tree.dist(), objects(&tree)), (desk.first.dist(), 3), "{download}");
        tree.verify();
    }
}

#[test]
fn what_something_here_reads_is_fetched() {
    let desk = Desk::new();
    for download in ["outputs", "minimal"] {
        let tree = desk.other(download);
        tree.built();
        tree.write("more.c", "int more(void);\nint more(void) { return 5; }\n");
        let built = tree.built();
        assert!(built.ran().contains(&"compile more.c".to_owned()), "{:?}", built.ran());
        assert!(!built.ran().contains(&"compile one.c".to_owned()), "{:?}", built.ran());
        // Of the other module nothing was touched.
        assert_eq!(objects(&tree), 2, "{download}");
        let expected = desk.expected(&tree);
        let whole = tree.build(&["--remote-download", "all"]).ok();
        assert_eq!(whole.ran(), [""; 0]);
        assert_eq!(tree.dist(), expected, "{download}");
        tree.verify();
    }
}

#[test]
fn what_is_gone_when_it_is_needed_is_made_again_in_the_middle() {
    let desk = Desk::new();
    let tree = desk.other("minimal");
    tree.write("more.c", "int more(void);\nint more(void) { return 7; }\n");
    // The results are known by the time that a compiler runs here, which needs one header of them.
    let objects = desk.server.storage().join("objects");
    let evict = format!("find {} -type f -delete", objects.display());
    std::fs::write(desk.scratch.path().join("before"), evict).unwrap();
    let built = tree.built();
    let ran = built.ran();
    assert!(ran.contains(&"compile one.c".to_owned()), "{built:#?}");
    assert!(built.hits().contains(&"compile two.c".to_owned()), "{:?}", built.hits());
    assert!(built.failed().is_empty(), "{built:#?}");
    let expected = desk.expected(&tree);
    tree.build(&["--remote-download", "all"]).ok();
    assert_eq!(tree.dist(), expected);
    tree.verify();
}

#[test]
fn commands_that_read_modules_fetch_them_and_others_refuse_the_flag() {
    let desk = Desk::new();
    let tree = desk.other("minimal");
    let run = |words: &[&str]| {
        let output = tree.anymod(words).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, told) = run(&["size", "--remote-download", "minimal"]);
    assert!(code == Some(2) && told.contains("it reads the modules"), "{told}");
    assert_eq!(run(&["size"]).0, Some(0), "what the settings say is for other commands");
    assert_eq!((objects(&tree), tree.dist()), (0, desk.first.dist()));
    let wheel = &["wheel", "-t", "pyodide-0.29.5", "."];
    for command in [&["embed"][..], &["bundle", "a.a"], &["split", "link"], wheel] {
        let (code, told) = run(&[command, &["--remote-download", "all"]].concat());
        assert!(code == Some(2) && told.contains("`anymod build` and"), "{command:?}: {told}");
    }
}
