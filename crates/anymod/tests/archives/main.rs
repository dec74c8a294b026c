//! Modules as archives, by the real command: real compilers make them; make, ninja, a shell and the machine's C compiler use
//! what is told about them.
//!
//! - [`building`] holds what goes into an archive, when it is made again and what is refused.
//! - [`telling`] holds flags, information and their quoting.
//! - [`layering`] holds where manifests come from.
//! - [`others`] holds ninja and bundles of a project.

mod building;
mod desk;
mod layering;
mod others;
#[path = "../support/mod.rs"]
mod support;
mod telling;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use support::Checked;

/// A test and its name.
type Case = (&'static str, fn() -> Checked);

fn main() -> ExitCode {
    let groups: [(&str, &[Case]); 4] = [
        ("building", &building::CASES),
        ("telling", &telling::CASES),
        ("layering", &layering::CASES),
        ("others", &others::CASES),
    ];
    let trials = groups.iter().flat_map(|(group, cases)| {
        cases.iter().map(move |(name, case)| {
            Trial::test(format!("archives::{group}::{name}"), || Ok(case()?))
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}
