//! The part of a run that asks a remote server, for what the store does not have.
//!
//! Questions take no job slots: many are under way at once, and an action takes a slot when it is known whether its result
//! is there to be put in place or has to be made. Whatever comes of a question, the action goes on.

use std::collections::BTreeMap;
use std::sync::mpsc::Sender;
use std::time::Instant;

use anymod_model::event::Reason;
use anymod_remote::{Fault, Fetched, Step};
use anymod_store::{Entry, Record};

use super::Run;
use super::worker::{Claimed, Job, Message};
use crate::action::Action;
use crate::cached;
use crate::remote::Remote;

/// How many actions are asked about at once.
const AT_ONCE: usize = 64;

/// What is under way.
pub(super) struct Asking<'a> {
    pub(super) remote: &'a Remote,
    to_main: Sender<Message>,
    /// By index of the action.
    pending: BTreeMap<usize, Pending>,
}

/// An action that is asked about.
struct Pending {
    claimed: Claimed,
    reasons: Vec<Reason>,
    since: Instant,
}

impl<'a> Asking<'a> {
    pub(super) fn new(remote: &'a Remote, to_main: Sender<Message>) -> Asking<'a> {
        Asking { remote, to_main, pending: BTreeMap::new() }
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
        self.pending.len() < AT_ONCE && self.remote.is_on()
    }

    /// False if another action would have to wait to be asked about.
    pub(super) fn may_ask(&self) -> bool {
        self.has_room() || !self.remote.is_on()
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
        let room = |run: &Self| run.asking.as_ref().is_some_and(Asking::has_room);
        while !self.stopping && room(self) && self.look() {}
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
        let pending = self.asking.as_mut().and_then(|asking| asking.pending.remove(&index));
        let Some(Pending { claimed, reasons, since }) = pending else { return };
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
}
