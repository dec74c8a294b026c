//! The messages of the protocol, and only those that are used.
//!
//! Field numbers and types are those of the Remote Execution API, version 2 (`remote_execution.proto`), of
//! `google.bytestream`, `google.longrunning` and `google.rpc`. A message's bytes are its fields in the order of their
//! numbers, none for a default, as the API demands of what is digested. Fields that a server sends besides are passed over.

mod capabilities;
mod execution;

use anymod_store::Digest as Sha256;
use prost::Message;

pub use capabilities::*;
pub use execution::*;

/// The content of a blob: SHA-256 in hexadecimal digits, and length.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Message)]
pub struct Digest {
    /// 64 small hexadecimal digits.
    #[prost(string, tag = "1")]
    pub hash: String,
    /// Length in bytes.
    #[prost(int64, tag = "2")]
    pub size_bytes: i64,
}

impl Digest {
    /// The digest of bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Digest {
        Digest::new(Sha256::of(bytes), bytes.len() as u64)
    }

    /// The digest of a message, as it is stored.
    #[must_use]
    pub fn of_message(message: &impl Message) -> Digest {
        Digest::of(&message.encode_to_vec())
    }

    /// A digest that is known.
    #[must_use]
    pub fn new(hash: Sha256, size: u64) -> Digest {
        Digest { hash: hash.to_string(), size_bytes: i64::try_from(size).unwrap_or(i64::MAX) }
    }

    /// The length, unless it is none.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        u64::try_from(self.size_bytes).ok()
    }

    /// The SHA-256, unless it is none.
    #[must_use]
    pub fn sha256(&self) -> Option<Sha256> {
        Sha256::from_hex(&self.hash)
    }

    /// True if it is the digest of these bytes.
    #[must_use]
    pub fn fits(&self, bytes: &[u8]) -> bool {
        self.size() == Some(bytes.len() as u64) && self.sha256() == Some(Sha256::of(bytes))
    }
}

/// A name and a value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Message)]
pub struct Pair {
    /// The name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// What a worker has to be like; sorted by name and value.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Platform {
    /// The properties.
    #[prost(message, repeated, tag = "1")]
    pub properties: Vec<Pair>,
}

/// A command line and what belongs to it.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Command {
    /// Program and arguments.
    #[prost(string, repeated, tag = "1")]
    pub arguments: Vec<String>,
    /// The environment, sorted by name.
    #[prost(message, repeated, tag = "2")]
    pub environment_variables: Vec<Pair>,
    /// What a worker has to be like.
    #[prost(message, optional, tag = "5")]
    pub platform: Option<Platform>,
    /// Where it runs, relative to the input root.
    #[prost(string, tag = "6")]
    pub working_directory: String,
    /// What it makes, relative to where it runs, sorted.
    #[prost(string, repeated, tag = "7")]
    pub output_paths: Vec<String>,
}

/// A length of time.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Duration {
    /// Whole seconds.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// The rest.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// An action: what results are kept under.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Action {
    /// Digest of the [`Command`].
    #[prost(message, optional, tag = "1")]
    pub command_digest: Option<Digest>,
    /// Digest of the [`Directory`] that it runs in.
    #[prost(message, optional, tag = "2")]
    pub input_root_digest: Option<Digest>,
    /// How long it may take.
    #[prost(message, optional, tag = "6")]
    pub timeout: Option<Duration>,
    /// True if the result is not to be kept.
    #[prost(bool, tag = "7")]
    pub do_not_cache: bool,
    /// Keeps actions apart that are otherwise alike.
    #[prost(bytes = "vec", tag = "9")]
    pub salt: Vec<u8>,
    /// What a worker has to be like; the same as the command's.
    #[prost(message, optional, tag = "10")]
    pub platform: Option<Platform>,
}

/// A file of a directory.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct FileNode {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its content.
    #[prost(message, optional, tag = "2")]
    pub digest: Option<Digest>,
    /// True if it may be executed.
    #[prost(bool, tag = "4")]
    pub is_executable: bool,
}

