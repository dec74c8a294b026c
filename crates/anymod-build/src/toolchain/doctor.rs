//! What `anymod doctor` reports, as data: for every target what was found, whether it works, and what is missing with
//! the command that installs it.

use std::path::PathBuf;

use anymod_model::manifest::ToolchainKind;
use anymod_model::{Abi, Arch, Native, Platform, Target};
use serde::Serialize;

use super::{
    Choice, Library, Toolchain, find_archive_tools, find_library, find_mpy_cross, find_node,
    find_python, identify_archive_tools, install, install_command, locate, smoke,
};
use crate::environment::Environment;
use crate::log::Log;

/// Version of the report's form.
pub const REPORT_VERSION: u32 = 1;

/// The whole report.
#[derive(Clone, Debug, Serialize)]
pub struct DoctorReport {
    /// Version of this form.
    pub version: u32,
    /// Where managed tools are, or would be.
    pub home: Option<PathBuf>,
    /// The targets asked for, in table order.
    pub targets: Vec<TargetHealth>,
    /// Other tools.
    pub tools: Vec<ToolHealth>,
}

/// One target.
#[derive(Clone, Debug, Serialize)]
pub struct TargetHealth {
    /// Its name.
    pub target: String,
    /// True if something works for it.
    pub ready: bool,
    /// The compilers that could serve it, the one that is used by default first.
    pub toolchains: Vec<ToolchainHealth>,
}

/// One compiler for one target.
#[derive(Clone, Debug, Serialize)]
pub struct ToolchainHealth {
    /// Its family: `zig` or `gnu`; for a Python, `cpython` or `pyodide`, which stand for all that building takes.
    pub kind: String,
    /// The program, if found; the directory of a Pyodide's target environment.
    pub path: Option<PathBuf>,
    /// What it says its version is.
    pub version: Option<String>,
    /// True if it compiled a test file and the object is right.
    pub works: bool,
    /// What is wrong, one line each.
    pub problems: Vec<String>,
    /// Its libraries that are there, by name.
    pub libraries: Vec<String>,
    /// The command that installs it or what it lacks.
    pub install: Option<String>,
}

/// Another tool.
#[derive(Clone, Debug, Serialize)]
pub struct ToolHealth {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// The program, if found.
    pub path: Option<PathBuf>,
    /// What it says its version is.
    pub version: Option<String>,
    /// True if it can be used.
    pub works: bool,
    /// The command that installs it, if it is missing.
    pub install: Option<String>,
}

impl ToolchainHealth {
    /// A compiler of which nothing is known yet.
    fn unknown(kind: &str) -> ToolchainHealth {
        ToolchainHealth {
            kind: kind.to_owned(),
            path: None,
            version: None,
            works: false,
            problems: Vec::new(),
            libraries: Vec::new(),
            install: None,
        }
    }
}

impl DoctorReport {
    /// True if every target can be built.
    #[must_use]
    pub fn all_ready(&self) -> bool {
        self.targets.iter().all(|target| target.ready)
    }
}

/// Examines the machine for these targets. Starts every compiler it finds; looks at no project.
#[must_use]
pub fn doctor(targets: &[Target], environment: &Environment) -> DoctorReport {
    let mut log = Log::in_memory(std::path::Path::new("/"));
    let examine = |target: &Target| examine(*target, environment, &mut log);
    let targets = targets.iter().map(examine).collect();
    let abis = [Abi::V1_23, Abi::V1_22, Abi::V1_20, Abi::V1_19];
    let tools = abis.into_iter().map(|abi| examine_mpy_cross(abi, environment, &mut log)).collect();
    DoctorReport { version: REPORT_VERSION, home: environment.data_dir(), targets, tools }
}

fn examine(target: Target, environment: &Environment, log: &mut Log) -> TargetHealth {
    let toolchains: Vec<ToolchainHealth> = match target {
        Target::MicroPython(arch) => {
            let both = [ToolchainKind::Zig, ToolchainKind::Gnu].into_iter();
            let serves = |kind: &ToolchainKind| {
                *kind == ToolchainKind::Gnu || install_command(*kind, arch).is_some()
            };
            let kinds = both.filter(serves);
            kinds.map(|kind| examine_toolchain(kind, arch, environment, log)).collect()
        }
        Target::CPython(_) | Target::Pyodide(_) => vec![examine_python(target, environment, log)],
        Target::Native(_) | Target::Wasi | Target::Emscripten => {
            vec![examine_archive(target, environment, log)]
        }
        Target::Node(platform) => vec![examine_node(platform, environment, log)],
    };
    let ready = toolchains.iter().any(|toolchain| toolchain.works);
    TargetHealth { target: target.to_string(), ready, toolchains }
}

