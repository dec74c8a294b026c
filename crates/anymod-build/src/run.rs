//! The stage that runs the actions that have to run, on several threads, each through the store.
//!
//! One thread coordinates: it alone knows the log, decides what is next and says what happened. Workers do one [`Job`] at
//! a time. An action's way: looked up in the store; restored if it is there; else claimed, so that of all the processes
//! that share the store one does it, done, and kept.

mod ask;
mod away;
mod choose;
mod promise;
mod record;
mod tell;
mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant, SystemTime};

use anymod_model::Diagnostic;
use anymod_model::event::{Event, Finding, Outcome, Reason, Remote};
use anymod_remote::Traffic;
use anymod_store::Entry;
use ask::Asking;
use away::Away;
use promise::Promises;
use rustc_hash::FxHashMap;
use tell::Told;
use worker::{Claimed, Job, Message};

use crate::action::{Action, Work};
use crate::cached::Place;
use crate::check::Status;
use crate::children::Stop;
use crate::jobs::Tokens;
use crate::log::{Log, VersionId};
use crate::plan::Plan;
use crate::remote::Download;
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
    /// How many results a remote server had, how many actions it did, and what crossed the network.
    pub(crate) remote_hits: usize,
    pub(crate) remote_ran: usize,
    /// How long these waited for workers, in microseconds.
    pub(crate) remote_queued: u64,
    pub(crate) traffic: Traffic,
    /// Actions whose files were left on a remote server.
    pub(crate) left: BTreeSet<usize>,
    /// How many actions ended well and will have to run again, because a file changed meanwhile.
    unrecorded: usize,
}

impl Ran {
    /// True if nothing is left to do.
    pub(crate) fn is_complete(&self) -> bool {
        let done = |outcome: &Option<Outcome>| {
            matches!(outcome, Some(Outcome::Fresh | Outcome::Hit | Outcome::Ran))
        };
        let here = self.left.is_empty() && self.unrecorded == 0;
        !self.cancelled && here && self.outcomes.iter().all(done)
    }
}

/// How long the coordinator waits before it looks whether it is to stop, or whether another process has finished what
/// this one waits for.
const TICK: Duration = Duration::from_millis(20);
/// How long processes are given to end before they are ended.
const GRACE: Duration = Duration::from_millis(1500);

/// How many threads see to what takes a moment and no job slot.
const CLERKS: usize = 2;

