//! Gathers the sources of zstd's decompressor, which the crate `zstd-sys` brings along, in one file of C: what is compiled for
//! programs that unpack themselves (`src/node/unpack.c`). Nothing of it is in this repository.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What decompressing needs, in the order of the library's own gathering.
const SOURCES: [&str; 9] = [
    "common/debug.c",
    "common/entropy_common.c",
    "common/error_private.c",
    "common/fse_decompress.c",
    "common/zstd_common.c",
    "decompress/huf_decompress.c",
    "decompress/zstd_ddict.c",
    "decompress/zstd_decompress_block.c",
    "decompress/zstd_decompress.c",
];

/// The one header that has to be seen each time: what it declares depends on what was defined before.
const AGAIN: &str = "zstd_deps.h";

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=DEP_ZSTD_INCLUDE");
    let library = std::env::var("DEP_ZSTD_INCLUDE").map_err(|error| error.to_string())?;
    let library = Path::new(&library);
    if !library.join(SOURCES[0]).is_file() {
        return Err(format!(
            "{} has no sources of zstd: build without ZSTD_SYS_USE_PKG_CONFIG",
            library.display()
        ));
    }
    let (mut text, mut seen) = (String::new(), BTreeSet::new());
    for source in SOURCES {
        gather(&library.join(source), library, &mut seen, &mut text)?;
    }
    let output = std::env::var("OUT_DIR").map_err(|error| error.to_string())?;
    let output = Path::new(&output).join("zstd.c");
    std::fs::write(&output, text).map_err(|error| format!("{}: {error}", output.display()))
}

/// Appends a file with the files that it includes, each once.
fn gather(
    file: &Path,
    library: &Path,
    seen: &mut BTreeSet<PathBuf>,
    text: &mut String,
) -> Result<(), String> {
    let file = file.canonicalize().map_err(|error| format!("{}: {error}", file.display()))?;
    if !seen.insert(file.clone()) && !file.ends_with(AGAIN) {
        return Ok(());
    }
    let content =
        std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    for line in content.lines() {
        let included = line.trim_start().strip_prefix('#').map(str::trim_start);
        let included = included.and_then(|rest| rest.strip_prefix("include")?.split('"').nth(1));
        let Some(included) = included else {
            text.push_str(line);
            text.push('\n');
            continue;
        };
        let beside = file.parent().unwrap_or(library);
        let places = [beside, library, &library.join("common")].map(|place| place.join(included));
        // What is not there is for other ways to build the library, behind conditions.
        if let Some(place) = places.iter().find(|place| place.is_file()) {
            gather(place, library, seen, text)?;
        }
    }
    Ok(())
}
