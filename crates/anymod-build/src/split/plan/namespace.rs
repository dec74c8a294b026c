//! Other names for the symbols of libraries that the host exports, in copies of everything that mentions them: a loader then
//! finds nothing in the host of what modules by others bring along.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anymod_link::host::library::{Library, Merged};

use super::choose::Chosen;
use super::{Inputs, Link, Links, SplitPlan};

/// Directory of the copies below that of the outputs.
const DIRECTORY: &str = "namespace";

/// A file that is linked with other names in it.
#[derive(Clone, Debug)]
pub struct Renamed {
    /// The file as it was compiled.
    pub from: PathBuf,
    /// The copy that is linked.
    pub to: PathBuf,
    /// What the names begin with.
    pub prefix: String,
    /// The symbols that are renamed.
    pub names: Arc<BTreeSet<String>>,
}

/// Renames in a plan: what the host exports, and which files are linked.
pub(super) fn apply(prefix: &str, inputs: &Inputs<'_>, chosen: &Chosen, plan: &mut SplitPlan) {
    let exported = chosen.exported().filter_map(|name| inputs.libraries.get(name));
    let names: BTreeSet<&str> = exported.flat_map(|library| defined(library)).collect();
    let mut exports: Vec<String> = std::mem::take(&mut plan.exports);
    for name in exports.iter_mut().filter(|name| names.contains(name.as_str())) {
        *name = format!("{prefix}{name}");
    }
    exports.sort();
    plan.exports = exports;
    let links = &mut plan.links;
    let read = by_path(inputs, &links.root);
    let directory = links.directory.join(DIRECTORY);
    let mut copies = Copies { prefix, directory, read: &read, renamed: Vec::new() };
    let all: Arc<BTreeSet<String>> =
        Arc::new(names.iter().map(|name| (*name).to_owned()).collect());
    let Links { host, exported, modules, .. } = links;
    let archives = host.archives.clone();
    copies.link(host, &all);
    for path in exported {
        let place = archives.iter().position(|archive| archive == path);
        if let Some(copy) = place.and_then(|place| host.archives.get(place)) {
            path.clone_from(copy);
        }
    }
    for module in modules {
        // What a module has inside is not the host's.
        let inside = module.archives.iter().filter_map(|path| read.get(path));
        let inside: BTreeSet<&str> = inside.flat_map(|library| defined(library)).collect();
        let others = names.difference(&inside).map(|name| (*name).to_owned()).collect();
        copies.link(module, &Arc::new(others));
    }
    links.renamed = copies.renamed;
}

/// What a library defines for others.
fn defined<'p>(library: &'p Library<'_>) -> impl Iterator<Item = &'p str> {
    library.symbols().iter().filter(|symbol| symbol.is_defined()).map(|symbol| symbol.name)
}

/// Everything that is linked, by its path.
fn by_path<'p>(inputs: &Inputs<'p>, root: &Path) -> BTreeMap<PathBuf, &'p Library<'p>> {
    let settings = inputs.settings;
    let host = settings.objects.iter().zip(inputs.host.iter().copied());
    let modules = settings.modules.iter().zip(&inputs.modules);
    let modules =
        modules.flat_map(|(module, read)| module.objects.iter().zip(read.iter().copied()));
    let libraries = inputs.libraries.iter().filter_map(|(name, library)| {
        Some((root.join(&settings.library.get(*name)?.archive.value), *library))
    });
    host.chain(modules)
        .map(|(path, library)| (root.join(&path.value), library))
        .chain(libraries)
        .collect()
}

struct Copies<'c, 'p> {
    prefix: &'c str,
    directory: PathBuf,
    read: &'c BTreeMap<PathBuf, &'p Library<'p>>,
    renamed: Vec<Renamed>,
}

impl Copies<'_, '_> {
    /// Has a link take copies of those of its files that mention one of the names.
    fn link(&mut self, link: &mut Link, names: &Arc<BTreeSet<String>>) {
        for (number, path) in link.objects.iter_mut().chain(&mut link.archives).enumerate() {
            let mentions = |symbol: &Merged<'_>| names.contains(symbol.name);
            if !self.read.get(path).is_some_and(|library| library.symbols().iter().any(mentions)) {
                continue;
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let to = self.directory.join(&link.file).join(format!("{number}-{name}"));
            self.renamed.push(Renamed {
                from: std::mem::replace(path, to.clone()),
                to,
                prefix: self.prefix.to_owned(),
                names: Arc::clone(names),
            });
        }
    }
}
