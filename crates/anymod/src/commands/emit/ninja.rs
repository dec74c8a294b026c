//! `anymod emit ninja`: a `build.ninja` of archives and of a program that links them.

use std::path::PathBuf;

use anymod_build::BuildRequest;
use anymod_build::archives::{Program, ninja};
use anymod_build::environment::Environment;
use anymod_build::install;
use anymod_model::{Diagnostics, Target};
use clap::Args;

use crate::commands::info::target;
use crate::printer::Printer;
use crate::project::LayerArgs;

/// Write a build.ninja that builds modules as archives, and a program with them
///
/// Ninja is to be run in the project's directory; its commands are those of `anymod build` and make the same files. A
/// program depends on every archive that it is linked with, and libraries come after what needs them.
#[derive(Debug, Args)]
pub(crate) struct Ninja {
    /// Modules [default: all]
    #[arg(value_name = "MODULE")]
    modules: Vec<String>,
    /// Target: `native`, `native-static`, `native-PLATFORM`, `wasi` or `emscripten`
    #[arg(short, long, default_value = "native", value_parser = target)]
    target: Target,
    /// Build type [default: as the manifest says, else `release`]
    #[arg(short, long, value_name = "TYPE")]
    build_type: Option<String>,
    /// Compilers to use: `auto`, `gnu` or `zig` [default: ANYMOD_TOOLCHAIN, then the manifest, then `auto`]
    #[arg(long, value_name = "KIND")]
    toolchain: Option<String>,
    /// Also link a program into this file
    #[arg(long, value_name = "FILE", requires = "sources")]
    program: Option<String>,
    /// A source in C or C++, or an object, of the program
    #[arg(long = "source", value_name = "FILE", requires = "program")]
    sources: Vec<String>,
    /// Where to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    layers: LayerArgs,
}

pub(super) fn run(args: &Ninja, printer: Printer) -> Result<(), Diagnostics> {
    let request = BuildRequest {
        modules: args.modules.clone(),
        targets: vec![args.target.to_string()],
        build_types: args.build_type.iter().cloned().collect(),
        toolchain: args.toolchain.clone(),
        libraries: args.layers.libraries()?,
        allow_outside: args.layers.allow_outside,
        module_dirs: args.layers.module_dirs.clone(),
        no_manifest: args.layers.no_manifest,
        ..BuildRequest::new(&args.layers.manifest, Environment::of_process())
    };
    let program = args.program.as_ref().map(|output| Program {
        output: output.clone(),
        sources: args.sources.clone(),
        target: args.target,
    });
    let anymod = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("anymod"));
    let text = ninja(&request, program.as_ref(), &anymod.to_string_lossy())?;
    match &args.output {
        None => printer.data(&text),
        Some(path) => {
            if install::write_if_changed(path, text.as_bytes())? {
                printer.status(&format!("wrote {}", path.display()));
            }
        }
    }
    Ok(())
}
