//! Addons for Node.js besides planning: what this machine is, and finishing what was linked.

use anymod_model::node::Level;
use anymod_model::platform::{Cpu, Libc, Os};
use anymod_model::{Diagnostic, Diagnostics, Platform};

use crate::action::Seal;

/// Writes the sums into an addon; its bytes and what is doubtful about it.
///
/// # Errors
/// What keeps it from being loaded.
pub(crate) fn seal(bytes: Vec<u8>, seal: &Seal) -> Result<(Vec<u8>, Vec<Diagnostic>), Diagnostics> {
    let bytes = anymod_link::identity::seal(bytes, &seal.file)?;
    let _ = (&seal.dispatched, seal.stripped);
    Ok((bytes, Vec::new()))
}

/// True if the platform is the one that this runs on.
pub(crate) fn is_host(platform: Platform) -> bool {
    let info = platform.info();
    let os = match info.os {
        Os::Linux => cfg!(target_os = "linux"),
        Os::Darwin => cfg!(target_os = "macos"),
        Os::Win32 => cfg!(windows),
    };
    let cpu = match info.cpu {
        Cpu::X64 => cfg!(target_arch = "x86_64"),
        Cpu::Arm64 => cfg!(target_arch = "aarch64"),
    };
    // Both C libraries of Linux have the same processor below them.
    os && cpu && matches!(info.libc, Libc::Glibc | Libc::Musl | Libc::System | Libc::Ucrt)
}

/// The level of this machine's processor, asked of itself; none if it has none.
#[cfg(target_arch = "x86_64")]
pub(crate) fn host_level() -> Option<Level> {
    macro_rules! has {
        ($($feature:tt),*) => { $(std::arch::is_x86_feature_detected!($feature))&&* };
    }
    let v2 = has!("sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "cmpxchg16b");
    let v3 = has!("avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "lzcnt", "movbe");
    let v4 = has!("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl");
    Some(match (v2, v3, v4) {
        (true, true, true) => Level::V4,
        (true, true, false) => Level::V3,
        (true, false, _) => Level::V2,
        _ => Level::V1,
    })
}

/// None: the levels are those of x86-64.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn host_level() -> Option<Level> {
    None
}
