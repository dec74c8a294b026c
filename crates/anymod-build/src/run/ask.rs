//! The part of a run that asks a remote server, for what the store does not have.
//!
//! Questions take no job slots: many are under way at once, and an action takes a slot when it is known whether its result
//! is there to be put in place or has to be made. Whatever comes of a question, the action goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::Sender;
use std::time::{Instant, SystemTime};

use anymod_model::event::Reason;
use anymod_remote::{Executed, Fault, Fetched, Step};
use anymod_store::{Entry, Record};

use super::Run;
use super::worker::{Claimed, Job, Message};
use crate::action::Action;
use crate::cached;
use crate::remote::{Executor, Remote};

/// How many actions are asked about at once.
const AT_ONCE: usize = 64;

/// What is under way.
pub(super) struct Asking<'a> {
    pub(super) remote: &'a Remote,
    to_main: Sender<Message>,
    /// By index of the action.
    pending: BTreeMap<usize, Pending>,
    /// How many of these are done by the server now.
    executing: usize,
    /// Why the server did not do what it was sent, the first time, and how often.
    pub(super) undone: Option<(String, usize)>,
    /// Actions that the server is to do when it has room for them, in the order of the plan.
    waiting: BTreeSet<usize>,
}

/// An action that is asked about.
struct Pending {
    claimed: Claimed,
    reasons: Vec<Reason>,
    since: Instant,
}

