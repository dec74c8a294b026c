//! `cargo xtask bench remote [PART]`: what a remote server costs and gives, on loopback.
//!
//! The server is the tests' own, in this process, so that nothing has to be installed but zig; what it does takes a part
//! of the machine, as one on loopback always does. Times are ratios or differences of runs on the same machine.

mod farm;
mod hits;
#[path = "../../crates/anymod-remote/tests/stub/mod.rs"]
mod stub;
mod tree;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::files::make_dir;
use crate::parts::{self, Part};

/// What is measured, by name.
pub(crate) const PARTS: [Part<Bench>; 3] =
    [("hits", hits::hits), ("tree", tree::tree), ("farm", farm::farm)];

/// What all parts need.
pub(crate) struct Bench {
    anymod: PathBuf,
    directory: PathBuf,
    /// The directory of anymod's own that has zig in it.
    home: PathBuf,
    zig: PathBuf,
}

/// Runs one part or all.
pub(crate) fn run(part: Option<&str>) -> Result<(), String> {
    let anymod = std::env::var_os("ANYMOD").ok_or("run this as `cargo xtask bench remote`")?;
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench/remote");
    make_dir(&directory)?;
    let directory = directory.canonicalize().map_err(|error| error.to_string())?;
    let zig = crate::wasm::managed_zig()?;
    let home = zig.ancestors().nth(3).map(Path::to_owned).unwrap_or_default();
    let bench = Bench { anymod: PathBuf::from(anymod), directory, home, zig };
    for (_, part) in parts::chosen(&PARTS, part)? {
        part(&bench)?;
        println!();
    }
    Ok(())
}

impl Bench {
    /// `anymod build` of a whole project with zig.
    fn build(&self, project: &Path, options: &[&str]) -> Command {
        let mut command = Command::new(&self.anymod);
        command.args(["build", "--quiet", "--toolchain", "zig"]).args(options);
        command.current_dir(project).env("ANYMOD_HOME", &self.home);
        let caches = self.directory.join("zig-cache");
        command.env("ZIG_GLOBAL_CACHE_DIR", &caches).env("ZIG_LOCAL_CACHE_DIR", &caches);
        // What a user of this machine has configured stays out.
        command.env_remove("ANYMOD_STORE").env_remove("ANYMOD_REMOTE");
        command
    }
}