/// Who does what the coordinator decides.
struct Hands<'a> {
    /// Takes jobs that have a slot.
    to_workers: Sender<Job>,
    /// Takes those that have none.
    to_clerks: Sender<Job>,
    workshop: &'a Workshop<'a>,
}

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
    /// What is to be done for actions that wait for a slot, and why.
    decided: BTreeMap<usize, (Job, Vec<Reason>)>,
    /// Questions to a remote server, if there is one.
    asking: Option<Asking<'a>>,
    /// What was left on it.
    promises: Promises,
    /// What a remote server's workers do.
    away: Away<'a>,
    /// Actions that are ready and go to the server, while it has no room.
    held: BTreeSet<usize>,
    /// Claims to actions that the server did not do and a processor here had begun.
    places: BTreeMap<usize, Claimed>,
    /// Actions that another process is doing.
    elsewhere: Vec<(usize, Place)>,
    outcomes: Vec<Option<Outcome>>,
    /// By job slot: the action in it. Those of the server come after those of this machine.
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
    remote_hits: usize,
    remote_ran: usize,
    remote_queued: u64,
    told: Told,
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
    let mut traffic = Traffic::default();
    if let Some(remote) = way.remote {
        let (crossed, findings) = remote.finish(run.away.undone);
        traffic = crossed;
        warnings.extend(findings);
    }
    Ok(Ran {
        remote_hits: run.remote_hits,
        remote_ran: run.remote_ran,
        remote_queued: run.remote_queued,
        traffic,
        left: run.promises.into_left(),
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
        let executor = way.remote.and_then(|remote| remote.executor.as_ref());
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
            decided: BTreeMap::new(),
            asking: None,
            promises: Promises::new(
                plan,
                way.remote.map_or(Download::All, |remote| remote.download),
            ),
            away: Away::new(executor),
            held: BTreeSet::new(),
            places: BTreeMap::new(),
            elsewhere: Vec::new(),
            outcomes: vec![None; plan.actions.len()],
            slots: vec![None; way.jobs.limit + executor.map_or(0, |executor| executor.limit)],
            told: Told::default(),
            keeping: 0,
            stopping: false,
            cancelled: None,
            findings: BTreeMap::new(),
            warnings: Vec::new(),
            unrecorded: 0,
            remote_hits: 0,
            remote_ran: 0,
            remote_queued: 0,
        }
    }

    fn on_threads(&mut self, workshop: &Workshop<'_>) -> Result<(), Diagnostic> {
        let (to_workers, jobs) = channel::<Job>();
        let (to_main, messages) = channel::<Message>();
        let jobs = Mutex::new(jobs);
        let (to_clerks, errands) = channel::<Job>();
        let errands = Mutex::new(errands);
        let tokens = self.way.jobs.tokens(to_main.clone(), Message::Token);
        let (actions, way) = (&self.plan.actions, self.way);
        self.asking = way.remote.map(|remote| Asking::new(remote, to_main.clone()));
        std::thread::scope(|scope| {
            for _ in 0..way.jobs.limit {
                let (to_main, jobs) = (to_main.clone(), &jobs);
                scope.spawn(move || worker::work(actions, jobs, &to_main, workshop, way));
            }
            // What takes a moment and no place: it does not wait until a processor is done with a compilation.
            for _ in 0..CLERKS {
                let (to_main, errands) = (to_main.clone(), &errands);
                scope.spawn(move || worker::work(actions, errands, &to_main, workshop, way));
            }
            let hands = Hands { to_workers, to_clerks, workshop };
            let ended = self.coordinate(&hands, &messages, tokens);
            // Whatever went wrong, nothing is left running.
            if ended.is_err() {
                workshop.stop(Stop::AtOnce);
            }
            drop(hands);
            ended
        })
    }

    /// Hands out jobs and takes messages until nothing is left to do; then the workers end, as nobody sends any more.
    fn coordinate(
        &mut self,
        hands: &Hands<'_>,
        messages: &Receiver<Message>,
        mut tokens: Tokens,
    ) -> Result<(), Diagnostic> {
        loop {
            self.look_for_cancelling(hands.workshop);
            if self.stopping {
                self.give_up();
            }
            self.hand_out(hands, &tokens);
            let waiting = self.ready.len() + self.decided.len() + self.away.to_race();
            if !self.stopping && waiting > 0 {
                tokens.want((self.running() + waiting).min(self.way.jobs.limit));
            } else {
                tokens.release(self.running());
            }
            let busy = self.running() + self.keeping > 0;
            let asking = self.asking.as_ref().is_some_and(|asking| !asking.is_idle());
            let waiting = waiting + self.held.len() > 0 || asking || !self.away.is_idle();
            let waiting = waiting || !self.promises.is_idle();
            if !busy && (self.stopping || (self.elsewhere.is_empty() && !waiting)) {
                return self.log.flush();
            }
            if !busy && !waiting {
                self.wait_for_others();
                continue;
            }
            self.tell_traffic();
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
                Ok(message) => self.take(message, hands),
                Err(RecvTimeoutError::Timeout) => self.look_at_elsewhere(),
                Err(RecvTimeoutError::Disconnected) => return self.log.flush(),
            }
        }
    }

    /// Gives everybody something to do. Nobody ends before the senders do, so that all of it is taken.
    fn hand_out(&mut self, hands: &Hands<'_>, tokens: &Tokens) {
        self.ask_ahead();
        while let Some(job) = self.next_to_send() {
            self.errand(job, hands);
        }
        while self.running() < self.way.jobs.limit.min(tokens.allowed()) {
            let Some(job) = self.next().or_else(|| self.next_to_race()) else { break };
            let _ = hands.to_workers.send(job);
        }
    }

    /// Has something done that takes no slot; it is answered by a message.
    fn errand(&mut self, job: Job, hands: &Hands<'_>) {
        self.keeping += 1;
        let _ = hands.to_clerks.send(job);
    }

    /// How many actions run on this machine.
    fn running(&self) -> usize {
        self.slots.iter().take(self.way.jobs.limit).flatten().count()
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

    /// Notes how an action ended and lets those go on that waited for it.
    fn conclude(&mut self, index: usize, outcome: Outcome) {
        let before = self.outcomes.get_mut(index).and_then(|slot| slot.replace(outcome));
        if outcome == Outcome::Failed {
            return self.abandon(index);
        }
        if before.is_some() {
            // It was made again, and those who read it know that from what they waited for.
            return self.arrived(index);
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

    fn take(&mut self, message: Message, hands: &Hands<'_>) {
        match message {
            Message::Did { index, started, done, place } => {
                match self.did_here(index, &done, hands.workshop) {
                    Ok(raced) => self.did(index, started, *done, place.or(raced), hands),
                    Err(collect) => self.errand(collect, hands),
                }
            }
            Message::Restored { index, result: Ok(Some(made)), entry, remote, .. } => {
                self.restored(index, &made, &entry, remote);
            }
            Message::Sent { index, sent } => {
                self.keeping -= 1;
                match sent {
                    Ok(pursuit) => self.sent(index, pursuit),
                    Err(why) => self.not_executed(index, why),
                }
            }
            Message::Executed { index, started, answer } => {
                if let Some(job) = self.executed(index, started, answer, hands.workshop) {
                    self.errand(job, hands);
                }
            }
            Message::Collected { index, started, done } => {
                self.keeping -= 1;
                match &done.error {
                    // Whatever it sent, it is not what the action makes.
                    Some(errors) => self.not_collected(index, told(errors)),
                    None => {
                        let place = self.collected(index);
                        self.did(index, started, *done, place, hands);
                    }
                }
            }
            Message::Surroundings { index, answer } => self.surroundings(index, answer),
            Message::Fetched { index, answer } => self.fetched(index, answer),
            Message::Restored { index, result: Ok(None), place, .. } => {
                // The store has lost it: it is done after all.
                self.leave(index, false, "the store has lost it".to_owned());
                self.do_with_inputs(index, Some(Claimed { place, claim: None }), Vec::new());
            }
            Message::Restored { index, result: Err(error), .. } => {
                self.failed(index, vec![error], None, String::new());
            }
            Message::Left { index, entry, place, remote } => {
                self.left(index, place, *entry, remote);
            }
            Message::Redeemed { index, blobs } => self.redeemed(index, blobs, &hands.to_clerks),
            Message::Placed { index, result } => self.placed(index, result),
            Message::Kept => self.keeping -= 1,
            // Taken by the caller.
            Message::Token(_) => {}
        }
    }

    /// Takes what came out of the store.
    fn restored(&mut self, index: usize, made: &[Made], entry: &Entry, remote: Option<Remote>) {
        let Some(action) = self.plan.actions.get(index) else { return };
        let outputs = self.outputs(action, made);
        self.found(action, outputs, entry);
        self.finish(index, Outcome::Hit, None, entry.said.clone(), remote);
    }

    /// Writes into the log what an action was found to have used and made.
    fn found(&mut self, action: &Action, outputs: Option<Vec<VersionId>>, entry: &Entry) {
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
    }

    /// Takes what was done: tells it, records it, has it kept.
    fn did(
        &mut self,
        index: usize,
        started: SystemTime,
        done: Done,
        place: Option<Claimed>,
        hands: &Hands<'_>,
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
                let said = done.output.clone();
                self.errand(Job::Keep { index, place, claim, discovered, said }, hands);
            }
        } else {
            self.unrecorded += 1;
        }
        let shown = command.filter(|_| !done.output.is_empty());
        self.finish(index, Outcome::Ran, shown, done.output, done.remote);
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
        self.finish(index, Outcome::Failed, command, output, None);
        for error in &errors {
            (self.sink)(Event::Diagnostic(Finding::from(error)));
        }
        self.findings.insert(index, errors);
    }
}

/// Findings in a clause.
fn told(findings: &[Diagnostic]) -> String {
    findings.iter().map(|finding| finding.message.as_str()).collect::<Vec<_>>().join("; ")
}
