//! Bundles: archives of WebAssembly objects linked into one module, and kept so that the same archives are linked once.
//!
//! [`bundle`] names the stages: find the linker, know the inputs by their digests, look the key up, link, finish, check,
//! keep. A hit starts no process and reads nothing but what the file system says of files that it knows.
//!
//! | module | owns |
//! |---|---|
//! | `inputs` | archives and the files behind thin ones, known by digest and read |
//! | `link` | the linker's command; isolation; what came from where |
//! | `messages` | the linker's words as diagnostics |
//! | `report` | exports and imports of a bundle, checked, written and read back |
//! | `against` | whether a main module has what a side module needs |
//! | `precompile` | the `.cwasm` beside a bundle |
//!
//! What symbols mean and how bytes change, `anymod_link::wasm` knows.

mod against;
mod inputs;
mod link;
mod messages;
mod precompile;
mod report;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use anymod_link::wasm::ExportPolicy;
use anymod_model::codes::wasm as code;
use anymod_model::{Diagnostic, Diagnostics, Target};
use anymod_store::{Claim, Digest, Entry, Explanation, Output, Visit};
pub use report::{Export, Import, offers_and_needs};

use crate::cancel::Cancel;
use crate::environment::Environment;
use crate::install;
use crate::intercept::digests::Digests;
use crate::request::StoreRequest;
use crate::shelf::{Find, Shelf, Step};
use crate::toolchain::wasi::{self, Wasi, WasiTools};
use inputs::Inputs;
use link::Linked;
use report::Report;

/// What to bundle and how.
#[derive(Clone, Debug)]
pub struct BundleRequest {
    /// Archives, all of whose members are linked, in order.
    pub archives: Vec<PathBuf>,
    /// Archives of which only the members are linked that something needs, before the C library: a C++ library, for instance.
    pub libraries: Vec<PathBuf>,
    /// Where the bundle goes; a place of anymod's own, which depends on what is in it, if none.
    pub output: Option<PathBuf>,
    /// What it exports.
    pub exports: ExportPolicy,
    /// Bytes of the C stack.
    pub stack_size: u64,
    /// What is left out.
    pub strip: Strip,
    /// True to keep symbols of the same name in several archives apart.
    pub isolate: bool,
    /// True for a side module, which another one loads into its memory.
    pub shared: bool,
    /// What it may need of whoever loads it, beside WASI: `MODULE.NAME`, or `NAME` for one of `env`; `*` is anything.
    pub allow_imports: Vec<String>,
    /// The main module that has to have what a side module needs.
    pub against: Option<PathBuf>,
    /// [`Target::Wasi`], or [`Target::Emscripten`] for side modules.
    pub target: Target,
    /// Linker and libraries.
    pub tools: WasiTools,
    /// True to link even if the result is known.
    pub force: bool,
    /// A program that is run as `TOOL compile -o OUT IN` and makes a `.cwasm` beside the bundle.
    pub cwasm: Option<PathBuf>,
    /// The store that bundles are kept in; none to link each time.
    pub store: Option<StoreRequest>,
    /// Ends the tools that run.
    pub cancel: Cancel,
}

/// What is left out of a bundle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strip {
    /// Nothing.
    #[default]
    Nothing,
    /// Debug information.
    Debug,
    /// Debug information and names.
    All,
}

/// The size of the C stack unless another one is asked for: that of threads elsewhere, and more than linkers give.
pub const STACK_SIZE: u64 = 16 << 20;

impl BundleRequest {
    /// A request for a module of these archives that exports what is default-visible.
    #[must_use]
    pub fn new(archives: Vec<PathBuf>) -> BundleRequest {
        BundleRequest {
            archives,
            libraries: Vec::new(),
            output: None,
            exports: ExportPolicy::All,
            stack_size: STACK_SIZE,
            strip: Strip::Nothing,
            isolate: false,
            shared: false,
            allow_imports: Vec::new(),
            against: None,
            target: Target::Wasi,
            tools: WasiTools::Managed,
            force: false,
            cwasm: None,
            store: None,
            cancel: Cancel::default(),
        }
    }

    /// Refuses what contradicts itself.
    fn check(&self) -> Result<(), Diagnostic> {
        let refuse =
            |message: &str, hint: &str| Err(Diagnostic::error(&code::REQUEST, message).hint(hint));
        if self.archives.is_empty() {
            return refuse("there is nothing to bundle", "name the archives");
        }
        let mut seen = std::collections::BTreeSet::new();
        if let Some(twice) = self.archives.iter().find(|path| !seen.insert(*path)) {
            let message = format!("`{}` is given twice", twice.display());
            return refuse(&message, "name each archive once: all of its members are linked");
        }
        match self.target {
            Target::Wasi => {}
            Target::Emscripten if self.shared => {}
            Target::Emscripten => {
                return refuse(
                    "main modules for emscripten are linked by `emcc`, which writes their JavaScript as well",
                    "make a side module with `--shared`, or bundle for `wasi`",
                );
            }
            other => {
                let message = format!("`{other}` takes no bundles of WebAssembly");
                return refuse(&message, "bundle for `wasi`");
            }
        }
        if self.against.is_some() && !self.shared {
            return refuse("only side modules are held against a main module", "add `--shared`");
        }
        // wasm-ld aligns the stack to 16 bytes, and it has to fit into 32 bits with the data.
        if self.stack_size == 0 || !self.stack_size.is_multiple_of(16) || self.stack_size > 1 << 31
        {
            return refuse(
                "the stack's size is not a multiple of 16 up to 2 GiB",
                "write it in bytes, for instance `16777216`, or as `16MiB`",
            );
        }
        Ok(())
    }
}

