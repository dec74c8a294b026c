//! What several test programs use.
#![allow(dead_code, reason = "each test program uses its own part")]

use std::path::Path;

use anymod_build::environment::Environment;

/// The machine's environment, with toolchains and caches under `home`.
pub(crate) fn environment(home: &Path) -> Environment {
    Environment::of_process().with("ANYMOD_HOME", &home.join("home").to_string_lossy())
}

/// Writes an executable shell script.
pub(crate) fn script(path: &Path, body: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, format!("#!/bin/sh\n{body}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
