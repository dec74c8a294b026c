//! The second stage: from a manifest and what is on disk to actions.
//!
//! A plan is data. Making it reads directories and asks compilers what they are (through the log, so that an answer
//! known from before starts no process), and changes nothing.

pub(crate) mod archive;
mod compile;
mod micropython;
mod module;
mod node;
mod python;

pub(crate) use compile::standard;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use anymod_model::codes::{build as codes, manifest as manifest_codes};
use anymod_model::manifest::{Manifest, ToolchainKind};
use anymod_model::stamp::Stamp;
use anymod_model::{Abi, Arch, Diagnostic, Diagnostics, Platform, Severity, Target};

use anymod_model::target::glob_matches;

use crate::action::Action;
use crate::archives::LibraryOverride;
use crate::environment::{Environment, SOURCE_DATE_EPOCH};
use crate::glob::Globber;
use crate::log::Log;
use crate::stat::Stat;
use crate::toolchain::{self, ArchiveTools, Choice, MpyCross, PythonTools, Toolchain};
use anymod_store::Digest;

/// Directory of everything that a build keeps for itself, relative to the project.
pub(crate) const BUILD_DIR: &str = "build";
/// Directory of finished modules, relative to the project.
pub(crate) const DIST_DIR: &str = "dist";

/// True for paths that anymod itself writes.
pub(crate) fn is_generated(path: &str) -> bool {
    path.strip_prefix(BUILD_DIR).is_some_and(|rest| rest.starts_with('/'))
}

/// What to build.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// Modules by name; all if empty.
    pub(crate) modules: Vec<String>,
    /// Target names and patterns; each module's own if empty.
    pub(crate) targets: Vec<String>,
    /// Build types; the manifest's default if none.
    pub(crate) build_types: Vec<String>,
    /// Variants of addons by name, or `all`.
    pub(crate) variants: Vec<String>,
    /// The family of compilers asked for.
    pub(crate) toolchain: Option<ToolchainKind>,
    /// What replaces the manifest's word on libraries.
    pub(crate) libraries: Vec<LibraryOverride>,
    /// Modules may name paths outside the project.
    pub(crate) allow_outside: bool,
    /// Of all that, only these; everything if none.
    pub(crate) only: Option<BTreeSet<Job>>,
}

/// A module, a target and a build type.
pub(crate) type Job = (String, Target, String);

/// What has to be done.
#[derive(Debug)]
pub(crate) struct Plan {
    /// In an order in which each action comes after those that make its inputs.
    pub(crate) actions: Vec<Action>,
    /// The modules, in manifest order, each for its targets in table order.
    pub(crate) products: Vec<Product>,
    /// Why some modules are not among them: nothing on this machine builds for their targets.
    pub(crate) findings: Vec<Diagnostic>,
    /// Directories that patterns were matched in, with their stats from before.
    pub(crate) listed: Vec<(String, Option<Stat>)>,
}

/// A module for a target.
#[derive(Clone, Debug)]
pub(crate) struct Product {
    /// Name of the module.
    pub(crate) module: String,
    /// What it is for.
    pub(crate) target: Target,
    /// How it is built.
    pub(crate) build_type: String,
    /// The finished file in the build directory.
    pub(crate) built: String,
    /// Its place for the user.
    pub(crate) installed: String,
    /// The linker's account of sizes; none if nothing was linked.
    pub(crate) sizes: Option<String>,
    /// True for what several targets of the module have.
    pub(crate) shared: bool,
    /// The actions that were planned for it, by index; what it shares with an earlier one is not among them.
    pub(crate) actions: Range<usize>,
}

/// What planning works with.
pub(crate) struct Planner<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) root: &'a Path,
    pub(crate) environment: &'a Environment,
    pub(crate) log: &'a mut Log,
    globber: Globber,
    forced: Option<ToolchainKind>,
    /// Variants of addons by name, or `all`.
    variants: Vec<String>,
    toolchains: BTreeMap<Target, Result<Toolchain, Diagnostics>>,
    pythons: BTreeMap<Target, Result<PythonTools, Diagnostics>>,
    mpy_crosses: BTreeMap<Abi, Result<MpyCross, Diagnostic>>,
    compilers: archive::Compilers,
    overrides: &'a [LibraryOverride],
    outside_allowed: bool,
    /// Libraries that modules have to fit.
    pairings: Vec<archive::Pairing>,
    /// Stamps of planned archives, by path.
    stamps: BTreeMap<String, Stamp>,
    /// Digest of this program: the tool of everything done inside it.
    own: Digest,
    actions: Vec<Action>,
    /// What the shared ones among them make.
    shared: BTreeSet<String>,
}

