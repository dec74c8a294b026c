//! `anymod pack`: npm packages of addons.

use std::path::PathBuf;

use anymod_build::environment::Environment;
use anymod_build::pack;
use anymod_model::{Diagnostics, Runtime};
use clap::{Args, Subcommand};

use crate::printer::Printer;
use crate::progress::counted;

#[derive(Debug, Args)]
pub(crate) struct Pack {
    #[command(subcommand)]
    command: PackCommand,
}

#[derive(Debug, Subcommand)]
enum PackCommand {
    /// Write a core package and one for each platform of what was built
    ///
    /// The core package has the loader and pins the others to its own version; each of them has `os`, `cpu` and `libc`, so
    /// that npm installs the one that fits. Files that are missing are an error, and nothing is written then.
    Npm {
        /// Modules to pack [default: all that have a target of Node.js]
        #[arg(value_name = "MODULE")]
        modules: Vec<String>,
        /// Directory below which the packages are written [default: dist/npm]
        #[arg(short, long, value_name = "DIR")]
        output: Option<PathBuf>,
        /// The manifest, or a directory in or below which it is
        #[arg(long, value_name = "PATH", default_value = ".")]
        manifest: PathBuf,
    },
    /// Check a core package against the packages of its platforms beside it
    Verify {
        /// Directories of core packages
        #[arg(required = true, value_name = "DIR")]
        packages: Vec<PathBuf>,
    },
}

pub(crate) fn run(args: &Pack, printer: Printer) -> Result<(), Diagnostics> {
    match &args.command {
        PackCommand::Npm { modules, output, manifest } => {
            let environment = Environment::of_process();
            let (root, manifest) = anymod_build::read_manifest(manifest)?;
            let output = output.clone().unwrap_or_else(|| root.join("dist/npm"));
            let for_node = |module: &&str| {
                let targets = manifest.targets(module);
                targets.iter().any(|target| target.runtime() == Runtime::Node)
            };
            let chosen: Vec<String> = match modules.as_slice() {
                [] => manifest.modules().filter(for_node).map(str::to_owned).collect(),
                modules => modules.to_vec(),
            };
            for module in chosen {
                for packed in pack::npm(&manifest, &module, &root, &output, &environment)? {
                    let verb = if packed.changed { "packed" } else { "unchanged" };
                    printer.data(&format!("{verb} {} in {}\n", packed.name, packed.path.display()));
                }
            }
            Ok(())
        }
        PackCommand::Verify { packages } => {
            let mut findings = Vec::new();
            for package in packages {
                match pack::verify(package) {
                    Ok(names) => {
                        let count = counted(names.len(), "platform");
                        printer.data(&format!("{}: ok, {count}\n", package.display()));
                    }
                    Err(errors) => findings.extend(errors.0),
                }
            }
            if findings.is_empty() { Ok(()) } else { Err(Diagnostics(findings)) }
        }
    }
}
