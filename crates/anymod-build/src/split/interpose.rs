//! `split interpose`: what a host would take over in modules by others.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anymod_link::host::image::{self, Image};
use anymod_link::host::inspect::listed;
use anymod_link::host::interpose::{Bundled, hijacks};
use anymod_link::host::resolve::Table;
use anymod_link::host::segments;
use anymod_model::codes::split as codes;
use anymod_model::event::Finding;
use anymod_model::{Diagnostic, Diagnostics, Place};
use serde::Serialize;

use super::link::link;
use super::plan::{PlanRequest, plan};
use super::{files, parallel};
use crate::cancel::Cancel;
use crate::request::StoreRequest;
use crate::{install, whl};

/// What was found in one directory, wheel or file.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct InterposeReport {
    /// Its path as given.
    pub against: String,
    /// How many programs and shared libraries are in it.
    pub files: usize,
    /// What would be taken over.
    pub pairs: Vec<Pair>,
    /// Findings as JSON.
    pub findings: Vec<Finding>,
    /// The findings themselves.
    #[serde(skip)]
    pub diagnostics: Vec<Diagnostic>,
}

/// Symbols that one file has from another and would get from the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pair {
    /// The file that uses them.
    pub user: String,
    /// The file that has them.
    pub owner: String,
    /// How many they are.
    pub count: usize,
    /// Their names.
    pub symbols: Vec<String>,
}

/// Looks at directories, wheels and single files by others, each a set that is loaded together.
///
/// # Errors
/// `B0002` if something cannot be read, `H0001` if the host is damaged. Files that are no ELF files are passed over.
pub fn interpose(host: &Path, against: &[PathBuf]) -> Result<Vec<InterposeReport>, Diagnostics> {
    let files::Loaded { name, bytes, .. } = files::load(host)?;
    let image = image::read(&bytes).map_err(|fault| fault.finding(&name, None))?;
    let table = Table::of(&image);
    let mut reports = Vec::new();
    for path in against {
        let files = contents(path)?;
        reports.push(one(&name, &table, &path.display().to_string(), &files));
    }
    Ok(reports)
}

/// A mend that was applied.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Applied {
    /// The line that makes it last, below `[split]`.
    pub setting: String,
    /// How many symbols were taken over before.
    pub before: usize,
    /// How many still are.
    pub after: usize,
}

/// What the names of the host's libraries begin with unless somebody says otherwise.
const PREFIX: &str = "host_";

/// Links a split's host again with the mends, the lesser first, until nothing is taken over or all were applied. Reports are of
/// the host as it is then.
///
/// # Errors
/// As [`interpose`] and [`link`]; `H0401` if it is not the host of the manifest's split.
pub fn apply(
    host: &Path,
    against: &[PathBuf],
    request: &PlanRequest,
    store: Option<&StoreRequest>,
    cancel: &Cancel,
) -> Result<(Vec<InterposeReport>, Vec<Applied>), Diagnostics> {
    let mut reports = interpose(host, against)?;
    let directory = std::path::absolute(host).ok().and_then(|path| Some(path.parent()?.to_owned()));
    let mut request = PlanRequest { directory, ..request.clone() };
    let made = plan(&request)?.links.host.file;
    if host.file_name().is_none_or(|name| *name != *made) {
        let message = format!("the manifest's split makes a host `{made}`, not this one");
        let finding = Diagnostic::error(&codes::NO_SPLIT, message);
        let finding = finding.at(Place::file(host.display().to_string()));
        return Err(finding.hint("name the manifest of its split with `--manifest`").into());
    }
    let mut applied = Vec::new();
    for has_prefix in [false, true] {
        let before = taken_over(&reports);
        if before == 0 {
            break;
        }
        request.version_script = !has_prefix;
        request.namespace = has_prefix.then(|| PREFIX.to_owned());
        let linked = link(&request, store, cancel)?;
        if !linked.diagnostics.is_empty() {
            return Err(Diagnostics(linked.diagnostics));
        }
        reports = interpose(host, against)?;
        let setting = match has_prefix {
            true => format!("namespace = \"{PREFIX}\""),
            false => "version-script = true".to_owned(),
        };
        applied.push(Applied { setting, before, after: taken_over(&reports) });
    }
    Ok((reports, applied))
}

