//! Splits of WebAssembly: a main module in the host's place, side modules in that of its modules.
//!
//! Who provides what is `anymod_link::wasm::resolve`'s; here are the files that modules need (`dylink.0`), looked for in
//! their run paths, beside them and in the given directories.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use anymod_link::host::image::is_init_function;
use anymod_link::host::inspect::listed;
use anymod_link::wasm::resolve::{Offers, Provider, Wanted, describe, provider, wanted};
use anymod_link::wasm::{ExportKind, Kind, Module, read_outline};
use anymod_model::codes::split as codes;
use anymod_model::{Diagnostic, Diagnostics, Place};
use serde::Serialize;

use super::files::{self, Bytes};
use super::verify::{VerifiedFile, VerifyReport, VerifyRequest};
use super::{graph, search};

/// What reports call whoever loads modules.
const LOADER: &str = "the loader";

/// A WebAssembly module's report.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct WasmReport {
    /// Modules that have to be loaded before.
    pub needed: Vec<String>,
    /// Where to look for them first.
    pub runpath: Vec<String>,
    /// Names that it offers, functions with their types.
    pub exports: Vec<String>,
    /// What has to be somewhere: namespace and name, functions with their types.
    pub imports: Vec<String>,
    /// What may be somewhere.
    pub weak: Vec<String>,
    /// Functions that a host looks up.
    pub init_functions: Vec<String>,
    /// Bytes of memory that its data takes; none of what is no side module.
    pub memory: Option<u32>,
    /// Elements of the function table that it takes; none of what is no side module.
    pub table: Option<u32>,
    /// Its memory is shared by threads.
    pub shares_memory: bool,
}

/// Tells what a module holds and needs.
pub(super) fn inspect(bytes: &[u8], file: &str) -> Result<(&'static str, WasmReport), Diagnostic> {
    let module = read_outline(bytes, file)?;
    let (weak, imports): (Vec<_>, Vec<_>) =
        wanted(&module).into_iter().partition(|wanted| wanted.is_weak);
    let written = |wanted: Vec<Wanted<'_>>| wanted.iter().map(written).collect();
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let exports = module.exports.iter().map(|export| match export.kind {
        ExportKind::Function => match module.signature(export.index) {
            Some(signature) => format!("{} {signature}", export.name),
            None => export.name.to_owned(),
        },
        _ => export.name.to_owned(),
    });
    let dylink = module.dylink.as_ref();
    let report = WasmReport {
        needed: dylink.map_or_else(Vec::new, |dylink| owned(&dylink.needed)),
        runpath: dylink.map_or_else(Vec::new, |dylink| owned(&dylink.runtime_path)),
        exports: exports.collect(),
        imports: written(imports),
        weak: written(weak),
        init_functions: init_functions(&module).map(str::to_owned).collect(),
        memory: dylink.map(|dylink| dylink.memory_size),
        table: dylink.map(|dylink| dylink.table_size),
        shares_memory: module.shares_memory(),
    };
    let kind = match module.kind() {
        Kind::Shared => "shared WebAssembly module",
        Kind::Object => "WebAssembly object",
        Kind::Standalone => "WebAssembly program",
    };
    Ok((kind, report))
}

/// Exported functions that a host looks up by name.
fn init_functions<'a>(module: &Module<'a>) -> impl Iterator<Item = &'a str> {
    let functions = module.exports.iter().filter(|export| export.kind == ExportKind::Function);
    functions.map(|export| export.name).filter(|name| is_init_function(name))
}

fn written(wanted: &Wanted<'_>) -> String {
    let name = match wanted.module {
        "env" => wanted.name.to_owned(),
        module => format!("{module}.{}", wanted.name),
    };
    match &wanted.signature {
        Some(signature) => format!("{name} {signature}"),
        None => name,
    }
}

/// A file that takes part.
struct File {
    name: String,
    bytes: Bytes,
    needs: Vec<usize>,
}

