//! Trying a wheel in the real runtime: install it as a user would, import every extension module, run a test.
//!
//! A module that ends the runtime or turns in circles fails alone: the others are tried in a new process.

pub(crate) mod driver;
mod report;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anymod_model::codes::{build, probe as codes};
use anymod_model::{Diagnostic, Diagnostics};
use anymod_pack::wheel::{self, Suffix, Wheel, WheelName};

use crate::cancel::Cancel;
use crate::environment::Environment;
use crate::install;
use crate::target::TargetEnvironment;

pub(crate) use report::xml;
pub use report::{Failure, Kind, ProbeReport, Step};

/// How a wheel is to be tried.
#[derive(Clone, Debug)]
pub struct ProbeOptions {
    /// Wheels to install first, in this order: what the wheel depends on.
    pub needs: Vec<PathBuf>,
    /// Python code, or the path of a file with it, to run after all imports.
    pub test: Option<String>,
    /// How long one step may take.
    pub timeout: Duration,
}

impl Default for ProbeOptions {
    fn default() -> ProbeOptions {
        ProbeOptions { needs: Vec::new(), test: None, timeout: Duration::from_secs(120) }
    }
}

/// Installs a wheel into the runtime of a target, imports every extension module in it and runs the test.
///
/// # Errors
/// `B0002` and `W0001` to `W0007` if the file is no sound wheel, `R0005` without a Node, `R0007` if the runtime does not
/// boot. What the wheel itself does wrong is in the report.
pub fn probe(
    wheel: &Path,
    target: &TargetEnvironment,
    options: &ProbeOptions,
    environment: &Environment,
    cancel: &Cancel,
) -> Result<ProbeReport, Diagnostics> {
    let read = wheel::read(&install::read(wheel)?, &wheel.display().to_string())?;
    for need in &options.needs {
        WheelName::parse(&need.display().to_string())?;
    }
    let absolute =
        |path: &Path| std::path::absolute(path).map_err(|error| install::read_error(path, &error));
    let mut request = driver::Request::boot(target.runtime(), target.installer()?);
    request.needs = options.needs.iter().map(|need| absolute(need)).collect::<Result<_, _>>()?;
    for need in &request.needs {
        std::fs::metadata(need).map_err(|error| install::read_error(need, &error))?;
    }
    request.wheel = Some(absolute(wheel)?);
    request.modules = modules(&read);
    request.test = options.test.as_deref().map(test).transpose()?;
    let mut report = ProbeReport {
        wheel: read.file_name(),
        target: target.description.facts.target(),
        steps: Vec::new(),
        said: String::new(),
    };
    loop {
        let outcome = driver::run(&request, options.timeout, environment, cancel)?;
        if outcome.end == driver::End::Cancelled {
            return Err(Diagnostic::error(&build::INTERRUPTED, "interrupted").into());
        }
        booted(&outcome)?;
        report.said += &outcome.said;
        if !go_on(&mut request, &mut report, &outcome, options.timeout) {
            return Ok(report);
        }
    }
}

/// The modules to import: what the names of the wheel's files say, sorted.
fn modules(wheel: &Wheel) -> Vec<String> {
    let mut modules: Vec<String> = wheel
        .files
        .iter()
        .filter_map(|(path, file)| {
            let found = wheel::extension(path)?;
            let importable = wheel::installed(path).rsplit_once('/').is_none_or(|(package, _)| {
                package.split('/').all(|part| !part.contains(['.', '-']))
            });
            // A file named like any library is one unless it has what the interpreter calls.
            let init = format!("PyInit_{}", found.stem);
            let module = found.suffix != Suffix::Plain
                || file.bytes.windows(init.len()).any(|part| part == init.as_bytes());
            (importable && module).then_some(found.module)
        })
        .collect();
    modules.sort();
    modules.dedup();
    modules
}

/// The test that the option means: a file's content, or the code itself.
fn test(option: &str) -> Result<driver::Test, Diagnostic> {
    let path = Path::new(option);
    if path.is_file() {
        let code = String::from_utf8_lossy(&install::read(path)?).into_owned();
        return Ok(driver::Test { name: option.to_owned(), code });
    }
    if Path::new(option).extension().is_some_and(|extension| extension == "py") {
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(install::read_error(path, &missing));
    }
    Ok(driver::Test { name: "<test>".to_owned(), code: option.to_owned() })
}

