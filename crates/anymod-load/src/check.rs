//! Reading what a file says it is and comparing its sum, without loading it, and a part at a time.

use std::fs::File;
use std::hash::Hasher as _;
use std::io::{Read as _, Seek as _};
use std::path::Path;

use anymod_model::Platform;
use anymod_model::identity::{Identity, LONGEST, Record, cover, find};
use twox_hash::XxHash64;

use crate::error::Refusal;

/// What a file has to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    pub(crate) platform: Platform,
    pub(crate) variant: Option<&'a str>,
}

fn refuse<T>(why: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Other(why.into()))
}

/// Length of what is in memory at once; the identity of most files is within the first.
const PART: usize = 1 << 17;

/// Refuses a file that is not what is wanted, or not whole.
pub(crate) fn check(file: &Path, wanted: &Wanted<'_>) -> Result<(), Refusal> {
    compare_all(&read(file, true)?, wanted)
}

/// The same of a file whose content is known to be whole.
pub(crate) fn check_identity(file: &Path, wanted: &Wanted<'_>) -> Result<(), Refusal> {
    compare_all(&read(file, false)?, wanted)
}

fn compare_all(identity: &Identity, wanted: &Wanted<'_>) -> Result<(), Refusal> {
    compare(identity, wanted)?;
    if identity.variant.as_deref() != wanted.variant {
        let named = |variant: Option<&str>| format!("`{}`", variant.unwrap_or_default());
        let own = named(identity.variant.as_deref());
        return refuse(format!(
            "it is the variant {own} and not {}; a file was renamed or overwritten",
            named(wanted.variant)
        ));
    }
    Ok(())
}

/// The same with whatever variant: which one it is.
pub(crate) fn check_any(file: &Path, wanted: &Wanted<'_>) -> Result<Option<String>, Refusal> {
    let identity = read(file, true)?;
    compare(&identity, wanted)?;
    Ok(identity.variant)
}

fn compare(identity: &Identity, wanted: &Wanted<'_>) -> Result<(), Refusal> {
    let Identity { name, version, platform, .. } = identity;
    if name != wanted.name {
        let own = wanted.name;
        return refuse(format!(
            "it is `{name}` and not `{own}`; a file was renamed or overwritten"
        ));
    }
    if version != wanted.version {
        let own = wanted.version;
        return refuse(format!(
            "it is version {version}, and {own} is wanted; build or install it again"
        ));
    }
    if *platform != wanted.platform.name() {
        return refuse(format!("it is for {platform}, and this is {}", wanted.platform));
    }
    Ok(())
}

/// Reads the identity of a file and, if it is asked for, compares its sum with the content.
fn read(file: &Path, whole: bool) -> Result<Identity, Refusal> {
    let opened = File::open(file);
    let mut opened = match opened {
        Ok(opened) => opened,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(Refusal::Missing),
        Err(error) => return refuse(format!("it cannot be read: {error}")),
    };
    let unread = |error| Refusal::Other(format!("it cannot be read: {error}"));
    let Some((offset, record)) = locate(&mut opened).map_err(unread)? else {
        return refuse("it has no identity; it was not made by anymod, or it is cut short");
    };
    let record = match record {
        Ok(record) => record,
        Err(why) => return refuse(format!("its identity cannot be read: {why}")),
    };
    if whole && sum(&mut opened, offset, &record).map_err(unread)? != record.sums.check {
        return refuse(
            "its content is not what was built; it is damaged: build or install it again",
        );
    }
    Ok(record.identity)
}

/// Where the identity is, and what it says; nothing if there is none.
fn locate(file: &mut File) -> std::io::Result<Option<(usize, Result<Record, &'static str>)>> {
    let mut bytes = Vec::new();
    file.by_ref().take(PART as u64).read_to_end(&mut bytes)?;
    // Not all formats have it near the begin.
    if find(&bytes).is_none_or(|at| bytes.len() - at < LONGEST) {
        file.read_to_end(&mut bytes)?;
    }
    let at = find(&bytes);
    Ok(at.map(|at| (at, bytes.get(at..).map_or(Err("it is cut short"), Record::parse))))
}

fn sum(file: &mut File, offset: usize, record: &Record) -> std::io::Result<u64> {
    file.rewind()?;
    let (mut sum, mut at) = (XxHash64::with_seed(0), 0);
    let mut part = vec![0; PART];
    loop {
        let length = file.read(&mut part)?;
        let Some(part) = part.get_mut(..length).filter(|part| !part.is_empty()) else {
            return Ok(sum.finish());
        };
        let counts = cover(part, at, offset, &record.ranges);
        sum.write(part.get(..counts).unwrap_or_default());
        at += length as u64;
    }
}

/// The level that a file says it needs; none if it cannot be read.
pub(crate) fn level(file: &Path) -> Option<u32> {
    let (_, record) = locate(&mut File::open(file).ok()?).ok()??;
    Some(record.ok()?.identity.level)
}
