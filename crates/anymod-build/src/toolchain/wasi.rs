//! What a WebAssembly bundle is linked with: `wasm-ld`, the object that makes a reactor, the C library, the compiler's own.
//!
//! The default is the managed zig, which is its own `wasm-ld` and builds its C library on first use, in half a minute. That is
//! done once ([`prewarm`]), with the paths of this machine kept out, and what it made is kept in anymod's own directory: zig
//! may clear its caches, and two users get the same bytes.

use std::path::{Path, PathBuf};
use std::process::Command;

use anymod_link::archive::{Content, members};
use anymod_model::codes::{build, toolchain as codes};
use anymod_model::{Diagnostic, Place};
use anymod_store::{Digest, Visit};

use super::{ZIG_VERSION, managed_zig};
use crate::children::Children;
use crate::environment::Environment;
use crate::install;
use crate::intercept::digests::Digests;

/// Which linker and libraries are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WasiTools {
    /// The managed zig.
    #[default]
    Managed,
    /// An installed `wasm-ld`, with a directory that holds `crt1-reactor.o`, `libc.a` and the compiler's own library.
    Installed {
        /// The program.
        wasm_ld: PathBuf,
        /// The directory, for instance of wasi-libc.
        sysroot: PathBuf,
    },
}

/// A linker with what it links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wasi {
    /// The program.
    pub program: PathBuf,
    /// Its first arguments.
    pub arguments: Vec<String>,
    /// The object that makes a reactor of a module.
    pub crt1: PathBuf,
    /// Archives that are searched for what is undefined, in order.
    pub libraries: Vec<PathBuf>,
}

/// Raised whenever the libraries are built in another way.
const RECIPE: &str = "1";

/// Names of the files, in the order in which they are linked.
const CRT1: &str = "crt1-reactor.o";
const LIBRARIES: [&str; 3] = ["libc.a", "libzigc.a", "libcompiler_rt.a"];
/// Names that the compiler's own library has elsewhere.
const BUILTINS: [&str; 3] =
    ["libclang_rt.builtins-wasm32.a", "libclang_rt.builtins.a", "libcompiler_rt.a"];

/// Finds linker and libraries; builds the libraries if the managed zig has not done so yet.
///
/// # Errors
/// `T0001` if something is missing, `B0001` with the compiler's words if the libraries cannot be built.
pub(crate) fn find(
    tools: &WasiTools,
    digests: &mut Digests,
    environment: &Environment,
) -> Result<Wasi, Diagnostic> {
    match tools {
        WasiTools::Managed => managed(digests, environment),
        WasiTools::Installed { wasm_ld, sysroot } => installed(wasm_ld, sysroot, environment),
    }
}

/// Builds the C library for WebAssembly with the managed zig, unless that was done; true if it was not.
///
/// # Errors
/// `T0001` if the zig is not installed, `B0001` with its words if it fails.
pub fn prewarm(environment: &Environment) -> Result<bool, Diagnostic> {
    let directory = directory(environment)?;
    let zig = zig(environment)?;
    if is_whole(&directory) {
        return Ok(false);
    }
    make(&zig, &directory, environment)
}

impl Wasi {
    /// Walks over everything of it that decides the bytes of a link.
    pub(crate) fn walk(
        &self,
        digests: &mut Digests,
        visitor: &mut dyn Visit,
    ) -> Result<(), Diagnostic> {
        let mut field = |name: &str, path: &Path| {
            let digest = digests.lasting(path).ok_or_else(|| missing_file(path))?;
            visitor.field(name, &digest.to_string());
            Ok::<(), Diagnostic>(())
        };
        field("linker", &self.program)?;
        field("reactor", &self.crt1)?;
        self.libraries.iter().try_for_each(|library| field("library", library))
    }
}

fn missing_file(path: &Path) -> Diagnostic {
    Diagnostic::error(&codes::MISSING, format!("`{}` cannot be read", path.display()))
        .hint("run `anymod toolchain install zig`; or look at `--wasm-ld` and `--sysroot`")
}

