//! The modules that are built and bundled: generated C, the same for every run.

use std::path::{Path, PathBuf};

use crate::files::{make_dir, write};
use crate::generate::{self, Program};

/// Four modules of one file each, whose archives for wasi come to about 2 MB in debug builds.
const PROGRAM: Program = Program { files: 4, functions: 245 };

/// What is built.
pub(super) const TARGETS: [&str; 4] =
    ["native", "native-static", "native-linux-arm64-musl", "wasi"];
pub(super) const BUILD_TYPES: [&str; 2] = ["debug", "release"];

/// Writes the project; its directory.
pub(super) fn project(directory: &Path) -> Result<PathBuf, String> {
    let root = directory.join("project");
    make_dir(&root)?;
    let targets: Vec<String> = TARGETS.iter().map(|target| format!("\"{target}\"")).collect();
    let mut manifest = format!("[project]\ntargets = [{}]\n", targets.join(", "));
    for file in 0..PROGRAM.files {
        // Every function is for others to call, so that no linker leaves any out.
        manifest += &format!(
            "\n[module.m{file}]\nsources = [\"m{file}.c\"]\ncflags = [\"-fvisibility=default\"]\n"
        );
        let text = generate::source(PROGRAM, file, "#include <stdint.h>\n");
        write(&root.join(format!("m{file}.c")), &text)?;
    }
    write(&root.join("anymod.toml"), &manifest)?;
    Ok(root)
}

/// The archives of a target and a build type, relative to the project.
pub(super) fn archives(target: &str, build_type: &str) -> Vec<String> {
    let name = |file| format!("build/{target}/{build_type}/m{file}.a");
    (0..PROGRAM.files).map(name).collect()
}
