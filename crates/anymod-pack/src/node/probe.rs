//! The probe: an addon that the loader loads first, for what JavaScript cannot do: ask the processor for its level, and sum
//! up a file at the speed of memory. It uses no library, so that it is small and loads fast.

use anymod_model::Platform;
use anymod_model::node::file_name;

/// Name in the probe's identity.
pub const PROBE_NAME: &str = "anymod-probe";
/// Version in the probe's identity.
pub const PROBE_VERSION: &str = "1";
/// Its source, in C.
pub const PROBE_SOURCE: &str = include_str!("probe.c");

/// Name of its file.
#[must_use]
pub fn probe_file(platform: Platform) -> String {
    file_name(PROBE_NAME, platform, None)
}
