//! `anymod doctor`: what this machine can build for, and the command that mends what it cannot.

use anymod_build::environment::Environment;
use anymod_build::toolchain::doctor::{
    DoctorReport, TargetHealth, ToolHealth, ToolchainHealth, doctor,
};
use anymod_model::{Diagnostic, Diagnostics, codes};
use clap::Args;

use crate::cli::Format;
use crate::printer::Printer;

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Targets to look at; `*` stands for any run of characters [default: all]
    #[arg(short, long, value_name = "TARGET")]
    target: Vec<String>,
    /// Form of the report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(crate) fn run(args: &Doctor, printer: Printer) -> Result<(), Diagnostics> {
    let wanted = super::targets::select(&args.target)?;
    let report = doctor(&wanted, &Environment::of_process());
    match args.format {
        Format::Text => printer.data(&text(&report)),
        Format::Json => printer.data(&super::json(&report)),
    }
    let missing: Vec<&str> = report
        .targets
        .iter()
        .filter(|health| !health.ready)
        .map(|health| health.target.as_str())
        .collect();
    if missing.is_empty() || args.target.is_empty() {
        return Ok(());
    }
    let message = format!("nothing here builds for {}", missing.join(", "));
    Err(Diagnostic::error(&codes::toolchain::MISSING, message)
        .hint("run the commands that the report names")
        .into())
}

fn text(report: &DoctorReport) -> String {
    let mut text = String::new();
    for health in &report.targets {
        target(&mut text, health);
    }
    for health in &report.tools {
        tool(&mut text, health);
    }
    if let Some(home) = &report.home {
        text += &format!("\nmanaged tools: {}\n", home.display());
    }
    text
}

fn target(text: &mut String, health: &TargetHealth) {
    let mark = if health.ready { "ok" } else { "--" };
    *text += &format!("{mark}  {}\n", health.target);
    for toolchain in &health.toolchains {
        one_toolchain(text, toolchain);
    }
}

fn one_toolchain(text: &mut String, health: &ToolchainHealth) {
    let state = match (&health.path, health.works) {
        (Some(path), true) => {
            format!("{}  {}", health.version.as_deref().unwrap_or("?"), path.display())
        }
        (Some(path), false) => format!("does not work: {}", path.display()),
        (None, _) => "not found".to_owned(),
    };
    *text += &format!("      {:<4}  {state}\n", health.kind);
    if !health.libraries.is_empty() {
        *text += &format!("            libraries: {}\n", health.libraries.join(", "));
    }
    for problem in &health.problems {
        *text += &format!("            {problem}\n");
    }
    match &health.install {
        Some(install) => *text += &format!("            install: {install}\n"),
        None if health.path.is_none() => {
            *text += "            install: the chip maker's toolchain; put it on the PATH or name its `dir` in the manifest\n"
        }
        None => {}
    }
}

fn tool(text: &mut String, health: &ToolHealth) {
    let mark = if health.works { "ok" } else { "--" };
    *text += &format!("{mark}  {} ({})\n", health.name, health.purpose);
    match &health.path {
        Some(path) => {
            *text +=
                &format!("      {}  {}\n", health.version.as_deref().unwrap_or("?"), path.display())
        }
        None => *text += "      not found\n",
    }
    if let Some(install) = &health.install {
        *text += &format!("      install: {install}\n");
    }
}
