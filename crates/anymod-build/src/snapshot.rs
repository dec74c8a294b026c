//! The shortest way through a build: if everything that the last one looked at is as it was, and it left nothing to do,
//! then there is nothing to do.
//!
//! The file `build/.anymod-snapshot` holds what a finished build was asked for, every question that it asked of its
//! surroundings with the answer (`trace`), every file and directory that it looked at with its stat (`disk`), and its
//! report. It is a memory of the long way, which alone decides what is looked at; it is written only if each stat can be
//! trusted, and it counts for nothing if a single answer is different now.
//!
//! Layout, all numbers little-endian, text as a `u32` length and bytes:
//!
//! | part | content |
//! |---|---|
//! | magic | `anymod-snapshot 1\n` |
//! | sum | `u64`, of everything after it |
//! | request | text: what was asked for |
//! | variables | `u32` count; each name, flag, value |
//! | questions | `u32` count; each path, kind |
//! | files, directories | `u32` count; each path and 0 (nothing), 1 (no file) or 2 with size, mtime, ctime, inode |
//! | report | text: JSON |

use std::path::Path;

use anymod_model::Target;
use serde::{Deserialize, Serialize};

use crate::build::Output;
use crate::disk;
use crate::environment::Environment;
use crate::log::{Log, checksum};
use crate::stat::{Directory, Stat};

const MAGIC: &[u8] = b"anymod-snapshot 1\n";

/// What a build with nothing to do has to say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) outputs: Vec<Output>,
    pub(crate) actions: usize,
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
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sizes: Option<String>,
}

/// What is remembered, if all is as it was. `request` stands for what is asked for.
pub(crate) fn read(
    file: &Path,
    root: &Path,
    request: &str,
    environment: &Environment,
) -> Option<Remembered> {
    let bytes = std::fs::read(file).ok()?;
    let rest = bytes.strip_prefix(MAGIC)?;
    let (sum, rest) = rest.split_first_chunk::<8>()?;
    if u64::from_le_bytes(*sum) != checksum(rest) {
        return None;
    }
    let mut reader = Reader(rest);
    if reader.text()? != request {
        return None;
    }
    for _ in 0..reader.number()? {
        let name = reader.text()?;
        let value = match reader.byte()? {
            0 => None,
            _ => Some(reader.text()?),
        };
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
    let mut expected = Vec::new();
    for _ in 0..reader.number()? {
        expected.push((reader.text()?, reader.expected()?));
    }
    if !all_as_expected(root, &expected) {
        return None;
    }
    let told: Told = serde_json::from_str(reader.text()?).ok()?;
    let outputs: Option<Vec<Output>> = told.outputs.into_iter().map(output).collect();
    Some(Remembered { outputs: outputs?, actions: told.actions })
}

fn output(told: ToldOutput) -> Option<Output> {
    let target = Target::parse(&told.target)?;
    let ToldOutput { module, path, sizes, .. } = told;
    Some(Output { module, target, path, changed: false, sizes })
}

/// From this many files on, two threads look at them.
const MANY: usize = 500;

/// What has to be at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Nothing,
    /// Nothing that can be read as a file.
    NoFile,
    Stat(Stat),
}

fn all_as_expected(root: &Path, expected: &[(&str, Expected)]) -> bool {
    let Some(directory) = Directory::open(root) else { return false };
    let same = |files: &[(&str, Expected)]| {
        files.iter().all(|(path, expected)| match (expected, directory.stat(path)) {
            (Expected::Nothing, found) => found.is_none(),
            (Expected::NoFile, found) => found.is_none_or(|(is_dir, _)| is_dir),
            (Expected::Stat(stat), found) => found.is_some_and(|(_, found)| found == *stat),
        })
    };
    if expected.len() < MANY {
        return same(expected);
    }
    let (first, second) = expected.split_at(expected.len() / 2);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| same(second));
        same(first) && other.join().unwrap_or(false)
    })
}

