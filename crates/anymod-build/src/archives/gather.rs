//! One archive outside a build: what an action of the plan does, for whoever runs the plan's commands.

use std::path::{Path, PathBuf};

use anymod_link::ar::{self, Part};
use anymod_model::Diagnostics;
use anymod_model::platform::{Cpu, ObjectFormat};
use anymod_model::stamp::Stamp;

use super::facts;
use crate::install;

/// An archive to be made.
#[derive(Clone, Debug)]
pub struct GatherRequest {
    /// Objects and archives, in order.
    pub parts: Vec<PathBuf>,
    /// The archive.
    pub output: PathBuf,
    /// Format of its objects.
    pub format: ObjectFormat,
    /// Processor of its objects; that of the first if none.
    pub cpu: Option<Cpu>,
    /// What it is built for.
    pub stamp: Stamp,
}

/// Makes an archive; left alone if it has these bytes already.
///
/// # Errors
/// Those of [`ar::assemble`]; `B0002` and `B0003` for files.
pub fn gather(request: &GatherRequest) -> Result<(), Diagnostics> {
    let mut files = Vec::new();
    for path in &request.parts {
        files.push((path.to_string_lossy().into_owned(), install::read(path)?));
    }
    let elsewhere = facts::elsewhere(&files, Path::new(""))?;
    let parts: Vec<Part<'_>> = files.iter().map(|(path, bytes)| Part { path, bytes }).collect();
    let bytes = ar::assemble(&ar::Request {
        parts: &parts,
        elsewhere: &elsewhere,
        format: request.format,
        cpu: request.cpu,
        stamp: &request.stamp,
    })?;
    if let Some(directory) = request.output.parent().filter(|path| !path.as_os_str().is_empty()) {
        install::create_dir(directory)?;
    }
    install::write_if_changed(&request.output, &bytes)?;
    Ok(())
}
