//! `anymod target`: environments to build for releases of a runtime.

use std::path::PathBuf;

use anymod_build::environment::Environment;
use anymod_build::target::{self, AddOptions, Compiler, TargetEnvironment};
use anymod_model::pyodide::Exceptions;
use anymod_model::{Diagnostic, Diagnostics, codes};
use clap::{Args, Subcommand, ValueEnum};

use crate::cli::Format;
use crate::printer::Printer;

#[derive(Debug, Args)]
pub(crate) struct Target {
    #[command(subcommand)]
    command: TargetCommand,
}

#[derive(Debug, Subcommand)]
enum TargetCommand {
    Add(Add),
    List(List),
    Show(Show),
    /// Compare every file of environments with its hash
    Verify(Names),
    /// Remove environments
    Remove(Names),
}

/// Make the environment of a release: runtime, headers, symbols and tools
///
/// The runtime comes through npm, its installer through pip, headers from a CPython on this machine and from a Debian
/// package, everything checked and recorded. An environment that is there and whole is left alone, without network.
#[derive(Debug, Args)]
struct Add {
    /// Release, for instance `pyodide@0.29.5`
    #[arg(required = true, value_name = "TARGET")]
    names: Vec<String>,
    /// Compiler to build with
    ///
    /// `clang`: a clang of version 19 or newer with wasm-ld. `zig`: the clang inside the managed zig. `emcc`: an
    /// installed emscripten of the runtime's own version. Without the option it is `clang`, or what the environment
    /// has.
    #[arg(long, value_enum, value_name = "KIND")]
    compiler: Option<CompilerName>,
    /// Take exactly what FILE names; write FILE if it is not there
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,
}

/// List the environments that are there
#[derive(Debug, Args)]
struct List {
    /// Form of the list
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Show what is known of an environment
#[derive(Debug, Args)]
struct Show {
    /// Target, for instance `pyodide-0.29.5`
    #[arg(value_name = "TARGET")]
    name: String,
    /// Form of the output
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Args)]
struct Names {
    /// Targets, for instance `pyodide-0.29.5`
    #[arg(required = true, value_name = "TARGET")]
    names: Vec<String>,
}

/// Kinds of compilers as the command line has them.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum CompilerName {
    Clang,
    Zig,
    Emcc,
}

impl From<CompilerName> for Compiler {
    fn from(name: CompilerName) -> Compiler {
        match name {
            CompilerName::Clang => Compiler::Clang,
            CompilerName::Zig => Compiler::Zig,
            CompilerName::Emcc => Compiler::Emcc,
        }
    }
}

pub(crate) fn run(args: &Target, printer: Printer) -> Result<(), Diagnostics> {
    let environment = Environment::of_process();
    match &args.command {
        TargetCommand::Add(args) => add(args, &environment, printer),
        TargetCommand::List(args) => list(args, &environment, printer),
        TargetCommand::Show(args) => show(args, &environment, printer),
        TargetCommand::Verify(args) => verify(&args.names, &environment, printer),
        TargetCommand::Remove(args) => remove(&args.names, &environment, printer),
    }
}

fn add(args: &Add, environment: &Environment, printer: Printer) -> Result<(), Diagnostics> {
    if args.names.len() > 1 && args.lock.is_some() {
        let message = "`--lock` is for one target";
        return Err(Diagnostic::error(&codes::manifest::USAGE, message)
            .hint("add the targets one by one, each with a lock of its own")
            .into());
    }
    let options =
        AddOptions { compiler: args.compiler.map(Compiler::from), lock: args.lock.clone() };
    for name in &args.names {
        let added = target::add(name, &options, environment, &mut |line| printer.status(line))?;
        for warning in &added.warnings {
            printer.diagnostic(warning);
        }
        let verb = if added.changed { "added" } else { "already there:" };
        let facts = &added.target.description.facts;
        printer.status(&format!(
            "{verb} {} in {}",
            facts.target(),
            added.target.directory.display()
        ));
    }
    Ok(())
}

fn list(args: &List, environment: &Environment, printer: Printer) -> Result<(), Diagnostics> {
    let targets = target::list(environment)?;
    match args.format {
        Format::Text => {
            let row = |target: &TargetEnvironment| {
                let facts = &target.description.facts;
                format!("{:<20}  CPython {:<8}  {}\n", facts.target(), facts.python, facts.platform)
            };
            printer.data(&targets.iter().map(row).collect::<String>());
        }
        Format::Json => {
            printer.data(&super::json(&targets.iter().map(as_json).collect::<Vec<_>>()));
        }
    }
    Ok(())
}

fn as_json(target: &TargetEnvironment) -> serde_json::Value {
    let mut value = serde_json::to_value(&target.description).unwrap_or_default();
    if let Some(object) = value.as_object_mut() {
        object.insert("target".to_owned(), target.description.facts.target().into());
        object.insert("directory".to_owned(), target.directory.display().to_string().into());
    }
    value
}

fn show(args: &Show, environment: &Environment, printer: Printer) -> Result<(), Diagnostics> {
    let target = target::find(&args.name, environment)?;
    let lock = target.lock()?;
    if args.format == Format::Json {
        let mut value = as_json(&target);
        if let Some(object) = value.as_object_mut() {
            let packages = serde_json::to_value(&lock.packages).unwrap_or_default();
            object.insert("packages".to_owned(), packages);
        }
        printer.data(&super::json(&value));
        return Ok(());
    }
    let facts = &target.description.facts;
    let exceptions = match facts.exceptions {
        Exceptions::JavaScript => "through JavaScript",
        Exceptions::Wasm => "of WebAssembly, legacy encoding",
    };
    let mut rows = vec![
        ("target", facts.target()),
        ("directory", target.directory.display().to_string()),
        ("CPython", facts.python.clone()),
        ("ABI", facts.abi.clone().unwrap_or_else(|| "none".to_owned())),
        ("emscripten", facts.emscripten.clone()),
        ("wheels get", facts.platform.clone()),
        ("it takes", facts.platforms.join(", ")),
        ("extensions end with", facts.extension_suffix.clone()),
        ("C++ exceptions", exceptions.to_owned()),
        ("compiler", target.description.tools.cc.display().to_string()),
    ];
    for package in &lock.packages {
        rows.push(("made from", format!("{} {}", package.name, package.version)));
    }
    let text: String = rows.iter().map(|(name, value)| format!("{name:<20}  {value}\n")).collect();
    printer.data(&text);
    Ok(())
}

fn verify(
    names: &[String],
    environment: &Environment,
    printer: Printer,
) -> Result<(), Diagnostics> {
    let mut findings = Vec::new();
    for name in names {
        let damage = target::verify(name, environment)?;
        if damage.is_empty() {
            printer.status(&format!("{name}: whole"));
            continue;
        }
        let message = format!("the environment of `{name}` is damaged");
        let mut finding = Diagnostic::error(&codes::toolchain::TARGET_DAMAGED, message);
        finding.notes = damage.iter().take(10).cloned().collect();
        if damage.len() > 10 {
            finding.notes.push(format!("and {} more", damage.len() - 10));
        }
        let hint = format!("run `anymod target remove {name}` and `anymod target add {name}`");
        findings.push(finding.hint(hint));
    }
    if findings.is_empty() { Ok(()) } else { Err(Diagnostics(findings)) }
}

fn remove(
    names: &[String],
    environment: &Environment,
    printer: Printer,
) -> Result<(), Diagnostics> {
    for name in names {
        let verb = if target::remove(name, environment)? { "removed" } else { "not there:" };
        printer.status(&format!("{verb} {name}"));
    }
    Ok(())
}