/// Refuses to go on with a runtime that does not boot: that says nothing of the wheel.
fn booted(outcome: &driver::Outcome) -> Result<(), Diagnostic> {
    let boot = outcome.events.iter().find(|event| event.step == "boot" && !event.begins);
    let why = match boot {
        Some(event) if event.error.is_none() => return Ok(()),
        Some(event) => event.error.clone().unwrap_or_default(),
        None => report::describe(&outcome.end),
    };
    let mut finding = Diagnostic::error(&codes::BOOT, "the runtime does not boot");
    for line in why.lines().chain(outcome.said.lines()).take(8) {
        finding = finding.note(line);
    }
    Err(finding.hint(
        "run `anymod target verify`, and look at the version of `node`: 20 or newer is needed",
    ))
}

/// Takes over what was told; true if a new process has to do the rest.
fn go_on(
    request: &mut driver::Request,
    report: &mut ProbeReport,
    outcome: &driver::Outcome,
    timeout: Duration,
) -> bool {
    for event in outcome.events.iter().filter(|event| !event.begins) {
        report.take(event);
    }
    if outcome.end == driver::End::Whole {
        return false;
    }
    // What was begun last, and did not end, is what ended the process.
    if let Some(event) = outcome.events.last().filter(|event| event.begins) {
        report.broke(event, &outcome.end, timeout);
    }
    let done =
        |kind: Kind, name: &str| report.steps.iter().any(|s| s.kind == kind && s.name == name);
    let before = request.modules.len();
    request.modules.retain(|module| !done(Kind::Import, module));
    let tested = request.test.as_ref().is_none_or(|test| done(Kind::Test, &test.name));
    let installed =
        !report.steps.iter().any(|step| step.kind == Kind::Install && step.failure.is_some());
    // Each process gets at least one step further, or there is no use in another.
    let further = request.modules.len() < before;
    installed && further && !(request.modules.is_empty() && tested)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anymod_pack::wheel::File;

    fn wheel_of(files: &[(&str, &[u8])]) -> Wheel {
        let name = WheelName::parse("spam-1.0-cp313-cp313-pyodide_2025_0_wasm32.whl");
        let files =
            files.iter().map(|(path, bytes)| ((*path).to_owned(), File::new(*bytes))).collect();
        Wheel { name: name.unwrap(), files }
    }

    #[test]
    fn modules_are_what_an_interpreter_could_import() {
        let wheel = wheel_of(&[
            ("spam/_c.cpython-313-wasm32-emscripten.so", b""),
            ("spam-1.0.data/platlib/top.abi3.so", b""),
            ("spam/plain.so", b"..PyInit_plain.."),
            ("spam/libz.so", b"no module"),
            ("spam.libs/x.so", b"PyInit_x"),
            ("spam/__init__.py", b""),
            ("spam/host.cpython-313-x86_64-linux-gnu.so", b"\x7fELF"),
        ]);
        assert_eq!(modules(&wheel), ["spam._c", "spam.host", "spam.plain", "top"]);
    }

    #[test]
    fn a_test_is_a_file_or_code() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("t.py");
        std::fs::write(&file, "assert 1").unwrap();
        assert_eq!(test(&file.display().to_string()).unwrap().code, "assert 1");
        assert_eq!(test("import x; x.f()").unwrap().name, "<test>");
        assert_eq!(test("missing.py").unwrap_err().code.id, "B0002");
    }

    fn event(step: &str, name: &str, begins: bool, error: Option<&str>) -> driver::Event {
        driver::Event {
            step: step.to_owned(),
            name: name.to_owned(),
            begins,
            milliseconds: 1,
            error: error.map(str::to_owned),
        }
    }

    #[test]
    fn the_rest_is_tried_after_a_module_ended_the_runtime() {
        let mut request = driver::Request::boot(PathBuf::new(), Vec::new());
        request.modules = ["a", "b", "c"].map(str::to_owned).to_vec();
        let mut report = ProbeReport::default();
        let outcome = driver::Outcome {
            events: vec![
                event("install", "x.whl", false, None),
                event("import", "a", false, None),
                event("import", "b", true, None),
            ],
            end: driver::End::TimedOut,
            said: String::new(),
        };
        assert!(go_on(&mut request, &mut report, &outcome, Duration::from_secs(7)));
        assert_eq!(request.modules, ["c"]);
        let failed: Vec<_> = report.steps.iter().map(|step| step.failure.is_some()).collect();
        assert_eq!(failed, [false, false, true]);
        assert_eq!(report.steps[2].milliseconds, 7000);
        // Nothing gets further: no endless loop.
        let outcome = driver::Outcome { events: Vec::new(), ..outcome };
        assert!(!go_on(&mut request, &mut report, &outcome, Duration::from_secs(7)));
    }
}
