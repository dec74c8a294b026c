//! Events: what happens during a run, as versioned JSON lines.
//!
//! This stream is the truth about a run. Progress on a terminal, `--format json` and every report about a run are made
//! from it. An event is one JSON object with a member `event` that names its kind; readers ignore kinds and members that
//! they do not know, and [`VERSION`] rises only if one changes its meaning.

use serde::{Deserialize, Serialize};

use crate::{Diagnostic, Place, Severity};

/// Version of the stream's form.
pub const VERSION: u32 = 2;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The first event: it is known what may have to run.
    RunStarted {
        /// [`VERSION`].
        version: u32,
        /// Version of anymod.
        anymod: String,
        /// How many modules are built, each target counted.
        modules: usize,
        /// How many actions that takes, those that are fresh included.
        actions: usize,
        /// How many of them may have to run, at most.
        stale: usize,
        /// How many run at once, at most.
        jobs: usize,
        /// How many a remote server does besides, at most.
        #[serde(default, skip_serializing_if = "is_none")]
        remote_jobs: usize,
    },
    /// Another run holds the build directory; this one waits.
    Waiting {
        /// The build directory.
        path: String,
    },
    /// An action runs, because something that it depends on changed. Fresh actions have no events.
    ActionStarted {
        /// Its number in this run.
        id: usize,
        /// The action.
        #[serde(flatten)]
        action: Action,
        /// Which of the run's job slots it occupies, from 0.
        slot: usize,
        /// When, in microseconds since the run began.
        at: u64,
        /// Why it is not fresh.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reasons: Vec<Reason>,
        /// Numbers of the actions of this run that it had to wait for.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        after: Vec<usize>,
        /// True if it was sent to a remote server. Its slot is behind those of this machine.
        #[serde(default, skip_serializing_if = "is_false")]
        remote: bool,
    },
    /// An action has left a job slot and is not done: a remote server did not do it, or it was done faster in another slot.
    ActionLeft {
        /// Its number in this run.
        id: usize,
        /// The job slot that it occupied.
        slot: usize,
        /// When, in microseconds since the run began.
        at: u64,
        /// Why, as a clause.
        why: String,
    },
    /// An action is done.
    ActionFinished {
        /// Its number in this run.
        id: usize,
        /// The action.
        #[serde(flatten)]
        action: Action,
        /// The job slot that it occupied.
        slot: usize,
        /// When, in microseconds since the run began.
        at: u64,
        /// How it ended.
        outcome: Outcome,
        /// The command line, if it ran one and failed or said something.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        command: Option<String>,
        /// What the command said, unchanged.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        output: String,
        /// What a remote server had to do with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remote: Option<Remote>,
    },
    /// How much has crossed the network to and from a remote server, now and then while that grows.
    Traffic {
        /// When, in microseconds since the run began.
        at: u64,
        /// Bytes that went to it.
        up: u64,
        /// Bytes that came from it.
        down: u64,
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
    /// Packs an extension module and Python files into a wheel.
    Wheel,
    /// Gathers objects and members of archives in an archive.
    Archive,
    /// Writes a text that follows from the manifest alone.
    Text,
    /// Writes an object with the identity of an addon.
    Identity,
    /// Builds a crate.
    Cargo,
    /// Makes an import library for what an addon takes from the program that loads it.
    ImportLibrary,
    /// Writes sums into the identity of an addon, and audits it.
    Seal,
    /// Asks an addon for this machine what it exports.
    Exports,
    /// Compares the declarations of an addon with what it exports.
    Declarations,
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
            ActionKind::Wheel => "wheel",
            ActionKind::Archive => "archive",
            ActionKind::Text => "text",
            ActionKind::Identity => "identity",
            ActionKind::Cargo => "cargo",
            ActionKind::ImportLibrary => "import-library",
            ActionKind::Seal => "seal",
            ActionKind::Exports => "exports",
            ActionKind::Declarations => "declarations",
        }
    }
}

/// How an action ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing it depends on changed: it was not looked at further.
    Fresh,
    /// Its outputs came out of the store.
    Hit,
    /// It ran.
    Ran,
    /// It ran and failed.
    Failed,
}