/// Makes the plan.
///
/// # Errors
/// Everything that is wrong with the selection and the manifest's patterns, at once. A toolchain that is missing is an
/// error only if nothing else is left to build.
pub(crate) fn plan(
    manifest: &Manifest,
    root: &Path,
    selection: &Selection,
    environment: &Environment,
    log: &mut Log,
) -> Result<Plan, Diagnostics> {
    let mut jobs = select(manifest, selection)?;
    if let Some(only) = &selection.only {
        jobs.retain(|job| only.contains(job));
    }
    let mut planner = Planner::new(manifest, root, selection, environment, log)?;
    let mut products = Vec::new();
    let mut placed = BTreeSet::new();
    let mut findings: Vec<Diagnostic> = Vec::new();
    let mut passed_over: Vec<Diagnostic> = Vec::new();
    for (module, target, build_type) in jobs {
        let planned = planner.actions.len();
        match planner.module(&module, target, &build_type) {
            Ok(made) => {
                let actions = planned..planner.actions.len();
                // What an addon's targets share is made for the first of them.
                let made = made
                    .into_iter()
                    .filter(|product| !product.shared || placed.insert(product.installed.clone()));
                products
                    .extend(made.map(|product| Product { actions: actions.clone(), ..product }));
            }
            Err(errors) => {
                for action in planner.actions.drain(planned..) {
                    planner.shared.remove(action.name());
                }
                // One mistake is often made for every target; once is enough.
                let unasked = !selection.modules.contains(&module);
                sort_out(errors, unasked, &mut findings, &mut passed_over);
            }
        }
    }
    findings.extend(planner.compare_stamps());
    findings.extend(same_file(manifest, &products));
    findings.extend(told(passed_over, products.is_empty() || !findings.is_empty()));
    let errors = || findings.iter().filter(|finding| finding.severity == Severity::Error);
    let fatal = errors().any(|finding| finding.code.exit != MISSING_TOOLS);
    if fatal || (products.is_empty() && !findings.is_empty()) {
        return Err(Diagnostics(findings));
    }
    let listed = planner.globber.listed();
    Ok(Plan { actions: planner.actions, products, findings, listed })
}

/// Makes the plan of the addon that unpacks what is embedded with a module; with it, the finished file.
///
/// # Errors
/// What is wrong with the module, and the compiler that is missing.
pub(crate) fn unpacker(
    manifest: &Manifest,
    root: &Path,
    module: &str,
    platform: Platform,
    environment: &Environment,
    log: &mut Log,
) -> Result<(Plan, String), Diagnostics> {
    let selection = Selection::default();
    let mut planner = Planner::new(manifest, root, &selection, environment, log)?;
    let built = planner.unpacker(module, platform)?;
    let Planner { actions, .. } = planner;
    Ok((Plan { actions, products: Vec::new(), findings: Vec::new(), listed: Vec::new() }, built))
}

/// Sorts what is wrong with a module: that it says itself that it has no build is no error if nobody asked for it by name.
fn sort_out(
    errors: Diagnostics,
    unasked: bool,
    findings: &mut Vec<Diagnostic>,
    passed_over: &mut Vec<Diagnostic>,
) {
    for error in errors.0 {
        let unsupported = error.code == &manifest_codes::UNSUPPORTED_MODULE;
        let kept = if unsupported && unasked { &mut *passed_over } else { &mut *findings };
        // One mistake is often made for every target; once is enough.
        if !kept.contains(&error) {
            kept.push(error);
        }
    }
}

/// Modules that were passed over: worth knowing if others are built, else the reason why nothing is.
fn told(passed_over: Vec<Diagnostic>, errors: bool) -> impl Iterator<Item = Diagnostic> {
    let severity = if errors { Severity::Error } else { Severity::Warning };
    passed_over.into_iter().map(move |finding| Diagnostic { severity, ..finding })
}

/// Reports modules whose products would be one file.
fn same_file(manifest: &Manifest, products: &[Product]) -> Vec<Diagnostic> {
    let mut places: BTreeMap<&str, &Product> = BTreeMap::new();
    let mut findings = Vec::new();
    for product in products {
        let Some(other) = places.insert(&product.installed, product) else { continue };
        let finding = if other.module == product.module {
            let message = format!(
                "build types `{}` and `{}` of `{}` both make `{}`",
                other.build_type, product.build_type, product.module, product.installed
            );
            Diagnostic::error(&codes::SAME_FILE, message)
                .hint("choose one build type for targets whose modules are installed into `dist/`")
        } else {
            let message = format!(
                "modules `{}` and `{}` both make `{}`",
                other.module, product.module, product.installed
            );
            Diagnostic::error(&codes::SAME_FILE, message)
                .hint("give each a `distribution` of its own in its section for the runtime")
        };
        findings.push(match manifest.module_place(&product.module) {
            Some(place) => finding.at(place),
            None => finding,
        });
    }
    findings
}

