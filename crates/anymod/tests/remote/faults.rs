//! Whole builds with a server that fails: whatever goes wrong at whichever call, a build ends in time with the bytes that it
//! makes alone, the store stays sound, and nobody else takes anything else.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use anymod_remote::message::{
    ActionCacheUpdateCapabilities, CacheCapabilities, SHA256, SemVer, ServerCapabilities,
};
use prost::Message as _;

use crate::cache::connected;
use crate::proxy::{Fault, Proxy};
use crate::server::Server;
use crate::tree::{ONE, Tree, module_c};

/// No build of one file takes so long, whatever else the machine does; one that waits for a server does.
const BOUND: Duration = Duration::from_secs(60);
/// Builds that go on at once: most of their time they wait.
const AT_ONCE: usize = 4;

/// What takes from a server, and what gives to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Takes,
    Gives,
}

struct Case {
    side: Side,
    method: &'static str,
    fault: Fault,
}

/// What the server is said to be.
fn capabilities(function: i32, version: i32, batch: i64) -> Fault {
    let version = Some(SemVer { major: version, minor: 3, patch: 0 });
    let cache = CacheCapabilities {
        digest_functions: vec![function],
        action_cache_update_capabilities: Some(ActionCacheUpdateCapabilities {
            update_enabled: true,
        }),
        max_batch_total_size_bytes: batch,
    };
    let said = ServerCapabilities {
        cache_capabilities: Some(cache),
        execution_capabilities: None,
        low_api_version: version.clone(),
        high_api_version: version,
    };
    Fault::Answer(said.encode_to_vec())
}

fn cases() -> Vec<Case> {
    use Side::{Gives, Takes};
    let mut cases = Vec::new();
    let mut add = |side, method, faults: &[Fault]| {
        for fault in faults {
            cases.push(Case { side, method, fault: fault.clone() });
        }
    };
    // Unavailable, not allowed, broken inside, not found: in turn what comes and goes, what stays, and what was dropped
    // between one call and the next.
    let any = [
        Fault::Cut,
        Fault::Silence,
        Fault::Status(14),
        Fault::Status(7),
        Fault::Status(13),
        Fault::Answer(vec![0xff; 9]),
        Fault::Answer(Vec::new()),
    ];
    let taken = [Fault::Status(5), Fault::Truncated, Fault::Corrupted];
    add(Takes, "GetCapabilities", &any);
    add(Takes, "GetActionResult", &any);
    for method in ["BatchReadBlobs", "Read"] {
        add(Takes, method, &any);
        add(Takes, method, &taken);
    }
    for method in ["FindMissingBlobs", "BatchUpdateBlobs", "Write", "UpdateActionResult"] {
        add(Gives, method, &any);
    }
    let other_function = 2;
    for side in [Takes, Gives] {
        let lies = [
            capabilities(other_function, 2, 0),
            capabilities(SHA256, 3, 0),
            capabilities(SHA256, 1, 0),
            capabilities(SHA256, 2, i64::MAX),
            capabilities(SHA256, 2, -1),
            capabilities(SHA256, 2, 1),
        ];
        add(side, "GetCapabilities", &lies);
    }
    cases
}

/// Installed files and their bytes.
type Dist = std::collections::BTreeMap<String, Vec<u8>>;

/// The number of the project that the server has.
const SHARED: usize = 0;

/// A project of one module, whose number is its own.
fn project(number: usize, server: &Server, proxy: Option<&Proxy>, mode: &str) -> Tree {
    let one = module_c("times", &format!("{number} + 2"));
    let mut tree = connected(Tree::new(&[("anymod.toml", ONE), ("m.c", &one)]), server, mode);
    if let Some(proxy) = proxy {
        tree.set("ANYMOD_REMOTE", &format!("grpc://127.0.0.1:{}", proxy.port()));
        // Long enough that a machine with other things to do makes the other calls.
        tree.set("ANYMOD_REMOTE_TIMEOUT", "2");
    }
    tree
}

/// Builds while something goes wrong; everything that is found wrong with that.
fn tried(case: &Case, number: usize, server: &Server, shared: &Dist) -> Result<(), String> {
    let proxy = Proxy::before(server.port, None);
    // Blobs go in pieces only if batches are small.
    let pieces = matches!(case.method, "Read" | "Write");
    let small = Proxy::before(proxy.port(), None);
    if pieces {
        let _ = small.fail("GetCapabilities", &capabilities(SHA256, 2, 1));
    }
    let before = if pieces { &small } else { &proxy };
    let met = proxy.fail(case.method, &case.fault);
    let tree = match case.side {
        Side::Takes => project(SHARED, server, Some(before), "read"),
        Side::Gives => project(number, server, Some(before), "read-write"),
    };
    let begun = Instant::now();
    let built = tree.build(&[]);
    let took = begun.elapsed();
    let expect =
        |is: bool, what: &str| if is { Ok(()) } else { Err(format!("{what}: {built:#?}")) };
    expect(met() > 0, "the call was not made")?;
    expect(built.code == Some(0), "it failed")?;
    expect(took < BOUND, "it took too long")?;
    let known = |code: &String| ["F0002", "F0003"].contains(&code.as_str());
    expect(built.codes().iter().all(known), "something else was found wrong")?;
    tree.verify();
    match case.side {
        Side::Takes => expect(tree.dist() == *shared, "other bytes"),
        Side::Gives => {
            let reader = project(number, server, None, "read");
            reader.built();
            expect(reader.dist() == tree.dist(), "others take other bytes")
        }
    }
}

#[test]
fn uploads_end_when_their_time_is_over() {
    let server = Server::cache();
    let proxy = Proxy::before(server.port, None);
    let met = proxy.fail("FindMissingBlobs", &Fault::Silence);
    let mut tree = project(SHARED, &server, Some(&proxy), "read-write");
    // Longer than anybody waits: only the end of the run can be what ends it.
    tree.set("ANYMOD_REMOTE_TIMEOUT", "3600");
    tree.set("ANYMOD_REMOTE_UPLOAD_WAIT", "1");
    let built = tree.built();
    assert!(met() > 0 && built.codes() == ["F0003"], "{built:#?}");
    tree.verify();
}

#[test]
fn every_fault_at_every_call() {
    let server = Server::cache();
    let giver = project(SHARED, &server, None, "read-write");
    giver.built();
    let shared = giver.dist();
    let cases: Vec<(usize, Case)> = (SHARED + 1..).zip(cases()).collect();
    let next = Mutex::new(cases.iter());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some((number, case)) = next.lock().unwrap().next() else { break };
                    if let Err(why) = tried(case, *number, &server, &shared) {
                        let Case { side, method, fault } = case;
                        failed.lock().unwrap().push(format!("{side:?} {method} {fault:?}: {why}"));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), cases.len(), failed.join("\n"));
}
