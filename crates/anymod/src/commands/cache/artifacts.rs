//! What `populate` and `capture` share: which artifacts, and what the command line adds to their keys.

use std::path::PathBuf;

use anymod_build::artifact::{ArtifactRequest, Asked};
use anymod_build::environment::Environment;
use anymod_model::Diagnostics;
use clap::Args;

use super::off;
use crate::settings::{self, SharedArgs};

/// Which artifacts
#[derive(Debug, Args)]
pub(super) struct Artifacts {
    /// Artifacts, by their names in the manifest [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// What they are built for; part of their keys
    #[arg(short, long, value_name = "TARGET")]
    target: Option<String>,
    /// Which of several ways of building them; part of their keys
    #[arg(long, value_name = "VARIANT")]
    variant: Option<String>,
    /// Anything else that decides their bytes, for instance an option of the build; part of their keys, may be repeated
    #[arg(long = "flag", value_name = "TEXT", allow_hyphen_values = true)]
    flags: Vec<String>,
    #[command(flatten)]
    shared: SharedArgs,
    /// The manifest of the project whose settings hold, or a directory in or below which it is
    #[arg(long, value_name = "PATH", default_value = ".")]
    manifest: PathBuf,
}

impl Artifacts {
    pub(super) fn request(&self) -> Result<ArtifactRequest, Diagnostics> {
        let settings = settings::load(&self.manifest, self.shared.layer()?)?;
        let store = settings::shared(&settings, &self.manifest)?.ok_or_else(|| off(&settings))?;
        let Artifacts { names, target, variant, flags, manifest, .. } = self;
        let (target, variant, flags) = (target.clone(), variant.clone(), flags.clone());
        Ok(ArtifactRequest {
            manifest: manifest.clone(),
            names: names.clone(),
            asked: Asked { target, variant, flags },
            store,
            environment: Environment::of_process(),
        })
    }
}
