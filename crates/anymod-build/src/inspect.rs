//! What a build would do, without doing it: each action with its files, how it stands and why. And what the last one did.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anymod_model::event::{Action, Event, Reason};
use anymod_model::{Diagnostic, Diagnostics};
use anymod_store::Digest;

use crate::check::{self, Status};
use crate::install;
use crate::locations::Locations;
use crate::plan::BUILD_DIR;
use crate::project::Project;
use crate::request::{BuildRequest, selection};
use crate::{cached, plan, run};

/// Name in the build directory of the events of the last run, as JSON lines.
const LAST_RUN: &str = "last-run.jsonl";

/// A plan and how its actions stand.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// In an order in which each comes after those that make its inputs.
    pub actions: Vec<Inspected>,
    /// Finished modules: where each is installed, and the file that is.
    pub installed: Vec<(String, String)>,
    /// Why some modules are not among them.
    pub findings: Vec<Diagnostic>,
    /// The project's directory.
    pub root: PathBuf,
}

impl Inspection {
    /// The actions that an output comes from, in their order: the one that makes it and all before that. The output is an
    /// installed module or any file that an action makes, relative to the project. None if it is neither.
    #[must_use]
    pub fn upstream(&self, output: &str) -> Option<Vec<usize>> {
        let built = self.installed.iter().find(|(installed, _)| installed == output);
        let built = built.map_or(output, |(_, built)| built);
        let makes = |action: &Inspected| action.outputs.iter().any(|made| made == built);
        let mut left = vec![self.actions.iter().position(makes)?];
        let mut upstream = BTreeSet::new();
        while let Some(index) = left.pop() {
            if upstream.insert(index) {
                left.extend(self.actions.get(index).into_iter().flat_map(|action| &action.after));
            }
        }
        Some(upstream.into_iter().collect())
    }
}

/// An action of a plan.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// The action.
    pub action: Action,
    /// Files it reads, as far as declared; relative to the project or absolute.
    pub inputs: Vec<String>,
    /// Files it makes.
    pub outputs: Vec<String>,
    /// Numbers of the actions that make its inputs.
    pub after: Vec<usize>,
    /// Its key in the store, for its inputs as they are now; none if one cannot be read, or is yet to be made.
    pub key: Option<Digest>,
    /// Why it is not fresh; none if it is. A lone [`Reason::Upstream`] means that it may turn out to be.
    pub reasons: Vec<Reason>,
}

/// The plan of a request, and where things are.
pub(crate) fn planned(request: &BuildRequest) -> Result<(plan::Plan, Locations), Diagnostics> {
    let project = Project::find(request)?;
    let _lock = project.lock_if_there();
    let manifest = project.manifest()?;
    let mut log = project.log(&manifest, true);
    let selection = selection(request)?;
    let plan = plan::plan(&manifest, &project.root, &selection, &project.environment, &mut log)?;
    Ok((plan, project.locations))
}

/// Plans and checks. Changes nothing on disk.
///
/// # Errors
/// As for [`build`](crate::build()), as far as planning can tell.
pub fn inspect(request: &BuildRequest) -> Result<Inspection, Diagnostics> {
    let project = Project::find(request)?;
    let _lock = project.lock_if_there();
    let manifest = project.manifest()?;
    let mut log = project.log(&manifest, true);
    let plan =
        plan::plan(&manifest, &project.root, &selection(request)?, &project.environment, &mut log)?;
    let statuses = check::check(&plan.actions, &project.locations, &mut log);
    let after = run::makers(&plan.actions);
    let place = |action| cached::place(action, &project.locations, &mut log);
    let keys: Vec<Option<Digest>> =
        plan.actions.iter().map(place).map(|place| Some(place?.key)).collect();
    let actions = plan.actions.into_iter().zip(statuses).zip(after).zip(keys);
    let inspected = actions.map(|(((action, status), after), key)| Inspected {
        action: action.event(),
        key,
        inputs: action.inputs,
        outputs: action.outputs,
        after,
        reasons: match status {
            Status::Fresh => Vec::new(),
            Status::Stale(reasons) => reasons,
            Status::Waits(path) => vec![Reason::Upstream { path }],
        },
    });
    let products = plan.products.into_iter();
    Ok(Inspection {
        actions: inspected.collect(),
        installed: products.map(|product| (product.installed, product.built)).collect(),
        findings: plan.findings,
        root: project.root,
    })
}

/// The events of the last build of a project that had anything to do; none if there is no record of one.
#[must_use]
pub fn last_run(root: &Path) -> Vec<Event> {
    let text = std::fs::read_to_string(root.join(BUILD_DIR).join(LAST_RUN)).unwrap_or_default();
    // A line that a later version wrote is passed over.
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The record of a run: its events, to be written once it is over.
#[derive(Default)]
pub(crate) struct Recorder {
    lines: String,
    had_work: bool,
}

impl Recorder {
    /// Takes an event; what was in its place already is not worth a line.
    pub(crate) fn event(&mut self, event: &Event) {
        self.had_work |= matches!(event, Event::ActionStarted { .. });
        if matches!(event, Event::Installed { changed: false, .. }) {
            return;
        }
        // Events hold no maps with keys that are not strings, the one thing that JSON cannot say.
        self.lines += &serde_json::to_string(event).unwrap_or_default();
        self.lines.push('\n');
    }

    /// Writes the record, unless nothing had to be done: then the one before says more.
    pub(crate) fn write(self, root: &Path) -> Result<(), Diagnostic> {
        if !self.had_work {
            return Ok(());
        }
        let path = root.join(BUILD_DIR).join(LAST_RUN);
        install::write_built(&path, self.lines.as_bytes()).map(|_| ())
    }
}
