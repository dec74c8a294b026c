//! What earlier builds in a build directory found out: digests of files, answers of tools, and what each action used.
//!
//! One text file, `build/.anymod-log`, of lines that end in a checksum. Finished work is appended, so a killed build
//! loses nothing; a cut last line is dropped; anything else that is not as written here makes the log count as empty, so
//! that the worst a damaged log does is a full build. Paths and file versions are numbered in the order of their lines:
//!
//! | line | meaning |
//! |---|---|
//! | `anymod-log 1` | the first line |
//! | `p PATH` | path number n |
//! | `v PATH-NUMBER STAT DIGEST` | version number n of a file; `STAT` is `-` if the file was too young to trust it |
//! | `f DIGEST ANSWER` | the answer to a question asked of a tool |
//! | `a NAME COMMAND-DIGEST INPUTS OUTPUTS ABSENT` | an action; three lists of numbers (versions, versions, paths) |
//!
//! It never decides whether an action is fresh; it answers what was there and what is.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anymod_model::Diagnostic;

use crate::install;
use anymod_store::Digest;

const FIRST_LINE: &str = "anymod-log 1";
/// A file whose times are younger than this when it is read may still change within the clock's grain.
const SETTLED: Duration = Duration::from_millis(100);

/// Number of a path.
pub(crate) type PathId = u32;
/// Number of a version of a file: its path and content.
pub(crate) type VersionId = u32;

/// What tells, without reading, that a file is the same: size, modification time, change time, inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    size: u64,
    modified: i64,
    changed: i64,
    inode: u64,
}

struct Version {
    path: PathId,
    stat: Option<Stat>,
    digest: Digest,
}

/// What an action used and made when it last ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Digest of everything but files: arguments, environment, tool.
    pub(crate) command: Digest,
    /// Files read, declared and discovered.
    pub(crate) inputs: Vec<VersionId>,
    /// Files made.
    pub(crate) outputs: Vec<VersionId>,
    /// Paths that were looked at and were not there.
    pub(crate) absent: Vec<PathId>,
}

/// The log, with what this run has seen of the disk.
pub(crate) struct Log {
    /// Where it is kept, if anywhere.
    file: Option<PathBuf>,
    /// Relative paths are relative to this.
    root: PathBuf,
    paths: Vec<String>,
    path_ids: HashMap<String, PathId>,
    versions: Vec<Version>,
    latest: Vec<Option<VersionId>>,
    facts: BTreeMap<Digest, String>,
    actions: BTreeMap<String, Record>,
    /// Per path: not looked at in this run, missing, or there.
    seen: Vec<Option<Option<VersionId>>>,
    /// Names in the directories that this run looked into.
    listings: HashMap<String, HashSet<String>>,
    /// Lines not yet on disk.
    pending: String,
    /// Bytes of the file that are good; 0 if it has to be begun anew.
    good: u64,
    lines: usize,
}

impl Log {
    /// A log that is kept nowhere.
    pub(crate) fn in_memory(root: &Path) -> Log {
        Log {
            file: None,
            root: root.to_owned(),
            paths: Vec::new(),
            path_ids: HashMap::new(),
            versions: Vec::new(),
            latest: Vec::new(),
            facts: BTreeMap::new(),
            actions: BTreeMap::new(),
            seen: Vec::new(),
            listings: HashMap::new(),
            pending: String::new(),
            good: 0,
            lines: 0,
        }
    }

    /// The log kept at `file`; empty if there is none or it is damaged.
    pub(crate) fn open(file: &Path, root: &Path) -> Log {
        let mut log = Log::in_memory(root);
        if let Ok(bytes) = std::fs::read(file) {
            match log.load(&bytes) {
                Some(good) => log.good = good,
                None => log = Log::in_memory(root),
            }
        }
        log.file = Some(file.to_owned());
        log
    }

    /// Reads lines; `Some` is how many bytes are good, `None` that the log is damaged.
    fn load(&mut self, bytes: &[u8]) -> Option<u64> {
        let mut at = 0;
        while let Some(length) = bytes.get(at..)?.iter().position(|byte| *byte == b'\n') {
            let line = std::str::from_utf8(bytes.get(at..at + length)?).ok()?;
            let (text, sum) = line.rsplit_once('\t')?;
            if sum != checksum(text) {
                return None;
            }
            if at == 0 {
                (text == FIRST_LINE).then_some(())?;
            } else {
                self.load_line(text)?;
            }
            self.lines += 1;
            at += length + 1;
        }
        Some(at as u64)
    }

