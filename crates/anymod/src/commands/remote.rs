//! `anymod remote`: servers that share results and do actions.

use std::path::PathBuf;

use anymod_build::environment::Environment;
use anymod_build::remote::explain::{Digest, Kind, Node, Sent};
use anymod_build::remote::{Tried, Went};
use anymod_model::codes::remote as codes;
use anymod_model::settings::Layer;
use anymod_model::{Diagnostic, Diagnostics};
use clap::{Args, Subcommand};
use serde_json::json;

use super::build::Selection;
use crate::cli::Format;
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
    Explain(Box<Explain>),
}

/// Show what the remote server is sent for an action: action, command and input root, with digests and sizes
#[derive(Debug, Args)]
struct Explain {
    /// A file that the action makes, or the action's digest as the server's logs have it
    #[arg(value_name = "ACTION")]
    action: String,
    #[command(flatten)]
    selection: Selection,
    /// Form of the output: lines for people, or one JSON object
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
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
        Command::Explain(args) => explain(args, printer),
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

fn explain(args: &Explain, printer: Printer) -> Result<(), Diagnostics> {
    let sent = anymod_build::remote::explain::explain(&args.selection.request()?, &args.action)?;
    printer.data(&match args.format {
        Format::Text => told(&sent),
        Format::Json => json(&sent),
    });
    Ok(())
}

/// What is sent, as lines.
fn told(sent: &Sent) -> String {
    let mut lines = vec![
        format!("action      {}", shown(&sent.action)),
        format!("command     {}", shown(&sent.command)),
    ];
    lines.extend(sent.arguments.iter().map(|word| format!("  argument  {word}")));
    let environment = sent.environment.iter();
    lines.extend(environment.map(|(name, value)| format!("  variable  {name}={value}")));
    lines.extend(sent.outputs.iter().map(|path| format!("  output    {path}")));
    lines.push(format!("  runs in   {}", sent.directory));
    for (properties, of) in sent.platforms.iter().zip(["action", "command"]) {
        let properties = properties.iter().map(|(name, value)| format!("{name}={value}"));
        let properties = properties.collect::<Vec<_>>().join(", ");
        let properties = if properties.is_empty() { "any worker" } else { &properties };
        lines.push(format!("platform    {properties} (of the {of})"));
    }
    lines.push(format!("input root  {}", shown(&sent.root)));
    for Node { path, digest, kind } in &sent.tree {
        let note = match kind {
            Kind::File { executable: true } => "  (program)".to_owned(),
            Kind::File { executable: false } => String::new(),
            Kind::Directory => "/".to_owned(),
            Kind::Shared { files } => format!("/  ({files} files)"),
        };
        lines.push(format!("  {}  {path}{note}", shown(digest)));
    }
    lines.join("\n") + "\n"
}

/// The same as a JSON object.
fn json(sent: &Sent) -> String {
    let digest = |digest: &Digest| json!({ "hash": digest.hash, "size": digest.size_bytes });
    let nodes = sent.tree.iter().map(|Node { path, digest: of, kind }| match kind {
        Kind::File { executable } => {
            json!({ "file": path, "digest": digest(of), "executable": executable })
        }
        Kind::Directory => json!({ "directory": path, "digest": digest(of) }),
        Kind::Shared { files } => {
            json!({ "directory": path, "digest": digest(of), "files": files })
        }
    });
    let pairs = |pairs: &[(String, String)]| {
        let pairs = pairs.iter().map(|(name, value)| json!({ "name": name, "value": value }));
        pairs.collect::<Vec<_>>()
    };
    let [action, command] = &sent.platforms;
    let value = json!({
        "action": { "digest": digest(&sent.action), "platform": pairs(action) },
        "command": {
            "digest": digest(&sent.command),
            "arguments": sent.arguments,
            "environment": pairs(&sent.environment),
            "outputs": sent.outputs,
            "directory": sent.directory,
            "platform": pairs(command),
        },
        "input_root": { "digest": digest(&sent.root), "tree": nodes.collect::<Vec<_>>() },
    });
    value.to_string() + "\n"
}

/// A digest as servers write it.
fn shown(digest: &Digest) -> String {
    format!("{}/{}", digest.hash, digest.size_bytes)
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
