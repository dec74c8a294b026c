//! `anymod embed`: archives of addons that travel inside programs.

use std::path::{Path, PathBuf};

use anymod_build::BuildRequest;
use anymod_build::embed::{self, Embedded, Request, Source, Written};
use anymod_build::environment::Environment;
use anymod_model::codes::manifest::USAGE;
use anymod_model::payload::Encoding;
use anymod_model::{Diagnostic, Diagnostics, Runtime, Target};
use anymod_pack::node::Host;
use clap::{Args, ValueEnum};

use crate::cli::Format;
use crate::interrupt;
use crate::printer::Printer;
use crate::progress::Progress;
use crate::settings::{self, SharedArgs};

#[derive(Debug, Args)]
pub(crate) struct Embed {
    /// Modules to embed [default: all that have a target of Node.js]
    #[arg(value_name = "MODULE")]
    modules: Vec<String>,
    /// The platform of the program [default: this machine's]
    #[arg(short, long, value_name = "TARGET")]
    target: Option<String>,
    /// What the program is
    #[arg(long, value_enum, value_name = "HOST", default_value = "node")]
    host: HostName,
    /// How files are compressed
    #[arg(long, value_enum, value_name = "KIND", default_value = "zstd")]
    compression: Compression,
    /// Pack every variant but the first as what differs from it: much smaller, and takes the memory of both to extract
    #[arg(long)]
    patch: bool,
    /// Directory of the files [default: dist/node/MODULE]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Write the module that says that nothing is embedded
    #[arg(long, conflicts_with_all = ["target", "compression", "patch"])]
    reset: bool,
    /// The manifest, or a directory in or below which it is
    #[arg(long, value_name = "PATH", default_value = ".")]
    manifest: PathBuf,
    #[command(flatten)]
    shared: SharedArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum HostName {
    /// A single executable application of Node.js, or a bundle
    Node,
    /// What `bun build --compile` makes
    Bun,
    /// A program in Rust
    Rust,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Compression {
    /// What every Node.js has itself, for where nothing else may run first
    Gzip,
    /// Smaller and faster; what unpacks it is embedded as well
    Zstd,
}

pub(crate) fn run(args: &Embed, printer: Printer) -> Result<(), Diagnostics> {
    let encoding = encoding(args)?;
    let settings = settings::load(&args.manifest, args.shared.layer()?)?;
    let jobs = settings.number("build.jobs").and_then(|jobs| usize::try_from(jobs).ok());
    let build = BuildRequest {
        jobs,
        store: settings::shared(&settings, &args.manifest)?,
        cancel: interrupt::cancel(),
        ..BuildRequest::new(&args.manifest, Environment::of_process())
    };
    let (root, manifest) = anymod_build::read_manifest(&args.manifest)?;
    let platform = args.target.as_deref().map(platform).transpose()?;
    let for_node = |module: &&str| {
        let targets = manifest.targets(module);
        targets.iter().any(|target| target.runtime() == Runtime::Node)
    };
    let chosen: Vec<String> = match args.modules.as_slice() {
        [] => manifest.modules().filter(for_node).map(str::to_owned).collect(),
        modules => modules.to_vec(),
    };
    for module in &chosen {
        let request = Request {
            module,
            platform,
            host: match args.host {
                HostName::Node => Host::Node,
                HostName::Bun => Host::Bun,
                HostName::Rust => Host::Rust,
            },
            encoding,
            patch: args.patch,
            output: args.output.as_deref(),
            build: &build,
        };
        if args.reset {
            told(&embed::reset(&root, &request)?, &root, "", printer);
            continue;
        }
        let mut progress = Progress::new(Format::Text, printer);
        let sink = &mut |event| progress.event(&event);
        let embedded = embed::embed(&manifest, &root, &request, sink);
        progress.finish();
        let Embedded { files, source, warnings } = embedded?;
        warnings.iter().for_each(|warning| printer.diagnostic(warning));
        let from = match source {
            Source::Packed => "",
            Source::Store => ", from the store",
            Source::Remote => ", from a remote server",
        };
        // The other files are made anew each time.
        for (file, from) in files.iter().zip([from].into_iter().chain(std::iter::repeat(""))) {
            told(file, &root, from, printer);
        }
    }
    Ok(())
}

/// Tells of a file.
fn told(file: &Written, root: &Path, from: &str, printer: Printer) {
    let verb = if file.changed { "written" } else { "unchanged" };
    let path = file.path.strip_prefix(root).unwrap_or(&file.path).display();
    printer.data(&format!("{verb} {path} ({} bytes{from})\n", file.size));
}

/// How variants are compressed, if that goes with everything else.
fn encoding(args: &Embed) -> Result<Encoding, Diagnostic> {
    let refused = match (args.compression, args.host) {
        (Compression::Zstd, _) => return Ok(Encoding::Zstd),
        (Compression::Gzip, HostName::Rust) => "a program in Rust unpacks zstd",
        (Compression::Gzip, _) if args.patch => "gzip has no `--patch`",
        (Compression::Gzip, _) => return Ok(Encoding::Gzip),
    };
    Err(Diagnostic::error(&USAGE, refused).hint("leave `--compression gzip` out"))
}

/// The platform that a target of Node.js is.
fn platform(name: &str) -> Result<anymod_model::Platform, Diagnostic> {
    match Target::parse(name) {
        Some(Target::Node(platform)) => Ok(platform),
        _ => {
            let message = format!("`{name}` is no target of Node.js");
            Err(Diagnostic::error(&USAGE, message).hint("`anymod targets` lists them"))
        }
    }
}
