//! A directory in which archives are made and bundled.

use std::path::{Path, PathBuf};
use std::process::Command;

use wasmtime::{Engine, Instance, Linker, Module, Store, Val};

use crate::support::process::{Finished, anymod, run};
use crate::support::{Checked, ensure, read, scratch, write};

/// The compiler and archiver of objects that need no C library, and what has them.
const CLANG: &str = "clang-19";
const AR: &str = "llvm-ar-19";
const PACKAGES: &str = "run `apt-get install clang-19 llvm-19`, or `./dev test`";

/// Variables of whoever runs the tests that would be taken for what is wanted.
const FOREIGN: [&str; 5] = ["CC", "AR", "CFLAGS", "LDFLAGS", "MAKEFLAGS"];

pub(crate) struct Desk {
    scratch: tempfile::TempDir,
    /// Where everything is; its name has a space and letters beyond ASCII.
    pub(crate) directory: PathBuf,
}

impl Desk {
    pub(crate) fn new() -> Checked<Desk> {
        let scratch = scratch()?;
        let directory = scratch.path().join("my wörk");
        std::fs::create_dir(&directory).map_err(|error| error.to_string())?;
        Ok(Desk { scratch, directory })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Checked<Vec<u8>> {
        read(&self.path(name))
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> Checked {
        write(&self.path(name), text)
    }

    /// A program that is none of the real ones.
    pub(crate) fn decoy(&self, name: &str, text: &str) -> Checked {
        self.write(name, text)?;
        run(Command::new("chmod").arg("+x").arg(self.path(name)))?.ok().map(|_| ())
    }

    /// Compiles C for WebAssembly to `NAME.o`.
    pub(crate) fn object(&self, name: &str, text: &str, options: &[&str]) -> Checked {
        let target = ["--target=wasm32-wasi", "-O1", "-c"];
        self.compile(name, text, &[&target, options].concat())
    }

    /// Compiles C for this machine to `NAME.o`.
    pub(crate) fn native_object(&self, name: &str, text: &str) -> Checked {
        self.compile(name, text, &["-O1", "-c"])
    }

    fn compile(&self, name: &str, text: &str, options: &[&str]) -> Checked {
        self.write(&format!("{name}.c"), text)?;
        let mut command = Command::new(CLANG);
        command.args(options).arg(format!("{name}.c")).arg("-o").arg(format!("{name}.o"));
        self.made(&mut command)
    }

    /// Makes an archive of objects; `flags` are `ar`'s, such as `T` for a thin one.
    pub(crate) fn archive(&self, archive: &str, flags: &str, objects: &[&str]) -> Checked {
        let _ = std::fs::remove_file(self.path(archive));
        let mut command = Command::new(AR);
        command.arg(format!("rcsD{flags}")).arg(archive).args(objects);
        self.made(&mut command)
    }

    /// An archive of one object.
    pub(crate) fn module(&self, name: &str, text: &str) -> Checked {
        self.object(name, text, &[])?;
        self.archive(&format!("{name}.a"), "", &[&format!("{name}.o")])
    }

    fn made(&self, command: &mut Command) -> Checked {
        let finished = run(command.current_dir(&self.directory));
        finished.and_then(Finished::ok).map(|_| ()).map_err(|error| format!("{error}\n{PACKAGES}"))
    }

    /// The command in the directory, with a store of the desk's own.
    pub(crate) fn anymod(&self, words: &[&str]) -> Command {
        let mut command = anymod(&self.directory);
        command.args(words).env("ANYMOD_STORE", self.scratch.path().join("the störe"));
        for name in FOREIGN {
            command.env_remove(name);
        }
        command
    }

    /// Another command that calls the one under test, with the same environment.
    pub(crate) fn with_environment(&self, mut command: Command) -> Command {
        let model = self.anymod(&[]);
        command.current_dir(&self.directory);
        for (name, value) in model.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// Bundles into `out.wasm`, which has to succeed; what became of it.
    pub(crate) fn bundle(&self, words: &[&str]) -> Checked<Bundled> {
        let words = [&["bundle", "--format", "json", "-o", "out.wasm"], words].concat();
        bundled(&run(&mut self.anymod(&words))?.ok()?)
    }

    /// Bundles, which has to fail with a code; the message. Nothing is written.
    pub(crate) fn refused(&self, code: &str, words: &[&str]) -> Checked<String> {
        let words = [&["bundle", "-o", "refused.wasm"], words].concat();
        let finished = run(&mut self.anymod(&words))?;
        ensure(
            finished.status != 0 && finished.stderr.contains(&format!("error[{code}]")),
            || format!("not refused with {code}: {finished}"),
        )?;
        ensure(!self.path("refused.wasm").exists(), || "something was written".to_owned())?;
        ensure(!finished.output().contains("Traceback"), || finished.to_string())?;
        Ok(finished.stderr)
    }

    /// Calls an export of `out.wasm`, after its initialisation.
    pub(crate) fn call(&self, export: &str, arguments: &[i32]) -> Checked<i32> {
        call(&self.path("out.wasm"), export, arguments)
    }
}

/// What a run of the bundler says.
pub(crate) struct Bundled {
    pub(crate) outcome: String,
    pub(crate) exports: Vec<String>,
    pub(crate) imports: Vec<String>,
}

/// Reads what a run says of its bundle.
pub(crate) fn bundled(finished: &Finished) -> Checked<Bundled> {
    let event: serde_json::Value = serde_json::from_str(&finished.stdout)
        .map_err(|error| format!("no bundle is told of: {error}: {finished}"))?;
    let names = |key: &str| {
        let list = event[key].as_array().cloned().unwrap_or_default();
        list.iter().map(|item| item["name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let outcome = event["outcome"].as_str().unwrap_or_default().to_owned();
    Ok(Bundled { outcome, exports: names("exports"), imports: names("imports") })
}

/// Loads a module that imports nothing into wasmtime, initialises it and calls an export.
pub(crate) fn call(module: &Path, export: &str, arguments: &[i32]) -> Checked<i32> {
    let engine = Engine::default();
    let said = |error: wasmtime::Error| format!("{}: {error:#}", module.display());
    let module = Module::from_file(&engine, module).map_err(said)?;
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate(&mut store, &module).map_err(said)?;
    value(&mut store, instance, "_initialize", &[]).map_err(said)?;
    let result = value(&mut store, instance, export, arguments).map_err(said)?;
    result.ok_or_else(|| format!("`{export}` returns nothing"))
}

fn value(
    store: &mut Store<()>,
    instance: Instance,
    export: &str,
    arguments: &[i32],
) -> wasmtime::Result<Option<i32>> {
    let function = instance.get_func(&mut *store, export);
    let function = function.ok_or_else(|| wasmtime::Error::msg(format!("no `{export}`")))?;
    let arguments: Vec<Val> = arguments.iter().copied().map(Val::I32).collect();
    let mut results = vec![Val::I32(0); function.ty(&*store).results().len()];
    function.call(&mut *store, &arguments, &mut results)?;
    Ok(results.first().and_then(Val::i32))
}
