//! `split inspect`: what archives, modules and hosts are, hold and need.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::OnceLock;

use anymod_link::host::archive::{self, Kind};
use anymod_link::host::fingerprint::{self, Fingerprint, Held};
use anymod_link::host::image::{self, Image};
use anymod_link::host::inspect::{Blockers, Providers, blockers, findings};
use anymod_link::host::library::{Content, Library};
use anymod_link::host::linkers::{LINKERS, Outcome, USES, outcome};
use anymod_link::host::{Fault, Machine, pic};
use anymod_model::codes::split as codes;
use anymod_model::event::Finding;
use anymod_model::{Diagnostic, Diagnostics, Place};
use serde::Serialize;

use super::files::{self, Loaded};
use super::wasm::{self, WasmReport};
use super::{parallel, search};

/// What to look at.
#[derive(Clone, Debug, Default)]
pub struct InspectRequest<'a> {
    /// Archives, objects, programs, shared libraries.
    pub files: &'a [PathBuf],
    /// Further files whose symbols are there; the C library always is.
    pub against: &'a [PathBuf],
    /// Libraries to look for inside programs and modules.
    pub libraries: &'a [PathBuf],
}

/// A file's report.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FileReport {
    /// Its path as given.
    pub file: String,
    /// What it is.
    pub kind: &'static str,
    /// Bytes.
    pub size: u64,
    /// What it is compiled for.
    pub machine: Option<String>,
    /// For archives and objects.
    pub library: Option<LibraryReport>,
    /// For programs and shared libraries.
    pub image: Option<ImageReport>,
    /// For WebAssembly modules.
    pub wasm: Option<WasmReport>,
    /// For linker scripts: what they have a linker read.
    pub reads: Vec<String>,
    /// Findings as JSON.
    pub findings: Vec<Finding>,
    /// The findings themselves.
    #[serde(skip)]
    pub diagnostics: Vec<Diagnostic>,
}

/// An archive's report.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LibraryReport {
    /// How it can be linked; none if nothing is known of the machine.
    pub class: Option<ClassReport>,
    /// Bytes that can change.
    pub state: u64,
    /// Symbols that it defines for others.
    pub defines: usize,
    /// Symbols that it needs from others.
    pub needs: usize,
    /// There is an index.
    pub has_index: bool,
    /// Members in their order.
    pub members: Vec<MemberReport>,
    /// Symbols that will be missing from a host's exports.
    pub hidden: Vec<String>,
    /// Symbols that several members define.
    pub duplicates: Vec<String>,
    /// What linkers do with it.
    pub linkers: Vec<LinkerReport>,
}

/// How a library can be linked.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ClassReport {
    /// The word for it.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What decides it.
    pub because: Option<String>,
}

/// A member's report.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct MemberReport {
    /// Name.
    pub name: String,
    /// What it is.
    pub kind: &'static str,
    /// Nothing is in it for a linker.
    pub is_empty: bool,
    /// Bytes that can change.
    pub state: u64,
    /// Symbols that it defines for others.
    pub defines: usize,
    /// Symbols that no member defines and that it needs.
    pub needs: Vec<String>,
    /// Those among them that nothing provides.
    pub missing: Vec<String>,
}

/// What a linker does with a library.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LinkerReport {
    /// The linker.
    pub linker: &'static str,
    /// How the library is used.
    pub r#use: &'static str,
    /// `links`, `silent` or `refuses`.
    pub outcome: &'static str,
    /// Why.
    pub because: Option<String>,
}

/// A program's or shared library's report.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ImageReport {
    /// Name that others need it by.
    pub soname: Option<String>,
    /// Libraries that it needs.
    pub needed: Vec<String>,
    /// Where to look for them first.
    pub runpath: Vec<String>,
    /// Names that it offers, with versions.
    pub exports: Vec<String>,
    /// Names that have to be somewhere.
    pub undefined: Vec<String>,
    /// Names that may be somewhere.
    pub weak: Vec<String>,
    /// Functions that a host looks up.
    pub init_functions: Vec<String>,
    /// Functions that run when it is loaded.
    pub constructors: u64,
    /// All symbols are looked up at once.
    pub binds_now: bool,
    /// The loader has to change its code.
    pub text_relocations: bool,
    /// There is no full symbol table.
    pub is_stripped: bool,
    /// Bytes that can change.
    pub state: u64,
    /// Libraries found inside.
    pub embedded: Vec<EmbeddedReport>,
}

