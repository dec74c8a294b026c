//! What a server says of an action that it does: messages of a stream, read. Bytes of a server that may be sick, so nothing
//! here believes more than what it has read.

use std::time::Duration;

use prost::Message as _;
use tonic::Code;

use crate::message::{
    ActionResult, ExecuteOperationMetadata, ExecuteResponse, Operation, Timestamp,
};
use crate::refusal::{Refusal, refusal};

/// Number of the stage in which a worker runs the action; the one after it is the last.
const EXECUTING: i32 = 3;

/// How far an action has come.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// No worker has begun.
    Waits,
    /// One has.
    Runs,
    /// It was done, whatever came of it.
    Done(Box<ExecuteResponse>),
    /// It was not.
    Refused(Refusal),
    /// The worker took longer than the action may.
    TooLong,
    /// The server says that it is over, and nothing that can be read.
    Unreadable,
}

/// Reads a message of the stream.
#[must_use]
pub fn news(operation: Operation) -> News {
    if !operation.done {
        let value = operation.metadata.map(|any| any.value).unwrap_or_default();
        let stage = ExecuteOperationMetadata::decode(value.as_slice()).map(|said| said.stage);
        return if stage.is_ok_and(|stage| stage >= EXECUTING) { News::Runs } else { News::Waits };
    }
    if let Some(error) = operation.error {
        return News::Refused(refusal(&error.into_status()));
    }
    let value = operation.response.map(|any| any.value).unwrap_or_default();
    let Ok(response) = ExecuteResponse::decode(value.as_slice()) else { return News::Unreadable };
    match &response.status {
        Some(status) if status.code == Code::DeadlineExceeded as i32 => News::TooLong,
        Some(status) if status.code != 0 => News::Refused(refusal(&status.clone().into_status())),
        _ => News::Done(Box::new(response)),
    }
}

/// How long an action waited for a worker, as far as the server says.
#[must_use]
pub fn queued(result: &ActionResult) -> Duration {
    let nanoseconds =
        |time: &Timestamp| i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos);
    let Some(metadata) = &result.execution_metadata else { return Duration::ZERO };
    let (from, to) = (&metadata.queued_timestamp, &metadata.worker_start_timestamp);
    let (Some(from), Some(to)) = (from, to) else { return Duration::ZERO };
    let waited = u64::try_from(nanoseconds(to) - nanoseconds(from));
    waited.map_or(Duration::ZERO, Duration::from_nanos)
}
