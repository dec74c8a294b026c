//! `anymod watch`: build, wait for changes, build again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anymod_build::BuildRequest;
use anymod_build::watch::Watch;
use anymod_model::event::{Event, Totals};
use anymod_model::{Diagnostic, Diagnostics, codes};
use clap::Args;

use super::build::Selection;
use crate::cli::Format;
use crate::interrupt;
use crate::printer::Printer;
use crate::progress::{Progress, counted};

/// How many changed files are named.
const MAX_NAMED: usize = 3;

/// Build, and build again whenever a file of the project changes
///
/// Goes on after builds that fail and while the manifest cannot be read, until Ctrl-C (exit status 130). Changes below
/// build/ and dist/, by version control and in editors' temporary files do not count.
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
    let mut rounds = Rounds { args, printer, failed: true };
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

/// Builds, one after another.
struct Rounds<'a> {
    args: &'a WatchCommand,
    printer: Printer,
    /// True if the last one failed, so that the next says that all is well even if it had nothing to do.
    failed: bool,
}

impl Rounds<'_> {
    /// Builds and shows what came of it; returns files that it read outside the project.
    fn build(
        &mut self,
        request: Result<BuildRequest, Diagnostics>,
        changed: &BTreeSet<PathBuf>,
    ) -> Vec<PathBuf> {
        let outcome = request.and_then(|request| {
            let report = self.run(&request, changed)?;
            report.warnings.iter().for_each(|warning| self.printer.diagnostic(warning));
            Ok(outside(&request))
        });
        self.failed = outcome.is_err();
        match outcome {
            Ok(files) => files,
            // How an interrupted run ends is said once, at the end.
            Err(findings) if is_interruption(&findings) => Vec::new(),
            Err(findings) => {
                self.printer.diagnostics(&findings);
                Vec::new()
            }
        }
    }

    fn run(
        &self,
        request: &BuildRequest,
        changed: &BTreeSet<PathBuf>,
    ) -> Result<anymod_build::Report, Diagnostics> {
        let mut progress = Progress::new(self.args.format, self.printer);
        // A change that no module depends on is not worth a word, and whether it is shows with the first thing done.
        let mut held = Some(Vec::new());
        let always = self.failed || self.args.format == Format::Json;
        let outcome = anymod_build::build(request, &mut |event| {
            let silent = !always && is_nothing(&event);
            match &mut held {
                Some(events) if silent => events.push(event),
                _ => {
                    if let Some(events) = held.take() {
                        if self.args.format == Format::Text && !changed.is_empty() {
                            self.printer.status(&named(changed));
                        }
                        events.iter().for_each(|event| progress.event(event));
                    }
                    progress.event(&event);
                }
            }
        });
        progress.finish();
        outcome
    }
}

/// True for events of runs that find nothing to do.
fn is_nothing(event: &Event) -> bool {
    match event {
        Event::RunStarted { .. } | Event::Installed { changed: false, .. } => true,
        Event::RunFinished(Totals { ran, hits, failed, skipped, changed, .. }) => {
            ran + hits + failed + skipped + changed == 0
        }
        _ => false,
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