/// A library inside a program or module.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct EmbeddedReport {
    /// The library's file.
    pub library: String,
    /// The part of the texts of its members that was found, from 0 to 1.
    pub score: f64,
    /// How many texts.
    pub texts: usize,
    /// How many of its functions and variables.
    pub symbols: usize,
}

/// Inspects files. The findings are in the reports.
///
/// # Errors
/// `B0002` if a file cannot be read, `H0002` for one that no linker reads.
pub fn inspect(request: &InspectRequest<'_>) -> Result<Vec<FileReport>, Diagnostics> {
    let loaded = files::load_all(request.files)?;
    let against = files::load_all(request.against)?;
    let machines: BTreeSet<Machine> = loaded.iter().filter_map(Loaded::machine).collect();
    let embedded = files::load_all(request.libraries)?;
    let system = |paths: fn(Machine) -> Vec<PathBuf>| {
        files::load_all(&machines.iter().copied().flat_map(paths).collect::<Vec<_>>())
    };
    let near = OnceLock::new();
    let (named, others) = std::thread::scope(|scope| {
        let others = scope.spawn(|| {
            // Texts that the system's files have as well say nothing of who embeds what.
            let all = !embedded.is_empty();
            let files = system(if all { search::runtime } else { search::c_library })?;
            Others::read(&against, near.get_or_init(|| files))
        });
        let named = parallel::map(&loaded, |file| is_library(file).then(|| file.library()));
        (named, others.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let others = others?;
    let near = near.get().map_or(&[][..], Vec::as_slice);
    let inspected = || named.iter().flatten().flatten();
    let mut providers = Providers::for_libraries(inspected());
    inspected().for_each(|library| providers.add_library(library, true));
    others.offer(&mut providers);
    // The rest of the system is large, and few need anything of it.
    let far = match near.is_empty() || !providers.are_enough(inspected()) {
        true if embedded.is_empty() => system(search::beside_c_library)?,
        _ => Vec::new(),
    };
    let others = Others::read(&[], &far)?;
    others.offer(&mut providers);
    let embedded: Vec<Library<'_>> =
        embedded.iter().map(Loaded::library).collect::<Result<_, _>>()?;
    let context = Context {
        providers: &providers,
        prints: &fingerprints(&embedded, near),
        has_runtime: !near.is_empty() || !far.is_empty(),
    };
    let pairs: Vec<_> = loaded.iter().zip(&named).collect();
    Ok(parallel::map(&pairs, |pair| report(pair, &context)))
}

/// Who offers symbols besides the files that are inspected.
struct Others<'a> {
    /// Libraries that are linked along.
    against: Vec<Library<'a>>,
    /// Archives that every link has at its end.
    system: Vec<Library<'a>>,
    /// Programs and shared libraries, with their names.
    images: Vec<(&'a str, Image<'a>)>,
}

impl<'a> Others<'a> {
    fn read(against: &'a [Loaded], system: &'a [Loaded]) -> Result<Others<'a>, Diagnostic> {
        let images = against.iter().chain(system).filter(|file| file.kind() == Kind::Image);
        let images = images.collect::<Vec<_>>();
        let images = parallel::map(&images, |file| match image::read(&file.bytes) {
            Ok(image) => Ok((file.name.as_str(), image)),
            Err(fault) => Err(fault.finding(&file.name, None)),
        });
        Ok(Others {
            against: libraries(against)?,
            system: libraries(system)?,
            images: images.into_iter().collect::<Result<_, _>>()?,
        })
    }

    fn offer<'p>(&'p self, providers: &mut Providers<'p>) {
        self.against.iter().for_each(|library| providers.add_library(library, false));
        self.system.iter().for_each(|library| providers.add_runtime(library));
        self.images.iter().for_each(|(name, image)| providers.add_image(name, image));
    }
}

/// What every file is held against.
struct Context<'c> {
    providers: &'c Providers<'c>,
    prints: &'c [Fingerprint<'c>],
    /// The C library was found, without which nothing can be said to be missing.
    has_runtime: bool,
}

