//! What this program runs on: its platform, and how far its processor goes.

use anymod_model::Platform;
use anymod_model::platform::PLATFORMS;

/// The platform that this program was compiled for; none if addons are not built for it.
pub(crate) fn platform() -> Option<Platform> {
    let system = if cfg!(target_os = "macos") {
        "darwin"
    } else if cfg!(windows) {
        "win32"
    } else {
        std::env::consts::OS
    };
    let processor = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let known = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));
    // A library has the C library of the program that loads it.
    let libc = if cfg!(all(target_os = "linux", target_env = "musl")) { "-musl" } else { "" };
    let name = format!("{system}-{processor}{libc}");
    PLATFORMS.iter().find(|row| known && row.name == name).map(|row| row.platform)
}

/// The level of x86-64 that the processor and its system have; all of them where there are no levels.
#[cfg(target_arch = "x86_64")]
pub(crate) fn level() -> u32 {
    macro_rules! has {
        ($($feature:tt),*) => { $(std::arch::is_x86_feature_detected!($feature))&&* };
    }
    if !has!("sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "cmpxchg16b") {
        return 1;
    }
    if !has!("avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "lzcnt", "movbe") {
        return 2;
    }
    if has!("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl") { 4 } else { 3 }
}

/// The level of x86-64 that the processor and its system have; all of them where there are no levels.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn level() -> u32 {
    u32::MAX
}
