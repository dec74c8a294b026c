//! The examples, and a project of anymod for each architecture and compiler that builds them all at once.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::support::compiler::{Compiler, Machine};
use crate::support::process::{anymod, run};
use crate::support::{Checked, machine, scratch, write};

/// A directory of `examples/natmod`.
pub(crate) struct Example {
    pub(crate) name: &'static str,
    /// Name of the module: not that of one that MicroPython has built in.
    pub(crate) import: &'static str,
    /// Sources in C.
    sources: &'static [&'static str],
    /// Sources in Python.
    python: &'static [&'static str],
    /// True if it computes with floats and needs `libm`.
    pub(crate) libm: bool,
    /// Calls for the test host, and what it prints for their results.
    pub(crate) calls: &'static [(&'static [&'static str], &'static str)],
}

const fn simple(
    name: &'static str,
    import: &'static str,
    source: &'static [&'static str],
    calls: &'static [(&'static [&'static str], &'static str)],
) -> Example {
    Example { name, import, sources: source, python: &[], libm: false, calls }
}

/// All but `btree`, whose sources the package does not have.
pub(crate) static EXAMPLES: [Example; 10] = [
    simple(
        "features0",
        "features0",
        &["features0.c"],
        &[(&["factorial", "0"], "1"), (&["factorial", "12"], "479001600")],
    ),
    simple(
        "features1",
        "features1",
        &["features1.c"],
        &[(&["add", "40", "2"], "42"), (&["fibonacci", "20"], "6765"), (&["access", "2"], "0")],
    ),
    Example {
        name: "features2",
        import: "features2",
        sources: &["main.c", "prod.c"],
        python: &["test.py"],
        libm: true,
        calls: &[],
    },
    simple(
        "features3",
        "features3",
        &["features3.c"],
        &[(&["make_dict", "s:a", "1", "2", "x:0bff"], "{'a': 1, 2: b'\\x0b\\xff'}")],
    ),
    simple("features4", "features4", &["features4.c"], &[]),
    simple("deflate", "deflate_native", &["deflate.c"], &[]),
    simple("framebuf", "framebuf_native", &["framebuf.c"], &[]),
    simple("heapq", "heapq_native", &["heapq.c"], &[]),
    simple("random", "random_native", &["random.c"], &[]),
    simple("re", "re_native", &["re.c"], &[]),
];

impl Example {
    /// The sources where they are, those in C first.
    pub(crate) fn paths(&self) -> Checked<Vec<PathBuf>> {
        let directory = machine::micropython()?.join("examples/natmod").join(self.name);
        Ok(self.sources.iter().chain(self.python).map(|source| directory.join(source)).collect())
    }
}

/// All examples for one architecture by one compiler.
pub(crate) struct Project {
    pub(crate) machine: &'static Machine,
    compiler: Compiler,
    /// What names of tests call the compiler.
    pub(crate) label: &'static str,
    /// Options of the compiler besides those of the makefile.
    flags: &'static [&'static str],
    build: OnceLock<Checked<Built>>,
}

/// A build that has ended; the modules that failed are not in it.
struct Built {
    directory: tempfile::TempDir,
    output: String,
}

impl Project {
    pub(crate) fn new(machine: &'static Machine, compiler: Compiler) -> Project {
        Project { machine, compiler, label: compiler.name(), flags: &[], build: OnceLock::new() }
    }

    /// The GNU compiler for xtensa without the option that makes it read the flash in whole words.
    pub(crate) fn without_force_l32(machine: &'static Machine) -> Project {
        let flags = &["-mno-force-l32"];
        Project { label: "gnu-no-force-l32", flags, ..Project::new(machine, Compiler::Gnu) }
    }

    /// The file of ROM symbols, which on the ESP8266 has what its compiler's library lacks.
    pub(crate) fn externs(&self) -> Checked<Option<PathBuf>> {
        let file = "ports/esp8266/boards/eagle.rom.addr.v6.ld";
        let externs =
            (self.machine.arch == "xtensa").then(|| Ok(machine::micropython()?.join(file)));
        externs.transpose()
    }

    /// False for what the architecture cannot have: Debian's compiler for lx106 comes without a C library.
    pub(crate) fn has(&self, example: &Example) -> bool {
        !(example.libm && self.machine.arch == "xtensa")
    }

    /// The project's directory, with the module built; the first to ask builds them all.
    pub(crate) fn built(&self, example: &Example) -> Checked<PathBuf> {
        let built = self.build.get_or_init(|| self.build()).as_ref().map_err(Clone::clone)?;
        let root = built.directory.path().to_owned();
        let installed =
            root.join(format!("dist/micropython-{}/{}.mpy", self.machine.arch, example.import));
        if installed.is_file() { Ok(root) } else { Err(built.output.clone()) }
    }

