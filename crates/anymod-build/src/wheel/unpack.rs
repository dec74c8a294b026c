//! Unpacking source distributions, which are foreign bytes: `.tar.gz` and `.zip`.
//!
//! Nothing is written outside the directory: entries with absolute paths or `..` are refused, and so is everything that is
//! neither file, directory nor link. Symbolic links are made last, so that no file is written through one, and all of them
//! have to lead to something inside. Size and number of entries are bounded.

use std::collections::BTreeMap;
use std::io::{Read, Write as _};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use anymod_model::codes::wheel as codes;
use anymod_model::{Diagnostic, Place};

use crate::install;

/// The most bytes that a source distribution may unpack to.
const MAX_BYTES: u64 = 4 << 30;
/// The most entries that it may have.
const MAX_ENTRIES: usize = 500_000;

/// Unpacks an archive into a directory that is empty.
///
/// # Errors
/// `W0103` for an archive that is damaged or not safe, `B0003` if a file cannot be written.
pub(crate) fn unpack(archive: &Path, bytes: &[u8], into: &Path) -> Result<(), Diagnostic> {
    let into = into.canonicalize().map_err(|error| install::write_error(into, &error))?;
    let mut unpacking =
        Unpacking { archive, into, left: MAX_BYTES, entries: 0, links: BTreeMap::new() };
    if bytes.starts_with(b"PK") {
        unpacking.zip(bytes)?
    } else {
        unpacking.tar(bytes)?
    }
    unpacking.make_links()
}

struct Unpacking<'a> {
    archive: &'a Path,
    into: PathBuf,
    /// How many more bytes may be written.
    left: u64,
    entries: usize,
    /// Symbolic links to make, by path inside, with what they hold.
    links: BTreeMap<PathBuf, PathBuf>,
}