fn managed(digests: &mut Digests, environment: &Environment) -> Result<Wasi, Diagnostic> {
    let program = zig(environment)?;
    let directory = directory(environment)?;
    if !is_as_made(&directory, |path| digests.lasting(path)) {
        make(&program, &directory, environment)?;
        [CRT1].iter().chain(&LIBRARIES).for_each(|name| digests.forget(&directory.join(name)));
    }
    Ok(Wasi {
        program,
        arguments: vec!["wasm-ld".to_owned()],
        crt1: directory.join(CRT1),
        libraries: LIBRARIES.map(|name| directory.join(name)).to_vec(),
    })
}

fn zig(environment: &Environment) -> Result<PathBuf, Diagnostic> {
    managed_zig(environment).ok_or_else(|| {
        Diagnostic::error(
            &codes::MISSING,
            "the managed zig, which links WebAssembly, is not installed",
        )
        .hint("run `anymod toolchain install zig`; or name others with `--wasm-ld` and `--sysroot`")
    })
}

/// Where the libraries are kept.
fn directory(environment: &Environment) -> Result<PathBuf, Diagnostic> {
    let data = environment.data_dir().ok_or_else(super::install::no_home)?;
    Ok(data.join("cache/wasi").join(format!("zig-{ZIG_VERSION}-{RECIPE}")))
}

/// Name of the file that lists the others with their digests; written last.
const RECORD: &str = "digests";

/// True if every file is there as it was made.
fn is_whole(directory: &Path) -> bool {
    is_as_made(directory, Digests::passing)
}

/// The same, by the digests that somebody knows.
fn is_as_made(directory: &Path, mut digest: impl FnMut(&Path) -> Option<Digest>) -> bool {
    let Ok(record) = std::fs::read_to_string(directory.join(RECORD)) else { return false };
    let mut lines = record.lines().filter_map(|line| line.split_once(' ')).peekable();
    lines.peek().is_some()
        && lines.all(|(made, name)| {
            Digest::from_hex(made).is_some_and(|made| digest(&directory.join(name)) == Some(made))
        })
}

/// Builds the libraries, unless somebody else did while this waited; true if it did.
fn make(zig: &Path, directory: &Path, environment: &Environment) -> Result<bool, Diagnostic> {
    let parent = directory.parent().unwrap_or(Path::new("."));
    install::create_dir(parent)?;
    let lock = parent.join(".lock");
    let file = install::open_lock(&lock)?;
    file.lock().map_err(|error| install::write_error(&lock, &error))?;
    if is_whole(directory) {
        return Ok(false);
    }
    let work = tempfile::Builder::new().prefix(".build-").tempdir_in(parent);
    let work = work.map_err(|error| install::write_error(parent, &error))?;
    let made = compile(zig, work.path(), environment)?;
    let mut record = String::new();
    for (name, path) in [CRT1].into_iter().chain(LIBRARIES).zip(&made) {
        let whole = match name.strip_suffix(".a") {
            Some(_) => normalised(zig, path, &work.path().join(name), environment)?,
            None => install::read(path)?,
        };
        install::write_if_changed(&directory.join(name), &whole)?;
        record.push_str(&format!("{} {name}\n", Digest::of(&whole)));
    }
    install::write_if_changed(&directory.join(RECORD), record.as_bytes())?;
    Ok(true)
}

/// Links an empty reactor so that zig builds what belongs to it, and tells where: the object, then the libraries.
fn compile(zig: &Path, work: &Path, environment: &Environment) -> Result<Vec<PathBuf>, Diagnostic> {
    install::write_scratch(&work.join("empty.c"), "")?;
    let mut command = tool(zig, work, environment);
    let options = ["cc", "-target", "wasm32-wasi", "-mexec-model=reactor", "-O2", "-s"];
    command.args(options).args(["empty.c", "-o", "empty.wasm"]);
    command.env("ZIG_VERBOSE_LINK", "1");
    let said = run(command)?;
    let call = said.lines().rev().find(|line| line.starts_with("wasm-ld ")).unwrap_or_default();
    let found: Vec<PathBuf> = [CRT1]
        .into_iter()
        .chain(LIBRARIES)
        .filter_map(|name| {
            let path =
                call.split(' ').find(|word| Path::new(word).file_name() == Some(name.as_ref()));
            path.map(|path| work.join(path))
        })
        .collect();
    if found.len() != 1 + LIBRARIES.len() {
        return Err(Diagnostic::error(
            &build::TOOL_FAILED,
            "zig did not tell what it links for WASI",
        )
        .note(format!("it said: {call}"))
        .hint("run `anymod toolchain install zig` to mend it"));
    }
    Ok(found)
}

