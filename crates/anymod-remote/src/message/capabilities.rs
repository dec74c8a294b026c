//! Messages about what a server can do.

use prost::Message;

/// Asks what a server can do.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct GetCapabilitiesRequest {
    /// The instance.
    #[prost(string, tag = "1")]
    pub instance_name: String,
}

/// A version of the API.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Message)]
pub struct SemVer {
    /// The first number.
    #[prost(int32, tag = "1")]
    pub major: i32,
    /// The second.
    #[prost(int32, tag = "2")]
    pub minor: i32,
    /// The third.
    #[prost(int32, tag = "3")]
    pub patch: i32,
}

/// Number of SHA-256 among the digest functions.
pub const SHA256: i32 = 1;

/// Whether results may be given.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ActionCacheUpdateCapabilities {
    /// True if so.
    #[prost(bool, tag = "1")]
    pub update_enabled: bool,
}

/// What a server's cache can do.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct CacheCapabilities {
    /// Numbers of the digest functions that it knows.
    #[prost(int32, repeated, tag = "1")]
    pub digest_functions: Vec<i32>,
    /// Whether results may be given.
    #[prost(message, optional, tag = "2")]
    pub action_cache_update_capabilities: Option<ActionCacheUpdateCapabilities>,
    /// The most bytes in one call for several blobs; 0 if it does not say.
    #[prost(int64, tag = "4")]
    pub max_batch_total_size_bytes: i64,
}

/// What a server's executor can do.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ExecutionCapabilities {
    /// Number of its digest function.
    #[prost(int32, tag = "1")]
    pub digest_function: i32,
    /// True if it executes anything.
    #[prost(bool, tag = "2")]
    pub exec_enabled: bool,
    /// Numbers of the digest functions that it knows.
    #[prost(int32, repeated, tag = "5")]
    pub digest_functions: Vec<i32>,
}

/// What a server can do.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ServerCapabilities {
    /// Its cache.
    #[prost(message, optional, tag = "1")]
    pub cache_capabilities: Option<CacheCapabilities>,
    /// Its executor.
    #[prost(message, optional, tag = "2")]
    pub execution_capabilities: Option<ExecutionCapabilities>,
    /// The oldest version of the API that it speaks.
    #[prost(message, optional, tag = "4")]
    pub low_api_version: Option<SemVer>,
    /// The newest.
    #[prost(message, optional, tag = "5")]
    pub high_api_version: Option<SemVer>,
}