fn is_library(file: &Loaded) -> bool {
    matches!(file.kind(), Kind::Archive | Kind::ThinArchive | Kind::Object)
}

/// Those of files that are libraries.
fn libraries(files: &[Loaded]) -> Result<Vec<Library<'_>>, Diagnostic> {
    files.iter().filter(|file| is_library(file)).map(Loaded::library).collect()
}

/// A file with what it is as a library.
type Named<'n, 'a> = (&'n Loaded, &'n Option<Result<Library<'a>, Diagnostic>>);

/// The fingerprints of libraries without the texts of the files that are always there.
pub(super) fn fingerprints<'a>(
    libraries: &[Library<'a>],
    runtime: &'a [Loaded],
) -> Vec<Fingerprint<'a>> {
    if libraries.is_empty() {
        return Vec::new();
    }
    let images = runtime.iter().filter(|file| file.kind() == Kind::Image);
    let inside = images.filter_map(|file| image::inside(&file.bytes).ok());
    let common =
        inside.flat_map(|inside| fingerprint::texts(&inside.constants).collect::<Vec<_>>());
    let common = common.collect();
    fingerprint::fingerprints(&libraries.iter().collect::<Vec<_>>(), &common)
}

fn report(pair: &Named<'_, '_>, context: &Context<'_>) -> FileReport {
    let (file, library) = pair;
    let mut report = FileReport {
        file: file.name.clone(),
        kind: file.kind().describe(),
        size: file.size,
        machine: file.machine().map(|machine| machine.to_string()),
        library: None,
        image: None,
        wasm: None,
        reads: Vec::new(),
        findings: Vec::new(),
        diagnostics: Vec::new(),
    };
    match (file.kind(), library) {
        (_, Some(Ok(library))) => of_library(library, context, &mut report),
        (_, Some(Err(finding))) => report.diagnostics.push(finding.clone()),
        (Kind::Image, _) => match of_image(file, context) {
            Ok((kind, facts)) => (report.kind, report.image) = (kind, Some(facts)),
            Err(fault) => report.diagnostics.push(fault.finding(&file.name, None)),
        },
        (Kind::Wasm, _) => match wasm::inspect(&file.bytes, &file.name) {
            Ok((kind, facts)) => (report.kind, report.wasm) = (kind, Some(facts)),
            Err(finding) => report.diagnostics.push(finding),
        },
        (Kind::LinkerScript, _) => report.reads = archive::script_inputs(&file.bytes),
        (kind, _) => {
            let message = format!("not a file that can be split: {}", kind.describe());
            report.diagnostics.push(
                Diagnostic::error(&codes::NOT_LINKABLE, message)
                    .at(Place::file(&file.name))
                    .hint("name archives, objects, programs or shared libraries"),
            );
        }
    }
    report.findings = report.diagnostics.iter().map(Finding::from).collect();
    report
}

fn of_library(library: &Library<'_>, context: &Context<'_>, report: &mut FileReport) {
    let mut found = blockers(library, context.providers);
    if !context.has_runtime {
        found.missing.clear();
    }
    report.diagnostics.extend(findings(library, &found));
    let class = library.class().map(|(class, by)| ClassReport {
        name: class.name(),
        meaning: class.describe(),
        because: by.map(|(part, reference)| because(&part.name, &reference)),
    });
    report.library = Some(LibraryReport {
        class,
        state: library.state(),
        defines: library.symbols().iter().filter(|symbol| symbol.is_defined()).count(),
        needs: library.external().count(),
        has_index: library.has_index,
        members: members(library, &found),
        hidden: found.hidden.iter().map(|hidden| hidden.name.to_owned()).collect(),
        duplicates: library.duplicates().map(|symbol| symbol.name.to_owned()).collect(),
        linkers: linkers(library, &found),
    });
}

fn because(member: &str, reference: &pic::Reference<'_>) -> String {
    let pic::Reference { relocation, symbol, section, offset } = reference;
    let target = symbol.map_or_else(String::new, |symbol| format!(" for `{symbol}`"));
    let within = if member.is_empty() { String::new() } else { format!(" of `{member}`") };
    format!("{relocation}{target} at {section}+{offset:#x}{within}")
}

