//! A build, from the request to the report: the stages in order.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anymod_model::codes::build as codes;
use anymod_model::event::{self, Event, Finding, Outcome, Totals};
use anymod_model::manifest::{self, Manifest};
use anymod_model::{Diagnostic, Diagnostics, Place, Target};

use crate::environment::Environment;
use crate::install;
use crate::log::Log;
use crate::plan::{self, BUILD_DIR, Plan, Product, Selection};
use crate::run::{self, Ran, Sink};
use crate::size::{ModuleSizes, REPORT_VERSION, SizeReport, SizeRow};
use crate::{headers, toolchain};

/// What to build and how.
#[derive(Clone, Debug)]
pub struct BuildRequest {
    /// The manifest, or a directory that holds one or is below one.
    pub manifest: PathBuf,
    /// Modules by name; all if empty.
    pub modules: Vec<String>,
    /// Target names, in which `*` stands for anything; each module's own targets if empty.
    pub targets: Vec<String>,
    /// The build type; the manifest's default if none.
    pub build_type: Option<String>,
    /// The family of compilers, `auto`, `gnu` or `zig`; what the environment and the manifest say if none.
    pub toolchain: Option<String>,
    /// How many actions run at once; as many as the machine has processors if none.
    pub jobs: Option<usize>,
    /// The environment.
    pub environment: Environment,
}

impl BuildRequest {
    /// A request for everything in a manifest.
    #[must_use]
    pub fn new(manifest: impl Into<PathBuf>, environment: Environment) -> BuildRequest {
        BuildRequest {
            manifest: manifest.into(),
            modules: Vec::new(),
            targets: Vec::new(),
            build_type: None,
            toolchain: None,
            jobs: None,
            environment,
        }
    }
}

/// What a build made.
#[derive(Clone, Debug)]
pub struct Report {
    /// The project's directory.
    pub root: PathBuf,
    /// Every module, in manifest order, each for its targets in table order.
    pub outputs: Vec<Output>,
    /// What the run came to.
    pub totals: Totals,
    /// Findings that do not stand in the way.
    pub warnings: Vec<Diagnostic>,
}

/// A finished module.
#[derive(Clone, Debug)]
pub struct Output {
    /// Name of the module.
    pub module: String,
    /// What it is for.
    pub target: Target,
    /// Its file, relative to the project's directory.
    pub path: String,
    /// False if the file was there with these bytes.
    pub changed: bool,
    /// What the linker counted; none for a module of Python alone.
    pub sizes: Option<ModuleSizes>,
}

/// Builds: manifest, plan, run (compile, link, merge), install, report.
///
/// # Errors
/// Everything found wrong, as far as it can be seen at once. Modules that do not depend on a failure are built and
/// installed all the same.
pub fn build(request: &BuildRequest, sink: Sink<'_>) -> Result<Report, Diagnostics> {
    let clock = Instant::now();
    let (root, manifest) = read_manifest(&request.manifest)?;
    let _lock = lock(&root, sink)?;
    let mut log = Log::open(&root.join(BUILD_DIR).join(".anymod-log"), &root);
    let plan = plan::plan(&manifest, &root, &selection(request)?, &request.environment, &mut log);
    // What compilers said of themselves is worth keeping even if nothing is run.
    log.flush()?;
    let plan = plan?;
    started(&plan, sink);
    tell(&plan.findings, sink);
    headers::write(&root)?;
    let jobs = request.jobs.unwrap_or_else(processors);
    let ran = run::run(&plan, &root, jobs, &request.environment, &mut log, sink)?;
    let (outputs, unwritten) = install_all(&plan, &ran, &root, &mut log, sink);
    log.close()?;
    report(root, outputs, ran, [plan.findings, unwritten].concat(), clock, sink)
}

/// Finds and reads the manifest, in a directory or above it; the project's directory is where it is.
///
/// # Errors
/// `B0006` if there is none, and what is wrong with it.
pub fn read_manifest(path: &Path) -> Result<(PathBuf, Manifest), Diagnostics> {
    // Without symbolic links, because compilers see the directory they run in by its real name.
    let absolute = path.canonicalize().map_err(|error| install::read_error(path, &error))?;
    let file = if absolute.is_dir() {
        let found = absolute
            .ancestors()
            .map(|dir| dir.join(manifest::FILE_NAME))
            .find(|file| file.is_file());
        found.ok_or_else(|| {
            let message = format!("there is no `{}` here or above", manifest::FILE_NAME);
            Diagnostic::error(&codes::NO_MANIFEST, message)
                .at(Place::file(path.display().to_string()))
                .hint("write one with `anymod init NAME`, or give its path with `--manifest`")
        })?
    } else {
        absolute
    };
    let shown = shown(&file);
    let bytes = install::read(&file).map_err(|finding| finding.at(Place::file(shown.clone())))?;
    let text = String::from_utf8(bytes).map_err(|_| {
        let finding = Diagnostic::error(&codes::READ, "the manifest is not UTF-8 text");
        finding.at(Place::file(shown.clone()))
    })?;
    let manifest = manifest::parse(&text, &shown)?;
    let root = file.parent().unwrap_or(Path::new("/")).to_owned();
    Ok((root, manifest))
}