impl Unpacking<'_> {
    fn refuse(&self, why: impl std::fmt::Display) -> Diagnostic {
        Diagnostic::error(&codes::UNPACK, format!("cannot unpack the source distribution: {why}"))
            .at(Place::file(self.archive.display().to_string()))
            .hint("fetch it again and compare its hash; do not use an archive from someone you do not trust")
    }

    fn tar(&mut self, bytes: &[u8]) -> Result<(), Diagnostic> {
        let gzip = bytes.starts_with(&[0x1f, 0x8b]);
        let reader: Box<dyn Read + '_> =
            if gzip { Box::new(flate2::read::MultiGzDecoder::new(bytes)) } else { Box::new(bytes) };
        // A little more than may be written, so that what is skipped is bounded as well.
        let mut archive = tar::Archive::new(reader.take(MAX_BYTES + (MAX_BYTES >> 4)));
        let entries = archive.entries().map_err(|error| self.refuse(error))?;
        for entry in entries {
            let mut entry = entry.map_err(|error| self.refuse(error))?;
            let name = entry.path().map_err(|error| self.refuse(error))?.into_owned();
            let kind = entry.header().entry_type();
            let Some(path) = self.admit(&name)? else { continue };
            if kind.is_dir() {
                install::create_dir(&self.into.join(&path))?;
            } else if kind.is_file() {
                let executable = entry.header().mode().is_ok_and(|mode| mode & 0o111 != 0);
                let time =
                    entry.header().mtime().ok().map(|time| {
                        SystemTime::UNIX_EPOCH + Duration::from_secs(time.min(1 << 40))
                    });
                self.file(&path, &mut entry, executable, time)?;
            } else if kind.is_symlink() || kind.is_hard_link() {
                let to = entry.link_name().map_err(|error| self.refuse(error))?;
                let to = to
                    .ok_or_else(|| {
                        self.refuse(format!("the link `{}` leads nowhere", path.display()))
                    })?
                    .into_owned();
                self.link(path, to, kind.is_hard_link())?;
            } else if !matches!(kind, tar::EntryType::XGlobalHeader | tar::EntryType::XHeader) {
                return Err(self.refuse(format!(
                    "`{}` is neither a file, a directory nor a link",
                    path.display()
                )));
            }
        }
        // What comes after the last entry: a checksum that nobody compared, if the archive was cut short there.
        let rest = std::io::copy(&mut archive.into_inner(), &mut std::io::sink());
        rest.map_err(|error| self.refuse(error))?;
        if self.entries == 0 {
            return Err(self.refuse("there is nothing in it"));
        }
        Ok(())
    }

    fn zip(&mut self, bytes: &[u8]) -> Result<(), Diagnostic> {
        let cursor = std::io::Cursor::new(bytes);
        let mut archive = zip::ZipArchive::new(cursor).map_err(|error| self.refuse(error))?;
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).map_err(|error| self.refuse(error))?;
            let name = entry.name().map_err(|error| self.refuse(error))?.into_owned();
            let Some(path) = self.admit(Path::new(&name))? else { continue };
            if entry.is_dir() {
                install::create_dir(&self.into.join(&path))?;
            } else if entry.is_symlink() {
                let mut to = String::new();
                let read = entry.by_ref().take(4096).read_to_string(&mut to);
                read.map_err(|error| self.refuse(error))?;
                self.link(path, PathBuf::from(to), false)?;
            } else {
                let executable = entry.unix_mode().is_some_and(|mode| mode & 0o111 != 0);
                self.file(&path, &mut entry, executable, None)?;
            }
        }
        Ok(())
    }

    /// The path of an entry, relative to the directory; none for the directory itself.
    fn admit(&mut self, name: &Path) -> Result<Option<PathBuf>, Diagnostic> {
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            return Err(self.refuse("it has too many entries"));
        }
        let mut path = PathBuf::new();
        for component in name.components() {
            match component {
                Component::Normal(part) => path.push(part),
                Component::CurDir => {}
                _ => {
                    return Err(
                        self.refuse(format!("the path `{}` leads out of it", name.display()))
                    );
                }
            }
        }
        if path.ancestors().any(|part| self.links.contains_key(part)) {
            return Err(self.refuse(format!("the path `{}` leads through a link", name.display())));
        }
        Ok((!path.as_os_str().is_empty()).then_some(path))
    }

    fn file(
        &mut self,
        path: &Path,
        from: &mut dyn Read,
        executable: bool,
        time: Option<SystemTime>,
    ) -> Result<(), Diagnostic> {
        let place = self.into.join(path);
        let mut file = install::create_scratch(&place)
            .map_err(|error| install::write_error(&place, &error))?;
        let mut part = vec![0; 1 << 16];
        loop {
            let length = from.read(&mut part).map_err(|error| self.refuse(error))?;
            if length == 0 {
                break;
            }
            let left = self.left.checked_sub(length as u64);
            self.left = left.ok_or_else(|| self.refuse("it unpacks to too many bytes"))?;
            let bytes = part.get(..length).unwrap_or_default();
            file.write_all(bytes).map_err(|error| install::write_error(&place, &error))?;
        }
        if executable {
            super::source::make_executable(&file);
        }
        if let Some(time) = time {
            // Generators compare times; what cannot be set only makes them run once more.
            let _ = file.set_modified(time);
        }
        Ok(())
    }

    fn link(&mut self, path: PathBuf, to: PathBuf, hard: bool) -> Result<(), Diagnostic> {
        if !hard {
            self.links.insert(path, to);
            return Ok(());
        }
        let out = self.refuse(format!("the link `{}` leads out of it", path.display()));
        let Some(from) = self.admit(&to)? else { return Err(out) };
        let (from, place) = (self.into.join(from), self.into.join(&path));
        let length = std::fs::metadata(&from).map_err(|_| out)?.len();
        let left = self.left.checked_sub(length);
        self.left = left.ok_or_else(|| self.refuse("it unpacks to too many bytes"))?;
        if let Some(parent) = place.parent() {
            install::create_dir(parent)?;
        }
        std::fs::copy(&from, &place).map_err(|error| install::write_error(&place, &error))?;
        Ok(())
    }

    fn make_links(&self) -> Result<(), Diagnostic> {
        for (path, to) in &self.links {
            let place = self.into.join(path);
            if let Some(parent) = place.parent() {
                install::create_dir(parent)?;
            }
            symlink(to, &place).map_err(|error| install::write_error(&place, &error))?;
        }
        for path in self.links.keys() {
            let inside =
                self.into.join(path).canonicalize().is_ok_and(|real| real.starts_with(&self.into));
            if !inside {
                return Err(self.refuse(format!("the link `{}` leads out of it", path.display())));
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
pub(crate) fn symlink(to: &Path, at: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(to, at)
}

#[cfg(not(unix))]
pub(crate) fn symlink(_to: &Path, _at: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, unix))]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use tar::EntryType;

    fn archive(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, kind, content) in entries {
            let mut header = tar::Header::new_gnu();
            // Written by hand: the library refuses to write what a bad archive holds.
            let field = &mut header.as_old_mut().name;
            field[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(0o644);
            header.set_mtime(1_000_000_000);
            let link = kind.is_symlink() || kind.is_hard_link();
            let data = if link { "" } else { content };
            if link {
                header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
            }
            header.set_size(data.len() as u64);
            header.set_cksum();
            builder.append(&header, data.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn unpacked(bytes: &[u8]) -> (tempfile::TempDir, Result<(), Diagnostic>) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("into")).unwrap();
        let result = unpack(Path::new("x.tar.gz"), bytes, &directory.path().join("into"));
        (directory, result)
    }

    #[test]
    fn files_and_links_that_stay_inside_are_unpacked() {
        let bytes = archive(&[
            ("p-1/", EntryType::Directory, ""),
            ("p-1/a.c", EntryType::Regular, "int a;"),
            ("p-1/b.c", EntryType::Symlink, "a.c"),
            ("p-1/c.c", EntryType::Link, "p-1/a.c"),
        ]);
        let (directory, result) = unpacked(&bytes);
        result.unwrap();
        for name in ["a.c", "b.c", "c.c"] {
            let path = directory.path().join("into/p-1").join(name);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "int a;", "{name}");
        }
        let time =
            std::fs::metadata(directory.path().join("into/p-1/a.c")).unwrap().modified().unwrap();
        assert_eq!(time, SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    }

    #[test]
    fn nothing_is_written_outside() {
        let bad: [&[(&str, EntryType, &str)]; 8] = [
            &[("../out", EntryType::Regular, "x")],
            &[("/tmp/anymod-out", EntryType::Regular, "x")],
            &[("p/../../out", EntryType::Regular, "x")],
            &[("p/l", EntryType::Symlink, "../.."), ("p/l/out", EntryType::Regular, "x")],
            &[("p/l", EntryType::Symlink, "/etc/passwd")],
            &[("p/l", EntryType::Link, "../../etc/passwd")],
            &[("p/dev", EntryType::Char, "")],
            &[("c", EntryType::Symlink, "."), ("d", EntryType::Symlink, "c/..")],
        ];
        for entries in bad {
            let (directory, result) = unpacked(&archive(entries));
            assert_eq!(result.unwrap_err().code.id, "W0103", "{entries:?}");
            let around = std::fs::read_dir(directory.path()).unwrap().count();
            assert_eq!(around, 1, "{entries:?}");
        }
    }

    #[test]
    fn a_truncated_archive_is_refused() {
        let whole =
            archive(&[("p/a", EntryType::Regular, "some text"), ("p/b", EntryType::Regular, "x")]);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&whole).unwrap();
        let gzip = gzip.finish().unwrap();
        for length in [0, 1, 5, 20, gzip.len() / 2, gzip.len() - 10] {
            let (_directory, result) = unpacked(&gzip[..length]);
            assert_eq!(result.unwrap_err().code.id, "W0103", "{length} bytes");
        }
        unpacked(&gzip).1.unwrap();
    }

    #[test]
    fn zip_archives_are_taken_too() {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
        writer.start_file("p-1/run.sh", options).unwrap();
        writer.write_all(b"#!/bin/sh").unwrap();
        let bytes = writer.finish().unwrap().into_inner();
        let (directory, result) = unpacked(&bytes);
        result.unwrap();
        let path = directory.path().join("into/p-1/run.sh");
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(path).unwrap().permissions(),
        );
        assert_eq!(mode & 0o111, 0o111);
    }
}
