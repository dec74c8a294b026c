//! Addons for Node.js, built from the example and loaded in the machine's own Node: every platform, every variant, and
//! every file that has to be refused before it is loaded.

#[path = "../support/mod.rs"]
mod support;

mod build;
mod load;
mod package;
mod project;
mod rust;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use support::Checked;

/// A test and its name.
type Case = (&'static str, fn() -> Checked);

fn main() -> ExitCode {
    let cases = [build::CASES, load::CASES, package::CASES, rust::CASES].concat();
    let trials =
        cases.into_iter().map(|(name, case)| Trial::test(name, move || Ok(case()?))).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