/// Files with all that they need, and the needed ones that were not found.
#[derive(Default)]
struct Files {
    files: Vec<File>,
    lost: Vec<(usize, String)>,
}

impl Files {
    fn load(roots: &[PathBuf], directories: &[PathBuf]) -> Result<Files, Diagnostics> {
        let mut all = Files::default();
        let mut queue: VecDeque<PathBuf> = roots.iter().cloned().collect();
        let mut places: BTreeMap<PathBuf, usize> = BTreeMap::new();
        for (number, path) in roots.iter().enumerate() {
            places.entry(graph::real(path)).or_insert(number);
        }
        let mut known = roots.len();
        while let Some(path) = queue.pop_front() {
            let (name, bytes) = (path.display().to_string(), files::map(&path)?);
            let mut needs = Vec::new();
            let dylink = read_outline(&bytes, &name)?.dylink.unwrap_or_default();
            let around = around(&path, &dylink.runtime_path, directories);
            for library in dylink.needed {
                match search::find(library, &around) {
                    Some(found) => {
                        let place = *places.entry(graph::real(&found)).or_insert_with(|| {
                            queue.push_back(found);
                            known += 1;
                            known - 1
                        });
                        needs.push(place);
                    }
                    None => all.lost.push((all.files.len(), library.to_owned())),
                }
            }
            all.files.push(File { name, bytes, needs });
        }
        Ok(all)
    }

    fn name(&self, number: usize) -> &str {
        self.files.get(number).map_or("?", |file| file.name.as_str())
    }

    /// A file and all that it needs.
    fn closure(&self, file: usize) -> Vec<usize> {
        graph::closure(file, |file| self.files.get(file).map_or(&[], |file| file.needs.as_slice()))
    }
}

/// Directories to look for the libraries of a module in.
fn around(path: &Path, runtime_path: &[&str], directories: &[PathBuf]) -> Vec<PathBuf> {
    let own = path.parent().unwrap_or(Path::new("")).to_owned();
    let origin = own.display().to_string();
    let named = runtime_path.iter().map(|entry| PathBuf::from(entry.replace("$ORIGIN", &origin)));
    named.chain([own.clone()]).chain(directories.iter().cloned()).collect()
}

/// Holds side modules against a main module, or each by itself against what it needs.
pub(super) fn verify(request: &VerifyRequest<'_>) -> Result<VerifyReport, Diagnostics> {
    if let Some(library) = request.libraries.first() {
        let message = "libraries are looked for inside ELF files only";
        let finding = Diagnostic::error(&codes::NOT_LINKABLE, message);
        let place = Place::file(library.display().to_string());
        return Err(finding.at(place).hint("leave `--library` out for WebAssembly").into());
    }
    let roots: Vec<PathBuf> =
        request.host.map(Path::to_owned).into_iter().chain(request.modules.to_vec()).collect();
    let files = Files::load(&roots, request.directories)?;
    let read = files.files.iter().map(|file| read_outline(&file.bytes, &file.name));
    let read: Vec<Module<'_>> = read.collect::<Result<_, _>>()?;
    let has_main = request.host.is_some();
    let offers = read.iter().enumerate().map(|(number, module)| match (number, has_main) {
        (0, true) => Offers::of_main(module),
        _ => Offers::of(module),
    });
    let checked = Checked { files: &files, read: &read, offers: offers.collect(), has_main };
    let mut report = VerifyReport::default();
    for number in 0..roots.len() {
        checked.file(number, request.with_symbols, &mut report);
    }
    for (number, library) in &files.lost {
        let message = format!("the needed library `{library}` is not found");
        report.diagnostics.push(
            Diagnostic::error(&codes::NEEDED, message)
                .at(Place::file(files.name(*number)))
                .hint("put it beside the module, or name its directory with `--library-path`"),
        );
    }
    Ok(report)
}

/// Everything that was read.
struct Checked<'c, 'a> {
    files: &'c Files,
    read: &'c [Module<'a>],
    offers: Vec<Offers<'a>>,
    /// The first file is the main module of the others.
    has_main: bool,
}

