//! `anymod whl`: finished wheels taken apart, put together and given other tags.

mod show;

use std::path::PathBuf;

use anymod_build::environment::Environment;
use anymod_build::whl::{self, NewTags};
use anymod_model::Diagnostics;
use clap::{Args, Subcommand};

use crate::printer::Printer;

#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Whl {
    #[command(subcommand)]
    command: WhlCommand,
}

#[derive(Debug, Subcommand)]
enum WhlCommand {
    Show(show::Show),
    Unpack(Unpack),
    Pack(Pack),
    Retag(Retag),
    Repair(Repair),
}

/// Unpack a wheel into a new directory called NAME-VERSION
#[derive(Debug, Args)]
struct Unpack {
    /// Wheel to unpack
    file: PathBuf,
    /// Where to make the directory
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

/// Pack an unpacked wheel, with a new record
///
/// The file is named by the wheel's own description. Equal files give equal bytes; the time of all files is
/// `SOURCE_DATE_EPOCH`, by default the first that a wheel can say.
#[derive(Debug, Args)]
struct Pack {
    /// Directory that holds the wheel's files
    directory: PathBuf,
    /// Where to put the wheel
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

/// Give a wheel other tags, in its name and inside
///
/// Tags that are not given stay. Several of a kind are joined with dots. The old wheel stays where it is.
#[derive(Debug, Args)]
struct Retag {
    /// Wheel to take
    file: PathBuf,
    /// Interpreter tag, for instance `cp313`
    #[arg(long, value_name = "TAG")]
    interpreter: Option<String>,
    /// ABI tag, for instance `cp313` or `abi3`
    #[arg(long, value_name = "TAG")]
    abi: Option<String>,
    /// Platform tag, for instance `pyodide_2025_0_wasm32`
    #[arg(long, value_name = "TAG")]
    platform: Option<String>,
    /// Where to put the new wheel [default: beside the old one]
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Tell modules where in the wheel the libraries are that they need
///
/// Runtimes look for a library in the module's runtime path, which wasm-ld 19 and before cannot write. The wheel is
/// replaced if anything changes.
#[derive(Debug, Args)]
struct Repair {
    /// Wheel to repair
    file: PathBuf,
}

pub(crate) fn run(args: &Whl, printer: Printer) -> Result<(), Diagnostics> {
    let environment = Environment::of_process();
    let made = match &args.command {
        WhlCommand::Show(args) => return show::run(args, printer),
        WhlCommand::Repair(args) => {
            for (module, libraries) in whl::repair_file(&args.file, &environment)? {
                printer.data(&format!("{module}: {}\n", libraries.join(", ")));
            }
            return Ok(());
        }
        WhlCommand::Unpack(args) => whl::unpack(&args.file, &args.out)?,
        WhlCommand::Pack(args) => whl::pack(&args.directory, &args.out, &environment)?,
        WhlCommand::Retag(args) => {
            let tags = NewTags {
                interpreter: args.interpreter.as_deref(),
                abi: args.abi.as_deref(),
                platform: args.platform.as_deref(),
            };
            whl::retag(&args.file, tags, args.out.as_deref(), &environment)?
        }
    };
    printer.data(&format!("{}\n", made.display()));
    Ok(())
}
