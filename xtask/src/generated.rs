//! Files that are generated and committed: written, or with `--check` only compared.

use std::path::{Path, PathBuf};

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Writes `text` to `path` below the top of the repository, or compares the two if the arguments say `--check`.
pub(crate) fn write_or_check(
    path: &str,
    text: &str,
    task: &str,
    arguments: &[String],
) -> Result<(), String> {
    let full = root().join(path);
    let committed = std::fs::read_to_string(&full).unwrap_or_default();
    match arguments {
        [] if committed == text => Ok(()),
        [] => {
            println!("writing {path}");
            let directory = full.parent().unwrap_or(&full);
            std::fs::create_dir_all(directory)
                .and_then(|()| std::fs::write(&full, text))
                .map_err(|error| format!("cannot write {path}: {error}"))
        }
        [flag] if flag == "--check" && committed == text => Ok(()),
        [flag] if flag == "--check" => Err(format!(
            "{path} is not what its tables say: run `cargo xtask {task}` and commit it"
        )),
        _ => Err(format!("usage: cargo xtask {task} [--check]")),
    }
}
