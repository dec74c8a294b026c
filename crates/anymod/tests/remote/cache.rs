//! The remote cache: what one checkout gives, another one takes.

use crate::server::{Server, results};
use crate::tree::{Tree, module_c};

const MANIFEST: &str = "[project]\ntargets = [\"micropython-x64\"]\n\
    [module.one]\nsources = [\"one.c\"]\ninclude-dirs = [\"late\"]\n\
    [module.two]\nsources = [\"two.c\", \"two.py\"]\n";

/// Two modules; one has a header, the other a Python half.
fn project() -> Tree {
    let one = format!("#include \"parts/factor.h\"\n{}", module_c("twice", "FACTOR"));
    let tree = Tree::new(&[
        ("anymod.toml", MANIFEST),
        ("one.c", &one),
        ("late/parts/factor.h", "#define FACTOR 2\n"),
        ("two.c", &module_c("thrice", "3")),
        ("two.py", "def four():\n    return 4\n"),
    ]);
    // What compiles the Python half is not looked for in a home of the test's own.
    let mut tree = tree;
    let home = crate::support::machine::anymod_home();
    tree.set("ANYMOD_HOME", home.to_str().unwrap());
    tree
}

/// The same project elsewhere, with a store that is empty.
pub(crate) fn elsewhere(tree: &Tree) -> Tree {
    let mut other = Tree::new(&[]);
    crate::tree::copy_sources(&tree.root, &other.root);
    other.variables = tree.variables.clone();
    other
}

pub(crate) fn connected(mut tree: Tree, server: &Server, mode: &str) -> Tree {
    tree.set("ANYMOD_REMOTE", &server.endpoint());
    tree.set("ANYMOD_REMOTE_MODE", mode);
    tree.set("ANYMOD_REMOTE_UPLOAD_WAIT", "600");
    tree.set("ANYMOD_REMOTE_TIMEOUT", "120");
    tree
}

#[test]
fn a_second_checkout_elsewhere_takes_everything_and_runs_nothing() {
    let server = Server::cache();
    let first = connected(project(), &server, "read-write");
    let built = first.built();
    assert!(!built.ran().is_empty() && built.hits().is_empty());
    assert!(built.codes().is_empty(), "{built:?}");
    assert!(built.totals().uploaded > 0);
    let second = connected(elsewhere(&first), &server, "read");
    let taken = second.built();
    assert_eq!(taken.ran(), [""; 0], "{taken:#?}");
    assert_eq!(taken.hits(), built.ran());
    assert_eq!(taken.totals().remote_hits, built.ran().len());
    assert_eq!(second.dist(), first.dist());
    second.verify();
    // What came from the server is in the store like everything else.
    second.clean();
    let again = second.build(&["--no-remote"]).ok();
    assert_eq!((again.ran().len(), again.totals().remote_hits), (0, 0));
}

#[test]
fn a_header_that_is_different_here_is_no_hit_and_both_are_kept() {
    let server = Server::cache();
    let first = connected(project(), &server, "read-write");
    first.built();
    let second = connected(elsewhere(&first), &server, "read-write");
    second.write("late/parts/factor.h", "#define FACTOR 5\n");
    let built = second.built();
    assert!(built.ran().contains(&"compile one.c".to_owned()), "{:?}", built.ran());
    assert!(built.hits().contains(&"compile two.c".to_owned()), "{:?}", built.hits());
    assert_ne!(second.dist(), first.dist());
    for (source, dist) in [(&first, first.dist()), (&second, second.dist())] {
        let third = connected(elsewhere(source), &server, "read");
        assert_eq!(third.built().ran(), [""; 0]);
        assert_eq!(third.dist(), dist);
    }
    // A header that would be found before the one that the result was made with.
    let shadowed = connected(elsewhere(&first), &server, "read");
    shadowed.write("late/parts/factor.h", "#define FACTOR 7\n");
    assert!(shadowed.built().ran().contains(&"compile one.c".to_owned()));
}

#[test]
fn a_client_that_only_reads_gives_nothing() {
    let server = Server::cache();
    let objects = || crate::tree::files(&server.storage().join("objects"));
    let before = objects();
    let tree = connected(project(), &server, "read");
    let built = tree.built();
    assert!(!built.ran().is_empty());
    assert_eq!(results(&server), [""; 0].map(std::path::PathBuf::from));
    assert_eq!(objects(), before);
    let writer = connected(elsewhere(&tree), &server, "read-write");
    writer.built();
    assert!(!results(&server).is_empty());
}

#[test]
fn blobs_that_are_gone_make_a_result_a_miss() {
    let server = Server::cache();
    let first = connected(project(), &server, "read-write");
    let built = first.built();
    for blob in crate::tree::files(&server.storage().join("objects")) {
        std::fs::remove_file(blob).unwrap();
    }
    let second = connected(elsewhere(&first), &server, "read");
    let again = second.built();
    assert_eq!(again.ran(), built.ran());
    assert_eq!(second.dist(), first.dist());
    second.verify();
}

#[test]
fn a_server_that_is_away_costs_little_and_is_told_once() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut tree = project();
    tree.set("ANYMOD_REMOTE", &format!("grpc://127.0.0.1:{port}"));
    let built = tree.built();
    assert!(built.hits().is_empty());
    assert_eq!(built.codes(), ["F0002"], "{}", built.stderr);
    assert_eq!(tree.build(&[]).ok().codes(), [""; 0], "nothing to do, nobody to ask");
}

#[test]
fn what_is_configured_wrongly_is_told_before_anything_runs() {
    let tree = Tree::one();
    for (arguments, code) in [
        (["--remote", "http://h:1"], "F0001"),
        (["--remote", "grpc://me:word@h:1"], "F0001"),
        (["--remote-mode", "write"], "M0204"),
    ] {
        let built = tree.build(&arguments);
        assert_eq!(built.code, Some(2), "{built:?}");
        assert_eq!(built.codes(), [code]);
        assert!(built.ran().is_empty());
    }
}

#[test]
fn a_token_is_in_nothing_that_is_written_or_said() {
    const TOKEN: &str = "s3cret-of-the-test";
    let server = Server::cache();
    let mut tree = connected(project(), &server, "read-write");
    let half = TOKEN.split_at(4);
    // In two halves, because the variable itself is no secret.
    tree.set("ANYMOD_REMOTE_TOKEN_COMMAND", &format!("printf %s%s {} {}", half.0, half.1));
    let built = tree.built();
    assert!(built.totals().uploaded > 0, "{built:#?}");
    let said = format!("{:?}{}", built.events, built.stderr);
    let settings = tree.anymod(&["settings"]).output().unwrap();
    assert!(!said.contains(TOKEN) && !String::from_utf8_lossy(&settings.stdout).contains(TOKEN));
    let written = [tree.base.path(), server.directory.path()].map(crate::tree::files).concat();
    assert!(written.len() > 20);
    for file in written {
        let bytes = std::fs::read(&file).unwrap_or_default();
        let found = bytes.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes());
        assert!(!found, "{}", file.display());
    }
}
