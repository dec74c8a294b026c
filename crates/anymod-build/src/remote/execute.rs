//! Which actions are done elsewhere, and what they are there.
//!
//! The policy: compilations by a toolchain that anymod installed, because its program needs nothing of the machine that it
//! runs on; and by compilers of this machine if whoever set the workers up says that these have the same (`host`). Everything
//! else is done here: what anymod does itself (collecting qstrs, linking and packing) takes less time than its inputs take to
//! travel.
//!
//! The input root has two directories: `project`, where the command runs, and `anymod`, with as much of the toolchain as the
//! command line names. No path in it tells where either is here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anymod_model::event::ActionKind;
use anymod_remote::message::{Command, Digest, Pair};
use anymod_remote::{Inputs, Subtree, Task, Tree};

use super::host::{self, Host};
use super::scan::{self, Search};
use super::toolchain::Toolchain;
use crate::action::{self, Action, Work};
use crate::locations::{FIXED_TIMESTAMP, HOME_MARKER, Locations};

const PROJECT: &str = "project";
const HOME: &str = "anymod";
/// Where the toolchains are from where the command runs.
const HOME_FROM_PROJECT: &str = "../anymod/";
const TOOLCHAINS: &str = "toolchains/";

/// What every action has in its environment there; without a place for its cache, `zig cc` does not begin.
const ENVIRONMENT: [(&str, &str); 3] = [
    ("LC_ALL", "C.UTF-8"),
    ("ZIG_GLOBAL_CACHE_DIR", ".anymod-zig"),
    ("ZIG_LOCAL_CACHE_DIR", ".anymod-zig"),
];

/// What executing actions elsewhere needs besides the client.
pub(crate) struct Executor {
    /// How many actions are under way at once.
    pub(crate) limit: usize,
    /// True if processors with nothing else to do may begin what is under way.
    pub(crate) races: bool,
    /// What workers have to be like.
    platform: Vec<(String, String)>,
    timeout: std::time::Duration,
    /// What is known of this machine's compilers, if workers have the same.
    host: Option<Host>,
    toolchains: Mutex<HashMap<PathBuf, Option<Arc<Toolchain>>>>,
}

/// A command as it is elsewhere.
struct Translated {
    arguments: Vec<String>,
    /// What goes along of the toolchain; nothing if it is there.
    carried: Option<Carried>,
    /// What is made besides the action's own outputs.
    told: Vec<String>,
}

/// What goes along of a toolchain.
struct Carried {
    /// Its directory, relative to anymod's own.
    toolchain: String,
    /// Directories of installed toolchains that the command line names, and `lib` for all that the compiler's own has: the
    /// toolchain, relative to anymod's own directory, and the directory in it.
    parts: BTreeSet<(String, String)>,
}

/// An input root in the making.
#[derive(Default)]
struct Root {
    tree: Tree,
    /// Files that are the action's own.
    files: BTreeSet<Digest>,
    /// Directories that many actions have.
    grafted: Vec<Arc<Subtree>>,
    /// Where the files of these are.
    installed: Vec<Arc<Toolchain>>,
}

impl Executor {
    pub(crate) fn new(
        limit: usize,
        races: bool,
        platform: Vec<(String, String)>,
        timeout: std::time::Duration,
        hosts: bool,
    ) -> Executor {
        allow_files(limit);
        let host = hosts.then(Host::default);
        Executor { limit, races, platform, timeout, host, toolchains: Mutex::default() }
    }

    /// True for actions that are worth sending.
    pub(crate) fn takes(&self, action: &Action, locations: &Locations) -> bool {
        let program = action.argv.first().map_or("", String::as_str);
        let program = locations.portable(program);
        action.kind == ActionKind::Compile
            && matches!(action.work, Work::Command(_))
            && (toolchain_of(&program).is_some() || self.is_there(&program))
    }

    /// True for a compiler that workers have themselves.
    fn is_there(&self, program: &str) -> bool {
        self.host.is_some() && program.starts_with('/')
    }

    /// Whether what workers made of an action is what this machine would make: they are asked about compilers of their own, and
    /// have told with what and of what they made it.
    ///
    /// # Errors
    /// What is different, in words.
    pub(crate) fn vouch(
        &self,
        action: &Action,
        made: &BTreeMap<String, (Vec<u8>, bool)>,
        discovered: &[String],
        locations: &Locations,
    ) -> Result<(), String> {
        let (Some(host), Some(program), Work::Command(details)) =
            (&self.host, action.argv.first(), &action.work)
        else {
            return Ok(());
        };
        if !self.is_there(&locations.portable(program)) {
            return Ok(());
        }
        let told = details.depfile.as_deref().and_then(|depfile| made.get(&host::sums(depfile)));
        let told = told.map(|(bytes, _)| String::from_utf8_lossy(bytes)).unwrap_or_default();
        host.vouch(program, &told, discovered)
    }

