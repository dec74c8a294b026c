//! What servers mean when they do not execute an action: each has its own code and words for the same few things.

use prost::Message as _;
use tonic::{Code, Status};

use crate::fault::Fault;
use crate::message::{self, PreconditionFailure};

/// Why an action was not executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No worker is what the action wants; the server's words.
    NoWorker(String),
    /// The server lacks inputs; its words.
    Lost(String),
    /// Anything else.
    Other(Fault),
}

/// How the servers say that no worker will do: Buildbarn and BuildGrid with `FAILED_PRECONDITION`, BuildBuddy with
/// `UNAVAILABLE`. In small letters.
const NO_WORKER: [&str; 9] = [
    "no worker",
    "no bot",
    "no eligible",
    "no registered executor",
    "no executor",
    "no available executor",
    "no matching worker",
    "requirements cannot be met",
    "unsupported platform",
];
/// How they say that blobs are gone. In small letters.
const LOST: [&str; 6] =
    ["missing", "not found", "not_found", "no such blob", "does not exist", "could not be fetched"];
/// What a violation of a precondition is called if a blob is not there.
const MISSING: &str = "MISSING";

/// What a status means.
pub(crate) fn refusal(status: &Status) -> Refusal {
    let fault = Fault::of(status);
    let said = match &fault {
        Fault::Missing => status.message().to_owned(),
        fault => fault.to_string(),
    };
    let lower = status.message().to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let gone = missing(status);
    if !gone.is_empty() {
        return Refusal::Lost(gone.join(", "));
    }
    if has(&NO_WORKER) {
        return Refusal::NoWorker(said);
    }
    let infrastructure = matches!(
        status.code(),
        Code::FailedPrecondition | Code::NotFound | Code::Internal | Code::InvalidArgument
    );
    if fault == Fault::Missing || (infrastructure && has(&LOST)) {
        return Refusal::Lost(said);
    }
    Refusal::Other(fault)
}

/// The blobs that a status says are missing.
fn missing(status: &Status) -> Vec<String> {
    let Ok(status) = message::Status::decode(status.details()) else { return Vec::new() };
    let failures =
        status.details.iter().filter(|any| any.type_url.ends_with("PreconditionFailure"));
    let failures =
        failures.filter_map(|any| PreconditionFailure::decode(any.value.as_slice()).ok());
    let violations = failures.flat_map(|failure| failure.violations);
    violations.filter(|one| one.kind == MISSING).map(|one| one.subject).take(3).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Any, Violation};

    #[test]
    fn servers_are_understood_whatever_their_words() {
        let no_worker = [
            (9, "No workers exist for instance name prefix \"\" platform {\"os\":\"linux\"}"),
            (14, "No registered executors in pool \"x\" with os \"linux\" with arch \"amd64\"."),
            (9, "Job's requirements cannot be met: no worker has them"),
        ];
        for (code, words) in no_worker {
            let status = Status::new(code.into(), words);
            assert!(matches!(refusal(&status), Refusal::NoWorker(_)), "{words}");
        }
        let lost = [
            (9, "input root missing in CAS"),
            (13, "Could not be fetched: 0a12/42"),
            (5, "blob 0a12 not found"),
            (5, ""),
        ];
        for (code, words) in lost {
            let status = Status::new(code.into(), words);
            assert!(matches!(refusal(&status), Refusal::Lost(_)), "{code} {words}");
        }
        for (code, words) in [(14, "connection reset"), (7, "not allowed"), (13, "worker died")] {
            let status = Status::new(code.into(), words);
            assert!(matches!(refusal(&status), Refusal::Other(_)), "{code} {words}");
        }
    }

    #[test]
    fn what_is_missing_is_named_if_the_server_names_it() {
        let violation = Violation { kind: MISSING.to_owned(), subject: "blobs/0a/7".to_owned() };
        let value = PreconditionFailure { violations: vec![violation] }.encode_to_vec();
        let type_url = "type.googleapis.com/google.rpc.PreconditionFailure".to_owned();
        let said = message::Status {
            code: 9,
            message: "x".to_owned(),
            details: vec![Any { type_url, value }],
        };
        assert_eq!(refusal(&said.into_status()), Refusal::Lost("blobs/0a/7".to_owned()));
    }
}
