//! Libraries that the managed zig builds from source when a program is first linked for a target, built ahead of time.

use std::process::{Command, Stdio};

use anymod_model::codes::{build, toolchain as codes};
use anymod_model::manifest::{ToolchainChoice, ToolchainKind};
use anymod_model::{Diagnostic, Target};

use super::{Choice, find_archive_tools, wasi};
use crate::environment::Environment;
use crate::install;

/// What is linked: something of the C library, and of the C++ library.
const SOURCES: [(&str, &str); 2] = [
    (
        "probe.c",
        "#include <math.h>\n#include <stdio.h>\nint main(int n, char **v) { printf(\"%f\\n\", sin(n)); return v == 0; }\n",
    ),
    (
        "probe.cpp",
        "#include <vector>\n#include <string>\nint main(int n, char **v) { std::vector<std::string> x(n, v[0]); return x.size() > 9; }\n",
    ),
];

/// Builds what the managed zig needs for a target, so that the first link is as quick as the next and takes no network.
///
/// # Errors
/// `T0001` if zig is not installed, `T0004` for a target that it is not for, `B0001` with its words if it fails.
pub fn prewarm(target: Target, environment: &Environment) -> Result<(), Diagnostic> {
    if target == Target::Emscripten || !target.takes_archives() {
        let message = format!("zig has nothing to build ahead for `{target}`");
        return Err(Diagnostic::error(&codes::UNSUPPORTED, message)
            .hint("name `wasi`, `native-static` or `native-PLATFORM`"));
    }
    if target == Target::Wasi {
        wasi::prewarm(environment)?;
    }
    let kind = Some(ToolchainKind::Zig);
    let choice = Choice {
        manifest: ToolchainChoice { kind, ..ToolchainChoice::default() },
        ..Choice::default()
    };
    let tools = find_archive_tools(target, &choice, environment)?;
    let directory =
        tempfile::tempdir().map_err(|error| install::write_error(&std::env::temp_dir(), &error))?;
    for (name, source) in SOURCES {
        let path = directory.path().join(name);
        install::write_scratch(&path, source)?;
        let call = if name.ends_with(".c") { Some(&tools.cc) } else { tools.cxx.as_ref() };
        let Some((program, arguments)) = call.and_then(|call| call.split_first()) else { continue };
        let output = Command::new(program)
            .args(arguments)
            .args(&tools.cflags)
            .args(&tools.ldflags)
            // WASI's C++ library has none.
            .args(["-fno-exceptions", name, "-o", "probe"])
            .current_dir(directory.path())
            .env_clear()
            .envs(environment.for_tools())
            .stdin(Stdio::null())
            .output()
            .map_err(|error| {
                Diagnostic::error(
                    &codes::UNUSABLE,
                    format!("`{program}` cannot be started: {error}"),
                )
                .hint("run `anymod toolchain install zig`")
            })?;
        if !output.status.success() {
            let message = format!("zig cannot link a program for `{target}`");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let finding = Diagnostic::error(&build::TOOL_FAILED, message);
            return Err(said.lines().take(8).fold(finding, Diagnostic::note));
        }
    }
    Ok(())
}