/// Exit code of findings about what is not installed; the rest of a build goes on without.
const MISSING_TOOLS: u8 = 3;

/// The modules and targets that a selection means, in manifest and table order.
///
/// A target named in full is built for every chosen module; a pattern chooses among the targets that each module has.
fn select(manifest: &Manifest, selection: &Selection) -> Result<Vec<Job>, Diagnostics> {
    let mut findings = Vec::new();
    let build_types = match selection.build_types.as_slice() {
        [] => vec![manifest.default_build_type().to_owned()],
        chosen => chosen.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect(),
    };
    let all: Vec<&str> = manifest.modules().collect();
    for name in &selection.modules {
        if !all.contains(&name.as_str()) {
            let hint = format!("the manifest has `{}`", all.join("`, `"));
            let message = format!("there is no module `{name}`");
            findings.push(Diagnostic::error(&codes::UNKNOWN_MODULE, message).hint(hint));
        }
    }
    for pattern in &selection.targets {
        let is_declared = |target: &Target| glob_matches(pattern, &target.to_string());
        let declared = || all.iter().any(|module| manifest.targets(module).iter().any(is_declared));
        if Target::matching(pattern).is_empty() && !declared() {
            let message = format!("no target is called `{pattern}`");
            let hint = "run `anymod targets` for their names";
            findings.push(Diagnostic::error(&codes::UNKNOWN_TARGET, message).hint(hint));
        }
    }
    let chosen = |name: &&str| {
        selection.modules.is_empty() || selection.modules.iter().any(|module| module == name)
    };
    let mut jobs = Vec::new();
    for module in all.into_iter().filter(chosen) {
        let declared = manifest.targets(module);
        let wanted = |target: &Target| {
            if selection.targets.is_empty() {
                return declared.contains(target);
            }
            selection.targets.iter().any(|pattern| {
                let named = Target::parse(pattern) == Some(*target);
                named || (declared.contains(target) && glob_matches(pattern, &target.to_string()))
            })
        };
        let named = selection.targets.iter().filter_map(|pattern| Target::parse(pattern));
        let known: BTreeSet<Target> = declared.iter().copied().chain(named).collect();
        for target in known.into_iter().filter(wanted) {
            let job = |build_type: &String| (module.to_owned(), target, build_type.clone());
            jobs.extend(build_types.iter().map(job));
        }
    }
    if manifest.modules().next().is_none() {
        let message = "the manifest has artifacts and no module to build";
        let finding = Diagnostic::error(&codes::NOTHING_TO_BUILD, message);
        let hint =
            "`anymod cache populate` puts artifacts in place; `[module.NAME]` describes a module";
        findings.push(finding.hint(hint));
    } else if jobs.is_empty() && findings.is_empty() {
        let finding = Diagnostic::error(&codes::NOTHING_TO_BUILD, "no target is chosen");
        let hint = "name one with `--target`, or list some in the manifest's `targets`; `anymod targets` shows them all";
        findings.push(finding.hint(hint));
    }
    if findings.is_empty() { Ok(jobs) } else { Err(Diagnostics(findings)) }
}

/// Digest of the running program, which does part of the work itself.
fn own_digest(log: &mut Log) -> Result<Digest, Diagnostic> {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("anymod"));
    let digest = log.digest(&program.to_string_lossy());
    // A program that was replaced while it runs cannot be read; its version still says something.
    Ok(digest.unwrap_or_else(|| Digest::of(env!("CARGO_PKG_VERSION").as_bytes())))
}

impl<'a> Planner<'a> {
    fn new(
        manifest: &'a Manifest,
        root: &'a Path,
        selection: &'a Selection,
        environment: &'a Environment,
        log: &'a mut Log,
    ) -> Result<Planner<'a>, Diagnostic> {
        let own = own_digest(log)?;
        Ok(Planner {
            manifest,
            root,
            environment,
            log,
            globber: Globber::new(root, &[BUILD_DIR, DIST_DIR]),
            forced: selection.toolchain,
            variants: selection.variants.clone(),
            toolchains: BTreeMap::new(),
            pythons: BTreeMap::new(),
            mpy_crosses: BTreeMap::new(),
            compilers: BTreeMap::new(),
            overrides: &selection.libraries,
            outside_allowed: selection.allow_outside,
            pairings: Vec::new(),
            stamps: BTreeMap::new(),
            own,
            actions: Vec::new(),
            shared: BTreeSet::new(),
        })
    }
}