/// A directory in a directory.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct DirectoryNode {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Digest of the [`Directory`].
    #[prost(message, optional, tag = "2")]
    pub digest: Option<Digest>,
}

/// A symbolic link.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct SymlinkNode {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Where it leads.
    #[prost(string, tag = "2")]
    pub target: String,
}

/// A directory; each list is sorted by name, and no name is in two of them.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Directory {
    /// Files.
    #[prost(message, repeated, tag = "1")]
    pub files: Vec<FileNode>,
    /// Directories.
    #[prost(message, repeated, tag = "2")]
    pub directories: Vec<DirectoryNode>,
    /// Symbolic links.
    #[prost(message, repeated, tag = "3")]
    pub symlinks: Vec<SymlinkNode>,
}

/// A file that an action made.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct OutputFile {
    /// Where, as the command called it.
    #[prost(string, tag = "1")]
    pub path: String,
    /// Its content.
    #[prost(message, optional, tag = "2")]
    pub digest: Option<Digest>,
    /// True if it may be executed.
    #[prost(bool, tag = "4")]
    pub is_executable: bool,
    /// The content itself, if the server sends it along.
    #[prost(bytes = "vec", tag = "5")]
    pub contents: Vec<u8>,
}

/// A moment.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Timestamp {
    /// Seconds since 1970.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// The rest.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// Who did an action, and when.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ExecutedActionMetadata {
    /// Name of the worker.
    #[prost(string, tag = "1")]
    pub worker: String,
    /// When it began to wait.
    #[prost(message, optional, tag = "2")]
    pub queued_timestamp: Option<Timestamp>,
    /// When a worker took it.
    #[prost(message, optional, tag = "3")]
    pub worker_start_timestamp: Option<Timestamp>,
    /// When the worker was done.
    #[prost(message, optional, tag = "4")]
    pub worker_completed_timestamp: Option<Timestamp>,
}

/// What came of an action.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ActionResult {
    /// Files.
    #[prost(message, repeated, tag = "2")]
    pub output_files: Vec<OutputFile>,
    /// How the command ended.
    #[prost(int32, tag = "4")]
    pub exit_code: i32,
    /// What it said.
    #[prost(bytes = "vec", tag = "5")]
    pub stdout_raw: Vec<u8>,
    /// The same, as a blob.
    #[prost(message, optional, tag = "6")]
    pub stdout_digest: Option<Digest>,
    /// What it complained of.
    #[prost(bytes = "vec", tag = "7")]
    pub stderr_raw: Vec<u8>,
    /// The same, as a blob.
    #[prost(message, optional, tag = "8")]
    pub stderr_digest: Option<Digest>,
    /// Who did it, and when.
    #[prost(message, optional, tag = "9")]
    pub execution_metadata: Option<ExecutedActionMetadata>,
}

/// Asks for a result.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct GetActionResultRequest {
    /// The instance.
    #[prost(string, tag = "1")]
    pub instance_name: String,
    /// The action.
    #[prost(message, optional, tag = "2")]
    pub action_digest: Option<Digest>,
    /// Whether what was said is wanted in the result itself.
    #[prost(bool, tag = "3")]
    pub inline_stdout: bool,
}

/// Gives a result.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct UpdateActionResultRequest {
    /// The instance.
    #[prost(string, tag = "1")]
    pub instance_name: String,
    /// The action.
    #[prost(message, optional, tag = "2")]
    pub action_digest: Option<Digest>,
    /// What came of it.
    #[prost(message, optional, tag = "3")]
    pub action_result: Option<ActionResult>,
}

/// Asks which blobs a server lacks.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct FindMissingBlobsRequest {
    /// The instance.
    #[prost(string, tag = "1")]
    pub instance_name: String,
    /// The blobs.
    #[prost(message, repeated, tag = "2")]
    pub blob_digests: Vec<Digest>,
}

