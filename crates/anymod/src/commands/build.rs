//! `anymod build`: from the manifest to installed modules.

use std::path::Path;

use anymod_build::environment::Environment;
use anymod_build::{BuildRequest, Download, Inspected, Report};
use anymod_model::Diagnostics;
use anymod_model::settings::Settings;
use clap::Args;

use crate::cli::Format;
use crate::interrupt;
use crate::printer::Printer;
use crate::progress::{Progress, counted, describe};
use crate::project::LayerArgs;
use crate::settings::{self, RunArgs};
use crate::timings::TimingsArgs;

#[derive(Debug, Args)]
pub(crate) struct Build {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Form of the output: lines for people, or one JSON object a line for each event
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Say what would run, and why, and run nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    timings: TimingsArgs,
}

// What to build and how; shared with the commands that build first.
#[derive(Debug, Args)]
pub(crate) struct Selection {
    /// Modules to build [default: all]
    #[arg(value_name = "MODULE")]
    modules: Vec<String>,
    /// Target to build for; `*` chooses among the manifest's [default: all of the manifest's]
    #[arg(short, long, value_name = "TARGET")]
    target: Vec<String>,
    /// Build type; several build each [default: as the manifest says, else `release`]
    #[arg(short, long, value_name = "TYPE")]
    build_type: Vec<String>,
    /// Variant of addons for Node.js: `modern`, `baseline`, one that the manifest names, or `all` [default: as the
    /// manifest says, else the one for this machine]
    #[arg(long, value_name = "NAME")]
    variant: Vec<String>,
    /// Compilers to use: `auto`, `gnu` or `zig` [default: ANYMOD_TOOLCHAIN, then the manifest, then `auto`]
    #[arg(long, value_name = "KIND")]
    toolchain: Option<String>,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    layers: LayerArgs,
}

impl Selection {
    /// What is set by flags, environment and files.
    pub(crate) fn settings(&self) -> Result<Settings, Diagnostics> {
        settings::load(&self.layers.manifest, self.run.layer()?)
    }

    /// The request, with these settings.
    pub(crate) fn request(&self) -> Result<BuildRequest, Diagnostics> {
        let settings = self.settings()?;
        let jobs = settings.number("build.jobs").and_then(|jobs| usize::try_from(jobs).ok());
        let mut store = settings::shared(&settings, &self.layers.manifest)?;
        if let Some(remote) = store.as_mut().and_then(|store| store.remote.as_mut()) {
            remote.download = Download::of(&settings);
        }
        Ok(BuildRequest {
            modules: self.modules.clone(),
            targets: self.target.clone(),
            build_types: self.build_type.clone(),
            variants: self.variant.clone(),
            toolchain: self.toolchain.clone(),
            jobs,
            keep_going: settings.is_on("build.keep-going"),
            store,
            libraries: self.layers.libraries()?,
            allow_outside: self.layers.allow_outside,
            module_dirs: self.layers.module_dirs.clone(),
            no_manifest: self.layers.no_manifest,
            ..BuildRequest::new(&self.layers.manifest, Environment::of_process())
        })
    }

    /// True if a module for a target is among what is asked for.
    pub(crate) fn covers(&self, module: &str, target: &str) -> bool {
        let matches = |pattern: &String| anymod_model::target::glob_matches(pattern, target);
        (self.modules.is_empty() || self.modules.iter().any(|name| name == module))
            && (self.target.is_empty() || self.target.iter().any(matches))
    }

    /// Builds what is then read, with the run shown in a form and, if that is asked for, a page written about how long
    /// everything took.
    pub(crate) fn build(
        &self,
        format: Format,
        timings: &TimingsArgs,
        printer: Printer,
    ) -> Result<Report, Diagnostics> {
        let mut request = BuildRequest { cancel: interrupt::cancel(), ..self.request()? };
        let remote = request.store.as_mut().and_then(|store| store.remote.as_mut());
        if let Some(remote) = remote.filter(|remote| remote.download == Download::Minimal) {
            self.run.refuse_download("it reads the modules that were built")?;
            remote.download = Download::Outputs;
        }
        run_shown(&request, &self.layers.manifest, format, timings, printer)
    }
}

/// Builds what is asked for and shows the run.
fn run_shown(
    request: &BuildRequest,
    manifest: &Path,
    format: Format,
    timings: &TimingsArgs,
    printer: Printer,
) -> Result<Report, Diagnostics> {
    let mut progress = Progress::new(format, printer);
    if timings.wanted() {
        progress.record();
    }
    let outcome = anymod_build::build(request, &mut |event| progress.event(&event));
    progress.finish();
    timings.write(manifest, &progress.take_events(), printer)?;
    let report = outcome?;
    report.warnings.iter().for_each(|warning| printer.diagnostic(warning));
    Ok(report)
}

pub(crate) fn run(args: &Build, printer: Printer) -> Result<(), Diagnostics> {
    if args.dry_run {
        return dry_run(args, printer);
    }
    let Build { selection, format, timings, .. } = args;
    let request = BuildRequest { cancel: interrupt::cancel(), ..selection.request()? };
    run_shown(&request, &selection.layers.manifest, *format, timings, printer).map(|_| ())
}

/// Says what would run, and why.
fn dry_run(args: &Build, printer: Printer) -> Result<(), Diagnostics> {
    let inspection = anymod_build::inspect(&args.selection.request()?)?;
    inspection.findings.iter().for_each(|finding| printer.diagnostic(finding));
    let stale = inspection.actions.iter().filter(|action| !action.reasons.is_empty());
    let mut count = 0;
    for inspected in stale {
        count += 1;
        printer.data(&match args.format {
            Format::Text => told(inspected),
            Format::Json => json_line(inspected),
        });
    }
    let fresh = inspection.actions.len() - count;
    printer.status(&format!("would run {}; {fresh} fresh", counted(count, "action")));
    Ok(())
}

/// An action and its reasons, as lines.
pub(crate) fn told(inspected: &Inspected) -> String {
    let reasons = inspected.reasons.iter().map(|reason| format!("  {reason}\n"));
    format!("{}\n{}", describe(&inspected.action), reasons.collect::<String>())
}

/// The same as a JSON object on a line.
fn json_line(inspected: &Inspected) -> String {
    let Inspected { action, inputs, outputs, reasons, key, .. } = inspected;
    let key = key.map(|key| key.to_string());
    let mut value = serde_json::json!({
        "inputs": inputs,
        "outputs": outputs,
        "reasons": reasons,
        "key": key,
    });
    if let (Ok(serde_json::Value::Object(action)), Some(object)) =
        (serde_json::to_value(action), value.as_object_mut())
    {
        object.extend(action);
    }
    value.to_string() + "\n"
}
