//! Files with the libraries that they need, found as a dynamic loader finds them, and mapped once each.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use anymod_link::host::{Machine, image};
use anymod_model::Diagnostic;

use super::files::{self, Loaded};
use super::{parallel, search};

/// Files and what each needs.
#[derive(Debug, Default)]
pub(super) struct Graph {
    /// The files that were asked for, in their order, then those that they need.
    pub(super) files: Vec<Loaded>,
    /// For each file the needed ones, in their order.
    pub(super) needs: Vec<Vec<usize>>,
    /// Libraries that were not found: the file that needs one, and its name.
    pub(super) lost: Vec<(usize, String)>,
}

/// What a file says of the libraries that it needs.
struct Needs {
    machine: Machine,
    names: Vec<String>,
    directories: Vec<PathBuf>,
}

/// Loads files and all that they need. `directories` are looked into before those of the loader.
///
/// # Errors
/// `B0002` if a file cannot be read, `H0001` if one is damaged. Libraries that are needed and damaged count as not found.
pub(super) fn load(paths: &[PathBuf], directories: &[PathBuf]) -> Result<Graph, Diagnostic> {
    let mut graph = Graph::default();
    let mut places: BTreeMap<PathBuf, usize> = BTreeMap::new();
    let mut standard: BTreeMap<Machine, Vec<PathBuf>> = BTreeMap::new();
    let mut cache: BTreeMap<(Machine, String), Option<PathBuf>> = BTreeMap::new();
    let mut wave: Vec<PathBuf> = Vec::new();
    for path in paths {
        places.entry(real(path)).or_insert(wave.len());
        wave.push(path.clone());
    }
    let mut is_first = true;
    while !wave.is_empty() {
        let loaded = parallel::map(&wave, |path| {
            let loaded = files::load(path)?;
            let needs = needs(&loaded, path);
            Ok((loaded, needs))
        });
        let mut next = Vec::new();
        let start = graph.files.len();
        let mut pending = Vec::new();
        for result in loaded {
            let (loaded, needs) = result?;
            let needs = match needs {
                Ok(needs) => needs,
                Err(finding) if is_first => return Err(finding),
                Err(_) => Needs { machine: Machine::default(), names: vec![], directories: vec![] },
            };
            graph.files.push(loaded);
            pending.push(needs);
        }
        let known = graph.files.len();
        for (number, needs) in pending.into_iter().enumerate() {
            let mut found = Vec::new();
            for name in &needs.names {
                let own = search::find(name, &needs.directories);
                let path = own.or_else(|| search::find(name, directories)).or_else(|| {
                    let key = (needs.machine, name.clone());
                    let look = || {
                        let standard = standard.entry(needs.machine);
                        search::find(
                            name,
                            standard.or_insert_with(|| search::directories(needs.machine)),
                        )
                    };
                    cache.entry(key).or_insert_with(look).clone()
                });
                let Some(path) = path else {
                    graph.lost.push((start + number, name.clone()));
                    continue;
                };
                let place = *places.entry(real(&path)).or_insert_with(|| {
                    next.push(path);
                    known + next.len() - 1
                });
                found.push(place);
            }
            graph.needs.push(found);
        }
        wave = next;
        is_first = false;
    }
    Ok(graph)
}

/// A path without links; as it is if it leads nowhere.
pub(super) fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn needs(loaded: &Loaded, path: &Path) -> Result<Needs, Diagnostic> {
    let image = image::read_dynamic(&loaded.bytes);
    let image = image.map_err(|fault| fault.finding(&loaded.name, None))?;
    let origin = real(path).parent().unwrap_or(Path::new("/")).display().to_string();
    let directories = image.runpath.iter().map(|directory| {
        PathBuf::from(directory.replace("$ORIGIN", &origin).replace("${ORIGIN}", &origin))
    });
    Ok(Needs {
        machine: image.machine,
        names: image.needed.iter().map(|name| (*name).to_owned()).collect(),
        directories: directories.collect(),
    })
}

impl Graph {
    /// A file and all that it needs, as a loader searches them.
    pub(super) fn closure(&self, file: usize) -> Vec<usize> {
        closure(file, |file| self.needs.get(file).map_or(&[], Vec::as_slice))
    }
}

/// A file and all that it needs, breadth first.
pub(super) fn closure<'n>(file: usize, needs: impl Fn(usize) -> &'n [usize]) -> Vec<usize> {
    let (mut order, mut seen) = (Vec::new(), BTreeSet::from([file]));
    let mut queue = VecDeque::from([file]);
    while let Some(file) = queue.pop_front() {
        order.push(file);
        for needed in needs(file) {
            if seen.insert(*needed) {
                queue.push_back(*needed);
            }
        }
    }
    order
}