impl<'a> Asking<'a> {
    pub(super) fn new(remote: &'a Remote, to_main: Sender<Message>) -> Asking<'a> {
        let pending = BTreeMap::new();
        Asking { remote, to_main, pending, executing: 0, undone: None, waiting: BTreeSet::new() }
    }

    /// Where answers go.
    pub(super) fn to_main(&self) -> Sender<Message> {
        self.to_main.clone()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    /// True if another action can be asked about.
    pub(super) fn has_room(&self) -> bool {
        let asked = self.pending.len() - self.executing - self.waiting.len();
        asked < AT_ONCE && self.remote.is_on()
    }

    /// Asks among which files an action has run elsewhere.
    fn ask(&mut self, index: usize, action: &Action, claimed: Claimed, reasons: Vec<Reason>) {
        let step = step(action, &claimed);
        let to_main = self.to_main.clone();
        self.remote.client.surroundings(step, move |answer| {
            // Nobody listens any more once the run is over.
            let _ = to_main.send(Message::Surroundings { index, answer });
        });
        self.pending.insert(index, Pending { claimed, reasons, since: Instant::now() });
    }
}

fn step(action: &Action, claimed: &Claimed) -> Step {
    Step { namespace: action.kind.name(), key: claimed.place.key }
}

impl Run<'_> {
    /// Asks about an action that would otherwise be done here; gives it back if there is nobody to ask.
    pub(super) fn ask(
        &mut self,
        index: usize,
        action: &Action,
        claimed: Claimed,
        reasons: Vec<Reason>,
    ) {
        match &mut self.asking {
            Some(asking) if asking.remote.is_on() => asking.ask(index, action, claimed, reasons),
            _ => self.do_with_inputs(index, Some(claimed), reasons),
        }
    }

    /// Notes what is to be done for an action.
    pub(super) fn decide(&mut self, index: usize, job: Job, reasons: Vec<Reason>) {
        self.decided.insert(index, (job, reasons));
    }

    /// Looks at actions ahead of free slots while there is somebody to ask about them.
    pub(super) fn ask_ahead(&mut self) {
        while !self.stopping && self.asking.as_ref().is_some_and(Asking::has_room) && self.look() {}
    }

    /// Takes the sets of files among which an action has run elsewhere, and asks for the result among those that are as
    /// they are here.
    pub(super) fn surroundings(&mut self, index: usize, answer: Result<Record, Fault>) {
        let Some(action) = self.plan.actions.get(index) else { return };
        let fits =
            |run: &mut Self, entry: &Entry| cached::fits(action, entry, run.way.locations, run.log);
        let entries = answer.map(|record| record.entries).unwrap_or_default();
        let known = entries.into_iter().find(|entry| fits(self, entry));
        let (Some(known), Some(store)) = (known, self.way.store) else {
            return self.answered(index, None);
        };
        let Some(asking) = &mut self.asking else { return };
        let Some(pending) = asking.pending.get(&index) else { return };
        let (to_main, blobs) = (asking.to_main.clone(), store.blobs());
        let leave = self.promises.may_leave(index);
        asking.remote.client.fetch(
            step(action, &pending.claimed),
            known,
            move |output| !leave && !blobs.has(&output.digest, output.size),
            move |answer| {
                let _ = to_main.send(Message::Fetched { index, answer });
            },
        );
    }

    /// Takes the result, if there is one that makes what the action makes.
    pub(super) fn fetched(&mut self, index: usize, answer: Result<Fetched, Fault>) {
        let Some(action) = self.plan.actions.get(index) else { return };
        let whole = |fetched: &Fetched| {
            let made = fetched.entry.outputs.iter().map(|output| &output.name);
            made.eq(&action.outputs)
        };
        self.answered(index, answer.ok().filter(whole));
    }

    fn answered(&mut self, index: usize, fetched: Option<Fetched>) {
        let Some(asking) = &mut self.asking else { return };
        let Some(Pending { claimed, reasons, since }) = asking.pending.remove(&index) else {
            return;
        };
        let Some(fetched) = fetched else {
            return self.do_with_inputs(index, Some(claimed), reasons);
        };
        if self.promises.may_leave(index) {
            let place = claimed.place;
            let entry = Box::new(fetched.entry);
            return self.decide(index, Job::Leave { index, entry, place, since }, reasons);
        }
        let job = Job::Adopt { index, fetched: Box::new(fetched), place: claimed, since };
        self.decide(index, job, reasons);
    }

    /// Has an action done by the server if it can do it, else here. All that it reads is here.
    pub(super) fn send_or_do(
        &mut self,
        index: usize,
        claimed: Option<Claimed>,
        reasons: Vec<Reason>,
    ) {
        let action = self.plan.actions.get(index);
        let takes = |remote: &Remote| {
            remote.executor.is_some()
                && remote.is_on()
                && action.is_some_and(|action| Executor::takes(action, self.way.locations))
        };
        match (claimed, &mut self.asking) {
            (Some(claimed), Some(asking)) if takes(asking.remote) => {
                asking.waiting.insert(index);
                asking.pending.insert(index, Pending { claimed, reasons, since: Instant::now() });
            }
            (place, _) => self.decide(index, Job::Do { index, place }, reasons),
        }
    }

    /// An action that the server has room for.
    pub(super) fn next_to_send(&mut self) -> Option<Job> {
        let asking = self.asking.as_mut()?;
        let limit = asking.remote.executor.as_ref()?.limit;
        if self.stopping || asking.executing >= limit {
            return None;
        }
        let index = asking.waiting.pop_first()?;
        asking.executing += 1;
        Some(Job::Send { index })
    }

    /// Takes what the server's workers made of an action. What they did not make is made here, failures among it, so that
    /// what is said of them is said by the tool on this machine.
    pub(super) fn executed(
        &mut self,
        index: usize,
        started: SystemTime,
        answer: Result<Executed, Fault>,
    ) {
        let Some(asking) = &mut self.asking else { return };
        asking.executing -= 1;
        let Some(Pending { claimed, reasons, since }) = asking.pending.remove(&index) else {
            return;
        };
        if let Err(fault @ (Fault::Away(_) | Fault::Refused(_) | Fault::Wrong(_))) = &answer {
            asking.undone.get_or_insert_with(|| (fault.to_string(), 0)).1 += 1;
        }
        let place = Some(claimed);
        let job = match answer.ok().filter(|executed| executed.exit_code == 0) {
            None => Job::Do { index, place },
            Some(executed) => {
                Job::Collect { index, executed: Box::new(executed), place, since, started }
            }
        };
        self.decide(index, job, reasons);
    }
}
