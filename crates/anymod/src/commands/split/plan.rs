//! `anymod split plan`, `emit` and `link`: from a description to a host and modules.

use std::fmt::Write as _;
use std::path::PathBuf;

use anymod_build::environment::Environment;
use anymod_build::split::emit::emit;
use anymod_build::split::link::{LinkReport, link};
use anymod_build::split::plan::{PlanRequest, SplitPlan, plan};
use anymod_model::Diagnostics;
use anymod_model::manifest::{Export, SplitLinker, Tier};
use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::json;

use crate::cli::Format;
use crate::interrupt;
use crate::printer::Printer;
use crate::progress::counted;
use crate::settings::{self, SharedArgs};

/// Show where each module and library of the manifest's [split] goes, why, and what the host has to export
///
/// Nothing is linked: everything is found in the bytes of objects and archives.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    what: What,
    /// Also list the exports
    #[arg(long)]
    all: bool,
}

/// Write response files, export lists and settings of other builds for the manifest's [split]
///
/// `cc @HOST.rsp` links the host. `Setup.local` and `environment.sh` are for CPython's and other configure scripts.
#[derive(Debug, Args)]
pub(crate) struct Emit {
    #[command(flatten)]
    what: What,
}

/// Link the host and the modules of the manifest's [split], and verify them
#[derive(Debug, Args)]
pub(crate) struct Link {
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    shared: SharedArgs,
}

/// Which split, and how far.
#[derive(Debug, Args)]
struct What {
    /// Manifest, or a directory at or below which there is one
    #[arg(long, value_name = "PATH", default_value = ".")]
    manifest: PathBuf,
    /// Tier of the modules, in place of the manifest's
    #[arg(long, value_parser = words(Tier::CHOICES))]
    tier: Option<String>,
    /// Group of modules that moves; may be given several times; the others stay
    #[arg(long)]
    group: Vec<String>,
    /// Tier of the modules of other groups [default: static]
    #[arg(long, value_name = "TIER", value_parser = words(Tier::CHOICES), requires = "group")]
    others: Option<String>,
    /// What the host takes in of the libraries, in place of the manifest's
    #[arg(long, value_parser = words(Export::CHOICES))]
    export: Option<String>,
    /// Linker, in place of the manifest's
    #[arg(long, value_parser = words(SplitLinker::CHOICES))]
    linker: Option<String>,
    /// What the names of symbols of libraries that the host exports begin with, in place of the manifest's
    #[arg(long, value_name = "TEXT")]
    namespace: Option<String>,
    /// Give what the host exports a version, whatever the manifest says
    #[arg(long)]
    version_script: bool,
    /// Where outputs go, in place of the manifest's
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Form of the report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

fn words(choices: &'static [(&'static str, &'static str)]) -> PossibleValuesParser {
    PossibleValuesParser::new(choices.iter().map(|(word, _)| *word))
}

impl What {
    fn request(&self) -> PlanRequest {
        let tier = |word: &Option<String>| word.as_deref().and_then(Tier::from_name);
        PlanRequest {
            manifest: self.manifest.clone(),
            tier: tier(&self.tier),
            groups: self.group.clone(),
            others: tier(&self.others),
            export: self.export.as_deref().and_then(Export::from_name),
            linker: self.linker.as_deref().and_then(SplitLinker::from_name),
            namespace: self.namespace.clone(),
            version_script: self.version_script,
            directory: self
                .out
                .as_ref()
                .map(|out| std::path::absolute(out).unwrap_or_else(|_| out.clone())),
            environment: Environment::of_process(),
        }
    }
}

pub(super) fn run_plan(args: &Plan, printer: Printer) -> Result<(), Diagnostics> {
    let plan = plan(&args.what.request())?;
    printer.data(&match args.what.format {
        Format::Text => text(&plan, args.all),
        Format::Json => super::super::json(&json!({ "version": 1, "plan": plan })),
    });
    super::conclude(plan.diagnostics, printer)
}

pub(super) fn run_emit(args: &Emit, printer: Printer) -> Result<(), Diagnostics> {
    let plan = plan(&args.what.request())?;
    let written = emit(&plan)?;
    printer.data(&match args.what.format {
        Format::Text => written.iter().map(|path| format!("{}\n", path.display())).collect(),
        Format::Json => {
            super::super::json(&json!({ "version": 1, "plan": plan, "files": written }))
        }
    });
    super::conclude(plan.diagnostics, printer)
}

pub(super) fn run_link(args: &Link, printer: Printer) -> Result<(), Diagnostics> {
    let settings = settings::load(&args.what.manifest, args.shared.layer()?)?;
    let store = settings::shared(&settings, &args.what.manifest)?;
    let report = link(&args.what.request(), store.as_ref(), &interrupt::cancel())?;
    printer.data(&match args.what.format {
        Format::Text => linked(&report),
        Format::Json => super::super::json(&json!({ "version": 1, "report": report })),
    });
    super::conclude(report.diagnostics, printer)
}

fn text(plan: &SplitPlan, all: bool) -> String {
    let mut text = format!(
        "{} of {} are files of their own; the host exports {} ({})\n\n",
        plan.moved,
        counted(plan.modules.len(), "module"),
        counted(plan.exports.len(), "symbol"),
        plan.export
    );
    let width =
        |names: &mut dyn Iterator<Item = &String>| names.map(String::len).max().unwrap_or(0);
    let modules = width(&mut plan.modules.iter().map(|module| &module.name));
    for module in &plan.modules {
        let group =
            module.group.as_ref().map_or_else(String::new, |group| format!(" group {group}"));
        let _ = write!(text, "module   {:<modules$}  {}{group}", module.name, module.tier);
        if !module.bundles.is_empty() {
            let _ = write!(text, ", with {} inside", module.bundles.join(", "));
        }
        if !module.uses.is_empty() {
            let _ = write!(text, ", uses {} of the host", module.uses.join(", "));
        }
        if module.needs > 0 {
            let _ = write!(text, ", needs {}", counted(module.needs, "symbol"));
        }
        text.push('\n');
    }
    let libraries = width(&mut plan.libraries.iter().map(|library| &library.name));
    for library in &plan.libraries {
        let _ = writeln!(
            text,
            "library  {:<libraries$}  {}: {} (class {}, state {})",
            library.name,
            library.place,
            library.because,
            library.class.unwrap_or("unknown"),
            library.state
        );
    }
    if all {
        text.push('\n');
        for name in &plan.exports {
            let _ = writeln!(text, "export   {name}");
        }
    }
    text
}

fn linked(report: &LinkReport) -> String {
    let mut text = String::new();
    let mut total = 0;
    for output in &report.outputs {
        total += output.size;
        let name = output.file.file_name().unwrap_or_default().to_string_lossy();
        let from = if output.stored { "  from the store" } else { "" };
        let _ = writeln!(text, "{:>12}  {name}{from}", output.size);
    }
    let exports = report.verified.files.first().map_or(0, |host| host.exports);
    let _ = writeln!(
        text,
        "{total:>12}  in all; {} of {} moved, the host exports {}",
        report.plan.moved,
        counted(report.plan.modules.len(), "module"),
        counted(exports, "symbol")
    );
    text
}
