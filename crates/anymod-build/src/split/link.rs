//! `split link`: the links of a plan, out of the store where they were made before, and what came of them verified.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anymod_link::host::image;
use anymod_model::codes::split as codes;
use anymod_model::{Diagnostic, Diagnostics, Place};
use anymod_store::{Digest, Entry, Explanation, Kept, Visit as _};
use serde::Serialize;

use super::emit;
use super::files;
use super::parallel;
use super::plan::{Link, PlanRequest, SplitPlan, plan};
use super::verify::{VerifyReport, VerifyRequest, verify};
use crate::cancel::Cancel;
use crate::depfile;
use crate::environment::Environment;
use crate::install;
use crate::request::StoreRequest;
use crate::runner::{Ended, Runner};
use crate::shelf::{Shelf, Step};

/// The part of the store that links are kept in.
const NAMESPACE: &str = "link";

/// What came of a split.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LinkReport {
    /// What was planned.
    pub plan: SplitPlan,
    /// The host and the modules.
    pub outputs: Vec<Linked>,
    /// Whether they fit.
    pub verified: VerifyReport,
    /// All findings.
    #[serde(skip)]
    pub diagnostics: Vec<Diagnostic>,
}

/// A file that was linked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Linked {
    /// Its path.
    pub file: PathBuf,
    /// Its bytes.
    pub size: u64,
    /// It came out of the store.
    pub stored: bool,
}

/// Plans, links and verifies.
///
/// # Errors
/// As [`plan`], its findings if any is an error; `H0404` for links that fail, all of them; `B0013` if the run was interrupted.
pub fn link(
    request: &PlanRequest,
    store: Option<&StoreRequest>,
    cancel: &Cancel,
) -> Result<LinkReport, Diagnostics> {
    let plan = plan(request)?;
    if !plan.diagnostics.is_empty() {
        return Err(Diagnostics(plan.diagnostics));
    }
    emit::emit(&plan)?;
    let links = &plan.links;
    let environment = &request.environment;
    let shelf = store.map(|store| Shelf::open(store, environment)).transpose()?;
    let compiler = environment.find_program(&links.compiler).ok_or_else(|| {
        Diagnostic::error(
            &anymod_model::codes::build::TOOL_FAILED,
            format!("there is no `{}`", links.compiler),
        )
        .hint("name another one with `compiler` in `[split]`")
    })?;
    let linker = linker(&plan, environment)?;
    let runner = Runner::new(cancel);
    let driver =
        Driver { compiler, linker, plan: &plan, shelf: shelf.as_ref(), environment, runner };
    let all: Vec<&Link> = std::iter::once(&links.host).chain(&links.modules).collect();
    let results = parallel::map(&all, |link| driver.link(link));
    let trouble = shelf.as_ref().map(Shelf::finish).unwrap_or_default();
    let (mut outputs, mut findings) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(output) => outputs.push(output),
            Err(finding) => findings.push(finding),
        }
    }
    if !findings.is_empty() {
        return Err(Diagnostics(findings));
    }
    let modules: Vec<PathBuf> = outputs.iter().skip(1).map(|output| output.file.clone()).collect();
    let host = links.directory.join(&links.host.file);
    let verified = verify(&VerifyRequest {
        host: Some(&host),
        modules: &modules,
        ..VerifyRequest::default()
    })?;
    let mut diagnostics = verified.diagnostics.clone();
    diagnostics.extend(trouble);
    diagnostics.extend(unmatched(&plan, &host)?);
    diagnostics.extend(init_functions(&plan)?);
    Ok(LinkReport { plan, outputs, verified, diagnostics })
}

/// Symbols that were to be exported and are not: a linker says nothing of them.
fn unmatched(plan: &SplitPlan, host: &Path) -> Result<Option<Diagnostic>, Diagnostic> {
    let bytes = files::map(host)?;
    let name = host.display().to_string();
    let image = image::read(&bytes).map_err(|fault| fault.finding(&name, None))?;
    let exported: BTreeSet<&str> = image.exports.iter().map(|export| export.name).collect();
    let lost: Vec<&str> =
        plan.exports.iter().map(String::as_str).filter(|name| !exported.contains(name)).collect();
    if lost.is_empty() {
        return Ok(None);
    }
    let message = format!("the host does not export {}", anymod_link::host::inspect::listed(&lost));
    Ok(Some(
        Diagnostic::error(&codes::UNMATCHED, message)
            .at(Place::file(name))
            .hint("something hides them: `anymod split inspect` on its libraries tells what"),
    ))
}

/// Modules without the function that the host looks up.
fn init_functions(plan: &SplitPlan) -> Result<Vec<Diagnostic>, Diagnostic> {
    let mut findings = Vec::new();
    for module in &plan.links.modules {
        let Some(init) = &module.init else { continue };
        let path = plan.links.directory.join(&module.file);
        let bytes = files::map(&path)?;
        let name = path.display().to_string();
        let image = image::read(&bytes).map_err(|fault| fault.finding(&name, None))?;
        if !image.offers(init) {
            let finding = Diagnostic::error(
                &codes::UNMATCHED,
                format!("the module does not export `{init}`"),
            );
            findings.push(finding.at(Place::file(name)).hint("define it, or correct `init`"));
        }
    }
    Ok(findings)
}

/// The linker's program. GCC looks for it under one name only.
fn linker(plan: &SplitPlan, environment: &Environment) -> Result<PathBuf, Diagnostic> {
    let plain = format!("ld.{}", plan.linker);
    let versioned = (14..=30).rev().map(|version| format!("{plain}-{version}"));
    let mut names = std::iter::once(plain.clone()).chain(versioned);
    names.find_map(|name| environment.find_program(&name)).ok_or_else(|| {
        Diagnostic::error(
            &anymod_model::codes::build::TOOL_FAILED,
            format!("there is no `{plain}`"),
        )
        .hint("install it, or choose another with `linker` in `[split]` or `--linker`")
    })
}

