//! The repository's own rules: the first four invariants of ARCHITECTURE.md, and what CONTRIBUTING.md asks of files.
//!
//! All findings are reported at once, each with what to do. A rule has its exceptions written next to it, with a reason.

mod layering;
mod sources;

use std::path::{Path, PathBuf};

use crate::generated::root;

/// The task.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    if !arguments.is_empty() {
        return Err("usage: cargo xtask tidy".to_owned());
    }
    let check = ["--check".to_owned()];
    let mut findings = Vec::new();
    findings.extend(crate::schema::run(&check).err());
    findings.extend(crate::docs::run(&check).err());
    findings.extend(layering::check()?);
    let files = rust_files()?;
    for (path, text) in &files {
        findings.extend(sources::check(path, text));
    }
    findings.extend(sources::unused_codes(&files));
    if findings.is_empty() {
        println!("tidy: {} files", files.len());
        return Ok(());
    }
    findings.sort();
    Err(format!("{}\ntidy: {} findings", findings.join("\n"), findings.len()))
}

/// Every Rust file below the top, sorted, with its text. Paths are relative to the top and written with `/`.
fn rust_files() -> Result<Vec<(String, String)>, String> {
    let mut files = Vec::new();
    for directory in ["benches", "crates", "examples", "fuzz", "tests", "xtask"] {
        let directory = root().join(directory);
        if directory.is_dir() {
            collect(&directory, &mut files)?;
        }
    }
    files.sort();
    Ok(files)
}

fn collect(directory: &Path, files: &mut Vec<(String, String)>) -> Result<(), String> {
    for path in entries(directory)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            // What builds leave behind is not ours; a module may have such a name.
            let module = directory.file_name().is_some_and(|parent| parent == "src");
            if module || !matches!(&*name, "target" | "build" | "dist") {
                collect(&path, files)?;
            }
        } else if name.ends_with(".rs") {
            let text = read(&path)?;
            let path = path.strip_prefix(root()).unwrap_or(&path);
            files.push((path.to_string_lossy().replace('\\', "/"), text));
        }
    }
    Ok(())
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error| format!("cannot list {}: {error}", directory.display());
    let entries = std::fs::read_dir(directory).map_err(failed)?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect()
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))
}
