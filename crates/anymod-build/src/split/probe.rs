//! `split probe`: each module imported by a fresh process of the host, alone and with the others in several orders.
//!
//! What a module does to its process is the process's end, not ours: each has a group and a time of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anymod_model::codes::split as codes;
use anymod_model::event::Finding;
use anymod_model::{Diagnostic, Diagnostics, Place};
use serde::Serialize;

use super::verify::{VerifyRequest, verify};
use crate::install;

/// What to try.
#[derive(Clone, Debug)]
pub struct SplitProbeRequest<'a> {
    /// The host.
    pub host: &'a Path,
    /// Its modules.
    pub modules: &'a [PathBuf],
    /// Arguments of the host for one module, in which `{name}`, `{file}` and `{directory}` stand for the module's; for none,
    /// those of a CPython.
    pub arguments: &'a [String],
    /// Code to run after a module was imported, by the module's name; for a CPython only.
    pub snippets: &'a [(String, String)],
    /// How long one process may take.
    pub timeout: Duration,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SplitProbeReport {
    /// Each process.
    pub steps: Vec<ProbedStep>,
    /// Findings as JSON.
    pub findings: Vec<Finding>,
    /// The findings themselves.
    #[serde(skip)]
    pub diagnostics: Vec<Diagnostic>,
}

/// One process.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ProbedStep {
    /// The modules that it imported, in order.
    pub modules: Vec<String>,
    /// How the order came about: `alone`, `given`, `reversed`.
    pub order: &'static str,
    /// What it printed; of a CPython the files of the modules.
    pub said: String,
    /// How long it took.
    pub milliseconds: u64,
    /// What went wrong.
    pub failure: Option<String>,
}

/// Tries modules in their host.
///
/// # Errors
/// `B0002` if a file cannot be read or the host cannot be run.
pub fn probe(request: &SplitProbeRequest<'_>) -> Result<SplitProbeReport, Diagnostics> {
    let mut report = SplitProbeReport::default();
    let all: Vec<&PathBuf> = request.modules.iter().collect();
    let mut runs: Vec<(&'static str, Vec<&PathBuf>)> =
        all.iter().map(|module| ("alone", vec![*module])).collect();
    if request.arguments.is_empty() && all.len() > 1 {
        runs.push(("given", all.clone()));
        runs.push(("reversed", all.iter().rev().copied().collect()));
    }
    for (order, modules) in runs {
        report.steps.push(one(request, order, &modules)?);
    }
    if report.steps.iter().any(|step| step.failure.is_some()) {
        let modules = request.modules;
        let verified = verify(&VerifyRequest {
            host: Some(request.host),
            modules,
            ..VerifyRequest::default()
        })?;
        for step in report.steps.iter().filter(|step| step.failure.is_some()) {
            let names = step.modules.join("`, `");
            let message = format!("`{names}` cannot be imported ({})", step.order);
            let mut finding = Diagnostic::error(&codes::PROBE, message)
                .at(Place::file(request.host.display().to_string()));
            let failure = step.failure.as_deref().unwrap_or_default();
            finding.notes.extend(failure.lines().rev().take(3).map(str::to_owned));
            for (file, path) in verified.files.iter().skip(1).zip(modules) {
                if step.modules.contains(&name(path)) && !file.missing.is_empty() {
                    finding.notes.push(format!(
                        "`{}` lacks {}",
                        name(path),
                        file.missing.join(", ")
                    ));
                }
            }
            report
                .diagnostics
                .push(finding.hint("`anymod split verify` tells what each module lacks"));
        }
    }
    report.findings = report.diagnostics.iter().map(Finding::from).collect();
    Ok(report)
}

/// What a module is imported as: its file's name up to the first dot.
fn name(path: &Path) -> String {
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    file.split('.').next().unwrap_or_default().to_owned()
}

fn one(
    request: &SplitProbeRequest<'_>,
    order: &'static str,
    modules: &[&PathBuf],
) -> Result<ProbedStep, Diagnostic> {
    let mut command =
        Command::new(std::path::absolute(request.host).unwrap_or_else(|_| request.host.to_owned()));
    match request.arguments {
        [] => command.args(["-I", "-c", &program(request, modules)]),
        arguments => {
            let module = modules.first().copied().cloned().unwrap_or_default();
            let module = std::path::absolute(&module).unwrap_or(module);
            let directory = module.parent().unwrap_or(Path::new(".")).display().to_string();
            command.args(arguments.iter().map(|argument| {
                let argument = argument.replace("{name}", &name(&module));
                let argument = argument.replace("{file}", &module.display().to_string());
                argument.replace("{directory}", &directory)
            }))
        }
    };
    let since = Instant::now();
    let (said, failure) = run(command, request.host, request.timeout)?;
    Ok(ProbedStep {
        modules: modules.iter().map(|module| name(module)).collect(),
        order,
        said,
        milliseconds: u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX),
        failure,
    })
}

