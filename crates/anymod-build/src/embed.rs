//! Archives of addons that travel inside programs, and the modules that programs take in: made of what was installed.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anymod_model::codes::node as codes;
use anymod_model::manifest::{Manifest, NodeSettings};
use anymod_model::payload::Encoding;
use anymod_model::platform::PLATFORMS;
use anymod_model::{Diagnostic, Diagnostics, Place, Platform, Target};
use anymod_pack::node::{self as packing, Content, Host, Packing, probe_file};

use crate::jobs::Jobs;
use crate::plan::{self, DIST_DIR};
use crate::project::Project;
use crate::request::{BuildRequest, StoreRequest};
use crate::way::{Sink, Way};
use crate::{check, install, node, pack, run, work};

/// What is to be embedded, and into what.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Name of the module.
    pub module: &'a str,
    /// The platform; without it, this machine's.
    pub platform: Option<Platform>,
    /// What the program is.
    pub host: Host,
    /// How variants are compressed.
    pub encoding: Encoding,
    /// True if every variant but the first is packed as what differs from it.
    pub patch: bool,
    /// Directory of the files; without it, where the addon is installed.
    pub output: Option<&'a Path>,
    /// How what unpacks is built, if the program needs it.
    pub build: &'a BuildRequest,
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

/// Packs a platform's variants of a module and writes the module that has them. What unpacks them is built first, unless the
/// program can do that itself.
///
/// # Errors
/// `N0201` with every file that is not there, `N0202` with every one that is not whole or something else; nothing is written
/// then.
pub fn embed(
    manifest: &Manifest,
    root: &Path,
    request: &Request<'_>,
    sink: Sink<'_>,
) -> Result<Vec<Written>, Diagnostics> {
    let Request { module, host, encoding, patch, .. } = *request;
    let platform = match request.platform {
        Some(platform) => platform,
        None => host_platform().ok_or_else(|| {
            let message = "this machine is no platform that addons are built for";
            Diagnostic::error(&codes::PACK_MISSING, message).hint("pass `--target node-…`")
        })?,
    };
    let platforms = pack::platforms(manifest, module, &request.build.environment)?;
    let Some(own) = platforms.get(&platform) else {
        let target = Target::Node(platform);
        let message = format!("module `{module}` has no target `{target}`");
        let finding = Diagnostic::error(&codes::PACK_MISSING, message);
        return Err(finding.hint(format!("add `targets = [\"{target}\"]` to it")).into());
    };
    let from = root.join(DIST_DIR).join("node").join(module);
    let mut contents = contents(module, platform, own, &from)?;
    let probe = contents.pop_if(|content| content.file == probe_file(platform));
    let probe = match (host, encoding) {
        (Host::Rust, _) => None,
        (_, Encoding::Gzip) => probe,
        _ => Some(Content {
            file: probe_file(platform),
            variant: String::new(),
            level: 0,
            bytes: unpacker(manifest, module, platform, request.build, sink)?,
        }),
    };
    let packing =
        Packing { name: module, version: &own.version, platform: platform.name(), encoding, patch };
    let packed = packing::archive(packing, &contents, probe.as_ref());
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

/// The installed files of a platform, each what its name says; the probe is the last.
fn contents(
    module: &str,
    platform: Platform,
    own: &NodeSettings,
    from: &Path,
) -> Result<Vec<Content>, Diagnostics> {
    let (mut contents, mut findings) = (Vec::new(), Vec::new());
    for (file, variant) in pack::files_of(module, platform, own) {
        let Ok(bytes) = std::fs::read(from.join(&file)) else {
            findings.push(pack::missing(from, &file, platform));
            continue;
        };
        let level = variant.as_ref().map_or(0, |variant| variant.level as u32);
        let variant = variant.map_or_else(String::new, |variant| variant.name);
        if let Some(why) = mismatch(&bytes, &file, own, &variant) {
            let message = format!("`{file}` {why}");
            let target = Target::Node(platform);
            let hint = format!("run `anymod build --target {target} --variant all`");
            let finding = Diagnostic::error(&codes::PACK_MISMATCH, message);
            let place = Place::file(from.join(&file).display().to_string());
            findings.push(finding.at(place).hint(hint));
        }
        contents.push(Content { file, variant, level, bytes });
    }
    if findings.is_empty() { Ok(contents) } else { Err(Diagnostics(findings)) }
}

/// What is wrong with an installed file, if anything: what is extracted of it is loaded without being looked at again.
fn mismatch(bytes: &[u8], file: &str, own: &NodeSettings, variant: &str) -> Option<String> {
    let Ok(found) = anymod_link::identity::read(bytes, file) else {
        return Some("is no addon that was built here".to_owned());
    };
    let identity = &found.record.identity;
    if !found.is_whole() {
        return Some("is damaged".to_owned());
    }
    let is_probe = identity.name == packing::PROBE_NAME;
    if !is_probe && identity.version != own.version {
        return Some(format!("is version {}, and {} is wanted", identity.version, own.version));
    }
    if identity.variant.as_deref().unwrap_or_default() != variant {
        return Some("is another variant".to_owned());
    }
    None
}

/// Builds the addon that unpacks, through the store as everything that is built.
fn unpacker(
    manifest: &Manifest,
    module: &str,
    platform: Platform,
    request: &BuildRequest,
    sink: Sink<'_>,
) -> Result<Vec<u8>, Diagnostics> {
    let project = Project::find(request)?;
    let _lock = project.lock(&request.cancel, sink)?;
    let mut log = project.log(manifest, false);
    work::clear_leftovers(&project.root);
    let planned =
        plan::unpacker(manifest, &project.root, module, platform, &project.environment, &mut log);
    log.flush()?;
    let (plan, built) = planned?;
    let statuses = check::check(&plan.actions, &project.locations, &mut log);
    let jobs = Jobs::new(request.jobs, &project.environment);
    let store = request.store.as_ref().map(StoreRequest::open).transpose()?;
    let way = Way {
        fence: &project.fence,
        root: &project.root,
        locations: &project.locations,
        environment: &project.environment,
        jobs: &jobs,
        keep_going: false,
        cancel: &request.cancel,
        store: store.as_ref(),
        // It is the same for all projects, and a moment's work.
        remote: None,
        clock: Instant::now(),
    };
    let ran = run::run(&plan, statuses, &way, &mut log, sink)?;
    log.close()?;
    if ran.cancelled {
        return Err(crate::project::interrupted().into());
    }
    if !ran.findings.is_empty() {
        return Err(Diagnostics(ran.findings));
    }
    Ok(install::read(&project.root.join(built))?)
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
