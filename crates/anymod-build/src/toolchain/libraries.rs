//! The libraries that come with a compiler, by name: `libgcc`, `libm`, `libc`, `libstdc++`.
//!
//! GNU compilers have them as files, one for each set of options. Zig has them as sources, which a [`Recipe`] builds
//! once for each architecture into a cache shared by all projects: its compiler support routines for `libgcc`, and for
//! `libm` and `libc` its C library's own parts together with what is left of musl's, for `libstdc++` parts of LLVM's.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anymod_model::codes::{build, toolchain as codes};
use anymod_model::manifest::{SourceKind, ToolchainKind};
use anymod_model::{Diagnostic, Place};

use super::{Toolchain, ask, install_command, table};
use crate::children::Children;
use crate::environment::Environment;
use crate::install;
use crate::log::Log;
use anymod_store::{Digest, Fields};

/// A library of a toolchain.
#[derive(Clone, Debug)]
pub(crate) enum Library {
    /// Archives that are there.
    Files(Vec<PathBuf>),
    /// An archive that has to be built if it is not there.
    Built(Recipe),
}

/// How to build a library from zig's sources.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    /// Name of the library.
    pub(crate) name: &'static str,
    /// Where the archive is, or will be. The path names everything that decides its bytes.
    pub(crate) archive: PathBuf,
    toolchain: Toolchain,
}

/// Raised whenever a recipe changes what it makes.
const RECIPE_VERSION: &str = "2";

/// Finds a library by the name that the manifest gives it.
///
/// # Errors
/// `T0005` if the toolchain has none for the target.
pub(crate) fn find_library(
    toolchain: &Toolchain,
    name: &str,
    environment: &Environment,
    log: &mut Log,
) -> Result<Library, Diagnostic> {
    match toolchain.kind {
        ToolchainKind::Gnu => gnu(toolchain, name, environment, log).map(Library::Files),
        ToolchainKind::Zig => zig(toolchain, name, environment).map(Library::Built),
    }
}

fn gnu(
    toolchain: &Toolchain,
    name: &str,
    environment: &Environment,
    log: &mut Log,
) -> Result<Vec<PathBuf>, Diagnostic> {
    let flags = toolchain.machine_flags();
    let mut query = |question: &str| {
        let mut arguments: Vec<&str> = flags.iter().map(String::as_str).collect();
        arguments.push(question);
        ask(&toolchain.program, &arguments, environment, log)
    };
    let file = match name {
        "libgcc" => query("-print-libgcc-file-name")?,
        _ => query(&format!("-print-file-name={name}.a"))?,
    };
    let mut path = PathBuf::from(&file);
    if !path.is_absolute() {
        // Debian's compilers know picolibc's headers by the specs file, but not its libraries.
        let multilib = query("-print-multi-directory")?;
        let triple = query("-dumpmachine")?;
        path = Path::new("/usr/lib/picolibc").join(triple).join("lib").join(multilib);
        // Its `libm.a` is there for the name's sake only; the functions are in `libc.a`.
        path.push(if name == "libm" { "libc.a".to_owned() } else { format!("{name}.a") });
    }
    if !environment.is_file(&path) {
        let program = toolchain.program.display();
        let message = format!("`{program}` has no `{name}` for `{}`", toolchain.arch);
        let finding = Diagnostic::error(&codes::LIBRARY, message);
        let install = install_command(ToolchainKind::Gnu, toolchain.arch);
        let zig_has_it = install_command(ToolchainKind::Zig, toolchain.arch).is_some();
        return Err(finding.hint(match install {
            Some(install) if zig_has_it => format!("run `{install}`, or use `--toolchain zig`"),
            _ => "list an archive of your own in `sources`, or leave it out for this target"
                .to_owned(),
        }));
    }
    // It may be a linker script, whose words decide what is linked.
    log.digest(&path.to_string_lossy());
    let path = path.canonicalize().map_err(|error| install::read_error(&path, &error))?;
    Ok(group(&path).unwrap_or_else(|| vec![path]))
}