    fn load_line(&mut self, text: &str) -> Option<()> {
        let mut fields = text.split('\t');
        match fields.next()? {
            "p" => {
                self.number_path(unescape(fields.next()?)?);
            }
            "v" => {
                let path: PathId = fields.next()?.parse().ok()?;
                let stat = match fields.next()? {
                    "-" => None,
                    stat => Some(parse_stat(stat)?),
                };
                let digest = Digest::from_hex(fields.next()?)?;
                self.paths.get(path as usize)?;
                self.number_version(Version { path, stat, digest });
            }
            "f" => {
                let question = Digest::from_hex(fields.next()?)?;
                self.facts.insert(question, unescape(fields.next()?)?);
            }
            "a" => {
                let name = unescape(fields.next()?)?;
                let command = Digest::from_hex(fields.next()?)?;
                let inputs = parse_numbers(fields.next()?, self.versions.len())?;
                let outputs = parse_numbers(fields.next()?, self.versions.len())?;
                let absent = parse_numbers(fields.next()?, self.paths.len())?;
                self.actions.insert(name, Record { command, inputs, outputs, absent });
            }
            _ => return None,
        }
        fields.next().is_none().then_some(())
    }

    fn number_path(&mut self, path: String) -> PathId {
        let id = self.paths.len() as PathId;
        self.path_ids.insert(path.clone(), id);
        self.paths.push(path);
        self.latest.push(None);
        self.seen.push(None);
        id
    }

    fn number_version(&mut self, version: Version) -> VersionId {
        let id = self.versions.len() as VersionId;
        if let Some(latest) = self.latest.get_mut(version.path as usize) {
            *latest = Some(id);
        }
        self.versions.push(version);
        id
    }

    /// The number of a path, given now if it had none.
    pub(crate) fn path_id(&mut self, path: &str) -> PathId {
        if let Some(id) = self.path_ids.get(path) {
            return *id;
        }
        self.append(&format!("p\t{}", escape(path)));
        self.number_path(path.to_owned())
    }

    /// The file system path behind a number.
    fn location(&self, id: PathId) -> PathBuf {
        self.root.join(self.paths.get(id as usize).map_or("", String::as_str))
    }

    /// The version of the file at a path as it is now, `None` if there is no readable file. Reads the file only if its
    /// times or size differ from what is known; looks at the disk once a run.
    pub(crate) fn now(&mut self, path: PathId) -> Option<VersionId> {
        if let Some(Some(seen)) = self.seen.get(path as usize) {
            return *seen;
        }
        let seen = self.look(path);
        if let Some(slot) = self.seen.get_mut(path as usize) {
            *slot = Some(seen);
        }
        seen
    }

    /// Forgets what this run saw at a path, because it has written there.
    pub(crate) fn forget(&mut self, path: PathId) {
        if let Some(slot) = self.seen.get_mut(path as usize) {
            *slot = None;
        }
    }

    fn look(&mut self, path: PathId) -> Option<VersionId> {
        let location = self.location(path);
        let metadata = std::fs::metadata(&location).ok()?;
        if metadata.is_dir() {
            return None;
        }
        let stat = stat_of(&metadata);
        let latest = self.latest.get(path as usize).copied().flatten();
        let known = latest.and_then(|id| Some((id, self.versions.get(id as usize)?)));
        if let Some((id, version)) = known
            && version.stat == Some(stat)
        {
            return Some(id);
        }
        let digest = Digest::of(&std::fs::read(&location).ok()?);
        let stat = settled(&metadata).then_some(stat);
        if let Some((id, version)) = known
            && stat.is_none()
            && version.stat.is_none()
            && version.digest == digest
        {
            return Some(id);
        }
        let shown = stat.map_or_else(|| "-".to_owned(), |stat| show_stat(&stat));
        self.append(&format!("v\t{path}\t{shown}\t{digest}"));
        Some(self.number_version(Version { path, stat, digest }))
    }

    /// True if there is anything at the path now, a directory included. For paths that are usually not there: it looks
    /// at each directory once a run, however many names in it are asked for.
    pub(crate) fn exists(&mut self, path: PathId) -> bool {
        if let Some(Some(seen)) = self.seen.get(path as usize) {
            return seen.is_some();
        }
        let Some(path_text) = self.paths.get(path as usize).cloned() else { return false };
        let there = self.is_listed(&path_text);
        if !there && let Some(slot) = self.seen.get_mut(path as usize) {
            *slot = Some(None);
        }
        there
    }

