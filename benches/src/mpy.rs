//! Linking MicroPython modules: `anymod mpy link` against `mpy_ld.py`, process against process on the same objects.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::files::{make_dir, write};
use crate::generate;
use crate::measure::{self, Cost, Step};

/// Modules of the source package's `examples/natmod`, with their sources.
const NATMODS: [(&str, &[&str]); 10] = [
    ("features0", &["features0.c"]),
    ("features1", &["features1.c"]),
    ("features2", &["main.c", "prod.c"]),
    ("features3", &["features3.c"]),
    ("features4", &["features4.c"]),
    ("deflate", &["deflate.c"]),
    ("framebuf", &["framebuf.c"]),
    ("heapq", &["heapq.c"]),
    ("random", &["random.c"]),
    ("re", &["re.c"]),
];

/// Architectures with both an incumbent linker and a GNU compiler.
const ARCHES: [&str; 8] =
    ["x86", "x64", "armv6m", "armv7m", "armv7emsp", "armv7emdp", "xtensa", "rv32imc"];

/// The one module that needs `libm`.
const FLOAT_MODULE: &str = "features2";

/// Modules that calculate with floating point, for which not every architecture has instructions.
const FLOAT_MODULES: [&str; 2] = [FLOAT_MODULE, "random"];

/// Modules that mpy_ld.py cannot link for the ESP8266: those that divide, because that function is in ROM and not in the
/// compiler's library, and one whose relocations it does not know.
const NOT_ON_XTENSA: [&str; 5] = ["features2", "deflate", "framebuf", "random", "re"];

/// Architectures whose code calls the compiler's runtime for what others have instructions for.
const BARE_ARCHES: [&str; 2] = ["armv6m", "xtensa"];

/// The modules that an architecture can have.
fn natmods(arch: &str) -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    NATMODS
        .into_iter()
        .filter(move |(module, _)| arch != "xtensa" || !NOT_ON_XTENSA.contains(module))
}

/// What a link is given.
struct Inputs<'a> {
    arch: &'a str,
    qstrs: PathBuf,
    objects: Vec<PathBuf>,
    archives: &'a [String],
}

impl Inputs<'_> {
    /// The call of a linker; both take the same options.
    fn linked_by(&self, mut command: Command, project: &Path, output: &str) -> Command {
        command.args(["--arch", self.arch, "--qstrs"]).arg(&self.qstrs);
        command.arg("-o").arg(project.join(output)).args(&self.objects);
        command.args(self.archives.iter().map(|archive| format!("-l{archive}")));
        // Where mpy_ld.py puts its cache.
        command.current_dir(project);
        command
    }
}

/// Where everything is.
struct Bench {
    anymod: PathBuf,
    mpy_ld: PathBuf,
    mpy_tool: PathBuf,
    micropython: PathBuf,
    directory: PathBuf,
}

/// Builds the inputs, measures, prints the table.
pub(crate) fn run() -> Result<(), String> {
    let bench = Bench::prepare()?;
    println!("| benchmark | ours ms | mpy_ld.py ms | ratio | ours MiB | mpy_ld.py MiB |");
    println!("|---|---:|---:|---:|---:|---:|");
    bench.natmods()?;
    bench.libraries()?;
    bench.large()?;
    bench.no_op()
}

fn row(name: &str, ours: Cost, theirs: Cost) {
    let mib = |cost: Cost| cost.memory as f64 / 1024.0;
    println!(
        "| {name} | {:.1} | {:.1} | {:.0}x | {:.1} | {:.1} |",
        ours.wall,
        theirs.wall,
        theirs.wall / ours.wall,
        mib(ours),
        mib(theirs)
    );
}

