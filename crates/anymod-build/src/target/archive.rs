//! Unpacking packages: npm's gzipped tar files and Debian's.
//!
//! Only what a mapping of directories names is taken, only files are made, and none outside of the place given.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Component, Path, PathBuf};
use std::process::Stdio;

use anymod_model::Diagnostic;

use super::command::{command, failed};
use crate::environment::Environment;
use crate::install;

/// Directories in an archive, and where what is below them goes; later ones go over earlier ones.
pub(crate) type Mapping<'a> = &'a [(&'a str, &'a str)];

/// A sane bound for one package's unpacked files: the largest that is taken has 20 MB.
const MOST_BYTES: u64 = 1 << 30;

/// Unpacks an npm package, in which everything is below one directory.
///
/// # Errors
/// `T0011` if the archive is damaged, `B0002`, `B0003` if files cannot be read or written.
pub(crate) fn npm(package: &Path, to: &Path) -> Result<(), Diagnostic> {
    let file = File::open(package).map_err(|error| install::read_error(package, &error))?;
    let archive = flate2::read::GzDecoder::new(BufReader::new(file));
    let files = unpack(archive, &[("package", "")], to)?;
    if files == 0 {
        return Err(failed("unpack the npm package: it holds no `package` directory"));
    }
    Ok(())
}

/// Unpacks parts of a Debian package; how many files it had of them.
///
/// # Errors
/// `T0011` if it is damaged or `dpkg-deb` is missing, `B0003` if files cannot be written.
pub(crate) fn debian(
    package: &Path,
    mapping: Mapping<'_>,
    to: &Path,
    environment: &Environment,
) -> Result<usize, Diagnostic> {
    let dpkg = environment
        .find_program("dpkg-deb")
        .ok_or_else(|| failed("unpack Debian packages: `dpkg-deb` is missing"))?;
    let mut unpacker = command(&dpkg, environment);
    unpacker.arg("--fsys-tarfile").arg(package).stdout(Stdio::piped()).stderr(Stdio::null());
    let said = |why: &str| failed(&format!("unpack `{}`: {why}", package.display()));
    let mut child = unpacker.spawn().map_err(|error| said(&install::reason(&error)))?;
    let files = match child.stdout.take() {
        Some(stdout) => unpack(BufReader::new(stdout), mapping, to),
        None => Err(said("`dpkg-deb` says nothing")),
    };
    if files.is_err() {
        // It may still want to write.
        let _ = child.kill();
    }
    let ended = child.wait().map_err(|error| said(&install::reason(&error)))?;
    let files = files?;
    if ended.success() { Ok(files) } else { Err(said("the package is damaged")) }
}

/// Unpacks a tar stream to its end; the number of files made.
fn unpack(stream: impl Read, mapping: Mapping<'_>, to: &Path) -> Result<usize, Diagnostic> {
    let damaged = |error: std::io::Error| failed("unpack a package").note(error.to_string());
    let mut archive = tar::Archive::new(stream);
    let mut links = Vec::new();
    // Where a file came from in the mapping: an earlier directory does not go over a later one.
    let mut places: std::collections::BTreeMap<PathBuf, usize> = std::collections::BTreeMap::new();
    let mut left = MOST_BYTES;
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let path = entry.path().map_err(damaged)?.into_owned();
        let Some((rank, place)) = place(&path, mapping) else { continue };
        if places.get(&place).is_some_and(|earlier| *earlier > rank) {
            continue;
        }
        let kind = entry.header().entry_type();
        if kind.is_file() {
            left = left
                .checked_sub(entry.size())
                .ok_or_else(|| failed("unpack a package: it is larger than any that is known"))?;
            let target = to.join(&place);
            let written = install::create_scratch(&target)
                .and_then(|mut file| std::io::copy(&mut entry, &mut file));
            // Which of the two failed matters: a damaged archive is no full disk.
            written.map_err(|error| match error.kind() {
                std::io::ErrorKind::InvalidInput
                | std::io::ErrorKind::InvalidData
                | std::io::ErrorKind::UnexpectedEof => damaged(error),
                _ => install::write_error(&target, &error),
            })?;
            places.insert(place, rank);
        } else if kind.is_symlink()
            && let Some(link) = entry.link_name().map_err(damaged)?
        {
            links.push((rank, place, path.parent().unwrap_or(Path::new("")).join(link)));
        }
    }
    // A link to a file that was taken becomes a copy of it.
    for (rank, place, target) in links {
        let Some((_, from)) = normal(&target).and_then(|target| self::place(&target, mapping))
        else {
            continue;
        };
        if places.contains_key(&from) && !places.contains_key(&place) {
            let target = to.join(&place);
            install::create_dir(target.parent().unwrap_or(to))?;
            install::write_scratch(&target, install::read(&to.join(&from))?)?;
            places.insert(place, rank);
        }
    }
    Ok(places.len())
}