/// A target whose modules are archives: the compiler that would be taken.
fn examine_archive(target: Target, environment: &Environment, log: &mut Log) -> ToolchainHealth {
    let mut health = ToolchainHealth::unknown(target.runtime().name());
    let tools = match find_archive_tools(target, &Choice::default(), environment) {
        Ok(tools) => tools,
        Err(finding) => {
            health.problems.push(finding.message);
            health.problems.extend(finding.notes);
            let command = match target {
                Target::Native(Native::Host) => "apt-get install gcc g++ libc6-dev",
                Target::Emscripten => "anymod target add pyodide@0.29.5",
                _ => "anymod toolchain install zig",
            };
            health.install = Some(command.to_owned());
            return health;
        }
    };
    health.path = tools.cc.first().map(PathBuf::from);
    match identify_archive_tools(&tools, environment, log) {
        Ok(identity) => health.version = Some(identity.name),
        Err(finding) => health.problems.push(finding.message),
    }
    match smoke::compiles_archive(&tools, environment) {
        Ok(()) => health.works = health.problems.is_empty(),
        Err(problem) => health.problems.push(problem),
    }
    health
}

/// Node.js: zig, and the headers of Node-API.
fn examine_node(platform: Platform, environment: &Environment, log: &mut Log) -> ToolchainHealth {
    let target = Target::Node(platform);
    let mut health = ToolchainHealth::unknown(target.runtime().name());
    match find_node(platform, environment, log) {
        Ok(tools) => {
            health.path = Some(tools.zig().to_owned());
            health.version = tools.version(environment, log);
            match smoke::compiles_addon(&tools, platform, environment) {
                Ok(()) => health.works = true,
                Err(problem) => health.problems.push(problem),
            }
        }
        Err(finding) => {
            health.problems.push(finding.message);
            health.problems.extend(finding.notes);
            let (headers, _) = install::NODE_API_HEADERS;
            health.install = Some(format!("anymod toolchain install zig {headers}"));
        }
    }
    health
}

/// A Python: what there is to build for it with, whole or not at all.
fn examine_python(target: Target, environment: &Environment, log: &mut Log) -> ToolchainHealth {
    let install = match target {
        Target::Pyodide(version) => format!("anymod target add pyodide@{version}"),
        _ => format!("apt-get install python{}-dev gcc g++", target.kind()),
    };
    let mut health = ToolchainHealth::unknown(target.runtime().name());
    health.install = Some(install);
    match find_python(target, &Choice::default(), environment, log) {
        Ok(tools) => {
            match smoke::compiles_extension(&tools, environment) {
                Ok(()) => (health.works, health.install) = (true, None),
                Err(problem) => health.problems.push(problem),
            }
            health.version = Some(tools.python.release);
            health.path = Some(tools.python.place);
        }
        Err(finding) => {
            health.problems.push(finding.message);
            health.problems.extend(finding.notes);
        }
    }
    health
}

fn examine_toolchain(
    kind: ToolchainKind,
    arch: Arch,
    environment: &Environment,
    log: &mut Log,
) -> ToolchainHealth {
    let mut health = ToolchainHealth::unknown(kind.name());
    health.install = install_command(kind, arch);
    let Some((_, program)) = locate(kind, arch, &Choice::default(), environment) else {
        health.problems.push("not found".to_owned());
        return health;
    };
    match super::identify(kind, arch, &program, environment, log) {
        Ok(toolchain) => try_out(&toolchain, &mut health, environment, log),
        Err(finding) => health.problems.push(finding.message),
    }
    health.path = Some(program);
    // Where zig does not reach there is no package with a C library either.
    let beyond_help = health.works && install_command(ToolchainKind::Zig, arch).is_none();
    if health.problems.is_empty() || beyond_help {
        health.install = None;
    }
    health
}

fn try_out(
    toolchain: &Toolchain,
    health: &mut ToolchainHealth,
    environment: &Environment,
    log: &mut Log,
) {
    health.version = Some(toolchain.version.clone());
    match smoke::compiles(toolchain, environment) {
        Ok(()) => health.works = true,
        Err(problem) => {
            health.problems.push(problem);
            return;
        }
    }
    if let Err(problem) = smoke::has_library_headers(toolchain, environment) {
        health.problems.push(format!("no headers of a C library: {problem}"));
    }
    for name in ["libgcc", "libm", "libc", "libstdc++"] {
        match find_library(toolchain, name, environment, log) {
            Ok(Library::Files(_) | Library::Built(_)) => health.libraries.push(name.to_owned()),
            // C++ is a matter of its own, and many packages leave it out.
            Err(_) if name == "libstdc++" => {}
            Err(_) => health.problems.push(format!("no `{name}`")),
        }
    }
}

fn examine_mpy_cross(abi: Abi, environment: &Environment, log: &mut Log) -> ToolHealth {
    let found = find_mpy_cross(abi, environment, log).ok();
    let install = found.is_none().then(|| "anymod toolchain install mpy-cross".to_owned());
    ToolHealth {
        name: "mpy-cross".to_owned(),
        purpose: format!("Python sources for MicroPython {}", abi.releases()),
        works: found.is_some(),
        version: found.as_ref().map(|tool| tool.version.clone()),
        path: found.map(|tool| tool.program),
        install,
    }
}
