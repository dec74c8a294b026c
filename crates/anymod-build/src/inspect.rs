//! What a build would do, without doing it: each action with its files, how it stands and why.

use anymod_model::event::{Action, Reason};
use anymod_model::{Diagnostic, Diagnostics};

use crate::build::{BuildRequest, Project, selection};
use crate::check::{self, Status};
use crate::{plan, run};

/// A plan and how its actions stand.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// In an order in which each comes after those that make its inputs.
    pub actions: Vec<Inspected>,
    /// Why some modules are not among them.
    pub findings: Vec<Diagnostic>,
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
    /// Why it is not fresh; none if it is. A lone [`Reason::Upstream`] means that it may turn out to be.
    pub reasons: Vec<Reason>,
}

/// Plans and checks. Changes nothing on disk.
///
/// # Errors
/// As for [`build`](crate::build()), as far as planning can tell.
pub fn inspect(request: &BuildRequest) -> Result<Inspection, Diagnostics> {
    let project = Project::find(request)?;
    let _lock = project.lock_if_there();
    let manifest = project.manifest()?;
    let mut log = project.log();
    let plan =
        plan::plan(&manifest, &project.root, &selection(request)?, &project.environment, &mut log)?;
    let statuses = check::check(&plan.actions, &project.locations, &mut log);
    let after = run::makers(&plan.actions);
    let actions = plan.actions.into_iter().zip(statuses).zip(after);
    let inspected = actions.map(|((action, status), after)| Inspected {
        action: action.event(),
        inputs: action.inputs,
        outputs: action.outputs,
        after,
        reasons: match status {
            Status::Fresh => Vec::new(),
            Status::Stale(reasons) => reasons,
            Status::Waits(path) => vec![Reason::Upstream { path }],
        },
    });
    Ok(Inspection { actions: inspected.collect(), findings: plan.findings })
}