impl Bench {
    fn prepare() -> Result<Bench, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let anymod = std::env::var_os("ANYMOD").ok_or("run this as `cargo xtask bench mpy`")?;
        let runtimes = root.join("tests/runtimes");
        let mut setup = Command::new(runtimes.join("setup"));
        setup.args(["micropython-source", "incumbent"]);
        measure::once(&mut vec![setup])?;
        let component = |name: &str| -> Result<PathBuf, String> {
            let script = format!("set -eu; . {}/lib.sh; component_dir {name}", runtimes.display());
            let output = Command::new("bash").args(["-c", &script]).output();
            let output = output.map_err(|error| format!("cannot run bash: {error}"))?;
            Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
        };
        let incumbent = component("incumbent")?;
        let directory = root.join("target/bench");
        make_dir(&directory)?;
        Ok(Bench {
            anymod: PathBuf::from(anymod),
            mpy_ld: incumbent.join("mpy_ld"),
            mpy_tool: incumbent.join("mpy_tool"),
            micropython: component("micropython-source")?,
            directory: directory.canonicalize().map_err(|error| error.to_string())?,
        })
    }

    fn anymod(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.anymod);
        command.args(arguments);
        command
    }

    /// Compiles modules of a project for one architecture with the GNU compiler.
    fn build(&self, project: &Path, arch: &str, modules: &[&str]) -> Result<(), String> {
        measure::once(&mut vec![self.build_command(project, arch, modules)]).map(|_| ())
    }

    fn build_command(&self, project: &Path, arch: &str, modules: &[&str]) -> Command {
        let mut build = self.anymod(&["build", "--quiet", "--toolchain", "gnu", "--target"]);
        build.arg(format!("micropython-{arch}")).arg("--manifest").arg(project).args(modules);
        build
    }

    /// Our link and theirs of a module that [`Bench::build`] built: the same objects, qstrs and archives.
    fn link(
        &self,
        project: &Path,
        arch: &str,
        module: &str,
        archives: &[String],
    ) -> Result<(Command, Command), String> {
        let built = project.join(format!("build/micropython-{arch}/size/{module}"));
        let inputs = Inputs {
            arch,
            qstrs: built.join("gen/module-qstrs.h"),
            objects: objects(&built)?,
            archives,
        };
        Ok((
            inputs.linked_by(self.anymod(&["mpy", "link"]), project, &format!("ours-{module}.mpy")),
            inputs.linked_by(Command::new(&self.mpy_ld), project, &format!("theirs-{module}.mpy")),
        ))
    }

    /// The incumbent's three steps for a module: collect the qstrs, link, merge.
    fn three_steps(
        &self,
        project: &Path,
        arch: &str,
        module: &str,
        sources: &[&str],
    ) -> Result<Step, String> {
        let needs = FLOAT_MODULES.contains(&module) || BARE_ARCHES.contains(&arch);
        let archives = if needs { archives(arch)? } else { Vec::new() };
        let built = project.join(format!("build/micropython-{arch}/size/{module}"));
        let qstrs = project.join("config.h");
        let inputs = Inputs { arch, qstrs, objects: objects(&built)?, archives: &archives };
        let link =
            inputs.linked_by(Command::new(&self.mpy_ld), project, &format!("theirs-{module}.mpy"));
        Ok(vec![self.preprocess(project, module, sources), link, self.merge(project, module)])
    }

    /// Small modules, and all of examples/natmod for all architectures: preprocess, link, merge.
    fn natmods(&self) -> Result<(), String> {
        let project = self.directory.join("natmod");
        self.natmod_manifest(&project)?;
        for arch in ARCHES {
            let modules: Vec<&str> = natmods(arch).map(|(module, _)| module).collect();
            self.build(&project, arch, &modules)?;
        }
        for (arch, module) in
            [("x64", "features0"), ("armv7m", "features4"), ("x64", "framebuf"), ("rv32imc", "re")]
        {
            let (ours, theirs) = self.link(&project, arch, module, &[])?;
            let (ours, theirs) = measure::pair(15, vec![ours], vec![theirs], &|| ())?;
            row(&format!("link {module}, {arch}"), ours, theirs);
        }
        let mut theirs = Step::new();
        for arch in ARCHES {
            for (module, sources) in natmods(arch) {
                theirs.extend(self.three_steps(&project, arch, module, sources)?);
            }
        }
        let mut ours = self.anymod(&["build", "--quiet", "--toolchain", "gnu", "--manifest"]);
        ours.arg(&project);
        let forget = || forget_links(&project);
        let (ours, theirs) = measure::pair(1, vec![ours], theirs, &forget)?;
        row("all of examples/natmod from objects, 8 architectures", ours, theirs);
        Ok(())
    }

    /// The first of the incumbent's three steps: collect the qstrs.
    fn preprocess(&self, project: &Path, module: &str, sources: &[&str]) -> Command {
        let mut command = Command::new(&self.mpy_ld);
        let directory = self.micropython.join("examples/natmod").join(module);
        command.args(["--preprocess", "-o"]).arg(project.join("config.h"));
        command.args(sources.iter().map(|source| directory.join(source)));
        command
    }

    /// The last: merge.
    fn merge(&self, project: &Path, module: &str) -> Command {
        let mut command = Command::new(&self.mpy_tool);
        command.arg("--merge").arg("-o").arg(project.join("merged.mpy"));
        command.arg(project.join(format!("theirs-{module}.mpy")));
        command
    }

    fn natmod_manifest(&self, project: &Path) -> Result<(), String> {
        make_dir(project)?;
        let mut manifest =
            String::from("[project]\ntargets = [\"micropython-*\"]\nbuild-type = \"size\"\n");
        manifest += &format!("[project.micropython]\nmicropython-dir = {:?}\n", self.micropython);
        for (module, sources) in NATMODS {
            let directory = self.micropython.join("examples/natmod").join(module);
            let sources: Vec<_> = sources.iter().map(|source| directory.join(source)).collect();
            let on = |arch: &&str| natmods(arch).any(|(name, _)| name == module);
            let targets: Vec<String> = ARCHES
                .iter()
                .filter(|arch| on(arch))
                .map(|arch| format!("micropython-{arch}"))
                .collect();
            manifest +=
                &format!("[module.{module}]\nsources = {sources:?}\ntargets = {targets:?}\n");
            let libraries =
                if module == FLOAT_MODULE { "\"libgcc\", \"libm\"" } else { "\"libgcc\"" };
            manifest += &format!("libraries = [{libraries}]\n");
            // Optimised code of this compiler stops mpy_ld.py at an assertion.
            manifest +=
                &format!("[module.{module}.target.\"micropython-xtensa\"]\nflags = [\"-O0\"]\n");
            if module == FLOAT_MODULE {
                let target = "target.\"micropython-rv*\".micropython";
                manifest += &format!("[module.{module}.{target}]\nfloat = \"float\"\n");
            }
        }
        write(&project.join("anymod.toml"), &manifest)
    }

    /// A module that needs the compiler's runtime libraries, with mpy_ld.py's cache of archives empty and full.
    fn libraries(&self) -> Result<(), String> {
        let project = self.directory.join("libraries");
        make_dir(&project)?;
        write(&project.join("anymod.toml"), LIBRARIES_MANIFEST)?;
        write(&project.join("m.c"), LIBRARIES_SOURCE)?;
        for arch in ["x64", "armv6m", "armv7m", "rv32imc"] {
            self.build(&project, arch, &["m"])?;
            let archives = archives(arch)?;
            let cache = project.join(".mpy_ld_cache");
            let cold = || {
                // Nothing to remove the first time.
                let _ = std::fs::remove_dir_all(&cache);
            };
            let (ours, theirs) = self.link(&project, arch, "m", &archives)?;
            let (cost, their_cost) = measure::pair(2, vec![ours], vec![theirs], &cold)?;
            row(&format!("link with runtime libraries, cold cache, {arch}"), cost, their_cost);
            let (ours, theirs) = self.link(&project, arch, "m", &archives)?;
            let (cost, their_cost) = measure::pair(5, vec![ours], vec![theirs], &|| ())?;
            row(&format!("link with runtime libraries, warm cache, {arch}"), cost, their_cost);
        }
        Ok(())
    }

    /// 200 objects with 2 MB of text.
    fn large(&self) -> Result<(), String> {
        let project = self.directory.join("large");
        make_dir(&project)?;
        write(&project.join("anymod.toml"), LARGE_MANIFEST)?;
        write(&project.join("entry.c"), &generate::entry())?;
        for file in 0..generate::LARGE.files {
            let text = generate::source(generate::LARGE, file, "#include <stdint.h>\n");
            write(&project.join(format!("f{file}.c")), &text)?;
        }
        for arch in ["armv7m", "rv32imc"] {
            self.build(&project, arch, &["large"])?;
            let (ours, theirs) = self.link(&project, arch, "large", &[])?;
            let inputs: u64 =
                objects(&project.join(format!("build/micropython-{arch}/size/large/obj")))?
                    .iter()
                    .filter_map(|path| std::fs::metadata(path).ok())
                    .map(|metadata| metadata.len())
                    .sum();
            let (ours, theirs) = measure::pair(2, vec![ours], vec![theirs], &|| ())?;
            let inputs = inputs as f64 / (1024.0 * 1024.0);
            row(&format!("link 200 objects, {inputs:.1} MiB of input, {arch}"), ours, theirs);
        }
        Ok(())
    }

    /// A build in which nothing changed, against `make` on one rule per object and module.
    fn no_op(&self) -> Result<(), String> {
        let project = self.directory.join("natmod");
        let build = || {
            let mut build = self.anymod(&["build", "--quiet", "--toolchain", "gnu", "--manifest"]);
            build.arg(&project);
            build
        };
        measure::once(&mut vec![build()])?;
        let mut make = Step::new();
        for arch in ARCHES {
            for (module, _) in NATMODS {
                let mut command = Command::new("make");
                command.args(["-s", "-q", &format!("ARCH={arch}"), "-C"]);
                command.arg(self.micropython.join("examples/natmod").join(module));
                command.arg(format!(
                    "BUILD={}",
                    project.join(format!("make/{arch}/{module}")).display()
                ));
                make.push(command);
            }
        }
        let costs =
            (0..15).map(|_| measure::once(&mut vec![build()])).collect::<Result<Vec<_>, _>>()?;
        let mut walls: Vec<f64> = costs.iter().map(|cost| cost.wall).collect();
        walls.sort_by(f64::total_cmp);
        let their_wall = measure::attempt(&mut make);
        println!(
            "\nno-op build of 10 modules x 8 targets (75 of them): {:.1} ms (median)",
            walls[walls.len() / 2]
        );
        println!("the same question to 80 calls of `make -q`: {their_wall:.0} ms");
        Ok(())
    }
}

