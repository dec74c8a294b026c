//! `anymod init`: a new project with one module that builds.

use std::path::PathBuf;

use anymod_model::{Diagnostic, Diagnostics, codes};
use clap::Args;

use crate::printer::Printer;

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Directory to write into; created if it does not exist
    #[arg(default_value = ".")]
    directory: PathBuf,
    /// Name of the module [default: that of the directory]
    #[arg(long)]
    name: Option<String>,
}

pub(crate) fn run(args: &Init, printer: Printer) -> Result<(), Diagnostics> {
    let name = match &args.name {
        Some(name) => name.clone(),
        None => directory_name(&args.directory)?,
    };
    for path in anymod_build::init(&args.directory, &name)? {
        printer.status(&format!("wrote {}", path.display()));
    }
    printer.status("next: anymod build");
    Ok(())
}

fn directory_name(directory: &std::path::Path) -> Result<String, Diagnostic> {
    let absolute = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let name = absolute.file_name().and_then(|name| name.to_str());
    name.map(ToOwned::to_owned).ok_or_else(|| {
        Diagnostic::error(
            &codes::manifest::USAGE,
            "the directory has no name to call the module by",
        )
        .hint("give one with `--name NAME`")
    })
}
