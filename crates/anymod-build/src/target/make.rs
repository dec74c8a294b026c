//! The stages of making an environment: runtime, facts, tools, installer, headers, sysroot, what the runtime itself says.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anymod_model::codes::toolchain as codes;
use anymod_model::pyodide::PyodideFacts;
use anymod_model::{Diagnostic, Diagnostics};
use serde::Deserialize;

use super::add::unexpected;
use super::lock::{Lock, LockedPackage, Role};
use super::sysconfig::Variables;
use super::{
    Compiler, Description, TargetEnvironment, add, archive, installer, module, npm, python,
    support, sysconfig, sysroot, tools,
};
use crate::cancel::Cancel;
use crate::environment::Environment;
use crate::install;
use crate::probe::driver;

/// What is to be made.
pub(crate) struct Asked<'a> {
    pub(crate) version: &'a str,
    pub(crate) compiler: Option<Compiler>,
    pub(crate) locked: Option<&'a Lock>,
}

impl Asked<'_> {
    /// What the project's lock says of a package.
    pub(crate) fn locked(&self, role: Role, name: &str) -> Option<&LockedPackage> {
        self.locked.and_then(|lock| lock.find(role, name))
    }
}

/// Where things are while the environment is being made.
pub(crate) struct Places<'a> {
    /// The environment as far as it is made.
    pub(crate) made: &'a Path,
    /// For scratch files; removed at the end.
    pub(crate) work: &'a Path,
    /// Where the environment is going to be.
    pub(crate) place: &'a Path,
}

/// Goes all stages.
///
/// # Errors
/// Those of [`add::add`].
pub(crate) fn make(
    asked: &Asked<'_>,
    places: &Places<'_>,
    environment: &Environment,
    tell: &mut dyn FnMut(&str),
) -> Result<(), Diagnostics> {
    let version = asked.version;
    tell(&format!("fetching pyodide {version} with npm"));
    let downloads = places.work.join("npm");
    install::create_dir(&downloads)?;
    let locked = asked.locked(Role::Runtime, "");
    let (file, package) = npm::fetch(version, locked, &downloads, environment)?;
    let runtime = places.made.join("runtime");
    archive::npm(&file, &runtime)?;
    let mut packages = vec![package];

    let released = Released::read(&runtime, version)?;
    let mut facts = released.facts;
    let wasm = install::read(&runtime.join("pyodide.asm.wasm"))?;
    let mut symbols = module::symbols(&wasm)
        .map_err(|why| unexpected(&format!("`pyodide.asm.wasm` cannot be read: {why}")))?;
    facts.exceptions = module::exceptions(&symbols)
        .ok_or_else(|| unexpected("`pyodide.asm.wasm` has no C++ exceptions of a known kind"))?;
    // Later releases call it a module.
    let script = ["pyodide.asm.js", "pyodide.asm.mjs"].map(|name| runtime.join(name));
    if let Some(script) = script.iter().find(|path| path.is_file()) {
        let script = install::read(script)?;
        symbols.extend(module::symbols_of_loader(&String::from_utf8_lossy(&script)));
    }
    let list: String = symbols.iter().map(|name| format!("{name}\n")).collect();
    install::write_scratch(&places.made.join("symbols.txt"), list)?;
    // Before anything large is fetched.
    let tools = tools::find(asked.compiler.unwrap_or(Compiler::Clang), &facts, environment)?;

    tell("fetching the runtime's installer with pip");
    packages.extend(installer::fetch(&released.installer, asked, places, environment)?);
    tell(&format!("taking headers of CPython {}", facts.python_minor()));
    let include = places.made.join("include").join(format!("python{}", facts.python_minor()));
    let locked = asked.locked(Role::Headers, "");
    let headers =
        python::headers(&facts, &released.variables, locked, &include, places.work, environment)?;
    packages.push(headers);
    if tools.compiler == Compiler::Emcc {
        // It brings its own.
        install::create_dir(&places.made.join("sysroot"))?;
    } else {
        packages.push(sysroot::make(&facts.emscripten, asked, places, environment, tell)?);
        sysroot::check(&places.made.join("sysroot"), &symbols)?;
    }
    write_sysconfig(&facts, &released.variables, places)?;

    tell("asking the runtime which wheels it takes");
    facts.platforms = accepted(&facts, &runtime, &installer::wheels(places.made)?, environment)?;
    facts.platform = facts.platforms.first().cloned().unwrap_or_default();
    let target = facts.target();
    let description = Description { format: super::FORMAT, facts, tools };
    support::make(&description, places.made, places.work, environment)?;
    install::write_scratch(&places.made.join(super::DESCRIPTION), description.text())?;
    let lock = Lock { format: 1, target, packages };
    install::write_scratch(&places.made.join(add::LOCK), lock.text())?;
    Ok(())
}

