//! A wheel's build, from the request to the file: the stages in order.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anymod_model::codes::{audit, wheel as codes};
use anymod_model::event::Finding;
use anymod_model::{Diagnostic, Diagnostics, Severity};
use anymod_store::Fields;

use super::backend::{Asked, Backend, BuiltWheel, Came, Failed, Hooks};
use super::cross::{Build, Cross};
use super::cython;
use super::environment::{self, BuildEnvironment};
use super::extensions::{self, Attempt, Tree};
use super::finish::{self, Finishing};
use super::python::{self, Interpreter};
use super::request::{Built, Event, Stage, WheelRequest};

use super::rust::{self, Rust};
use super::scratch::Scratch;
use super::source::{self, Fetched};
use crate::install;
use crate::intercept::{self, ExportPolicy, Outcome, Setup, StandIn, TraceRecord};
use crate::jobs::processors;
use crate::remote;
use crate::runner::Runner;
use crate::settings;
use crate::shelf::{Shelf, relay::Relay};
use crate::target::{self, TargetEnvironment};

/// Where events go.
type Tell<'a> = &'a mut dyn FnMut(Event);

/// The time that files in wheels get unless `SOURCE_DATE_EPOCH` says otherwise: 1980, before which a zip file knows none.
const EPOCH: u64 = 315_532_800;

/// Builds a wheel for each target. A target that fails does not keep the others from being built.
///
/// # Errors
/// Everything found wrong with every target.
pub fn build(request: &WheelRequest, tell: Tell<'_>) -> Result<Vec<Built>, Diagnostics> {
    let mut targets = Vec::new();
    let mut findings = Vec::new();
    for name in &request.targets {
        match target::find(name, &request.environment) {
            Ok(found) => targets.push(found),
            Err(finding) => findings.push(finding),
        }
    }
    if !findings.is_empty() {
        return Err(Diagnostics(findings));
    }
    let relay = relay(request, tell)?;
    let runner = Runner::new(&request.cancel);
    let mut built = Vec::new();
    let mut traces = Vec::new();
    for target in &targets {
        let parent = relay.as_ref().map(Relay::path);
        let outcome = One { request, target, runner: &runner, parent, clock: Instant::now() }
            .build(&mut traces, tell);
        match outcome {
            Ok(wheel) => {
                tell(Event::WheelBuilt(wheel.clone()));
                built.push(wheel);
            }
            Err(errors) => findings.extend(errors.0),
        }
        if request.cancel.is_set() {
            break;
        }
    }
    for warning in relay.map(Relay::finish).unwrap_or_default() {
        tell(Event::Diagnostic(Finding::from(&warning)));
    }
    if let Some(path) = &request.trace {
        install::write_if_changed(path, &traces)?;
    }
    if findings.is_empty() { Ok(built) } else { Err(Diagnostics(findings)) }
}

/// Listens for questions of the stand-in's calls, if there is a server to pass them on to.
fn relay(request: &WheelRequest, tell: Tell<'_>) -> Result<Option<Relay>, Diagnostic> {
    let Some(store) = request.store.as_ref().filter(|store| store.remote.is_some()) else {
        return Ok(None);
    };
    let shelf = Shelf::open(store, &request.environment)?;
    // What is configured wrongly is told before anything is built.
    shelf.remote()?;
    let listening = Relay::listen(shelf);
    let told =
        |error: &std::io::Error| tell(Event::Diagnostic(Finding::from(&remote::unheard(error))));
    Ok(listening.inspect_err(told).ok())
}

/// The build for one target.
struct One<'a> {
    request: &'a WheelRequest,
    target: &'a TargetEnvironment,
    runner: &'a Runner<'a>,
    /// Where calls of the stand-in ask for what the store does not have.
    parent: Option<PathBuf>,
    clock: Instant,
}

/// Where one build takes place.
struct Place {
    scratch: Scratch,
    /// The package's directory.
    root: PathBuf,
    /// For requests to the driver and its results.
    work: PathBuf,
    /// What backends make on the way.
    objects: PathBuf,
    temporary: PathBuf,
    /// Where the backend puts its wheel.
    raw: PathBuf,
    trace: PathBuf,
    /// The compiler of Rust, if the package wants one.
    rust: Option<Rust>,
}

