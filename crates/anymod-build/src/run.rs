//! The stage that runs the actions that have to run, on several threads, each through the store.
//!
//! One thread coordinates: it alone knows the log, decides what is next and says what happened. Workers do one [`Job`] at
//! a time. An action's way: looked up in the store; restored if it is there; else claimed, so that of all the processes
//! that share the store one does it, done, and kept.

mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant, SystemTime};

use anymod_model::Diagnostic;
use anymod_model::event::{Event, Finding, Outcome, Reason};
use anymod_store::{Claim, Entry, Explanation};
use rustc_hash::FxHashMap;
use worker::{Claimed, Job, Message};

use crate::action::{Action, Work};
use crate::cached::{self, Discovered, Place};
use crate::check::{self, Status};
use crate::children::Stop;
use crate::disk;
use crate::jobs::Tokens;
use crate::log::{Log, Record, VersionId};
use crate::plan::Plan;
use crate::stat::Stat;
use crate::way::{Sink, Way};
use crate::work::{self, Done, Made, Workshop};

/// How the actions of a plan ended.
pub(crate) struct Ran {
    /// By index of the action; none if it was not run because one failed or the run was cancelled.
    pub(crate) outcomes: Vec<Option<Outcome>>,
    /// Errors, in the order of the actions.
    pub(crate) findings: Vec<Diagnostic>,
    /// Warnings.
    pub(crate) warnings: Vec<Diagnostic>,
    /// True if it was told to stop.
    pub(crate) cancelled: bool,
    /// How many actions ended well and will have to run again, because a file changed meanwhile.
    unrecorded: usize,
}

impl Ran {
    /// True if nothing is left to do.
    pub(crate) fn is_complete(&self) -> bool {
        let done = |outcome: &Option<Outcome>| {
            matches!(outcome, Some(Outcome::Fresh | Outcome::Hit | Outcome::Ran))
        };
        !self.cancelled && self.unrecorded == 0 && self.outcomes.iter().all(done)
    }
}

/// How long the coordinator waits before it looks whether it is to stop, or whether another process has finished what
/// this one waits for.
const TICK: Duration = Duration::from_millis(20);
/// How long processes are given to end before they are ended.
const GRACE: Duration = Duration::from_millis(1500);

/// What the coordinating thread keeps.
struct Run<'a> {
    plan: &'a Plan,
    way: &'a Way<'a>,
    log: &'a mut Log,
    sink: Sink<'a>,
    statuses: Vec<Status>,
    /// Actions that wait for each action.
    dependents: Vec<Vec<usize>>,
    /// The actions that make each action's inputs.
    makers: Vec<Vec<usize>>,
    /// How many actions each still waits for.
    waiting: Vec<usize>,
    /// Actions that can be done now; the earliest in the plan goes first, so that modules are finished one after the
    /// other.
    ready: BTreeSet<usize>,
    /// Actions that another process is doing.
    elsewhere: Vec<(usize, Place)>,
    outcomes: Vec<Option<Outcome>>,
    /// By job slot: the action in it.
    slots: Vec<Option<usize>>,
    /// How many results are being kept.
    keeping: usize,
    /// Set by the first failure, unless the run is to keep going, and by cancelling.
    stopping: bool,
    cancelled: Option<Instant>,
    /// By index of the action.
    findings: BTreeMap<usize, Vec<Diagnostic>>,
    warnings: Vec<Diagnostic>,
    unrecorded: usize,
}

/// Runs what has to run, given how each action stands.
///
/// # Errors
/// If the log or the build directory cannot be written.
pub(crate) fn run(
    plan: &Plan,
    statuses: Vec<Status>,
    way: &Way<'_>,
    log: &mut Log,
    sink: Sink<'_>,
) -> Result<Ran, Diagnostic> {
    let mut run = Run::new(plan, statuses, way, log, sink);
    // Most builds have nothing to do; they start no thread.
    if run.statuses.iter().all(|status| *status == Status::Fresh) {
        run.outcomes.fill(Some(Outcome::Fresh));
    } else {
        let workshop = Workshop::open(way)?;
        run.on_threads(&workshop)?;
    }
    let mut warnings = run.warnings;
    if let Some(store) = way.store {
        store.collect_if_grown();
        warnings.extend(store.take_warnings());
    }
    Ok(Ran {
        outcomes: run.outcomes,
        findings: run.findings.into_values().flatten().collect(),
        warnings,
        cancelled: run.cancelled.is_some(),
        unrecorded: run.unrecorded,
    })
}

