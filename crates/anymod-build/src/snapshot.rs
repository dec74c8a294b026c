//! The shortest way through a build: if everything that the last one looked at is as it was, and it left nothing to do,
//! then there is nothing to do. And the next shortest: if only files changed that some modules use, then only these
//! modules have to be planned.
//!
//! The file `build/.anymod-snapshot` holds what a finished build was asked for, every question that it asked of its
//! surroundings with the answer (`trace`), every file and directory that it looked at with its stat (`disk`) and the
//! modules that use it, and its report. It is a memory of the long way, which alone decides what is looked at; it is
//! written only if each stat can be trusted. A file that no module is known to use alone, such as the manifest or a
//! compiler, takes everything the long way when it changes, as does any other answer that is different now.
//!
//! Layout, all numbers little-endian, text as a `u32` length and bytes:
//!
//! | part | content |
//! |---|---|
//! | magic | `anymod-snapshot 3\n` |
//! | sum | `u64`, of everything after it |
//! | request | text: what was asked for |
//! | variables | `u32` count; each name, flag, value |
//! | questions | `u32` count; each path, kind |
//! | files | `u32` count; each path, what is expected there, its users |
//! | report | text: JSON |
//!
//! What is expected is a byte and what follows it: 0 nothing, 1 no file, 2 a stat (size, mtime, ctime, inode), 3 a stat of a
//! directory and a `u64` that stands for the names in it. Users are a `u32` count and as many numbers of modules, or
//! 0xffffffff for everything.

mod codec;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anymod_model::Target;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::glob;
use crate::log::{Log, TextId, checksum};
use crate::plan::Plan;
use crate::request::Output;
use crate::stat::{Directory, Stat};
use codec::{Reader, Writer};

const MAGIC: &[u8] = b"anymod-snapshot 3\n";

/// What a build that left nothing to do has to say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) outputs: Vec<Output>,
    pub(crate) actions: usize,
    /// Which of the outputs may have to be made again, by index.
    pub(crate) affected: BTreeSet<u32>,
    /// The snapshot itself, to go on from.
    bytes: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Told {
    actions: usize,
    outputs: Vec<ToldOutput>,
}

#[derive(Serialize, Deserialize)]
struct ToldOutput {
    module: String,
    target: String,
    build_type: String,
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sizes: Option<String>,
}

/// What has to be at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Nothing,
    /// Nothing that can be read as a file.
    NoFile,
    Stat(Stat),
    /// A directory, with a number that stands for what is in it.
    Listing(Stat, u64),
}

/// Who uses a file.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Users {
    /// Planning, or so many modules that it makes no difference.
    Everything,
    /// Modules, by index of the output.
    Outputs(Vec<u32>),
}

/// What is remembered, if nothing but files that modules use is different. `request` stands for what is asked for.
pub(crate) fn read(
    file: &Path,
    root: &Path,
    request: &str,
    environment: &Environment,
) -> Option<Remembered> {
    let bytes = std::fs::read(file).ok()?;
    let mut reader = Reader(checked(&bytes)?);
    if reader.text()? != request {
        return None;
    }
    for _ in 0..reader.number()? {
        let (name, value) = reader.variable()?;
        if environment.get(name) != value {
            return None;
        }
    }
    for _ in 0..reader.number()? {
        let path = reader.text()?;
        if environment.trace().look(Path::new(path)) as u8 != reader.byte()? {
            return None;
        }
    }
    let mut files = Vec::new();
    for _ in 0..reader.number()? {
        files.push(File {
            path: reader.text()?,
            expected: reader.expected()?,
            users: reader.raw_users()?,
        });
    }
    let affected = affected(root, &files)?;
    let told: Told = serde_json::from_str(reader.text()?).ok()?;
    let outputs: Option<Vec<Output>> = told.outputs.into_iter().map(output).collect();
    Some(Remembered { outputs: outputs?, actions: told.actions, affected, bytes })
}

/// What follows the sum, if the sum is right.
fn checked(bytes: &[u8]) -> Option<&[u8]> {
    let (sum, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<8>()?;
    (u64::from_le_bytes(*sum) == checksum(rest)).then_some(rest)
}

fn output(told: ToldOutput) -> Option<Output> {
    let target = Target::parse(&told.target)?;
    let ToldOutput { module, build_type, path, sizes, .. } = told;
    Some(Output { module, target, build_type, path, changed: false, sizes })
}

/// A file as the snapshot has it; its users are read only if it changed.
struct File<'a> {
    path: &'a str,
    expected: Expected,
    users: &'a [u8],
}

