//! What earlier builds in a build directory found out: digests of files, answers of tools, and what each action used.
//!
//! One text file, `build/.anymod-log`, of lines that end in a checksum. Finished work is appended, so a killed build
//! loses nothing; a cut last line is dropped; anything else that is not as written here makes the log count as empty, so
//! that the worst a damaged log does is a full build. Texts and file versions are numbered in the order of their lines:
//!
//! | line | meaning |
//! |---|---|
//! | `anymod-log 2` | the first line |
//! | `s TEXT` | text number n: a path, or a name or value of a walk |
//! | `v PATH STAT DIGEST` | version number n of a file; `STAT` is `-` if the file was too young to trust it |
//! | `f DIGEST ANSWER` | the answer to a question asked of a tool |
//! | `a NAME COMMAND WALK INPUTS OUTPUTS PASSED` | an action: the key of its walk without files, that walk as `name:value,…`, versions read, versions made, paths passed over |
//!
//! It never decides whether an action is fresh; it answers what was there. What is there now is `disk`'s to say.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anymod_model::Diagnostic;
use anymod_store::text::{escape, unescape};
use anymod_store::{Digest, Field};
use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::disk::Seen;
use crate::install;
use crate::stat::Stat;

const FIRST_LINE: &str = "anymod-log 2";

/// Number of a text.
pub(crate) type TextId = u32;
/// Number of a version of a file: its path and content.
pub(crate) type VersionId = u32;

/// A file as it once was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Version {
    pub(crate) path: TextId,
    pub(crate) stat: Option<Stat>,
    pub(crate) digest: Digest,
}

/// What an action used and made when it last ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Key of everything but files: arguments, environment, tool.
    pub(crate) command: Digest,
    /// The walk behind it: numbers of names and values.
    pub(crate) walk: Vec<(TextId, TextId)>,
    /// Files read, declared and discovered.
    pub(crate) inputs: Vec<VersionId>,
    /// Files made.
    pub(crate) outputs: Vec<VersionId>,
    /// Files that were where a compiler looks first, and that it passed over all the same.
    pub(crate) passed: Vec<TextId>,
}