/// Where a path of the archive goes, and by which line of the mapping. Nothing that leads outside goes anywhere.
fn place(path: &Path, mapping: Mapping<'_>) -> Option<(usize, PathBuf)> {
    let path = normal(path)?;
    mapping.iter().enumerate().rev().find_map(|(rank, (from, to))| {
        let rest = path.strip_prefix(from).ok()?;
        (!rest.as_os_str().is_empty()).then(|| (rank, Path::new(to).join(rest)))
    })
}

/// A relative path without `.` and `..`; nothing if it leads outside.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => normal.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !normal.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tar(files: &[(&str, &str)], links: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            // The name is set by hand: the crate would refuse the wrong ones.
            let name = &mut header.as_old_mut().name;
            name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            builder.append(&header, text.as_bytes()).unwrap();
        }
        for (path, target) in links {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            builder.append_link(&mut header, path, target).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn names(directory: &Path) -> Vec<String> {
        super::super::files::of(directory).unwrap().into_keys().collect()
    }

    #[test]
    fn only_what_is_mapped_is_taken_and_later_lines_win() {
        let files = [
            ("./usr/musl/arch/bits.h", "arch"),
            ("./usr/generic/bits.h", "generic"),
            ("./usr/generic/only.h", "only"),
            ("./usr/other/x.h", "x"),
        ];
        let links = [("./usr/generic/link.h", "only.h"), ("./usr/generic/out.h", "/etc/passwd")];
        let directory = tempfile::tempdir().unwrap();
        let mapping = [("usr/generic", "include"), ("usr/musl/arch", "include")];
        let count = unpack(&tar(&files, &links)[..], &mapping, directory.path()).unwrap();
        assert_eq!(count, 3);
        assert_eq!(names(directory.path()), ["include/bits.h", "include/link.h", "include/only.h"]);
        let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
        assert_eq!(read("include/bits.h"), "arch");
        assert_eq!(read("include/link.h"), "only");
    }

    #[test]
    fn nothing_is_written_outside() {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("inner");
        let files = [("package/../../x", "x"), ("/package/y", "y"), ("package/ok", "ok")];
        unpack(&tar(&files, &[])[..], &[("package", "")], &inner).unwrap();
        assert_eq!(names(outer.path()), ["inner/ok"]);
    }

    #[test]
    fn a_damaged_package_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let package = directory.path().join("x.tgz");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let text = "long ".repeat(1000);
        std::io::Write::write_all(&mut gzip, &tar(&[("package/a", &text)], &[])).unwrap();
        let whole = gzip.finish().unwrap();
        for bytes in [&whole[..whole.len() / 2], &b"nonsense"[..], &[]] {
            std::fs::write(&package, bytes).unwrap();
            let error = npm(&package, &directory.path().join("out")).unwrap_err();
            assert_eq!(error.code.id, "T0011", "{error}");
        }
        std::fs::write(&package, &whole).unwrap();
        npm(&package, &directory.path().join("out")).unwrap();
        assert_eq!(names(&directory.path().join("out")), ["a"]);
    }
}