    fn build(&self) -> Checked<Built> {
        let directory = scratch()?;
        write(&directory.path().join("anymod.toml"), self.manifest()?)?;
        let mut build = anymod(directory.path());
        let finished = run(build.args(["build", "--toolchain", self.compiler.name()]))?;
        Ok(Built { directory, output: finished.to_string() })
    }

    /// The manifest: what `py/dynruntime.mk` gives the compiler, and each example's own makefile.
    fn manifest(&self) -> Checked<String> {
        let arch = self.machine.arch;
        let mut flags = vec!["-Os", "-fno-function-sections", "-fno-data-sections"];
        flags.extend(self.flags);
        let externs =
            self.externs()?.map(|path| format!("externs = {path:?}\n")).unwrap_or_default();
        let mut text = format!(
            "[project]\ntargets = [\"micropython-{arch}\"]\nbuild-type = \"natmod\"\n\
             [project.micropython]\nmicropython-dir = {:?}\n{externs}\
             [build-type.natmod]\nflags = {flags:?}\ndefines = {{ NDEBUG = true }}\n",
            machine::micropython()?,
        );
        for example in EXAMPLES.iter().filter(|example| self.has(example)) {
            let libraries = if example.libm { "\"libgcc\", \"libm\"" } else { "\"libgcc\"" };
            // What computes with floats does so in software where there is no unit.
            let float = if example.libm && self.machine.float == "none" {
                "float"
            } else {
                self.machine.float
            };
            let name = example.import;
            let written = write!(
                text,
                "[module.{name}]\nsources = {:?}\nlibraries = [{libraries}]\n\
                 [module.{name}.micropython]\nfloat = \"{float}\"\n",
                example.paths()?,
            );
            written.map_err(|error| error.to_string())?;
        }
        Ok(text)
    }

    /// The directory of a module's build.
    pub(crate) fn dir(&self, root: &Path, example: &Example) -> PathBuf {
        root.join(format!("build/micropython-{}/natmod/{}", self.machine.arch, example.import))
    }

    /// The objects of a module, in the order of its sources.
    pub(crate) fn objects(&self, root: &Path, example: &Example) -> Checked<Vec<PathBuf>> {
        self.made(root, example, ".c", "o")
    }

    /// What mpy-cross made of a module's Python.
    pub(crate) fn python(&self, root: &Path, example: &Example) -> Checked<Vec<PathBuf>> {
        self.made(root, example, ".py", "mpy")
    }

    /// The files in the build directory that come from sources of a kind.
    fn made(
        &self,
        root: &Path,
        example: &Example,
        from: &str,
        suffix: &str,
    ) -> Checked<Vec<PathBuf>> {
        let objects = self.dir(root, example).join("obj/@root");
        let sources = example.paths()?;
        let sources = sources.iter().filter(|source| source.to_string_lossy().ends_with(from));
        sources
            .map(|source| {
                let relative = source.strip_prefix("/").unwrap_or(source).display();
                let made = objects.join(format!("{relative}.{suffix}"));
                if made.is_file() {
                    Ok(made)
                } else {
                    Err(format!("not built: {}", made.display()))
                }
            })
            .collect()
    }

    /// The libraries of a module as archives.
    pub(crate) fn archives(&self, example: &Example) -> Checked<Vec<PathBuf>> {
        let names = if example.libm { &["libgcc", "libm"][..] } else { &["libgcc"] };
        names
            .iter()
            .map(|name| match self.compiler {
                Compiler::Gnu => self.machine.gnu_library(name),
                Compiler::Zig => self.zig_library(name),
            })
            .collect()
    }

    /// A library that anymod built from zig's sources; the newest, if several versions of zig were here.
    fn zig_library(&self, name: &str) -> Checked<PathBuf> {
        let libraries = machine::anymod_home().join("cache/libraries");
        let entries = std::fs::read_dir(&libraries).into_iter().flatten();
        let archives = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                let directory = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                directory.strip_prefix(self.machine.arch).is_some_and(|rest| rest.starts_with('-'))
            })
            .map(|path| path.join(format!("{name}.a")))
            .filter(|path| path.is_file());
        archives
            .max_by_key(|path| path.metadata().and_then(|metadata| metadata.modified()).ok())
            .ok_or_else(|| format!("anymod has built no {name} for {}", self.machine.arch))
    }
}
