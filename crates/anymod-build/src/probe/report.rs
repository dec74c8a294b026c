//! What came of trying a wheel, and its form for continuous integration.

use std::time::Duration;

use anymod_model::Diagnostic;
use anymod_model::codes::probe as codes;
use serde::Serialize;

use super::driver::{End, Event};

/// What came of trying a wheel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ProbeReport {
    /// The wheel's file name.
    pub wheel: String,
    /// Name of the target.
    pub target: String,
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// What the runtime and the modules wrote; of much, the last.
    #[serde(rename = "output")]
    pub said: String,
}

/// One thing that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Step {
    /// What kind of thing.
    pub kind: Kind,
    /// The wheel, the module or the test.
    pub name: String,
    /// How long it took.
    pub milliseconds: u64,
    /// What went wrong; nothing if it went well.
    pub failure: Option<Failure>,
}

/// Kinds of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Installing a wheel.
    Install,
    /// Importing a module.
    Import,
    /// Running the test.
    Test,
}

/// How a step went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "text")]
pub enum Failure {
    /// It raised an exception; the traceback.
    Raised(String),
    /// It took too long and was ended.
    TimedOut,
    /// It ended the process; how.
    Crashed(String),
}

impl Kind {
    fn of(step: &str) -> Option<Kind> {
        match step {
            "install" => Some(Kind::Install),
            "import" => Some(Kind::Import),
            "test" => Some(Kind::Test),
            _ => None,
        }
    }

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Install => "install",
            Kind::Import => "import",
            Kind::Test => "test",
        }
    }
}

impl Failure {
    /// Everything that is known.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Failure::Raised(text) | Failure::Crashed(text) => text,
            Failure::TimedOut => "it took too long and was ended",
        }
    }

    /// One line: of a traceback, the last one that is no frame.
    #[must_use]
    pub fn line(&self) -> &str {
        let frame = |line: &str| line.trim().is_empty() || line.trim_start().starts_with("at ");
        self.text().lines().rfind(|line| !frame(line)).unwrap_or_default()
    }
}

/// How a process ended, in a few words.
pub(super) fn describe(end: &End) -> String {
    match end {
        End::Broken(why) => why.clone(),
        End::TimedOut => "it took too long and was ended".to_owned(),
        End::Whole | End::Cancelled => "it said nothing".to_owned(),
    }
}