/// A path as messages show it: from the current directory if it is below that.
fn shown(file: &Path) -> String {
    let current = std::env::current_dir().unwrap_or_default();
    file.strip_prefix(&current).unwrap_or(file).display().to_string()
}

/// Sizes of finished modules, from a report of their build.
///
/// # Errors
/// A module that cannot be read.
pub fn sizes(report: &Report) -> Result<SizeReport, Diagnostics> {
    let mut modules = Vec::new();
    for output in &report.outputs {
        let bytes = install::read(&report.root.join(&output.path))?;
        let sizes = ModuleSizes::complete(output.sizes, &bytes, &output.path)?;
        let target = output.target.to_string();
        modules.push(SizeRow { module: output.module.clone(), target, sizes });
    }
    modules.sort();
    Ok(SizeReport { version: REPORT_VERSION, modules })
}

fn selection(request: &BuildRequest) -> Result<Selection, Diagnostics> {
    Ok(Selection {
        modules: request.modules.clone(),
        targets: request.targets.clone(),
        build_type: request.build_type.clone(),
        toolchain: toolchain::forced_kind(request.toolchain.as_deref(), &request.environment)?,
    })
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Takes the build directory for this run, waiting for another. The lock ends with the process, however it ends.
fn lock(root: &Path, sink: Sink<'_>) -> Result<std::fs::File, Diagnostic> {
    let directory = root.join(BUILD_DIR);
    install::create_dir(&directory)?;
    let path = directory.join(".anymod-lock");
    let file = install::open_lock(&path)?;
    if file.try_lock().is_err() {
        sink(Event::Waiting { path: directory.display().to_string() });
        file.lock().map_err(|error| install::write_error(&path, &error))?;
    }
    Ok(file)
}

fn started(plan: &Plan, sink: Sink<'_>) {
    sink(Event::RunStarted {
        version: event::VERSION,
        anymod: env!("CARGO_PKG_VERSION").to_owned(),
        modules: plan.products.len(),
        actions: plan.actions.len(),
        stale: plan.actions.len(),
        jobs: processors(),
    });
}

fn tell(findings: &[Diagnostic], sink: Sink<'_>) {
    for finding in findings {
        sink(Event::Diagnostic(Finding::from(finding)));
    }
}

/// Installs what was built, and says what could not be.
fn install_all(
    plan: &Plan,
    ran: &Ran,
    root: &Path,
    log: &mut Log,
    sink: Sink<'_>,
) -> (Vec<Output>, Vec<Diagnostic>) {
    let (mut outputs, mut findings) = (Vec::new(), Vec::new());
    let directories =
        plan.products.iter().filter_map(|product| Path::new(&product.installed).parent());
    for directory in directories.collect::<BTreeSet<_>>() {
        install::clear_leftovers(&root.join(directory));
    }
    let done = |file: &str| {
        let makers = plan.actions.iter().zip(&ran.outcomes);
        let mut maker = makers.filter(|(action, _)| action.name() == file);
        maker
            .next()
            .is_some_and(|(_, outcome)| matches!(outcome, Some(Outcome::Fresh | Outcome::Ran)))
    };
    for product in plan.products.iter().filter(|product| done(&product.built)) {
        match install_one(product, root, log) {
            Ok(changed) => {
                sink(Event::Installed {
                    module: product.module.clone(),
                    target: product.target.to_string(),
                    path: product.installed.clone(),
                    changed,
                });
                let counted =
                    product.sizes.as_ref().and_then(|path| std::fs::read(root.join(path)).ok());
                outputs.push(Output {
                    module: product.module.clone(),
                    target: product.target,
                    path: product.installed.clone(),
                    changed,
                    sizes: counted.and_then(|json| ModuleSizes::from_json(&json)),
                });
            }
            Err(finding) => findings.push(finding),
        }
    }
    tell(&findings, sink);
    (outputs, findings)
}

/// Installs one module; true if that changed its file.
fn install_one(product: &Product, root: &Path, log: &mut Log) -> Result<bool, Diagnostic> {
    let built = log.digest(&product.built);
    if built.is_some() && log.digest(&product.installed) == built {
        return Ok(false);
    }
    let bytes = install::read(&root.join(&product.built))?;
    let changed = install::write_if_changed(&root.join(&product.installed), &bytes)?;
    let id = log.path_id(&product.installed);
    log.forget(id);
    log.now(id);
    Ok(changed)
}

/// Sums up, as the last event and as a value.
fn report(
    root: PathBuf,
    outputs: Vec<Output>,
    ran: Ran,
    others: Vec<Diagnostic>,
    clock: Instant,
    sink: Sink<'_>,
) -> Result<Report, Diagnostics> {
    let count = |outcome| ran.outcomes.iter().filter(|other| **other == outcome).count();
    let totals = Totals {
        ran: count(Some(Outcome::Ran)),
        hits: count(Some(Outcome::Hit)),
        fresh: count(Some(Outcome::Fresh)),
        failed: count(Some(Outcome::Failed)),
        skipped: count(None),
        installed: outputs.len(),
        changed: outputs.iter().filter(|output| output.changed).count(),
        milliseconds: u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    sink(Event::RunFinished(totals));
    let mut findings = ran.findings;
    findings.extend(others);
    if !findings.is_empty() {
        return Err(Diagnostics(findings));
    }
    Ok(Report { root, outputs, totals, warnings: ran.warnings })
}
