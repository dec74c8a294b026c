//! npm packages of addons: made of what was installed, and verified before they are published.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anymod_model::codes::node as codes;
use anymod_model::manifest::{Manifest, NodeSettings, RuntimeSettings};
use anymod_model::node::{Variant, file_name, has_variants};
use anymod_model::{Diagnostic, Diagnostics, Place, Platform, Target};
use anymod_pack::node::{LOADER_FILE, Package, Sums, probe_file};
use serde_json::Value;

use crate::environment::Environment;
use crate::install;
use crate::plan::DIST_DIR;
use crate::target::npm::integrity;

/// A package that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Its name.
    pub name: String,
    /// Its directory.
    pub path: PathBuf,
    /// True if any of its files changed.
    pub changed: bool,
}

/// Writes the packages of a module below a directory: one for each platform that the manifest names, and the core.
///
/// # Errors
/// `N0201` with every file that is not there; nothing is written then.
pub fn npm(
    manifest: &Manifest,
    module: &str,
    root: &Path,
    output: &Path,
    environment: &Environment,
) -> Result<Vec<Packed>, Diagnostics> {
    let targets = platforms(manifest, module, environment)?;
    let Some((_, first)) = targets.iter().next() else {
        let message = format!("module `{module}` has no target of Node.js");
        let finding = Diagnostic::error(&codes::PACK_MISSING, message);
        return Err(finding.hint("add `targets = [\"node-*\"]` to it").into());
    };
    let package = Package {
        name: first.package.clone(),
        version: first.version.clone(),
        summary: manifest.project_text("summary").map(str::to_owned),
        license: manifest.project_text("license").map(str::to_owned),
    };
    let from = root.join(DIST_DIR).join("node").join(module);
    let (mut leaves, mut findings) = (BTreeMap::new(), Vec::new());
    for (platform, own) in &targets {
        let mut files = BTreeMap::new();
        for (name, _) in files_of(module, *platform, own) {
            match std::fs::read(from.join(&name)) {
                Ok(bytes) => drop(files.insert(name, bytes)),
                Err(_) => findings.push(missing(&from, &name, *platform)),
            }
        }
        leaves.insert(*platform, files);
    }
    let mut entries = BTreeMap::new();
    for name in ["index.cjs", "index.mjs", LOADER_FILE, "index.d.ts"] {
        match std::fs::read(from.join(name)) {
            Ok(bytes) => drop(entries.insert(name.to_owned(), bytes)),
            Err(_) if name == "index.d.ts" => {}
            Err(_) => findings.push(not_there(&from, name, "run `anymod build`")),
        }
    }
    if !findings.is_empty() {
        return Err(Diagnostics(findings));
    }
    let mut packed = Vec::new();
    let mut sums: BTreeMap<Platform, Sums> = BTreeMap::new();
    for (platform, mut files) in leaves {
        let own: Sums =
            files.iter().map(|(name, bytes)| (name.clone(), integrity(bytes))).collect();
        files.insert("package.json".to_owned(), package.leaf(platform, &own).into_bytes());
        packed.push(write(output, &package.leaf_name(platform), &files)?);
        sums.insert(platform, own);
    }
    let types = entries.contains_key("index.d.ts");
    entries.insert("package.json".to_owned(), package.core(&sums, types).into_bytes());
    packed.push(write(output, &package.name, &entries)?);
    Ok(packed)
}

/// The platforms of a module with their settings.
pub(crate) fn platforms(
    manifest: &Manifest,
    module: &str,
    environment: &Environment,
) -> Result<BTreeMap<Platform, NodeSettings>, Diagnostics> {
    let lookup = |name: &str| environment.get(name).map(str::to_owned);
    let mut platforms = BTreeMap::new();
    for target in manifest.targets(module) {
        let Target::Node(platform) = target else { continue };
        let settings = manifest.resolve(module, target, manifest.default_build_type(), &lookup)?;
        if let RuntimeSettings::Node(own) = settings.runtime {
            platforms.insert(platform, own);
        }
    }
    Ok(platforms)
}

/// The files of a platform, the best variant first and the probe last, each with its variant.
pub(crate) fn files_of(
    module: &str,
    platform: Platform,
    own: &NodeSettings,
) -> Vec<(String, Option<Variant>)> {
    let mut variants: Vec<Option<Variant>> = match own.variants.as_slice() {
        _ if !has_variants(platform) => vec![None],
        [] => Variant::built_in().map(Some).to_vec(),
        variants => variants.iter().map(|variant| Some(variant.value.clone())).collect(),
    };
    variants.sort_by_key(|variant| std::cmp::Reverse(variant.as_ref().map(|one| one.level)));
    let file = |variant: Option<Variant>| {
        let name = variant.as_ref().map(|variant| variant.name.as_str());
        (file_name(module, platform, name), variant)
    };
    variants.into_iter().map(file).chain([(probe_file(platform), None)]).collect()
}

