//! A build, from the request to the report: the stages in order.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

use anymod_model::event::{self, Event, Outcome, Totals};
use anymod_model::{Diagnostic, Diagnostics, Severity, Target};

use crate::check::{self, Status};
use crate::inspect::Recorder;
use crate::install;
use crate::jobs::Jobs;
use crate::plan::{self, Job, Plan, Selection};
use crate::project::{Project, interrupted};
use crate::request::{BuildRequest, Output, Report, selection};
use crate::run::{self, Ran};
use crate::shelf::Shelf;
use crate::size::{ModuleSizes, REPORT_VERSION, SizeReport, SizeRow};
use crate::snapshot::Remembered;
use crate::way::{Sink, Way, tell};
use crate::{compile_commands, deliver, headers, work};

/// Builds: manifest, plan, check, run (compile, link, merge or pack; each through the store), install, report. If nothing has
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
    let mut log = project.log(&manifest, before.is_none());
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
    let jobs = Jobs::new(request.local_jobs(), &project.environment);
    started(&plan, before.as_ref(), &statuses, (jobs.limit, request.remote_jobs()), sink);
    let shelf = request.store.as_ref().map(|store| Shelf::open(store, &request.environment));
    let shelf = shelf.transpose()?;
    let stale = statuses.iter().any(|status| *status != Status::Fresh);
    let remote = shelf.as_ref().filter(|_| stale).map(Shelf::remote).transpose()?.flatten();
    let way = Way {
        fence: &project.fence,
        root: &project.root,
        locations: &project.locations,
        environment: &project.environment,
        jobs: &jobs,
        keep_going: request.keep_going,
        cancel: &request.cancel,
        store: shelf.as_ref().map(Shelf::store),
        remote,
        clock,
    };
    let ran = run::run(&plan, statuses, &way, &mut log, sink)?;
    let (outputs, unwritten) =
        deliver::install_all(&plan, &ran, before.as_ref(), &project, &mut log, sink);
    let whole = plan.findings.iter().all(|finding| finding.severity == Severity::Warning);
    if ran.is_complete() && unwritten.is_empty() && whole {
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
fn affected(before: &Remembered) -> BTreeSet<Job> {
    let outputs = (0..).zip(&before.outputs);
    let affected = outputs.filter(|(number, _)| before.affected.contains(number));
    let job = |output: &Output| (output.module.clone(), output.target, output.build_type.clone());
    affected.map(|(_, output)| job(output)).collect()
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
        remote_jobs: 0,
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
        let sizes = match output.target {
            Target::MicroPython(_) => ModuleSizes::complete(counted, &bytes, &output.path)?,
            _ => ModuleSizes::of_file(bytes.len()),
        };
        let target = output.target.to_string();
        modules.push(SizeRow { module: output.module.clone(), target, sizes });
    }
    modules.sort();
    Ok(SizeReport { version: REPORT_VERSION, modules })
}

fn started(
    plan: &Plan,
    before: Option<&Remembered>,
    statuses: &[Status],
    (jobs, remote_jobs): (usize, usize),
    sink: Sink<'_>,
) {
    sink(Event::RunStarted {
        version: event::VERSION,
        anymod: env!("CARGO_PKG_VERSION").to_owned(),
        modules: before.map_or(plan.products.len(), |before| before.outputs.len()),
        actions: before.map_or(plan.actions.len(), |before| before.actions),
        stale: statuses.iter().filter(|status| **status != Status::Fresh).count(),
        jobs,
        remote_jobs,
    });
    tell(&plan.findings, sink);
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
        remote_hits: ran.remote_hits,
        remote_ran: ran.remote_ran,
        remote_queued: ran.remote_queued,
        uploaded: ran.traffic.up,
        downloaded: ran.traffic.down,
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
    let (warnings, errors): (Vec<Diagnostic>, Vec<Diagnostic>) =
        others.into_iter().partition(|finding| finding.severity == Severity::Warning);
    findings.extend(errors);
    if !findings.is_empty() {
        findings.extend(warnings);
        return Err(Diagnostics(findings));
    }
    Ok(Report { root, outputs, totals, warnings: [ran.warnings, warnings].concat() })
}

fn milliseconds(clock: Instant) -> u64 {
    u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX)
}