fn members(library: &Library<'_>, found: &Blockers<'_>) -> Vec<MemberReport> {
    let mut needs: Vec<Vec<String>> = vec![Vec::new(); library.members.len()];
    for symbol in library.external() {
        for member in library.needed_in(symbol) {
            if let Some(needs) = needs.get_mut(member) {
                needs.push(symbol.name.to_owned());
            }
        }
    }
    let missing = |name: &str| {
        let of = found.missing.iter().find(|(member, _)| *member == name);
        of.map_or_else(Vec::new, |(_, names)| names.iter().map(|n| (*n).to_owned()).collect())
    };
    let rows = library.members.iter().zip(needs).enumerate().map(|(number, (part, needs))| {
        let object = match &part.content {
            Content::Object(object) => Some(object),
            _ => None,
        };
        let defined = object.map_or(0, |object| {
            object.symbols.iter().filter(|symbol| !symbol.is_undefined()).count()
        });
        MemberReport {
            name: part.name.clone(),
            kind: match &part.content {
                Content::Object(_) => "object",
                Content::Nested => "archive",
                Content::NoObject(kind) => kind.describe(),
                Content::Missing => "missing",
                Content::Damaged(_) => "damaged",
            },
            is_empty: object.is_none_or(|object| object.is_empty()),
            state: object.map_or(0, |object| object.state),
            defines: defined,
            needs,
            missing: missing(library.member_name(number)),
        }
    });
    rows.collect()
}

fn linkers(library: &Library<'_>, found: &Blockers<'_>) -> Vec<LinkerReport> {
    let (missing, hides) = (!found.missing.is_empty(), !found.hidden.is_empty());
    let mut rows = Vec::new();
    for linker in LINKERS {
        for r#use in USES {
            let (outcome, because) = match outcome(library, linker, r#use, missing, hides) {
                Outcome::Links => ("links", None),
                Outcome::Silent(why) => ("silent", Some(why)),
                Outcome::Refuses(why) => ("refuses", Some(why)),
            };
            rows.push(LinkerReport {
                linker: linker.name(),
                r#use: r#use.name(),
                outcome,
                because,
            });
        }
    }
    rows
}

fn of_image(file: &Loaded, context: &Context<'_>) -> Result<(&'static str, ImageReport), Fault> {
    let image = image::read(&file.bytes)?;
    let embedded = match context.prints {
        [] => Vec::new(),
        prints => embedded(prints, &Held::of(&image::inside(&file.bytes)?)),
    };
    let undefined = |weak: bool| {
        let names = image.undefined.iter().filter(|symbol| symbol.is_weak == weak);
        names.map(|symbol| versioned(symbol.name, symbol.version, true)).collect()
    };
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let report = ImageReport {
        soname: image.soname.map(str::to_owned),
        needed: owned(&image.needed),
        runpath: owned(&image.runpath),
        exports: exports(&image),
        undefined: undefined(false),
        weak: undefined(true),
        init_functions: image.init_functions().map(str::to_owned).collect(),
        constructors: image.constructors,
        binds_now: image.binds_now,
        text_relocations: image.text_relocations,
        is_stripped: image.is_stripped,
        state: image.state,
        embedded,
    };
    Ok((image.kind.describe(), report))
}

/// The libraries that are inside.
pub(super) fn embedded(prints: &[Fingerprint<'_>], held: &Held<'_>) -> Vec<EmbeddedReport> {
    let scored = prints.iter().map(|print| (print, print.score(held)));
    let inside = scored.filter(|(_, score)| score.is_embedded());
    inside
        .map(|(print, score)| EmbeddedReport {
            library: print.name.clone(),
            score: (score.part * 100.0).round() / 100.0,
            texts: score.texts,
            symbols: score.symbols,
        })
        .collect()
}

fn exports(image: &Image<'_>) -> Vec<String> {
    let rows = image.exports.iter();
    rows.map(|export| versioned(export.name, export.version, export.is_default)).collect()
}

/// A name with its version, as linkers write it.
fn versioned(name: &str, version: Option<&str>, is_default: bool) -> String {
    match version {
        Some(version) if is_default => format!("{name}@@{version}"),
        Some(version) => format!("{name}@{version}"),
        None => name.to_owned(),
    }
}
