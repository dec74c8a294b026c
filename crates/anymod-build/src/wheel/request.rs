//! What is asked of a wheel's build, what it tells on the way and what it answers.

use std::path::PathBuf;

use anymod_model::event::Finding;
use serde::Serialize;

use super::source::Source;
use crate::cancel::Cancel;
use crate::environment::Environment;
use crate::intercept::{ExportPolicy, Flags};
use crate::request::StoreRequest;

/// What to build and how.
#[derive(Clone, Debug)]
pub struct WheelRequest {
    /// The package.
    pub source: Source,
    /// The SHA-256 that its archive has to have, in hexadecimal digits.
    pub sha256: Option<String>,
    /// Names of the targets, for instance `pyodide-0.29.5`.
    pub targets: Vec<String>,
    /// The directory that wheels are put into.
    pub out: PathBuf,
    /// Settings for the backend, in order; a key may come again.
    pub config_settings: Vec<(String, String)>,
    /// What extension modules let others see.
    pub exports: ExportPolicy,
    /// Rules of the stand-in to leave out.
    pub rules_off: Vec<String>,
    /// Options for compilers and the linker, after all others.
    pub flags: Flags,
    /// Where to write what was done with every command.
    pub trace: Option<PathBuf>,
    /// True to leave the scratch directory as it is.
    pub keep: bool,
    /// False to run the backend with what the interpreter has installed.
    pub isolated: bool,
    /// True to take a wheel that lost extension modules.
    pub allow_lost: bool,
    /// How many jobs a backend may run at once; as many as the machine has processors if none.
    pub jobs: Option<usize>,
    /// The store that compilations are taken from and kept in.
    pub store: Option<StoreRequest>,
    /// anymod's own executable, which stands in for compilers.
    pub executable: PathBuf,
    /// Tells the build to stop.
    pub cancel: Cancel,
    /// The environment.
    pub environment: Environment,
}

/// A stage of a wheel's build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The source is fetched, copied or unpacked.
    Fetch,
    /// The build environment is made or found.
    Prepare,
    /// The backend runs.
    Build,
    /// The wheel is put in order and looked through.
    Check,
}

impl Stage {
    /// The word that events and progress show.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Stage::Fetch => "fetch",
            Stage::Prepare => "prepare",
            Stage::Build => "build",
            Stage::Check => "check",
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A stage begins.
    WheelStage {
        /// The stage.
        stage: Stage,
        /// Name of the target; none for what is done once for all.
        #[serde(skip_serializing_if = "Option::is_none")]
        target: Option<String>,
        /// What it is about.
        subject: String,
    },
    /// What a failed backend and its tools said, unchanged.
    WheelOutput {
        /// Both outputs, in order.
        output: String,
    },
    /// Where a scratch directory was left, because that was asked for.
    WheelKept {
        /// The directory.
        path: PathBuf,
    },
    /// A finding.
    Diagnostic(Finding),
    /// A wheel is in its place.
    WheelBuilt(Built),
}

/// A wheel in its place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Built {
    /// Name of the target.
    pub target: String,
    /// Its file.
    pub path: PathBuf,
    /// How many bytes it has.
    pub size: u64,
    /// SHA-256 of the file.
    pub sha256: String,
    /// SHA-256 of the source distribution; none for a directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_sha256: Option<String>,
    /// Files of its extension modules, none if it is pure Python.
    pub extensions: Vec<String>,
    /// How many commands ran that make a file of the package. What build systems only ask or try does not count.
    pub ran: usize,
    /// How many results came out of the store instead.
    pub hits: usize,
    /// How many of these a remote server had.
    pub remote_hits: usize,
    /// How many were tried and failed, as probes do.
    pub failed: usize,
    /// How long it took.
    pub milliseconds: u64,
}
