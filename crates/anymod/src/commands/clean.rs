//! `anymod clean`: remove what builds made.

use std::path::PathBuf;

use anymod_build::clean::{CleanRequest, clean};
use anymod_model::Diagnostics;
use anymod_model::event::Event;
use clap::Args;

use crate::printer::Printer;
use crate::progress::counted;

#[derive(Debug, Args)]
pub(crate) struct Clean {
    /// Target whose files to remove; `*` stands for any run of characters [default: all]
    #[arg(short, long, value_name = "TARGET")]
    target: Vec<String>,
    /// Also remove the modules of the manifest from dist/
    #[arg(long)]
    dist: bool,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// The manifest, or a directory in or below which it is
    #[arg(long, value_name = "PATH", default_value = ".")]
    manifest: PathBuf,
}

pub(crate) fn run(args: &Clean, printer: Printer) -> Result<(), Diagnostics> {
    let request = CleanRequest {
        manifest: args.manifest.clone(),
        targets: args.target.clone(),
        installed: args.dist,
        dry_run: args.dry_run,
    };
    let cleaned = clean(&request, &mut |event| {
        if let Event::Waiting { path } = event {
            printer.status(&format!("waiting for a build in {path}"));
        }
    })?;
    if args.dry_run {
        printer.data(&cleaned.paths.iter().map(|path| format!("{path}\n")).collect::<String>());
    }
    let verb = if args.dry_run { "would remove" } else { "removed" };
    let (files, size) = (usize::try_from(cleaned.files).unwrap_or(usize::MAX), size(cleaned.bytes));
    printer.status(&format!("{verb} {}, {size}", counted(files, "file")));
    Ok(())
}

/// A number of bytes for people.
fn size(bytes: u64) -> String {
    let units = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => {
            let tenths = u128::from(bytes) * 10 / u128::from(*unit);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} B"),
    }
}
