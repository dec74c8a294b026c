//! How a run is done: what every part of it is given.

use std::path::Path;
use std::time::Instant;

use anymod_model::Diagnostic;
use anymod_model::event::{Event, Finding};
use anymod_store::Store;

use crate::cancel::Cancel;
use crate::environment::Environment;
use crate::fence::Fence;
use crate::jobs::Jobs;
use crate::locations::Locations;
use crate::remote::Remote;

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
}

/// Tells findings.
pub(crate) fn tell(findings: &[Diagnostic], sink: Sink<'_>) {
    for finding in findings {
        sink(Event::Diagnostic(Finding::from(finding)));
    }
}
