//! Events: what happens during a run, as versioned JSON lines.
//!
//! This stream is the truth about a run. Progress on a terminal, `--format json` and every report about a run are made
//! from it. An event is one JSON object with a member `event` that names its kind; readers ignore kinds and members that
//! they do not know, and [`VERSION`] rises only if one changes its meaning.

use serde::{Deserialize, Serialize};

use crate::{Diagnostic, Place, Severity};

/// Version of the stream's form.
pub const VERSION: u32 = 1;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The first event: planning is done.
    RunStarted {
        /// [`VERSION`].
        version: u32,
        /// Version of anymod.
        anymod: String,
        /// How many modules are built, each target counted.
        modules: usize,
        /// How many actions that takes at most.
        actions: usize,
    },
    /// Another run holds the build directory; this one waits.
    Waiting {
        /// The build directory.
        path: String,
    },
    /// An action runs, because something that it depends on changed.
    ActionStarted(Action),
    /// An action is done.
    ActionFinished {
        /// The action.
        #[serde(flatten)]
        action: Action,
        /// How it ended.
        outcome: Outcome,
        /// How long it ran.
        milliseconds: u64,
        /// The command line, if it ran one and failed or said something.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        command: Option<String>,
        /// What the command said, unchanged.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        output: String,
    },
    /// A finished module is in its place.
    Installed {
        /// Name of the module.
        module: String,
        /// Name of the target.
        target: String,
        /// Where it is.
        path: String,
        /// False if it was there with the same bytes.
        changed: bool,
    },
    /// A finding.
    Diagnostic(Finding),
    /// The last event.
    RunFinished(Totals),
}

/// An action, as events name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Action {
    /// What is done.
    pub kind: ActionKind,
    /// The module it belongs to; none for what several modules share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Name of the target.
    pub target: String,
    /// The source or the file made.
    pub subject: String,
}

/// What an action does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionKind {
    /// Collects the qstrs of a module's sources into a header.
    Qstrs,
    /// Compiles a C, C++ or assembler source.
    Compile,
    /// Compiles a Python source.
    CompilePython,
    /// Builds a library that comes with a toolchain as source.
    Library,
    /// Links objects and archives.
    Link,
    /// Merges several `.mpy` files.
    Merge,
}

impl ActionKind {
    /// The word that events and progress show.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ActionKind::Qstrs => "qstrs",
            ActionKind::Compile => "compile",
            ActionKind::CompilePython => "compile-python",
            ActionKind::Library => "library",
            ActionKind::Link => "link",
            ActionKind::Merge => "merge",
        }
    }
}

/// How an action ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing it depends on changed: it was not run.
    Fresh,
    /// It ran.
    Ran,
    /// It ran and failed.
    Failed,
}

/// A diagnostic in the stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Its stable code.
    pub code: String,
    /// `warning` or `error`.
    pub severity: String,
    /// One line.
    pub message: String,
    /// Where it is, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Further facts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl From<&Diagnostic> for Finding {
    fn from(diagnostic: &Diagnostic) -> Finding {
        Finding {
            code: diagnostic.code.id.to_owned(),
            severity: match diagnostic.severity {
                Severity::Warning => "warning".to_owned(),
                Severity::Error => "error".to_owned(),
            },
            message: diagnostic.message.clone(),
            place: diagnostic.place.as_ref().map(Place::to_string),
            notes: diagnostic.notes.clone(),
            hint: diagnostic.hint.clone(),
        }
    }
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Actions that ran and succeeded.
    pub ran: usize,
    /// Actions that did not have to run.
    pub fresh: usize,
    /// Actions that failed.
    pub failed: usize,
    /// Actions that could not run because one before them failed.
    pub skipped: usize,
    /// Modules put in their place or found there unchanged.
    pub installed: usize,
    /// How many of these have new bytes.
    pub changed: usize,
    /// How long the run took.
    pub milliseconds: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action() -> Action {
        Action {
            kind: ActionKind::Compile,
            module: Some("crc32".to_owned()),
            target: "micropython-x64".to_owned(),
            subject: "crc32.c".to_owned(),
        }
    }

    #[test]
    fn an_event_is_one_flat_object_that_names_its_kind() {
        let event = Event::ActionFinished {
            action: action(),
            outcome: Outcome::Ran,
            milliseconds: 12,
            command: None,
            output: String::new(),
        };
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(
            json,
            "{\"event\":\"action-finished\",\"kind\":\"compile\",\"module\":\"crc32\",\
             \"target\":\"micropython-x64\",\"subject\":\"crc32.c\",\"outcome\":\"ran\",\"milliseconds\":12}"
        );
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
    }

    #[test]
    fn words_are_the_same_in_events_and_in_code() {
        for kind in [
            ActionKind::Qstrs,
            ActionKind::Compile,
            ActionKind::CompilePython,
            ActionKind::Library,
            ActionKind::Link,
            ActionKind::Merge,
        ] {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.name()));
        }
    }

    #[test]
    fn a_finding_keeps_what_a_diagnostic_says() {
        let diagnostic = Diagnostic::error(&crate::codes::build::READ, "cannot read the file")
            .at(Place::file("a.c"))
            .hint("look");
        let event = Event::Diagnostic(Finding::from(&diagnostic));
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(
            json,
            "{\"event\":\"diagnostic\",\"code\":\"B0002\",\"severity\":\"error\",\
             \"message\":\"cannot read the file\",\"place\":\"a.c\",\"hint\":\"look\"}"
        );
    }
}
