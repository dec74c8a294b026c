//! `anymod build`: from the manifest to installed modules.

use std::path::PathBuf;

use anymod_build::environment::Environment;
use anymod_build::{BuildRequest, Report};
use anymod_model::Diagnostics;
use clap::Args;

use crate::cli::Format;
use crate::printer::Printer;
use crate::progress::Progress;

/// Build modules for their targets and install them into dist/
///
/// Reads anymod.toml here or in a directory above. Each target has its own directory below build/, so nothing ever has
/// to be cleaned. A module's file in dist/ is replaced only when its bytes change.
#[derive(Debug, Args)]
pub(crate) struct Build {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Form of the output: lines for people, or one JSON object a line for each event
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// What to build and how; shared with the commands that build first.
#[derive(Debug, Args)]
pub(crate) struct Selection {
    /// Modules to build [default: all]
    #[arg(value_name = "MODULE")]
    modules: Vec<String>,
    /// Target to build for; `*` chooses among the manifest's [default: all of the manifest's]
    #[arg(short, long, value_name = "TARGET")]
    target: Vec<String>,
    /// Build type [default: as the manifest says, else `release`]
    #[arg(short, long, value_name = "TYPE")]
    build_type: Option<String>,
    /// Compilers to use: `auto`, `gnu` or `zig` [default: ANYMOD_TOOLCHAIN, then the manifest, then `auto`]
    #[arg(long, value_name = "KIND")]
    toolchain: Option<String>,
    /// Actions to run at once [default: the number of processors]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// The manifest, or a directory in or below which it is
    #[arg(long, value_name = "PATH", default_value = ".")]
    manifest: PathBuf,
}

impl Selection {
    fn request(&self) -> BuildRequest {
        BuildRequest {
            modules: self.modules.clone(),
            targets: self.target.clone(),
            build_type: self.build_type.clone(),
            toolchain: self.toolchain.clone(),
            jobs: self.jobs.map(usize::from),
            ..BuildRequest::new(&self.manifest, Environment::of_process())
        }
    }

    /// True if a module for a target is among what is asked for.
    pub(crate) fn covers(&self, module: &str, target: &str) -> bool {
        let matches = |pattern: &String| anymod_model::target::glob_matches(pattern, target);
        (self.modules.is_empty() || self.modules.iter().any(|name| name == module))
            && (self.target.is_empty() || self.target.iter().any(matches))
    }

    /// Builds, with the run shown in a form.
    pub(crate) fn build(&self, format: Format, printer: Printer) -> Result<Report, Diagnostics> {
        let mut progress = Progress::new(format, printer);
        let outcome = anymod_build::build(&self.request(), &mut |event| progress.event(&event));
        progress.finish();
        let report = outcome?;
        report.warnings.iter().for_each(|warning| printer.diagnostic(warning));
        Ok(report)
    }
}

pub(crate) fn run(args: &Build, printer: Printer) -> Result<(), Diagnostics> {
    args.selection.build(args.format, printer).map(|_| ())
}