impl One<'_> {
    fn build(&self, traces: &mut Vec<u8>, tell: Tell<'_>) -> Result<Built, Diagnostics> {
        let facts = &self.target.description.facts;
        let interpreter = python::find(facts.python_minor(), &self.request.environment)?;
        self.stage(Stage::Fetch, &describe(&self.request.source), tell);
        let fetched = self.fetch(&interpreter)?;
        let mut place = self.place(&fetched)?;
        let tree = Tree::of(&place.root);
        let backend = Backend::read(&place.root)?;
        place.rust = self.find_rust(&place, &backend, &BTreeSet::new())?;
        let (environment, built) = {
            let outcome = self.run_backend(&mut place, &backend, &fetched, &interpreter, tell);
            // The trace is most wanted where something failed.
            traces.extend(std::fs::read(&place.trace).unwrap_or_default());
            if self.request.keep {
                tell(Event::WheelKept { path: place.scratch.path.clone() });
            }
            match outcome {
                Ok(built) => built,
                Err(failed) => return Err(self.failed(failed, &place, tell)),
            }
        };
        self.stage(Stage::Check, &file_name(&built.path), tell);
        self.check(&place, &tree, &environment, &built, &fetched, tell)
    }

    fn stage(&self, stage: Stage, subject: &str, tell: Tell<'_>) {
        let target = Some(self.target.description.facts.target());
        tell(Event::WheelStage { stage, target, subject: subject.to_owned() });
    }

    fn fetch(&self, interpreter: &Interpreter) -> Result<Fetched, Diagnostic> {
        let WheelRequest { source, sha256, environment, .. } = self.request;
        source::fetch(source, sha256.as_deref(), interpreter, environment, self.runner)
    }

    /// Makes the scratch directory and puts the source into it.
    fn place(&self, fetched: &Fetched) -> Result<Place, Diagnostic> {
        let cache =
            settings::cache_dir(&self.request.environment).ok_or_else(environment::no_cache)?;
        let target = self.target.description.facts.target();
        let mut fields = Fields::new();
        fields.add(&fetched.identity);
        fields.add(&target);
        let key = fields.finish().to_string();
        let safe = |c: char| if c.is_alphanumeric() || "-_.+".contains(c) { c } else { '-' };
        let label: String = fetched.label.chars().map(safe).take(60).collect();
        let name = format!("{label}-{target}-{}", key.get(..8).unwrap_or(&key));
        let scratch = Scratch::open(&cache.join("wheels"), &name, self.request.keep)?;
        let root = source::place(fetched, &scratch.directory("src")?)?;
        Ok(Place {
            root,
            work: scratch.directory("work")?,
            objects: scratch.directory("build")?,
            temporary: scratch.directory("tmp")?,
            raw: scratch.directory("raw")?,
            trace: scratch.path.join("trace.jsonl"),
            rust: None,
            scratch,
        })
    }

    /// Prepares the environment and runs the hook that builds.
    fn run_backend(
        &self,
        place: &mut Place,
        backend: &Backend,
        fetched: &Fetched,
        interpreter: &Interpreter,
        tell: Tell<'_>,
    ) -> Result<(BuildEnvironment, BuiltWheel), Failed> {
        self.stage(
            Stage::Prepare,
            &backend.requires.iter().cloned().collect::<Vec<_>>().join(", "),
            tell,
        );
        let stand_in = self.install_stand_in(place, interpreter)?;
        let cross = Cross::write(self.target, &stand_in.bin, place.scratch.directory("cross")?)?;
        let user = &self.request.environment;
        let mut environment = match self.request.isolated {
            true => environment::prepare(interpreter, &backend.requires, user, self.runner)?,
            false => BuildEnvironment::none(interpreter),
        };
        let kept = self.kept_answer(fetched, &environment);
        let mut known = self.known_answer(kept.as_deref());
        self.stage(Stage::Build, &fetched.label, tell);
        loop {
            if let Some(more) = known.as_ref().filter(|more| !more.is_empty()) {
                place.rust = self.find_rust(place, backend, more)?;
                let all = backend.requires.union(more).cloned().collect();
                environment = environment::prepare(interpreter, &all, user, self.runner)?;
            }
            let asked = known.is_none().then(|| asked(place, fetched)).transpose()?;
            self.offer_cython(&stand_in, &environment, interpreter)?;
            match self.ask_backend(place, backend, &environment, &cross, asked.as_ref())? {
                Came::Needs(more) => {
                    keep_answer(kept.as_deref(), &more)?;
                    known = Some(more);
                    // With what the import of a backend of its own left in it, the build would not be the same as the next.
                    source::place(fetched, &place.scratch.empty_directory("src")?)?;
                }
                Came::Wheel(built) => {
                    if known.is_none() {
                        keep_answer(kept.as_deref(), &BTreeSet::new())?;
                    }
                    return Ok((environment, built));
                }
            }
        }
    }

    /// The compiler of Rust for a package whose backend asks for `more`.
    fn find_rust(
        &self,
        place: &Place,
        backend: &Backend,
        more: &BTreeSet<String>,
    ) -> Result<Option<Rust>, Diagnostic> {
        let facts = &self.target.description.facts;
        rust::find(backend, more, &place.root, facts, &self.request.environment)
    }

    /// Puts the stand-in before the environment's Cython.
    fn offer_cython(
        &self,
        stand_in: &StandIn,
        environment: &BuildEnvironment,
        interpreter: &Interpreter,
    ) -> Result<(), Diagnostic> {
        let mut digests = intercept::lasting_digests(self.target, &stand_in.bin);
        let generator = cython::generator(environment, interpreter, &mut digests);
        digests.remember();
        intercept::offer(stand_in, generator.as_ref())
    }

    /// Has the backend build in an environment, or say what it lacks.
    fn ask_backend(
        &self,
        place: &Place,
        backend: &Backend,
        environment: &BuildEnvironment,
        cross: &Cross<'_>,
        asked: Option<&Asked>,
    ) -> Result<Came, Failed> {
        let build = self.told(place, environment);
        let settings = cross.settings(backend, &build, &self.request.config_settings);
        let hooks = Hooks {
            backend,
            root: &place.root,
            environment,
            work: &place.work,
            settings: &settings,
            runner: self.runner,
        };
        hooks.build_wheel(&place.raw, asked, &cross.variables(&build))
    }

    fn told<'b>(&'b self, place: &'b Place, environment: &'b BuildEnvironment) -> Build<'b> {
        Build {
            environment,
            user: &self.request.environment,
            directory: &place.objects,
            temporary: &place.temporary,
            jobs: self.request.jobs.unwrap_or_else(processors),
            epoch: self.epoch(),
            rust: place.rust.as_ref(),
        }
    }

    fn epoch(&self) -> u64 {
        let set =
            self.request.environment.get("SOURCE_DATE_EPOCH").and_then(|text| text.parse().ok());
        set.unwrap_or(EPOCH)
    }

    /// Puts the stand-in into the scratch directory.
    fn install_stand_in(
        &self,
        place: &Place,
        interpreter: &Interpreter,
    ) -> Result<StandIn, Diagnostics> {
        let request = self.request;
        let store =
            request.store.as_ref().map(|store| (store.directory.clone(), store.options.clone()));
        let setup = Setup {
            target: self.target,
            store,
            parent: self.parent.clone(),
            trace: place.trace.clone(),
            host_python: interpreter.about.include.clone(),
            roots: vec![
                (place.root.clone(), "source".to_owned()),
                (place.objects.clone(), "build".to_owned()),
                (place.temporary.clone(), "tmp".to_owned()),
            ],
            exports: request.exports.clone(),
            rules_off: request.rules_off.clone(),
            flags: request.flags.clone(),
        };
        let directory = place.scratch.directory("stand-in")?;
        intercept::install(&setup, &directory, &request.executable)
    }

    /// What the backend needs besides, if that is known: nothing is asked of the user's own environment.
    fn known_answer(&self, kept: Option<&Path>) -> Option<BTreeSet<String>> {
        if !self.request.isolated {
            return Some(BTreeSet::new());
        }
        serde_json::from_slice(&std::fs::read(kept?).ok()?).ok()
    }

    /// Where the answer to the question what a backend needs is kept. The same archive asked in the same environment with the
    /// same settings gives the same answer; a directory may change in between.
    fn kept_answer(&self, fetched: &Fetched, environment: &BuildEnvironment) -> Option<PathBuf> {
        let mut fields = Fields::new();
        fields.add(fetched.sha256()?);
        fields.add(environment.directory.to_string_lossy().as_bytes());
        for (key, value) in &self.request.config_settings {
            fields.add(key);
            fields.add(value);
        }
        let cache = settings::cache_dir(&self.request.environment)?;
        Some(cache.join("requirements").join(format!("{}.json", fields.finish())))
    }

    /// Tells what a failed backend said and points to the first command that failed for good.
    fn failed(&self, failed: Failed, place: &Place, tell: Tell<'_>) -> Diagnostics {
        if !failed.said.is_empty() {
            tell(Event::WheelOutput { output: failed.said });
        }
        let mut findings = failed.findings;
        let attempts = attempts(&intercept::read_trace(&place.trace).unwrap_or_default());
        let last = attempts.iter().rev().find(|attempt| !attempt.succeeded);
        for finding in findings.0.iter_mut().filter(|finding| finding.code == &codes::BACKEND) {
            finding.notes.extend(
                last.map(|attempt| format!("the last command that failed: {}", attempt.command)),
            );
            finding.hint = Some("look at what the tools said; `--trace FILE` records every command, `--keep` leaves the build's directory".to_owned());
        }
        findings
    }

    /// Looks whether anything was lost, puts the wheel in order and into the output directory.
    fn check(
        &self,
        place: &Place,
        tree: &Tree,
        environment: &BuildEnvironment,
        built: &BuiltWheel,
        fetched: &Fetched,
        tell: Tell<'_>,
    ) -> Result<Built, Diagnostics> {
        let records = intercept::read_trace(&place.trace).unwrap_or_default();
        let attempts = attempts(&records);
        let lost = extensions::lost(&attempts, tree, &place.root);
        let strict = !self.request.allow_lost;
        if strict && !lost.is_empty() {
            tell(Event::WheelOutput { output: built.said.clone() });
            return Err(extensions::error(&lost, &place.root).into());
        }
        let mut private = vec![place.scratch.path.clone(), environment.directory.clone()];
        private.push(self.target.directory.clone());
        let finished = finish::finish(&Finishing {
            raw: &built.path,
            target: self.target,
            expected: if strict { &built.extensions } else { &[] },
            private: &private,
            epoch: self.epoch(),
        })?;
        let mut findings = finished.findings;
        for finding in &mut findings {
            // Who asks for other exports has modules that something else than an import loads.
            let loaded = self.request.exports != ExportPolicy::PyInit;
            if loaded && finding.code == &audit::INIT || is_noted(finding) {
                finding.severity = Severity::Warning;
            }
        }
        let (errors, warnings): (Vec<_>, Vec<_>) =
            findings.into_iter().partition(|finding| finding.severity == Severity::Error);
        for warning in &warnings {
            tell(Event::Diagnostic(Finding::from(warning)));
        }
        if !errors.is_empty() {
            return Err(Diagnostics(errors));
        }
        self.runner.check()?;
        let path = self.request.out.join(&finished.name);
        install::write_if_changed(&path, &finished.bytes)?;
        let number = |outcome: Outcome| {
            records.iter().filter(|record| record.outcome == outcome && makes(record)).count()
        };
        Ok(Built {
            target: self.target.description.facts.target(),
            path,
            size: finished.bytes.len() as u64,
            sha256: anymod_store::Digest::of(&finished.bytes).to_string(),
            source_sha256: fetched.sha256().map(str::to_owned),
            extensions: finished.extensions,
            ran: number(Outcome::Ran),
            hits: number(Outcome::Hit),
            remote_hits: records.iter().filter(|record| record.remote && makes(record)).count(),
            failed: number(Outcome::Failed),
            milliseconds: u64::try_from(self.clock.elapsed().as_millis()).unwrap_or(u64::MAX),
        })
    }
}

