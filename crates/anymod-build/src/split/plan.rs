//! `split plan`: what goes where, what the host has to export, and why.
//!
//! Everything is found in the bytes of objects and archives, before anything is linked: which members of a library a module
//! pulls in, what those need, and who has it.

mod choose;
mod closure;
mod namespace;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anymod_link::host::archive::Kind;
use anymod_link::host::inspect::listed;
use anymod_link::host::library::{Library, Merged};
use anymod_link::host::{Machine, image};
use anymod_model::codes::split as codes;
use anymod_model::event::Finding;
use anymod_model::manifest::{Export, SplitLinker, SplitModule, SplitSettings, Tier};
use anymod_model::{Diagnostic, Diagnostics};
use serde::Serialize;

use super::files::{self, Loaded};
use super::{parallel, search};
use crate::environment::Environment;
use crate::project::read_manifest;
use choose::Chosen;
use closure::Parts;
pub use namespace::Renamed;

/// Which split, and what the command line says otherwise than the manifest.
#[derive(Clone, Debug, Default)]
pub struct PlanRequest {
    /// The manifest, or a directory that holds one or is below one.
    pub manifest: PathBuf,
    /// The tier of all modules.
    pub tier: Option<Tier>,
    /// Groups that move; all if empty.
    pub groups: Vec<String>,
    /// The tier of the modules of other groups.
    pub others: Option<Tier>,
    /// What the host takes in.
    pub export: Option<Export>,
    /// The linker.
    pub linker: Option<SplitLinker>,
    /// What the names of exported libraries' symbols begin with.
    pub namespace: Option<String>,
    /// Give the host's exports a version, whatever the manifest says.
    pub version_script: bool,
    /// Where outputs go.
    pub directory: Option<PathBuf>,
    /// The environment.
    pub environment: Environment,
}

/// A plan.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SplitPlan {
    /// The linker's name.
    pub linker: &'static str,
    /// `needed` or `whole`.
    pub export: &'static str,
    /// How many modules are files of their own.
    pub moved: usize,
    /// The modules.
    pub modules: Vec<PlannedModule>,
    /// The libraries.
    pub libraries: Vec<PlannedLibrary>,
    /// What the host exports for modules, sorted; with `whole` besides everything else.
    pub exports: Vec<String>,
    /// Findings as JSON.
    pub findings: Vec<Finding>,
    /// The findings themselves.
    #[serde(skip)]
    pub diagnostics: Vec<Diagnostic>,
    /// The links to be made.
    #[serde(skip)]
    pub links: Links,
}

/// A module of a plan.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlannedModule {
    /// Its name.
    pub name: String,
    /// The group that it moves with.
    pub group: Option<String>,
    /// How far it is split off.
    pub tier: &'static str,
    /// Libraries inside it.
    pub bundles: Vec<String>,
    /// Libraries that it uses in the host.
    pub uses: Vec<String>,
    /// How many symbols of the host it needs.
    pub needs: usize,
}

/// A library of a plan.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlannedLibrary {
    /// Its name.
    pub name: String,
    /// Where it goes: `host`, `modules`, `both` or `nowhere`.
    pub place: &'static str,
    /// Why.
    pub because: String,
    /// How it can be linked.
    pub class: Option<&'static str>,
    /// Bytes that can change.
    pub state: u64,
}

