//! The workers' side of a run: one job at a time, each answered with a message.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender};
use std::time::SystemTime;

use anymod_model::Diagnostic;
use anymod_store::{ClaimGuard, Entry};

use crate::action::Action;
use crate::cached::{self, Discovered, Place};
use crate::jobs::Token;
use crate::way::Way;
use crate::work::{self, Done, Made, Workshop};

/// An action's place in the store, and the claim to it if the store can give any.
pub(super) struct Claimed {
    pub(super) place: Place,
    pub(super) claim: Option<ClaimGuard>,
}

/// What a worker is given.
pub(super) enum Job {
    /// Do the action.
    Do { index: usize, place: Option<Claimed> },
    /// Put what the store has in place.
    Restore { index: usize, entry: Box<Entry>, place: Place },
    /// Keep what the action made; nobody waits for it.
    Keep {
        index: usize,
        place: Place,
        claim: Option<ClaimGuard>,
        discovered: Discovered,
        said: String,
    },
}

/// What the coordinator is told.
pub(super) enum Message {
    Did {
        index: usize,
        started: SystemTime,
        done: Box<Done>,
        place: Option<Claimed>,
    },
    Restored {
        index: usize,
        result: Result<Option<Vec<Made>>, Diagnostic>,
        entry: Box<Entry>,
        place: Place,
    },
    Kept,
    Token(Token),
}

/// Takes jobs until nobody has any more.
pub(super) fn work(
    actions: &[Action],
    jobs: &Mutex<Receiver<Job>>,
    to_main: &Sender<Message>,
    workshop: &Workshop<'_>,
    way: &Way<'_>,
) {
    loop {
        let job = match jobs.lock() {
            Ok(jobs) => jobs.recv(),
            Err(_) => return,
        };
        let Ok(job) = job else { return };
        let Some(message) = answer(job, actions, workshop, way) else { return };
        if to_main.send(message).is_err() {
            return;
        }
    }
}

/// Does a job; none if there is no such action or store, which no job is made for.
fn answer(job: Job, actions: &[Action], workshop: &Workshop<'_>, way: &Way<'_>) -> Option<Message> {
    match job {
        Job::Do { index, place } => {
            let started = SystemTime::now();
            let done = Box::new(work::execute(actions.get(index)?, index, workshop));
            Some(Message::Did { index, started, done, place })
        }
        Job::Restore { index, entry, place } => {
            let result = cached::restore(actions.get(index)?, &entry, way);
            Some(Message::Restored { index, result, entry, place })
        }
        Job::Keep { index, place, claim, discovered, said } => {
            let action = actions.get(index)?;
            cached::keep(action, &place, &discovered, &said, way);
            drop(claim);
            Some(Message::Kept)
        }
    }
}
