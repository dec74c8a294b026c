//! A directory in which archives are made by the managed zig and bundled.

use std::path::{Path, PathBuf};
use std::process::Command;

use anymod_build::StoreRequest;
use anymod_build::bundle::{Bundle, BundleRequest, bundle};
use anymod_build::environment::Environment;
use anymod_build::toolchain::wasi;
use anymod_model::Diagnostics;

/// Where the managed zig and what it built are on this machine.
fn machine() -> PathBuf {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let home = || PathBuf::from(variable("HOME").unwrap()).join(".cache");
    let cache = || variable("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("anymod-dev");
    variable("ANYMOD_HOME").map_or_else(
        || variable("ANYMOD_DEV_CACHE").map_or_else(cache, PathBuf::from).join("home"),
        PathBuf::from,
    )
}

/// A directory with archives, a home with the machine's toolchains and a store of its own.
pub(crate) struct Desk {
    scratch: tempfile::TempDir,
    environment: Environment,
}

impl Desk {
    pub(crate) fn new() -> Desk {
        let scratch = tempfile::Builder::new().prefix("my bundles ").tempdir().unwrap();
        let machine = machine();
        let environment = Environment::of_process().with("ANYMOD_HOME", &machine.to_string_lossy());
        wasi::prewarm(&environment).unwrap_or_else(|error| panic!("{error}\nrun `./dev test`"));
        let home = scratch.path().join("home");
        std::fs::create_dir_all(home.join("cache")).unwrap();
        for name in ["toolchains", "cache/wasi"] {
            std::os::unix::fs::symlink(machine.join(name), home.join(name)).unwrap();
        }
        let environment = environment.with("ANYMOD_HOME", &home.to_string_lossy());
        Desk { scratch, environment }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn zig(&self) -> PathBuf {
        let toolchains = std::fs::read_dir(self.path("home/toolchains")).unwrap();
        let mut all = toolchains.map(|entry| entry.unwrap().path());
        all.find(|path| path.file_name().unwrap().to_string_lossy().starts_with("zig-"))
            .unwrap()
            .join("zig")
    }

    /// Compiles a source to an object of the same name.
    pub(crate) fn object(&self, source: &str, text: &str, options: &[&str]) -> PathBuf {
        let path = self.path(source);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        let object = path.with_extension("o");
        let mut command = Command::new(self.zig());
        command.args(["cc", "-target", "wasm32-wasi", "-O1", "-fno-sanitize=undefined"]);
        command
            .arg("-fno-stack-protector")
            .args(options)
            .arg("-c")
            .arg(&path)
            .arg("-o")
            .arg(&object);
        let done = command.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        object
    }

    /// Makes an archive; `flags` are further ones of `ar`.
    pub(crate) fn archive(&self, name: &str, flags: &str, objects: &[PathBuf]) -> PathBuf {
        let path = self.path(name);
        let _ = std::fs::remove_file(&path);
        let mut command = Command::new(self.zig());
        command.args(["ar", &format!("rcsD{flags}")]).arg(&path).args(objects);
        assert!(command.output().unwrap().status.success());
        path
    }

    pub(crate) fn module(&self, name: &str, text: &str, options: &[&str]) -> PathBuf {
        let object = self.object(name, text, options);
        let archive = Path::new(name).with_extension("a");
        self.archive(&archive.to_string_lossy(), "", &[object])
    }

    pub(crate) fn request(&self, archives: &[&PathBuf]) -> BundleRequest {
        let mut request = BundleRequest::new(archives.iter().map(|path| (*path).clone()).collect());
        request.output = Some(self.path("out/bundle.wasm"));
        let options = anymod_store::Options::default();
        request.store = Some(StoreRequest { directory: self.path("store"), options, remote: None });
        request
    }

    pub(crate) fn bundle(&self, request: &BundleRequest) -> Result<Bundle, Diagnostics> {
        bundle(request, &self.environment)
    }

    /// Bundles, which has to be refused with one diagnostic; its text.
    pub(crate) fn refused(&self, request: &BundleRequest, code: &str) -> String {
        let error = self.bundle(request).unwrap_err();
        let codes: Vec<&str> = error.0.iter().map(|finding| finding.code.id).collect();
        assert_eq!(codes, [code], "{error}");
        error.to_string()
    }

    /// Loads the bundle into Node.js and calls its exports.
    pub(crate) fn call(&self, made: &Bundle, exports: &[&str]) -> Vec<i64> {
        let script = "
            const [file, ...names] = process.argv.slice(1);
            const module = new WebAssembly.Module(require('fs').readFileSync(file));
            const { exports } = new WebAssembly.Instance(module, {});
            exports._initialize();
            console.log(JSON.stringify(names.map(name => exports[name]())));";
        let mut node = Command::new("node");
        let done = node.arg("-e").arg(script).arg(&made.path).args(exports).output().unwrap();
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        serde_json::from_str(&text)
            .unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&done.stderr)))
    }
}

pub(crate) fn exported(name: &str, value: &str) -> String {
    format!("__attribute__((export_name(\"{name}\"))) int {name}(void) {{ return {value}; }}\n")
}

pub(crate) fn names(made: &Bundle) -> Vec<&str> {
    made.exports.iter().map(|export| export.name.as_str()).collect()
}
