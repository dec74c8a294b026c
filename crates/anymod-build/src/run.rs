//! The third stage: run the actions that have to run, on several threads.
//!
//! An action is fresh, and not run, iff nothing that can change its bytes changed since the log last saw it run: its
//! command line, environment and tool; the content of every file it read, headers included; files that were looked for
//! in vain; and its outputs as it left them. Content decides, never a time alone. Whoever replaces this scheduler keeps
//! [`Action`] and [`execute`](crate::work::execute).

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Instant, SystemTime};

use anymod_model::Diagnostic;
use anymod_model::event::{Event, Finding, Outcome};

use crate::action::Action;
use crate::environment::Environment;
use crate::log::{Log, Record};
use crate::plan::Plan;
use crate::work::{self, Done, Workshop};

/// Where events go.
pub type Sink<'a> = &'a mut dyn FnMut(Event);

/// How the actions of a plan ended.
pub(crate) struct Ran {
    /// By index of the action; none if one before it failed.
    pub(crate) outcomes: Vec<Option<Outcome>>,
    /// Errors, in the order of the actions.
    pub(crate) findings: Vec<Diagnostic>,
    /// Warnings.
    pub(crate) warnings: Vec<Diagnostic>,
}

struct Job {
    index: usize,
    started: SystemTime,
}

struct Answer {
    job: Job,
    done: Done,
}

/// What the coordinating thread keeps.
struct Run<'a> {
    plan: &'a Plan,
    log: &'a mut Log,
    sink: Sink<'a>,
    /// Actions that wait for each action.
    dependents: Vec<Vec<usize>>,
    /// How many actions each still waits for.
    waiting: Vec<usize>,
    ready: VecDeque<usize>,
    outcomes: Vec<Option<Outcome>>,
    /// By index of the action.
    findings: BTreeMap<usize, Vec<Diagnostic>>,
    warnings: Vec<Diagnostic>,
    clock: Instant,
}

/// Runs what has to run; `jobs` actions at once at most. Failures do not stop what does not depend on them.
///
/// # Errors
/// If the log cannot be written.
pub(crate) fn run(
    plan: &Plan,
    root: &Path,
    jobs: usize,
    environment: &Environment,
    log: &mut Log,
    sink: Sink<'_>,
) -> Result<Ran, Diagnostic> {
    let (dependents, waiting) = dependencies(&plan.actions);
    let ready = (0..plan.actions.len()).filter(|index| waiting.get(*index) == Some(&0)).collect();
    let outcomes = vec![None; plan.actions.len()];
    let mut run = Run {
        plan,
        log,
        sink,
        dependents,
        waiting,
        ready,
        outcomes,
        findings: BTreeMap::new(),
        warnings: Vec::new(),
        clock: Instant::now(),
    };
    // Most builds have nothing to do; they start no thread.
    if let Some(first) = run.next_stale() {
        run.on_threads(first, root, jobs.max(1), environment)?;
    }
    Ok(Ran {
        outcomes: run.outcomes,
        findings: run.findings.into_values().flatten().collect(),
        warnings: run.warnings,
    })
}

/// Which actions wait for each action, and how many each waits for.
fn dependencies(actions: &[Action]) -> (Vec<Vec<usize>>, Vec<usize>) {
    let mut makers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut dependents = vec![Vec::new(); actions.len()];
    let mut waiting = vec![0; actions.len()];
    for (index, action) in actions.iter().enumerate() {
        let mut needed: Vec<usize> =
            action.inputs.iter().filter_map(|input| makers.get(input.as_str()).copied()).collect();
        needed.sort_unstable();
        needed.dedup();
        for maker in &needed {
            if let Some(list) = dependents.get_mut(*maker) {
                list.push(index);
            }
        }
        if let Some(count) = waiting.get_mut(index) {
            *count = needed.len();
        }
        makers.extend(action.outputs.iter().map(|output| (output.as_str(), index)));
    }
    (dependents, waiting)
}