/// From this many files on, two threads look at them.
const MANY: usize = 500;

/// The outputs that use a file that changed; none if everything has to take the long way.
fn affected(root: &Path, files: &[File<'_>]) -> Option<BTreeSet<u32>> {
    let directory = Directory::open(root)?;
    let changed = |files: &[File<'_>]| -> Option<BTreeSet<u32>> {
        let mut affected = BTreeSet::new();
        for file in files.iter().filter(|file| !is_as_expected(file, root, &directory)) {
            match Reader(file.users).users()? {
                Users::Everything => return None,
                Users::Outputs(outputs) => affected.extend(outputs),
            }
        }
        Some(affected)
    };
    if files.len() < MANY {
        return changed(files);
    }
    let (first, second) = files.split_at(files.len() / 2);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| changed(second));
        let mut all = changed(first)?;
        all.extend(other.join().ok()??);
        Some(all)
    })
}

fn is_as_expected(file: &File<'_>, root: &Path, directory: &Directory) -> bool {
    let found = directory.stat(file.path);
    match file.expected {
        Expected::Nothing => found.is_none(),
        Expected::NoFile => found.is_none_or(|(is_dir, _)| is_dir),
        Expected::Stat(stat) => found.is_some_and(|(_, found)| found == stat),
        Expected::Listing(stat, names) => found.is_some_and(|(_, found)| {
            // A file that was written anew and renamed changes the directory's times but not what is in it.
            found == stat || glob::names(&root.join(file.path)) == names
        }),
    }
}

/// A build to be remembered.
pub(crate) struct Finished<'a> {
    pub(crate) request: &'a str,
    pub(crate) environment: &'a Environment,
    pub(crate) outputs: &'a [Output],
    pub(crate) actions: usize,
    /// What was planned and done: everything, or what was affected.
    pub(crate) plan: &'a Plan,
    /// Paths that planning looked at.
    pub(crate) planned: &'a BTreeSet<TextId>,
    /// What this build went on from, if it did only what was affected.
    pub(crate) before: Option<&'a Remembered>,
}

/// Remembers a build that left nothing to do. Does nothing if what it looked at may have changed since.
pub(crate) fn write(file: &Path, finished: &Finished<'_>, log: &mut Log) {
    if let Some(bytes) = encoded(finished, log) {
        // Without it the next build takes the long way.
        let _ = crate::install::write_built(file, &bytes);
    }
}

fn encoded(finished: &Finished<'_>, log: &mut Log) -> Option<Vec<u8>> {
    let mut seen = seen(finished, log)?;
    let mut questions = BTreeMap::new();
    let mut variables = BTreeSet::new();
    let mut files = Files::default();
    if let Some(before) = finished.before {
        let mut reader = Reader(checked(&before.bytes)?);
        reader.text()?;
        for _ in 0..reader.number()? {
            variables.insert(reader.variable()?.0.to_owned());
        }
        for _ in 0..reader.number()? {
            questions.insert(reader.text()?.to_owned(), reader.byte()?);
        }
        files.go_on(&mut seen, &mut reader, &before.affected)?;
    }
    let asked = finished.environment.trace().asked();
    variables.extend(asked.variables);
    for (path, kind) in asked.paths {
        questions.insert(path.to_str()?.to_owned(), kind as u8);
    }
    let mut body = Writer::default();
    body.text(finished.request);
    body.number(variables.len());
    for name in &variables {
        body.variable(name, finished.environment.get(name));
    }
    body.number(questions.len());
    for (path, kind) in &questions {
        body.text(path);
        body.0.push(*kind);
    }
    let mut seen: Vec<_> = seen.into_iter().collect();
    // Neighbours are looked up together.
    seen.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    for (path, (expected, users)) in &seen {
        files.add(path, *expected, users);
    }
    body.number(files.count);
    body.0.extend(files.text.0);
    let outputs = finished.outputs.iter().map(|output| ToldOutput {
        module: output.module.clone(),
        target: output.target.to_string(),
        build_type: output.build_type.clone(),
        path: output.path.clone(),
        sizes: output.sizes.clone(),
    });
    let told = Told { actions: finished.actions, outputs: outputs.collect() };
    body.text(&serde_json::to_string(&told).ok()?);
    let mut bytes = MAGIC.to_vec();
    bytes.extend(checksum(&body.0).to_le_bytes());
    bytes.extend(body.0);
    Some(bytes)
}

/// The part of a snapshot that lists files.
#[derive(Default)]
struct Files {
    count: usize,
    text: Writer,
}