/// What the runtime's package says of itself.
struct Released {
    /// Without its platform tags and its exceptions.
    facts: PyodideFacts,
    variables: Variables,
    /// Name and version of the installer and what it needs.
    installer: Vec<(String, String)>,
}

/// What matters of `pyodide-lock.json`.
#[derive(Deserialize)]
struct PyodideLock {
    info: Info,
    packages: std::collections::BTreeMap<String, Listed>,
}

#[derive(Deserialize)]
struct Info {
    abi_version: Option<String>,
    platform: String,
    python: String,
}

#[derive(Deserialize)]
struct Listed {
    version: String,
    #[serde(default)]
    depends: Vec<String>,
}

impl Released {
    fn read(runtime: &Path, version: &str) -> Result<Released, Diagnostic> {
        let wrong = |name: &str, why: &str| unexpected(&format!("`{name}`: {why}"));
        let text = install::read(&runtime.join("pyodide-lock.json"))?;
        let lock: PyodideLock = serde_json::from_slice(&text)
            .map_err(|error| wrong("pyodide-lock.json", &error.to_string()))?;
        let emscripten = lock
            .info
            .platform
            .strip_prefix("emscripten_")
            .ok_or_else(|| wrong("pyodide-lock.json", "its platform is not emscripten"))?
            .replace('_', ".");
        let variables = sysconfigdata(&runtime.join("python_stdlib.zip"))
            .and_then(|text| sysconfig::read(&text))
            .map_err(|why| wrong("python_stdlib.zip", &why))?;
        let suffix = variables.get("EXT_SUFFIX").and_then(sysconfig::Value::text);
        let suffix = suffix.ok_or_else(|| wrong("sysconfig data", "there is no `EXT_SUFFIX`"))?;
        let mut installer = Vec::new();
        installer_of("micropip", &lock.packages, &mut installer);
        if installer.is_empty() {
            return Err(wrong("pyodide-lock.json", "there is no `micropip`"));
        }
        let facts = PyodideFacts {
            version: version.to_owned(),
            python: lock.info.python,
            abi: lock.info.abi_version,
            emscripten,
            platform: String::new(),
            platforms: Vec::new(),
            // Replaced by what the main module says.
            exceptions: anymod_model::pyodide::Exceptions::Wasm,
            extension_suffix: suffix.to_owned(),
        };
        Ok(Released { facts, variables, installer })
    }
}

/// A package and all that it needs, each once.
fn installer_of(
    name: &str,
    packages: &std::collections::BTreeMap<String, Listed>,
    found: &mut Vec<(String, String)>,
) {
    let Some(package) = packages.get(name) else { return };
    if found.iter().any(|(known, _)| known == name) {
        return;
    }
    found.push((name.to_owned(), package.version.clone()));
    for needed in &package.depends {
        installer_of(needed, packages, found);
    }
}

/// The text of the sysconfig data module in the runtime's library.
fn sysconfigdata(library: &Path) -> Result<String, String> {
    let file = std::fs::File::open(library).map_err(|error| install::reason(&error))?;
    let mut zip = zip::ZipArchive::new(std::io::BufReader::new(file)).map_err(|e| e.to_string())?;
    let mut entry =
        zip.by_name(&format!("{}.py", super::SYSCONFIGDATA)).map_err(|e| e.to_string())?;
    let mut text = String::new();
    entry.read_to_string(&mut text).map_err(|error| install::reason(&error))?;
    Ok(text)
}

