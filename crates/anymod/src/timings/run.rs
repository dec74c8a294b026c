//! A recorded run as numbers: each action with its times, the critical path, how busy the slots were.

use std::collections::BTreeMap;

use anymod_model::event::{Event, Help, Outcome, Remote, Totals};
use serde::Serialize;

/// How many reasons of an action are worth showing.
const MAX_REASONS: usize = 6;

/// A run as it was.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// Version of anymod, as the run says.
    pub(super) anymod: String,
    pub(super) jobs: usize,
    /// How many actions the plan had, those that were fresh included.
    pub(super) planned: usize,
    /// What the last event says; none if the run was ended before it.
    pub(super) totals: Option<Totals>,
    /// By start.
    pub(super) actions: Vec<Timed>,
}

/// An action with its times in microseconds since the run began.
#[derive(Debug, Serialize)]
pub(super) struct Timed {
    pub(super) id: usize,
    pub(super) kind: &'static str,
    pub(super) what: String,
    pub(super) target: String,
    pub(super) slot: usize,
    pub(super) start: u64,
    pub(super) end: u64,
    /// `ran`, `hit`, `fresh`, `failed`, `left` if it ended in another slot, or `unfinished` if the run was ended before it.
    pub(super) outcome: &'static str,
    /// What a remote server had to do with it, in words; nothing if there is none.
    pub(super) remote: String,
    pub(super) critical: bool,
    pub(super) reasons: Vec<String>,
    /// Actions of the run that it had to wait for.
    pub(super) after: Vec<usize>,
}

impl Timed {
    pub(super) fn duration(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}

impl Run {
    /// Reads a run out of its events. Events of actions that never started are passed over.
    pub(super) fn of(events: &[Event]) -> Run {
        let mut run = Run::default();
        let mut places: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for event in events {
            match event {
                Event::RunStarted { anymod, actions, jobs, remote_jobs, .. } => {
                    run.anymod.clone_from(anymod);
                    run.planned = *actions;
                    run.jobs = *jobs + *remote_jobs;
                }
                Event::ActionStarted { id, action, slot, at, reasons, after, remote } => {
                    places.insert((*id, *slot), run.actions.len());
                    let mut shown: Vec<String> =
                        reasons.iter().take(MAX_REASONS).map(ToString::to_string).collect();
                    if reasons.len() > MAX_REASONS {
                        shown.push(format!("and {} more", reasons.len() - MAX_REASONS));
                    }
                    let module = action.module.as_ref().map(|name| format!("{name}: "));
                    run.actions.push(Timed {
                        id: *id,
                        kind: action.kind.name(),
                        what: module.unwrap_or_default() + &action.subject,
                        target: action.target.clone(),
                        slot: *slot,
                        start: *at,
                        end: *at,
                        outcome: "unfinished",
                        remote: if *remote { "sent".to_owned() } else { String::new() },
                        critical: false,
                        reasons: shown,
                        after: after.clone(),
                    });
                }
                Event::ActionLeft { id, slot, at, why } => {
                    let place = places.get(&(*id, *slot)).copied();
                    if let Some(timed) = place.and_then(|place| run.actions.get_mut(place)) {
                        timed.end = (*at).max(timed.start);
                        timed.outcome = "left";
                        timed.reasons = vec![why.clone()];
                    }
                }
                Event::ActionFinished { id, slot, at, outcome, remote, .. } => {
                    let place = places.get(&(*id, *slot)).copied();
                    if let Some(timed) = place.and_then(|place| run.actions.get_mut(place)) {
                        timed.end = (*at).max(timed.start);
                        timed.outcome = word(*outcome);
                        timed.remote = remote.as_ref().map(helped).unwrap_or_default();
                    }
                }
                Event::RunFinished(totals) => run.totals = Some(*totals),
                Event::Waiting { .. }
                | Event::Traffic { .. }
                | Event::Installed { .. }
                | Event::Diagnostic(_) => {}
            }
        }
        let end = run.end();
        for timed in run.actions.iter_mut().filter(|timed| timed.outcome == "unfinished") {
            timed.end = end;
        }
        run.actions.sort_by_key(|timed| (timed.start, timed.id));
        run.mark_critical();
        run
    }

