//! Many processes that share a store.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};

use super::tree::{Built, Tree, copy_sources, dist};

/// How many processes and modules.
fn size() -> (usize, usize) {
    if std::env::var_os("ANYMOD_TORTURE").is_some() { (16, 200) } else { (6, 40) }
}

/// Builds in that many checkouts at once; what each came to.
fn together(tree: &Tree, processes: usize) -> (Vec<PathBuf>, Vec<Built>) {
    let base = tree.root.parent().unwrap();
    let checkouts: Vec<PathBuf> =
        (0..processes).map(|number| base.join(format!("checkout {number}"))).collect();
    for checkout in &checkouts {
        let _ = std::fs::remove_dir_all(checkout);
        copy_sources(&tree.root, checkout);
    }
    let start = |checkout: &PathBuf| {
        let mut command = tree.anymod_in(checkout, &["build", "--format", "json", "-j", "2"]);
        // Into a file: nobody reads while they all run.
        let stdout = std::fs::File::create(checkout.join("events")).unwrap();
        command.stdout(stdout).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = checkouts.iter().map(start).collect();
    let end = |(child, checkout): (std::process::Child, &PathBuf)| {
        let mut output = child.wait_with_output().unwrap();
        output.stdout = std::fs::read(checkout.join("events")).unwrap();
        Built::of(output).ok()
    };
    let built = children.into_iter().zip(&checkouts).map(end).collect();
    (checkouts, built)
}

#[test]
fn crowd_an_empty_store_and_many_checkouts() {
    let (processes, modules) = size();
    let tree = Tree::many(modules);
    let (checkouts, built) = together(&tree, processes);
    let ran: usize = built.iter().map(|built| built.totals().ran).sum();
    let actions = 3 * modules;
    let percent = 100.0 * (ran - actions) as f64 / actions as f64;
    eprintln!("{processes} processes, {actions} actions, {ran} runs: {percent:.1}% more than once");
    assert!(percent <= 5.0, "{percent}%");
    let expected = dist(checkouts.first().unwrap());
    assert_eq!(expected.len(), modules);
    for (checkout, built) in checkouts.iter().zip(&built) {
        assert!(dist(checkout) == expected, "{}", checkout.display());
        assert_eq!(built.codes(), [""; 0]);
    }
    tree.verify();
    // None of it differs from what one build gives that shares nothing.
    tree.build(&["--no-store"]).ok();
    assert!(tree.dist() == expected);
}

#[test]
fn crowd_while_everything_is_collected() {
    let (processes, modules) = size();
    let tree = Tree::many(modules / 2);
    tree.build(&["--no-store"]).ok();
    let expected = tree.dist();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let collector = scope.spawn(|| {
            let mut rounds = 0;
            while !done.load(Ordering::Relaxed) {
                let size = if rounds % 2 == 0 { "20KiB" } else { "1" };
                let output = tree.anymod(&["cache", "gc", "--max-size", size]).output().unwrap();
                assert!(output.status.success(), "{output:?}");
                rounds += 1;
            }
            rounds
        });
        for _ in 0..2 {
            let (checkouts, built) = together(&tree, processes / 2);
            for (checkout, built) in checkouts.iter().zip(&built) {
                assert!(dist(checkout) == expected, "{}", checkout.display());
                assert_eq!(built.codes(), [""; 0]);
            }
        }
        done.store(true, Ordering::Relaxed);
        assert!(collector.join().unwrap() > 3);
    });
    tree.verify();
}