/// The links of a plan. Paths are absolute.
#[derive(Clone, Debug, Default)]
pub struct Links {
    /// Where outputs go.
    pub directory: PathBuf,
    /// The project's directory.
    pub root: PathBuf,
    /// The compiler driver.
    pub compiler: String,
    /// The host.
    pub host: Link,
    /// Whether what it takes in of its exported libraries is all.
    pub whole: bool,
    /// Whether its exports get a version.
    pub version_script: bool,
    /// Files that are linked with other names in them.
    pub renamed: Vec<Renamed>,
    /// Libraries of the host that modules use, as archives.
    pub exported: Vec<PathBuf>,
    /// Modules of their own.
    pub modules: Vec<Link>,
    /// Lines of `Setup.local`: the word that they are under, and the line.
    pub setup: Vec<(&'static str, String)>,
    /// What configure scripts are told: a variable and its value.
    pub variables: Vec<(String, String)>,
}

/// One link.
#[derive(Clone, Debug, Default)]
pub struct Link {
    /// Name of the output.
    pub file: String,
    /// Objects, in order.
    pub objects: Vec<PathBuf>,
    /// Archives, in order.
    pub archives: Vec<PathBuf>,
    /// Further arguments.
    pub flags: Vec<String>,
    /// The function that it has to export.
    pub init: Option<String>,
}

/// Everything that a plan is made of.
struct Inputs<'p> {
    settings: &'p SplitSettings,
    /// The tier of each module.
    tiers: Vec<Tier>,
    /// The libraries by name.
    libraries: BTreeMap<&'p str, &'p Library<'p>>,
    /// The host's own objects and archives.
    host: Vec<&'p Library<'p>>,
    /// The objects of each module.
    modules: Vec<Vec<&'p Library<'p>>>,
    /// Names that shared libraries of the system have.
    system: BTreeSet<String>,
}

/// Makes a plan. Findings are in it.
///
/// # Errors
/// What is wrong with the manifest, `B0002` if a file cannot be read, `H0001` if one is damaged.
pub fn plan(request: &PlanRequest) -> Result<SplitPlan, Diagnostics> {
    let (root, manifest) = read_manifest(&request.manifest)?;
    let lookup = |name: &str| request.environment.get(name).map(str::to_owned);
    let settings = manifest.split(&lookup)?;
    let tiers: Vec<Tier> = settings.modules.iter().map(|module| tier(module, request)).collect();
    let path = |text: &str| root.join(text);
    let mut paths: Vec<PathBuf> = settings.objects.iter().map(|o| path(&o.value)).collect();
    let host = paths.len();
    paths.extend(settings.library.values().map(|library| path(&library.archive.value)));
    let start = paths.len();
    paths.extend(settings.modules.iter().flat_map(|m| &m.objects).map(|o| path(&o.value)));
    let loaded = files::load_all(&paths)?;
    let read = parallel::map(&loaded, Loaded::library);
    let read: Vec<Library<'_>> = read.into_iter().collect::<Result<_, _>>()?;
    let machine =
        read.iter().flat_map(Library::objects).next().map(|(_, _, object)| object.machine);
    let mut rest = read.get(start..).unwrap_or_default().iter();
    let inputs = Inputs {
        tiers,
        libraries: settings
            .library
            .keys()
            .map(String::as_str)
            .zip(read.get(host..).unwrap_or_default())
            .collect(),
        host: read.get(..host).unwrap_or_default().iter().collect(),
        modules: settings
            .modules
            .iter()
            .map(|m| rest.by_ref().take(m.objects.len()).collect())
            .collect(),
        system: system(machine.unwrap_or_default(), &settings)?,
        settings: &settings,
    };
    let mut plan = make(&inputs, request, &root);
    plan.findings = plan.diagnostics.iter().map(Finding::from).collect();
    Ok(plan)
}

fn tier(module: &SplitModule, request: &PlanRequest) -> Tier {
    let moves = request.groups.is_empty()
        || module.group.as_ref().is_some_and(|group| request.groups.contains(group));
    match (moves, request.tier) {
        (true, Some(tier)) => tier,
        (true, None) => module.tier,
        (false, _) => request.others.unwrap_or(Tier::Static),
    }
}

/// The names that shared libraries have which are there without being asked for, or that arguments of a link name.
fn system(machine: Machine, settings: &SplitSettings) -> Result<BTreeSet<String>, Diagnostic> {
    let directories = search::directories(machine);
    let mut paths = search::runtime(machine);
    let flags = settings.modules.iter().flat_map(|module| &module.ldflags);
    for flag in settings.ldflags.iter().chain(flags) {
        if let Some(name) = flag.strip_prefix("-l") {
            paths.extend(search::find(&format!("lib{name}.so"), &directories));
        } else if flag.contains(".so") {
            paths.push(PathBuf::from(flag));
        }
    }
    paths.retain(|path| path.is_file());
    let loaded = files::load_all(&paths)?;
    let mut names = BTreeSet::new();
    for file in loaded.iter().filter(|file| file.kind() == Kind::Image) {
        let image = image::read(&file.bytes).map_err(|fault| fault.finding(&file.name, None))?;
        names.extend(image.exports.iter().map(|export| export.name.to_owned()));
    }
    for file in loaded.iter().filter(|file| file.kind() == Kind::Archive) {
        let library = file.library()?;
        names
            .extend(library.symbols().iter().filter(|s| s.is_defined()).map(|s| s.name.to_owned()));
    }
    Ok(names)
}