const LIBRARIES_MANIFEST: &str = "[project]\ntargets = [\"micropython-*\"]\nbuild-type = \"size\"\n\
     [module.m]\nsources = [\"m.c\"]\nlibraries = [\"libgcc\"]\n";
/// Divides what the architecture cannot, so that members of the archives are needed.
const LIBRARIES_SOURCE: &str = "#include <stdint.h>\n\
     #ifdef __SIZEOF_INT128__\ntypedef unsigned __int128 wide;\n#else\ntypedef unsigned long long wide;\n#endif\n\
     void *mpy_init(void *self, unsigned long n, unsigned long k, void **args) {\n  \
     volatile wide a = n; a /= k; a %= 1000003;\n  return (void *)(uintptr_t)a;\n}\n";
const LARGE_MANIFEST: &str = "[project]\ntargets = [\"micropython-*\"]\nbuild-type = \"size\"\n[module.large]\nsources = [\"*.c\"]\n";

/// The runtime libraries of an architecture's GNU compiler, as dynruntime.mk would find them.
fn archives(arch: &str) -> Result<Vec<String>, String> {
    let (compiler, flags): (&str, &[&str]) = match arch {
        "x64" => ("gcc", &[]),
        "x86" => ("gcc", &["-m32"]),
        "armv6m" => ("arm-none-eabi-gcc", &["-mthumb", "-mcpu=cortex-m0"]),
        "armv7m" => ("arm-none-eabi-gcc", &["-mthumb", "-mcpu=cortex-m3"]),
        "armv7emsp" => (
            "arm-none-eabi-gcc",
            &["-mthumb", "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"],
        ),
        "armv7emdp" => (
            "arm-none-eabi-gcc",
            &["-mthumb", "-mcpu=cortex-m7", "-mfpu=fpv5-d16", "-mfloat-abi=hard"],
        ),
        "xtensa" => {
            return Ok(vec![print_file("xtensa-lx106-elf-gcc", &["-print-libgcc-file-name"])?]);
        }
        _ => {
            // This compiler answers with the libraries of another architecture.
            let gcc = print_file("riscv64-unknown-elf-gcc", &["-print-libgcc-file-name"])?;
            let base = gcc.trim_end_matches("libgcc.a");
            let picolibc = "/usr/lib/picolibc/riscv64-unknown-elf/lib/rv32imac/ilp32/libc.a";
            return Ok(vec![format!("{base}rv32imac/ilp32/libgcc.a"), picolibc.to_owned()]);
        }
    };
    let ask = |question: &str| print_file(compiler, &[flags, &[question]].concat());
    let mut archives = vec![ask("-print-libgcc-file-name")?];
    archives.extend(in_group(ask("-print-file-name=libm.a")?));
    Ok(archives)
}

