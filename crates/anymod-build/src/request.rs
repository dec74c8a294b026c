//! What is asked of a build, and what it answers.

use std::path::{Path, PathBuf};

use anymod_model::event::Totals;
use anymod_model::{Diagnostic, Diagnostics, Target};
use anymod_store::Store;

use crate::archives::LibraryOverride;
use crate::cancel::Cancel;
use crate::environment::Environment;
use crate::jobs::processors;
use crate::layers::Layers;
use crate::plan::Selection;
use crate::remote::RemoteRequest;
use crate::toolchain;

/// What to build and how.
#[derive(Clone, Debug)]
pub struct BuildRequest {
    /// The manifest, or a directory that holds one or is below one.
    pub manifest: PathBuf,
    /// Modules by name; all if empty.
    pub modules: Vec<String>,
    /// Target names, in which `*` stands for anything; each module's own targets if empty.
    pub targets: Vec<String>,
    /// Build types; the manifest's default if none.
    pub build_types: Vec<String>,
    /// Variants of addons for Node.js by name, or `all`; what the manifest says, or this machine's, if none.
    pub variants: Vec<String>,
    /// The family of compilers, `auto`, `gnu` or `zig`; what the environment and the manifest say if none.
    pub toolchain: Option<String>,
    /// What replaces the manifest's word on libraries, a later one stronger.
    pub libraries: Vec<LibraryOverride>,
    /// True to let modules name paths outside the project.
    pub allow_outside: bool,
    /// Further manifests or their directories, whose modules are added.
    pub module_dirs: Vec<PathBuf>,
    /// True to leave the manifest out, for what `module_dirs` adds alone.
    pub no_manifest: bool,
    /// How many actions run at once; as many as the machine has processors, or a jobserver allows, if none.
    pub jobs: Option<usize>,
    /// True to run what does not depend on a failure after one.
    pub keep_going: bool,
    /// The store that results are taken from and kept in; none to do without.
    pub store: Option<StoreRequest>,
    /// Tells the build to stop.
    pub cancel: Cancel,
    /// The environment.
    pub environment: Environment,
}

/// A store to use.
#[derive(Clone, Debug)]
pub struct StoreRequest {
    /// Its directory; the version of the layout comes below.
    pub directory: PathBuf,
    /// How it is used.
    pub options: anymod_store::Options,
    /// The server behind it; none to do without.
    pub remote: Option<RemoteRequest>,
}

impl StoreRequest {
    /// Opens it.
    ///
    /// # Errors
    /// If it cannot be a store's directory.
    pub fn open(&self) -> Result<Store, Diagnostic> {
        Store::open(&self.directory, self.options.clone())
    }
}

impl BuildRequest {
    /// A request for everything in a manifest, without a store.
    #[must_use]
    pub fn new(manifest: impl Into<PathBuf>, environment: Environment) -> BuildRequest {
        BuildRequest {
            manifest: manifest.into(),
            modules: Vec::new(),
            targets: Vec::new(),
            build_types: Vec::new(),
            libraries: Vec::new(),
            allow_outside: false,
            module_dirs: Vec::new(),
            no_manifest: false,
            variants: Vec::new(),
            toolchain: None,
            jobs: None,
            keep_going: false,
            store: None,
            cancel: Cancel::default(),
            environment,
        }
    }

    /// The server that does actions, if one does.
    fn executor(&self) -> Option<&RemoteRequest> {
        self.store.as_ref()?.remote.as_ref().filter(|remote| remote.executes())
    }

    /// How many actions may run on this machine; as many as its processors or a jobserver allow, if none.
    pub(crate) fn local_jobs(&self) -> Option<usize> {
        let jobs = self.jobs?;
        // Above that it is the number of those that others do.
        Some(if self.executor().is_some() { jobs.min(processors()) } else { jobs })
    }

    /// How many actions a server does at once, at most.
    pub(crate) fn remote_jobs(&self) -> usize {
        self.executor().map_or(0, RemoteRequest::jobs)
    }

    /// Where its manifests are.
    #[must_use]
    pub fn layers(&self) -> Layers {
        Layers {
            start: self.manifest.clone(),
            without: self.no_manifest,
            modules: self.module_dirs.clone(),
            allow_outside: self.allow_outside,
        }
    }

    /// What is asked for, as text: all that decides the plan besides files and environment.
    pub(crate) fn asked(&self, manifest: &Path) -> String {
        let BuildRequest { modules, targets, build_types, variants, toolchain, .. } = self;
        let (libraries, dirs) = (&self.libraries, &self.module_dirs);
        let (outside, without) = (self.allow_outside, self.no_manifest);
        let version = env!("CARGO_PKG_VERSION");
        format!(
            "{version} {manifest:?} {modules:?} {targets:?} {build_types:?} {variants:?} {toolchain:?} {libraries:?} {outside} {dirs:?} {without}"
        )
    }
}

/// What a build made.
#[derive(Clone, Debug)]
pub struct Report {
    /// The project's directory.
    pub root: PathBuf,
    /// Every module, in manifest order, each for its targets in table order.
    pub outputs: Vec<Output>,
    /// What the run came to.
    pub totals: Totals,
    /// Findings that do not stand in the way.
    pub warnings: Vec<Diagnostic>,
}

/// A finished module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Name of the module.
    pub module: String,
    /// What it is for.
    pub target: Target,
    /// How it is built.
    pub build_type: String,
    /// Its file, relative to the project's directory.
    pub path: String,
    /// False if the file was there with these bytes.
    pub changed: bool,
    /// The file with what the linker counted, relative to the project's directory; none for a module of Python alone.
    pub sizes: Option<String>,
}

/// The part of a request that chooses what to plan.
///
/// # Errors
/// `T0003` if it asks for compilers that there are not.
pub(crate) fn selection(request: &BuildRequest) -> Result<Selection, Diagnostics> {
    Ok(Selection {
        modules: request.modules.clone(),
        targets: request.targets.clone(),
        build_types: request.build_types.clone(),
        libraries: request.libraries.clone(),
        allow_outside: request.allow_outside,
        variants: request.variants.clone(),
        toolchain: toolchain::forced_kind(request.toolchain.as_deref(), &request.environment)?,
        only: None,
    })
}
