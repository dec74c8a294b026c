//! `anymod remote`: servers that share results and do actions.

use std::path::PathBuf;

use anymod_build::environment::Environment;
use anymod_build::remote::{Tried, Went};
use anymod_model::codes::remote as codes;
use anymod_model::settings::Layer;
use anymod_model::{Diagnostic, Diagnostics};
use clap::{Args, Subcommand};

use crate::printer::Printer;
use crate::settings::{self, RemoteArgs};

#[derive(Debug, Args)]
pub(crate) struct Remote {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(Check),
}

/// Connect to the remote server and try what it says that it can do
///
/// Nothing is written unless `remote.mode` is `read-write`. What is written then are a few blobs and a result that nobody
/// looks for; servers drop them as they drop everything that is not used.
#[derive(Debug, Args)]
struct Check {
    #[command(flatten)]
    remote: RemoteArgs,
    /// The manifest, or a directory at or below it, whose workspace's settings count
    #[arg(long, value_name = "PATH", default_value = ".")]
    manifest: PathBuf,
}

pub(crate) fn run(args: &Remote, printer: Printer) -> Result<(), Diagnostics> {
    match &args.command {
        Command::Check(args) => check(args, printer),
    }
}

fn check(args: &Check, printer: Printer) -> Result<(), Diagnostics> {
    let mut flags = Layer::new();
    args.remote.add(&mut flags)?;
    let settings = settings::load(&args.manifest, flags)?;
    let Some(request) = settings::remote(&settings, &args.manifest)? else {
        let finding = Diagnostic::error(&codes::NONE, "no remote server is configured");
        let hint = "give one with `--remote`, `ANYMOD_REMOTE` or `remote.endpoint` of the settings";
        return Err(finding.hint(hint).into());
    };
    let (tried, findings) = anymod_build::remote::check(&request, &Environment::of_process())?;
    printer.data(&tried.iter().map(line).collect::<String>());
    if findings.is_empty() { Ok(()) } else { Err(Diagnostics(findings)) }
}

/// `small blob   ok   1024 bytes given and taken (1.3 ms)`.
fn line(step: &Tried) -> String {
    let Tried { what, went, told, took } = step;
    let (word, took) = match went {
        Went::Well => ("ok", format!(" ({:.1} ms)", took.as_secs_f64() * 1000.0)),
        Went::Without => ("-", String::new()),
        Went::Wrong => ("FAILED", format!(" ({:.1} ms)", took.as_secs_f64() * 1000.0)),
    };
    format!("{what:<12}{word:<8}{told}{took}\n")
}