/// The archive, or those that a linker script in its place names: glibc's `libm.a` is one.
fn in_group(path: String) -> Vec<String> {
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let inside =
        text.split_once("GROUP").and_then(|(_, rest)| rest.split_once('(')?.1.split_once(')'));
    match inside {
        Some((inside, _)) => inside.split_whitespace().map(str::to_owned).collect(),
        None => vec![path],
    }
}

fn print_file(compiler: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(compiler).args(arguments).output();
    let output = output
        .map_err(|error| format!("cannot run {compiler}: {error}; `./dev test` installs it"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Removes what a build made of objects, so that the next one links everything again and compiles nothing.
fn forget_links(project: &Path) {
    let _ = std::fs::remove_dir_all(project.join("dist"));
    for file in files(&project.join("build")).unwrap_or_default() {
        if file
            .extension()
            .is_some_and(|extension| extension == "mpy" || extension == "json" || extension == "h")
        {
            // What is not there need not be removed.
            let _ = std::fs::remove_file(file);
        }
    }
}

/// Objects below a directory, sorted.
fn objects(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = files(directory)?;
    found.retain(|path| path.extension().is_some_and(|extension| extension == "o"));
    Ok(found)
}

/// Files below a directory, sorted.
fn files(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(directory)
        .map_err(|error| format!("{}: {error}", directory.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