/// Which blobs a server lacks.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct FindMissingBlobsResponse {
    /// They.
    #[prost(message, repeated, tag = "2")]
    pub missing_blob_digests: Vec<Digest>,
}

/// How a part of a call went.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Status {
    /// A code of gRPC; 0 if well.
    #[prost(int32, tag = "1")]
    pub code: i32,
    /// In words.
    #[prost(string, tag = "2")]
    pub message: String,
    /// Further facts.
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<Any>,
}

impl Status {
    /// The same as the error of a call.
    pub(crate) fn into_status(self) -> tonic::Status {
        let details = self.encode_to_vec().into();
        tonic::Status::with_details(self.code.into(), self.message, details)
    }
}

/// A message of any type.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Any {
    /// Its type.
    #[prost(string, tag = "1")]
    pub type_url: String,
    /// Its bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

/// A blob with its content, to be stored.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct BlobUpdate {
    /// The digest.
    #[prost(message, optional, tag = "1")]
    pub digest: Option<Digest>,
    /// The content.
    #[prost(bytes = "vec", tag = "2")]
    pub data: Vec<u8>,
}

/// Gives small blobs.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct BatchUpdateBlobsRequest {
    /// The instance.
    #[prost(string, tag = "1")]
    pub instance_name: String,
    /// The blobs.
    #[prost(message, repeated, tag = "2")]
    pub requests: Vec<BlobUpdate>,
}

/// How storing one blob went.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct BlobUpdated {
    /// The blob.
    #[prost(message, optional, tag = "1")]
    pub digest: Option<Digest>,
    /// How it went.
    #[prost(message, optional, tag = "2")]
    pub status: Option<Status>,
}

/// How storing blobs went.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct BatchUpdateBlobsResponse {
    /// Each.
    #[prost(message, repeated, tag = "1")]
    pub responses: Vec<BlobUpdated>,
}

/// Asks for small blobs.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct BatchReadBlobsRequest {
    /// The instance.
    #[prost(string, tag = "1")]
    pub instance_name: String,
    /// The blobs.
    #[prost(message, repeated, tag = "2")]
    pub digests: Vec<Digest>,
}

/// A blob with its content, as it was asked for.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct BlobRead {
    /// The blob.
    #[prost(message, optional, tag = "1")]
    pub digest: Option<Digest>,
    /// The content.
    #[prost(bytes = "vec", tag = "2")]
    pub data: Vec<u8>,
    /// How it went.
    #[prost(message, optional, tag = "3")]
    pub status: Option<Status>,
}

/// Small blobs.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct BatchReadBlobsResponse {
    /// Each.
    #[prost(message, repeated, tag = "1")]
    pub responses: Vec<BlobRead>,
}

/// Asks for a large blob.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ReadRequest {
    /// `{instance}/blobs/{hash}/{size}`.
    #[prost(string, tag = "1")]
    pub resource_name: String,
    /// Where to begin.
    #[prost(int64, tag = "2")]
    pub read_offset: i64,
    /// How much; all if 0.
    #[prost(int64, tag = "3")]
    pub read_limit: i64,
}

/// A part of a large blob.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ReadResponse {
    /// The next bytes.
    #[prost(bytes = "vec", tag = "10")]
    pub data: Vec<u8>,
}

/// A part of a large blob, to be stored.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct WriteRequest {
    /// `{instance}/uploads/{uuid}/blobs/{hash}/{size}`, in the first one.
    #[prost(string, tag = "1")]
    pub resource_name: String,
    /// Where these bytes belong.
    #[prost(int64, tag = "2")]
    pub write_offset: i64,
    /// True in the last one.
    #[prost(bool, tag = "3")]
    pub finish_write: bool,
    /// The bytes.
    #[prost(bytes = "vec", tag = "10")]
    pub data: Vec<u8>,
}

/// How much of a large blob was stored.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct WriteResponse {
    /// Bytes.
    #[prost(int64, tag = "1")]
    pub committed_size: i64,
}
