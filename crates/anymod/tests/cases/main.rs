//! Cases: each directory of `tests/cases/mpy` is linked for every architecture and compiler that it names, and either run or
//! refused. `BLESS=1` rewrites the texts of refusals.
//!
//! A case has a file `module.c` that begins with directives, and any other sources. `tests/cases/mpy/about` is one that
//! explains itself. A directive is a line
//!
//! ```text
//! //# NAME: VALUE
//! //# NAME(FILTER…): VALUE        only for the architectures or compilers named; `arm` and `riscv` are several
//! ```
//!
//! | name | value |
//! |---|---|
//! | `arch` | architectures; all that have a compiler if it is missing |
//! | `compiler` | `gnu`, `zig` or both (the default) |
//! | `cflags` | options of the compiler, after the usual ones |
//! | `cxxflags` | the same for C++ (`.cc`) |
//! | `archive` | `NAME.a = FILE…`: an archive of what is compiled from these sources; the rest is linked as objects |
//! | `make` | a shell command in the build directory before linking, with `CC`, `AR`, `OBJCOPY`, `PYTHON` and `CASE` set |
//! | `objects` | the objects to link in their order, if not those of all sources outside archives |
//! | `libraries` | further archives; `libgcc` is that of the compiler |
//! | `link` | options of ours |
//! | `test` | `FUNCTION(INTEGER…) == INTEGER`; without it `test.py` is run, where there is a real MicroPython |
//! | `ours` | `runs` (the default): passes the tests; `links`: is linked and valid; `warns CODE…`, `refuses CODE…`: with just these codes and the text in `expect.txt` (`expect.ARCH.COMPILER.txt` if several are refused) |
//! | `incumbent` | what `mpy_ld.py` makes of it, which is tried as well: `runs`, `links`, `error TEXT`, `wrong` (links, and fails the test) |
//! | `compat` | what `--compat 1.25` makes of it: `same` bytes as the incumbent, or `refuses CODE…` |
//!
//! Directives with lists (`cflags`, `cxxflags`, `archive`, `make`, `libraries`, `link`, `test`) add up, of others the last
//! that applies counts. `case.h` makes a module of a function `run`. `incumbent` and `compat` are left out for rv64imc, which
//! the incumbent does not know yet, and for what clang makes for ARM, which it never links (docs/differences.md).

mod directives;
mod link;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use directives::{Case, Outcome};
use libtest_mimic::{Arguments, Trial};
use link::Workbench;
use support::Checked;
use support::compiler::{Compiler, MACHINES};
use support::machine::repository;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = match all() {
        Ok(trials) => trials,
        Err(error) => vec![Trial::test("cases::directives", move || Err(error.into()))],
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn all() -> Checked<Vec<Trial>> {
    let directory = repository().join("tests/cases/mpy");
    let entries = std::fs::read_dir(&directory)
        .map_err(|error| format!("{}: {error}", directory.display()))?;
    let mut cases: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
    cases.sort();
    let mut trials = Vec::new();
    for path in cases {
        trials.extend(trials_of(&path)?);
    }
    Ok(trials)
}

/// A trial for each architecture and compiler of a case.
fn trials_of(path: &Path) -> Checked<Vec<Trial>> {
    let case = Case::read(path)?;
    let mut variants = Vec::new();
    for machine in &MACHINES {
        for compiler in [Compiler::Gnu, Compiler::Zig] {
            let variant = case.variant(machine.arch, compiler)?;
            if machine.has(compiler) && variant.wanted {
                variants.push((machine, compiler, variant));
            }
        }
    }
    let has_text = |outcome: &Outcome| matches!(outcome, Outcome::Refuses(_) | Outcome::Warns(_));
    let texts = variants.iter().filter(|(_, _, variant)| has_text(&variant.ours)).count();
    let mut trials = Vec::new();
    for (machine, compiler, mut variant) in variants {
        variant.only_text = texts < 2;
        let name = format!("cases::{}::{}::{}", case.name, machine.arch, compiler.name());
        trials.push(Trial::test(name, move || {
            Ok(Workbench::new(machine, compiler, variant)?.check()?)
        }));
    }
    if trials.is_empty() {
        return Err(format!("{}: no architecture and compiler to try it with", path.display()));
    }
    Ok(trials)
}
