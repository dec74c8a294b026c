//! The command line's top: global options and the list of subcommands.

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands;

/// Build, link, pack, check and load native extension modules for every runtime and architecture.
#[derive(Debug, Parser)]
#[command(name = "anymod", version, propagate_version = true, max_term_width = 100, after_long_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every subcommand takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Print errors only
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(crate) quiet: bool,
    /// When to colour the output
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Global options"
    )]
    pub(crate) color: Color,
}

/// When to colour the output. `auto` follows the terminal, `NO_COLOR` and `CLICOLOR_FORCE`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// How a result is written to standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(commands::init::Init),
    Build(commands::build::Build),
    Watch(commands::watch::WatchCommand),
    Clean(commands::clean::Clean),
    Size(commands::size::Size),
    Targets(commands::targets::Targets),
    Target(commands::target::Target),
    Probe(commands::probe::Probe),
    Doctor(commands::doctor::Doctor),
    Toolchain(commands::toolchain::Toolchain),
    Wheel(commands::wheel::Wheel),
    Mpy(commands::mpy::Mpy),
    Bundle(commands::bundle::Bundle),
    Wasm(commands::wasm::Wasm),
    Flags(commands::flags::Flags),
    Info(commands::info::InfoCommand),
    Emit(commands::emit::Emit),
    #[command(hide = true)]
    Archive(commands::archive::Archive),
    Whl(commands::whl::Whl),
    Remote(commands::remote::Remote),
    Pack(commands::pack::Pack),
    Embed(commands::embed::Embed),
    Audit(commands::audit::Audit),
    Split(commands::split::Split),
    Graph(commands::graph::GraphCommand),
    Cache(commands::cache::Cache),
    Settings(commands::settings::Settings),
    Explain(commands::explain::Explain),
}

const EXIT_CODES: &str = "\
Exit status:
    0  success
    1  findings: the inputs are wrong and a diagnostic says where
    2  usage or manifest error
    3  a toolchain or runtime is missing
    4  an external tool failed
   70  a bug in anymod
  130  interrupted, for instance with Ctrl-C";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn arguments_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