/// By action: those that make its inputs.
pub(crate) fn makers(actions: &[Action]) -> Vec<Vec<usize>> {
    let mut by_output: FxHashMap<&str, usize> = FxHashMap::default();
    let mut makers = Vec::with_capacity(actions.len());
    for (index, action) in actions.iter().enumerate() {
        let inputs = action.inputs.iter();
        let needed: BTreeSet<usize> =
            inputs.filter_map(|input| by_output.get(input.as_str()).copied()).collect();
        makers.push(needed.into_iter().collect());
        by_output.extend(action.outputs.iter().map(|output| (output.as_str(), index)));
    }
    makers
}

impl<'a> Run<'a> {
    fn new(
        plan: &'a Plan,
        statuses: Vec<Status>,
        way: &'a Way<'a>,
        log: &'a mut Log,
        sink: Sink<'a>,
    ) -> Run<'a> {
        let makers = makers(&plan.actions);
        let mut dependents = vec![Vec::new(); makers.len()];
        for (index, needed) in makers.iter().enumerate() {
            for maker in needed {
                if let Some(list) = dependents.get_mut(*maker) {
                    list.push(index);
                }
            }
        }
        let waiting: Vec<usize> = makers.iter().map(Vec::len).collect();
        let ready = (0..waiting.len()).filter(|index| waiting.get(*index) == Some(&0)).collect();
        Run {
            plan,
            way,
            log,
            sink,
            statuses,
            dependents,
            makers,
            waiting,
            ready,
            elsewhere: Vec::new(),
            outcomes: vec![None; plan.actions.len()],
            slots: vec![None; way.jobs.limit],
            keeping: 0,
            stopping: false,
            cancelled: None,
            findings: BTreeMap::new(),
            warnings: Vec::new(),
            unrecorded: 0,
        }
    }

    fn on_threads(&mut self, workshop: &Workshop<'_>) -> Result<(), Diagnostic> {
        let (to_workers, jobs) = channel::<Job>();
        let (to_main, messages) = channel::<Message>();
        let jobs = Mutex::new(jobs);
        let tokens = self.way.jobs.tokens(to_main.clone(), Message::Token);
        let (actions, way) = (&self.plan.actions, self.way);
        std::thread::scope(|scope| {
            for _ in 0..way.jobs.limit {
                let (to_main, jobs) = (to_main.clone(), &jobs);
                scope.spawn(move || worker::work(actions, jobs, &to_main, workshop, way));
            }
            let ended = self.coordinate(&to_workers, &messages, tokens, workshop);
            // Whatever went wrong, nothing is left running.
            if ended.is_err() {
                workshop.stop(Stop::AtOnce);
            }
            drop(to_workers);
            ended
        })
    }

    /// Hands out jobs and takes messages until nothing is left to do; then the workers end, as nobody sends any more.
    fn coordinate(
        &mut self,
        to_workers: &Sender<Job>,
        messages: &Receiver<Message>,
        mut tokens: Tokens,
        workshop: &Workshop<'_>,
    ) -> Result<(), Diagnostic> {
        loop {
            self.look_for_cancelling(workshop);
            while self.running() < self.way.jobs.limit.min(tokens.allowed()) {
                let Some(job) = self.next() else { break };
                // Workers end only after this sender does.
                let _ = to_workers.send(job);
            }
            if !self.stopping && !self.ready.is_empty() {
                tokens.want((self.running() + self.ready.len()).min(self.way.jobs.limit));
            } else {
                tokens.release(self.running());
            }
            let busy = self.running() + self.keeping > 0;
            if !busy && (self.stopping || (self.elsewhere.is_empty() && self.ready.is_empty())) {
                return self.log.flush();
            }
            if !busy && self.ready.is_empty() {
                self.wait_for_others();
                continue;
            }
            let message = match messages.try_recv() {
                Ok(message) => Ok(message),
                Err(_) => {
                    // While there is time, so that a killed build does not repeat what it had finished.
                    self.log.flush()?;
                    messages.recv_timeout(TICK)
                }
            };
            match message {
                Ok(Message::Token(token)) => tokens.arrived(token),
                Ok(message) => self.take(message, to_workers),
                Err(RecvTimeoutError::Timeout) => self.look_at_elsewhere(),
                Err(RecvTimeoutError::Disconnected) => return self.log.flush(),
            }
        }
    }

    fn running(&self) -> usize {
        self.slots.iter().flatten().count()
    }

    fn look_for_cancelling(&mut self, workshop: &Workshop<'_>) {
        match self.cancelled {
            None if self.way.cancel.is_set() => {
                self.stopping = true;
                self.cancelled = Some(Instant::now());
                workshop.stop(Stop::Politely);
            }
            Some(since) if since.elapsed() > GRACE => workshop.stop(Stop::AtOnce),
            _ => {}
        }
    }

    /// Waits a moment for another process that does what this one needs, and looks again.
    fn wait_for_others(&mut self) {
        if let (Some(store), Some((_, place))) = (self.way.store, self.elsewhere.first()) {
            let _ = store.wait(&place.key, TICK);
        }
        self.look_at_elsewhere();
    }

    /// Lets the actions that other processes do be tried again.
    fn look_at_elsewhere(&mut self) {
        for (index, _) in self.elsewhere.drain(..) {
            self.ready.insert(index);
        }
    }

    /// The next job; passes over fresh actions and those that another process is doing.
    fn next(&mut self) -> Option<Job> {
        if self.stopping {
            return None;
        }
        while let Some(index) = self.ready.pop_first() {
            let Some(action) = self.plan.actions.get(index) else { continue };
            let reasons = match self.statuses.get(index) {
                Some(Status::Fresh) | None => Vec::new(),
                Some(Status::Stale(reasons))
                    if self.makers.get(index).is_none_or(Vec::is_empty) =>
                {
                    reasons.clone()
                }
                // How it stood before the makers of its inputs ran no longer counts.
                Some(_) => check::reasons(action, self.way.locations, self.log),
            };
            if reasons.is_empty() {
                self.conclude(index, Outcome::Fresh);
                continue;
            }
            let Some(job) = self.job(index, action) else { continue };
            self.start(index, action, reasons);
            return Some(job);
        }
        None
    }

    /// What is to be done for an action; none if another process is doing it.
    fn job(&mut self, index: usize, action: &Action) -> Option<Job> {
        let Some(store) = self.way.store else { return Some(Job::Do { index, place: None }) };
        let Some(place) = cached::place(action, self.way.locations, self.log) else {
            return Some(Job::Do { index, place: None });
        };
        let mut look = || cached::lookup(action, &place, store, self.way.locations, self.log);
        if let Some(entry) = look() {
            return Some(Job::Restore { index, entry: Box::new(entry), place });
        }
        let claim = match store.claim(&place.key) {
            Claim::Busy => {
                self.elsewhere.push((index, place));
                return None;
            }
            Claim::Held(guard) => Some(guard),
            Claim::Unavailable => None,
        };
        // Somebody may have finished it between the look and the claim.
        match look() {
            Some(entry) => Some(Job::Restore { index, entry: Box::new(entry), place }),
            None => Some(Job::Do { index, place: Some(Claimed { place, claim }) }),
        }
    }

    fn start(&mut self, index: usize, action: &Action, reasons: Vec<Reason>) {
        let free = self.slots.iter().position(Option::is_none).unwrap_or_default();
        if let Some(slot) = self.slots.get_mut(free) {
            *slot = Some(index);
        }
        let ran =
            |maker: &usize| !matches!(self.outcomes.get(*maker), Some(None | Some(Outcome::Fresh)));
        let after = self.makers.get(index).into_iter().flatten().copied().filter(ran).collect();
        let at = self.at();
        let action = action.event();
        (self.sink)(Event::ActionStarted { id: index, action, slot: free, at, reasons, after });
    }

    /// Microseconds since the run began.
    fn at(&self) -> u64 {
        u64::try_from(self.way.clock.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Notes how an action ended and lets those go on that waited for it.
    fn conclude(&mut self, index: usize, outcome: Outcome) {
        if let Some(slot) = self.outcomes.get_mut(index) {
            *slot = Some(outcome);
        }
        if outcome == Outcome::Failed {
            return;
        }
        for dependent in self.dependents.get(index).into_iter().flatten() {
            if let Some(count) = self.waiting.get_mut(*dependent) {
                *count -= 1;
                if *count == 0 {
                    self.ready.insert(*dependent);
                }
            }
        }
    }

    fn take(&mut self, message: Message, to_workers: &Sender<Job>) {
        match message {
            Message::Did { index, started, done, place } => {
                self.did(index, started, *done, place, to_workers);
            }
            Message::Restored { index, result: Ok(Some(made)), entry, .. } => {
                self.restored(index, &made, &entry);
            }
            Message::Restored { index, result: Ok(None), place, .. } => {
                // The store has lost it: it is done after all, in the slot that it has.
                let place = Some(Claimed { place, claim: None });
                let _ = to_workers.send(Job::Do { index, place });
            }
            Message::Restored { index, result: Err(error), .. } => {
                self.failed(index, vec![error], None, String::new());
            }
            Message::Kept => self.keeping -= 1,
            // Taken by the caller.
            Message::Token(_) => {}
        }
    }

    /// Takes what came out of the store.
    fn restored(&mut self, index: usize, made: &[Made], entry: &Entry) {
        let Some(action) = self.plan.actions.get(index) else { return };
        let outputs = self.outputs(action, made);
        let real = |(path, _): &(String, _)| self.way.locations.real(path).into_owned();
        let found: Vec<String> = entry.found.iter().map(real).collect();
        let inputs: Vec<VersionId> = action
            .inputs
            .iter()
            .chain(&found)
            .map(|path| {
                let id = self.log.id(path);
                self.log.now_or_absent(id)
            })
            .collect();
        let passed = entry.passed.iter().map(|path| self.way.locations.real(path).into_owned());
        let passed: Vec<String> = passed.collect();
        self.record(action, inputs, outputs, &passed);
        self.finish(index, Outcome::Hit, None, entry.said.clone());
    }

    /// Takes what was done: tells it, records it, has it kept.
    fn did(
        &mut self,
        index: usize,
        started: SystemTime,
        done: Done,
        place: Option<Claimed>,
        to_workers: &Sender<Job>,
    ) {
        let Some(action) = self.plan.actions.get(index) else { return };
        let is_command = matches!(action.work, Work::Command(_));
        let command = is_command.then(|| work::shown(&action.argv));
        if let Some(errors) = done.error {
            return self.failed(index, errors, command, done.output);
        }
        let outputs = self.outputs(action, &done.made);
        if let Some((inputs, discovered)) =
            self.inputs(action, &done.discovered, &done.sought, started)
        {
            let real =
                discovered.passed.iter().map(|path| self.way.locations.real(path).into_owned());
            let passed: Vec<String> = real.collect();
            self.record(action, inputs, outputs, &passed);
            // What warned as data is done again the next time, so that it warns again.
            if let (Some(Claimed { place, claim }), true) = (place, done.warnings.is_empty()) {
                self.keeping += 1;
                let said = done.output.clone();
                let keep = Job::Keep { index, place, claim, discovered, said };
                let _ = to_workers.send(keep);
            }
        } else {
            self.unrecorded += 1;
        }
        let shown = command.filter(|_| !done.output.is_empty());
        self.finish(index, Outcome::Ran, shown, done.output);
        for warning in done.warnings {
            (self.sink)(Event::Diagnostic(Finding::from(&warning)));
            self.warnings.push(warning);
        }
    }

    fn failed(
        &mut self,
        index: usize,
        errors: Vec<Diagnostic>,
        command: Option<String>,
        output: String,
    ) {
        if self.cancelled.is_some() {
            // It was ended, it did not fail.
            self.free(index);
            return;
        }
        self.stopping |= !self.way.keep_going;
        self.finish(index, Outcome::Failed, command, output);
        for error in &errors {
            (self.sink)(Event::Diagnostic(Finding::from(error)));
        }
        self.findings.insert(index, errors);
    }

    /// Tells that an action ended, frees its slot and lets others go on.
    fn finish(&mut self, index: usize, outcome: Outcome, command: Option<String>, output: String) {
        let Some(action) = self.plan.actions.get(index) else { return };
        let (slot, at) = (self.free(index), self.at());
        let action = action.event();
        (self.sink)(Event::ActionFinished {
            id: index,
            action,
            slot,
            at,
            outcome,
            command,
            output,
        });
        self.conclude(index, outcome);
    }

    fn free(&mut self, index: usize) -> usize {
        let slot = self.slots.iter().position(|slot| *slot == Some(index)).unwrap_or_default();
        if let Some(slot) = self.slots.get_mut(slot) {
            *slot = None;
        }
        slot
    }

    /// Tells the log what is in an action's outputs now.
    fn outputs(&mut self, action: &Action, made: &[Made]) -> Option<Vec<VersionId>> {
        let mut made = made.iter();
        let versions = action.outputs.iter().map(|output| {
            let id = self.log.id(output);
            match made.next() {
                Some(made) => Some(self.log.wrote(id, made.stat, made.digest)),
                None => {
                    self.log.forget(id);
                    self.log.now(id)
                }
            }
        });
        versions.collect()
    }

    /// The files that an action read, declared and discovered, if they are what it read: one that was written since it
    /// started may not be.
    fn inputs(
        &mut self,
        action: &Action,
        discovered: &[String],
        sought: &BTreeSet<String>,
        started: SystemTime,
    ) -> Option<(Vec<VersionId>, Discovered)> {
        let (mut inputs, mut ids, mut found) = (Vec::new(), Vec::new(), Vec::new());
        for path in action.inputs.iter().chain(discovered).chain(sought) {
            let id = self.log.id(path);
            if ids.contains(&id) {
                continue;
            }
            if sought.contains(path) && !self.log.location(id).is_file() {
                ids.push(id);
                inputs.push(self.log.now_or_absent(id));
                found.push((self.way.locations.portable(path).into_owned(), disk::absent()));
                continue;
            }
            let stat = Stat::of(&std::fs::metadata(self.log.location(id)).ok()?);
            if stat.is_after(started) {
                return None;
            }
            let mut version = self.log.now(id)?;
            let known = *self.log.version(version)?;
            if known.stat != Some(stat) {
                // Looked at earlier in this run; it may have been changed before the action began.
                self.log.forget(id);
                version = self.log.now(id)?;
                if self.log.version(version)?.digest != known.digest {
                    return None;
                }
            }
            if !action.inputs.contains(path) {
                let digest = self.log.version(version)?.digest;
                found.push((self.way.locations.portable(path).into_owned(), digest));
            }
            ids.push(id);
            inputs.push(version);
        }
        let passed = check::passed_over(action, &ids, self.log);
        let portable = |path: &String| self.way.locations.portable(path).into_owned();
        let passed = passed.iter().map(portable).collect();
        Some((inputs, Discovered { found, passed }))
    }

    /// Writes into the log what an action that succeeded used and made.
    fn record(
        &mut self,
        action: &Action,
        inputs: Vec<VersionId>,
        outputs: Option<Vec<VersionId>>,
        passed: &[String],
    ) {
        let Some(outputs) = outputs else { return };
        let mut walk = Explanation::default();
        action.walk_command(self.way.locations, &mut walk);
        let command = walk.key();
        let log = &mut *self.log;
        let walk = walk.0.iter().map(|field| (log.id(&field.name), log.id(&field.value))).collect();
        let passed = passed.iter().map(|path| log.id(path)).collect();
        log.record(action.name(), Record { command, walk, inputs, outputs, passed });
    }
}