/// The log, with what this run has seen of the disk.
pub(crate) struct Log {
    /// Where it is kept, if anywhere.
    file: Option<PathBuf>,
    /// Relative paths are relative to this.
    pub(crate) root: PathBuf,
    texts: IndexSet<String, FxBuildHasher>,
    pub(crate) versions: Vec<Version>,
    /// By number of a path: its newest version.
    pub(crate) latest: Vec<Option<VersionId>>,
    facts: BTreeMap<Digest, String>,
    actions: FxHashMap<String, Arc<Record>>,
    pub(crate) seen: Seen,
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
            texts: IndexSet::default(),
            versions: Vec::new(),
            latest: Vec::new(),
            facts: BTreeMap::new(),
            actions: FxHashMap::default(),
            seen: Seen::default(),
            pending: String::new(),
            good: 0,
            lines: 0,
        }
    }

    /// The log kept at `file`; empty if there is none or it is damaged.
    pub(crate) fn open(file: &Path, root: &Path) -> Log {
        let mut log = Log::in_memory(root);
        // A link would lead what is appended to somebody else's file.
        let own = std::fs::symlink_metadata(file).is_ok_and(|there| there.is_file());
        if own && let Ok(bytes) = std::fs::read(file) {
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
        let good = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let text = std::str::from_utf8(bytes.get(..good)?).ok()?;
        // About right for the lines of most logs.
        self.texts.reserve(good / 250);
        for (number, line) in text.lines().enumerate() {
            let (text, sum) = line.rsplit_once('\t')?;
            if u64::from_str_radix(sum, 16) != Ok(checksum(text)) {
                return None;
            }
            if number == 0 {
                (text == FIRST_LINE).then_some(())?;
            } else {
                self.load_line(text)?;
            }
            self.lines += 1;
        }
        Some(good as u64)
    }

    fn load_line(&mut self, text: &str) -> Option<()> {
        let mut fields = text.split('\t');
        match fields.next()? {
            "s" => {
                // Twice the same would shift the numbers of all that follow.
                let next = self.texts.len() as TextId;
                (self.number_text(unescape(fields.next()?)?) == next).then_some(())?;
            }
            "v" => {
                let path: TextId = fields.next()?.parse().ok()?;
                let stat = match fields.next()? {
                    "-" => None,
                    stat => Some(parse_stat(stat)?),
                };
                let digest = Digest::from_hex(fields.next()?)?;
                self.texts.get_index(path as usize)?;
                self.number_version(Version { path, stat, digest });
            }
            "f" => {
                let question = Digest::from_hex(fields.next()?)?;
                self.facts.insert(question, unescape(fields.next()?)?);
            }
            "a" => {
                let name = unescape(fields.next()?)?;
                let command = Digest::from_hex(fields.next()?)?;
                let walk = parse_walk(fields.next()?, self.texts.len())?;
                let inputs = parse_numbers(fields.next()?, self.versions.len())?;
                let outputs = parse_numbers(fields.next()?, self.versions.len())?;
                let passed = parse_numbers(fields.next()?, self.texts.len())?;
                let record = Record { command, walk, inputs, outputs, passed };
                self.actions.insert(name, Arc::new(record));
            }
            _ => return None,
        }
        fields.next().is_none().then_some(())
    }

    fn number_text(&mut self, text: String) -> TextId {
        let (id, new) = self.texts.insert_full(text);
        if new {
            self.latest.push(None);
        }
        id as TextId
    }

    fn number_version(&mut self, version: Version) -> VersionId {
        let id = self.versions.len() as VersionId;
        if let Some(latest) = self.latest.get_mut(version.path as usize) {
            *latest = Some(id);
        }
        self.versions.push(version);
        id
    }

    /// The number of a text, given now if it had none.
    pub(crate) fn id(&mut self, text: &str) -> TextId {
        if let Some(id) = self.texts.get_index_of(text) {
            return id as TextId;
        }
        self.append(&format!("s\t{}", escape(text)));
        self.number_text(text.to_owned())
    }

    /// The text behind a number.
    pub(crate) fn text(&self, id: TextId) -> &str {
        self.texts.get_index(id as usize).map_or("", String::as_str)
    }

    /// Numbers a new version of a file.
    pub(crate) fn add_version(&mut self, version: Version) -> VersionId {
        let Version { path, stat, digest } = version;
        let shown = stat.map_or_else(|| "-".to_owned(), |stat| show_stat(&stat));
        self.append(&format!("v\t{path}\t{shown}\t{digest}"));
        self.number_version(version)
    }

    /// A version of a file.
    pub(crate) fn version(&self, id: VersionId) -> Option<&Version> {
        self.versions.get(id as usize)
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
    pub(crate) fn action(&self, name: &str) -> Option<Arc<Record>> {
        self.actions.get(name).cloned()
    }

    /// The walk of a record, as words.
    pub(crate) fn walk(&self, record: &Record) -> Vec<Field> {
        let text = |id: &TextId| self.text(*id).to_owned();
        record
            .walk
            .iter()
            .map(|(name, value)| Field { name: text(name), value: text(value) })
            .collect()
    }

    /// Keeps what an action used and made.
    pub(crate) fn record(&mut self, name: &str, record: Record) {
        self.append(&action_line(name, &record));
        self.actions.insert(name.to_owned(), Arc::new(record));
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
        if self.good == 0 {
            // Whatever is there is not gone on with.
            let _ = std::fs::remove_file(path);
        }
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
        let closed = self.put_away();
        // Giving back all its pieces takes a while, and nobody has to wait for it.
        std::thread::spawn(move || drop(self));
        closed
    }

    fn put_away(&mut self) -> Result<(), Diagnostic> {
        let Some(file) = self.file.clone() else { return Ok(()) };
        let live = self.actions.len() + self.facts.len() + 2 * self.texts.len();
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
            let path = fresh.id(self.text(version.path));
            let number = fresh.add_version(Version { path, ..*version });
            renumbered.insert(id, number);
            Some(number)
        };
        let sorted: BTreeMap<&String, &Arc<Record>> = self.actions.iter().collect();
        for (name, record) in sorted {
            let inputs = record.inputs.iter().filter_map(|id| copy(&mut fresh, *id)).collect();
            let outputs = record.outputs.iter().filter_map(|id| copy(&mut fresh, *id)).collect();
            let mut renamed = |id: &TextId| fresh.id(self.text(*id));
            let passed = record.passed.iter().map(&mut renamed).collect();
            let walk =
                record.walk.iter().map(|(name, value)| (renamed(name), renamed(value))).collect();
            let command = record.command;
            fresh.record(name, Record { command, walk, inputs, outputs, passed });
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
    let mut line = format!("a\t{}\t{}\t", escape(name), record.command);
    let mut last = None;
    // Writing to a string cannot fail.
    for (name, value) in &record.walk {
        if last == Some(name) {
            let _ = write!(line, ",{value}");
        } else {
            let separator = if last.is_none() { "" } else { " " };
            let _ = write!(line, "{separator}{name}:{value}");
        }
        last = Some(name);
    }
    for numbers in [&record.inputs, &record.outputs, &record.passed] {
        line.push('\t');
        for (index, number) in numbers.iter().enumerate() {
            let separator = if index == 0 { "" } else { " " };
            let _ = write!(line, "{separator}{number}");
        }
    }
    line
}

fn push_line(to: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(to, "{text}\t{:016x}", checksum(text));
}

/// FNV-1a over words of 8 bytes: it has to catch damage, not an adversary.
pub(crate) fn checksum(text: impl AsRef<[u8]>) -> u64 {
    let bytes = text.as_ref();
    let step = |sum: u64, word: u64| (sum ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
    let mut words = bytes.chunks_exact(8);
    let mut sum = 0xcbf2_9ce4_8422_2325 ^ bytes.len() as u64;
    for word in &mut words {
        sum = step(sum, u64::from_le_bytes(word.try_into().unwrap_or_default()));
    }
    words.remainder().iter().fold(sum, |sum, byte| step(sum, u64::from(*byte)))
}

fn parse_walk(text: &str, below: usize) -> Option<Vec<(TextId, TextId)>> {
    let number = |text: &str| text.parse().ok().filter(|number: &u32| (*number as usize) < below);
    let mut walk = Vec::new();
    for group in text.split(' ').filter(|group| !group.is_empty()) {
        let (name, values) = group.split_once(':')?;
        let name = number(name)?;
        for value in values.split(',') {
            walk.push((name, number(value)?));
        }
    }
    Some(walk)
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

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
