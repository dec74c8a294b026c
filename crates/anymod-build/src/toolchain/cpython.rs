//! Finding the CPython of a version that is installed, and what it says of itself.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anymod_model::codes::toolchain as codes;
use anymod_model::{Diagnostic, Place, PythonVersion, Target};

use super::python::Python;
use super::{Choice, ask};
use crate::environment::Environment;
use crate::log::Log;

/// A CPython that extension modules can be built for.
pub(crate) struct Interpreter {
    pub(crate) python: Python,
    /// Directories of its headers.
    pub(crate) include: Vec<PathBuf>,
}

/// What an interpreter is asked: one answer a line.
const QUESTION: &str = "\
import sys, sysconfig
print(sys.implementation.name)
print('%d.%d' % sys.version_info[:2])
print('%d.%d.%d' % sys.version_info[:3])
print(sysconfig.get_config_var('EXT_SUFFIX'))
print(getattr(sys, 'abiflags', ''))
print(sysconfig.get_platform())
print(sysconfig.get_config_var('Py_ENABLE_SHARED') or 0)
print('%s/%s' % (sysconfig.get_config_var('LIBDIR'), sysconfig.get_config_var('INSTSONAME')))
print(sysconfig.get_path('include'))
print(sysconfig.get_path('platinclude'))";

/// Finds the interpreter of a version that has headers.
///
/// # Errors
/// `T0021` if there is none.
pub(crate) fn find(
    version: PythonVersion,
    choice: &Choice,
    environment: &Environment,
    log: &mut Log,
) -> Result<Interpreter, Diagnostic> {
    let mut passed = Vec::new();
    for program in candidates(version, choice, environment, log) {
        match examine(&program, version, environment, log) {
            Ok(interpreter) => return Ok(interpreter),
            Err(why) => passed.push((program, why)),
        }
    }
    Err(missing(version, choice, &passed))
}

/// Where an interpreter of the version may be, best first.
fn candidates(
    version: PythonVersion,
    choice: &Choice,
    environment: &Environment,
    log: &mut Log,
) -> Vec<PathBuf> {
    let name = format!("python{version}");
    if let Some(dir) = &choice.manifest.dir {
        let dir = choice.root.join(&dir.value);
        let names = [&name, "python3", "python"];
        let places = [dir.clone(), dir.join("bin")];
        let paths = places.iter().flat_map(|place| names.map(|name| place.join(name)));
        let find = |path: PathBuf| environment.find_program(&path.to_string_lossy());
        return paths.filter_map(find).collect();
    }
    let mut found: Vec<PathBuf> = environment.find_programs(&name).collect();
    // Version managers put scripts on the `PATH` that choose an interpreter by what the directory and the user say.
    found.retain(|program| {
        // Asked for, so that a build notices when it is replaced.
        log.digest(&program.to_string_lossy()).is_some() && !is_script(program)
    });
    let pyenv = match environment.get("PYENV_ROOT").filter(|root| !root.is_empty()) {
        Some(root) => Some(PathBuf::from(root)),
        None => environment.get("HOME").map(|home| Path::new(home).join(".pyenv")),
    };
    for versions in pyenv.iter().map(|root| root.join("versions")) {
        // The newest patch release; looked for one by one, so that a build knows what it asked.
        let patches = (0..=MOST_PATCHES).rev();
        let paths = patches.map(|patch| versions.join(format!("{version}.{patch}/bin/{name}")));
        found.extend(paths.filter_map(|path| environment.find_program(&path.to_string_lossy())));
    }
    found
}

/// No feature release of Python 3 had more patch releases.
const MOST_PATCHES: u8 = 25;

fn is_script(program: &Path) -> bool {
    let mut start = [0; 2];
    let read = std::fs::File::open(program).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && &start == b"#!"
}

/// Asks an interpreter; the error says in a few words why it does not serve.
fn examine(
    program: &Path,
    version: PythonVersion,
    environment: &Environment,
    log: &mut Log,
) -> Result<Interpreter, String> {
    let answer = ask(program, &["-I", "-S", "-c", QUESTION], environment, log);
    let answer = answer.map_err(|finding| finding.message)?;
    let lines: Vec<&str> = answer.lines().collect();
    let [name, found, release, suffix, abi_flags, platform, shared, library, include @ ..] =
        lines.as_slice()
    else {
        return Err("it does not say what it is".to_owned());
    };
    if *name != "cpython" || PythonVersion::parse(found) != Some(version) {
        return Err(format!("it is {name} {found}"));
    }
    let mut include: Vec<PathBuf> = include.iter().map(PathBuf::from).collect();
    include.dedup();
    let has = |header: &str| include.iter().any(|dir| environment.is_file(&dir.join(header)));
    if !has("Python.h") || !has("pyconfig.h") {
        let place = include.first().map(|dir| dir.display().to_string()).unwrap_or_default();
        return Err(format!("it has no headers in `{place}`"));
    }
    let python = Python {
        version,
        release: (*release).to_owned(),
        place: program.to_owned(),
        suffix: (*suffix).to_owned(),
        abi: format!("{}{abi_flags}", version.tag()),
        platform: platform.replace(['-', '.'], "_"),
        // What the interpreter is linked from decides who offers its functions.
        offers: if *shared == "1" && environment.is_file(Path::new(library)) {
            (*library).to_owned()
        } else {
            program.to_string_lossy().into_owned()
        },
        facts: None,
    };
    Ok(Interpreter { python, include })
}

fn missing(version: PythonVersion, choice: &Choice, passed: &[(PathBuf, String)]) -> Diagnostic {
    let target = Target::CPython(version);
    let message = format!("no interpreter with headers found for `{target}`");
    let mut finding = Diagnostic::error(&codes::INTERPRETER, message);
    for (program, why) in passed {
        finding = finding.note(format!("`{}`: {why}", program.display()));
    }
    if let Some(dir) = &choice.manifest.dir {
        let span = dir.span.clone().unwrap_or_default();
        finding = finding
            .note(format!("looked in `{}` only, as the manifest says", dir.value))
            .at(Place::Text { file: choice.file.clone(), span });
    } else if passed.is_empty() {
        finding = finding
            .note(format!("looked for `python{version}` on the `PATH` and among those of pyenv"));
    }
    finding.hint(format!(
        "run `apt-get install python{version}-dev`, `uv python install {version}` or `pyenv install {version}`, or name the \
         directory of one: `[toolchain.\"{target}\"]` `dir`"
    ))
}