    fn is_listed(&mut self, path: &str) -> bool {
        let (directory, name) = match path.rsplit_once('/') {
            Some(("", name)) => ("/", name),
            Some(split) => split,
            None => ("", path),
        };
        if !self.listings.contains_key(directory) {
            let entries =
                std::fs::read_dir(self.root.join(directory)).into_iter().flatten().flatten();
            let names = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
            self.listings.insert(directory.to_owned(), names);
        }
        self.listings.get(directory).is_some_and(|names| names.contains(name))
    }

    /// True if the file at a path was written after a moment.
    pub(crate) fn modified_after(&self, path: PathId, moment: SystemTime) -> bool {
        std::fs::metadata(self.location(path)).is_ok_and(|metadata| changed(&metadata) > moment)
    }

    /// The content digest of a file as it is now.
    pub(crate) fn digest(&mut self, path: &str) -> Option<Digest> {
        let id = self.path_id(path);
        let version = self.now(id)?;
        self.versions.get(version as usize).map(|version| version.digest)
    }

    /// The path number and digest of a version.
    pub(crate) fn version(&self, id: VersionId) -> Option<(PathId, Digest)> {
        self.versions.get(id as usize).map(|version| (version.path, version.digest))
    }

    /// The path behind a number, as it was given.
    pub(crate) fn path(&self, id: PathId) -> &str {
        self.paths.get(id as usize).map_or("", String::as_str)
    }

    /// The answer a tool gave to a question.
    pub(crate) fn fact(&self, question: &Digest) -> Option<&str> {
        self.facts.get(question).map(String::as_str)
    }

    /// Keeps the answer a tool gave.
    pub(crate) fn learn(&mut self, question: Digest, answer: &str) {
        self.append(&format!("f\t{question}\t{}", escape(answer)));
        self.facts.insert(question, answer.to_owned());
    }

    /// What an action used and made when it last ran.
    pub(crate) fn action(&self, name: &str) -> Option<&Record> {
        self.actions.get(name)
    }

    /// Keeps what an action used and made.
    pub(crate) fn record(&mut self, name: &str, record: Record) {
        self.append(&action_line(name, &record));
        self.actions.insert(name.to_owned(), record);
    }

    fn append(&mut self, text: &str) {
        if self.file.is_none() {
            return;
        }
        self.lines += 1;
        push_line(&mut self.pending, text);
    }

    /// Writes what is new to disk.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn flush(&mut self) -> Result<(), Diagnostic> {
        let Some(file) = self.file.clone() else { return Ok(()) };
        if self.pending.is_empty() {
            return Ok(());
        }
        self.flush_to(&file).map_err(|error| install::write_error(&file, &error))?;
        self.pending.clear();
        Ok(())
    }

    fn flush_to(&mut self, path: &Path) -> std::io::Result<()> {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.create(true).write(true).truncate(false).open(path)?;
        file.set_len(self.good)?;
        std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(self.good))?;
        if self.good == 0 {
            let mut first = String::new();
            push_line(&mut first, FIRST_LINE);
            file.write_all(first.as_bytes())?;
            self.good += first.len() as u64;
        }
        file.write_all(self.pending.as_bytes())?;
        self.good += self.pending.len() as u64;
        Ok(())
    }

    /// Writes what is new to disk, and the whole file anew if most of it is superseded.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn close(mut self) -> Result<(), Diagnostic> {
        let Some(file) = self.file.clone() else { return Ok(()) };
        let live = self.actions.len() + self.facts.len() + 2 * self.paths.len();
        if self.lines > 2 * live + 1000 {
            let compact = self.compact();
            return install::write_if_changed(&file, compact.as_bytes()).map(|_| ());
        }
        self.flush()
    }

    /// The text of a log that holds only what is not superseded.
    fn compact(&self) -> String {
        let mut fresh = Log::in_memory(&self.root);
        fresh.file = self.file.clone();
        push_line(&mut fresh.pending, FIRST_LINE);
        let mut renumbered: HashMap<VersionId, VersionId> = HashMap::new();
        let mut copy = |fresh: &mut Log, id: VersionId| -> Option<VersionId> {
            if let Some(known) = renumbered.get(&id) {
                return Some(*known);
            }
            let version = self.versions.get(id as usize)?;
            let path = fresh.path_id(self.path(version.path));
            let shown = version.stat.as_ref().map_or_else(|| "-".to_owned(), show_stat);
            fresh.append(&format!("v\t{path}\t{shown}\t{}", version.digest));
            let number =
                fresh.number_version(Version { path, stat: version.stat, digest: version.digest });
            renumbered.insert(id, number);
            Some(number)
        };
        for (name, record) in &self.actions {
            let inputs = record.inputs.iter().filter_map(|id| copy(&mut fresh, *id)).collect();
            let outputs = record.outputs.iter().filter_map(|id| copy(&mut fresh, *id)).collect();
            let absent = record.absent.iter().map(|id| fresh.path_id(self.path(*id))).collect();
            fresh.record(name, Record { command: record.command, inputs, outputs, absent });
        }
        for id in self.latest.iter().flatten() {
            copy(&mut fresh, *id);
        }
        for (question, answer) in &self.facts {
            fresh.learn(*question, answer);
        }
        fresh.pending
    }
}