/// An archive with the same members and nothing of when and where it was made.
fn normalised(
    zig: &Path,
    archive: &Path,
    to: &Path,
    environment: &Environment,
) -> Result<Vec<u8>, Diagnostic> {
    let (bytes, shown) = (install::read(archive)?, archive.display().to_string());
    let objects = to.with_extension("members");
    install::create_dir(&objects)?;
    let mut command = tool(zig, &objects, environment);
    command.args(["ar", "rcsD"]).arg(to);
    for (number, member) in members(&bytes, &shown)?.iter().enumerate() {
        let Content::Here(object) = member.content else {
            return Err(Diagnostic::error(
                &build::TOOL_FAILED,
                "zig's C library is a thin archive",
            )
            .at(Place::file(shown)));
        };
        let base = member.name.rsplit(['/', '\\']).next().unwrap_or_default();
        let name = format!("{number:04}-{base}");
        install::write_scratch(&objects.join(&name), object)?;
        command.arg(name);
    }
    run(command)?;
    install::read(to)
}

fn tool(zig: &Path, work: &Path, environment: &Environment) -> Command {
    let mut command = Command::new(zig);
    command.env_clear().envs(environment.for_tools()).current_dir(work);
    // Relative, so that no path of this machine gets into a debugger's way, and none has spaces.
    command.env("ZIG_GLOBAL_CACHE_DIR", "global").env("ZIG_LOCAL_CACHE_DIR", "local");
    command
}

fn run(command: Command) -> Result<String, Diagnostic> {
    let program = command.get_program().to_string_lossy().into_owned();
    let ended = Children::default().run(command);
    let (status, said) =
        ended.map_err(|error| super::unusable(Path::new(&program), &install::reason(&error)))?;
    if status.success() {
        return Ok(said);
    }
    let finding = Diagnostic::error(&build::TOOL_FAILED, "zig cannot build its C library for WASI")
        .hint("free some space if that is short, and run the command again");
    Err(said.lines().rev().take(20).fold(finding, |finding, line| finding.note(line)))
}

