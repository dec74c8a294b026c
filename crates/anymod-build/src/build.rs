//! A build, from the request to the report: the stages in order.

use std::collections::BTreeSet;
use std::fs::TryLockError;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anymod_model::codes::build as codes;
use anymod_model::event::{self, Event, Finding, Outcome, Totals};
use anymod_model::manifest::{self, Manifest};
use anymod_model::{Diagnostic, Diagnostics, Place, Target};
use anymod_store::{Digest, Store};
use rustc_hash::FxHashMap;

use crate::cancel::Cancel;
use crate::check::{self, Status};
use crate::environment::Environment;
use crate::fence::Fence;
use crate::inspect::Recorder;
use crate::install;
use crate::jobs::Jobs;
use crate::locations::Locations;
use crate::log::Log;
use crate::plan::{self, BUILD_DIR, Plan, Product, Selection};
use crate::run::{self, Ran, Sink, Way};
use crate::size::{ModuleSizes, REPORT_VERSION, SizeReport, SizeRow};
use crate::snapshot::{self, Remembered};
use crate::work::{self, Made};
use crate::{compile_commands, headers, toolchain};

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
    /// How many actions run at once; as many as the machine has processors, or a jobserver allows, if none.
    pub jobs: Option<usize>,
    /// True to run what does not depend on a failure after one.
    pub keep_going: bool,
    /// The store that results are taken from and kept in; none to do without.
    pub store: Option<StoreRequest>,
    /// Tells the build to stop.
    pub cancel: Cancel,
    /// The environment.
    pub environment: Environment,
}

/// A store to use.
#[derive(Clone, Debug)]
pub struct StoreRequest {
    /// Its directory; the version of the layout comes below.
    pub directory: PathBuf,
    /// How it is used.
    pub options: anymod_store::Options,
}

impl StoreRequest {
    /// Opens it.
    ///
    /// # Errors
    /// If it cannot be a store's directory.
    pub fn open(&self) -> Result<Store, Diagnostic> {
        Store::open(&self.directory, self.options.clone())
    }
}

impl BuildRequest {
    /// A request for everything in a manifest, without a store.
    #[must_use]
    pub fn new(manifest: impl Into<PathBuf>, environment: Environment) -> BuildRequest {
        BuildRequest {
            manifest: manifest.into(),
            modules: Vec::new(),
            targets: Vec::new(),
            build_type: None,
            toolchain: None,
            jobs: None,
            keep_going: false,
            store: None,
            cancel: Cancel::default(),
            environment,
        }
    }

    /// What is asked for, as text: all that decides the plan besides files and environment.
    fn asked(&self, manifest: &Path) -> String {
        let BuildRequest { modules, targets, build_type, toolchain, .. } = self;
        let version = env!("CARGO_PKG_VERSION");
        format!("{version} {manifest:?} {modules:?} {targets:?} {build_type:?} {toolchain:?}")
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Name of the module.
    pub module: String,
    /// What it is for.
    pub target: Target,
    /// Its file, relative to the project's directory.
    pub path: String,
    /// False if the file was there with these bytes.
    pub changed: bool,
    /// The file with what the linker counted, relative to the project's directory; none for a module of Python alone.
    pub sizes: Option<String>,
}

/// Builds: manifest, plan, check, run (compile, link, merge; each through the store), install, report. If nothing has
/// changed since the last build, that is all there is to find out.
///
/// # Errors
/// Everything found wrong, as far as it can be seen at once.
pub fn build(request: &BuildRequest, sink: Sink<'_>) -> Result<Report, Diagnostics> {
    let clock = Instant::now();
    let project = Project::find(request)?;
    let _lock = project.lock(&request.cancel, sink)?;
    if let Some(remembered) = project.remembered() {
        return Ok(nothing_to_do(&project, remembered, clock, sink));
    }
    let mut recorder = Recorder::default();
    let sink: Sink<'_> = &mut |event| {
        recorder.event(&event);
        sink(event);
    };
    headers::write(&project.root, &project.fence)?;
    let manifest = project.manifest()?;
    let mut log = project.log();
    let plan =
        plan::plan(&manifest, &project.root, &selection(request)?, &project.environment, &mut log);
    // What compilers said of themselves is worth keeping even if nothing is run.
    log.flush()?;
    let plan = plan?;
    work::clear_leftovers(&project.root);
    compile_commands::write(&plan, &project.root, &mut log)?;
    let statuses = check::check(&plan.actions, &project.locations, &mut log);
    let jobs = Jobs::new(request.jobs, &project.environment);
    started(&plan, &statuses, &jobs, sink);
    let store = request.store.as_ref().map(StoreRequest::open).transpose()?;
    let way = Way {
        fence: &project.fence,
        root: &project.root,
        locations: &project.locations,
        environment: &project.environment,
        jobs: &jobs,
        keep_going: request.keep_going,
        cancel: &request.cancel,
        store: store.as_ref(),
        clock,
    };
    let ran = run::run(&plan, statuses, &way, &mut log, sink)?;
    let (outputs, unwritten) = install_all(&plan, &ran, &project, &mut log, sink);
    if ran.is_complete() && unwritten.is_empty() && plan.findings.is_empty() {
        project.remember(&outputs, &plan, &mut log);
    }
    log.close()?;
    let findings = [plan.findings.as_slice(), &unwritten].concat();
    let report = report(project.root.clone(), outputs, ran, findings, clock, sink);
    recorder.write(&project.root)?;
    // A hundred thousand pieces of memory; a command that ends now does not wait until they are given back.
    std::thread::spawn(move || drop(plan));
    report
}