impl ProbeReport {
    /// True if every step went well.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.steps.iter().all(|step| step.failure.is_none())
    }

    /// Takes over a step that ended. A later process repeats the earlier ones' installing; that counts once.
    pub(super) fn take(&mut self, event: &Event) {
        let failure = event.error.clone().map(Failure::Raised);
        self.add(event, failure);
    }

    /// Takes over a step that ended its process.
    pub(super) fn broke(&mut self, event: &Event, end: &End, timeout: Duration) {
        let (failure, milliseconds) = match end {
            End::TimedOut => {
                (Failure::TimedOut, timeout.as_millis().try_into().unwrap_or(u64::MAX))
            }
            other => (Failure::Crashed(describe(other)), 0),
        };
        self.add(&Event { milliseconds, ..event.clone() }, Some(failure));
    }

    fn add(&mut self, event: &Event, failure: Option<Failure>) {
        let Some(kind) = Kind::of(&event.step) else { return };
        let known = self.steps.iter().any(|step| step.kind == kind && step.name == event.name);
        if !known {
            let (name, milliseconds) = (event.name.clone(), event.milliseconds);
            self.steps.push(Step { kind, name, milliseconds, failure });
        }
    }

    /// A finding for every step that went wrong.
    #[must_use]
    pub fn findings(&self) -> Vec<Diagnostic> {
        self.steps.iter().filter_map(|step| self.finding(step)).collect()
    }

    fn finding(&self, step: &Step) -> Option<Diagnostic> {
        let failure = step.failure.as_ref()?;
        let name = &step.name;
        let (code, what) = match step.kind {
            Kind::Install => {
                (&codes::INSTALL, format!("{} does not install `{name}`", self.target))
            }
            Kind::Import => {
                (&codes::IMPORT, format!("`{name}` cannot be imported in {}", self.target))
            }
            Kind::Test => (&codes::TEST, format!("the test `{name}` failed in {}", self.target)),
        };
        let (code, hint) = match failure {
            Failure::TimedOut => (
                &codes::TIMEOUT,
                "give it more time with `--timeout SECONDS`, or look for what it waits for",
            ),
            Failure::Crashed(_) => {
                (&codes::CRASH, "`--format json` has what the process said last")
            }
            Failure::Raised(text) if text.contains("No module named") => {
                (code, "give the wheels that it depends on with `--needs`")
            }
            Failure::Raised(_) if step.kind == Kind::Install => (
                code,
                "look at the tags with `anymod target show`, and at the wheel with `anymod audit`",
            ),
            Failure::Raised(_) => (code, "`--format json` has the whole traceback"),
        };
        Some(Diagnostic::error(code, what).note(failure.line()).hint(hint))
    }

    /// The report as JUnit XML, the form that continuous integration systems read.
    #[must_use]
    pub fn junit(&self) -> String {
        let failures = self.steps.iter().filter(|step| step.failure.is_some()).count();
        let seconds =
            |milliseconds: u64| format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
        let total = self.steps.iter().map(|step| step.milliseconds).sum();
        let mut text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" time=\"{}\">\n",
            xml(&format!("{} in {}", self.wheel, self.target)),
            self.steps.len(),
            seconds(total),
        );
        for step in &self.steps {
            text += &format!(
                "    <testcase classname=\"{}\" name=\"{} {}\" time=\"{}\"",
                xml(&self.target),
                step.kind.name(),
                xml(&step.name),
                seconds(step.milliseconds),
            );
            match &step.failure {
                None => text += "/>\n",
                Some(failure) => {
                    text += &format!(
                        ">\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n",
                        xml(failure.line()),
                        xml(failure.text()),
                    );
                }
            }
        }
        text += &format!(
            "    <system-out>{}</system-out>\n  </testsuite>\n</testsuites>\n",
            xml(&self.said)
        );
        text
    }
}

/// Text for XML 1.0, which has no way to write most control characters.
pub(crate) fn xml(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\n' | '\t' => safe.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> ProbeReport {
        let step = |kind, name: &str, failure| Step {
            kind,
            name: name.to_owned(),
            milliseconds: 1500,
            failure,
        };
        let traceback = "Traceback:\n  File \"x\"\nImportError: <bad> \u{1b}[31m\n\n";
        ProbeReport {
            wheel: "spam.whl".to_owned(),
            target: "pyodide-0.29.5".to_owned(),
            steps: vec![
                step(Kind::Install, "spam.whl", None),
                step(Kind::Import, "spam._c", Some(Failure::Raised(traceback.to_owned()))),
                step(Kind::Import, "spam._d", Some(Failure::TimedOut)),
                step(Kind::Test, "<test>", Some(Failure::Crashed("it is gone".to_owned()))),
            ],
            said: String::new(),
        }
    }

    #[test]
    fn every_failure_is_a_finding() {
        let findings = report().findings();
        let codes: Vec<_> = findings.iter().map(|finding| finding.code.id).collect();
        assert_eq!(codes, ["R0002", "R0004", "R0006"]);
        assert_eq!(findings[0].notes, ["ImportError: <bad> \u{1b}[31m"]);
        assert!(!report().passed());
        let thrown =
            Failure::Raised("TypeError: not a function\n    at f (x.js:1)\n    at g".to_owned());
        assert_eq!(thrown.line(), "TypeError: not a function");
    }

    #[test]
    fn junit_is_well_formed() {
        let junit = report().junit();
        assert!(junit.contains("tests=\"4\" failures=\"3\" time=\"6.000\""));
        assert!(junit.contains("message=\"ImportError: &lt;bad&gt; \u{fffd}[31m\""));
        assert!(junit.contains("name=\"test &lt;test&gt;\""));
        assert_eq!(junit.matches("<testcase").count(), 4);
        assert_eq!(junit.matches("</testcase>").count(), 3);
    }
}
