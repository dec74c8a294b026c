//! What identifies a tool: its program, and the libraries of its compiler that do its work.

use std::path::{Path, PathBuf};

use anymod_store::{Digest, Fields};

use super::digests::Digests;
use crate::stat::Stat;

/// How the names of libraries begin that hold compilers.
const LIBRARIES: [&[u8]; 3] = [b"libLLVM", b"libclang", b"liblld"];

/// The identity of a tool; none if it cannot be read. `digests` remember those of large files.
pub(crate) fn identity(program: &Path, digests: &mut Digests) -> Option<Digest> {
    let program = program.canonicalize().ok()?;
    let bytes = std::fs::read(&program).ok()?;
    let mut identity = Fields::new();
    identity.add(digests.lasting(&program)?.to_string());
    for library in libraries(&program, &bytes) {
        identity.add(digests.lasting(&library)?.to_string());
    }
    Some(identity.finish())
}

/// What tells without reading that a program is the same; none if it is not there.
pub(crate) fn stamp(program: &Path) -> Option<[i64; 3]> {
    let Stat { size, modified, changed, .. } = Stat::of(&std::fs::metadata(program).ok()?);
    Some([i64::try_from(size).unwrap_or_default(), modified, changed])
}

/// The libraries that a program names and that were installed with it.
fn libraries(program: &Path, bytes: &[u8]) -> Vec<PathBuf> {
    let Some(directory) = program.parent().map(|bin| bin.join("../lib")) else { return Vec::new() };
    let mut names: Vec<String> = Vec::new();
    for prefix in LIBRARIES {
        for at in memchr::memmem::find_iter(bytes, prefix) {
            let name = bytes.get(at..).unwrap_or_default().split(|byte| *byte == 0).next();
            let name = name.and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default();
            if name.contains(".so") && !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
    }
    names.sort();
    names.iter().map(|name| directory.join(name)).filter(|path| path.is_file()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_beside_a_program_is_part_of_what_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let (bin, lib) = (directory.path().join("bin"), directory.path().join("lib"));
        std::fs::create_dir(&bin).unwrap();
        std::fs::create_dir(&lib).unwrap();
        let program = bin.join("clang");
        std::fs::write(&program, b"\x7fELF\0libLLVM.so.19\0libm.so.6\0").unwrap();
        let identity =
            |program: &Path| super::identity(program, &mut Digests::new(directory.path()));
        let alone = identity(&program).unwrap();
        std::fs::write(lib.join("libLLVM.so.19"), "1").unwrap();
        let first = identity(&program).unwrap();
        std::fs::write(lib.join("libLLVM.so.19"), "2").unwrap();
        assert_ne!(alone, first);
        assert_ne!(identity(&program), Some(first));
        assert_eq!(identity(&bin.join("none")), None);
    }
}
