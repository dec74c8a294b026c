//! A build of the tests': a stand-in in place, a source tree, a store.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anymod_build::environment::Environment;
use anymod_build::intercept::{self, Generator, Outcome, Setup, StandIn, TraceRecord};
use anymod_build::target::{self, TargetEnvironment};

use super::support::machine::anymod_home;
use super::support::process::{Finished, run};

/// The targets that the tests build for, one of each way to throw.
pub(crate) const TARGETS: [&str; 2] = ["pyodide-0.27.7", "pyodide-0.29.5"];

/// A target environment, which `./dev test` makes.
pub(crate) fn target(name: &str) -> TargetEnvironment {
    let home = anymod_home();
    let environment = Environment::of_process().with("ANYMOD_HOME", home.to_str().unwrap());
    target::find(name, &environment).unwrap_or_else(|error| panic!("{error}"))
}

/// A stand-in in a place of its own, and a source tree beside it.
pub(crate) struct Build {
    pub(crate) place: tempfile::TempDir,
    pub(crate) tree: PathBuf,
    stand_in: StandIn,
    trace: PathBuf,
}

impl Build {
    /// A build for the newest target without a store.
    pub(crate) fn new() -> Build {
        Build::of(&target(TARGETS[1]), "tree", None, |_| {})
    }

    /// A build with its source tree under a name and, if one is given, with a store.
    pub(crate) fn of(
        target: &TargetEnvironment,
        name: &str,
        store: Option<&Path>,
        change: impl FnOnce(&mut Setup<'_>),
    ) -> Build {
        let place = tempfile::Builder::new().prefix("anymod-test-").tempdir().unwrap();
        let tree = place.path().join(name);
        std::fs::create_dir_all(&tree).unwrap();
        let trace = place.path().join("trace.jsonl");
        let mut setup = Setup::new(target, trace.clone());
        setup.store = store.map(|store| (store.to_owned(), anymod_store::Options::default()));
        setup.roots = vec![(tree.clone(), "source".to_owned())];
        change(&mut setup);
        let executable = Path::new(env!("CARGO_BIN_EXE_anymod"));
        let stand_in = intercept::install(&setup, &place.path().join("é stand-in"), executable);
        Build { place, tree, stand_in: stand_in.unwrap(), trace }
    }

    /// Puts the stand-in before a Cython, or takes it away.
    pub(crate) fn offer(&self, cython: Option<&Generator>) {
        intercept::offer(&self.stand_in, cython).unwrap();
    }

    /// The directory of names.
    pub(crate) fn bin(&self) -> &Path {
        &self.stand_in.bin
    }

    /// Writes a file of the source tree.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.tree.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.tree.join(name)).unwrap()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.tree.join(name).exists()
    }

    /// A call by a name, in the source tree, in an environment of which nothing is left.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.stand_in.tool(name));
        command.current_dir(&self.tree).env_clear();
        command
    }

    /// The same, run with the words of a line.
    pub(crate) fn call(&self, line: &str) -> Finished {
        let mut words = line.split(' ');
        let mut command = self.command(words.next().unwrap());
        run(command.args(words.map(OsStr::new))).unwrap()
    }

    /// The same, which has to succeed.
    pub(crate) fn ok(&self, line: &str) -> Finished {
        let finished = self.call(line);
        assert_eq!(finished.status, 0, "{finished}");
        finished
    }

    pub(crate) fn records(&self) -> Vec<TraceRecord> {
        intercept::read_trace(&self.trace).unwrap()
    }

    /// What came of the last command.
    pub(crate) fn last(&self) -> TraceRecord {
        self.records().pop().unwrap()
    }

    /// What came of each command.
    pub(crate) fn outcomes(&self) -> Vec<Outcome> {
        self.records().iter().map(|record| record.outcome).collect()
    }
}

/// An extension module of nothing.
pub(crate) const MODULE: &str = r#"#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "m", 0, -1};
int helper(void) { return sizeof __FILE__; }
PyMODINIT_FUNC PyInit_m(void) { return PyModule_Create(&module); }
"#;

/// One in C++ that throws.
pub(crate) const THROWING: &str = r#"#include <stdexcept>
#include <string>
extern "C" __attribute__((visibility("default"))) int PyInit_t(void) {
    try { throw std::runtime_error(std::string("x")); } catch (const std::exception &) { return 1; }
    return 0;
}
"#;

/// True if some bytes are among others.
pub(crate) fn contains(bytes: &[u8], wanted: &str) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted.as_bytes())
}
