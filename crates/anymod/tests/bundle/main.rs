//! `anymod bundle` and what leads to it, by the real command: real compilers and linkers make what is bundled, wasmtime and
//! the machine's C compiler use what comes out.
//!
//! - [`links`] holds what a link must do or refuse, from archives that are made here.
//! - [`caches`] holds when a bundle is linked again and when not.
//! - [`projects`] holds what follows from a manifest: flags, archives of targets and build types, equal bytes.
//! - [`language`] runs `examples/qrcode`, interpreted and compiled.

mod caches;
mod desk;
mod language;
mod links;
mod projects;
#[path = "../support/mod.rs"]
mod support;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use support::Checked;

/// A test and its name.
type Case = (&'static str, fn() -> Checked);

fn main() -> ExitCode {
    let groups: [(&str, &[Case]); 4] = [
        ("links", &links::CASES),
        ("caches", &caches::CASES),
        ("projects", &projects::CASES),
        ("language", &language::CASES),
    ];
    let trials = groups.iter().flat_map(|(group, cases)| {
        cases.iter().map(move |(name, case)| {
            Trial::test(format!("bundle::{group}::{name}"), || Ok(case()?))
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}
