//! The part of a run that leaves results on the server: what nothing here reads need not be fetched.
//!
//! A result that is left counts as a file with that content: keys of what is made of it are known, and their results may be
//! left or fetched in turn. When something has to be done here after all, the files that it reads are fetched first; one that
//! the server has dropped meanwhile is made again, in the middle of the run, and so are in turn its own inputs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::Sender;

use anymod_model::Diagnostic;
use anymod_model::event::{Outcome, Reason, Remote};
use anymod_remote::Fault;
use anymod_store::Entry;

use super::Run;
use super::worker::{Claimed, Job, Message};
use crate::action::Action;
use crate::cached::Place;
use crate::plan::Plan;
use crate::remote::Download;
use crate::work::Made;

/// What was left, and what waits for it.
#[derive(Default)]
pub(super) struct Promises {
    /// By index of the action: where its files can be had.
    left: BTreeMap<usize, (Place, Entry)>,
    /// Those of them that are on their way: fetched, or made again.
    coming: BTreeSet<usize>,
    /// Actions that need some of them.
    held: BTreeMap<usize, Held>,
    /// Actions whose files have to be here in the end.
    wanted: BTreeSet<usize>,
}

/// An action that is to be done when its inputs are here.
struct Held {
    claimed: Option<Claimed>,
    reasons: Vec<Reason>,
    needs: BTreeSet<usize>,
}

impl Promises {
    pub(super) fn new(plan: &Plan, download: Download) -> Promises {
        let wanted = match download {
            Download::All => (0..plan.actions.len()).collect(),
            Download::Outputs => {
                let products = plan.products.iter();
                let files: BTreeSet<&str> = products
                    .flat_map(|product| [Some(&product.built), product.sizes.as_ref()])
                    .flatten()
                    .map(String::as_str)
                    .collect();
                let makes = |action: &Action| {
                    action.outputs.iter().any(|output| files.contains(output.as_str()))
                };
                let actions = plan.actions.iter().enumerate();
                actions.filter(|(_, action)| makes(action)).map(|(index, _)| index).collect()
            }
            Download::Minimal => BTreeSet::new(),
        };
        Promises { wanted, ..Promises::default() }
    }

    /// True if an action's files need not be here.
    pub(super) fn may_leave(&self, index: usize) -> bool {
        !self.wanted.contains(&index)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.held.is_empty() && self.coming.is_empty()
    }

    /// The actions whose files were left.
    pub(super) fn into_left(self) -> BTreeSet<usize> {
        self.left.into_keys().collect()
    }
}

impl Run<'_> {
    /// Takes note of files that stay where they are.
    pub(super) fn left(&mut self, index: usize, place: Place, entry: Entry, remote: Remote) {
        let Some(action) = self.plan.actions.get(index) else { return };
        let versions = action.outputs.iter().zip(&entry.outputs).map(|(path, output)| {
            let id = self.log.id(path);
            self.log.promised(id, output.digest)
        });
        let versions = versions.collect();
        self.found(action, Some(versions), &entry);
        let said = entry.said.clone();
        self.promises.left.insert(index, (place, entry));
        self.finish(index, Outcome::Hit, None, said, Some(remote));
    }

    /// Has an action done, by the server or here, once all that it reads is here.
    pub(super) fn do_with_inputs(
        &mut self,
        index: usize,
        claimed: Option<Claimed>,
        reasons: Vec<Reason>,
    ) {
        let makers = self.makers.get(index).into_iter().flatten();
        let left = |maker: &&usize| self.promises.left.contains_key(maker);
        let needs: BTreeSet<usize> = makers.filter(left).copied().collect();
        if needs.is_empty() {
            return self.send_or_do(index, claimed, reasons);
        }
        self.promises.held.insert(index, Held { claimed, reasons, needs: needs.clone() });
        needs.into_iter().for_each(|maker| self.redeem(maker));
    }

    /// Fetches the files of an action, unless they are on their way.
    fn redeem(&mut self, index: usize) {
        let (Some(remote), Some(store)) = (self.way.remote, self.way.store) else { return };
        let Some((_, entry)) = self.promises.left.get(&index) else { return };
        if !self.promises.coming.insert(index) {
            return;
        }
        let blobs = store.blobs();
        let lacking: Vec<_> = entry
            .outputs
            .iter()
            .filter(|output| !blobs.has(&output.digest, output.size))
            .cloned()
            .collect();
        let Some(to_main) = self.asking.as_ref().map(super::ask::Asking::to_main) else { return };
        remote.client.blobs(lacking, move |blobs| {
            // Nobody listens any more once the run is over.
            let _ = to_main.send(Message::Redeemed { index, blobs });
        });
    }

    /// Takes the files of an action and has them put in place; if they are gone, they are made again.
    pub(super) fn redeemed(
        &mut self,
        index: usize,
        blobs: Result<Vec<Vec<u8>>, Fault>,
        to_workers: &Sender<Job>,
    ) {
        let Some((place, entry)) = self.promises.left.get(&index).cloned() else { return };
        match blobs {
            Ok(blobs) => {
                self.keeping += 1;
                let _ = to_workers.send(Job::Place { index, place, entry: Box::new(entry), blobs });
            }
            Err(_) => self.make_again(index),
        }
    }

    /// Takes note that files are in place now.
    pub(super) fn placed(&mut self, index: usize, result: Result<Option<Vec<Made>>, Diagnostic>) {
        self.keeping -= 1;
        let Some(action) = self.plan.actions.get(index) else { return };
        match result {
            Ok(Some(made)) => {
                let _ = self.outputs(action, &made);
                self.promises.left.remove(&index);
                self.arrived(index);
            }
            Ok(None) => self.make_again(index),
            Err(error) => self.failed(index, vec![error], None, String::new()),
        }
    }

    fn make_again(&mut self, index: usize) {
        let Some(action) = self.plan.actions.get(index) else { return };
        let Some((place, _)) = self.promises.left.remove(&index) else { return };
        for output in &action.outputs {
            let id = self.log.id(output);
            self.log.forget(id);
        }
        self.remote_hits -= 1;
        let reasons = vec![Reason::Output { path: action.name().to_owned() }];
        self.do_with_inputs(index, Some(Claimed { place, claim: None }), reasons);
    }

    /// Lets those go on that waited for an action's files.
    pub(super) fn arrived(&mut self, index: usize) {
        if !self.promises.coming.remove(&index) {
            return;
        }
        let mut ready = Vec::new();
        for (held, Held { needs, .. }) in &mut self.promises.held {
            if needs.remove(&index) && needs.is_empty() {
                ready.push(*held);
            }
        }
        for index in ready {
            if let Some(Held { claimed, reasons, .. }) = self.promises.held.remove(&index) {
                self.do_with_inputs(index, claimed, reasons);
            }
        }
    }

    /// Gives up what waits for an action that failed.
    pub(super) fn abandon(&mut self, index: usize) {
        self.promises.coming.remove(&index);
        let waits = |held: &Held| held.needs.contains(&index);
        let held = self.promises.held.iter().filter(|(_, held)| waits(held));
        let given_up: Vec<usize> = held.map(|(index, _)| *index).collect();
        for index in given_up {
            self.promises.held.remove(&index);
            self.abandon(index);
        }
    }
}
