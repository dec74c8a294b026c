//! Reading what a file says it is and comparing its sum, without loading it.

use std::hash::Hasher as _;
use std::path::Path;

use anymod_model::Platform;
use anymod_model::identity::{Identity, Record, covered, find};
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

/// Refuses a file that is not what is wanted.
pub(crate) fn check(file: &Path, wanted: &Wanted<'_>) -> Result<(), Refusal> {
    let identity = read(file)?;
    compare(&identity, wanted)?;
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
    let identity = read(file)?;
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

/// Reads a file whose content is what its identity says.
fn read(file: &Path) -> Result<Identity, Refusal> {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(Refusal::Missing),
        Err(error) => return refuse(format!("it cannot be read: {error}")),
    };
    let Some(offset) = find(&bytes) else {
        return refuse("it has no identity; it was not made by anymod, or it is cut short");
    };
    let record = bytes.get(offset..).map_or(Err("it is cut short"), Record::parse);
    let record = match record {
        Ok(record) => record,
        Err(why) => return refuse(format!("its identity cannot be read: {why}")),
    };
    let mut sum = XxHash64::with_seed(0);
    covered(&bytes, offset, &record.ranges, &mut |part| sum.write(part));
    if sum.finish() != record.sums.check {
        return refuse(
            "its content is not what was built; it is damaged: build or install it again",
        );
    }
    Ok(record.identity)
}

/// The level that a file says it needs; none if it cannot be read.
pub(crate) fn level(file: &Path) -> Option<u32> {
    let bytes = std::fs::read(file).ok()?;
    let record = Record::parse(bytes.get(find(&bytes)?..)?).ok()?;
    Some(record.identity.level)
}