impl Planner<'_> {
    /// The compiler for a target.
    pub(crate) fn toolchain(
        &mut self,
        target: Target,
        arch: Arch,
    ) -> Result<Toolchain, Diagnostics> {
        if let Some(known) = self.toolchains.get(&target) {
            return known.clone();
        }
        let choice = self.choice(target);
        let find = |choice| Ok(toolchain::find(arch, &choice, self.environment, self.log)?);
        let found = choice.and_then(find);
        self.toolchains.insert(target, found.clone());
        found
    }

    /// The compilers of a target whose modules are archives.
    fn archive_tools(&mut self, target: Target) -> Result<ArchiveTools, Diagnostics> {
        if let Some(known) = self.compilers.get(&target) {
            return known.clone();
        }
        let choice = self.choice(target);
        let environment = self.environment;
        let find = |choice| Ok(toolchain::find_archive_tools(target, &choice, environment)?);
        let found = choice.and_then(find);
        self.compilers.insert(target, found.clone());
        found
    }

    /// The tools for a target that is a Python.
    pub(crate) fn python_tools(&mut self, target: Target) -> Result<PythonTools, Diagnostics> {
        if let Some(known) = self.pythons.get(&target) {
            return known.clone();
        }
        let choice = self.choice(target);
        let find =
            |choice| Ok(toolchain::find_python(target, &choice, self.environment, self.log)?);
        let found = choice.and_then(find);
        self.pythons.insert(target, found.clone());
        found
    }

    fn choice(&mut self, target: Target) -> Result<Choice, Diagnostics> {
        let environment = self.environment;
        let lookup = |name: &str| environment.get(name).map(str::to_owned);
        Ok(Choice {
            forced: self.forced,
            manifest: self.manifest.toolchain(target, &lookup)?,
            file: self.manifest.file().to_owned(),
            root: self.root.to_owned(),
        })
    }

    /// The compiler of Python sources for an ABI.
    pub(crate) fn mpy_cross(&mut self, abi: Abi) -> Result<MpyCross, Diagnostic> {
        if let Some(known) = self.mpy_crosses.get(&abi) {
            return known.clone();
        }
        let found = toolchain::find_mpy_cross(abi, self.environment, self.log);
        self.mpy_crosses.insert(abi, found.clone());
        found
    }

    /// Adds an action unless another module has added it already.
    pub(crate) fn add(&mut self, action: Action) {
        if action.module.is_some() || self.shared.insert(action.name().to_owned()) {
            self.actions.push(action);
        }
    }

    /// The variables that reach a tool's output.
    pub(crate) fn tool_environment(&self) -> BTreeMap<String, String> {
        let date = (SOURCE_DATE_EPOCH.to_owned(), self.environment.source_date_epoch());
        // Some tools cannot start without; it may give a compiler other libraries to work with.
        let name = "LD_LIBRARY_PATH".to_owned();
        let libraries = self.environment.get(&name).map(|value| (name, value.to_owned()));
        std::iter::once(date).chain(libraries).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(modules: &[&str], targets: &[&str]) -> Result<Vec<String>, Diagnostics> {
        let text = "[project]\ntargets = [\"micropython-x64\", \"micropython-x86\"]\n[module.a]\nsources = [\"a.c\"]\n\
                    [module.b]\nsources = [\"b.c\"]\ntargets = [\"*-armv7m\"]\n";
        let manifest = anymod_model::manifest::parse(text, "anymod.toml")?;
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let selection =
            Selection { modules: owned(modules), targets: owned(targets), ..Selection::default() };
        let jobs = select(&manifest, &selection)?;
        Ok(jobs
            .into_iter()
            .map(|(module, target, _)| format!("{module}/{}", target.kind()))
            .collect())
    }

    #[test]
    fn a_full_name_adds_a_target_and_a_pattern_chooses() {
        assert_eq!(chosen(&[], &[]).unwrap(), ["a/x86", "a/x64", "b/armv7m"]);
        assert_eq!(chosen(&["b"], &[]).unwrap(), ["b/armv7m"]);
        assert_eq!(chosen(&[], &["*-x*"]).unwrap(), ["a/x86", "a/x64"]);
        assert_eq!(chosen(&[], &["micropython-armv6m"]).unwrap(), ["a/armv6m", "b/armv6m"]);
        assert_eq!(chosen(&["a"], &["cpython-3.9", "*x64"]).unwrap(), ["a/x64", "a/3.9"]);
    }

    #[test]
    fn what_chooses_nothing_is_told() {
        let code = |result: Result<Vec<String>, Diagnostics>| result.unwrap_err().0[0].code.id;
        assert_eq!(code(chosen(&["c"], &[])), "B0008");
        assert_eq!(code(chosen(&[], &["*-z80"])), "B0009");
        assert_eq!(code(chosen(&["b"], &["*-x64"])), "B0010");
    }
}
