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

// What a subcommand says of itself stands here, and the rest is only built of the one that is called: the command starts with
// every call of a build. Groups of options that several of them take have plain comments, as a documenting one would be taken
// for what the subcommand says of itself.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Command {
    /// Write a new project: a manifest and a module that builds
    Init(commands::init::Init),
    /// Build modules for their targets and install them into dist/
    ///
    /// Reads anymod.toml here or in a directory above. Each target has its own directory below build/, so nothing ever has
    /// to be cleaned. A module's file in dist/ is replaced only when its bytes change.
    Build(commands::build::Build),
    /// Build, and build again whenever a file of the project changes
    ///
    /// Goes on after builds that fail and while the manifest cannot be read, until Ctrl-C (exit status 130). Changes below
    /// build/ and dist/, by version control and in editors' temporary files do not count.
    Watch(commands::watch::WatchCommand),
    /// Remove what builds made below build/, and with --dist the installed modules
    ///
    /// Builds notice by themselves what has to be made anew, so this is for space, not for safety. Files that no build made
    /// stay where they are, and so does the store.
    Clean(commands::clean::Clean),
    /// Report the sizes of modules per target, building them first
    Size(commands::size::Size),
    /// List the targets that modules can be built for
    Targets(commands::targets::Targets),
    /// Add, list, check and remove environments to build for a release of Pyodide
    Target(commands::target::Target),
    /// Install a wheel into the real runtime, import every extension module in it and run a test
    ///
    /// The runtime is the one of the target's environment, run by Node. The wheel goes in through the runtime's own
    /// installer, which refuses tags that it does not take.
    Probe(commands::probe::Probe),
    /// Show which targets this machine can build for, and how to get the others
    ///
    /// Every compiler found compiles a test file. The exit status is 3 if a target asked for cannot be built; without
    /// `--target` the report is only shown.
    Doctor(commands::doctor::Doctor),
    /// Install the tools that anymod manages
    Toolchain(commands::toolchain::Toolchain),
    /// Build a package's wheel for Pyodide
    ///
    /// The package's own build backend runs unmodified, in an isolated environment, with a stand-in for the compilers around it.
    /// The wheel is checked against the runtime before it is put into the output directory.
    Wheel(commands::wheel::Wheel),
    /// Work on MicroPython's `.mpy` files
    Mpy(commands::mpy::Mpy),
    /// Link archives of WebAssembly objects into one module, once for the same archives
    ///
    /// Prints the path of the module. All members of all archives are linked, in order, with the C library of WASI.
    Bundle(commands::bundle::Bundle),
    /// Look into WebAssembly modules
    Wasm(commands::wasm::Wasm),
    /// Show the compiler, linker and options of a target, and why each is there
    ///
    /// With one of the options that choose a command line, prints just that, for use in a build of one's own. For targets whose
    /// modules are archives, flags are what the modules' own sources are compiled with; without a named module they are what is
    /// common to all, and the link takes all.
    Flags(commands::flags::Flags),
    /// Show what a program needs to compile and link with modules: headers, directories, archives, flags
    ///
    /// Nothing is built. Paths are absolute, and archives and libraries are in link order.
    Info(commands::info::InfoCommand),
    /// Write files for other build systems
    Emit(commands::emit::Emit),
    /// Gather objects and members of archives in an archive, with an index and a stamp
    #[command(hide = true)]
    Archive(commands::archive::Archive),
    /// Work on finished wheels
    Whl(commands::whl::Whl),
    /// Remote caches and executors
    Remote(commands::remote::Remote),
    /// Make npm packages of addons for Node.js, and verify them before they are published
    Pack(commands::pack::Pack),
    /// Pack a platform's variants of an addon into one archive that travels inside a program
    ///
    /// Writes the archive and the module that has its index: `embedded.cjs`, which the generated loader takes in, or
    /// `embedded.rs` for a program that uses the crate `anymod-load`. On its first run the program extracts the one variant that
    /// its processor needs into a directory of the user's cache.
    Embed(commands::embed::Embed),
    /// Look for what keeps wheels, WebAssembly modules and addons from being installed and loaded
    ///
    /// Without `--against`, only what holds for every runtime is looked for. The exit status is 1 if anything is an error.
    Audit(commands::audit::Audit),
    /// Split a static program into a host and modules that share each library once
    Split(commands::split::Split),
    /// Print the graph of actions and files that a build works through
    ///
    /// Actions that would run now are marked. Nothing is built.
    Graph(commands::graph::GraphCommand),
    /// Look after the store in which results are kept, and keep what other builds make in it
    Cache(commands::cache::Cache),
    /// Show every setting of anymod itself, and where its value comes from
    ///
    /// A flag is stronger than an environment variable, that than the project's .config/anymod.toml, and that than the
    /// user's config.toml. Flags given here count as they would in a build.
    Settings(commands::settings::Settings),
    /// Explain a diagnostic code, why something is built again, or how commands were rewritten
    ///
    /// Without arguments, lists all codes.
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