fn action_line(name: &str, record: &Record) -> String {
    let mut line = format!("a\t{}\t{}", escape(name), record.command);
    for numbers in [&record.inputs, &record.outputs, &record.absent] {
        line.push('\t');
        for (index, number) in numbers.iter().enumerate() {
            let separator = if index == 0 { "" } else { " " };
            // Writing to a string cannot fail.
            let _ = write!(line, "{separator}{number}");
        }
    }
    line
}

fn push_line(to: &mut String, text: &str) {
    to.push_str(text);
    to.push('\t');
    to.push_str(&checksum(text));
    to.push('\n');
}

/// FNV-1a in 64 bits: it has to catch damage, not an adversary.
fn checksum(text: &str) -> String {
    let sum = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{sum:016x}")
}

fn parse_numbers(text: &str, below: usize) -> Option<Vec<u32>> {
    let numbers = text.split(' ').filter(|number| !number.is_empty());
    numbers
        .map(|number| number.parse().ok().filter(|number: &u32| (*number as usize) < below))
        .collect()
}

fn show_stat(stat: &Stat) -> String {
    format!("{}:{}:{}:{}", stat.size, stat.modified, stat.changed, stat.inode)
}

fn parse_stat(text: &str) -> Option<Stat> {
    let mut fields = text.split(':');
    let stat = Stat {
        size: fields.next()?.parse().ok()?,
        modified: fields.next()?.parse().ok()?,
        changed: fields.next()?.parse().ok()?,
        inode: fields.next()?.parse().ok()?,
    };
    fields.next().is_none().then_some(stat)
}

#[cfg(unix)]
fn stat_of(metadata: &std::fs::Metadata) -> Stat {
    use std::os::unix::fs::MetadataExt as _;
    let nanoseconds =
        |seconds: i64, rest: i64| seconds.wrapping_mul(1_000_000_000).wrapping_add(rest);
    Stat {
        size: metadata.size(),
        modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        inode: metadata.ino(),
    }
}

#[cfg(not(unix))]
fn stat_of(metadata: &std::fs::Metadata) -> Stat {
    let since =
        metadata.modified().ok().and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    let modified = since.map_or(0, |since| since.as_nanos() as i64);
    Stat { size: metadata.len(), modified, changed: 0, inode: 0 }
}

/// True if the file's times are old enough that a later change cannot leave them as they are.
fn settled(metadata: &std::fs::Metadata) -> bool {
    let now = SystemTime::now();
    let old = |time: SystemTime| now.duration_since(time).is_ok_and(|age| age > SETTLED);
    metadata.modified().is_ok_and(old) && changed_time(metadata).is_none_or(old)
}

#[cfg(unix)]
fn changed_time(metadata: &std::fs::Metadata) -> Option<SystemTime> {
    use std::os::unix::fs::MetadataExt as _;
    let seconds = u64::try_from(metadata.ctime()).ok()?;
    let rest = u32::try_from(metadata.ctime_nsec()).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, rest))
}

#[cfg(not(unix))]
fn changed_time(_metadata: &std::fs::Metadata) -> Option<SystemTime> {
    None
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t")
}

fn unescape(text: &str) -> Option<String> {
    if !text.contains('\\') {
        return Some(text.to_owned());
    }
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        plain.push(match letter {
            '\\' => match letters.next()? {
                'n' => '\n',
                't' => '\t',
                '\\' => '\\',
                _ => return None,
            },
            letter => letter,
        });
    }
    Some(plain)
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;

/// When a file was last written. The time that anyone can set, and that archives restore, does not tell; the kernel's does.
#[cfg(unix)]
fn changed(metadata: &std::fs::Metadata) -> SystemTime {
    use std::os::unix::fs::MetadataExt as _;
    let seconds = u64::try_from(metadata.ctime()).unwrap_or(0);
    let nanoseconds = u32::try_from(metadata.ctime_nsec()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + std::time::Duration::new(seconds, nanoseconds)
}

#[cfg(not(unix))]
fn changed(metadata: &std::fs::Metadata) -> SystemTime {
    metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH)
}