fn make(inputs: &Inputs<'_>, request: &PlanRequest, root: &Path) -> SplitPlan {
    let settings = inputs.settings;
    let export = request.export.unwrap_or(settings.export);
    let linker = request.linker.unwrap_or(settings.linker);
    let mut plan =
        SplitPlan { linker: linker.name(), export: export.name(), ..SplitPlan::default() };
    let chosen = choose::places(inputs, &mut plan);
    let defined = closure::in_host(inputs, &chosen);
    let mut exports = BTreeSet::new();
    for (number, module) in settings.modules.iter().enumerate() {
        let tier = inputs.tiers.get(number).copied().unwrap_or(Tier::Static);
        let (bundles, uses): (Vec<&str>, Vec<&str>) = module
            .libraries
            .iter()
            .map(|name| name.value.as_str())
            .partition(|name| chosen.is_in_module(name, number));
        let mut needs = Vec::new();
        if tier != Tier::Static {
            plan.moved += 1;
            let parts = Parts {
                objects: inputs.modules.get(number).map_or(&[][..], Vec::as_slice),
                archives: bundles.iter().filter_map(|n| inputs.libraries.get(n).copied()).collect(),
            };
            let (wanted, missing) = needed(&parts, &defined, inputs);
            plan.diagnostics.extend(lacks(module, &missing, inputs));
            needs = wanted;
        }
        plan.modules.push(PlannedModule {
            name: module.name.value.clone(),
            group: module.group.clone(),
            tier: tier.name(),
            bundles: bundles.iter().map(|name| (*name).to_owned()).collect(),
            uses: uses.iter().map(|name| (*name).to_owned()).collect(),
            needs: needs.len(),
        });
        exports.extend(needs);
    }
    // The host's own archives may still hold modules that move.
    let moved =
        settings.modules.iter().zip(&inputs.tiers).filter(|(_, tier)| **tier != Tier::Static);
    let moved: BTreeSet<&str> = moved.filter_map(|(module, _)| module.init.as_deref()).collect();
    for wish in &settings.exports {
        let matching =
            defined.iter().filter(|name| glob(&wish.value, name) && !moved.contains(**name));
        let before = exports.len();
        let matched: Vec<&str> = matching.copied().collect();
        exports.extend(matched.iter().map(|name| (*name).to_owned()));
        if matched.is_empty() && exports.len() == before {
            let message = format!("nothing that the host defines matches `{}`", wish.value);
            let finding = Diagnostic::error(&codes::UNMATCHED, message).at(settings.place(wish));
            plan.diagnostics.push(finding.hint("look for a slip, or take the entry out"));
        }
    }
    plan.exports = exports.into_iter().collect();
    plan.links = links(inputs, &chosen, export, request, root);
    if let Some(prefix) = request.namespace.as_ref().or(settings.namespace.as_ref()) {
        namespace::apply(prefix, inputs, &chosen, &mut plan);
    }
    plan
}

/// What is to be said of symbols that a module needs and nothing provides.
fn lacks(module: &SplitModule, missing: &[String], inputs: &Inputs<'_>) -> Option<Diagnostic> {
    if missing.is_empty() {
        return None;
    }
    let names: Vec<&str> = missing.iter().map(String::as_str).collect();
    let message = format!("nothing provides {}", listed(&names));
    let finding = Diagnostic::error(&codes::UNRESOLVED, message);
    let finding = finding.at(inputs.settings.place(&module.name));
    let is_hidden = |name: &&str| {
        let mut symbols = inputs.host.iter().filter_map(|library| library.symbol(name));
        symbols.any(Merged::is_defined)
    };
    let hidden: Vec<&str> = names.iter().copied().filter(is_hidden).collect();
    if hidden.is_empty() {
        return Some(finding.hint(
            "add the library that has them to the module's `libraries`, or its shared one to `ldflags`",
        ));
    }
    let note = format!("the host has {} and hides it from modules", listed(&hidden));
    Some(finding.note(note).hint(
        "the objects were compiled to be a part of the host: compile them as those of a module, as their own build does",
    ))
}