impl Checked<'_, '_> {
    fn file(&self, number: usize, with_symbols: bool, report: &mut VerifyReport) {
        let Some(module) = self.read.get(number) else { return };
        let is_main = self.has_main && number == 0;
        let name = self.files.name(number);
        let mut file = VerifiedFile {
            file: name.to_owned(),
            size: self.files.files.get(number).map_or(0, |file| file.bytes.len() as u64),
            exports: module.exports.len(),
            ..VerifiedFile::default()
        };
        let mut scope = if self.has_main { self.files.closure(0) } else { Vec::new() };
        let own = self.files.closure(number);
        scope.extend(own.into_iter().filter(|at| !scope.contains(at)).collect::<Vec<_>>());
        let offers: Vec<&Offers<'_>> = scope.iter().filter_map(|at| self.offers.get(*at)).collect();
        let (mut missing, mut findings) = (Vec::new(), Vec::new());
        for wanted in wanted(module) {
            file.undefined += usize::from(!wanted.is_weak);
            // What a main module asks for is its loader's, whatever it is.
            let found = if is_main { Provider::Loader } else { provider(&wanted, &offers) };
            let from = match found {
                Provider::Loader => LOADER,
                Provider::Module(at) => scope.get(at).map_or("?", |at| self.files.name(*at)),
                Provider::OtherType(at, there) => {
                    let owner = scope.get(at).map_or("?", |at| self.files.name(*at));
                    findings.push(other_type(&wanted, there, owner, name));
                    continue;
                }
                Provider::Missing if wanted.is_weak => continue,
                Provider::Missing => {
                    file.missing.push(written(&wanted));
                    missing.push(wanted.name);
                    continue;
                }
            };
            *file.providers.entry(from.to_owned()).or_default() += usize::from(!wanted.is_weak);
            if with_symbols {
                file.symbols.insert(written(&wanted), from.to_owned());
            }
        }
        file.missing.sort();
        missing.sort_unstable();
        missing.dedup();
        if !missing.is_empty() {
            let message = format!("nothing provides {}", listed(&missing));
            let hint = "export them from the main module, or link the library that has them into the module";
            findings.push(
                Diagnostic::error(&codes::UNRESOLVED, message).at(Place::file(name)).hint(hint),
            );
        }
        if !is_main {
            findings.extend(self.fits(number, module));
        }
        report.files.push(file);
        report.diagnostics.extend(findings);
    }

    /// Whether a module is one that a main module can load, and is not in that already.
    fn fits(&self, number: usize, module: &Module<'_>) -> Vec<Diagnostic> {
        let mut findings = Vec::new();
        if module.dylink.is_none() {
            let message = "the module has a memory layout of its own (no `dylink.0`)";
            findings.push(
                Diagnostic::error(&codes::MACHINE, message)
                    .at(Place::file(self.files.name(number)))
                    .hint(
                        "link it as a side module: `-shared` of wasm-ld, `-sSIDE_MODULE` of emcc",
                    ),
            );
        }
        let Some(main) = self.read.first().filter(|_| self.has_main) else { return findings };
        let held: Vec<&str> = init_functions(main).collect();
        for name in init_functions(module).filter(|name| held.contains(name)) {
            let message = format!("the main module still has `{name}`");
            findings.push(
                Diagnostic::error(&codes::INIT_IN_HOST, message)
                    .at(Place::file(self.files.name(0)))
                    .note(format!("`{}` defines it as well", self.files.name(number)))
                    .hint("leave the module's objects out of the main module's link"),
            );
        }
        findings
    }
}

fn other_type(wanted: &Wanted<'_>, there: &str, owner: &str, file: &str) -> Diagnostic {
    let wants = wanted.signature.as_deref().unwrap_or_else(|| describe(wanted));
    let message = format!("`{}` is `{there}` in `{owner}`, and needed as `{wants}`", wanted.name);
    Diagnostic::error(&codes::SIGNATURE, message)
        .at(Place::file(file))
        .hint("compile both with the same declaration")
}
