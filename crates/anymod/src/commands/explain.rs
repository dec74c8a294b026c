//! `anymod explain`: what a diagnostic code means, why something is built again, and how commands were rewritten.

use std::path::Path;

use anymod_build::Inspection;
use anymod_model::event::Event;
use anymod_model::{Diagnostic, Diagnostics, codes};
use clap::{Args, Subcommand};

use super::build::{Selection, told};
use super::rewrite::{self, Rewrite};
use crate::printer::Printer;
use crate::progress::{counted, describe};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Explain {
    /// Code as a diagnostic shows it, for instance `L0101`
    code: Option<String>,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    Rebuild(Box<Rebuild>),
    Rewrite(Rewrite),
}

/// Say which inputs changed since the last build
///
/// Compares everything that decides the bytes of an output with what it was when the output was last made: arguments,
/// environment, tools, sources, headers, headers that would be found first, and the outputs themselves. If nothing
/// changed, says why the last build that had anything to do ran what it ran.
#[derive(Debug, Args)]
struct Rebuild {
    /// An installed module, or any file below build/ that an action makes [default: everything]
    output: Option<String>,
    #[command(flatten)]
    selection: Selection,
}

pub(crate) fn run(args: &Explain, printer: Printer) -> Result<(), Diagnostics> {
    match &args.what {
        Some(What::Rebuild(args)) => return rebuild(args, printer),
        Some(What::Rewrite(args)) => return rewrite::run(args, printer),
        None => {}
    }
    let Some(id) = &args.code else {
        let list: String =
            codes::all().map(|code| format!("{}  {}\n", code.id, code.title)).collect();
        printer.data(&list);
        return Ok(());
    };
    let Some(code) = codes::find(id) else {
        return Err(Diagnostic::error(
            &codes::manifest::UNKNOWN_CODE,
            format!("there is no diagnostic code `{id}`"),
        )
        .hint("`anymod explain` lists all codes")
        .into());
    };
    printer.data(&format!(
        "{}: {}\n\n{}\n\nexit status: {}\n",
        code.id, code.title, code.text, code.exit
    ));
    Ok(())
}

fn rebuild(args: &Rebuild, printer: Printer) -> Result<(), Diagnostics> {
    let inspection = anymod_build::inspect(&args.selection.request()?)?;
    let chosen = match &args.output {
        None => (0..inspection.actions.len()).collect(),
        Some(output) => {
            let path = in_project(output, &inspection.root);
            inspection.upstream(&path).ok_or_else(|| no_such_output(output, &inspection))?
        }
    };
    let chosen = || chosen.iter().filter_map(|index| inspection.actions.get(*index));
    let stale: Vec<String> =
        chosen().filter(|action| !action.reasons.is_empty()).map(told).collect();
    if !stale.is_empty() {
        printer.data(&stale.concat());
        return Ok(());
    }
    printer.data("nothing changed since the last build\n");
    let mut ran = 0;
    for event in anymod_build::last_run(&inspection.root) {
        if let Event::ActionStarted { action, reasons, .. } = event
            && chosen().any(|chosen| chosen.action == action)
        {
            if ran == 0 {
                printer.data("the last build that had work to do:\n");
            }
            ran += 1;
            let reasons: String = reasons.iter().map(|reason| format!("    {reason}\n")).collect();
            printer.data(&format!("  {}\n{reasons}", describe(&action)));
        }
    }
    printer.status(&format!("looked at {}", counted(chosen().count(), "action")));
    Ok(())
}

/// A path as the plan writes it: relative to the project if it is below it.
pub(crate) fn in_project(path: &str, root: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.into());
    // The project's directory has no symbolic links in its path; what the user typed may.
    let parent = absolute.parent().and_then(|parent| parent.canonicalize().ok());
    let real = match (parent, absolute.file_name()) {
        (Some(parent), Some(name)) => parent.join(name),
        _ => absolute,
    };
    let inside = real.strip_prefix(root).ok().map(|path| path.to_string_lossy().into_owned());
    inside.unwrap_or_else(|| path.trim_start_matches("./").to_owned())
}

pub(crate) fn no_such_output(output: &str, inspection: &Inspection) -> Diagnostic {
    let example = inspection.installed.first().map(|(installed, _)| installed.as_str());
    Diagnostic::error(&codes::build::NO_SUCH_OUTPUT, format!("nothing here makes `{output}`"))
        .hint(format!("name an installed module, for instance `{}`", example.unwrap_or("dist/…")))
}
