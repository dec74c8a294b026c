//! The part of a run that decides what is done next: which action, and whether it is restored, asked about or done.

use anymod_model::event::{Outcome, Reason};
use anymod_store::Claim;

use super::Run;
use super::ask::Asking;
use super::worker::{Claimed, Job};
use crate::action::Action;
use crate::cached;
use crate::check::{self, Status};

impl Run<'_> {
    /// The next job, of the action that is first in the plan among those that can be done now.
    pub(super) fn next(&mut self) -> Option<Job> {
        if self.stopping {
            return None;
        }
        // Each look may be another question, and each question holds a claim.
        let room = |run: &Self| run.asking.as_ref().is_none_or(Asking::may_ask);
        while self.decided.is_empty() && room(self) && self.look() {}
        let (index, (job, reasons)) = self.decided.pop_first()?;
        self.start(index, reasons, false);
        Some(job)
    }

    /// The next action that is ready. Those that would only wait for the server are left until it has room, so that what
    /// is done here is found behind them.
    fn next_ready(&mut self) -> Option<usize> {
        if !self.away.is_full()
            && let Some(index) = self.held.pop_first()
        {
            return Some(index);
        }
        while let Some(index) = self.ready.pop_first() {
            let action = self.plan.actions.get(index);
            if !self.away.is_full() || !action.is_some_and(|action| self.goes_away(action)) {
                return Some(index);
            }
            self.held.insert(index);
        }
        None
    }

    /// Looks at the next action that is ready: it is fresh, or is decided or asked about, or another process does it.
    /// False if none is ready.
    pub(super) fn look(&mut self) -> bool {
        let Some(index) = self.next_ready() else { return false };
        let Some(action) = self.plan.actions.get(index) else { return true };
        let reasons = match self.statuses.get(index) {
            Some(Status::Fresh) | None => Vec::new(),
            Some(Status::Stale(reasons)) if self.makers.get(index).is_none_or(Vec::is_empty) => {
                reasons.clone()
            }
            // How it stood before the makers of its inputs ran no longer counts.
            Some(_) => check::reasons(action, self.way.locations, self.log),
        };
        if reasons.is_empty() {
            self.conclude(index, Outcome::Fresh);
        } else {
            self.choose(index, action, reasons);
        }
        true
    }

    /// Decides what is to be done for an action, unless another process is doing it or a server is to be asked.
    fn choose(&mut self, index: usize, action: &Action, reasons: Vec<Reason>) {
        let Some(store) = self.way.store else {
            return self.do_with_inputs(index, None, reasons);
        };
        let Some(place) = cached::place(action, self.way.locations, self.log) else {
            return self.do_with_inputs(index, None, reasons);
        };
        let mut look = || cached::lookup(action, &place, store, self.way.locations, self.log);
        if let Some(entry) = look() {
            let job = Job::Restore { index, entry: Box::new(entry), place };
            return self.decide(index, job, reasons);
        }
        let claim = match store.claim(&place.key) {
            Claim::Busy => return self.elsewhere.push((index, place)),
            Claim::Held(guard) => Some(guard),
            Claim::Unavailable => None,
        };
        // Somebody may have finished it between the look and the claim.
        match look() {
            Some(entry) => {
                let job = Job::Restore { index, entry: Box::new(entry), place };
                self.decide(index, job, reasons);
            }
            None => self.ask(index, action, Claimed { place, claim }, reasons),
        }
    }
}