impl Run<'_> {
    /// Passes over fresh actions up to one that has to run.
    fn next_stale(&mut self) -> Option<usize> {
        while let Some(index) = self.ready.pop_front() {
            let Some(action) = self.plan.actions.get(index) else { continue };
            if !is_fresh(action, self.log) {
                return Some(index);
            }
            self.conclude(index, Outcome::Fresh);
        }
        None
    }

    /// Microseconds since the run began.
    fn at(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Notes how an action ended and lets those go on that waited for it.
    fn conclude(&mut self, index: usize, outcome: Outcome) {
        if let Some(slot) = self.outcomes.get_mut(index) {
            *slot = Some(outcome);
        }
        if outcome == Outcome::Failed {
            return;
        }
        for dependent in self.dependents.get(index).cloned().unwrap_or_default() {
            if let Some(count) = self.waiting.get_mut(dependent) {
                *count -= 1;
                if *count == 0 {
                    self.ready.push_back(dependent);
                }
            }
        }
    }

    fn on_threads(
        &mut self,
        first: usize,
        root: &Path,
        jobs: usize,
        environment: &Environment,
    ) -> Result<(), Diagnostic> {
        let workshop = Workshop::open(root, environment)?;
        let (to_workers, jobs_in) = channel::<Job>();
        let (to_main, answers) = channel::<Answer>();
        let jobs_in = Mutex::new(jobs_in);
        let actions = &self.plan.actions;
        std::thread::scope(|scope| {
            for _ in 0..jobs {
                let (to_main, jobs_in, workshop) = (to_main.clone(), &jobs_in, &workshop);
                scope.spawn(move || worker(actions, jobs_in, &to_main, workshop));
            }
            self.coordinate(first, jobs, to_workers, &answers)
        })
    }

    /// Hands out jobs and takes answers until nothing is left to do; then the workers end, as nobody sends any more.
    fn coordinate(
        &mut self,
        first: usize,
        jobs: usize,
        to_workers: Sender<Job>,
        answers: &Receiver<Answer>,
    ) -> Result<(), Diagnostic> {
        let mut next = Some(first);
        let mut running = 0;
        loop {
            while let Some(index) = next {
                if let Some(action) = self.plan.actions.get(index) {
                    let now = self.at();
                    (self.sink)(Event::ActionStarted {
                        id: index,
                        action: action.event(),
                        slot: 0,
                        at: now,
                        reasons: Vec::new(),
                        after: Vec::new(),
                    });
                    running += 1;
                    // Workers end only after this sender does.
                    let _ = to_workers.send(Job { index, started: SystemTime::now() });
                }
                next = if running < jobs { self.next_stale() } else { None };
            }
            if running == 0 {
                return Ok(());
            }
            let Ok(answer) = answers.recv() else { return Ok(()) };
            running -= 1;
            self.take(answer);
            // At once, so that a killed build does not repeat what it had finished.
            self.log.flush()?;
            next = self.next_stale();
        }
    }

    fn take(&mut self, answer: Answer) {
        let Answer { job: Job { index, started }, done } = answer;
        let Some(action) = self.plan.actions.get(index) else { return };
        for output in &action.outputs {
            let id = self.log.path_id(output);
            self.log.forget(id);
        }
        let outcome = if done.error.is_some() { Outcome::Failed } else { Outcome::Ran };
        let shown = outcome == Outcome::Failed || !done.output.is_empty();
        let is_command = matches!(action.work, crate::action::Work::Command(_));
        let now = self.at();
        (self.sink)(Event::ActionFinished {
            id: index,
            action: action.event(),
            slot: 0,
            at: now,
            outcome,
            command: (shown && is_command).then(|| work::shown(&action.argv)),
            output: done.output,
        });
        for warning in done.warnings {
            (self.sink)(Event::Diagnostic(Finding::from(&warning)));
            self.warnings.push(warning);
        }
        match done.error {
            None => record(action, &done.discovered, started, self.log),
            Some(errors) => {
                for error in &errors {
                    (self.sink)(Event::Diagnostic(Finding::from(error)));
                }
                self.findings.insert(index, errors);
            }
        }
        self.conclude(index, outcome);
    }
}

fn worker(
    actions: &[Action],
    jobs: &Mutex<Receiver<Job>>,
    to_main: &Sender<Answer>,
    workshop: &Workshop<'_>,
) {
    loop {
        let job = match jobs.lock() {
            Ok(jobs) => jobs.recv(),
            Err(_) => return,
        };
        let Ok(job) = job else { return };
        let Some(action) = actions.get(job.index) else { return };
        let done = work::execute(action, job.index, workshop);
        if to_main.send(Answer { job, done }).is_err() {
            return;
        }
    }
}

/// True if nothing that can change the action's bytes changed since it last ran.
fn is_fresh(action: &Action, log: &mut Log) -> bool {
    let Some(record) = log.action(action.name()) else { return false };
    if record.command != action.command_digest() {
        return false;
    }
    let record = record.clone();
    let unchanged = |id: &u32, log: &mut Log| {
        let Some((path, digest)) = log.version(*id) else { return false };
        let now = log.now(path).and_then(|now| log.version(now));
        now.is_some_and(|(_, now)| now == digest)
    };
    record.inputs.iter().chain(&record.outputs).all(|id| unchanged(id, log))
        && !record.absent.iter().any(|path| log.exists(*path))
}

/// Writes into the log what an action that succeeded used and made.
fn record(action: &Action, discovered: &[String], started: SystemTime, log: &mut Log) {
    let command = action.command_digest();
    let mut inputs = Vec::new();
    for path in action.inputs.iter().chain(discovered) {
        let id = log.path_id(path);
        // A file that was written meanwhile may not be the one that the action read.
        if log.modified_after(id, started) {
            return;
        }
        let Some(version) = log.now(id) else { return };
        if !inputs.contains(&version) {
            inputs.push(version);
        }
    }
    let mut outputs = Vec::new();
    for path in &action.outputs {
        let id = log.path_id(path);
        let Some(version) = log.now(id) else { return };
        outputs.push(version);
    }
    let mut absent = Vec::new();
    if let crate::action::Work::Command(details) = &action.work
        && let Some(source) = action.inputs.first()
    {
        for path in crate::shadow::candidates(source, discovered, &details.search) {
            let id = log.path_id(&path);
            if !log.exists(id) {
                absent.push(id);
            }
        }
    }
    log.record(action.name(), Record { command, inputs, outputs, absent });
}