/// How many symbols a host takes over, in all.
fn taken_over(reports: &[InterposeReport]) -> usize {
    reports.iter().flat_map(|report| &report.pairs).map(|pair| pair.count).sum()
}

/// The ELF files in a directory or wheel, with their names in it.
fn contents(path: &Path) -> Result<Vec<(String, Vec<u8>)>, Diagnostics> {
    let is_elf = |bytes: &[u8]| bytes.starts_with(b"\x7fELF");
    if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("whl")) {
        let wheel = whl::open(path)?;
        let files = wheel.files.into_iter().filter(|(_, file)| is_elf(&file.bytes));
        return Ok(files.map(|(name, file)| (name, file.bytes)).collect());
    }
    if path.is_file() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Ok(vec![(name, install::read(path)?)]);
    }
    let mut found = Vec::new();
    below(path, &mut found)?;
    found.sort();
    let mut files = Vec::new();
    for file in found {
        if !is_elf(&files::map(&file)?) {
            continue;
        }
        let name = file.strip_prefix(path).unwrap_or(&file).display().to_string();
        files.push((name, install::read(&file)?));
    }
    Ok(files)
}

fn below(directory: &Path, found: &mut Vec<PathBuf>) -> Result<(), Diagnostic> {
    let entries =
        std::fs::read_dir(directory).map_err(|error| install::read_error(directory, &error))?;
    for entry in entries.flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => below(&entry.path(), found)?,
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    Ok(())
}

fn one(
    host: &str,
    table: &Table<'_, '_>,
    against: &str,
    files: &[(String, Vec<u8>)],
) -> InterposeReport {
    let whole = parallel::map(files, |(_, bytes)| {
        segments::with_sections(bytes).ok().flatten().map_or(Cow::Borrowed(&**bytes), Cow::Owned)
    });
    let read = parallel::map(&whole, |bytes| {
        Some((image::read(bytes).ok()?, image::looked_up(bytes).ok()?))
    });
    let read: Vec<(&str, (Image<'_>, BTreeSet<&str>))> = files
        .iter()
        .zip(read)
        .filter_map(|((name, _), read)| Some((name.as_str(), read?)))
        .collect();
    let bundled: Vec<Bundled<'_, '_>> =
        read.iter().map(|(name, (image, looked_up))| Bundled { name, image, looked_up }).collect();
    let mut report = InterposeReport {
        against: against.to_owned(),
        files: bundled.len(),
        pairs: Vec::new(),
        findings: Vec::new(),
        diagnostics: Vec::new(),
    };
    for hijack in hijacks(table, &bundled) {
        let count = hijack.symbols.len();
        let from = if hijack.user == hijack.owner {
            "its own".to_owned()
        } else {
            format!("those of `{}`", hijack.owner)
        };
        let message = format!(
            "{count} symbols of `{host}` take the place of {from}: {}",
            listed(&hijack.symbols)
        );
        let place = Place::Binary {
            file: against.to_owned(),
            member: (against != hijack.user).then(|| hijack.user.to_owned()),
            section: None,
            offset: None,
        };
        report.diagnostics.push(
            Diagnostic::error(&codes::INTERPOSED, message)
                .at(place)
                .hint("give the host's library other names (`namespace` in `[split]`, or `anymod split fix --prefix`); where those of the module have versions, one for the host's exports is enough (`version-script = true`); `--apply` does it"),
        );
        report.pairs.push(Pair {
            user: hijack.user.to_owned(),
            owner: hijack.owner.to_owned(),
            count,
            symbols: hijack.symbols.iter().map(|name| (*name).to_owned()).collect(),
        });
    }
    report.findings = report.diagnostics.iter().map(Finding::from).collect();
    report
}
