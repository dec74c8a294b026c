//! `split verify`: whether modules will load into a host, whether anything is there twice, and what the split did to sizes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anymod_link::host::SymbolKind;
use anymod_link::host::archive::{self, Kind};
use anymod_link::host::image::{self, Image, Inside, Undefined, is_init_function};
use anymod_link::host::inspect::listed;
use anymod_link::host::resolve::{Bound, Table, resolve};
use anymod_model::codes::split as codes;
use anymod_model::event::Finding;
use anymod_model::{Diagnostic, Diagnostics, Place};
use serde::Serialize;

use super::files;
use super::graph::{self, Graph};
use super::inspect::EmbeddedReport;
use super::{duplicates, parallel, wasm};

/// What to verify.
#[derive(Clone, Debug, Default)]
pub struct VerifyRequest<'a> {
    /// The host; none if every file is loaded by itself.
    pub host: Option<&'a Path>,
    /// Modules that it loads.
    pub modules: &'a [PathBuf],
    /// Archives to look for in all of them.
    pub libraries: &'a [PathBuf],
    /// Directories to look for needed libraries in, before those of the loader.
    pub directories: &'a [PathBuf],
    /// The files that there were before the split, the host first.
    pub before: &'a [PathBuf],
    /// Whether to name the provider of each symbol.
    pub with_symbols: bool,
}

/// What was found.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct VerifyReport {
    /// The host and the modules, in their order.
    pub files: Vec<VerifiedFile>,
    /// Sizes before and after; empty if nobody said what there was before.
    pub sizes: Vec<SizeRow>,
    /// Findings as JSON.
    pub findings: Vec<Finding>,
    /// The findings themselves.
    #[serde(skip)]
    pub diagnostics: Vec<Diagnostic>,
}

/// The host or a module.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct VerifiedFile {
    /// Its path as given.
    pub file: String,
    /// Bytes.
    pub size: u64,
    /// How many symbols it exports.
    pub exports: usize,
    /// How many symbols have to be somewhere.
    pub undefined: usize,
    /// How many of them each file provides.
    pub providers: BTreeMap<String, usize>,
    /// The provider of each; only if asked for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub symbols: BTreeMap<String, String>,
    /// Those that nothing provides.
    pub missing: Vec<String>,
    /// Libraries found inside.
    pub embedded: Vec<EmbeddedReport>,
}

/// A file before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SizeRow {
    /// What it is called.
    pub name: String,
    /// Bytes before; none if it is new.
    pub before: Option<u64>,
    /// Bytes after; none if it is gone.
    pub after: Option<u64>,
}

/// Verifies a split. The findings are in the report.
///
/// # Errors
/// `B0002` if a file cannot be read, `H0001` if one is damaged.
pub fn verify(request: &VerifyRequest<'_>) -> Result<VerifyReport, Diagnostics> {
    let roots: Vec<PathBuf> =
        request.host.map(Path::to_owned).into_iter().chain(request.modules.to_vec()).collect();
    if let Some(first) = roots.first()
        && archive::kind(&files::map(first)?) == Kind::Wasm
    {
        let mut report = wasm::verify(request)?;
        report.sizes = sizes(request, &report.files)?;
        report.findings = report.diagnostics.iter().map(Finding::from).collect();
        return Ok(report);
    }
    let graph = graph::load(&roots, request.directories)?;
    let images = parallel::map(&graph.files, |file| {
        image::read(&file.bytes).map_err(|fault| fault.finding(&file.name, None))
    });
    let mut read = Vec::new();
    for (number, image) in images.into_iter().enumerate() {
        match image {
            Err(finding) if number < roots.len() => return Err(finding.into()),
            image => read.push(image.unwrap_or_default()),
        }
    }
    let checked = Checked { graph: &graph, images: &read, host: request.host.is_some() };
    let mut report = checked.resolved(roots.len(), request.with_symbols);
    checked.lost(&mut report);
    checked.machines(roots.len(), &mut report);
    let insides = match request.host.is_some() || !request.libraries.is_empty() {
        false => Vec::new(),
        true => checked.insides(roots.len())?,
    };
    if request.host.is_some() {
        checked.init_functions(&insides, &mut report);
        checked.explain_unexported(&insides, &mut report);
    }
    duplicates::find(request.libraries, &checked, &insides, &mut report)?;
    report.sizes = sizes(request, &report.files)?;
    report.findings = report.diagnostics.iter().map(Finding::from).collect();
    Ok(report)
}