/// The archives that a linker script in the place of an archive names in its `GROUP`; glibc's `libm.a` is one.
pub(crate) fn group(path: &Path) -> Option<Vec<PathBuf>> {
    let length = std::fs::metadata(path).ok()?.len();
    if length > 4096 {
        return None;
    }
    let text = String::from_utf8(std::fs::read(path).ok()?).ok()?;
    let (_, inside) = text.split_once("GROUP")?;
    let inside = inside.trim_start().strip_prefix('(')?;
    let (inside, _) = inside.split_once(')')?;
    let paths: Vec<PathBuf> = inside
        .split_whitespace()
        .filter(|word| word.starts_with('/') && word.ends_with(".a"))
        .map(PathBuf::from)
        .collect();
    (!paths.is_empty()).then_some(paths)
}

fn zig(toolchain: &Toolchain, name: &str, environment: &Environment) -> Result<Recipe, Diagnostic> {
    let Some(name) =
        ["libgcc", "libm", "libc", "libstdc++"].into_iter().find(|known| *known == name)
    else {
        let message = format!("zig has no `{name}` for `{}`", toolchain.arch);
        return Err(Diagnostic::error(&codes::LIBRARY, message).hint(
            "zig has `libgcc`, `libm`, `libc` and `libstdc++`; list other archives in `sources`",
        ));
    };
    let Some(data) = environment.data_dir() else {
        return Err(super::install::no_home());
    };
    let mut key = Fields::new();
    key.add(RECIPE_VERSION);
    key.add(toolchain.identity.to_string());
    key.list(toolchain.machine_flags().iter());
    let key = key.finish().to_string();
    let short = key.get(..16).unwrap_or(&key);
    let archive = data
        .join("cache/libraries")
        .join(format!("{}-{short}", toolchain.arch))
        .join(format!("{name}.a"));
    Ok(Recipe { name, archive, toolchain: toolchain.clone() })
}

impl Recipe {
    /// The recipe in words, to be part of the action's key.
    pub(crate) fn argv(&self) -> Vec<String> {
        let mut argv = ["anymod", "library", self.name, RECIPE_VERSION].map(str::to_owned).to_vec();
        argv.extend(self.toolchain.machine_flags());
        argv
    }

    /// Builds the archive; a no-op if it is there and whole. Two at once are fine: each works apart and renames.
    ///
    /// # Errors
    /// `B0001` with the compiler's words if a source does not compile, `B0003` if the cache cannot be written.
    pub(crate) fn build(
        &self,
        environment: &Environment,
        children: &Children,
    ) -> Result<(), Diagnostic> {
        let sum = self.archive.with_extension("sha256");
        let archive = std::fs::read(&self.archive).map(|bytes| Digest::of(&bytes).to_string());
        if archive
            .is_ok_and(|archive| std::fs::read(&sum).is_ok_and(|sum| sum == archive.as_bytes()))
        {
            return Ok(());
        }
        let parent = self.archive.parent().unwrap_or(Path::new("."));
        install::create_dir(parent)?;
        let work = tempfile::Builder::new().prefix(".build-").tempdir_in(parent);
        let work = work.map_err(|error| install::write_error(parent, &error))?;
        let mut objects = Vec::new();
        let lib = self.toolchain.program.parent().unwrap_or(Path::new(".")).join("lib");
        match self.name {
            "libgcc" => {
                let source = lib.join("compiler_rt.zig");
                objects.push(self.zig_object(&source, false, &work, environment, children)?);
            }
            "libstdc++" => objects.extend(self.libcxx(&lib, &work, environment, children)?),
            name => {
                let object =
                    self.zig_object(&lib.join("c.zig"), true, &work, environment, children)?;
                keep_only(&object, &exported(&lib, zig_parts(name))?)?;
                objects.push(object);
                if name == "libm" {
                    objects.extend(self.musl_math(&lib, &work, environment, children)?);
                }
            }
        }
        let archive = work.path().join("library.a");
        let mut ar = self.zig(&["ar", "rcsD"], &work, environment);
        ar.arg(&archive).args(&objects);
        run(ar, children)?;
        let bytes = install::read(&archive)?;
        install::write_if_changed(&self.archive, &bytes)?;
        install::write_if_changed(&sum, Digest::of(&bytes).to_string().as_bytes()).map(|_| ())
    }

