//! `anymod flags`: how sources are compiled and linked for a target, and why.

use anymod_build::environment::Environment;
use anymod_build::intercept::{self, Documented};
use anymod_model::Diagnostics;
use clap::{Args, ValueEnum};

use crate::printer::Printer;

/// Show the compiler, linker and options of a target, and why each is there
///
/// With one of the options that choose a command line, prints just that, for use in a build of one's own.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// Target, for instance `pyodide-0.29.5`
    #[arg(long)]
    target: String,
    /// Say of every rule what it does, why, and how to have it otherwise
    #[arg(long, conflicts_with = "line")]
    explain: bool,
    /// Form of the output
    #[arg(long, value_enum, default_value = "text")]
    format: FlagsFormat,
    #[command(flatten)]
    line: Line,
}

/// How the command lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FlagsFormat {
    /// For a person
    Text,
    /// JSON
    Json,
    /// Assignments that a shell takes
    Shell,
}

/// One command line.
#[derive(Debug, Args)]
#[group(id = "line", multiple = false)]
struct Line {
    /// Print the C compiler
    #[arg(long)]
    cc: bool,
    /// Print the C++ compiler
    #[arg(long)]
    cxx: bool,
    /// Print the options for compiling C
    #[arg(long)]
    cflags: bool,
    /// Print the options for compiling C++
    #[arg(long)]
    cxxflags: bool,
    /// Print the linker
    #[arg(long)]
    ld: bool,
    /// Print the options for linking
    #[arg(long)]
    ldflags: bool,
    /// Print the archiver
    #[arg(long)]
    ar: bool,
}

pub(crate) fn run(args: &Flags, printer: Printer) -> Result<(), Diagnostics> {
    let target = anymod_build::target::find(&args.target, &Environment::of_process())?;
    if args.explain {
        let rules = intercept::documented(&target);
        printer.data(&match args.format {
            FlagsFormat::Json => super::json(&rules),
            FlagsFormat::Text | FlagsFormat::Shell => explained(&rules),
        });
        return Ok(());
    }
    let lines = intercept::command_lines(&target);
    let rows = [
        ("CC", &lines.cc, args.line.cc),
        ("CXX", &lines.cxx, args.line.cxx),
        ("CFLAGS", &lines.cflags, args.line.cflags),
        ("CXXFLAGS", &lines.cxxflags, args.line.cxxflags),
        ("LD", &lines.ld, args.line.ld),
        ("LDFLAGS", &lines.ldflags, args.line.ldflags),
        ("AR", &lines.ar, args.line.ar),
    ];
    if let Some((_, words, _)) = rows.iter().find(|row| row.2) {
        printer.data(&match args.format {
            FlagsFormat::Json => super::json(words),
            FlagsFormat::Text | FlagsFormat::Shell => intercept::shell(words) + "\n",
        });
        return Ok(());
    }
    printer.data(&match args.format {
        FlagsFormat::Json => super::json(&lines),
        FlagsFormat::Text => rows
            .iter()
            .map(|(name, words, _)| format!("{name:<9} {}\n", intercept::shell(words)))
            .collect(),
        FlagsFormat::Shell => {
            let line = |words: &[String]| intercept::shell(&[intercept::shell(words)]);
            rows.iter().map(|(name, words, _)| format!("{name}={}\n", line(words))).collect()
        }
    });
    Ok(())
}

fn explained(rules: &[Documented]) -> String {
    let mut text = String::new();
    for rule in rules {
        let what = rule.what.map_or_else(|| intercept::shell(&rule.words), str::to_owned);
        if what.is_empty() {
            continue;
        }
        text += &format!("{} ({})\n    {what}\n    because {}\n", rule.name, rule.step, rule.why);
        text += &format!("    otherwise: {}\n", rule.overridden_by);
    }
    text
}
