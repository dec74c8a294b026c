//! Archives of addons that travel inside programs, and the modules that programs take in: made of what was installed.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anymod_model::codes::node as codes;
use anymod_model::manifest::{Manifest, NodeSettings};
use anymod_model::payload::{self, Encoding, Index};
use anymod_model::platform::PLATFORMS;
use anymod_model::{Diagnostic, Diagnostics, Place, Platform, Target};
use anymod_pack::node::{self as packing, Content, Host, Packing, probe_file};
use anymod_store::{Digest, Entry, Explanation, Output, Visit};

use crate::jobs::Jobs;
use crate::plan::{self, DIST_DIR};
use crate::project::Project;
use crate::request::BuildRequest;
use crate::shelf::{Shelf, Step};
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

/// What was embedded.
#[derive(Clone, Debug)]
pub struct Embedded {
    /// The files: the archive and the module that has it.
    pub files: Vec<Written>,
    /// Where the archive came from.
    pub source: Source,
    /// What went wrong with the store, which no archive waits for.
    pub warnings: Vec<Diagnostic>,
}

/// Where an archive came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// It was packed.
    Packed,
    /// It was in the store.
    Store,
    /// A remote server had it.
    Remote,
}

/// The store's part for archives.
const NAMESPACE: &str = "embed";
/// Raised whenever the same files come to be packed as other bytes.
const FORMAT: &str = "1";

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
) -> Result<Embedded, Diagnostics> {
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
    let shelf = request.build.store.as_ref();
    let shelf = shelf.map(|store| Shelf::open(store, &request.build.environment)).transpose()?;
    let probe = match (host, encoding) {
        (Host::Rust, _) => None,
        (_, Encoding::Gzip) => probe,
        _ => Some(Content {
            file: probe_file(platform),
            variant: String::new(),
            level: 0,
            bytes: unpacker(manifest, module, platform, request.build, shelf.as_ref(), sink)?,
        }),
    };
    let packing =
        Packing { name: module, version: &own.version, platform: platform.name(), encoding, patch };
    let (archive, index, source) = archive(packing, &contents, probe.as_ref(), shelf.as_ref())?;
    let output = request.output.unwrap_or(&from);
    let files = vec![
        write(output, &packing::archive_name(&index), &archive)?,
        write(output, host.module(), packing::embedded(host, &index).as_bytes())?,
    ];
    Ok(Embedded { files, source, warnings: shelf.map(|shelf| shelf.finish()).unwrap_or_default() })
}

/// The archive of files and its index: out of the store, from behind it, or packed and kept.
fn archive(
    packing: Packing<'_>,
    contents: &[Content],
    probe: Option<&Content>,
    shelf: Option<&Shelf>,
) -> Result<(Vec<u8>, Index, Source), Diagnostic> {
    let mut walk = Explanation::default();
    walk_packing(packing, contents, probe, &mut walk);
    let step = Step { namespace: NAMESPACE, key: walk.key(), walk: &walk.0 };
    if let Some(shelf) = shelf {
        let blobs = shelf.store().blobs();
        let mut take = |entry: &Entry| {
            let [made] = entry.outputs.as_slice() else { return Ok::<_, Diagnostic>(None) };
            let Some(bytes) = blobs.read(&made.digest, made.size) else { return Ok(None) };
            let index = payload::parse(&bytes).ok().map(|(index, _)| index);
            // Its name becomes that of a file here, whoever made it.
            let index = index.filter(|index| is_of(index, packing));
            Ok(index.map(|index| (bytes, index)))
        };
        if let Some((bytes, index)) = shelf.look(step, &mut |_| true, &mut take)? {
            return Ok((bytes, index, Source::Store));
        }
        if let Some((bytes, index)) = shelf.ask(step, &mut |_| true, &mut take)? {
            return Ok((bytes, index, Source::Remote));
        }
    }
    let (bytes, index) = packing::archive(packing, contents, probe).map_err(|error| {
        let message = format!("`{}` cannot be compressed: {error}", packing.name);
        Diagnostic::error(&codes::PACK_MISSING, message)
    })?;
    if let Some(shelf) = shelf {
        let (digest, size) = (Digest::of(&bytes), bytes.len() as u64);
        let output = Output { name: "payload".to_owned(), digest, size, executable: false };
        let entry = Entry { outputs: vec![output], ..Entry::default() };
        shelf.adopt(step, entry, &[(digest, &bytes)]);
    }
    Ok((bytes, index, Source::Packed))
}

fn is_of(index: &Index, packing: Packing<'_>) -> bool {
    let Packing { name, version, platform, encoding, .. } = packing;
    (index.name.as_str(), index.version.as_str(), index.platform.as_str(), index.encoding)
        == (name, version, platform, encoding)
}

/// Walks over everything that decides an archive's bytes.
fn walk_packing(
    packing: Packing<'_>,
    contents: &[Content],
    probe: Option<&Content>,
    visitor: &mut dyn Visit,
) {
    let Packing { name, version, platform, encoding, patch } = packing;
    visitor.field("kind", NAMESPACE);
    visitor.field("format", FORMAT);
    // The compressors are part of it.
    visitor.field("anymod", env!("CARGO_PKG_VERSION"));
    visitor.field("name", name);
    visitor.field("version", version);
    visitor.field("platform", platform);
    visitor.field("encoding", encoding.name());
    visitor.field("patch", &patch.to_string());
    let files = contents.iter().map(|content| ("file", content));
    for (what, content) in files.chain(probe.map(|probe| ("unpacks", probe))) {
        let Content { file, variant, level, bytes } = content;
        visitor.field(&format!("{what} {file}"), &Digest::of(bytes).to_string());
        visitor.field(&format!("variant of {file}"), variant);
        visitor.field(&format!("level of {file}"), &level.to_string());
    }
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
    shelf: Option<&Shelf>,
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
    let stale = statuses.iter().any(|status| *status != check::Status::Fresh);
    let remote = shelf.filter(|_| stale).map(Shelf::remote).transpose()?.flatten();
    let way = Way {
        fence: &project.fence,
        root: &project.root,
        locations: &project.locations,
        environment: &project.environment,
        jobs: &jobs,
        keep_going: false,
        cancel: &request.cancel,
        store: shelf.map(Shelf::store),
        remote,
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
