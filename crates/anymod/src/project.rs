//! Options about which manifests count, shared by the commands that read them.

use std::path::PathBuf;

use anymod_build::archives::LibraryOverride;
use anymod_build::layers::Layers;
use anymod_model::Diagnostics;
use clap::Args;

// Which manifests count.
#[derive(Clone, Debug, Args)]
pub(crate) struct LayerArgs {
    /// The manifest, or a file or directory in or below whose directory it is
    #[arg(long, value_name = "PATH", default_value = ".")]
    pub(crate) manifest: PathBuf,
    /// Add the modules of another manifest, or of the one in this directory
    #[arg(long = "module", value_name = "PATH")]
    pub(crate) module_dirs: Vec<PathBuf>,
    /// Leave out the manifest that is found, and use only what `--module` adds
    #[arg(long)]
    pub(crate) no_manifest: bool,
    /// Allow modules, and paths of modules built as archives, outside the project's directory
    #[arg(long)]
    pub(crate) allow_outside: bool,
    /// Link a library so, whatever manifest and environment say: `NAME=OPTIONS`, or `NAME@TARGET=OPTIONS`
    #[arg(long = "library", value_name = "NAME=OPTIONS")]
    libraries: Vec<String>,
}

impl LayerArgs {
    /// Where the manifests are.
    pub(crate) fn layers(&self) -> Layers {
        Layers {
            start: self.manifest.clone(),
            without: self.no_manifest,
            modules: self.module_dirs.clone(),
            allow_outside: self.allow_outside,
        }
    }

    /// What replaces the manifest's word on libraries.
    pub(crate) fn libraries(&self) -> Result<Vec<LibraryOverride>, Diagnostics> {
        let (mut libraries, mut findings) = (Vec::new(), Vec::new());
        for text in &self.libraries {
            match LibraryOverride::parse(text) {
                Ok(library) => libraries.push(library),
                Err(finding) => findings.push(finding),
            }
        }
        if findings.is_empty() { Ok(libraries) } else { Err(Diagnostics(findings)) }
    }
}