/// How a bundle came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was kept.
    Hit,
    /// It was linked.
    Linked,
    /// Somebody else linked it just now.
    Waited,
}

impl Outcome {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Hit => "hit",
            Outcome::Linked => "linked",
            Outcome::Waited => "waited",
        }
    }
}

/// A bundle.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// Where it is.
    pub path: PathBuf,
    /// The precompiled form beside it.
    pub cwasm: Option<PathBuf>,
    /// How it came to be.
    pub outcome: Outcome,
    /// What it offers.
    pub exports: Vec<Export>,
    /// What it needs.
    pub imports: Vec<Import>,
    /// SHA-256 of its bytes, in hexadecimal.
    pub digest: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// True if something of it came from a remote server.
    pub remote: bool,
    /// What went wrong with the store, which no bundle waits for.
    pub warnings: Vec<Diagnostic>,
}

/// The store's part for bundles.
const NAMESPACE: &str = "bundle";
/// Raised whenever the same inputs come to give other bytes.
const FORMAT: &str = "1";
/// The longest that a call waits for another one that links the same.
const PATIENCE: Duration = Duration::from_secs(600);

/// Makes a bundle.
///
/// # Errors
/// The codes `G01…` for what is wrong with archives, `T0001` if there is no linker, `B0002` and `B0003` for files.
pub fn bundle(request: &BundleRequest, environment: &Environment) -> Result<Bundle, Diagnostics> {
    request.check()?;
    let home = environment.data_dir().ok_or_else(crate::toolchain::install::no_home)?;
    let memory = home.join("cache/bundle");
    install::create_dir(&memory)?;
    let mut digests = Digests::without_end(&memory);
    let linker = wasi::find(&request.tools, &mut digests, environment)?;
    let inputs = Inputs::find(&request.archives, &request.libraries, &mut digests)?;
    let mut walk = Explanation::default();
    walk_request(request, &mut walk);
    linker.walk(&mut digests, &mut walk)?;
    inputs.walk(&mut walk);
    let place = Place { key: walk.key(), walk };
    let output = match &request.output {
        Some(output) => output.clone(),
        None => memory.join(format!("{}.wasm", place.key)),
    };
    let output = std::path::absolute(&output).unwrap_or(output);
    if inputs.holds(&output) {
        let message = format!("`{}` would be written over what is linked", output.display());
        return Err(Diagnostic::error(&code::REQUEST, message)
            .hint("give the bundle another name with `-o`")
            .into());
    }
    let shelf = request.store.as_ref().map(|store| Shelf::open(store, environment)).transpose()?;
    let shelf = shelf.map(Shelf::for_a_moment);
    let mut made =
        Making { request, environment, linker: &linker, inputs: &inputs, digests: &mut digests }
            .make(&place, shelf.as_ref(), &output)?;
    if let Some(tool) = &request.cwasm {
        let precompiled = precompile::precompile(
            tool,
            &request.cancel,
            &made,
            shelf.as_ref(),
            &mut digests,
            environment,
        )?;
        made.cwasm = Some(precompiled);
    }
    digests.remember();
    if request.output.is_none() {
        keep_few(&memory, &made.path);
    }
    made.remote = shelf.as_ref().is_some_and(|shelf| shelf.hits() > 0);
    made.warnings = shelf.map(|shelf| shelf.finish()).unwrap_or_default();
    Ok(made)
}

/// A bundle's place in the store.
struct Place {
    key: Digest,
    walk: Explanation,
}

impl Place {
    fn step(&self) -> Step<'_> {
        Step { namespace: NAMESPACE, key: self.key, walk: &self.walk.0 }
    }
}

/// Walks over what is asked for, but for what the bytes do not depend on.
fn walk_request(request: &BundleRequest, visitor: &mut dyn Visit) {
    visitor.field("kind", NAMESPACE);
    visitor.field("format", FORMAT);
    visitor.field("anymod", env!("CARGO_PKG_VERSION"));
    visitor.field("target", &request.target.to_string());
    match &request.exports {
        ExportPolicy::All => visitor.field("exports", "all"),
        ExportPolicy::Named => visitor.field("exports", "named"),
        ExportPolicy::List(names) => {
            names.iter().for_each(|name| visitor.field("exports name", name));
        }
        ExportPolicy::Prefix(prefixes) => {
            prefixes.iter().for_each(|prefix| visitor.field("exports prefix", prefix));
        }
    }
    visitor.field("stack size", &request.stack_size.to_string());
    visitor.field("strip", &format!("{:?}", request.strip));
    visitor.field("isolate", &request.isolate.to_string());
    visitor.field("shared", &request.shared.to_string());
    for pattern in &request.allow_imports {
        visitor.field("allow import", pattern);
    }
}

