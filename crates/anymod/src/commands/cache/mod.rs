//! `anymod cache`: looking after the store, and the artifacts in it. The store does the work.

mod artifacts;
mod capture;
mod clear;
mod explain;
mod gc;
mod path;
mod populate;
mod stats;
mod verify;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anymod_model::settings::Settings;
use anymod_model::{Diagnostic, Diagnostics, codes};
use anymod_store::{Collected, Held, Store};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::printer::Printer;
use crate::progress::counted;
use crate::settings::{self, StoreArgs};

#[derive(Debug, Args)]
pub(crate) struct Cache {
    #[command(subcommand)]
    command: CacheCommand,
}

#[derive(Debug, Subcommand)]
enum CacheCommand {
    Populate(populate::Populate),
    Capture(capture::Capture),
    Stats(stats::Stats),
    Gc(gc::Gc),
    Verify(verify::Verify),
    Clear(clear::Clear),
    Path(path::Path),
    Explain(explain::Explain),
}

pub(crate) fn run(args: &Cache, printer: Printer) -> Result<(), Diagnostics> {
    match &args.command {
        CacheCommand::Populate(args) => populate::run(args, printer),
        CacheCommand::Capture(args) => capture::run(args, printer),
        CacheCommand::Stats(args) => stats::run(args, printer),
        CacheCommand::Gc(args) => gc::run(args, printer),
        CacheCommand::Verify(args) => verify::run(args, printer),
        CacheCommand::Clear(args) => clear::run(args, printer),
        CacheCommand::Path(args) => path::run(args, printer),
        CacheCommand::Explain(args) => explain::run(args, printer),
    }
}

/// Which store is meant
#[derive(Debug, Args)]
struct Which {
    #[command(flatten)]
    store: StoreArgs,
    /// The manifest of the project whose settings hold, or a directory in or below which it is
    #[arg(long, value_name = "PATH", default_value = ".")]
    manifest: PathBuf,
}

impl Which {
    /// The store, and the settings that it comes from.
    fn open(&self) -> Result<(Store, Settings), Diagnostics> {
        let settings = settings::load(&self.manifest, self.store.layer()?)?;
        Ok((open(&settings)?, settings))
    }
}

/// The store that settings mean.
fn open(settings: &Settings) -> Result<Store, Diagnostic> {
    settings::store(settings).ok_or_else(|| off(settings))?.open()
}

/// The diagnostic of a store that is wanted and that settings turn off.
fn off(settings: &Settings) -> Diagnostic {
    let finding = Diagnostic::error(&codes::store::OFF, "the store is off");
    let origin = settings.get("store.path").map(|found| &found.origin);
    let finding = match origin {
        Some(anymod_model::settings::Origin::Default) | None => {
            finding.note("without a home directory there is no place for it by default")
        }
        Some(origin) => finding.note(format!("`store.path` is `off` because of {origin}")),
    };
    finding.hint("name a directory with `--store DIR` or `ANYMOD_STORE`")
}

/// Tells what the store could not do.
fn warn(store: &Store, printer: Printer) {
    store.take_warnings().iter().for_each(|warning| printer.diagnostic(warning));
}

/// What a collection did, as a line.
fn collected_text(collected: &Collected) -> String {
    let Collected { removed, blobs, kept, .. } = collected;
    format!(
        "removed {} and {}, {}; {} and {} stay\n",
        counted(removed.records, "result"),
        counted(*blobs, "blob"),
        bytes(removed.bytes),
        counted(kept.records, "result"),
        bytes(kept.bytes),
    )
}

/// The same for programs.
fn collected_json(collected: &Collected) -> Value {
    json!({
        "version": 1,
        "removed": held_json(&collected.removed),
        "removed-blobs": collected.blobs,
        "removed-records": collected.namespaces,
        "kept": held_json(&collected.kept),
    })
}

fn held_json(held: &Held) -> Value {
    json!({ "records": held.records, "entries": held.entries, "bytes": held.bytes })
}

/// A number of bytes: `512 B`, `1.5 MiB`.
fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut number = bytes as f64 / 1024.0;
    let mut units = UNITS.iter();
    let mut unit = units.next().copied().unwrap_or_default();
    while number >= 1023.95 {
        let Some(next) = units.next() else { break };
        number /= 1024.0;
        unit = next;
    }
    format!("{number:.1} {unit}")
}

/// How long ago something was: `now`, `3 minutes ago`.
fn ago(time: SystemTime) -> String {
    let passed = SystemTime::now().duration_since(time).unwrap_or(Duration::ZERO).as_secs();
    let (number, unit) = match passed {
        0..5 => return "now".to_owned(),
        5..120 => (passed, "second"),
        120..7200 => (passed / 60, "minute"),
        7200..172_800 => (passed / 3600, "hour"),
        _ => (passed / 86_400, "day"),
    };
    format!("{} ago", counted(number, unit))
}

/// Seconds since 1970.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ages_are_told_in_fitting_units() {
        for (number, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_048_575, "1.0 MiB"),
            (10 << 30, "10.0 GiB"),
            (u64::MAX, "16384.0 PiB"),
        ] {
            assert_eq!(bytes(number), text);
        }
        let before = |seconds| SystemTime::now() - Duration::from_secs(seconds);
        assert_eq!(ago(before(0)), "now");
        assert_eq!(ago(before(150)), "2 minutes ago");
        assert_eq!(ago(before(400_000)), "4 days ago");
    }
}