    /// When the last action ended.
    pub(super) fn end(&self) -> u64 {
        self.actions.iter().map(|timed| timed.end).max().unwrap_or(0)
    }

    /// How many slots were used.
    pub(super) fn slots(&self) -> usize {
        self.actions.iter().map(|timed| timed.slot + 1).max().unwrap_or(0)
    }

    /// How long each slot was busy, in microseconds.
    pub(super) fn busy(&self) -> BTreeMap<usize, u64> {
        let mut busy: BTreeMap<usize, u64> = BTreeMap::new();
        for timed in &self.actions {
            *busy.entry(timed.slot).or_default() += timed.duration();
        }
        busy
    }

    /// How many actions ended in a way.
    pub(super) fn count(&self, outcome: &str) -> usize {
        self.actions.iter().filter(|timed| timed.outcome == outcome).count()
    }

    /// The actions of the critical path, in order.
    pub(super) fn critical(&self) -> impl Iterator<Item = &Timed> {
        self.actions.iter().filter(|timed| timed.critical)
    }

    /// Marks the chain of actions waiting for each other that takes the longest in all. With any number of slots the run
    /// could not be shorter.
    fn mark_critical(&mut self) {
        // What an action waits for has ended before it starts, so the order of starts is one in which chains can be summed.
        let mut chains: BTreeMap<usize, (u64, Option<usize>)> = BTreeMap::new();
        for timed in &self.actions {
            let before = timed.after.iter().filter_map(|id| Some((chains.get(id)?.0, *id)));
            // Of chains that take equally long, the one with the lowest number, so that a run has one page.
            let longest = before.max_by_key(|(length, id)| (*length, std::cmp::Reverse(*id)));
            let length = longest.map_or(0, |(length, _)| length) + timed.duration();
            if timed.outcome != "left" {
                chains.insert(timed.id, (length, longest.map(|(_, id)| id)));
            }
        }
        let last = chains.iter().max_by_key(|(id, chain)| (chain.0, std::cmp::Reverse(**id)));
        let mut next = last.map(|(id, _)| *id);
        let mut path = std::collections::BTreeSet::new();
        while let Some(id) = next {
            path.insert(id);
            next = chains.get(&id).and_then(|chain| chain.1);
        }
        for timed in &mut self.actions {
            timed.critical = timed.outcome != "left" && path.contains(&timed.id);
        }
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Fresh => "fresh",
        Outcome::Hit => "hit",
        Outcome::Ran => "ran",
        Outcome::Failed => "failed",
    }
}

/// What a server did for an action, in words.
fn helped(remote: &Remote) -> String {
    let Remote { how, queued, down, worker, .. } = remote;
    let mut told = match (how, worker.as_str()) {
        (Help::Cached, _) => "taken".to_owned(),
        (Help::Executed, "") => "done there".to_owned(),
        (Help::Executed, worker) => format!("done there by `{worker}`"),
    };
    if *queued > 0 {
        told += &format!(", {} queued", time(*queued));
    }
    format!("{told}, {down} bytes down")
}

/// A time for people, from microseconds.
pub(super) fn time(microseconds: u64) -> String {
    let seconds = std::time::Duration::from_micros(microseconds).as_secs_f64();
    match microseconds {
        0..1_000 => format!("{microseconds} µs"),
        1_000..10_000 => format!("{:.1} ms", seconds * 1e3),
        10_000..1_000_000 => format!("{:.0} ms", seconds * 1e3),
        1_000_000..60_000_000 => format!("{seconds:.2} s"),
        _ => {
            let whole = microseconds / 1_000_000;
            format!("{} min {:02} s", whole / 60, whole % 60)
        }
    }
}