    /// The action as a task; none if it cannot be told what all it reads.
    pub(crate) fn task(&self, action: &Action, root: &Path, locations: &Locations) -> Option<Task> {
        let Work::Command(details) = &action.work else { return None };
        let Translated { arguments, carried, told } = match action.argv.first() {
            Some(program) if self.is_there(&locations.portable(program)) => {
                as_there(action, details, locations)?
            }
            _ => translated(action, details, locations)?,
        };
        let mut input_root = Root::default();
        if let Some(carried) = carried {
            self.carry(carried, arguments.first()?, locations, &mut input_root)?;
        }
        let Root { mut tree, mut files, grafted, installed } = input_root;
        let own = sources(action, details, root)?;
        let mut contents = HashMap::new();
        for (path, bytes) in own {
            let digest = Digest::of(&bytes);
            if !tree.add(&format!("{PROJECT}/{path}"), digest.clone(), false) {
                return None;
            }
            files.insert(digest.clone());
            contents.insert(digest, bytes);
        }
        let outputs: Vec<String> = action.outputs.iter().chain(&details.depfile).cloned().collect();
        let outputs: Vec<String> = outputs.into_iter().chain(told).collect();
        let above = outputs.iter().filter_map(|path| Some(path.rsplit_once('/')?.0));
        for directory in above.chain(details.search.iter().map(String::as_str)) {
            let directory = plain(directory);
            // The project's own is there anyway.
            if !directory.is_empty() && !tree.directory(&format!("{PROJECT}/{directory}")) {
                return None;
            }
        }
        let mut environment: Vec<Pair> = action
            .env
            .iter()
            .map(|(name, value)| Pair { name: name.clone(), value: value.clone() })
            .collect();
        for (name, value) in ENVIRONMENT {
            environment.push(Pair { name: name.to_owned(), value: value.to_owned() });
        }
        let command = Command {
            arguments,
            environment_variables: environment,
            working_directory: PROJECT.to_owned(),
            output_paths: outputs,
            ..Command::default()
        };
        let load = move |digest: &Digest| {
            let installed = || installed.iter().find_map(|toolchain| toolchain.load(digest));
            contents.get(digest).cloned().or_else(installed)
        };
        let inputs = Inputs { files, parts: grafted, load: Arc::new(load) };
        Some(Task::new(command, &tree, &self.platform, self.timeout, inputs))
    }

    /// Adds what goes along of toolchains; none if there is no place for it.
    fn carry(
        &self,
        carried: Carried,
        program: &str,
        locations: &Locations,
        to: &mut Root,
    ) -> Option<()> {
        let Carried { toolchain, parts } = carried;
        let from = self.opened(&toolchain, locations)?;
        let program = program.strip_prefix(HOME_FROM_PROJECT)?;
        let (digest, executable) = from.file(program.strip_prefix(&format!("{toolchain}/"))?)?;
        to.files.insert(digest.clone());
        if !to.tree.add(&format!("{HOME}/{program}"), digest.clone(), executable) {
            return None;
        }
        to.installed.push(from);
        for (toolchain, part) in parts {
            let from = self.opened(&toolchain, locations)?;
            // A directory that is not there is not searched here either.
            let Some(known) = from.part(&part) else { continue };
            if !to.tree.graft(&format!("{HOME}/{toolchain}/{part}"), known.digest.clone()) {
                return None;
            }
            to.grafted.push(known);
            to.installed.push(from);
        }
        Some(())
    }

    /// An installed toolchain, by its directory relative to anymod's own.
    fn opened(&self, toolchain: &str, locations: &Locations) -> Option<Arc<Toolchain>> {
        self.toolchain(Path::new(&*locations.real(&format!("{HOME_MARKER}{toolchain}"))))
    }

    fn toolchain(&self, root: &Path) -> Option<Arc<Toolchain>> {
        let mut known = self.toolchains.lock().unwrap_or_else(PoisonError::into_inner);
        let open = || Toolchain::open(root).map(Arc::new);
        known.entry(root.to_owned()).or_insert_with(open).clone()
    }
}

/// Lets this process have a file open for each action that is under way: its claim to it, besides all others.
#[cfg(unix)]
fn allow_files(actions: usize) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = actions as u64 + 1024;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < wanted) {
        let current = Some(maximum.map_or(wanted, |maximum| maximum.min(wanted)));
        // Without it the store is left alone when there are too many, and says so.
        let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum });
    }
}

#[cfg(not(unix))]
fn allow_files(_actions: usize) {}

/// A path below anymod's own directory, as keys and records write it, of what is one where an action runs elsewhere. Some
/// tools tell where that is.
pub(crate) fn home_path(path: &str) -> Option<String> {
    let inside = match path.strip_prefix(HOME_FROM_PROJECT) {
        Some(inside) => inside,
        None if path.starts_with('/') => {
            let at = path.find(&format!("/{HOME}/{TOOLCHAINS}"))?;
            path.get(at + HOME.len() + 2..)?
        }
        None => return None,
    };
    Some(format!("{HOME_MARKER}{inside}"))
}

