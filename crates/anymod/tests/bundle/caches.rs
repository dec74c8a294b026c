//! When a bundle is linked, and when it is there already.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Case;
use crate::desk::{Desk, bundled};
use crate::support::process::{Finished, run};
use crate::support::{Checked, ensure, same_bytes};

pub(crate) const CASES: [Case; 11] = [
    ("hit", hit),
    ("members", members),
    ("thin_members", thin_members),
    ("options", options),
    ("order", order),
    ("framing", framing),
    ("damage", damage),
    ("crowd", crowd),
    ("never_torn", never_torn),
    ("places", places),
    ("interrupted", interrupted),
];

fn source(name: &str, value: i32) -> String {
    format!("__attribute__((export_name(\"{name}\"))) int {name}(void) {{ return {value}; }}\n")
}

/// Bundles, which has to be of an outcome.
fn expect(desk: &Desk, outcome: &str, words: &[&str]) -> Checked {
    let found = desk.bundle(words)?.outcome;
    ensure(found == outcome, || format!("{words:?}: {found}, not {outcome}"))
}

fn hit() -> Checked {
    let desk = Desk::new()?;
    desk.module("a", &source("a", 1))?;
    expect(&desk, "linked", &["a.a"])?;
    let first = desk.read("out.wasm")?;
    expect(&desk, "hit", &["a.a"])?;
    let touched = std::fs::File::options().append(true).open(desk.path("a.a"));
    let now = touched.and_then(|file| file.set_modified(std::time::SystemTime::now()));
    now.map_err(|error| error.to_string())?;
    expect(&desk, "hit", &["a.a"])?;
    expect(&desk, "linked", &["a.a", "--force"])?;
    same_bytes(&first, &desk.read("out.wasm")?)
}

fn members() -> Checked {
    let desk = Desk::new()?;
    desk.module("a", &source("a", 1))?;
    expect(&desk, "linked", &["a.a"])?;
    desk.module("a", &source("a", 2))?;
    expect(&desk, "linked", &["a.a"])?;
    ensure(desk.call("a", &[])? == 2, || "the old member".to_owned())?;
    desk.module("a", &source("a", 1))?;
    expect(&desk, "hit", &["a.a"])?;
    ensure(desk.call("a", &[])? == 1, || "the newer member".to_owned())
}

/// The bytes of a thin archive stay when a member changes.
fn thin_members() -> Checked {
    let desk = Desk::new()?;
    desk.object("a", &source("a", 1), &[])?;
    desk.archive("thin.a", "T", &["a.o"])?;
    expect(&desk, "linked", &["thin.a"])?;
    let archive = desk.read("thin.a")?;
    ensure(archive.starts_with(b"!<thin>\n"), || "not thin".to_owned())?;
    desk.object("a", &source("a", 2), &[])?;
    expect(&desk, "linked", &["thin.a"])?;
    ensure(desk.read("thin.a")? == archive, || "the archive changed as well".to_owned())?;
    ensure(desk.call("a", &[])? == 2, || "the old member".to_owned())?;
    expect(&desk, "hit", &["thin.a"])?;
    std::fs::remove_file(desk.path("a.o")).map_err(|error| error.to_string())?;
    let gone = run(&mut desk.anymod(&["bundle", "-o", "out.wasm", "thin.a"]))?;
    ensure(gone.status != 0 && gone.stderr.contains("a.o"), || format!("a hit: {gone}"))
}

/// Every option that changes the bundle.
fn options() -> Checked {
    let desk = Desk::new()?;
    desk.module("a", &source("a", 1))?;
    let options: [&[&str]; 6] = [
        &[],
        &["--stack-size", "131072"],
        &["--strip", "all"],
        &["--exports", "named"],
        &["--export", "a"],
        &["--export-prefix", "a"],
    ];
    for outcome in ["linked", "hit"] {
        for words in options {
            expect(&desk, outcome, &[&["a.a"], words].concat())?;
        }
    }
    Ok(())
}

fn order() -> Checked {
    let desk = Desk::new()?;
    desk.module("a", &source("a", 1))?;
    desk.module("b", &source("b", 1))?;
    expect(&desk, "linked", &["a.a", "b.a"])?;
    expect(&desk, "linked", &["b.a", "a.a"])?;
    expect(&desk, "hit", &["a.a", "b.a"])?;
    expect(&desk, "linked", &["a.a"])
}

/// One archive of two members is not two archives of one: the same members in the same order, but other units.
fn framing() -> Checked {
    let desk = Desk::new()?;
    desk.module("a", &source("a", 1))?;
    desk.module("b", &source("b", 2))?;
    desk.archive("both.a", "", &["a.o", "b.o"])?;
    expect(&desk, "linked", &["both.a"])?;
    expect(&desk, "linked", &["a.a", "b.a"])
}

/// All files below a directory, with their bytes.
fn files(directory: &Path, found: &mut BTreeMap<std::path::PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            files(&entry.path(), found);
        } else if let Ok(bytes) = std::fs::read(entry.path()) {
            found.insert(entry.path(), bytes);
        }
    }
}

