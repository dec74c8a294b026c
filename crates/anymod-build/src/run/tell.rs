//! The part of a run that tells what happens: actions that begin and end, each in a slot, and what crossed the network.

use std::time::{Duration, Instant};

use anymod_model::event::{Event, Help, Outcome, Reason, Remote};
use anymod_remote::Traffic;

use super::Run;

/// How often it is told at most what crossed the network.
const TELLING: Duration = Duration::from_millis(500);

/// What was last told of what crossed the network.
#[derive(Default)]
pub(super) struct Told {
    when: Option<Instant>,
    traffic: Traffic,
}

impl Run<'_> {
    /// Tells now and then what crossed the network.
    pub(super) fn tell_traffic(&mut self) {
        let Some(remote) = self.way.remote else { return };
        if self.told.when.is_some_and(|when| when.elapsed() < TELLING) {
            return;
        }
        let traffic = remote.client.traffic();
        let moved = (traffic.up, traffic.down) != (self.told.traffic.up, self.told.traffic.down);
        self.told = Told { when: Some(Instant::now()), traffic };
        if moved {
            let Traffic { up, down, .. } = traffic;
            let at = self.at();
            (self.sink)(Event::Traffic { at, up, down });
        }
    }

    /// Tells that an action begins, in a slot of this machine or of the server.
    pub(super) fn start(&mut self, index: usize, reasons: Vec<Reason>, remote: bool) {
        let Some(action) = self.plan.actions.get(index) else { return };
        let first = if remote { self.way.jobs.limit } else { 0 };
        let mut free = self.slots.iter_mut().enumerate().skip(first);
        let Some((slot, free)) = free.find(|(_, slot)| slot.is_none()) else { return };
        *free = Some(index);
        let ran =
            |maker: &usize| !matches!(self.outcomes.get(*maker), Some(None | Some(Outcome::Fresh)));
        let after = self.makers.get(index).into_iter().flatten().copied().filter(ran).collect();
        let at = self.at();
        let action = action.event();
        (self.sink)(Event::ActionStarted { id: index, action, slot, at, reasons, after, remote });
    }

    /// Microseconds since the run began.
    pub(super) fn at(&self) -> u64 {
        u64::try_from(self.way.clock.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Tells that an action ended, frees its slot and lets others go on.
    pub(super) fn finish(
        &mut self,
        index: usize,
        outcome: Outcome,
        command: Option<String>,
        output: String,
        remote: Option<Remote>,
    ) {
        let Some(action) = self.plan.actions.get(index) else { return };
        match &remote {
            Some(Remote { how: Help::Cached, .. }) => self.remote_hits += 1,
            Some(Remote { how: Help::Executed, queued, .. }) => {
                self.remote_ran += 1;
                self.remote_queued += queued;
            }
            None => {}
        }
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
            remote,
        });
        self.conclude(index, outcome);
    }

    pub(super) fn free(&mut self, index: usize) -> usize {
        let slot = self.slots.iter().position(|slot| *slot == Some(index)).unwrap_or_default();
        if let Some(slot) = self.slots.get_mut(slot) {
            *slot = None;
        }
        slot
    }
}