/// A relative path without what leads nowhere.
fn plain(path: &str) -> String {
    let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
    parts.collect::<Vec<_>>().join("/")
}

/// True if the object would tell where the worker had its toolchain: `zig cc` makes whole paths of its own headers, and those
/// are in what is for debuggers.
fn tells_its_place(action: &Action) -> bool {
    let debugs = |word: &String| word.starts_with("-g") && word != "-g0";
    let cc = action.argv.get(1).is_some_and(|word| word == "cc" || word == "c++");
    cc && action.argv.iter().any(debugs)
}

/// The toolchain's directory, relative to anymod's own, of a program that keys and records would write so.
fn toolchain_of(program: &str) -> Option<&str> {
    let inside = program.strip_prefix(HOME_MARKER)?;
    let name = inside.strip_prefix(TOOLCHAINS)?.split('/').next()?;
    inside.get(..TOOLCHAINS.len() + name.len())
}

/// The command line with paths that mean the same elsewhere; none if one of them is this machine's.
fn translated(
    action: &Action,
    details: &action::Command,
    locations: &Locations,
) -> Option<Translated> {
    let toolchain = toolchain_of(&locations.portable(action.argv.first()?))?.to_owned();
    if tells_its_place(action) {
        return None;
    }
    let (mut arguments, mut parts) = (Vec::new(), BTreeSet::new());
    for word in &action.argv {
        let portable = locations.portable(word);
        if let Some(at) = portable.find(HOME_MARKER)
            && let Some(inside) = portable.get(at..)
            && let Some(named) = toolchain_of(inside)
            && !arguments.is_empty()
        {
            let part = inside.get(HOME_MARKER.len() + named.len()..).unwrap_or_default();
            parts.insert((named.to_owned(), part.trim_matches('/').to_owned()));
        }
        let word = portable.replace(HOME_MARKER, HOME_FROM_PROJECT);
        if word.starts_with('/')
            || word.contains("=/")
            || (word.starts_with('-') && word.contains("/../"))
        {
            return None;
        }
        let joined = ["-I/", "-isystem/", "-iquote/", "-idirafter/", "-L/", "-B/", "@"];
        if joined.iter().any(|start| word.starts_with(start)) {
            return None;
        }
        arguments.push(word);
    }
    if details.maps_paths {
        arguments.extend(FIXED_TIMESTAMP.map(str::to_owned));
        arguments
            .push(format!("-ffile-prefix-map={}=/anymod", HOME_FROM_PROJECT.trim_end_matches('/')));
        arguments.push("-ffile-compilation-dir=.".to_owned());
    }
    if !action.argv.iter().any(|word| word == "-nostdinc") {
        parts.retain(|(named, _)| *named != toolchain);
        parts.insert((toolchain.clone(), "lib".to_owned()));
    }
    let carried = Some(Carried { toolchain, parts });
    Some(Translated { arguments, carried, told: Vec::new() })
}

/// The command line with a compiler that is there; none if it names something of anymod's own, which is not.
fn as_there(
    action: &Action,
    details: &action::Command,
    locations: &Locations,
) -> Option<Translated> {
    let (program, options) = action.argv.split_first()?;
    let depfile = details.depfile.as_deref()?;
    let is_own = |word: &String| locations.portable(word).contains(HOME_MARKER);
    let is_plain = options.iter().all(|word| !is_own(word) && !word.starts_with('@'));
    if !is_plain || !details.maps_paths {
        return None;
    }
    let mut options = options.to_vec();
    options.extend(FIXED_TIMESTAMP.map(str::to_owned));
    let arguments = host::command_line(program, depfile, options);
    Some(Translated { arguments, carried: None, told: vec![host::sums(depfile)] })
}

/// Every file of the project that the command may read.
fn sources(
    action: &Action,
    details: &action::Command,
    root: &Path,
) -> Option<BTreeMap<String, Vec<u8>>> {
    let mut defines = BTreeMap::new();
    for word in &action.argv {
        if let Some((name, value)) = word.strip_prefix("-D").and_then(|word| word.split_once('=')) {
            defines.insert(name, value);
        }
    }
    // All that the command line names, generated directories among them, which `details.search` leaves out.
    let named = action.argv.iter().filter_map(|word| word.strip_prefix("-I"));
    let mut directories: Vec<String> = named.map(str::to_owned).collect();
    directories.extend(details.search.iter().cloned());
    if action
        .inputs
        .iter()
        .chain(&directories)
        .any(|path| path.starts_with('/') || path.contains(".."))
    {
        return None;
    }
    let directories: Vec<String> = directories.iter().map(|path| plain(path)).collect();
    let search = Search { root, directories: &directories, defines: &defines };
    scan::files(&action.inputs, &search)
}