/// What a remote server had to do with an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remote {
    /// What it did.
    pub how: Help,
    /// How long that was waited for, in microseconds.
    pub waited: u64,
    /// How long it waited for a worker, in microseconds, as the server says.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub queued: u64,
    /// Bytes of the outputs that came from it.
    pub down: u64,
    /// Who did the action, as the server says; empty if it did none or does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub worker: String,
}

/// What a remote server does for an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Help {
    /// It had the result.
    Cached,
    /// It did the action.
    Executed,
}

/// Why an action is not fresh.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Reason {
    /// It has never ended well in this build directory.
    New,
    /// Something of its command is different: an argument, a variable, the tool.
    Command {
        /// What, for instance `argument` or `tool`.
        field: String,
        /// What it was; none if it is new.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<String>,
        /// What it is; none if it is gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        now: Option<String>,
    },
    /// A file that it reads has other content.
    Input {
        /// The file.
        path: String,
    },
    /// A file that it read is gone.
    Missing {
        /// The file.
        path: String,
    },
    /// A file appeared that a compiler would find before one that it used.
    Appeared {
        /// The new file.
        path: String,
    },
    /// A file that it made is gone or has been changed by someone else.
    Output {
        /// The file.
        path: String,
    },
    /// A file that it reads is made by an action that is not fresh itself.
    Upstream {
        /// The file.
        path: String,
    },
}

impl std::fmt::Display for Reason {
    /// `include/a.h changed`: a clause for people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Reason::New => f.write_str("never built here"),
            Reason::Command { field, before: Some(before), now: Some(now) } => {
                write!(f, "{field} was `{before}` and is `{now}`")
            }
            Reason::Command { field, before: None, now: Some(now) } => {
                write!(f, "{field} `{now}` is new")
            }
            Reason::Command { field, before: Some(before), now: None } => {
                write!(f, "{field} `{before}` is gone")
            }
            Reason::Command { field, before: None, now: None } => write!(f, "{field} changed"),
            Reason::Input { path } => write!(f, "`{path}` changed"),
            Reason::Missing { path } => write!(f, "`{path}` is gone"),
            Reason::Appeared { path } => write!(f, "`{path}` appeared and comes first now"),
            Reason::Output { path } => write!(f, "the output `{path}` is gone or was changed"),
            Reason::Upstream { path } => write!(f, "`{path}` may change"),
        }
    }
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
    /// Actions whose outputs came out of the store.
    pub hits: usize,
    /// How many of these a remote server had.
    #[serde(default, skip_serializing_if = "is_none")]
    pub remote_hits: usize,
    /// How many of the actions that ran were done by a remote server.
    #[serde(default, skip_serializing_if = "is_none")]
    pub remote_ran: usize,
    /// How long these waited for workers in all, in microseconds, as the server says.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub remote_queued: u64,
    /// Bytes that went to a remote server.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub uploaded: u64,
    /// Bytes that came from it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub downloaded: u64,
    /// Actions that did not have to run.
    pub fresh: usize,
    /// Actions that failed.
    pub failed: usize,
    /// Actions that were not run because one failed or the run was interrupted.
    pub skipped: usize,
    /// Modules put in their place or found there unchanged.
    pub installed: usize,
    /// How many of these have new bytes.
    pub changed: usize,
    /// How long the run took.
    pub milliseconds: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde wants")]
fn is_none(number: &usize) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde wants")]
fn is_false(word: &bool) -> bool {
    !word
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde wants")]
fn is_zero(number: &u64) -> bool {
    *number == 0
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
            id: 7,
            action: action(),
            slot: 1,
            at: 12_000,
            outcome: Outcome::Ran,
            command: None,
            output: String::new(),
            remote: None,
        };
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(
            json,
            "{\"event\":\"action-finished\",\"id\":7,\"kind\":\"compile\",\"module\":\"crc32\",\
             \"target\":\"micropython-x64\",\"subject\":\"crc32.c\",\"slot\":1,\"at\":12000,\"outcome\":\"ran\"}"
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
