//! The part of a run that has actions done by a remote server's workers.
//!
//! What is sent takes no place of this machine's: it has job slots of its own, behind those of the processors, as many as
//! the settings allow, and no thread waits for any of it. What the workers did not do is done here, failures among it, so
//! that what is said of them is said by the tool on this machine. If processors that have nothing else to do may begin what
//! is on the server as well, the first to be done wins and the other is called off; only one of them ever writes.

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime};

use anymod_model::event::{Event, Reason};
use anymod_remote::{Executed, Fault, Pursuit};

use super::Run;
use super::worker::{Claimed, Job};
use crate::action::Action;
use crate::remote::Executor;
use crate::work::{Done, Workshop};

/// How many actions wait to be sent at most. Each holds its claim, and nobody else can do it.
const WAITING: usize = 64;

/// How many results may wait to be put in place and kept while more is sent.
const ERRANDS: usize = 256;

/// What is away, or is to be.
#[derive(Default)]
pub(super) struct Away<'a> {
    executor: Option<&'a Executor>,
    /// Actions that the server is to do when it has room for them, in the order of the plan.
    waiting: BTreeMap<usize, Sent>,
    /// Actions that it does now.
    sent: BTreeMap<usize, Sent>,
    /// What workers failed at, and what they said; if this machine does not, they lack something.
    doubted: BTreeMap<usize, String>,
    /// Why the server did not do what it was sent, the first time, and how often.
    pub(super) undone: Option<(String, usize)>,
}

/// An action that is away.
struct Sent {
    place: Option<Claimed>,
    reasons: Vec<Reason>,
    since: Instant,
    /// None until the server was asked.
    pursuit: Option<Pursuit>,
    /// True once a processor here has begun it as well.
    raced: bool,
    /// What the workers made, while the processor that was too late is called off.
    made: Option<(Box<Executed>, SystemTime)>,
    /// True once what they made is being put in place.
    won: bool,
}

impl<'a> Away<'a> {
    pub(super) fn new(executor: Option<&'a Executor>) -> Away<'a> {
        Away { executor, ..Away::default() }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.sent.is_empty() && self.waiting.is_empty()
    }

    /// How many actions may be on the server at once.
    pub(super) fn limit(&self) -> usize {
        self.executor.map_or(0, |executor| executor.limit)
    }

    /// True if no more actions should be found that would have to wait.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= WAITING
    }

    fn races(&self) -> bool {
        self.executor.is_some_and(|executor| executor.races)
    }

    /// How many actions a processor here could begin as well.
    pub(super) fn to_race(&self) -> usize {
        if self.races() { self.waiting.len() + self.sent.len() } else { 0 }
    }

    fn undone(&mut self, why: &str) {
        self.undone.get_or_insert_with(|| (why.to_owned(), 0)).1 += 1;
    }
}

