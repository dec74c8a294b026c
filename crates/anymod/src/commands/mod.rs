//! One module per subcommand: its arguments and its `run`.

pub(crate) mod archive;
pub(crate) mod audit;
pub(crate) mod build;
pub(crate) mod bundle;
pub(crate) mod cache;
pub(crate) mod clean;
pub(crate) mod doctor;
pub(crate) mod embed;
pub(crate) mod emit;
pub(crate) mod explain;
pub(crate) mod flags;
pub(crate) mod graph;
pub(crate) mod info;
pub(crate) mod init;
pub(crate) mod mpy;
pub(crate) mod pack;
pub(crate) mod probe;
pub(crate) mod remote;
pub(crate) mod rewrite;
pub(crate) mod settings;
pub(crate) mod size;
pub(crate) mod split;
pub(crate) mod target;
pub(crate) mod targets;
pub(crate) mod toolchain;
pub(crate) mod wasm;
pub(crate) mod watch;
pub(crate) mod wheel;
pub(crate) mod whl;

use anymod_model::Diagnostics;

use crate::cli::Command;
use crate::printer::Printer;

/// Runs a subcommand.
pub(crate) fn run(command: Command, printer: &Printer) -> Result<(), Diagnostics> {
    match command {
        Command::Init(args) => init::run(&args, *printer),
        Command::Build(args) => build::run(&args, *printer),
        Command::Bundle(args) => bundle::run(&args, *printer),
        Command::Wasm(args) => wasm::run(&args, *printer),
        Command::Watch(args) => watch::run(&args, *printer),
        Command::Clean(args) => clean::run(&args, *printer),
        Command::Size(args) => size::run(&args, *printer),
        Command::Target(args) => target::run(&args, *printer),
        Command::Targets(args) => targets::run(&args, *printer),
        Command::Doctor(args) => doctor::run(&args, *printer),
        Command::Toolchain(args) => toolchain::run(&args, *printer),
        Command::Wheel(args) => wheel::run(&args, *printer),
        Command::Mpy(args) => mpy::run(args, *printer),
        Command::Probe(args) => probe::run(&args, *printer),
        Command::Flags(args) => flags::run(&args, *printer),
        Command::Emit(args) => emit::run(&args, *printer),
        Command::Archive(args) => archive::run(&args),
        Command::Info(args) => info::run(&args, *printer),
        Command::Whl(args) => whl::run(&args, *printer),
        Command::Remote(args) => remote::run(&args, *printer),
        Command::Pack(args) => pack::run(&args, *printer),
        Command::Embed(args) => embed::run(&args, *printer),
        Command::Audit(args) => audit::run(&args, *printer),
        Command::Split(args) => split::run(&args, *printer),
        Command::Graph(args) => graph::run(&args, *printer),
        Command::Cache(args) => cache::run(&args, *printer),
        Command::Settings(args) => settings::run(&args, *printer),
        Command::Explain(args) => explain::run(&args, *printer),
    }
}

/// A result as JSON, with a newline at the end.
pub(crate) fn json(value: &impl serde::Serialize) -> String {
    // Our own data types hold no maps with keys that are not strings, the one thing that JSON cannot say.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// A result as JSON on one line.
pub(crate) fn json_line(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default() + "\n"
}