/// Everything that links are made with.
struct Driver<'d> {
    compiler: PathBuf,
    linker: PathBuf,
    plan: &'d SplitPlan,
    shelf: Option<&'d Shelf>,
    environment: &'d Environment,
    runner: Runner<'d>,
}

impl Driver<'_> {
    fn arguments(&self, link: &Link) -> Vec<String> {
        match std::ptr::eq(link, &self.plan.links.host) {
            true => emit::host(self.plan),
            false => emit::module(self.plan, link),
        }
    }

    /// A path or argument as keys have it: without the places of this checkout.
    fn portable(&self, text: &str) -> String {
        let links = &self.plan.links;
        let text = text.replace(&format!("{}/", links.directory.display()), "<split>/");
        text.replace(&format!("{}/", links.root.display()), "<project>/")
    }

    fn real(&self, text: &str) -> PathBuf {
        let links = &self.plan.links;
        match (text.strip_prefix("<split>/"), text.strip_prefix("<project>/")) {
            (Some(rest), _) => links.directory.join(rest),
            (_, Some(rest)) => links.root.join(rest),
            _ => PathBuf::from(text),
        }
    }

    /// What decides the bytes of a link.
    fn walk(&self, link: &Link) -> Result<Explanation, Diagnostic> {
        let mut walk = Explanation::default();
        walk.field("kind", "link of a split");
        for argument in self.arguments(link) {
            walk.field("argument", &self.portable(&argument));
        }
        let exports = self.plan.links.directory.join(emit::EXPORTS);
        let programs = [&self.compiler, &self.linker, &exports];
        for path in programs.into_iter().chain(&link.objects).chain(&link.archives) {
            let name = self.portable(&path.display().to_string());
            walk.field(&format!("input {name}"), &digest(path)?.to_string());
        }
        for name in ["LIBRARY_PATH", "COMPILER_PATH", "GCC_EXEC_PREFIX", "LD_RUN_PATH"] {
            walk.field(&format!("environment {name}"), self.environment.get(name).unwrap_or("-"));
        }
        Ok(walk)
    }

    fn link(&self, link: &Link) -> Result<Linked, Diagnostic> {
        let file = self.plan.links.directory.join(&link.file);
        let Some(shelf) = self.shelf else {
            self.run(link)?;
            return linked(file, false);
        };
        let walk = self.walk(link)?;
        let step = Step { namespace: NAMESPACE, key: walk.key(), walk: &walk.0 };
        let mut unchanged = |entry: &Entry| {
            let mut found = entry.found.iter();
            found.all(|(name, known)| digest(&self.real(name)).is_ok_and(|now| now == *known))
        };
        let mut put = |entry: &Entry| {
            let whole = entry.outputs.len() == 1
                && shelf.store().restore(&entry.outputs, std::slice::from_ref(&file))?;
            whole.then(|| linked(file.clone(), true)).transpose()
        };
        for find in [Shelf::look, Shelf::ask] {
            if let Some(linked) = find(shelf, step, &mut unchanged, &mut put)? {
                return Ok(linked);
            }
        }
        let found = self.run(link)?;
        let files = [(link.file.clone(), file.clone())];
        shelf.keep(step, Kept { found: &found, passed: &[], said: "", files: &files });
        linked(file, false)
    }

    /// Runs the compiler driver; returns the files that the linker found by itself.
    fn run(&self, link: &Link) -> Result<Vec<(String, Digest)>, Diagnostic> {
        let directory = &self.plan.links.directory;
        let scratch =
            tempfile::tempdir().map_err(|error| install::write_error(directory, &error))?;
        let named = scratch.path().join(format!("ld.{}", self.plan.linker));
        #[cfg(unix)]
        std::os::unix::fs::symlink(&self.linker, &named)
            .map_err(|error| install::write_error(&named, &error))?;
        let dependencies = scratch.path().join("dependencies");
        let mut command = Command::new(&self.compiler);
        command
            .arg(format!("-B{}", scratch.path().display()))
            .arg(format!("@{}", directory.join(emit::response_file(link)).display()))
            .arg(format!("-Wl,--dependency-file={}", dependencies.display()))
            .current_dir(directory);
        let Ended { status, said } = self.runner.run(command)?;
        if !status.success() {
            let mut finding =
                Diagnostic::error(&codes::LINK_FAILED, format!("`{}` is not linked", link.file));
            finding.notes = said.lines().take(20).map(str::to_owned).collect();
            let response = directory.join(emit::response_file(link));
            return Err(finding.hint(format!("the arguments are in `{}`", response.display())));
        }
        let text = install::read(&dependencies).unwrap_or_default();
        let names = depfile::parse(&String::from_utf8_lossy(&text));
        let known: BTreeSet<&Path> =
            link.objects.iter().chain(&link.archives).map(PathBuf::as_path).collect();
        let mut found = Vec::new();
        for name in names {
            let path = directory.join(&name);
            // The compiler's own scratch files are gone by now.
            if !known.contains(path.as_path()) && path.is_file() {
                found.push((self.portable(&path.display().to_string()), digest(&path)?));
            }
        }
        Ok(found)
    }
}

fn digest(path: &Path) -> Result<Digest, Diagnostic> {
    Ok(Digest::of(&files::map(path)?))
}

fn linked(file: PathBuf, stored: bool) -> Result<Linked, Diagnostic> {
    let size = files::map(&file)?.len() as u64;
    Ok(Linked { file, size, stored })
}
