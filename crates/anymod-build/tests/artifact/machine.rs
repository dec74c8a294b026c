//! A machine with a store, tools and worktrees, and what is done in a worktree.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anymod_build::StoreRequest;
use anymod_build::artifact::{
    ArtifactRequest, Asked, Captured, How, Outcome, Populated, capture, populate,
};
use anymod_build::environment::Environment;
use anymod_model::{Diagnostics, Severity};
use anymod_store::Options;

use crate::program;

pub(crate) const MANIFEST: &str = r#"
[artifact.native]
inputs = ["src", "Cargo.*", ".cargo/config.toml"]
exclude = ["**/notes.md"]
outputs = ["out/*.node", "out/index.d.ts"]
may-be-empty = ["out/index.d.ts"]
tools = ["compiler"]
environment = ["RUSTFLAGS", "CARGO_*"]
"#;

/// A machine: a store, a directory of tools, and worktrees.
pub(crate) struct Machine {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) options: Options,
    pub(crate) environment: Environment,
}

impl Machine {
    pub(crate) fn new() -> Machine {
        let directory = tempfile::tempdir().unwrap();
        let tools = directory.path().join("tools");
        let environment =
            Environment::of_process().with("PATH", &format!("{}:/usr/bin:/bin", tools.display()));
        let machine = Machine { directory, options: Options::default(), environment };
        machine.tool("echo compiler 1");
        machine
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    pub(crate) fn tool(&self, body: &str) {
        program::script(&self.path("tools/compiler"), body);
    }

    /// A worktree whose inputs are there and whose outputs are not.
    pub(crate) fn worktree(&self, name: &str) -> Worktree<'_> {
        let tree = Worktree { root: self.path(name), machine: self, asked: Asked::default() };
        tree.write("anymod.toml", MANIFEST);
        tree.write("src/lib.rs", "pub fn f() {}");
        tree.write("src/.gitignore", "generated.rs\n");
        tree.write("src/generated.rs", "// ignored by git");
        tree.write("Cargo.toml", "[package]");
        tree
    }

    pub(crate) fn environment(&self, name: &str, value: &str) -> Environment {
        self.environment.clone().with(name, value)
    }

    pub(crate) fn blobs(&self) -> Vec<PathBuf> {
        files_below(&self.path("store/v1/blobs"))
    }
}

pub(crate) fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_dir() {
            files.extend(files_below(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files.sort();
    files
}

pub(crate) fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

pub(crate) struct Worktree<'a> {
    pub(crate) root: PathBuf,
    pub(crate) machine: &'a Machine,
    pub(crate) asked: Asked,
}

impl Worktree<'_> {
    pub(crate) fn write(&self, path: &str, text: &str) {
        write(&self.root.join(path), text);
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root.join(path)).unwrap_or_default()
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.root.join(path).symlink_metadata().is_ok()
    }

    /// Makes the outputs, as a build would that takes longer than the clock's grain.
    pub(crate) fn build(&self) {
        std::thread::sleep(Duration::from_millis(30));
        self.write("out/pi.node", &format!("machine code of {}", self.read("src/lib.rs")));
        self.write("out/index.d.ts", "");
    }

    pub(crate) fn request(&self) -> ArtifactRequest {
        ArtifactRequest {
            manifest: self.root.clone(),
            names: Vec::new(),
            asked: self.asked.clone(),
            store: StoreRequest {
                directory: self.machine.path("store"),
                options: self.machine.options.clone(),
                remote: None,
            },
            environment: self.machine.environment.clone(),
        }
    }

    pub(crate) fn capture(&self) -> Result<Vec<Captured>, Diagnostics> {
        capture(&self.request(), &How::default())
    }

    pub(crate) fn refused(&self, how: &How) -> Vec<&'static str> {
        let findings = capture(&self.request(), how).unwrap_err().0;
        let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
        errors.map(|finding| finding.code.id).collect()
    }

    pub(crate) fn populate(&self) -> Populated {
        populate(&self.request()).unwrap().pop().unwrap()
    }

    pub(crate) fn is_hit(&self) -> bool {
        matches!(self.populate().outcome, Outcome::Hit { .. })
    }

    /// What a miss says to differ.
    pub(crate) fn differences(&self) -> Vec<String> {
        match self.populate().outcome {
            Outcome::Miss { differences } => differences.unwrap_or_default(),
            Outcome::Hit { .. } => panic!("a hit"),
        }
    }
}

pub(crate) fn shell(script: &str) -> How {
    let words = ["sh", "-euc", script].map(str::to_owned);
    How { command: words.to_vec(), ..How::default() }
}
