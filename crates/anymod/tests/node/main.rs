//! Addons for Node.js, built from the example and loaded in the machine's own Node: every platform, every variant, and
//! every file that has to be refused before it is loaded.

#[path = "../support/mod.rs"]
mod support;

mod build;
mod embed;
mod host;
mod load;
mod package;
mod project;
mod rust;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use support::Checked;

/// A test and its name.
type Case = (&'static str, fn() -> Checked);

#[expect(clippy::print_stderr, reason = "what was left out has to be said")]
fn main() -> ExitCode {
    let cases = [build::CASES, embed::CASES, host::CASES, load::CASES, package::CASES, rust::CASES]
        .concat();
    let trial = |(name, case): Case| Trial::test(name, move || Ok(case()?));
    let mut trials: Vec<Trial> = cases.into_iter().map(trial).collect();
    let refused = embed::mount_options().is_none();
    if refused {
        eprintln!(
            "this machine lets nobody mount (`unshare --mount`, as root or as anyone): left out is what programs do \
             with a HOME that cannot be written and a temporary directory where nothing can be run"
        );
    }
    trials.extend(embed::MOUNTED.iter().map(|one| trial(*one).with_ignored_flag(refused)));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
