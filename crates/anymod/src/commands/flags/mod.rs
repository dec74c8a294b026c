//! `anymod flags`: how sources are compiled and linked for a target, and why.

mod archives;
mod quote;

use anymod_build::environment::Environment;
use anymod_build::intercept::{self, Documented};
use anymod_model::manifest::nearest;
use anymod_model::{Diagnostic, Diagnostics, Target, codes};
use clap::{Args, ValueEnum};

use crate::printer::Printer;
use crate::project::LayerArgs;

#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// Modules, for targets whose modules are archives [default: all]
    #[arg(value_name = "MODULE")]
    modules: Vec<String>,
    /// Target, for instance `wasi` or `pyodide-0.29.5`
    #[arg(short, long)]
    target: String,
    /// Build type [default: as the manifest says, else `release`]
    #[arg(short, long, value_name = "TYPE")]
    build_type: Option<String>,
    /// Compilers to use: `auto`, `gnu` or `zig` [default: ANYMOD_TOOLCHAIN, then the manifest, then `auto`]
    #[arg(long, value_name = "KIND")]
    toolchain: Option<String>,
    /// Say of every rule what it does, why, and how to have it otherwise
    #[arg(long, conflicts_with = "line")]
    explain: bool,
    /// Form of the output
    #[arg(long, value_enum, default_value = "text")]
    format: FlagsFormat,
    #[command(flatten)]
    line: Line,
    #[command(flatten)]
    layers: LayerArgs,
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
    /// Assignments for a makefile
    Make,
    /// CMake: a list, or `set` commands
    Cmake,
    /// Meson: an array, or a machine file
    Meson,
}

// One command line.
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
    /// Print the directory of the modules' archives
    #[arg(long)]
    libdir: bool,
}

pub(crate) fn run(args: &Flags, printer: Printer) -> Result<(), Diagnostics> {
    if let Some(target) = Target::parse(&args.target).filter(|target| target.takes_archives()) {
        return archives::run(args, target, printer);
    }
    if Target::parse(&args.target).is_none() && !args.target.starts_with("pyodide") {
        let message = format!("unknown target `{}`", args.target);
        let names: Vec<String> = Target::all().map(|target| target.to_string()).collect();
        let near = nearest(&args.target, names.iter().map(String::as_str));
        let hint = near.map_or_else(
            || "`anymod targets` lists them".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(Diagnostic::error(&codes::manifest::UNKNOWN_TARGET, message).hint(hint).into());
    }
    let other = matches!(args.format, FlagsFormat::Make | FlagsFormat::Cmake | FlagsFormat::Meson);
    if other || args.line.libdir || !args.modules.is_empty() {
        let message = format!("`{}` takes no modules, build system or `--libdir`", args.target);
        return Err(Diagnostic::error(&codes::manifest::USAGE, message)
            .hint("they are for `native`, `native-static`, `native-PLATFORM`, `wasi` and `emscripten`")
            .into());
    }
    let target = anymod_build::target::find(&args.target, &Environment::of_process())?;
    if args.explain {
        let rules = intercept::documented(&target);
        printer.data(&match args.format {
            FlagsFormat::Json => super::json(&rules),
            _ => explained(&rules),
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
            _ => intercept::shell(words) + "\n",
        });
        return Ok(());
    }
    printer.data(&match args.format {
        FlagsFormat::Json => super::json(&lines),
        FlagsFormat::Text => rows
            .iter()
            .map(|(name, words, _)| format!("{name:<9} {}\n", intercept::shell(words)))
            .collect(),
        _ => {
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
