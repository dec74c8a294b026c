//! The link itself: objects checked, helpers kept apart, `wasm-ld` run in a directory of its own, its output finished.
//!
//! The linker gets the archives as they are; only objects with symbols that clash with another archive's are written anew.

use std::path::{Path, PathBuf};
use std::process::Command;

use anymod_link::stamp;
use anymod_link::wasm::{
    self, ExportPolicy, Exports, Finish, Object, Origin, Renames, Unit, duplicate_exports, exports,
    isolate, read_member,
};
use anymod_model::codes::wasm as code;
use anymod_model::stamp::Stamp;
use anymod_model::target::glob_matches;
use anymod_model::{Diagnostic, Diagnostics, Target};
use tempfile::TempDir;

use super::inputs::{Inputs, Read};
use super::{BundleRequest, Strip, messages};
use crate::environment::Environment;
use crate::install;
use crate::runner::Runner;
use crate::toolchain::wasi::Wasi;

/// What the output is called in itself and in messages, whatever it is called later.
const NAME: &str = "bundle.wasm";
const MAP: &str = "bundle.map";

/// A linked module.
pub(super) struct Linked {
    pub(super) bytes: Vec<u8>,
    /// What its exports were meant to be.
    pub(super) exports: Exports,
    /// Where the linker worked. Removing it takes a while, which whoever has the bytes need not wait for.
    pub(super) scratch: TempDir,
}

/// An input of the linker: its path, what the user calls it, and whose functions are in it.
pub(super) struct Given {
    pub(super) path: PathBuf,
    pub(super) shown: String,
    pub(super) origin: String,
    /// False for what is not linked whole: libraries, and members of thin archives, which the linker finds through these and
    /// names by their own paths.
    pub(super) linked: bool,
}

/// Links the inputs.
///
/// Where what the objects say changes nothing of the linker's command, it runs while they are read; what they say counts all
/// the same, and first.
pub(super) fn link(
    request: &BundleRequest,
    linker: &Wasi,
    inputs: &Inputs,
    environment: &Environment,
) -> Result<Linked, Diagnostics> {
    let scratch =
        tempfile::tempdir().map_err(|error| install::write_error(&std::env::temp_dir(), &error))?;
    let ahead = !request.isolate
        && request.allow_imports.is_empty()
        && matches!(request.exports, ExportPolicy::All | ExportPolicy::Named);
    let start = || {
        let none = exports(&request.exports, &[]);
        let given = given(inputs, &[], &[], scratch.path())?;
        let command = command(request, linker, inputs, &given, &[], &none, scratch.path())?;
        run(command, request, linker, environment)
    };
    let read = || -> Result<Vec<Read>, Diagnostics> {
        all(inputs.archives.iter().map(|input| input.read().map_err(Into::into)))
    };
    std::thread::scope(|scope| {
        let running = ahead.then(|| scope.spawn(start));
        let read = read()?;
        let bytes: Vec<Vec<(String, &[u8])>> = all(inputs
            .archives
            .iter()
            .zip(&read)
            .map(|(input, read)| read.members(&input.shown).map_err(Into::into)))?;
        let units = units(inputs, &bytes)?;
        let stamp = stamps(inputs, &bytes, request.target)?;
        let exports = exports(&request.exports, &units);
        let renames = match request.isolate {
            true => isolate(&units, &exports.symbols)?,
            false => Vec::new(),
        };
        duplicate_exports(&units, &exports, &renames)?;
        let given = given(inputs, &bytes, &renames, scratch.path())?;
        let ended = match running {
            Some(running) => {
                running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            }
            None => {
                let command =
                    command(request, linker, inputs, &given, &units, &exports, scratch.path())?;
                run(command, request, linker, environment)
            }
        };
        let raw = ended?.map_err(|said| messages::read(&said, &given, &units))?;
        let origins = match request.strip {
            Strip::All => Vec::new(),
            _ => {
                let map = install::read(&scratch.path().join(MAP))?;
                origins(&String::from_utf8_lossy(&map), &given, linker)
            }
        };
        let keep = |name: &str| exports.allowed.contains(name) || is_own(name, request.shared);
        let how = Finish { keep: &keep, stamp: &stamp, origins: &origins };
        let bytes = wasm::finish(&raw, NAME, &how)?;
        Ok((bytes, exports))
    })
    .map(|(bytes, exports)| Linked { bytes, exports, scratch })
}

