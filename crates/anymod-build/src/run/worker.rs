//! The workers' side of a run: one job at a time, each answered with a message.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Instant, SystemTime};

use anymod_model::Diagnostic;
use anymod_model::event::{Help, Remote};
use anymod_remote::{Executed, Fault, Fetched, Pursuit};
use anymod_store::{ClaimGuard, Entry, Record};

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
    /// Keep what a remote server had, and put it in place.
    Adopt { index: usize, fetched: Box<Fetched>, place: Claimed, since: Instant },
    /// Leave what a remote server had where it is.
    Leave { index: usize, entry: Box<Entry>, place: Place, since: Instant },
    /// Put in place what was left and came after all; it takes no slot.
    Place { index: usize, place: Place, entry: Box<Entry>, blobs: Vec<Vec<u8>> },
    /// Have a server do the action; nobody waits for it here.
    Send { index: usize },
    /// Put in place what a server's worker made.
    Collect { index: usize, executed: Box<Executed>, since: Instant, started: SystemTime },
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
        remote: Option<Remote>,
    },
    /// What a remote server had was left there.
    Left {
        index: usize,
        entry: Box<Entry>,
        place: Place,
        remote: Remote,
    },
    /// The files of an action whose result was left.
    Redeemed {
        index: usize,
        blobs: Result<Vec<Vec<u8>>, Fault>,
    },
    /// They are in place, or gone from the store.
    Placed {
        index: usize,
        result: Result<Option<Vec<Made>>, Diagnostic>,
    },
    /// Among which files an action has run elsewhere.
    Surroundings {
        index: usize,
        answer: Result<Record, Fault>,
    },
    /// What came of it.
    Fetched {
        index: usize,
        answer: Result<Fetched, Fault>,
    },
    /// A server was asked to do an action; or why it was not.
    Sent {
        index: usize,
        sent: Result<Pursuit, String>,
    },
    /// What a server's workers made of an action.
    Executed {
        index: usize,
        started: SystemTime,
        answer: Result<Box<Executed>, Fault>,
    },
    /// What they made was put in place.
    Collected {
        index: usize,
        started: SystemTime,
        done: Box<Done>,
    },
    /// Something that nobody waits for was done.
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
        let Some(message) = answer(job, actions, workshop, way, to_main) else { return };
        if to_main.send(message).is_err() {
            return;
        }
    }
}

/// Does a job; none if there is no such action or store, which no job is made for.
fn answer(
    job: Job,
    actions: &[Action],
    workshop: &Workshop<'_>,
    way: &Way<'_>,
    to_main: &Sender<Message>,
) -> Option<Message> {
    match job {
        Job::Do { index, place } => {
            let started = SystemTime::now();
            let done = Box::new(work::execute(actions.get(index)?, index, workshop));
            Some(Message::Did { index, started, done, place })
        }
        Job::Restore { index, entry, place } => {
            let result = cached::restore(actions.get(index)?, &entry, way);
            Some(Message::Restored { index, result, entry, place, remote: None })
        }
        Job::Adopt { index, fetched, place, since } => {
            let action = actions.get(index)?;
            let down = fetched.blobs.iter().map(|bytes| bytes.len() as u64).sum();
            let Fetched { entry, blobs } = *fetched;
            let Claimed { place, claim } = place;
            let result = cached::adopt(action, &place, &entry, &blobs, way);
            drop(claim);
            let remote = Some(taken(since, down));
            Some(Message::Restored { index, result, entry: Box::new(entry), place, remote })
        }
        Job::Leave { index, entry, place, since } => {
            Some(Message::Left { index, entry, place, remote: taken(since, 0) })
        }
        Job::Place { index, place, entry, blobs } => {
            let result = cached::adopt(actions.get(index)?, &place, &entry, &blobs, way);
            Some(Message::Placed { index, result })
        }
        Job::Send { index } => {
            let sent = send(index, actions.get(index)?, way, to_main);
            Some(Message::Sent { index, sent })
        }
        Job::Collect { index, executed, since, started } => {
            let mut done = Box::new(work::collect(actions.get(index)?, *executed, workshop, way));
            if let Some(remote) = &mut done.remote {
                remote.waited = waited(since);
            }
            Some(Message::Collected { index, started, done })
        }
        Job::Keep { index, place, claim, discovered, said } => {
            let action = actions.get(index)?;
            cached::keep(action, &place, &discovered, &said, way);
            drop(claim);
            Some(Message::Kept)
        }
    }
}

/// How long something was waited for, in microseconds.
/// What there is to tell of a result that the server had.
fn taken(since: Instant, down: u64) -> Remote {
    Remote { how: Help::Cached, waited: waited(since), queued: 0, down, worker: String::new() }
}

fn waited(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// Sends an action to the server; the answer comes as a message.
fn send(
    index: usize,
    action: &Action,
    way: &Way<'_>,
    to_main: &Sender<Message>,
) -> Result<Pursuit, String> {
    let started = SystemTime::now();
    let remote = way.remote.ok_or("there is no server")?;
    let executor = remote.executor.as_ref().ok_or("there is no executor")?;
    let task = executor.task(action, way.root, way.locations);
    let task = task.ok_or("reading its sources does not tell all that it reads")?;
    let to_main = to_main.clone();
    Ok(remote.client.execute(task, move |answer| {
        // Nobody listens any more once the run is over.
        let answer = answer.map(Box::new);
        let _ = to_main.send(Message::Executed { index, started, answer });
    }))
}