fn installed(
    wasm_ld: &Path,
    sysroot: &Path,
    environment: &Environment,
) -> Result<Wasi, Diagnostic> {
    let program = environment.find_program(&wasm_ld.to_string_lossy()).ok_or_else(|| {
        Diagnostic::error(&codes::MISSING, format!("`{}` is no program", wasm_ld.display()))
            .hint("name an installed `wasm-ld`, for instance `wasm-ld-19` of Debian's `lld-19`")
    })?;
    let directories = [sysroot.to_owned(), sysroot.join("lib/wasm32-wasi"), sysroot.join("lib")];
    let find = |names: &[&str]| {
        let mut paths = directories
            .iter()
            .flat_map(|directory| names.iter().map(move |name| directory.join(name)));
        paths.find(|path| environment.is_file(path)).ok_or_else(|| {
            let message = format!("`{}` is not below `{}`", names.join("` or `"), sysroot.display());
            Diagnostic::error(&codes::MISSING, message)
                .hint("give the directory of wasi-libc to `--sysroot`, with the compiler's own library in it")
        })
    };
    Ok(Wasi {
        program,
        arguments: Vec::new(),
        crt1: find(&[CRT1])?,
        libraries: vec![find(&["libc.a"])?, find(&BUILTINS)?],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let environment = Environment::default()
            .with(crate::environment::ANYMOD_HOME, &directory.path().display().to_string());
        let find = |tools: &WasiTools, environment: &Environment| {
            super::find(tools, &mut Digests::new(directory.path()), environment)
        };
        let error = find(&WasiTools::Managed, &environment).unwrap_err();
        assert!(error.hint.unwrap().contains("anymod toolchain install zig"));
        let installed = |wasm_ld: &str| WasiTools::Installed {
            wasm_ld: wasm_ld.into(),
            sysroot: directory.path().into(),
        };
        let error = find(&installed("/no/wasm-ld"), &environment).unwrap_err();
        assert!(error.message.contains("/no/wasm-ld"));
        let error = find(&installed("/bin/sh"), &environment).unwrap_err();
        assert!(error.message.contains("crt1-reactor.o"));
        for name in [CRT1, "libc.a", "libclang_rt.builtins.a"] {
            std::fs::write(directory.path().join(name), "").unwrap();
        }
        let found = find(&installed("/bin/sh"), &environment.unasked()).unwrap();
        assert_eq!(found.libraries.len(), 2);
    }

    #[test]
    fn a_damaged_library_is_not_whole() {
        let directory = tempfile::tempdir().unwrap();
        assert!(!is_whole(directory.path()));
        std::fs::write(directory.path().join("libc.a"), "bytes").unwrap();
        let record = format!("{} libc.a\n", Digest::of(b"bytes"));
        std::fs::write(directory.path().join(RECORD), record).unwrap();
        assert!(is_whole(directory.path()));
        std::fs::write(directory.path().join("libc.a"), "byte").unwrap();
        assert!(!is_whole(directory.path()));
    }

    /// A zig that "builds" archives of one member at once, and counts how often.
    #[cfg(unix)]
    const PRETENDER: &str = r#"#!/bin/sh
[ "$1" = ar ] && exec "$@"
echo x >>"$HOME/calls"
mkdir global && echo "$PWD" >global/member.o
for name in libc libzigc libcompiler_rt; do ar rcs global/$name.a global/member.o; done
echo object >global/crt1-reactor.o
echo "wasm-ld -o x global/crt1-reactor.o global/libc.a global/libzigc.a x.o global/libcompiler_rt.a" >&2
"#;

    #[cfg(unix)]
    #[test]
    fn the_library_is_built_once_and_again_if_it_is_damaged() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().display().to_string();
        let environment = Environment::of_process()
            .with(crate::environment::ANYMOD_HOME, &home)
            .with("HOME", &home);
        let zig = directory.path().join(format!("toolchains/zig-{ZIG_VERSION}/zig"));
        std::fs::create_dir_all(zig.parent().unwrap()).unwrap();
        std::fs::write(&zig, PRETENDER).unwrap();
        std::fs::set_permissions(&zig, std::fs::Permissions::from_mode(0o755)).unwrap();
        let calls = || std::fs::read_to_string(directory.path().join("calls")).unwrap().len() / 2;
        let environment = environment.unasked();
        std::thread::scope(|scope| {
            let threads = [0; 3].map(|_| scope.spawn(|| prewarm(&environment.unasked()).unwrap()));
            let built = threads.map(|thread| thread.join().unwrap());
            assert_eq!(built.iter().filter(|built| **built).count(), 1);
        });
        let mut digests = Digests::new(directory.path());
        let found = find(&WasiTools::Managed, &mut digests, &environment).unwrap();
        assert_eq!((calls(), found.libraries.len()), (1, LIBRARIES.len()));
        let whole = std::fs::read(&found.libraries[0]).unwrap();
        std::fs::write(&found.libraries[0], "damaged").unwrap();
        let mut digests = Digests::new(directory.path());
        find(&WasiTools::Managed, &mut digests, &environment).unwrap();
        assert_eq!(calls(), 2);
        let now = std::fs::read(&found.libraries[0]).unwrap();
        assert_eq!(
            (now.len(), digests.lasting(&found.libraries[0])),
            (whole.len(), Some(Digest::of(&now)))
        );
    }
}