pub(crate) fn missing(from: &Path, name: &str, platform: Platform) -> Diagnostic {
    let target = Target::Node(platform);
    not_there(from, name, &format!("run `anymod build --target {target} --variant all`"))
}

fn not_there(from: &Path, name: &str, hint: &str) -> Diagnostic {
    let message = format!("`{name}` is not there to be packed");
    Diagnostic::error(&codes::PACK_MISSING, message)
        .at(Place::file(from.join(name).display().to_string()))
        .hint(hint)
}

/// Writes a package's directory; what else is in it goes.
fn write(
    output: &Path,
    name: &str,
    files: &BTreeMap<String, Vec<u8>>,
) -> Result<Packed, Diagnostic> {
    let path = output.join(name);
    install::create_dir(&path)?;
    let mut changed = false;
    for (name, bytes) in files {
        changed |= install::write_if_changed(&path.join(name), bytes)?;
    }
    for entry in std::fs::read_dir(&path).into_iter().flatten().flatten() {
        let stays = files.contains_key(&*entry.file_name().to_string_lossy());
        if !stays && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let removed = std::fs::remove_file(entry.path());
            removed.map_err(|error| install::write_error(&entry.path(), &error))?;
            changed = true;
        }
    }
    Ok(Packed { name: name.to_owned(), path, changed })
}

/// Verifies a core package and the packages that it names beside it, as [`npm`] wrote them: the packages that were looked at.
///
/// # Errors
/// `N0202` with everything that is missing, of another version or not as it was packed.
pub fn verify(core: &Path) -> Result<Vec<String>, Diagnostics> {
    let package = read_package(core)?;
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let (name, version) = (text(&package, "name"), text(&package, "version"));
    // A scope is a directory of its own.
    let levels = name.split('/').count();
    let above = core.canonicalize().unwrap_or_else(|_| core.to_owned());
    let above = above.ancestors().nth(levels).unwrap_or(core).to_owned();
    let pinned = package["optionalDependencies"].as_object().cloned().unwrap_or_default();
    let recorded = package["anymod"]["integrity"].as_object().cloned().unwrap_or_default();
    let names: BTreeSet<&String> = pinned.keys().chain(recorded.keys()).collect();
    let mut findings = Vec::new();
    let mut report = |place: &Path, message: String| {
        let finding = Diagnostic::error(&codes::PACK_MISMATCH, message);
        let place = Place::file(place.display().to_string());
        findings.push(
            finding.at(place).hint("pack all of them again from one build: `anymod pack npm`"),
        );
    };
    if names.is_empty() {
        report(core, format!("`{name}` names no package of a platform"));
    }
    for leaf in &names {
        let directory = above.join(leaf.as_str());
        if pinned.get(*leaf).and_then(Value::as_str) != Some(&version) {
            report(core, format!("`{name}` {version} does not pin `{leaf}` to {version}"));
        }
        let Ok(own) = read_package(&directory) else {
            report(&directory, format!("`{leaf}` is missing"));
            continue;
        };
        let (own_name, own_version) = (text(&own, "name"), text(&own, "version"));
        if (&own_name, &own_version) != (*leaf, &version) {
            report(
                &directory,
                format!("this is `{own_name}` {own_version}, and `{leaf}` {version} is wanted"),
            );
        }
        let files = recorded.get(*leaf).and_then(Value::as_object).cloned().unwrap_or_default();
        if files.is_empty() {
            report(&directory, format!("`{name}` does not say what is in `{leaf}`"));
        }
        for (file, sum) in files {
            let path = directory.join(&file);
            match std::fs::read(&path) {
                Err(_) => report(&path, format!("`{file}` is missing in `{leaf}`")),
                Ok(bytes) if Some(integrity(&bytes).as_str()) != sum.as_str() => {
                    report(&path, format!("`{file}` in `{leaf}` is not what was packed"));
                }
                Ok(bytes) => findings_of(&path, &bytes, &version, &mut report),
            }
        }
    }
    let names = names.into_iter().cloned().collect();
    if findings.is_empty() { Ok(names) } else { Err(Diagnostics(findings)) }
}

/// What the identity of a file says against its package.
fn findings_of(path: &Path, bytes: &[u8], version: &str, report: &mut dyn FnMut(&Path, String)) {
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match anymod_link::identity::read(bytes, &file) {
        Err(finding) => report(path, finding.message),
        Ok(found) if !found.is_whole() => report(path, format!("`{file}` is damaged")),
        Ok(found) => {
            let own = &found.record.identity;
            if own.name != anymod_pack::node::PROBE_NAME && own.version != version {
                report(
                    path,
                    format!("`{file}` is version {}, and {version} is wanted", own.version),
                );
            }
        }
    }
}

fn read_package(directory: &Path) -> Result<Value, Diagnostic> {
    let path = directory.join("package.json");
    let bytes = install::read(&path)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Diagnostic::error(&codes::PACK_MISMATCH, format!("this is no `package.json`: {error}"))
            .at(Place::file(path.display().to_string()))
            .hint("pack it again: `anymod pack npm`")
    })
}
