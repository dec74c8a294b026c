//! What a wheel costs: ours, cold and out of the store, beside the incumbent's flow with the same compiler.
//!
//! The incumbent's `emcc` is our stand-in without a store, so that both run the same clang and wasm-ld with the same options
//! and what differs is the flow around them. Both install build requirements through uv if it is on the `PATH`, else through pip, with
//! one cache of downloads; the incumbent does so each time, ours keeps them, and is measured both ways.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anymod_build::intercept::{self, Setup};

use super::{Pyodide, TARGET, succeed};
use crate::files::{make_dir, remove_dir, write};
use crate::measure::{Entrant, turns};

/// Runs of each flow.
const RUNS: usize = 3;

/// Packages, with the SHA-256 of their source distributions.
const PACKAGES: [(&str, &str); 2] = [
    ("ujson==5.10.0", "b3cd8f3c5d8c7738257f1018880444f7b7d9b66232c64649f562d7ba86ad4bc1"),
    ("msgpack==1.1.0", "dd432ccc2c72b914e4cb77afce64aab761c1137cc698be3984eee260bcb2896e"),
];

pub(super) fn wheels(pyodide: &Pyodide) -> Result<(), String> {
    let directory = pyodide.directory.join("wheels");
    make_dir(&directory)?;
    println!(
        "\n| wheel, seconds | incumbent | ours, empty caches | ours, empty store | ours, out of the store | incumbent / ours, empty caches | incumbent / ours, empty store | empty store / out of the store |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    for (package, sha256) in PACKAGES {
        let row = flows(pyodide, &directory, package, sha256)?;
        let [theirs, fresh, cold, warm] = row;
        println!(
            "| {package} | {theirs:.2} | {fresh:.2} | {cold:.2} | {warm:.2} | {:.2} | {:.2} | {:.2} |",
            theirs / fresh,
            theirs / cold,
            cold / warm
        );
    }
    Ok(())
}

/// What is the same for both: what pip and uv have downloaded, because the network is not what is measured, and that Python may keep
/// what it compiles.
fn alike(command: &mut Command, directory: &Path) {
    command.env("PIP_CACHE_DIR", directory.join("pip-cache"));
    command.env("UV_CACHE_DIR", directory.join("uv-cache"));
    command.env_remove("PYTHONDONTWRITEBYTECODE");
}

/// Seconds of the incumbent's flow, ours with empty caches, ours with an empty store and ours out of the store.
fn flows(
    pyodide: &Pyodide,
    directory: &Path,
    package: &str,
    sha256: &str,
) -> Result<[f64; 4], String> {
    let name = package.replace("==", "-");
    let (source, archive) = fetch(pyodide, directory, package, sha256)?;
    let (fresh, kept) = (directory.join("fresh"), directory.join("kept"));
    let (empty, filled) = (directory.join("empty"), directory.join("filled"));
    let work = directory.join(format!("{name}-theirs"));
    let theirs = theirs(pyodide, directory, &source, &work)?;
    let ours = |cache: &Path, store: &Path| {
        let mut command = Command::new(&pyodide.anymod);
        command.args(["--quiet", "wheel", "--target", TARGET]).arg(&archive);
        command.arg("--out").arg(directory.join("out")).arg("--store").arg(store);
        command.env("XDG_CACHE_HOME", cache);
        alike(&mut command, directory);
        vec![command]
    };
    let clear_theirs = || {
        for made in [work.clone(), source.join("build"), source.join(".pyodide_build")] {
            remove_dir(&made)?;
        }
        make_dir(&work)
    };
    let clear_all = || remove_dir(&fresh).and_then(|()| remove_dir(&empty));
    let clear_store = || remove_dir(&empty);
    let nothing = || Ok(());
    let mut entrants = [
        Entrant { step: vec![theirs], before: &clear_theirs },
        Entrant { step: ours(&fresh, &empty), before: &clear_all },
        Entrant { step: ours(&kept, &empty), before: &clear_store },
        Entrant { step: ours(&kept, &filled), before: &nothing },
    ];
    let costs = turns(1, RUNS, &mut entrants)?;
    let second = |index: usize| costs.get(index).map_or(f64::NAN, |cost| cost.wall / 1e3);
    Ok([second(0), second(1), second(2), second(3)])
}

/// The source distribution, unpacked, and its archive. anymod fetches it.
fn fetch(
    pyodide: &Pyodide,
    directory: &Path,
    package: &str,
    sha256: &str,
) -> Result<(PathBuf, PathBuf), String> {
    let cache = directory.join("kept");
    let sdists = cache.join("anymod/sdists").join(sha256);
    if !sdists.is_dir() {
        let mut command = Command::new(&pyodide.anymod);
        command.args(["wheel", "--target", TARGET, package, "--hash", &format!("sha256:{sha256}")]);
        succeed(command.arg("--out").arg(directory.join("out")).env("XDG_CACHE_HOME", &cache))?;
    }
    let entries = std::fs::read_dir(&sdists).map_err(|error| error.to_string())?;
    let archive = entries.flatten().next().ok_or("nothing was fetched")?.path();
    let sources = directory.join("sources");
    make_dir(&sources)?;
    succeed(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&sources))?;
    Ok((sources.join(package.replace("==", "-")), archive))
}

/// The incumbent's flow as a command.
fn theirs(
    pyodide: &Pyodide,
    directory: &Path,
    source: &Path,
    work: &Path,
) -> Result<Command, String> {
    let place = directory.join("emcc");
    remove_dir(&place)?;
    make_dir(&place)?;
    let setup = Setup::new(&pyodide.target, place.join("trace.jsonl"));
    let stand_in = intercept::install(&setup, &place, &pyodide.anymod);
    let bin = stand_in.map_err(|error| error.to_string())?.bin;
    let tools = directory.join("theirs-tools");
    remove_dir(&tools)?;
    make_dir(&tools)?;
    let linked = |from: &Path, to: &Path| symlink(from, to).map_err(|error| error.to_string());
    for name in ["emcc", "em++", "emar", "emranlib", "emstrip"] {
        linked(&bin.join(name), &tools.join(name))?;
    }
    // It looks for the program that lists symbols where an SDK would have it, and else on the path.
    let tool = &pyodide.target.description.tools;
    linked(&tool.nm.with_file_name("llvm-readobj-19"), &tools.join("llvm-readobj"))?;
    linked(&tool.nm, &tools.join("emnm"))?;
    let install = directory.join("theirs-install");
    remove_dir(&install)?;
    make_dir(&install)?;
    linked(&pyodide.target.sysconfig(), &install.join("sysconfigdata"))?;
    let facts = &pyodide.target.description.facts;
    let field = |name: &str, value: &str| format!("\"{name}\":\"{value}\"");
    let path = |path: &Path| path.display().to_string();
    let fields = [
        field("source", &path(source)),
        field("out", &path(work)),
        field("work", &path(work)),
        field("tools", &path(&tools)),
        field("install", &path(&install)),
        field("include", &path(&pyodide.target.python_include())),
        field("python", facts.python_minor()),
        field("abi", facts.abi.as_deref().unwrap_or_default()),
        field("emscripten", &facts.emscripten),
        field("sysconfig", pyodide.target.sysconfigdata_name()),
    ];
    let mut command = Command::new(pyodide.incumbent.join("bin/python"));
    let script = directory.join("incumbent.py");
    write(&script, include_str!("incumbent.py"))?;
    command.arg(script).arg(format!("{{{}}}", fields.join(",")));
    alike(&mut command, directory);
    Ok(command)
}
