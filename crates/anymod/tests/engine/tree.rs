//! A project in a directory of its own, built by the command.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anymod_model::event::{Event, Finding, Outcome, Totals};

use crate::support::program::script;

/// How often the long form does something; the short form if the tests run as they usually do.
pub(crate) fn times(short: usize, long: usize) -> usize {
    let asked = std::env::var("ANYMOD_TORTURE").ok();
    asked.map_or(short, |asked| asked.parse().unwrap_or(long))
}

/// A module that can be called, with a number in it. `name` is a C identifier.
pub(crate) fn module_c(name: &str, value: &str) -> String {
    format!(
        "#include \"anymod/micropython.h\"\n\
         static mp_obj_t {name}(mp_obj_t x) {{ return mp_obj_new_int(({value}) * mp_obj_get_int(x)); }}\n\
         static MP_DEFINE_CONST_FUN_OBJ_1({name}_obj, {name});\n\
         mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {{\n\
         MP_DYNRUNTIME_INIT_ENTRY\n\
         mp_store_global(MP_QSTR_{name}, MP_OBJ_FROM_PTR(&{name}_obj));\n\
         MP_DYNRUNTIME_INIT_EXIT\n}}\n"
    )
}

pub(crate) const HEAD: &str = "[project]\ntargets = [\"micropython-x64\"]\n";
/// The manifest of one module, `m`, in `m.c`.
pub(crate) const ONE: &str =
    "[project]\ntargets = [\"micropython-x64\"]\n[module.m]\nsources = [\"m.c\"]\n";
/// Where that module is installed.
pub(crate) const DIST: &str = "dist/micropython-x64/m.mpy";

/// A project, its store and its home below one directory.
pub(crate) struct Tree {
    pub(crate) base: tempfile::TempDir,
    pub(crate) root: PathBuf,
    pub(crate) store: PathBuf,
    /// What is different from the usual environment; none takes a variable away.
    pub(crate) variables: BTreeMap<String, Option<String>>,
}

/// A build that has ended.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) code: Option<i32>,
    pub(crate) events: Vec<Event>,
    pub(crate) stderr: String,
}

impl Tree {
    pub(crate) fn new(files: &[(&str, &str)]) -> Tree {
        let base = tempfile::Builder::new().prefix("anymod-engine-").tempdir().unwrap();
        let at = base.path().canonicalize().unwrap();
        let tree = Tree {
            root: at.join("tree"),
            store: at.join("store"),
            base,
            variables: BTreeMap::new(),
        };
        std::fs::create_dir(&tree.root).unwrap();
        for (path, text) in files {
            tree.write(path, text);
        }
        tree
    }

    /// The usual project of one module.
    pub(crate) fn one() -> Tree {
        Tree::new(&[("anymod.toml", ONE), ("m.c", &module_c("twice", "2"))])
    }