/// Where a build takes place.
pub(crate) struct Project {
    /// The manifest's directory, without symbolic links.
    pub(crate) root: PathBuf,
    /// The manifest.
    file: PathBuf,
    /// What is asked for, as text.
    asked: String,
    pub(crate) environment: Environment,
    pub(crate) locations: Locations,
    fence: Fence,
}

/// How often to look whether another build has ended.
const LOOKS: Duration = Duration::from_millis(10);

/// Name in the build directory of what the last build left to be remembered.
const SNAPSHOT: &str = ".anymod-snapshot";

impl Project {
    pub(crate) fn find(request: &BuildRequest) -> Result<Project, Diagnostic> {
        let file = find_manifest(&request.manifest)?;
        let root = file.parent().unwrap_or(Path::new("/")).to_owned();
        let environment = request.environment.unasked();
        let locations = Locations::new(&root, &environment);
        let fence = Fence::new(&root, &environment);
        Ok(Project { asked: request.asked(&file), root, file, environment, locations, fence })
    }

    pub(crate) fn manifest(&self) -> Result<Manifest, Diagnostics> {
        parse_manifest(&self.file)
    }

    /// The log of earlier builds. It takes note that the manifest is read.
    pub(crate) fn log(&self) -> Log {
        let mut log = Log::open(&self.root.join(BUILD_DIR).join(".anymod-log"), &self.root);
        log.look_ahead();
        log.digest(&self.file.to_string_lossy());
        log
    }

    /// Takes the build directory for this run, waiting for another. The lock ends with the process, however it ends.
    fn lock(&self, cancel: &Cancel, sink: Sink<'_>) -> Result<std::fs::File, Diagnostic> {
        let path = self.root.join(BUILD_DIR).join(".anymod-lock");
        self.fence.make_way(&path)?;
        let file = install::open_lock(&path)?;
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(install::write_error(&path, &error)),
                Err(TryLockError::WouldBlock) if cancel.is_set() => return Err(interrupted()),
                Err(TryLockError::WouldBlock) => {}
            }
            if !told {
                let directory = self.root.join(BUILD_DIR);
                sink(Event::Waiting { path: directory.display().to_string() });
                told = true;
            }
            // A lock that is waited for in the kernel could not be given up.
            std::thread::sleep(LOOKS);
        }
    }

    /// The same for somebody who only looks: nothing is created, and a build that runs is not waited for.
    pub(crate) fn lock_if_there(&self) -> Option<std::fs::File> {
        let path = self.root.join(BUILD_DIR).join(".anymod-lock");
        let file = std::fs::File::open(path).ok()?;
        file.try_lock_shared().is_ok().then_some(file)
    }

    fn remembered(&self) -> Option<Remembered> {
        let file = self.root.join(BUILD_DIR).join(SNAPSHOT);
        snapshot::read(&file, &self.root, &self.asked, &self.environment)
    }

    fn remember(&self, outputs: &[Output], plan: &Plan, log: &mut Log) {
        let file = self.root.join(BUILD_DIR).join(SNAPSHOT);
        let remembered = Remembered { outputs: outputs.to_vec(), actions: plan.actions.len() };
        snapshot::write(&file, &self.asked, &self.environment, &plan.listed, &remembered, log);
    }
}

