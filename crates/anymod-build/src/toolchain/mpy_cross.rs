//! mpy-cross: the compiler of Python sources, one for every version of `.mpy` files.

use std::path::PathBuf;

use anymod_model::codes::toolchain as codes;
use anymod_model::{Abi, Diagnostic};

use super::{ask, install};
use crate::environment::Environment;
use crate::log::Log;
use anymod_store::Digest;

/// Version of the managed package.
pub(crate) const VERSION: &str = "1.29.0.post2";

/// An mpy-cross for one ABI.
#[derive(Clone, Debug)]
pub(crate) struct MpyCross {
    pub(crate) program: PathBuf,
    pub(crate) version: String,
    pub(crate) identity: Digest,
}

/// Where the managed package keeps the program for an ABI, within its directory.
pub(crate) fn managed_path(abi: Abi) -> &'static str {
    match abi {
        Abi::V1_19 => "archive/v1.19/mpy-cross",
        Abi::V1_20 => "archive/v1.20.0/mpy-cross",
        Abi::V1_22 => "archive/v1.22.0/mpy-cross",
        Abi::V1_23 => "mpy-cross",
    }
}

/// Finds the mpy-cross for an ABI: the managed one, else one on the `PATH` that writes this version.
///
/// # Errors
/// `T0006` if there is none.
pub(crate) fn find_mpy_cross(
    abi: Abi,
    environment: &Environment,
    log: &mut Log,
) -> Result<MpyCross, Diagnostic> {
    let managed = install::directory(environment, "mpy-cross", VERSION)
        .and_then(|dir| environment.find_program(&dir.join(managed_path(abi)).to_string_lossy()));
    let Some(program) = managed.or_else(|| environment.find_program("mpy-cross")) else {
        return Err(missing(abi, None));
    };
    let version = ask(&program, &["--version"], environment, log)?;
    if emitted(&version) != Some(abi.sub_version()) {
        return Err(missing(abi, Some(&version)));
    }
    let identity = super::digest_of(&program, log)?;
    Ok(MpyCross { program, version, identity })
}

/// The sub-version of native code that an mpy-cross writes, from what it prints as its version:
/// `MicroPython v1.25.0 on 2025-04-15; mpy-cross emitting mpy v6.3`. Version 6.0 is printed as `v6`.
fn emitted(version: &str) -> Option<u8> {
    let (_, number) = version.rsplit_once("mpy v")?;
    let (major, sub) = number.trim().split_once('.').unwrap_or((number.trim(), "0"));
    (major.parse() == Ok(Abi::VERSION)).then(|| sub.parse().ok()).flatten()
}

fn missing(abi: Abi, found: Option<&str>) -> Diagnostic {
    let message = format!("no mpy-cross for MicroPython {}", abi.releases());
    let mut finding = Diagnostic::error(&codes::MPY_CROSS, message);
    if let Some(found) = found {
        finding = finding.note(format!("found one that says `{}`", found.trim()));
    }
    finding.hint("run `anymod toolchain install mpy-cross`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_written_is_read_from_what_it_prints() {
        assert_eq!(
            emitted("MicroPython v1.25.0 on 2025-04-15; mpy-cross emitting mpy v6.3"),
            Some(3)
        );
        assert_eq!(
            emitted("MicroPython v1.19 on 2024-06-03; mpy-cross emitting mpy v6\n"),
            Some(0)
        );
        assert_eq!(emitted("MicroPython v1.12 on 2024-06-02; mpy-cross emitting mpy v5"), None);
        assert_eq!(emitted("something else"), None);
    }
}
