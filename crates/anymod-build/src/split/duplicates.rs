//! Libraries and state that are in two of the files of a split: named libraries, known by their constants and symbols also in
//! stripped files, and state of whatever library that two symbol tables tell of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anymod_link::host::fingerprint::{Fingerprint, Held};
use anymod_link::host::image::Inside;
use anymod_link::host::inspect::listed;
use anymod_link::host::library::Library;
use anymod_model::codes::split as codes;
use anymod_model::{Diagnostic, Diagnostics, Place};

use super::files::{self, Loaded};
use super::inspect::{embedded, fingerprints};
use super::verify::{Checked, VerifiedFile, VerifyReport};
use super::{parallel, search};

/// Looks for libraries in all files, and tells of those that are in two.
pub(super) fn find(
    libraries: &[PathBuf],
    checked: &Checked<'_, '_>,
    insides: &[Inside<'_>],
    report: &mut VerifyReport,
) -> Result<(), Diagnostics> {
    if libraries.is_empty() {
        report.diagnostics.extend(unnamed(checked, insides, &BTreeSet::new()));
        return Ok(());
    }
    let loaded = files::load_all(libraries)?;
    let libraries: Vec<Library<'_>> =
        loaded.iter().map(Loaded::library).collect::<Result<_, _>>()?;
    let machine = checked.images.first().map(|image| image.machine).unwrap_or_default();
    let runtime = files::load_all(&search::runtime(machine))?;
    let prints = fingerprints(&libraries, &runtime);
    let found = parallel::map(insides, |inside| embedded(&prints, &Held::of(inside)));
    for (file, found) in report.files.iter_mut().zip(found) {
        file.embedded = found;
    }
    for (print, library) in prints.iter().zip(&libraries) {
        let holds = |file: &VerifiedFile| file.embedded.iter().any(|row| row.library == print.name);
        let holders: Vec<usize> =
            (0..report.files.len()).filter(|at| report.files.get(*at).is_some_and(holds)).collect();
        if holders.len() > 1 {
            report.diagnostics.extend(twice(print, library, &holders, checked, insides));
        }
    }
    let named = libraries.iter().flat_map(Library::objects).flat_map(|(_, _, o)| &o.variables);
    let named = named.map(|variable| variable.name).collect();
    report.diagnostics.extend(unnamed(checked, insides, &named));
    Ok(())
}

fn twice(
    print: &Fingerprint<'_>,
    library: &Library<'_>,
    holders: &[usize],
    checked: &Checked<'_, '_>,
    insides: &[Inside<'_>],
) -> Vec<Diagnostic> {
    let names: Vec<&str> = holders.iter().map(|at| checked.name(*at)).collect();
    let place = Place::file(names.first().copied().unwrap_or_default());
    let message = format!("`{}` is in {}", print.name, listed(&names));
    let mut findings = vec![
        Diagnostic::error(&codes::EMBEDDED_TWICE, message)
            .at(place.clone())
            .hint("link it into the host alone, and export from there what the modules need"),
    ];
    if print.state > 0 {
        let message = format!(
            "`{}` has {} bytes of state, and {} copies of it",
            print.name,
            print.state,
            names.len()
        );
        let mut finding = Diagnostic::error(&codes::SPLIT_STATE, message).at(place);
        let own: BTreeSet<&str> = library
            .objects()
            .flat_map(|(_, _, object)| &object.variables)
            .map(|v| v.name)
            .collect();
        let copies: Vec<BTreeSet<&str>> = holders
            .iter()
            .filter_map(|at| insides.get(*at))
            .map(|inside| {
                inside.variables.iter().map(|(v, _)| v.name).filter(|n| own.contains(n)).collect()
            })
            .collect();
        if let Some((first, rest)) = copies.split_first() {
            let in_all = first.iter().filter(|name| rest.iter().all(|copy| copy.contains(*name)));
            let in_all: Vec<&str> = in_all.copied().collect();
            if !in_all.is_empty() {
                finding = finding.note(format!("variables in each: {}", listed(&in_all)));
            }
        }
        findings.push(finding.hint("what one copy is told the other never hears of; link it once"));
    }
    findings
}

/// Variables that two files have and that can change: the same name, size and, of a source's own, source. Those of `named`
/// libraries were told of.
fn unnamed(
    checked: &Checked<'_, '_>,
    insides: &[Inside<'_>],
    named: &BTreeSet<&str>,
) -> Vec<Diagnostic> {
    /// What compilers add to every file.
    const STARTUP: &str = "crtstuff.c";
    let mut holders: BTreeMap<_, BTreeSet<usize>> = BTreeMap::new();
    for (number, inside) in insides.iter().enumerate() {
        for (variable, source) in &inside.variables {
            if *source != Some(STARTUP) && !named.contains(variable.name) {
                holders.entry((variable, source)).or_default().insert(number);
            }
        }
    }
    let mut groups: BTreeMap<BTreeSet<usize>, Vec<(&str, u64)>> = BTreeMap::new();
    for ((variable, _), files) in holders.into_iter().filter(|(_, files)| files.len() > 1) {
        groups.entry(files).or_default().push((variable.name, variable.size));
    }
    let findings = groups.into_iter().map(|(files, variables)| {
        let files: Vec<&str> = files.iter().map(|at| checked.name(*at)).collect();
        let names: Vec<&str> = variables.iter().map(|(name, _)| *name).collect();
        let bytes: u64 = variables.iter().map(|(_, size)| *size).sum();
        let message =
            format!("{} have {bytes} bytes of state each: {}", listed(&files), listed(&names));
        Diagnostic::error(&codes::SPLIT_STATE, message)
            .at(Place::file(files.first().copied().unwrap_or_default()))
            .hint("what one copy is told the other never hears of; link what has them once")
    });
    findings.collect()
}