/// Everything that was read.
pub(super) struct Checked<'c, 'a> {
    graph: &'c Graph,
    pub(super) images: &'c [Image<'a>],
    /// The first file is the host of the others.
    host: bool,
}

impl<'a> Checked<'_, 'a> {
    /// Looks up all symbols of the first files.
    fn resolved(&self, roots: usize, with_symbols: bool) -> VerifyReport {
        let tables = parallel::map(self.images, Table::of);
        let hosts = if self.host { self.graph.closure(0) } else { Vec::new() };
        let numbers: Vec<usize> = (0..roots).collect();
        let files = parallel::map(&numbers, |number| {
            let mut scope = hosts.clone();
            scope.extend(self.graph.closure(*number).into_iter().filter(|at| !hosts.contains(at)));
            let in_scope: Vec<&Table<'_, '_>> =
                scope.iter().filter_map(|at| tables.get(*at)).collect();
            self.file(*number, &scope, &in_scope, with_symbols)
        });
        let mut report = VerifyReport::default();
        for (file, finding) in files {
            report.files.push(file);
            report.diagnostics.extend(finding);
        }
        report
    }

    pub(super) fn name(&self, number: usize) -> &str {
        self.graph.files.get(number).map_or("?", |file| file.name.as_str())
    }

    fn file(
        &self,
        number: usize,
        scope: &[usize],
        tables: &[&Table<'_, '_>],
        with_symbols: bool,
    ) -> (VerifiedFile, Option<Diagnostic>) {
        let mut file =
            VerifiedFile { file: self.name(number).to_owned(), ..VerifiedFile::default() };
        let Some(image) = self.images.get(number) else { return (file, None) };
        file.size = self.graph.files.get(number).map_or(0, |file| file.size);
        file.exports = image.exports.len();
        let (mut counts, mut notes, mut names) =
            (vec![0_usize; scope.len()], Vec::new(), Vec::new());
        let mut has_data = false;
        for (wanted, bound) in resolve(image, tables) {
            file.undefined += usize::from(!wanted.is_weak);
            match bound {
                Bound::To(at) => {
                    if let (Some(count), false) = (counts.get_mut(at), wanted.is_weak) {
                        *count += 1;
                    }
                    if let (true, Some(provider)) = (with_symbols, scope.get(at)) {
                        file.symbols.insert(written(wanted), self.name(*provider).to_owned());
                    }
                }
                Bound::Missing(_) if wanted.is_weak => {}
                Bound::Missing(other) => {
                    file.missing.push(written(wanted));
                    names.push(wanted.name);
                    has_data |= wanted.kind == SymbolKind::Object;
                    if let Some(version) = other.and_then(|export| export.version) {
                        notes.push(format!("`{}` is there with version `{version}`", wanted.name));
                    }
                }
            }
        }
        file.missing.sort();
        names.sort_unstable();
        for (count, provider) in counts.into_iter().zip(scope).filter(|(count, _)| *count > 0) {
            file.providers.insert(self.name(*provider).to_owned(), count);
        }
        let finding = (!names.is_empty()).then(|| {
            let message = format!("nothing provides {}", listed(&names));
            let mut finding =
                Diagnostic::error(&codes::UNRESOLVED, message).at(Place::file(&file.file));
            if !image.binds_now && !has_data {
                notes.push("functions are bound lazily: with RTLD_LAZY it loads, and fails when one is called".to_owned());
            }
            finding.notes = notes;
            finding.hint("export them from the host, or link the library that has them into the module")
        });
        (file, finding)
    }

    /// Needed libraries that were not found.
    fn lost(&self, report: &mut VerifyReport) {
        for (file, name) in &self.graph.lost {
            report.diagnostics.push(
                Diagnostic::error(
                    &codes::NEEDED,
                    format!("the needed library `{name}` is not found"),
                )
                .at(Place::file(self.name(*file)))
                .hint("install it, or name its directory with `--library-path`"),
            );
        }
    }

    fn machines(&self, roots: usize, report: &mut VerifyReport) {
        let Some(first) = self.images.first().filter(|_| self.host) else { return };
        for (number, image) in self.images.iter().enumerate().take(roots).skip(1) {
            if image.machine != first.machine {
                let message =
                    format!("the module is for {}, its host for {}", image.machine, first.machine);
                report.diagnostics.push(
                    Diagnostic::error(&codes::MACHINE, message)
                        .at(Place::file(self.name(number)))
                        .hint("build it with the host's compiler"),
                );
            }
        }
    }

    fn insides(&self, roots: usize) -> Result<Vec<Inside<'_>>, Diagnostic> {
        let files = self.graph.files.get(..roots).unwrap_or_default();
        let insides = parallel::map(files, |file| {
            image::inside(&file.bytes).map_err(|fault| fault.finding(&file.name, None))
        });
        insides.into_iter().collect()
    }

    /// Init functions of modules that the host has as well.
    fn init_functions(&self, insides: &[Inside<'_>], report: &mut VerifyReport) {
        let Some((host, modules)) = self.images.split_first() else { return };
        let mut held: Vec<&str> = host.init_functions().collect();
        let inside = insides.first().map_or(&[][..], |inside| &inside.symbols);
        held.extend(inside.iter().copied().filter(|name| is_init_function(name)));
        for (number, module) in
            modules.iter().enumerate().take(report.files.len().saturating_sub(1))
        {
            for name in module.init_functions().filter(|name| held.contains(name)) {
                let message = format!("the host still has `{name}`");
                report.diagnostics.push(
                    Diagnostic::error(&codes::INIT_IN_HOST, message)
                        .at(Place::file(self.name(0)))
                        .note(format!("`{}` defines it as well", self.name(number + 1)))
                        .hint("leave the module's objects out of the host's link, and out of its table of built-in modules"),
                );
            }
        }
    }

    /// Says of missing symbols that the host has and keeps to itself.
    fn explain_unexported(&self, insides: &[Inside<'_>], report: &mut VerifyReport) {
        let Some(host) = insides.first() else { return };
        let held: std::collections::BTreeSet<&str> = host.symbols.iter().copied().collect();
        let all: Vec<Vec<String>> = report.files.iter().map(|file| file.missing.clone()).collect();
        for finding in &mut report.diagnostics {
            let Some(Place::Binary { file, .. }) = &finding.place else { continue };
            if finding.code != &codes::UNRESOLVED {
                continue;
            }
            let missing = report.files.iter().position(|row| row.file == *file);
            let missing = missing.and_then(|at| all.get(at)).map_or(&[][..], Vec::as_slice);
            let kept: Vec<&str> =
                missing.iter().map(String::as_str).filter(|name| held.contains(name)).collect();
            if !kept.is_empty() {
                finding
                    .notes
                    .push(format!("the host has {} and does not export it", listed(&kept)));
            }
        }
    }
}

fn written(wanted: &Undefined<'_>) -> String {
    match wanted.version {
        Some(version) => format!("{}@{version}", wanted.name),
        None => wanted.name.to_owned(),
    }
}

/// Pairs files by their names; the first is the host, whatever it is called.
fn sizes(request: &VerifyRequest<'_>, after: &[VerifiedFile]) -> Result<Vec<SizeRow>, Diagnostics> {
    if request.before.is_empty() {
        return Ok(Vec::new());
    }
    let stem = |path: &str| {
        let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.split('.').next().unwrap_or_default().to_owned()
    };
    let mut rows: Vec<SizeRow> = Vec::new();
    for (number, file) in after.iter().enumerate() {
        let name = if number == 0 && request.host.is_some() {
            "host".to_owned()
        } else {
            stem(&file.file)
        };
        rows.push(SizeRow { name, before: None, after: Some(file.size) });
    }
    for (number, path) in request.before.iter().enumerate() {
        let size = Some(files::map(path)?.len() as u64);
        let name = stem(&path.display().to_string());
        let name = if number == 0 && request.host.is_some() { "host" } else { &name };
        match rows.iter_mut().find(|row| row.name == name && row.before.is_none()) {
            Some(row) => row.before = size,
            None => rows.push(SizeRow { name: name.to_owned(), before: size, after: None }),
        }
    }
    Ok(rows)
}