/// What every module exports, whatever the policy.
pub(super) fn is_own(name: &str, shared: bool) -> bool {
    match shared {
        true => matches!(name, "__wasm_call_ctors" | "__wasm_apply_data_relocs"),
        false => matches!(name, "memory" | "_initialize"),
    }
}

/// All results, or all findings.
fn all<T>(results: impl Iterator<Item = Result<T, Diagnostics>>) -> Result<Vec<T>, Diagnostics> {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(value) => good.push(value),
            Err(findings) => bad.extend(findings.0),
        }
    }
    if bad.is_empty() { Ok(good) } else { Err(Diagnostics(bad)) }
}

/// Reads all members as objects.
fn units<'a>(
    inputs: &Inputs,
    archives: &[Vec<(String, &'a [u8])>],
) -> Result<Vec<Unit<'a>>, Diagnostics> {
    let mut suffixes = std::collections::BTreeSet::new();
    all(inputs.archives.iter().zip(archives).map(|(input, members)| {
        if members.is_empty() {
            let finding = Diagnostic::error(&code::EMPTY_ARCHIVE, "the archive has no members")
                .at(anymod_model::Place::file(input.shown.as_str()))
                .hint("build it again, and look at what is put into it");
            return Err(finding.into());
        }
        let objects = members.iter().map(|(name, bytes)| {
            let object = read_member(bytes, &input.place(name))?;
            Ok::<(String, Object<'a>), Diagnostics>((name.clone(), object))
        });
        let stem = stem(&input.name);
        let numbered = std::iter::once(stem.clone()).chain((2..).map(|n| format!("{stem}{n}")));
        let mut fresh = numbered.filter(|suffix| !suffixes.contains(suffix));
        let suffix = fresh.next().unwrap_or_default();
        suffixes.insert(suffix.clone());
        let members = all(objects)?;
        Ok(Unit { archive: input.shown.clone(), suffix: format!(".{suffix}"), members })
    }))
}

/// `libfoo.a` without what every archive's name has.
fn stem(name: &str) -> String {
    let name = name.strip_suffix(".a").unwrap_or(name);
    name.strip_prefix("lib").filter(|rest| !rest.is_empty()).unwrap_or(name).to_owned()
}

/// The stamp of the whole.
fn stamps(
    inputs: &Inputs,
    archives: &[Vec<(String, &[u8])>],
    target: Target,
) -> Result<Stamp, Diagnostics> {
    let own = Stamp::new().with("target", target.to_string());
    let mut found = vec![("the bundle".to_owned(), own)];
    for (input, members) in inputs.archives.iter().zip(archives) {
        for (name, bytes) in members {
            for stamp in stamp::of_object(bytes, &input.shown, Some(name))? {
                found.push((format!("{}({name})", input.shown), stamp));
            }
        }
    }
    let merged = stamp::merge(&found)?;
    // Without any stamp there is nothing to say.
    Ok(if found.len() > 1 { merged } else { Stamp::new() })
}

/// What the linker is given: archives as they are, and one by one the objects of those with symbols that get other names.
fn given(
    inputs: &Inputs,
    archives: &[Vec<(String, &[u8])>],
    renames: &[Renames],
    scratch: &Path,
) -> Result<Vec<Given>, Diagnostics> {
    let mut given = Vec::new();
    for (number, input) in inputs.archives.iter().enumerate() {
        let members = archives.get(number).map(Vec::as_slice).unwrap_or_default();
        let renames = renames.get(number).filter(|renames| !renames.names.is_empty());
        let Some(renames) = renames else {
            let (path, shown, origin) =
                (input.path.clone(), input.shown.clone(), input.name.clone());
            given.push(Given { path, shown, origin, linked: true });
            for (index, (name, _)) in members.iter().enumerate() {
                if let Some(path) = input.member_path(index) {
                    let shown = format!("{}({name})", input.shown);
                    let (path, origin) = (path.to_owned(), input.name.clone());
                    given.push(Given { path, shown, origin, linked: false });
                }
            }
            continue;
        };
        for (index, (name, bytes)) in members.iter().enumerate() {
            let path = scratch.join(format!("{number}-{index}.o"));
            let renamed = wasm::rename(bytes, renames, &input.place(name))?;
            install::write_scratch(&path, renamed)?;
            let shown = format!("{}({name})", input.shown);
            given.push(Given { path, shown, origin: input.name.clone(), linked: true });
        }
    }
    for input in &inputs.libraries {
        let (path, shown, origin) = (input.path.clone(), input.shown.clone(), input.name.clone());
        given.push(Given { path, shown, origin, linked: false });
    }
    Ok(given)
}

fn command(
    request: &BundleRequest,
    linker: &Wasi,
    inputs: &Inputs,
    given: &[Given],
    units: &[Unit<'_>],
    exports: &Exports,
    scratch: &Path,
) -> Result<Command, Diagnostics> {
    let mut command = Command::new(&linker.program);
    command.current_dir(scratch).args(&linker.arguments);
    // To its standard output: into a file the linker writes page by page, which takes a seventh of its whole time.
    command.args(["-o", "-", &format!("--soname={NAME}")]);
    command.args(["--fatal-warnings", "--error-limit=0", "--no-demangle", "--build-id=none"]);
    if request.strip != Strip::All {
        command.arg(format!("--Map={MAP}"));
    }
    match request.strip {
        Strip::Nothing => {}
        Strip::Debug => drop(command.arg("--strip-debug")),
        Strip::All => drop(command.arg("--strip-all")),
    }
    if request.shared {
        command.args(["-shared", "--experimental-pic", "--unresolved-symbols=import-dynamic"]);
        if request.exports != ExportPolicy::All {
            command.arg("--no-export-dynamic");
        }
    } else {
        command.args(["--export-memory", "--stack-first", "--entry", "_initialize"]);
        command.args(["-z", &format!("stack-size={}", request.stack_size)]);
        let allowed = allowed(request, units);
        if !allowed.is_empty() {
            let file = "allowed.txt";
            install::write_scratch(&scratch.join(file), allowed.join("\n") + "\n")?;
            command.arg(format!("--allow-undefined-file={file}"));
        }
        command.arg(&linker.crt1);
    }
    command.args(&exports.options).arg("--whole-archive");
    command.args(given.iter().filter(|input| input.linked).map(|input| &input.path));
    command.arg("--no-whole-archive");
    command.args(inputs.libraries.iter().map(|input| &input.path));
    if !request.shared {
        command.args(&linker.libraries);
    }
    Ok(command)
}

/// Undefined names that the request allows.
fn allowed(request: &BundleRequest, units: &[Unit<'_>]) -> Vec<String> {
    let objects = units.iter().flat_map(|unit| &unit.members).map(|(_, object)| object);
    let undefined = objects.flat_map(|object| &object.symbols).filter(|symbol| !symbol.defined);
    let names: std::collections::BTreeSet<&str> = undefined
        .filter(|symbol| symbol.import.is_none())
        .map(|symbol| symbol.name)
        .filter(|name| is_allowed(request, "env", name))
        .collect();
    names.into_iter().map(str::to_owned).collect()
}

/// True for what a bundle may import.
pub(super) fn is_allowed(request: &BundleRequest, module: &str, name: &str) -> bool {
    let wasi = request.target == Target::Wasi && module == "wasi_snapshot_preview1";
    let full = format!("{module}.{name}");
    wasi || request.allow_imports.iter().any(|pattern| {
        glob_matches(pattern, &full) || (module == "env" && glob_matches(pattern, name))
    })
}

/// Runs the linker: the module, or what it said if it failed.
fn run(
    mut command: Command,
    request: &BundleRequest,
    linker: &Wasi,
    environment: &Environment,
) -> Result<Result<Vec<u8>, String>, Diagnostics> {
    command.env_clear().envs(environment.for_tools());
    let (module, ended) = Runner::new(&request.cancel).output_or(command, |reason| {
        let message = format!("`{}` does not run: {reason}", linker.program.display());
        Diagnostic::error(&code::LINKER, message).hint("run `anymod doctor`")
    })?;
    Ok(if ended.status.success() { Ok(module) } else { Err(ended.said) })
}

/// Which functions came from where, by the linker's map. A line of it that stands for a function ends in
/// `PATH(MEMBER):(SYMBOL)`, after three numbers.
fn origins(map: &str, given: &[Given], linker: &Wasi) -> Vec<Origin> {
    let mut origins: Vec<Origin> = Vec::new();
    let mut in_code = false;
    for line in map.lines() {
        let mut columns = line.trim_start();
        let mut numbers = [""; 3];
        for number in &mut numbers {
            let (first, rest) = columns.split_once(' ').unwrap_or((columns, ""));
            (*number, columns) = (first, rest.trim_start_matches(' '));
        }
        // Names of sections stand right after the numbers, what is in them further to the right.
        let indent = line.len() - columns.len();
        if indent <= SECTION_COLUMN {
            in_code = columns == "CODE";
            continue;
        }
        let Some((from, _)) = columns.rsplit_once(":(").filter(|_| in_code) else { continue };
        let name = origin(from, given, linker);
        match origins.last_mut() {
            Some(last) if last.name == name => last.functions += 1,
            _ => origins.push(Origin { name, functions: 1 }),
        }
    }
    origins
}

/// Where the names of sections begin in the linker's map: after three columns of eight and the spaces between.
const SECTION_COLUMN: usize = 27;

/// Whose functions are in a file, as the linker names it.
fn origin(from: &str, given: &[Given], linker: &Wasi) -> String {
    let is = |path: &Path| {
        let rest = from.strip_prefix(&*path.to_string_lossy());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('('))
    };
    if let Some(input) = given.iter().find(|input| is(&input.path)) {
        return input.origin.clone();
    }
    let own = linker.libraries.iter().chain([&linker.crt1]).find(|path| is(path));
    match own.and_then(|path| path.file_name()) {
        Some(name) => name.to_string_lossy().into_owned(),
        None => "wasm-ld".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_told_apart_by_what_is_theirs_in_their_names() {
        let stems = ["libfoo.a", "foo.a", "lib.a", "foo", "libfoo-2.a"].map(stem);
        assert_eq!(stems, ["foo", "foo", "lib", "foo", "foo-2"]);
    }

    #[test]
    fn the_map_tells_whose_functions_follow_each_other() {
        let linker = Wasi {
            program: "/t/zig".into(),
            arguments: Vec::new(),
            crt1: "/s/crt1-reactor.o".into(),
            libraries: vec!["/s/libc.a".into()],
        };
        let given = [Given {
            path: "/x y/dup (1).a".into(),
            shown: "dup (1).a".to_owned(),
            origin: "dup (1).a".to_owned(),
            linked: true,
        }];
        let map = "    Addr      Off     Size Out     In      Symbol
       -       17        a FUNCTION
       -       84       44 CODE
       -       85        3         <internal>:(__wasm_call_ctors)
       -       88       24         /s/crt1-reactor.o:(_initialize)
       -       88       24                 _initialize
       -       ac        5         /x y/dup (1).a(dup1.o):(m1)
       -       ac        5                 m1
       -       b1        5         /x y/dup (1).a(dup1.o):(s1)
       -       b6        5         /s/libc.a(0001-malloc.o):(malloc)
    1000       b6        5 .data
    1000       b6        5         /x y/dup (1).a(dup1.o):(.data.x)
       -      482       5c CUSTOM(name)
";
        let found: Vec<(String, u32)> = origins(map, &given, &linker)
            .into_iter()
            .map(|origin| (origin.name, origin.functions))
            .collect();
        let expected = [("wasm-ld", 1), ("crt1-reactor.o", 1), ("dup (1).a", 2), ("libc.a", 1)];
        assert_eq!(found, expected.map(|(name, count)| (name.to_owned(), count)));
    }
}