/// Whatever file of the cache is a bundle, cut short, emptied or with another byte in it, is never delivered.
fn damage() -> Checked {
    let desk = Desk::new()?;
    desk.module("a", &source("a", 1))?;
    expect(&desk, "linked", &["a.a"])?;
    let good = desk.read("out.wasm")?;
    let cut = good.get(..good.len() / 2).unwrap_or_default().to_vec();
    let mut flipped = good.clone();
    if let Some(byte) = flipped.last_mut() {
        *byte ^= 1;
    }
    for (what, bytes) in [("cut", &cut), ("empty", &Vec::new()), ("flipped", &flipped)] {
        // In the place where it was delivered, and in the cache.
        desk.write("out.wasm", bytes)?;
        expect(&desk, "hit", &["a.a"])?;
        same_bytes(&good, &desk.read("out.wasm")?).map_err(|error| format!("{what}: {error}"))?;
        let mut found = BTreeMap::new();
        files(desk.directory.parent().unwrap_or(&desk.directory), &mut found);
        found.retain(|path, kept| *kept == good && *path != desk.path("out.wasm"));
        ensure(!found.is_empty(), || "no bundle in the cache".to_owned())?;
        for path in found.keys() {
            let _ = std::fs::remove_file(path);
            std::fs::write(path, bytes).map_err(|error| error.to_string())?;
        }
        // What was delivered is still good.
        expect(&desk, "hit", &["a.a"])?;
        desk.write("out.wasm", bytes)?;
        expect(&desk, "linked", &["a.a"])?;
        same_bytes(&good, &desk.read("out.wasm")?).map_err(|error| format!("{what}: {error}"))?;
        expect(&desk, "hit", &["a.a"])?;
    }
    Ok(())
}

/// Six at once: one links.
fn crowd() -> Checked {
    let desk = Desk::new()?;
    desk.module("a", &source("a", 1))?;
    let words = ["bundle", "--format", "json", "-o", "out.wasm", "a.a"];
    let mut children = Vec::new();
    for _ in 0..6 {
        let mut command = desk.anymod(&words);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        children.push(command.spawn().map_err(|error| error.to_string())?);
    }
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for child in children {
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        let finished = Finished {
            command: "one of six".to_owned(),
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        *outcomes.entry(bundled(&finished.ok()?)?.outcome).or_default() += 1;
    }
    let links = outcomes.get("linked");
    ensure(links == Some(&1) && outcomes.values().sum::<usize>() == 6, || format!("{outcomes:?}"))?;
    ensure(desk.call("a", &[])? == 1, || "another result".to_owned())
}

/// Whoever reads the output while others write it sees the whole of one bundle.
fn never_torn() -> Checked {
    let desk = Desk::new()?;
    let mut whole = Vec::new();
    for (name, value) in [("a", 1), ("b", 2)] {
        desk.module(name, &source(name, value))?;
        expect(&desk, "linked", &[&format!("{name}.a")])?;
        whole.push(desk.read("out.wasm")?);
    }
    let mut children = Vec::new();
    for round in 0..6 {
        let archive = if round % 2 == 0 { "a.a" } else { "b.a" };
        let mut command = desk.anymod(&["bundle", "--force", "-o", "out.wasm", archive]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        children.push(command.spawn().map_err(|error| error.to_string())?);
    }
    let (mut reads, mut torn) = (0, 0);
    while !children.is_empty() {
        let read = desk.read("out.wasm")?;
        reads += 1;
        torn += usize::from(!whole.contains(&read));
        children.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
    }
    ensure(torn == 0, || format!("{torn} of {reads} reads were torn"))
}

/// The same archives give the same bytes wherever they are and whatever the bundle, the user and their directories are called.
fn places() -> Checked {
    let (one, other) = (Desk::new()?, Desk::new()?);
    for desk in [&one, &other] {
        desk.module("a", &source("a", 1))?;
        desk.module("b", &source("b", 2))?;
    }
    let words = ["bundle", "a.a", "b.a", "-o"];
    run(&mut one.anymod(&[&words[..], &["one.wasm"]].concat()))?.ok()?;
    let mut elsewhere = other.anymod(&[&words[..], &["deeper/another name.wasm"]].concat());
    elsewhere.env("USER", "somebody").env("HOME", other.path("home")).env("TZ", "Asia/Tokyo");
    run(&mut elsewhere)?.ok()?;
    same_bytes(&one.read("one.wasm")?, &other.read("deeper/another name.wasm")?)
}

/// Ctrl-C ends the tools that run, and nothing of theirs stays.
fn interrupted() -> Checked {
    let desk = Desk::new()?;
    desk.module("a", &source("a", 1))?;
    desk.decoy("slow", "#!/bin/sh\necho $$ >begun\nexec sleep 100\n")?;
    let scratch = desk.path("scratch");
    std::fs::create_dir(&scratch).map_err(|error| error.to_string())?;
    let tool = desk.path("slow").display().to_string();
    let mut bundle = desk.anymod(&["bundle", "-o", "out.wasm", "--cwasm", &tool, "a.a"]);
    bundle.env("TMPDIR", &scratch).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = bundle.spawn().map_err(|error| error.to_string())?;
    let entries = || std::fs::read_dir(&scratch).into_iter().flatten().flatten();
    let begun = || entries().map(|entry| entry.path().join("begun")).find(|path| path.is_file());
    let clock = Instant::now();
    while begun().is_none() {
        let late = clock.elapsed() > Duration::from_secs(100);
        ensure(!late, || "the tool is not started".to_owned())?;
        std::thread::sleep(Duration::from_millis(20));
    }
    run(Command::new("kill").arg("-INT").arg(child.id().to_string()))?.ok()?;
    let status = child.wait().map_err(|error| error.to_string())?;
    ensure(status.code() == Some(130), || format!("it ended with {status}"))?;
    ensure(entries().count() == 0, || "its scratch directory stays".to_owned())?;
    ensure(!desk.path("out.cwasm").exists(), || "half a module was delivered".to_owned())
}