/// What there is to say of a build that found everything as it was.
fn nothing_to_do(
    project: &Project,
    remembered: Remembered,
    clock: Instant,
    sink: Sink<'_>,
) -> Report {
    let Remembered { outputs, actions } = remembered;
    sink(Event::RunStarted {
        version: event::VERSION,
        anymod: env!("CARGO_PKG_VERSION").to_owned(),
        modules: outputs.len(),
        actions,
        stale: 0,
        jobs: 0,
    });
    for output in &outputs {
        sink(installed(output));
    }
    let totals = Totals {
        fresh: actions,
        installed: outputs.len(),
        milliseconds: milliseconds(clock),
        ..Totals::default()
    };
    sink(Event::RunFinished(totals));
    Report { root: project.root.clone(), outputs, totals, warnings: Vec::new() }
}

/// Finds and reads the manifest, in a directory or above it; the project's directory is where it is.
///
/// # Errors
/// `B0006` if there is none, and what is wrong with it.
pub fn read_manifest(path: &Path) -> Result<(PathBuf, Manifest), Diagnostics> {
    let file = find_manifest(path)?;
    let manifest = parse_manifest(&file)?;
    Ok((file.parent().unwrap_or(Path::new("/")).to_owned(), manifest))
}

/// The manifest at a path, or in a directory or above it.
pub(crate) fn find_manifest(path: &Path) -> Result<PathBuf, Diagnostic> {
    // Without symbolic links, because compilers see the directory they run in by its real name.
    let absolute = path.canonicalize().map_err(|error| install::read_error(path, &error))?;
    if !absolute.is_dir() {
        return Ok(absolute);
    }
    let found =
        absolute.ancestors().map(|dir| dir.join(manifest::FILE_NAME)).find(|file| file.is_file());
    found.ok_or_else(|| {
        let message = format!("there is no `{}` here or above", manifest::FILE_NAME);
        Diagnostic::error(&codes::NO_MANIFEST, message)
            .at(Place::file(path.display().to_string()))
            .hint("write one with `anymod init NAME`, or give its path with `--manifest`")
    })
}

fn parse_manifest(file: &Path) -> Result<Manifest, Diagnostics> {
    let shown = shown(file);
    let bytes = install::read(file).map_err(|finding| finding.at(Place::file(shown.clone())))?;
    let text = String::from_utf8(bytes).map_err(|_| {
        let finding = Diagnostic::error(&codes::READ, "the manifest is not UTF-8 text");
        finding.at(Place::file(shown.clone()))
    })?;
    manifest::parse(&text, &shown)
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
        let counted =
            output.sizes.as_ref().and_then(|path| std::fs::read(report.root.join(path)).ok());
        let counted = counted.and_then(|json| ModuleSizes::from_json(&json));
        let sizes = ModuleSizes::complete(counted, &bytes, &output.path)?;
        let target = output.target.to_string();
        modules.push(SizeRow { module: output.module.clone(), target, sizes });
    }
    modules.sort();
    Ok(SizeReport { version: REPORT_VERSION, modules })
}

pub(crate) fn selection(request: &BuildRequest) -> Result<Selection, Diagnostics> {
    Ok(Selection {
        modules: request.modules.clone(),
        targets: request.targets.clone(),
        build_type: request.build_type.clone(),
        toolchain: toolchain::forced_kind(request.toolchain.as_deref(), &request.environment)?,
    })
}

fn started(plan: &Plan, statuses: &[Status], jobs: &Jobs, sink: Sink<'_>) {
    sink(Event::RunStarted {
        version: event::VERSION,
        anymod: env!("CARGO_PKG_VERSION").to_owned(),
        modules: plan.products.len(),
        actions: plan.actions.len(),
        stale: statuses.iter().filter(|status| **status != Status::Fresh).count(),
        jobs: jobs.limit,
    });
    tell(&plan.findings, sink);
}

