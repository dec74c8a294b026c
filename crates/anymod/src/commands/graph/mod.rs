//! `anymod graph`: the actions of a build and the files between them, for other programs to draw.

mod text;

use anymod_model::Diagnostics;
use anymod_model::graph::{Graph, Step};
use clap::{Args, ValueEnum};

use super::build::Selection;
use crate::printer::Printer;

#[derive(Debug, Args)]
pub(crate) struct GraphCommand {
    #[command(flatten)]
    selection: Selection,
    /// Form of the graph: for Graphviz, for Markdown with Mermaid, or for programs
    #[arg(long, value_enum, default_value = "dot")]
    format: GraphFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum GraphFormat {
    Dot,
    Mermaid,
    Json,
}

pub(crate) fn run(args: &GraphCommand, printer: Printer) -> Result<(), Diagnostics> {
    let inspection = anymod_build::inspect(&args.selection.request()?)?;
    inspection.findings.iter().for_each(|finding| printer.diagnostic(finding));
    let steps: Vec<Step<'_>> = inspection
        .actions
        .iter()
        .map(|inspected| Step {
            action: &inspected.action,
            inputs: &inspected.inputs,
            outputs: &inspected.outputs,
            stale: !inspected.reasons.is_empty(),
        })
        .collect();
    let graph = Graph::of(&steps);
    printer.data(&match args.format {
        GraphFormat::Dot => text::dot(&graph),
        GraphFormat::Mermaid => text::mermaid(&graph),
        GraphFormat::Json => text::json(&graph),
    });
    Ok(())
}
