//! What is asked about modules as archives, and the project that it is asked of.

use std::path::PathBuf;

use anymod_model::manifest::Manifest;
use anymod_model::{Diagnostics, Target};

use super::LibraryOverride;
use crate::environment::Environment;
use crate::layers::Layers;

/// Which modules, for what.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where the manifests are.
    pub layers: Layers,
    /// True to go on without a manifest if there is none.
    pub manifest_optional: bool,
    /// Modules by name; all if empty.
    pub modules: Vec<String>,
    /// What they are for.
    pub target: Target,
    /// The build type; the manifest's default if none.
    pub build_type: Option<String>,
    /// The family of compilers asked for.
    pub toolchain: Option<String>,
    /// What replaces the manifest's word on libraries, a later one stronger.
    pub libraries: Vec<LibraryOverride>,
    /// The environment.
    pub environment: Environment,
}

/// A project's directory and what its manifests say.
pub(super) struct Opened {
    pub(super) root: PathBuf,
    pub(super) manifest: Manifest,
}

impl Request {
    /// A request for all modules of the project at a path.
    #[must_use]
    pub fn new(layers: Layers, target: Target, environment: Environment) -> Request {
        Request {
            layers,
            manifest_optional: false,
            modules: Vec::new(),
            target,
            build_type: None,
            toolchain: None,
            libraries: Vec::new(),
            environment,
        }
    }

    /// Finds and reads the manifests.
    pub(super) fn open(&self) -> Result<Opened, Diagnostics> {
        let found = self.layers.find(self.manifest_optional)?;
        let manifest = found.read(&self.layers)?;
        Ok(Opened { root: found.root, manifest })
    }
}
