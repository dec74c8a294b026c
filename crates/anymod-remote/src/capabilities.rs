//! What a server says that it can do, held against what this client needs.

use crate::fault::Fault;
use crate::message::{GetCapabilitiesRequest, SHA256, SemVer, ServerCapabilities};
use crate::wire::Wire;

const GET: &str = "/build.bazel.remote.execution.v2.Capabilities/GetCapabilities";

/// The most bytes in one call for several blobs, whatever a server says: messages of gRPC end at 4 MiB unless both sides
/// agree on more, and a server that says 0 means no more than that.
pub(crate) const MAX_BATCH: u64 = 3 << 20;

/// What a server can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The oldest and the newest version of the API that it speaks, as it writes them.
    pub versions: (String, String),
    /// The most bytes in one call for several blobs, as agreed upon.
    pub batch: u64,
    /// What it says of that itself; 0 for nothing.
    pub said_batch: i64,
    /// True if it takes results.
    pub updates: bool,
    /// True if it executes.
    pub executes: bool,
    /// True if it knows `output_paths`, which came with version 2.1.
    pub output_paths: bool,
}

impl Capabilities {
    pub(crate) async fn ask(wire: &Wire) -> Result<Capabilities, Fault> {
        let request = GetCapabilitiesRequest { instance_name: wire.config.instance.clone() };
        let said: ServerCapabilities = match wire.unary(GET, &request).await {
            Err(Fault::Missing) => {
                let instance = &wire.config.instance;
                return Err(Fault::Refused(format!("it has no instance `{instance}`")));
            }
            said => said?,
        };
        Capabilities::agree(&said)
    }

    /// What both sides can do.
    fn agree(said: &ServerCapabilities) -> Result<Capabilities, Fault> {
        let version = |version: &Option<SemVer>| version.clone().unwrap_or_default();
        let (low, high) = (version(&said.low_api_version), version(&said.high_api_version));
        let shown = |version: &SemVer| format!("{}.{}", version.major, version.minor);
        if high.major < 2 || low.major > 2 {
            let (low, high) = (shown(&low), shown(&high));
            let why =
                format!("it speaks version {low} to {high} of the API, and version 2 is needed");
            return Err(Fault::Wrong(why));
        }
        let cache = said.cache_capabilities.clone().unwrap_or_default();
        if !cache.digest_functions.contains(&SHA256) {
            return Err(Fault::Wrong("it does not name blobs by their SHA-256".to_owned()));
        }
        let updates = cache.action_cache_update_capabilities.unwrap_or_default().update_enabled;
        let said_batch = cache.max_batch_total_size_bytes;
        let batch = u64::try_from(said_batch).ok().filter(|limit| *limit > 0);
        let execution = said.execution_capabilities.clone().unwrap_or_default();
        let sha256 =
            execution.digest_function == SHA256 || execution.digest_functions.contains(&SHA256);
        Ok(Capabilities {
            output_paths: (high.major, high.minor) >= (2, 1),
            versions: (shown(&low), shown(&high)),
            batch: batch.map_or(MAX_BATCH, |limit| limit.min(MAX_BATCH)),
            said_batch,
            updates,
            executes: execution.exec_enabled && sha256,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::CacheCapabilities;

    fn said(high: (i32, i32), functions: &[i32], batch: i64) -> ServerCapabilities {
        let version = |(major, minor)| Some(SemVer { major, minor, patch: 0 });
        ServerCapabilities {
            cache_capabilities: Some(CacheCapabilities {
                digest_functions: functions.to_vec(),
                action_cache_update_capabilities: None,
                max_batch_total_size_bytes: batch,
            }),
            execution_capabilities: None,
            low_api_version: version((2, 0)),
            high_api_version: version(high),
        }
    }

    #[test]
    fn batches_are_what_both_can_take() {
        for (advertised, agreed) in
            [(0, MAX_BATCH), (-1, MAX_BATCH), (i64::MAX, MAX_BATCH), (1000, 1000)]
        {
            let agreed_on = Capabilities::agree(&said((2, 3), &[1], advertised)).unwrap();
            assert_eq!(agreed_on.batch, agreed, "{advertised}");
        }
    }

    #[test]
    fn servers_of_another_kind_are_told_apart() {
        assert!(Capabilities::agree(&said((1, 9), &[1], 0)).is_err());
        assert!(Capabilities::agree(&said((2, 0), &[2, 3], 0)).is_err());
        assert!(!Capabilities::agree(&said((2, 0), &[1], 0)).unwrap().output_paths);
        assert!(Capabilities::agree(&said((2, 1), &[1], 0)).unwrap().output_paths);
    }
}