    fn zig(
        &self,
        arguments: &[&str],
        work: &tempfile::TempDir,
        environment: &Environment,
    ) -> Command {
        let mut command = Command::new(&self.toolchain.program);
        command.args(arguments).env_clear().envs(environment.for_tools());
        command.env("ZIG_GLOBAL_CACHE_DIR", work.path().join("global"));
        command.env("ZIG_LOCAL_CACHE_DIR", work.path().join("local"));
        command.current_dir(work.path());
        command
    }

    /// Compiles one of zig's own libraries to one object with a section for every function.
    fn zig_object(
        &self,
        source: &Path,
        with_libc: bool,
        work: &tempfile::TempDir,
        environment: &Environment,
        children: &Children,
    ) -> Result<PathBuf, Diagnostic> {
        let [arch, abi, cpu] = table::row(self.toolchain.arch).zig;
        let target = match (with_libc, abi) {
            (true, _) => format!("{arch}-linux-musl{abi}"),
            (false, "") => format!("{arch}-freestanding-none"),
            (false, _) => format!("{arch}-freestanding-{abi}"),
        };
        let object = work.path().join(source.with_extension("o").file_name().unwrap_or_default());
        let flags = [
            "build-obj",
            "-target",
            &target,
            "-mcpu",
            cpu,
            "-O",
            "ReleaseSmall",
            "-fPIC",
            "-fno-unwind-tables",
            "-ffunction-sections",
            "-fdata-sections",
            "-fstrip",
            "-fno-stack-check",
            "-fno-stack-protector",
            "-fsingle-threaded",
        ];
        let mut command = self.zig(&flags, work, environment);
        if with_libc {
            command.arg("-lc");
        }
        command.arg(format!("-femit-bin={}", object.display())).arg(source);
        run(command, children)?;
        Ok(object)
    }

    /// Compiles musl's mathematical functions, an object each.
    fn musl_math(
        &self,
        lib: &Path,
        work: &tempfile::TempDir,
        environment: &Environment,
        children: &Children,
    ) -> Result<Vec<PathBuf>, Diagnostic> {
        let math = lib.join("libc/musl/src/math");
        let mut sources: Vec<PathBuf> = std::fs::read_dir(&math)
            .map_err(|error| install::read_error(&math, &error))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
            .collect();
        sources.sort();
        let musl = lib.join("libc/musl");
        let musl_arch = table::row(self.toolchain.arch).musl.trim_end_matches("-linux-musl");
        let musl_arch = if musl_arch == "x86" { "i386" } else { musl_arch };
        let mut flags = vec!["-std=c99".to_owned(), "-D_XOPEN_SOURCE=700".to_owned()];
        let arch = format!("arch/{musl_arch}");
        for directory in [&arch, "arch/generic", "src/include", "src/internal"] {
            flags.push(format!("-I{}", musl.join(directory).display()));
        }
        self.compile(SourceKind::C, &sources, &flags, work, environment, children)
    }

    /// Compiles the parts of libc++ that are neither templates nor in need of an operating system.
    fn libcxx(
        &self,
        lib: &Path,
        work: &tempfile::TempDir,
        environment: &Environment,
        children: &Children,
    ) -> Result<Vec<PathBuf>, Diagnostic> {
        let directory = lib.join("libcxx/src");
        let parts = [
            "algorithm",
            "bind",
            "functional",
            "hash",
            "memory",
            "optional",
            "string",
            "variant",
            "vector",
        ];
        let sources = parts.map(|part| directory.join(format!("{part}.cpp")));
        let mut flags = ["-std=c++23", "-D_LIBCPP_BUILDING_LIBRARY"].map(str::to_owned).to_vec();
        flags.push(format!("-I{}", directory.display()));
        flags.push(format!("-I{}", lib.join("libcxxabi/include").display()));
        self.compile(SourceKind::Cxx, &sources, &flags, work, environment, children)
    }

