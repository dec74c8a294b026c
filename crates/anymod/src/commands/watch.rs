//! `anymod watch`: build, wait for changes, build again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anymod_build::BuildRequest;
use anymod_build::watch::Watch;
use anymod_model::event::{Event, Outcome, Totals};
use anymod_model::{Diagnostic, Diagnostics, codes};
use clap::Args;

use super::build::Selection;
use crate::cli::Format;
use crate::interrupt;
use crate::printer::Printer;
use crate::progress::{Progress, counted};

/// How many changed files are named.
const MAX_NAMED: usize = 3;

#[derive(Debug, Args)]
pub(crate) struct WatchCommand {
    #[command(flatten)]
    selection: Selection,
    /// How long nothing may have changed before a build begins, in milliseconds
    #[arg(long, value_name = "MS", default_value = "100")]
    debounce: u64,
    /// Form of the output: lines for people, or one JSON object a line for each event
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(crate) fn run(args: &WatchCommand, printer: Printer) -> Result<(), Diagnostics> {
    let request = args.selection.request()?;
    let Some(root) = anymod_build::settings::project_root(&request.manifest) else {
        // Says in the usual words that there is none.
        return anymod_build::read_manifest(&request.manifest).map(|_| ());
    };
    let cancel = interrupt::cancel();
    // Before the first build, so that nothing that changes meanwhile is missed.
    let mut watch = Watch::begin(&root)?;
    let mut rounds = Rounds { args, printer, told: Vec::new(), failure: None };
    let mut changed = BTreeSet::new();
    loop {
        let request = args
            .selection
            .request()
            .map(|request| BuildRequest { cancel: cancel.clone(), ..request });
        let others = rounds.build(request, &changed);
        watch.add_outside(others.iter().map(PathBuf::as_path));
        if changed.is_empty() && !cancel.is_set() {
            printer.status(&format!("watching {}; Ctrl-C ends", root.display()));
        }
        match watch.next(Duration::from_millis(args.debounce), &cancel) {
            Some(files) => changed = files,
            None => return Err(stopped().into()),
        }
    }
}

/// Builds, one after another. What a round has nothing new to say of is not told again: a change that no module depends
/// on is not worth a word, and whoever writes what we say into a file of the project must not make us say it again.
struct Rounds<'a> {
    args: &'a WatchCommand,
    printer: Printer,
    /// The failures that the last round told or passed over.
    told: Vec<String>,
    /// How the last round failed, if it did.
    failure: Option<Diagnostics>,
}

impl Rounds<'_> {
    /// Builds and shows what is new; returns files that it read outside the project.
    fn build(
        &mut self,
        request: Result<BuildRequest, Diagnostics>,
        changed: &BTreeSet<PathBuf>,
    ) -> Vec<PathBuf> {
        let mut shown = false;
        let outcome = request.and_then(|request| {
            let report = self.run(&request, changed, &mut shown)?;
            report.warnings.iter().for_each(|warning| self.printer.diagnostic(warning));
            Ok(request)
        });
        match outcome {
            Ok(request) => {
                self.failure = None;
                if shown || changed.is_empty() { outside(&request) } else { Vec::new() }
            }
            // How an interrupted run ends is said once, at the end.
            Err(findings) if is_interruption(&findings) => Vec::new(),
            Err(findings) => {
                if !shown && self.failure.as_ref() != Some(&findings) {
                    self.name(changed);
                    shown = true;
                }
                if shown {
                    self.printer.diagnostics(&findings);
                }
                self.failure = Some(findings);
                Vec::new()
            }
        }
    }

    fn run(
        &mut self,
        request: &BuildRequest,
        changed: &BTreeSet<PathBuf>,
        shown: &mut bool,
    ) -> Result<anymod_build::Report, Diagnostics> {
        let mut progress = Progress::new(self.args.format, self.printer);
        let mut failures = Vec::new();
        let mut held = Some(Vec::new());
        let outcome = anymod_build::build(request, &mut |event| {
            failures.extend(failure(&event));
            // A board may show at once what runs; it leaves nothing behind.
            if self.args.format == Format::Text
                && matches!(event, Event::RunStarted { .. } | Event::ActionStarted { .. })
            {
                return progress.event(&event);
            }
            let silent = self.is_old(&event);
            match &mut held {
                Some(events) if silent => events.push(event),
                _ => {
                    if let Some(events) = held.take() {
                        self.name(changed);
                        events.iter().for_each(|event| progress.event(event));
                    }
                    progress.event(&event);
                }
            }
        });
        progress.finish();
        *shown = held.is_none();
        self.told = failures;
        outcome
    }

    /// True for an event that says nothing that the last round did not.
    fn is_old(&self, event: &Event) -> bool {
        match event {
            Event::RunStarted { .. }
            | Event::ActionStarted { .. }
            | Event::ActionLeft { .. }
            | Event::Traffic { .. }
            | Event::Installed { changed: false, .. }
            | Event::ActionFinished { outcome: Outcome::Fresh, .. } => true,
            Event::RunFinished(Totals { ran, hits, failed, skipped, changed, .. }) => {
                // That all is well is news after a failure, and that it is not if that has not been told.
                ran + hits + changed == 0 && (self.failure.is_none() || failed + skipped > 0)
            }
            event => failure(event).is_some_and(|failure| self.told.contains(&failure)),
        }
    }

    /// Says what changed, before what came of it.
    fn name(&self, changed: &BTreeSet<PathBuf>) {
        if self.args.format == Format::Text && !changed.is_empty() {
            self.printer.status(&named(changed));
        }
    }
}

/// What tells a failure from others, times apart.
fn failure(event: &Event) -> Option<String> {
    match event {
        Event::ActionFinished { action, outcome: Outcome::Failed, output, .. } => {
            Some(format!("{action:?} {output}"))
        }
        Event::Diagnostic(finding) => Some(format!("{finding:?}")),
        _ => None,
    }
}

/// Files outside the project that its actions say they read.
fn outside(request: &BuildRequest) -> Vec<PathBuf> {
    let Ok(inspection) = anymod_build::inspect(request) else { return Vec::new() };
    let inputs = inspection.actions.iter().flat_map(|action| &action.inputs);
    let files: BTreeSet<&Path> = inputs.map(Path::new).collect();
    let elsewhere = |path: &&Path| path.is_absolute() || path.starts_with("..");
    files.into_iter().filter(elsewhere).map(Path::to_owned).collect()
}

/// `changed    src/a.c, src/b.c and 2 more`.
fn named(changed: &BTreeSet<PathBuf>) -> String {
    let names: Vec<String> =
        changed.iter().take(MAX_NAMED).map(|path| path.display().to_string()).collect();
    let more = match changed.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!(" and {}", counted(more, "other")),
    };
    format!("changed    {}{more}", names.join(", "))
}

fn is_interruption(findings: &Diagnostics) -> bool {
    findings.0.iter().any(|finding| finding.code == &codes::build::INTERRUPTED)
}

fn stopped() -> Diagnostic {
    Diagnostic::error(&codes::build::INTERRUPTED, "stopped watching")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_changed_files_are_named() {
        let files = |names: &[&str]| names.iter().map(PathBuf::from).collect::<BTreeSet<_>>();
        assert_eq!(named(&files(&["b", "a"])), "changed    a, b");
        assert_eq!(named(&files(&["a", "b", "c", "d"])), "changed    a, b, c and 1 other");
    }
}