impl Files {
    fn add(&mut self, path: &str, expected: Expected, users: &Users) {
        self.count += 1;
        self.text.text(path);
        self.text.expected(expected);
        self.text.users(users);
    }

    /// Takes over the files of the snapshot before that this build, of the affected modules alone, did not look at; the
    /// users of those that it did look at are added to theirs.
    fn go_on(
        &mut self,
        seen: &mut Seen,
        reader: &mut Reader<'_>,
        affected: &BTreeSet<u32>,
    ) -> Option<()> {
        for _ in 0..reader.number()? {
            let (path, expected, raw) = (reader.text()?, reader.expected()?, reader.raw_users()?);
            let now = seen.get_mut(path);
            let mut users = Reader(raw).users()?;
            if let Users::Outputs(outputs) = &mut users {
                outputs.retain(|output| !affected.contains(output));
            }
            match (now, users) {
                (Some((_, Users::Outputs(now))), Users::Outputs(users)) => {
                    now.extend(users);
                    now.sort_unstable();
                    now.dedup();
                }
                (Some((_, now)), _) => *now = Users::Everything,
                (None, Users::Outputs(users)) if users.is_empty() => {}
                (None, users) => self.add(path, expected, &users),
            }
        }
        Some(())
    }
}

/// Every path that was looked at.
type Seen = FxHashMap<String, (Expected, Users)>;

/// Every path that was looked at; none if one of them cannot be trusted.
fn seen(finished: &Finished<'_>, log: &mut Log) -> Option<Seen> {
    let mut seen = Seen::default();
    let mut users = users(finished, log);
    let files: Vec<_> = log.seen.files().collect();
    for (path, version) in files {
        let expected = match version {
            None => Expected::NoFile,
            Some(version) => Expected::Stat(trusted(path, version, log)?),
        };
        let users = users.remove(&path).filter(|_| !finished.planned.contains(&path));
        let users = users.unwrap_or(Users::Everything);
        seen.insert(log.text(path).to_owned(), (expected, users));
    }
    let listings = log.seen.listings.iter().map(|(path, (stat, _))| (path, stat));
    let globbed = finished.plan.listed.iter().map(|(path, stat)| (path, stat));
    let now = std::time::SystemTime::now();
    for (path, stat) in listings.chain(globbed) {
        let expected = match stat {
            None => Expected::Nothing,
            Some(stat) if stat.is_settled(now) => {
                let directory = log.root.join(path);
                let names = glob::names(&directory);
                // What is there now has to be what was there then.
                let again = Stat::of(&std::fs::metadata(&directory).ok()?);
                (again == *stat).then_some(Expected::Listing(*stat, names))?
            }
            Some(_) => return None,
        };
        seen.insert(path.clone(), (expected, Users::Everything));
    }
    Some(seen)
}

/// Which outputs use which file, by what the log has of the actions that lead to them.
fn users(finished: &Finished<'_>, log: &mut Log) -> FxHashMap<TextId, Users> {
    let numbers: FxHashMap<&str, u32> = (0..)
        .zip(finished.outputs)
        .map(|(number, output)| (output.path.as_str(), number))
        .collect();
    let many = finished.outputs.len() / 4 + 16;
    let mut users: FxHashMap<TextId, Users> = FxHashMap::default();
    let mut add = |path: TextId, number: u32| {
        let users = users.entry(path).or_insert_with(|| Users::Outputs(Vec::new()));
        match users {
            Users::Outputs(outputs) if outputs.len() > many => *users = Users::Everything,
            Users::Outputs(outputs) if outputs.last() != Some(&number) => outputs.push(number),
            _ => {}
        }
    };
    for product in &finished.plan.products {
        let Some(number) = numbers.get(product.installed.as_str()) else { continue };
        add(log.id(&product.installed), *number);
        for action in finished.plan.actions.get(product.actions.clone()).into_iter().flatten() {
            let Some(record) = log.action(action.name()) else { continue };
            for version in record.inputs.iter().chain(&record.outputs) {
                if let Some(version) = log.version(*version) {
                    add(version.path, *number);
                }
            }
        }
    }
    users
}

/// The stat of a version that can be trusted. What was too young when it was read is read again.
fn trusted(path: TextId, version: u32, log: &mut Log) -> Option<Stat> {
    let known = *log.version(version)?;
    if let Some(stat) = known.stat {
        return Some(stat);
    }
    log.forget(path);
    let again = log.now(path)?;
    let again = *log.version(again)?;
    if again.digest == known.digest { again.stat } else { None }
}
