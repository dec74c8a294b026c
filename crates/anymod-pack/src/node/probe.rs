//! The probe: an addon that the loader loads first, for what JavaScript cannot do: ask the processor for its level, and sum
//! up a file at the speed of memory. It uses no library, so that it is small and loads fast.
//!
//! The one that is embedded also unpacks: it has the decompressor of zstd in it, and uses the C library.

use anymod_model::Platform;
use anymod_model::node::file_name;

/// Name in the probe's identity.
pub const PROBE_NAME: &str = "anymod-probe";
/// Version in the probe's identity.
pub const PROBE_VERSION: &str = "3";
/// Its source, in C.
pub const PROBE_SOURCE: &str = include_str!("probe.c");

/// Options of the compiler for the source of the one that unpacks: the library as small as it gets, which costs no time where
/// everything waits for the memory, and without functions for processors that may not be there.
pub const UNPACKER_OPTIONS: [&str; 13] = [
    "-Os",
    "-DANYMOD_UNPACK",
    "-DDEBUGLEVEL=0",
    "-DDYNAMIC_BMI2=0",
    "-DHUF_FORCE_DECOMPRESS_X1=1",
    "-DXXH_INLINE_ALL",
    "-DXXH_NAMESPACE=ZSTD_",
    "-DXXH_PRIVATE_API",
    "-DZSTDLIB_VISIBLE=",
    "-DZSTDERRORLIB_VISIBLE=",
    "-DZSTD_DISABLE_ASM=1",
    "-DZSTD_STRIP_ERROR_STRINGS=1",
    "-DZSTD_TRACE=0",
];

/// The source of the one that unpacks: zstd's, gathered by the build script, and ours.
#[must_use]
pub fn unpacker_source() -> String {
    [include_str!(concat!(env!("OUT_DIR"), "/zstd.c")), include_str!("unpack.c"), PROBE_SOURCE]
        .concat()
}

/// Name of its file.
#[must_use]
pub fn probe_file(platform: Platform) -> String {
    file_name(PROBE_NAME, platform, None)
}