    /// A project of so many modules.
    pub(crate) fn many(count: usize) -> Tree {
        let mut manifest = HEAD.to_owned();
        let tree = Tree::new(&[]);
        for number in 0..count {
            manifest.push_str(&format!("[module.m{number}]\nsources = [\"m{number}.c\"]\n"));
            let text = module_c(&format!("times{number}"), &format!("{number} + 2"));
            tree.write(&format!("m{number}.c"), &text);
        }
        tree.write("anymod.toml", &manifest);
        tree
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The finished modules.
    pub(crate) fn dist(&self) -> BTreeMap<String, Vec<u8>> {
        dist(&self.root)
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), Some(value.to_owned()));
    }

    /// Puts a shell script first on the `PATH`.
    pub(crate) fn tool(&mut self, name: &str, body: &str) -> PathBuf {
        let bin = self.root.parent().unwrap().join("bin");
        script(&bin.join(name), body);
        self.set("PATH", &format!("{}:/usr/bin:/bin", bin.display()));
        bin
    }

    /// The command, in the project and in an environment of its own.
    pub(crate) fn anymod(&self, arguments: &[&str]) -> Command {
        self.anymod_in(&self.root, arguments)
    }

    pub(crate) fn anymod_in(&self, directory: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_anymod"));
        command.args(arguments).current_dir(directory).stdin(Stdio::null());
        command.env("ANYMOD_HOME", self.root.with_file_name("home"));
        command.env("ANYMOD_STORE", &self.store).env("ANYMOD_CONFIG", "none");
        command.env("ANYMOD_TOOLCHAIN", "gnu").env("NO_COLOR", "1");
        for name in ["MAKEFLAGS", "MFLAGS", "CARGO_MAKEFLAGS", "ANYMOD_JOBS"] {
            command.env_remove(name);
        }
        for (name, value) in &self.variables {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    pub(crate) fn build(&self, more: &[&str]) -> Built {
        self.build_in(&self.root, more)
    }

    pub(crate) fn build_in(&self, directory: &Path, more: &[&str]) -> Built {
        let arguments = [&["build", "--format", "json"], more].concat();
        Built::of(self.anymod_in(directory, &arguments).output().unwrap())
    }

    /// Builds, which has to succeed.
    pub(crate) fn built(&self) -> Built {
        self.build(&[]).ok()
    }

    /// Removes everything that builds made here.
    pub(crate) fn clean(&self) {
        for directory in ["build", "dist"] {
            let _ = std::fs::remove_dir_all(self.path(directory));
        }
    }

    /// `anymod cache verify` has to find nothing.
    pub(crate) fn verify(&self) {
        let output = self.anymod(&["cache", "verify"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

impl Built {
    pub(crate) fn of(output: Output) -> Built {
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!stderr.contains("panicked"), "{stderr}");
        let event = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
        };
        Built { code: output.status.code(), events: stdout.lines().map(event).collect(), stderr }
    }

    pub(crate) fn ok(self) -> Built {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }

    fn with(&self, wanted: Outcome) -> Vec<String> {
        let mut subjects: Vec<String> = self
            .events
            .iter()
            .filter_map(|event| match event {
                Event::ActionFinished { action, outcome, .. } if *outcome == wanted => {
                    Some(format!("{} {}", action.kind.name(), action.subject))
                }
                _ => None,
            })
            .collect();
        subjects.sort();
        subjects
    }

    /// What ran, sorted: kinds and subjects.
    pub(crate) fn ran(&self) -> Vec<String> {
        self.with(Outcome::Ran)
    }

    /// What came out of the store.
    pub(crate) fn hits(&self) -> Vec<String> {
        self.with(Outcome::Hit)
    }

    pub(crate) fn failed(&self) -> Vec<String> {
        self.with(Outcome::Failed)
    }

    pub(crate) fn totals(&self) -> Totals {
        let last = self.events.iter().rev().find_map(|event| match event {
            Event::RunFinished(totals) => Some(*totals),
            _ => None,
        });
        last.unwrap_or_else(|| panic!("no end: {self:#?}"))
    }

    /// Codes of findings, in the stream or told to people.
    pub(crate) fn codes(&self) -> Vec<String> {
        let mut codes: Vec<String> = Vec::new();
        for event in &self.events {
            if let Event::Diagnostic(Finding { code, .. }) = event {
                codes.push(code.clone());
            }
        }
        for part in self.stderr.split(['\n', ' ']) {
            let word = part.strip_prefix("warning[").or_else(|| part.strip_prefix("error["));
            if let Some((code, _)) = word.and_then(|word| word.split_once(']')) {
                codes.push(code.to_owned());
            }
        }
        codes
    }
}

/// The finished modules of a project, by path.
pub(crate) fn dist(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let paths = files(&root.join("dist"));
    paths
        .into_iter()
        .map(|path| (path.to_string_lossy().into_owned(), std::fs::read(path).unwrap()))
        .map(|(path, bytes)| (path.split("/dist/").last().unwrap().to_owned(), bytes))
        .collect()
}

/// Every file below a directory, sorted.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

/// Copies what is not made by builds.
pub(crate) fn copy_sources(from: &Path, to: &Path) {
    for file in files(from) {
        let name = file.strip_prefix(from).unwrap();
        if name.starts_with("build") || name.starts_with("dist") {
            continue;
        }
        let to = to.join(name);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(&file, to).unwrap();
    }
}

/// Temporary files and directories that a build has left.
pub(crate) fn leftovers(root: &Path) -> Vec<PathBuf> {
    let all = files(&root.join("build")).into_iter().chain(files(&root.join("dist")));
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    let mut left: Vec<PathBuf> =
        all.filter(|path| text(path).ends_with(".tmp") || text(path).contains("/.work-")).collect();
    let work = std::fs::read_dir(root.join("build")).into_iter().flatten().flatten();
    let is_work =
        |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with(".work-");
    left.extend(work.filter(is_work).map(|entry| entry.path()));
    left
}

/// Processes whose current directory is a project's, which is where its tools run.
pub(crate) fn processes_in(root: &Path) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pid = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
    entries
        .filter_map(pid)
        .filter(|pid| {
            // A process that has ended and is not yet waited for has no directory.
            std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|at| at.starts_with(root))
        })
        .collect()
}

/// Sends a signal to a process, or with a minus before the number to a group.
pub(crate) fn signal(name: &str, to: &str) {
    let _ = Command::new("kill").args(["-s", name, "--", to]).stderr(Stdio::null()).status();
}

/// Numbers that look random and can be had again.
pub(crate) struct Numbers(u64);

impl Numbers {
    /// From `ANYMOD_SEED`, or from the clock; says which, so that a failure can be repeated.
    #[expect(clippy::print_stderr, reason = "shown if the test fails")]
    pub(crate) fn new(test: &str) -> Numbers {
        let given = std::env::var("ANYMOD_SEED").ok().and_then(|seed| seed.parse().ok());
        let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let seed = given.unwrap_or_else(|| u64::from(now().unwrap().subsec_nanos()));
        eprintln!("{test}: ANYMOD_SEED={seed}");
        Numbers(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % limit.max(1)
    }
}