/// Making one bundle.
struct Making<'a> {
    request: &'a BundleRequest,
    environment: &'a Environment,
    linker: &'a Wasi,
    inputs: &'a Inputs,
    digests: &'a mut Digests,
}

impl Making<'_> {
    fn make(
        &mut self,
        place: &Place,
        shelf: Option<&Shelf>,
        output: &Path,
    ) -> Result<Bundle, Diagnostics> {
        let Some(shelf) = shelf else { return self.link(place, None, output) };
        let hit = |making: &mut Self, find: Find<Bundle, Diagnostics>, outcome| match making
            .request
            .force
        {
            true => Ok(None),
            false => making.hit(place, shelf, find, output, outcome),
        };
        if let Some(bundle) = hit(self, Shelf::look, Outcome::Hit)? {
            return Ok(bundle);
        }
        let store = shelf.store();
        let mut claim = store.claim(&place.key);
        if matches!(claim, Claim::Busy) {
            // Whoever links it now may be killed, or may fail; then it is linked here, whatever others do.
            let _ = store.wait(&place.key, PATIENCE);
            claim = store.claim(&place.key);
        }
        // Somebody may have finished between the look and the claim.
        if let Some(bundle) = hit(self, Shelf::look, Outcome::Waited)? {
            return Ok(bundle);
        }
        if let Some(bundle) = hit(self, Shelf::ask, Outcome::Hit)? {
            return Ok(bundle);
        }
        let linked = self.link(place, Some(shelf), output);
        drop(claim);
        linked
    }

    /// The bundle that is found, put in place unless it is there.
    fn hit(
        &mut self,
        place: &Place,
        shelf: &Shelf,
        find: Find<Bundle, Diagnostics>,
        output: &Path,
        outcome: Outcome,
    ) -> Result<Option<Bundle>, Diagnostics> {
        let mut put = |entry: &Entry| {
            let Entry { outputs, said, .. } = entry;
            let ([wasm], Some(report)) = (outputs.as_slice(), Report::read(said)) else {
                return Ok(None);
            };
            self.check_main(&report)?;
            let there = self.digests.lasting(output) == Some(wasm.digest)
                || shelf.store().restore(outputs, &[output.to_owned()])?;
            Ok(there.then(|| report.bundle(output, outcome, wasm.digest, wasm.size)))
        };
        find(shelf, place.step(), &mut |_| true, &mut put)
    }

    /// Holds the bundle against the main module that will load it, before anything is delivered.
    fn check_main(&self, report: &Report) -> Result<(), Diagnostics> {
        match &self.request.against {
            Some(main) => against::check(main, &report.imports),
            None => Ok(()),
        }
    }

    fn link(
        &mut self,
        place: &Place,
        shelf: Option<&Shelf>,
        output: &Path,
    ) -> Result<Bundle, Diagnostics> {
        let Linked { bytes, exports, scratch } =
            link::link(self.request, self.linker, self.inputs, self.environment)?;
        let (bytes, size) = (bytes.as_slice(), bytes.len() as u64);
        std::thread::scope(|scope| {
            scope.spawn(move || drop(scratch));
            let digest = scope.spawn(|| Digest::of(bytes));
            let report = Report::of(bytes, &output.display().to_string())?;
            let digest = digest.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            report.check(self.request, &exports)?;
            self.check_main(&report)?;
            if let Some(changed) = self.inputs.changed() {
                let message = format!("`{}` changed while it was linked", changed.display());
                let finding = Diagnostic::error(&code::CHANGED, message);
                let hint = "run the command again when its build has ended";
                return Err(finding.hint(hint).into());
            }
            let outputs =
                vec![Output { name: "bundle.wasm".to_owned(), digest, size, executable: false }];
            let said = report.to_text();
            let entry = Entry { found: Vec::new(), passed: Vec::new(), outputs, said };
            // What cannot be kept is told with the store's warnings.
            shelf.map(|shelf| {
                scope.spawn(move || shelf.adopt(place.step(), entry, &[(digest, bytes)]))
            });
            // A crash of the machine that leaves the name without the bytes is noticed by the next call.
            install::write_built(output, bytes)?;
            Ok(report.bundle(output, Outcome::Linked, digest, size))
        })
    }
}

/// How many bundles without a place of their own are kept where hosts find them. The store has them as well.
const FEW: usize = 64;

/// Removes bundles that were not asked for lately from anymod's own place for them.
fn keep_few(directory: &Path, current: &Path) {
    let mut bundles: Vec<(std::time::SystemTime, PathBuf)> = std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension().is_some_and(|extension| extension == "wasm") && path != current
        })
        .filter_map(|path| Some((std::fs::metadata(&path).ok()?.modified().ok()?, path)))
        .collect();
    bundles.sort();
    let many = bundles.len().saturating_sub(FEW);
    for (_, path) in bundles.into_iter().take(many) {
        // What cannot be removed is in nobody's way.
        let _ = std::fs::remove_file(path.with_extension("cwasm"));
        let _ = std::fs::remove_file(path);
    }
}
