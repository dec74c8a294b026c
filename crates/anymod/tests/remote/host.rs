//! Compilers of this machine, run by workers that have the same, and by workers that have not.

use crate::cache::connected;
use crate::server::Server;
use crate::tree::{Tree, module_c};

/// A header that `<asm/errno.h>` reads.
const HEADER: &str = "/usr/include/asm-generic/errno-base.h";

/// A module that reads a header of the system's.
fn tree() -> Tree {
    let mut tree = Tree::one();
    tree.write("m.c", format!("#include <asm/errno.h>\n{}", module_c("twice", "EPERM * 2")));
    tree.set("ANYMOD_TOOLCHAIN", "gnu");
    tree
}

fn executing(server: &Server) -> Tree {
    let mut tree = connected(tree(), server, "read-write");
    tree.set("ANYMOD_REMOTE_EXECUTE", "true");
    tree.set("ANYMOD_REMOTE_HOST_COMPILERS", "true");
    tree
}

#[test]
fn workers_that_have_the_compiler_make_what_this_machine_makes() {
    let here = tree();
    here.built();
    let server = Server::host_executor(None);
    let there = executing(&server);
    let built = there.built();
    assert_eq!((built.totals().remote_ran, built.codes()), (1, Vec::new()), "{built:#?}");
    assert_eq!(there.dist(), here.dist());
    assert_eq!(there.build(&[]).ok().ran(), [""; 0], "it is fresh");
    // Its key is the one of this machine's compiler, and its headers are those of this machine.
    let mut other = connected(tree(), &server, "read");
    other.set("ANYMOD_REMOTE_EXECUTE", "false");
    assert_eq!(other.built().ran(), [""; 0]);
    assert_eq!(other.dist(), here.dist());
}

/// Builds where workers are of no use: this machine does it, and says why.
fn made_here(there: &Tree, why: &str) {
    let built = there.built();
    let expected = (0, vec!["F0007".to_owned()]);
    assert_eq!((built.totals().remote_ran, built.codes()), expected, "{built:#?}");
    assert!(built.stderr.contains(why), "{}", built.stderr);
    let here = tree();
    here.built();
    assert_eq!(there.dist(), here.dist());
}

#[test]
fn what_workers_make_of_other_headers_is_not_used() {
    let directory = tempfile::tempdir().unwrap();
    let other = directory.path().join("other.h");
    let text = std::fs::read_to_string(HEADER).unwrap();
    std::fs::write(&other, format!("{text}\n#undef EPERM\n#define EPERM 9\n")).unwrap();
    let server = Server::host_executor(Some((&other, HEADER)));
    let there = executing(&server);
    made_here(&there, "is not this machine's");
}

#[test]
fn workers_without_the_compiler_are_told_of() {
    let server = Server::executor();
    let there = executing(&server);
    made_here(&there, "a worker failed at one of them");
}