/// Remembers a build that left nothing to do. Does nothing if what it looked at may have changed since.
pub(crate) fn write(
    file: &Path,
    request: &str,
    environment: &Environment,
    globbed: &[(String, Option<Stat>)],
    remembered: &Remembered,
    log: &mut Log,
) {
    let Some(seen) = seen(globbed, log) else { return };
    let mut body = Writer::default();
    body.text(request);
    let asked = environment.trace().asked();
    body.number(asked.variables.len());
    for name in &asked.variables {
        body.text(name);
        match environment.get(name) {
            None => body.0.push(0),
            Some(value) => {
                body.0.push(1);
                body.text(value);
            }
        }
    }
    body.number(asked.paths.len());
    for (path, kind) in &asked.paths {
        let Some(path) = path.to_str() else { return };
        body.text(path);
        body.0.push(*kind as u8);
    }
    body.number(seen.len());
    for (path, stat) in &seen {
        body.text(path);
        body.expected(*stat);
    }
    let outputs = remembered.outputs.iter().map(|output| ToldOutput {
        module: output.module.clone(),
        target: output.target.to_string(),
        path: output.path.clone(),
        sizes: output.sizes.clone(),
    });
    let told = Told { actions: remembered.actions, outputs: outputs.collect() };
    let Ok(told) = serde_json::to_string(&told) else { return };
    body.text(&told);
    let mut bytes = MAGIC.to_vec();
    bytes.extend(checksum(&body.0).to_le_bytes());
    bytes.extend(body.0);
    // Without it the next build takes the long way.
    let _ = crate::install::write_built(file, &bytes);
}

/// Every path that was looked at, with its stat; none if one of them cannot be trusted.
fn seen(globbed: &[(String, Option<Stat>)], log: &mut Log) -> Option<Vec<(String, Expected)>> {
    let mut seen = Vec::new();
    let files: Vec<_> = log.seen.files().collect();
    for (path, version) in files {
        let stat = match version {
            None => Expected::NoFile,
            Some(version) => Expected::Stat(trusted(path, version, log)?),
        };
        seen.push((log.text(path).to_owned(), stat));
    }
    let now = std::time::SystemTime::now();
    for (directory, (stat, names)) in &log.seen.listings {
        let settled = stat.is_none_or(|stat| stat.is_settled(now));
        if !settled && disk::list(&log.root.join(directory)) != (*stat, names.clone()) {
            return None;
        }
        seen.push((directory.clone(), stat.map_or(Expected::Nothing, Expected::Stat)));
    }
    for (path, stat) in globbed {
        if stat.is_some_and(|stat| !stat.is_settled(now)) {
            return None;
        }
        seen.push((path.clone(), stat.map_or(Expected::Nothing, Expected::Stat)));
    }
    // Neighbours are looked up together.
    seen.sort_by(|one, other| one.0.cmp(&other.0));
    seen.dedup();
    Some(seen)
}

/// The stat of a version that can be trusted. What was too young when it was read is read again.
fn trusted(path: u32, version: u32, log: &mut Log) -> Option<Stat> {
    let known = *log.version(version)?;
    if let Some(stat) = known.stat {
        return Some(stat);
    }
    log.forget(path);
    let again = log.now(path)?;
    let again = *log.version(again)?;
    if again.digest == known.digest { again.stat } else { None }
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, number: usize) {
        self.0.extend(u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.0.extend(text.as_bytes());
    }

    fn expected(&mut self, expected: Expected) {
        let stat = match expected {
            Expected::Nothing => return self.0.push(0),
            Expected::NoFile => return self.0.push(1),
            Expected::Stat(stat) => stat,
        };
        self.0.push(2);
        for word in [stat.size, stat.modified as u64, stat.changed as u64, stat.inode] {
            self.0.extend(word.to_le_bytes());
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn word(&mut self) -> Option<u64> {
        let (word, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*word))
    }

    fn number(&mut self) -> Option<u32> {
        let (word, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*word))
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.number()? as usize;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    fn expected(&mut self) -> Option<Expected> {
        match self.byte()? {
            0 => return Some(Expected::Nothing),
            1 => return Some(Expected::NoFile),
            _ => {}
        }
        let size = self.word()?;
        let (modified, changed) = (self.word()? as i64, self.word()? as i64);
        Some(Expected::Stat(Stat { size, modified, changed, inode: self.word()? }))
    }
}