/// What a module needs from the host, and what nothing has.
fn needed(
    parts: &Parts<'_, '_>,
    defined: &BTreeSet<&str>,
    inputs: &Inputs<'_>,
) -> (Vec<String>, Vec<String>) {
    let (mut wanted, mut missing) = (Vec::new(), Vec::new());
    for name in closure::undefined(parts) {
        if defined.contains(name) {
            wanted.push(name.to_owned());
        } else if !inputs.system.contains(name) && !anymod_link::host::inspect::is_of_linkers(name)
        {
            missing.push(name.to_owned());
        }
    }
    (wanted, missing)
}

/// Whether a name fits a pattern in which `*` stands for anything.
fn glob(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut tail) = name.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = tail.find(part) else { return false };
        tail = tail.get(at + part.len()..).unwrap_or_default();
    }
    tail.ends_with(last)
}

fn links(
    inputs: &Inputs<'_>,
    chosen: &Chosen,
    export: Export,
    request: &PlanRequest,
    root: &Path,
) -> Links {
    let settings = inputs.settings;
    let path = |text: &str| root.join(text);
    let archive = |name: &str| settings.library.get(name).map(|l| path(&l.archive.value));
    let flags_of = |name: &str| settings.library.get(name).map_or(&[][..], |l| &l.ldflags);
    let mut links = Links {
        directory: request.directory.clone().unwrap_or_else(|| path(&settings.directory)),
        root: root.to_owned(),
        compiler: settings.compiler.clone(),
        whole: export == Export::Whole,
        version_script: settings.version_script || request.version_script,
        ..Links::default()
    };
    let mut host =
        Link { file: settings.host.clone(), flags: settings.ldflags.clone(), ..Link::default() };
    // Archives after all objects, among them those of modules that stay, which the host's own archives may hold as well.
    for (object, library) in settings.objects.iter().zip(&inputs.host) {
        let is_object = library.kind == Kind::Object;
        let list = if is_object { &mut host.objects } else { &mut host.archives };
        list.push(path(&object.value));
    }
    for (number, module) in settings.modules.iter().enumerate() {
        let objects = module.objects.iter().map(|object| path(&object.value));
        let is_static = inputs.tiers.get(number) == Some(&Tier::Static);
        if let Some(line) = &module.setup {
            links.setup.push((if is_static { "*static*" } else { "*shared*" }, line.clone()));
        }
        if is_static {
            host.objects.extend(objects);
            host.flags.extend(module.ldflags.iter().cloned());
            continue;
        }
        let bundled: Vec<&str> = module
            .libraries
            .iter()
            .map(|name| name.value.as_str())
            .filter(|name| chosen.is_in_module(name, number))
            .collect();
        let mut flags = module.ldflags.clone();
        flags.extend(bundled.iter().flat_map(|name| flags_of(name)).cloned());
        links.modules.push(Link {
            file: module.file.clone(),
            objects: objects.collect(),
            archives: bundled.iter().filter_map(|name| archive(name)).collect(),
            flags,
            init: module.init.clone(),
        });
    }
    for name in chosen.host() {
        host.archives.extend(archive(name));
        host.flags.extend(flags_of(name).iter().cloned());
    }
    links.exported = chosen.exported().filter_map(archive).collect();
    for (name, library) in &settings.library {
        if let Some(variable) = &library.variable {
            // A module whose library is in the host is linked without it.
            let text =
                if chosen.is_in_host(name) { String::new() } else { library.archive.value.clone() };
            links.variables.push((format!("{variable}_LIBS"), text));
        }
    }
    links.host = host;
    links
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn stars_stand_for_anything() {
        assert!(glob("Py*", "PyList_New") && glob("*", "x") && glob("a*c*e", "abcde"));
        assert!(glob("exact", "exact") && !glob("exact", "exactly") && !glob("Py*", "_Py"));
        assert!(!glob("a*bc", "abd"));
    }
}