fn asked(place: &Place, fetched: &Fetched) -> Result<Asked, Diagnostic> {
    Ok(Asked {
        root: source::place(fetched, &place.scratch.directory("asked")?)?,
        temporary: place.scratch.directory("asked-tmp")?,
    })
}

fn keep_answer(place: Option<&Path>, more: &BTreeSet<String>) -> Result<(), Diagnostic> {
    let Some(path) = place else { return Ok(()) };
    let text = serde_json::to_vec(more).unwrap_or_default();
    install::write_if_changed(path, &text).map(drop)
}

fn describe(source: &source::Source) -> String {
    match source {
        source::Source::Directory(path) | source::Source::Archive(path) => {
            path.display().to_string()
        }
        source::Source::Release { name, version } => format!("{name}=={version}"),
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// True for a command that makes a file of the package: not a question, and nothing that a build system only tries, in a
/// directory that has another name each time.
fn makes(record: &TraceRecord) -> bool {
    const TRIES: [&str; 3] = ["CMakeScratch", "CMakeTmp", "meson-private"];
    let Some(output) = &record.output else { return false };
    !TRIES.iter().any(|tries| record.cwd.contains(tries) || output.contains(tries))
}

/// True for a path of the build in a text, where packages note how they were built; in code nobody reads it.
fn is_noted(finding: &Diagnostic) -> bool {
    let Some(anymod_model::Place::Binary { member: Some(member), .. }) = &finding.place else {
        return false;
    };
    finding.code == &audit::PRIVATE_PATH && !member.ends_with(".so")
}

/// The commands of a trace that made something, or should have.
fn attempts(records: &[TraceRecord]) -> Vec<Attempt> {
    // Where Cython fails there may be C that it made earlier.
    let counts = |record: &&TraceRecord| {
        let cython = record.before.first().is_some_and(|name| name == "cython");
        !matches!(record.outcome, Outcome::Query | Outcome::Host) && (record.exit == 0 || !cython)
    };
    let made = records.iter().filter(counts);
    made.map(|record| Attempt {
        sources: record.sources.iter().map(|source| Path::new(&record.cwd).join(source)).collect(),
        output: record.output.as_ref().map(|output| Path::new(&record.cwd).join(output)),
        succeeded: record.exit == 0,
        command: record.before.join(" "),
    })
    .collect()
}