/// Writes the sysconfig data with the paths that the environment is going to have.
fn write_sysconfig(
    facts: &PyodideFacts,
    variables: &Variables,
    places: &Places<'_>,
) -> Result<(), Diagnostic> {
    let home = places.place.display().to_string();
    let include = format!("{home}/include/python{}", facts.python_minor());
    let directory = places.made.join("sysconfig");
    install::create_dir(&directory)?;
    let text = sysconfig::write(&sysconfig::rewrite(variables, &home, &include));
    install::write_scratch(&directory.join(format!("{}.py", super::SYSCONFIGDATA)), text)
}

/// No runtime takes as long to boot, on any machine.
const BOOT: Duration = Duration::from_secs(180);

/// The platform tags that the runtime's own installer takes, best first.
fn accepted(
    facts: &PyodideFacts,
    runtime: &Path,
    wheels: &[PathBuf],
    environment: &Environment,
) -> Result<Vec<String>, Diagnostic> {
    let candidates = candidates(facts);
    let tag = facts.interpreter_tag();
    let name = |platform: &String| format!("any-1.0-{tag}-{tag}-{platform}.whl");
    let mut request = driver::Request::boot(runtime.to_owned(), wheels.to_vec());
    request.names = candidates.iter().map(name).collect();
    let outcome = driver::run(&request, BOOT, environment, &Cancel::default())?;
    if outcome.end != driver::End::Whole
        || outcome.events.iter().any(|e| e.step == "boot" && e.error.is_some())
    {
        let mut finding = unexpected("it does not boot under this machine's Node");
        let errors = outcome.events.iter().filter_map(|event| event.error.as_deref());
        for line in errors.flat_map(str::lines).chain(outcome.said.lines()).take(8) {
            finding = finding.note(line);
        }
        return Err(finding.hint("use Node.js 20 or newer"));
    }
    let takes = |platform: &&String| {
        let name = name(platform);
        outcome
            .events
            .iter()
            .any(|e| e.step == "tag" && e.name == name && !e.begins && e.error.is_none())
    };
    let accepted: Vec<_> = candidates.iter().filter(takes).cloned().collect();
    if accepted.is_empty() {
        return Err(unexpected("its installer takes none of the known platform tags"));
    }
    Ok(accepted)
}

/// The platform tags that a release may take, in the order in which its wheels would rather have them.
fn candidates(facts: &PyodideFacts) -> Vec<String> {
    let mut candidates = Vec::new();
    if let Some(abi) = &facts.abi {
        candidates.push(format!("pyodide_{abi}_wasm32"));
        candidates.push(format!("pyemscripten_{abi}_wasm32"));
    }
    candidates.push(format!("emscripten_{}_wasm32", facts.emscripten.replace('.', "_")));
    candidates
}

/// What an environment cannot do that others can.
pub(crate) fn limits(target: &TargetEnvironment) -> Result<Vec<Diagnostic>, Diagnostic> {
    let text = install::read(&target.symbols())?;
    let text = String::from_utf8_lossy(&text);
    let symbols: BTreeSet<&str> = text.lines().collect();
    let mut warnings = Vec::new();
    let own = target.description.tools.compiler == Compiler::Emcc;
    if !own && !symbols.contains(module::SETJMP_OF_LLVM_19) {
        let message = format!(
            "code that calls `setjmp` does not work in {}",
            target.description.facts.target()
        );
        warnings.push(
            Diagnostic::warning(&codes::TARGET_SETJMP, message)
                .note(format!("clang 19 and newer call `{}`, which this runtime has not", module::SETJMP_OF_LLVM_19))
                .hint("build for a newer release, or use an installed emscripten with `--compiler emcc`"),
        );
    }
    Ok(warnings)
}