    /// Compiles sources of zig's, an object each.
    fn compile(
        &self,
        language: SourceKind,
        sources: &[PathBuf],
        flags: &[String],
        work: &tempfile::TempDir,
        environment: &Environment,
        children: &Children,
    ) -> Result<Vec<PathBuf>, Diagnostic> {
        let compile = self.toolchain.command(language);
        let headers = self.toolchain.system_headers(language);
        let mut objects = Vec::new();
        for source in sources {
            let name = source.with_extension("o");
            let object = work.path().join(name.file_name().unwrap_or_default());
            let mut command = self.zig(&[], work, environment);
            command.args(compile.iter().skip(1)).args(["-Os", "-w"]).args(flags).args(&headers);
            command.arg("-c").arg(source).arg("-o").arg(&object);
            run(command, children)?;
            objects.push(object);
        }
        Ok(objects)
    }
}

fn run(command: Command, children: &Children) -> Result<(), Diagnostic> {
    let program = command.get_program().to_string_lossy().into_owned();
    let shown = format!("command: {command:?}");
    let (status, said) = children
        .run(command)
        .map_err(|error| super::unusable(Path::new(&program), &install::reason(&error)))?;
    if status.success() {
        return Ok(());
    }
    let mut finding = Diagnostic::error(&build::TOOL_FAILED, format!("`{program}` failed"));
    finding = finding.note(shown);
    for line in said.lines().take(20) {
        finding = finding.note(line);
    }
    Err(finding)
}

/// The files of zig's C library that stand for a library.
fn zig_parts(name: &str) -> &'static [&'static str] {
    match name {
        "libm" => &["c/math.zig"],
        // Without `malloc.zig`: it would ask a kernel for memory that is not there.
        _ => &["c/string.zig", "c/strings.zig", "c/ctype.zig", "c/stdlib.zig", "c/inttypes.zig"],
    }
}

/// The names that parts of zig's C library export: each is in a call `symbol(&function, "name")`.
fn exported(lib: &Path, parts: &[&str]) -> Result<BTreeSet<String>, Diagnostic> {
    let mut names = BTreeSet::new();
    for part in parts {
        let bytes = install::read(&lib.join(part))?;
        let text = String::from_utf8_lossy(&bytes);
        for call in text.split("symbol(&").skip(1) {
            let call = call.split(')').next().unwrap_or_default();
            names.extend(call.split('"').nth(1).map(str::to_owned));
        }
    }
    Ok(names)
}

/// Turns every global symbol of an object that is not in `names` into an undefined one, so that a program that calls
/// it is told that it is missing.
fn keep_only(path: &Path, names: &BTreeSet<String>) -> Result<(), Diagnostic> {
    let mut bytes = install::read(path)?;
    let entries = unwanted(&bytes, names).map_err(|error| {
        Diagnostic::error(&build::READ, format!("not a readable object: {error}"))
            .at(Place::file(path.display().to_string()))
    })?;
    for (offset, is_64) in entries {
        // st_value and st_size, then st_shndx: gABI, "Symbol Table".
        let ranges = if is_64 { [(6, 2), (8, 16)] } else { [(4, 8), (14, 2)] };
        for (start, length) in ranges {
            let at = offset + start;
            if let Some(field) = bytes.get_mut(at..at + length) {
                field.fill(0);
            }
        }
    }
    install::write_scratch(path, bytes)
}

/// File offsets of the symbol table entries of defined globals that are not in `names`, and whether they are 64-bit.
fn unwanted(bytes: &[u8], names: &BTreeSet<String>) -> object::Result<Vec<(usize, bool)>> {
    use object::{Object as _, ObjectSection as _, ObjectSymbol as _};
    let file = object::File::parse(bytes)?;
    let is_64 = file.is_64();
    let size = if is_64 { 24 } else { 16 };
    let table = file.section_by_name(".symtab").and_then(|section| section.file_range());
    let Some((start, _)) = table else { return Ok(Vec::new()) };
    let mut entries = Vec::new();
    for symbol in file.symbols() {
        let wanted = symbol.name().is_ok_and(|name| names.contains(name));
        if symbol.is_global() && symbol.is_definition() && !wanted {
            entries.push((start as usize + symbol.index().0 * size, is_64));
        }
    }
    Ok(entries)
}
