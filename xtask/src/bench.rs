//! `cargo xtask bench NAME`: builds the command and the benchmarks optimised, and runs one.

use std::path::Path;
use std::process::Command;

/// Runs a benchmark by name.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    // The command as `./dev` builds it.
    let command = "rustc --release --quiet -p anymod --bin anymod -- -C target-feature=+crt-static -C relocation-model=static";
    let benchmarks = "build --release --quiet -p anymod-benches";
    for line in [command, benchmarks] {
        let built = Command::new(&cargo).args(line.split(' ')).current_dir(&root).status();
        if !built.map_err(|error| format!("cannot run cargo: {error}"))?.success() {
            return Err("the benchmarks do not build".to_owned());
        }
    }
    let release = target.join("release");
    let status = Command::new(release.join("anymod-benches"))
        .args(arguments)
        .env("ANYMOD", release.join("anymod"))
        .current_dir(&root)
        .status()
        .map_err(|error| format!("cannot run the benchmarks: {error}"))?;
    if status.success() { Ok(()) } else { Err("the benchmark failed".to_owned()) }
}
