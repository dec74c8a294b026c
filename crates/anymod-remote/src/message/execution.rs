//! Messages about doing actions.

use std::collections::BTreeMap;

use prost::Message;

use super::{ActionResult, Any, Digest, Status};

/// Asks for an action to be done.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ExecuteRequest {
    /// The instance.
    #[prost(string, tag = "1")]
    pub instance_name: String,
    /// True if it is to be done even if the result is known.
    #[prost(bool, tag = "3")]
    pub skip_cache_lookup: bool,
    /// The action.
    #[prost(message, optional, tag = "6")]
    pub action_digest: Option<Digest>,
}

/// What came of doing an action.
#[derive(Clone, PartialEq, Message)]
pub struct ExecuteResponse {
    /// The result.
    #[prost(message, optional, tag = "1")]
    pub result: Option<ActionResult>,
    /// True if it was known already.
    #[prost(bool, tag = "2")]
    pub cached_result: bool,
    /// Whether the action could be done.
    #[prost(message, optional, tag = "3")]
    pub status: Option<Status>,
    /// For people.
    #[prost(string, tag = "5")]
    pub message: String,
    /// What else the server has to say, as blobs.
    #[prost(btree_map = "string, message", tag = "4")]
    pub server_logs: BTreeMap<String, LogFile>,
}

/// Something that a server has to say.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct LogFile {
    /// The text.
    #[prost(message, optional, tag = "1")]
    pub digest: Option<Digest>,
}

/// How far doing an action has come.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ExecuteOperationMetadata {
    /// 1 looks in the cache, 2 waits for a worker, 3 runs, 4 is done.
    #[prost(int32, tag = "1")]
    pub stage: i32,
}

/// Goes on listening to how an action is done.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct WaitExecutionRequest {
    /// The operation.
    #[prost(string, tag = "1")]
    pub name: String,
}

/// Asks for something to be stopped.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct CancelOperationRequest {
    /// The operation.
    #[prost(string, tag = "1")]
    pub name: String,
}

/// Nothing.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Empty {}

/// Something that takes its time.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Operation {
    /// What it is called.
    #[prost(string, tag = "1")]
    pub name: String,
    /// How far it has come.
    #[prost(message, optional, tag = "2")]
    pub metadata: Option<Any>,
    /// True once it is over.
    #[prost(bool, tag = "3")]
    pub done: bool,
    /// Why it could not be done.
    #[prost(message, optional, tag = "4")]
    pub error: Option<Status>,
    /// What came of it.
    #[prost(message, optional, tag = "5")]
    pub response: Option<Any>,
}

/// What has to hold before something can be done, and does not.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct PreconditionFailure {
    /// Each.
    #[prost(message, repeated, tag = "1")]
    pub violations: Vec<Violation>,
}

/// One of these.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Violation {
    /// `MISSING` for a blob that is not there.
    #[prost(string, tag = "1")]
    pub kind: String,
    /// `blobs/{hash}/{size}`.
    #[prost(string, tag = "2")]
    pub subject: String,
}
