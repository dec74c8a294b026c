//! Archives of addons that travel inside programs, and the modules that programs take in: made of what was installed.

use std::path::{Path, PathBuf};

use anymod_model::codes::node as codes;
use anymod_model::manifest::Manifest;
use anymod_model::payload::Encoding;
use anymod_model::platform::PLATFORMS;
use anymod_model::{Diagnostic, Diagnostics, Platform, Target};
use anymod_pack::node::{self as packing, Content, Host};

use crate::environment::Environment;
use crate::plan::DIST_DIR;
use crate::{install, node, pack};

/// What is to be embedded, and into what.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Name of the module.
    pub module: &'a str,
    /// The platform; without it, this machine's.
    pub platform: Option<Platform>,
    /// What the program is.
    pub host: Host,
    /// How files are compressed; without it, as the host takes it.
    pub encoding: Option<Encoding>,
    /// Directory of the files; without it, where the addon is installed.
    pub output: Option<&'a Path>,
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its path.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: usize,
    /// True if it changed.
    pub changed: bool,
}

/// Packs a platform's variants of a module and writes the module that has them.
///
/// # Errors
/// `N0201` with every file that is not there; nothing is written then.
pub fn embed(
    manifest: &Manifest,
    root: &Path,
    request: &Request<'_>,
    environment: &Environment,
) -> Result<Vec<Written>, Diagnostics> {
    let Request { module, host, .. } = *request;
    let platform = match request.platform {
        Some(platform) => platform,
        None => host_platform().ok_or_else(|| {
            let message = "this machine is no platform that addons are built for";
            Diagnostic::error(&codes::PACK_MISSING, message).hint("pass `--target node-…`")
        })?,
    };
    let platforms = pack::platforms(manifest, module, environment)?;
    let Some(own) = platforms.get(&platform) else {
        let target = Target::Node(platform);
        let message = format!("module `{module}` has no target `{target}`");
        let finding = Diagnostic::error(&codes::PACK_MISSING, message);
        return Err(finding.hint(format!("add `targets = [\"{target}\"]` to it")).into());
    };
    let from = root.join(DIST_DIR).join("node").join(module);
    let (mut contents, mut findings) = (Vec::new(), Vec::new());
    for (file, variant) in pack::files_of(module, platform, own) {
        let Ok(bytes) = std::fs::read(from.join(&file)) else {
            findings.push(pack::missing(&from, &file, platform));
            continue;
        };
        let level = variant.as_ref().map_or(0, |variant| variant.level as u32);
        let variant = variant.map_or_else(String::new, |variant| variant.name);
        contents.push(Content { file, variant, level, bytes });
    }
    if !findings.is_empty() {
        return Err(Diagnostics(findings));
    }
    let encoding = request.encoding.unwrap_or(host.encoding());
    let packed = packing::archive(module, &own.version, platform.name(), encoding, &contents);
    let (archive, index) = packed.map_err(|error| {
        let message = format!("`{module}` cannot be compressed: {error}");
        Diagnostic::error(&codes::PACK_MISSING, message)
    })?;
    let output = request.output.unwrap_or(&from);
    Ok(vec![
        write(output, &packing::archive_name(&index), &archive)?,
        write(output, host.module(), packing::embedded(host, &index).as_bytes())?,
    ])
}

/// Writes the module that says that nothing is embedded.
///
/// # Errors
/// `B0003` if it cannot be written.
pub fn reset(root: &Path, request: &Request<'_>) -> Result<Written, Diagnostic> {
    let from = root.join(DIST_DIR).join("node").join(request.module);
    let output = request.output.unwrap_or(&from);
    write(output, request.host.module(), packing::stub(request.host).as_bytes())
}

fn write(directory: &Path, name: &str, bytes: &[u8]) -> Result<Written, Diagnostic> {
    let path = directory.join(name);
    let changed = install::write_if_changed(&path, bytes)?;
    Ok(Written { path, size: bytes.len(), changed })
}

/// The platform of this machine.
fn host_platform() -> Option<Platform> {
    PLATFORMS.iter().map(|row| row.platform).find(|platform| node::is_loadable(*platform))
}
