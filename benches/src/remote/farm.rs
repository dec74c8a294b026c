//! A simulated farm: the real command against workers that only wait, with more and more slots.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anymod_remote::message::Command;

use super::Bench;
use super::stub::farm::Farm;
use crate::files::{make_dir, remove_dir, write};
use crate::measure;

/// How many slots, and how many actions for them: enough that beginning and end do not count. The variable
/// `ANYMOD_BENCH_SLOTS` chooses one by its slots.
const POINTS: [(usize, usize); 5] =
    [(8, 160), (64, 1_280), (200, 4_000), (500, 20_000), (1_000, 20_000)];
/// How long an action takes on a worker: what a compilation of a C++ source does.
const LATENCY: Duration = Duration::from_millis(2_000);
const SOURCES_IN_MODULE: usize = 200;

/// Has the command build projects of single compilations with workers, and tells how busy these were.
pub(super) fn farm(bench: &Bench) -> Result<(), String> {
    let object = Arc::new(object(bench)?);
    println!("each action takes {LATENCY:?} on a worker\n");
    println!(
        "| slots | actions | s | slots busy | client's processor, ms each | client's memory, MiB |"
    );
    println!("|---|---|---|---|---|---|");
    let only = std::env::var("ANYMOD_BENCH_SLOTS").ok();
    let chosen = |slots: usize| only.as_ref().is_none_or(|only| *only == slots.to_string());
    for (slots, actions) in POINTS.into_iter().filter(|(slots, _)| chosen(*slots)) {
        point(bench, slots, actions, &object)?;
    }
    Ok(())
}

fn point(bench: &Bench, slots: usize, actions: usize, object: &Arc<Vec<u8>>) -> Result<(), String> {
    let root = project(bench, actions)?;
    for directory in ["build", "dist", "store"] {
        remove_dir(&root.join(directory))?;
    }
    let object = Arc::clone(object);
    let farm = Arc::new(Farm::new(slots, LATENCY, Box::new(move |command| made(command, &object))));
    let endpoint = format!("grpc://127.0.0.1:{}", farm.start());
    // A few more than there are slots, so that the next one is there when a slot is free.
    let jobs = (slots + slots / 10 + 8).to_string();
    let options = ["--store", "store", "--remote", &endpoint, "--remote-exec", "--jobs", &jobs];
    let cost = measure::once(&mut vec![bench.build(&root, &options)])?;
    let executed = farm.executed.load(Ordering::Relaxed);
    if executed != actions {
        return Err(format!("{executed} of {actions} actions were executed"));
    }
    let (busy, span) = farm.times();
    let share = busy.as_secs_f64() / (span.as_secs_f64() * slots as f64) * 100.0;
    println!(
        "| {slots} | {actions} | {:.1} | {share:.1} % | {:.2} | {:.0} |",
        span.as_secs_f64(),
        cost.processor / actions as f64,
        cost.memory as f64 / 1024.0
    );
    Ok(())
}

/// What a worker makes: the object that all sources have, and the file that says what was read.
fn made(command: &Command, object: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let source = command.arguments.iter().find(|word| word.ends_with(".c"));
    let depfile = format!("out.o: {}\n", source.map_or("", String::as_str)).into_bytes();
    let outputs = command.output_paths.iter();
    let bytes =
        |path: &String| if path.ends_with(".o") { object.to_vec() } else { depfile.clone() };
    outputs.map(|path| (path.clone(), bytes(path))).collect()
}

/// A project of so many sources, each a compilation of its own, in archives.
fn project(bench: &Bench, sources: usize) -> Result<PathBuf, String> {
    let root = bench.directory.join(format!("farm-{sources}"));
    let mut manifest = String::from("[project]\ntargets = [\"wasi\"]\n");
    for module in 0..sources.div_ceil(SOURCES_IN_MODULE) {
        let directory = root.join(format!("m{module}"));
        make_dir(&directory)?;
        manifest += &format!("\n[module.m{module}]\nsources = [\"m{module}/*.c\"]\n");
        for source in 0..SOURCES_IN_MODULE.min(sources - module * SOURCES_IN_MODULE) {
            let text = format!("int f{module}_{source}(int x) {{ return x + {source}; }}\n");
            write(&directory.join(format!("s{source}.c")), &text)?;
        }
    }
    write(&root.join("anymod.toml"), &manifest)?;
    Ok(root)
}

/// The object that a compilation makes.
fn object(bench: &Bench) -> Result<Vec<u8>, String> {
    let root = project(bench, 1)?;
    remove_dir(&root.join("build"))?;
    measure::once(&mut vec![bench.build(&root, &["--no-store"])])?;
    let found = first_object(&root.join("build")).ok_or("no object was made")?;
    std::fs::read(found).map_err(|error| error.to_string())
}

fn first_object(directory: &Path) -> Option<PathBuf> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(directory).ok()?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    entries.into_iter().find_map(|entry| match entry.is_dir() {
        true => first_object(&entry),
        false => entry.extension().is_some_and(|end| end == "o").then_some(entry),
    })
}
