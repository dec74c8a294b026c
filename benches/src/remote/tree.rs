//! What digesting a toolchain costs, the first time and again.

use std::time::Instant;

use super::Bench;
use crate::files::{make_dir, remove_dir};

const RUNS: usize = 15;

/// Digests a copy of zig that shares its files, whole and by its memo.
pub(super) fn tree(bench: &Bench) -> Result<(), String> {
    let zig = bench.zig.parent().ok_or("zig is nowhere")?;
    let copies = bench.directory.join("toolchains");
    remove_dir(&copies)?;
    make_dir(&copies)?;
    let copy = copies.join("zig");
    let status = std::process::Command::new("cp").arg("-al").arg(zig).arg(&copy).status();
    if !status.map_err(|error| format!("cannot run cp: {error}"))?.success() {
        return Err(format!("{} cannot be copied", zig.display()));
    }
    let digest = || {
        let begun = Instant::now();
        let found = anymod_build::remote::toolchain_tree(&copy).ok_or("it cannot be read")?;
        Ok::<_, String>((found, begun.elapsed().as_secs_f64() * 1e3))
    };
    let ((files, root), first) = digest()?;
    let mut again = Vec::new();
    for _ in 0..RUNS {
        let ((_, same), took) = digest()?;
        if same != root {
            return Err("the tree is another one".to_owned());
        }
        again.push(took);
    }
    again.sort_by(f64::total_cmp);
    println!(
        "toolchain of {files} files: digested in {first:.0} ms, unchanged {:.1} ms",
        again[RUNS / 2]
    );
    remove_dir(&copies)
}