impl Run<'_> {
    /// True for actions that go to the server.
    pub(super) fn goes_away(&self, action: &Action) -> bool {
        let executes = self.way.remote.is_some_and(|remote| remote.client.executes());
        let takes = |executor: &Executor| executor.takes(action, self.way.locations);
        executes && self.away.executor.is_some_and(takes)
    }

    /// Has an action done by the server if it can do it, else here.
    pub(super) fn send_or_do(
        &mut self,
        index: usize,
        place: Option<Claimed>,
        reasons: Vec<Reason>,
    ) {
        let Some(action) = self.plan.actions.get(index) else { return };
        if !self.goes_away(action) {
            return self.decide(index, Job::Do { index, place }, reasons);
        }
        let sent = Sent {
            place,
            reasons,
            since: Instant::now(),
            pursuit: None,
            raced: false,
            made: None,
            won: false,
        };
        self.away.waiting.insert(index, sent);
    }

    /// An action that the server has room for.
    pub(super) fn next_to_send(&mut self) -> Option<Job> {
        let full = self.away.sent.len() >= self.away.limit() || self.keeping >= ERRANDS;
        if self.stopping || full {
            return None;
        }
        let (index, sent) = self.away.waiting.pop_first()?;
        self.start(index, sent.reasons.clone(), true);
        self.away.sent.insert(index, Sent { since: Instant::now(), ..sent });
        Some(Job::Send { index })
    }

    /// Something for a processor that has nothing else to do: what waits for the server, or what it was sent last.
    pub(super) fn next_to_race(&mut self) -> Option<Job> {
        if self.stopping || !self.away.races() {
            return None;
        }
        if let Some((index, sent)) = self.away.waiting.pop_last() {
            self.start(index, sent.reasons, false);
            return Some(Job::Do { index, place: sent.place });
        }
        let open = |(_, sent): &(&usize, &mut Sent)| !sent.raced && !sent.won;
        let (index, sent) = self.away.sent.iter_mut().rev().find(open)?;
        sent.raced = true;
        let (index, reasons) = (*index, sent.reasons.clone());
        self.start(index, reasons, false);
        Some(Job::Do { index, place: None })
    }

    /// Takes note of an action that the server was asked to do.
    pub(super) fn sent(&mut self, index: usize, pursuit: Pursuit) {
        match self.away.sent.get_mut(&index) {
            Some(sent) => sent.pursuit = Some(pursuit),
            // It was faster here.
            None => pursuit.give_up(),
        }
    }

    /// Takes what the server's workers made of an action; if there is something to be put in place, the job to do so.
    pub(super) fn executed(
        &mut self,
        index: usize,
        started: SystemTime,
        answer: Result<Box<Executed>, Fault>,
        workshop: &Workshop<'_>,
    ) -> Option<Job> {
        let executed = match answer {
            Ok(executed) if executed.exit_code == 0 => executed,
            Ok(executed) => {
                let why = format!("it failed there with exit code {}", executed.exit_code);
                let told = last_line(&executed.said);
                self.away.doubted.insert(index, format!("a worker failed at one of them{told}"));
                self.not_executed(index, why);
                return None;
            }
            Err(fault) => {
                if !matches!(fault, Fault::Changed) && self.away.sent.contains_key(&index) {
                    self.away.undone(&fault.to_string());
                }
                self.not_executed(index, fault.to_string());
                return None;
            }
        };
        // Else it was faster here, or the run is over.
        let sent = self.away.sent.get_mut(&index)?;
        if sent.raced {
            sent.made = Some((executed, started));
            workshop.call_off(index);
            return None;
        }
        sent.won = true;
        Some(Job::Collect { index, executed, since: sent.since, started })
    }

    /// Has an action done here after all.
    pub(super) fn not_executed(&mut self, index: usize, why: String) {
        let Some(Sent { place, reasons, raced, .. }) = self.away.sent.remove(&index) else {
            return;
        };
        self.leave(index, true, why);
        if raced {
            // The processor here goes on, and what it makes is kept in its place.
            self.places.extend(place.map(|place| (index, place)));
        } else {
            self.decide(index, Job::Do { index, place }, reasons);
        }
    }

    /// The same, because what the workers made is not what the action makes.
    pub(super) fn not_collected(&mut self, index: usize, why: String) {
        self.away.undone(&why);
        self.not_executed(index, why);
    }

    /// Takes what a processor here made of an action that may be away as well: the claim to it, or what has to be put in
    /// place instead, because the workers were faster.
    pub(super) fn did_here(
        &mut self,
        index: usize,
        done: &Done,
        workshop: &Workshop<'_>,
    ) -> Result<Option<Claimed>, Job> {
        if let Some(why) = self.away.doubted.remove(&index)
            && done.error.is_none()
        {
            self.away.undone(&why);
        }
        let Some(sent) = self.away.sent.get_mut(&index) else {
            return Ok(self.places.remove(&index));
        };
        workshop.call_back(index);
        if let Some((executed, started)) = sent.made.take()
            && done.error.is_some()
        {
            (sent.won, sent.raced) = (true, false);
            let since = sent.since;
            self.leave(index, false, "a worker of the server was faster".to_owned());
            return Err(Job::Collect { index, executed, since, started });
        }
        let sent = self.away.sent.remove(&index);
        if let Some(pursuit) = sent.as_ref().and_then(|sent| sent.pursuit.as_ref()) {
            pursuit.give_up();
        }
        self.leave(index, true, "this machine was faster".to_owned());
        Ok(sent.and_then(|sent| sent.place))
    }

    /// Takes note that what the workers made is in place; the claim to it.
    pub(super) fn collected(&mut self, index: usize) -> Option<Claimed> {
        self.away.sent.remove(&index)?.place
    }

    /// Gives up everything that is away, because the run is over.
    pub(super) fn give_up(&mut self) {
        self.away.waiting.clear();
        let won = |_: &usize, sent: &mut Sent| sent.won;
        for (_, sent) in self.away.sent.extract_if(.., |index, sent| !won(index, sent)) {
            if let Some(pursuit) = sent.pursuit {
                pursuit.give_up();
            }
        }
    }

    /// Tells that an action left one of its slots undone.
    pub(super) fn leave(&mut self, index: usize, remote: bool, why: String) {
        let local = self.way.jobs.limit;
        let found = self
            .slots
            .iter()
            .enumerate()
            .find(|(number, slot)| **slot == Some(index) && (*number >= local) == remote);
        let Some(slot) = found.map(|(slot, _)| slot) else { return };
        if let Some(left) = self.slots.get_mut(slot) {
            *left = None;
        }
        let at = self.at();
        (self.sink)(Event::ActionLeft { id: index, slot, at, why });
    }
}

/// The last thing that a command said, to be put behind a clause.
fn last_line(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
    line.map_or_else(String::new, |line| {
        let plain = line.chars().filter(|letter| !letter.is_control());
        format!(": {}", plain.take(200).collect::<String>())
    })
}
