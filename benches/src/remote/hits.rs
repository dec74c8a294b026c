//! What taking a result from a server costs over taking it from the store, and gains over compiling.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::Bench;
use super::stub::farm::Farm;
use crate::engine::project::{self, Project};
use crate::files::Aside;
use crate::measure::{self, Cost, Entrant, turns};

/// Modules of small sources, and sources of each: every source is compiled, and each module has two actions more.
const SMALL: (usize, usize) = (50, 40);
/// Modules of one source: each is three actions for each of two targets, of which one compiles.
const MODULES: usize = 334;
const RUNS: usize = 5;

/// Builds two projects in turn with nothing, from the store, and from a server with an empty store.
pub(super) fn hits(bench: &Bench) -> Result<(), String> {
    let (modules, sources) = SMALL;
    let small = project::small_files(&bench.directory, modules, sources)?;
    println!("{} compilations of small sources", modules * sources);
    measured(bench, &small, modules * (sources + 2))?;
    let tree = project::tree(&bench.directory, MODULES)?;
    println!("\n{} compilations, as many links, as many collections of qstrs", MODULES * 2);
    measured(bench, &tree, MODULES * 6)
}

fn measured(bench: &Bench, project: &Project, actions: usize) -> Result<(), String> {
    let farm = Arc::new(Farm::new(1, Duration::ZERO, Box::new(|_| BTreeMap::new())));
    let endpoint = format!("grpc://127.0.0.1:{}", farm.start());
    let (store, empty) = (bench.directory.join("store"), bench.directory.join("empty"));
    let word = |path: &Path| path.to_string_lossy().into_owned();
    let (full_word, empty_word) = (word(&store), word(&empty));
    let aside = Aside::new(bench.directory.join("aside"))?;
    let clean = || {
        aside.put(&project.root.join("build"))?;
        aside.put(&project.root.join("dist"))
    };
    let without_store = || {
        clean()?;
        aside.put(&empty)
    };
    clean()?;
    aside.put(&store)?;
    let filling = ["--store", &full_word, "--remote", &endpoint, "--remote-mode", "read-write"];
    let mut filling = bench.build(&project.root, &filling);
    filling.env("ANYMOD_REMOTE_UPLOAD_WAIT", "600");
    measure::once(&mut vec![filling])?;
    let compiled = vec![bench.build(&project.root, &["--no-store"])];
    let compiled = Entrant { step: compiled, before: &clean };
    let local = bench.build(&project.root, &["--store", &full_word]);
    let local = Entrant { step: vec![local], before: &clean };
    let remote = bench.build(&project.root, &["--store", &empty_word, "--remote", &endpoint]);
    let remote = Entrant { step: vec![remote], before: &without_store };
    let compiled = turns(0, 1, &mut [compiled])?[0];
    let calls = || ["GetActionResult", "BatchReadBlobs"].map(|method| farm.calls(method));
    let before = calls();
    let costs = turns(1, RUNS, &mut [local, remote])?;
    without_store()?;
    table(actions, compiled, [costs[0], costs[1]]);
    let each = |at: usize| (calls()[at] - before[at]) as f64 / (actions * (RUNS + 1)) as f64;
    println!("calls for an action: {:.2} for results, {:.2} for blobs", each(0), each(1));
    Ok(())
}

fn table(actions: usize, compiled: Cost, [local, remote]: [Cost; 2]) {
    println!("\n| {actions} actions | ms | each | processor, each |\n|---|---|---|---|");
    for (name, cost) in
        [("compiled", compiled), ("from the store", local), ("from the server", remote)]
    {
        let each = |figure: f64| figure / actions as f64;
        let Cost { wall, processor, .. } = cost;
        println!("| {name} | {wall:.0} | {:.3} | {:.3} |", each(wall), each(processor));
    }
    let over = (remote.wall - local.wall) / actions as f64;
    println!("\na hit of the server costs {over:.3} ms more than one of the store");
    println!("all from the server is {:.1}x faster than compiling", compiled.wall / remote.wall);
}
