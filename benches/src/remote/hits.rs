//! What taking a result from a server costs over taking it from the store, and gains over compiling.

use std::sync::Arc;
use std::time::Duration;

use super::Bench;
use super::stub::farm::Farm;
use crate::engine::project;
use crate::files::remove_dir;
use crate::measure::{self, Entrant, turns};

/// Modules of the tree, and its actions: each module is three for each of two targets.
const MODULES: usize = 334;
const ACTIONS: usize = MODULES * 6;
const RUNS: usize = 5;

/// Builds a tree in turn with nothing, from its store, and from a server with an empty store.
pub(super) fn hits(bench: &Bench) -> Result<(), String> {
    let farm =
        Arc::new(Farm::new(1, Duration::ZERO, Box::new(|_| std::collections::BTreeMap::new())));
    let endpoint = format!("grpc://127.0.0.1:{}", farm.start());
    let tree = project::tree(&bench.directory, MODULES)?;
    let (store, empty) = (bench.directory.join("store"), bench.directory.join("empty"));
    let word = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let (full_word, empty_word) = (word(&store), word(&empty));
    let clean = || {
        remove_dir(&tree.root.join("build"))?;
        remove_dir(&tree.root.join("dist"))
    };
    let without_store = || {
        clean()?;
        remove_dir(&empty)
    };
    clean()?;
    remove_dir(&store)?;
    let filling = ["--store", &full_word, "--remote", &endpoint, "--remote-mode", "read-write"];
    let mut filling = bench.build(&tree.root, &filling);
    filling.env("ANYMOD_REMOTE_UPLOAD_WAIT", "600");
    measure::once(&mut vec![filling])?;
    let compiled = Entrant { step: vec![bench.build(&tree.root, &["--no-store"])], before: &clean };
    let local = bench.build(&tree.root, &["--store", &full_word]);
    let local = Entrant { step: vec![local], before: &clean };
    let remote = bench.build(&tree.root, &["--store", &empty_word, "--remote", &endpoint]);
    let remote = Entrant { step: vec![remote], before: &without_store };
    let compiled = turns(0, 1, &mut [compiled])?[0];
    let costs = turns(1, RUNS, &mut [local, remote])?;
    let over = (costs[1].wall - costs[0].wall) / ACTIONS as f64;
    println!("| {ACTIONS} actions | ms | per action |\n|---|---|---|");
    for (name, cost) in
        [("compiled", compiled), ("from the store", costs[0]), ("from the server", costs[1])]
    {
        println!("| {name} | {:.0} | {:.3} ms |", cost.wall, cost.wall / ACTIONS as f64);
    }
    println!("\na remote hit costs {over:.3} ms more than a local one");
    println!("all from the server is {:.1}x faster than compiling", compiled.wall / costs[1].wall);
    Ok(())
}
