//! A build, from the request to the report: the stages in order.

use std::collections::BTreeSet;
use std::fs::TryLockError;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anymod_model::codes::build as codes;
use anymod_model::event::{self, Event, Finding, Outcome, Totals};
use anymod_model::manifest::{self, Manifest};
use anymod_model::{Diagnostic, Diagnostics, Place, Target};
use anymod_store::Store;

use crate::cancel::Cancel;
use crate::check::{self, Status};
use crate::environment::Environment;
use crate::fence::Fence;
use crate::inspect::Recorder;
use crate::install;
use crate::jobs::Jobs;
use crate::locations::Locations;
use crate::log::{Log, TextId};
use crate::plan::{self, BUILD_DIR, Plan, Selection};
use crate::run::{self, Ran, Sink, Way};
use crate::size::{ModuleSizes, REPORT_VERSION, SizeReport, SizeRow};
use crate::snapshot::{self, Finished, Remembered};
use crate::{compile_commands, deliver, headers, toolchain, work};

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
/// changed since the last build, that is all there is to find out; if only files of some modules have, only these are
/// gone through.
///
/// # Errors
/// Everything found wrong, as far as it can be seen at once.
pub fn build(request: &BuildRequest, sink: Sink<'_>) -> Result<Report, Diagnostics> {
    let clock = Instant::now();
    let project = Project::find(request)?;
    let _lock = project.lock(&request.cancel, sink)?;
    let before = project.remembered();
    if let Some(before) = before.as_ref().filter(|before| before.affected.is_empty()) {
        return Ok(nothing_to_do(&project, before, clock, sink));
    }
    let mut recorder = Recorder::default();
    let sink: Sink<'_> = &mut |event| {
        recorder.event(&event);
        sink(event);
    };
    headers::write(&project.root, &project.fence)?;
    let manifest = project.manifest()?;
    let mut log = project.log(before.is_none());
    let selection = Selection { only: before.as_ref().map(affected), ..selection(request)? };
    let plan = plan::plan(&manifest, &project.root, &selection, &project.environment, &mut log);
    // What compilers said of themselves is worth keeping even if nothing is run.
    log.flush()?;
    let plan = plan?;
    let planned = log.seen.files().map(|(path, _)| path).collect();
    work::clear_leftovers(&project.root);
    if before.is_none() {
        compile_commands::write(&plan, &project.root, &project.environment, &mut log)?;
    }
    let statuses = check::check(&plan.actions, &project.locations, &mut log);
    let jobs = Jobs::new(request.jobs, &project.environment);
    started(&plan, before.as_ref(), &statuses, &jobs, sink);
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
    let (outputs, unwritten) =
        deliver::install_all(&plan, &ran, before.as_ref(), &project, &mut log, sink);
    if ran.is_complete() && unwritten.is_empty() && plan.findings.is_empty() {
        project.remember(&outputs, &plan, &planned, before.as_ref(), &mut log);
    }
    log.close()?;
    let findings = [plan.findings.as_slice(), &unwritten].concat();
    let actions = before.as_ref().map_or(plan.actions.len(), |before| before.actions);
    let report = report(project.root.clone(), outputs, actions, ran, findings, clock, sink);
    recorder.write(&project.root)?;
    // A hundred thousand pieces of memory; a command that ends now does not wait until they are given back.
    std::thread::spawn(move || drop(plan));
    report
}

/// The modules that a snapshot says have to be gone through.
fn affected(before: &Remembered) -> BTreeSet<(String, Target)> {
    let outputs = (0..).zip(&before.outputs);
    let affected = outputs.filter(|(number, _)| before.affected.contains(number));
    affected.map(|(_, output)| (output.module.clone(), output.target)).collect()
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
    pub(crate) fence: Fence,
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

    /// The log of earlier builds. It takes note that the manifest is read, and begins to look at every file that is known
    /// if `all` of them will be asked for.
    pub(crate) fn log(&self, all: bool) -> Log {
        let mut log = Log::open(&self.root.join(BUILD_DIR).join(".anymod-log"), &self.root);
        if all {
            log.look_ahead();
        }
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

    fn remember(
        &self,
        outputs: &[Output],
        plan: &Plan,
        planned: &BTreeSet<TextId>,
        before: Option<&Remembered>,
        log: &mut Log,
    ) {
        let finished = Finished {
            request: &self.asked,
            environment: &self.environment,
            outputs,
            actions: before.map_or(plan.actions.len(), |before| before.actions),
            plan,
            planned,
            before,
        };
        snapshot::write(&self.root.join(BUILD_DIR).join(SNAPSHOT), &finished, log);
    }
}

/// What there is to say of a build that found everything as it was.
fn nothing_to_do(
    project: &Project,
    remembered: &Remembered,
    clock: Instant,
    sink: Sink<'_>,
) -> Report {
    let (outputs, actions) = (remembered.outputs.clone(), remembered.actions);
    sink(Event::RunStarted {
        version: event::VERSION,
        anymod: env!("CARGO_PKG_VERSION").to_owned(),
        modules: outputs.len(),
        actions,
        stale: 0,
        jobs: 0,
    });
    for output in &outputs {
        sink(deliver::installed(output));
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
        only: None,
    })
}

fn started(
    plan: &Plan,
    before: Option<&Remembered>,
    statuses: &[Status],
    jobs: &Jobs,
    sink: Sink<'_>,
) {
    sink(Event::RunStarted {
        version: event::VERSION,
        anymod: env!("CARGO_PKG_VERSION").to_owned(),
        modules: before.map_or(plan.products.len(), |before| before.outputs.len()),
        actions: before.map_or(plan.actions.len(), |before| before.actions),
        stale: statuses.iter().filter(|status| **status != Status::Fresh).count(),
        jobs: jobs.limit,
    });
    tell(&plan.findings, sink);
}

pub(crate) fn tell(findings: &[Diagnostic], sink: Sink<'_>) {
    for finding in findings {
        sink(Event::Diagnostic(Finding::from(finding)));
    }
}

/// Sums up, as the last event and as a value.
fn report(
    root: PathBuf,
    outputs: Vec<Output>,
    actions: usize,
    ran: Ran,
    others: Vec<Diagnostic>,
    clock: Instant,
    sink: Sink<'_>,
) -> Result<Report, Diagnostics> {
    let count = |outcome| ran.outcomes.iter().filter(|other| **other == outcome).count();
    // What was not even looked at, because nothing it uses had changed, is fresh as well.
    let others_fresh = actions.saturating_sub(ran.outcomes.len());
    let totals = Totals {
        ran: count(Some(Outcome::Ran)),
        hits: count(Some(Outcome::Hit)),
        fresh: count(Some(Outcome::Fresh)) + others_fresh,
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
