//! `anymod split interpose`: what a host would take over in modules by others.

use std::fmt::Write as _;
use std::path::PathBuf;

use anymod_build::environment::Environment;
use anymod_build::split::interpose::{Applied, apply, interpose};
use anymod_build::split::plan::PlanRequest;
use anymod_model::Diagnostics;
use clap::Args;
use serde_json::json;

use crate::cli::Format;
use crate::interrupt;
use crate::printer::Printer;
use crate::progress::counted;
use crate::settings::{self, SharedArgs};

/// Show which symbols of modules by others a host would take over
///
/// A loader looks symbols up in the program first. A module that brings a library along which the host exports as well
/// gets the host's, which may be another version. The exit status is 1 if there is any.
#[derive(Debug, Args)]
pub(crate) struct Interpose {
    /// The host
    host: PathBuf,
    /// Directory, wheel or shared library by others; may be given several times
    #[arg(long, required = true, value_name = "PATH")]
    against: Vec<PathBuf>,
    /// Link the host of the manifest's [split] again with what keeps it from taking over: a version for its exports, or
    /// other names if that is not enough
    #[arg(long)]
    apply: bool,
    /// Manifest of the host's split, or a directory at or below which there is one
    #[arg(long, value_name = "PATH", default_value = ".", requires = "apply")]
    manifest: PathBuf,
    #[command(flatten)]
    shared: SharedArgs,
    /// Also list the symbols
    #[arg(long)]
    all: bool,
    /// Form of the report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Interpose, printer: Printer) -> Result<(), Diagnostics> {
    let (reports, applied) = match args.apply {
        false => (interpose(&args.host, &args.against)?, Vec::new()),
        true => {
            let settings = settings::load(&args.manifest, args.shared.layer()?)?;
            let request = PlanRequest {
                manifest: args.manifest.clone(),
                environment: Environment::of_process(),
                ..PlanRequest::default()
            };
            apply(
                &args.host,
                &args.against,
                &request,
                settings::shared(&settings, &args.manifest)?.as_ref(),
                &interrupt::cancel(),
            )?
        }
    };
    printer.data(&match args.format {
        Format::Json => {
            super::super::json(&json!({ "version": 1, "reports": reports, "applied": applied }))
        }
        Format::Text => {
            let mut text = String::new();
            for Applied { setting, before, after } in &applied {
                let symbols = counted(*before, "symbol");
                let _ = writeln!(
                    text,
                    "linked with `{setting}`: {symbols} taken over before, {after} now"
                );
            }
            for report in &reports {
                let _ = writeln!(text, "{}: {}", report.against, counted(report.files, "ELF file"));
                for pair in &report.pairs {
                    let _ = writeln!(text, "{:>6}  {} from {}", pair.count, pair.user, pair.owner);
                    for name in pair.symbols.iter().filter(|_| args.all) {
                        let _ = writeln!(text, "        {name}");
                    }
                }
            }
            text
        }
    });
    let findings = reports.into_iter().flat_map(|report| report.diagnostics).collect();
    super::conclude(findings, printer)
}
