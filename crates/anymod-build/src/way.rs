//! How a run is done: what every part of it is given.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use anymod_model::Diagnostic;
use anymod_model::event::{Event, Finding};
use anymod_store::Store;

use crate::action::Action;
use crate::cancel::Cancel;
use crate::environment::Environment;
use crate::fence::Fence;
use crate::jobs::Jobs;
use crate::locations::Locations;
use crate::remote::{Executor, Remote};

/// Where events go.
pub type Sink<'a> = &'a mut dyn FnMut(Event);

/// How a run is to be done.
pub(crate) struct Way<'a> {
    pub(crate) root: &'a Path,
    pub(crate) environment: &'a Environment,
    pub(crate) fence: &'a Fence,
    pub(crate) locations: &'a Locations,
    pub(crate) jobs: &'a Jobs,
    pub(crate) keep_going: bool,
    pub(crate) cancel: &'a Cancel,
    pub(crate) store: Option<&'a Store>,
    /// A server behind the store.
    pub(crate) remote: Option<&'a Remote>,
    /// When the run began; events count from then.
    pub(crate) clock: Instant,
}

impl Way<'_> {
    /// The path on this machine of what was a path where a server ran an action.
    pub(crate) fn remote_path(&self, path: &str) -> String {
        match crate::remote::home_path(path) {
            Some(marked) => self.locations.real(&marked).into_owned(),
            None => path.trim_start_matches("./").to_owned(),
        }
    }

    /// Whether what workers made of an action, of these files, is what this machine would make of it.
    ///
    /// # Errors
    /// What is different, in words.
    pub(crate) fn vouch(
        &self,
        action: &Action,
        made: &BTreeMap<String, (Vec<u8>, bool)>,
        discovered: &[String],
    ) -> Result<(), String> {
        let executor = self.remote.and_then(|remote| remote.executor.as_ref());
        let vouch = |executor: &Executor| executor.vouch(action, made, discovered, self.locations);
        executor.map_or(Ok(()), vouch)
    }
}

/// Tells findings.
pub(crate) fn tell(findings: &[Diagnostic], sink: Sink<'_>) {
    for finding in findings {
        sink(Event::Diagnostic(Finding::from(finding)));
    }
}