/// What a CPython runs.
fn program(request: &SplitProbeRequest<'_>, modules: &[&PathBuf]) -> String {
    let mut text = "import sys, importlib\n".to_owned();
    for module in modules {
        let path = std::path::absolute(module).unwrap_or_else(|_| (*module).clone());
        let directory = path.parent().unwrap_or(Path::new("/")).display().to_string();
        let name = name(module);
        // Python's literals of text are JSON's.
        let literal = |text: &str| serde_json::Value::from(text).to_string();
        text += &format!("sys.path.insert(0, {})\n", literal(&directory));
        text += &format!("{name} = importlib.import_module({})\n", literal(&name));
        text += &format!("print({name}.__name__, getattr({name}, '__file__', 'built in'))\n");
        for (_, code) in request.snippets.iter().filter(|(of, _)| *of == name) {
            text += &format!("exec({}, {{{}: {name}}})\n", literal(code), literal(&name));
        }
    }
    text
}

/// Runs a process to its end, or to the end of its time: what it printed, and what went wrong.
fn run(
    mut command: Command,
    host: &Path,
    timeout: Duration,
) -> Result<(String, Option<String>), Diagnostic> {
    let unusable = |error: std::io::Error| install::read_error(host, &error);
    let scratch = tempfile::tempdir().map_err(unusable)?;
    let output = |name: &str| install::create_scratch(&scratch.path().join(name)).map_err(unusable);
    command.stdin(Stdio::null()).stdout(output("stdout")?).stderr(output("stderr")?);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(unusable)?;
    let since = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(unusable)? {
            break Some(status);
        }
        if since.elapsed() >= timeout {
            break None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.wait();
    let text = |name: &str| {
        let bytes = install::read(&scratch.path().join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let failure = match status {
        Some(status) if status.success() => None,
        Some(status) => Some(format!("{}{}{status}", text("stdout"), text("stderr"))),
        None => Some(format!("{}no end after {} s", text("stderr"), timeout.as_secs())),
    };
    Ok((text("stdout"), failure))
}

impl SplitProbeReport {
    /// The report as JUnit XML.
    #[must_use]
    pub fn junit(&self, host: &str) -> String {
        use crate::probe::xml;
        let failures = self.steps.iter().filter(|step| step.failure.is_some()).count();
        let mut text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\">\n",
            xml(host),
            self.steps.len()
        );
        for step in &self.steps {
            let (seconds, rest) = (step.milliseconds / 1000, step.milliseconds % 1000);
            let name = format!("{} ({})", step.modules.join(" "), step.order);
            text += &format!(
                "    <testcase classname=\"{}\" name=\"{}\" time=\"{seconds}.{rest:03}\"",
                xml(host),
                xml(&name)
            );
            match &step.failure {
                None => text += "/>\n",
                Some(failure) => {
                    let last = failure.lines().last().unwrap_or_default();
                    text += &format!(
                        ">\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n",
                        xml(last),
                        xml(failure)
                    );
                }
            }
        }
        text + "  </testsuite>\n</testsuites>\n"
    }
}