fn tell(findings: &[Diagnostic], sink: Sink<'_>) {
    for finding in findings {
        sink(Event::Diagnostic(Finding::from(finding)));
    }
}

fn installed(output: &Output) -> Event {
    Event::Installed {
        module: output.module.clone(),
        target: output.target.to_string(),
        path: output.path.clone(),
        changed: output.changed,
    }
}

/// Installs what was built, and says what could not be.
fn install_all(
    plan: &Plan,
    ran: &Ran,
    project: &Project,
    log: &mut Log,
    sink: Sink<'_>,
) -> (Vec<Output>, Vec<Diagnostic>) {
    let (mut outputs, mut findings) = (Vec::new(), Vec::new());
    let directories =
        plan.products.iter().filter_map(|product| Path::new(&product.installed).parent());
    for directory in directories.collect::<BTreeSet<_>>() {
        install::clear_leftovers(&project.root.join(directory));
    }
    let makers: FxHashMap<&str, Option<Outcome>> = plan
        .actions
        .iter()
        .zip(&ran.outcomes)
        .map(|(action, outcome)| (action.name(), *outcome))
        .collect();
    let done = |product: &&Product| {
        let outcome = makers.get(product.built.as_str()).copied().flatten();
        matches!(outcome, Some(Outcome::Fresh | Outcome::Hit | Outcome::Ran))
    };
    let products: Vec<&Product> = plan.products.iter().filter(done).collect();
    let stale = |product: &&&Product| {
        let built = log.digest(&product.built);
        built.is_none() || log.digest(&product.installed) != built
    };
    let stale: Vec<&Product> = products.iter().filter(stale).copied().collect();
    let mut put = at_once(&stale, |product| install_one(product, project)).into_iter();
    let mut next = stale.iter().peekable();
    for product in products {
        let result = match next.next_if(|stale| std::ptr::eq(**stale, product)) {
            None => Ok(None),
            Some(_) => put.next().unwrap_or(Ok(None)),
        };
        match result {
            Ok(put) => {
                if let Some((made, _)) = put {
                    let id = log.id(&product.installed);
                    log.wrote(id, made.stat, made.digest);
                }
                let output = Output {
                    module: product.module.clone(),
                    target: product.target,
                    path: product.installed.clone(),
                    changed: put.is_some_and(|(_, changed)| changed),
                    sizes: product.sizes.clone(),
                };
                sink(installed(&output));
                outputs.push(output);
            }
            Err(finding) => findings.push(finding),
        }
    }
    tell(&findings, sink);
    (outputs, findings)
}

/// How many files are written at once: they wait for the disk, not for a processor.
const WRITERS: usize = 8;

/// What `work` makes of each item, in order, several at once.
fn at_once<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let share = items.len().div_ceil(WRITERS).max(1);
    std::thread::scope(|scope| {
        let work = &work;
        let start = |items| scope.spawn(move || Vec::from_iter(<[T]>::iter(items).map(work)));
        let threads: Vec<_> = items.chunks(share).map(start).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    })
}

/// Installs one module; what is there now, and true if that changed its file.
fn install_one(product: &Product, project: &Project) -> Result<Option<(Made, bool)>, Diagnostic> {
    let bytes = install::read(&project.root.join(&product.built))?;
    let path = project.root.join(&product.installed);
    project.fence.make_way(&path)?;
    let changed = install::write_if_changed(&path, &bytes)?;
    Ok(Some((work::made(&path, Digest::of(&bytes))?, changed)))
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
        milliseconds: milliseconds(clock),
    };
    sink(Event::RunFinished(totals));
    let mut findings = ran.findings;
    if ran.cancelled {
        findings.push(interrupted());
    }
    findings.extend(others);
    if !findings.is_empty() {
        return Err(Diagnostics(findings));
    }
    Ok(Report { root, outputs, totals, warnings: ran.warnings })
}

fn milliseconds(clock: Instant) -> u64 {
    u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn interrupted() -> Diagnostic {
    Diagnostic::error(&codes::INTERRUPTED, "interrupted; the tools that ran were ended")
        .hint("run it again to go on; what was finished is kept")
}
