//! The second stage: from a manifest and what is on disk to actions.
//!
//! A plan is data. Making it reads directories and asks compilers what they are (through the log, so that an answer
//! known from before starts no process), and changes nothing.

mod compile;
mod micropython;
mod module;
mod node;
mod python;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use anymod_model::codes::build as codes;
use anymod_model::manifest::{Manifest, ToolchainKind};
use anymod_model::{Abi, Arch, Diagnostic, Diagnostics, Target};

use anymod_model::target::glob_matches;

use crate::action::Action;
use crate::environment::{Environment, SOURCE_DATE_EPOCH};
use crate::glob::Globber;
use crate::log::Log;
use crate::stat::Stat;
use crate::toolchain::{self, Choice, MpyCross, PythonTools, Toolchain};
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
    /// The build type; the manifest's default if none.
    pub(crate) build_type: Option<String>,
    /// Variants of addons by name, or `all`.
    pub(crate) variants: Vec<String>,
    /// The family of compilers asked for.
    pub(crate) toolchain: Option<ToolchainKind>,
    /// Of all that, only these modules for these targets; everything if none.
    pub(crate) only: Option<BTreeSet<(String, Target)>>,
}

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
    let build_type = selection.build_type.as_deref().unwrap_or(manifest.default_build_type());
    let own = own_digest(log)?;
    let mut planner = Planner {
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
        own,
        actions: Vec::new(),
        shared: BTreeSet::new(),
    };
    let mut products = Vec::new();
    let mut placed = BTreeSet::new();
    let mut findings: Vec<Diagnostic> = Vec::new();
    for (module, target) in jobs {
        let planned = planner.actions.len();
        match planner.module(&module, target, build_type) {
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
                let mut new = errors.0;
                new.retain(|error| !findings.contains(error));
                findings.extend(new);
            }
        }
    }
    findings.extend(same_file(manifest, &products));
    let fatal = findings.iter().any(|finding| finding.code.exit != MISSING_TOOLS);
    if fatal || (products.is_empty() && !findings.is_empty()) {
        return Err(Diagnostics(findings));
    }
    let listed = planner.globber.listed();
    Ok(Plan { actions: planner.actions, products, findings, listed })
}

/// Reports modules whose products would be one file.
fn same_file(manifest: &Manifest, products: &[Product]) -> Vec<Diagnostic> {
    let mut places: BTreeMap<&str, &Product> = BTreeMap::new();
    let mut findings = Vec::new();
    for product in products {
        let Some(other) = places.insert(&product.installed, product) else { continue };
        let message = format!(
            "modules `{}` and `{}` both make `{}`",
            other.module, product.module, product.installed
        );
        let finding = Diagnostic::error(&codes::SAME_FILE, message)
            .hint("give each a `distribution` of its own in its section for the runtime");
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
fn select(
    manifest: &Manifest,
    selection: &Selection,
) -> Result<Vec<(String, Target)>, Diagnostics> {
    let mut findings = Vec::new();
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
        jobs.extend(known.into_iter().filter(wanted).map(|target| (module.to_owned(), target)));
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
        Ok(jobs.into_iter().map(|(module, target)| format!("{module}/{}", target.kind())).collect())
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
