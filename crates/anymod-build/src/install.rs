//! Writing files: the only place that creates any.
//!
//! A file is written beside its place under a temporary name and renamed, so that a reader, a killed build or a full
//! disk never leaves half a file; and it is left alone, with its times, when it already holds the bytes.

use std::io::Write as _;
use std::path::Path;

use anymod_model::codes::build as codes;
use anymod_model::{Diagnostic, Place};
pub(crate) use anymod_store::text::reason;
use anymod_store::text::write_hint;

/// Reads a whole file; the error names it.
///
/// # Errors
/// `B0002` if the file cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, Diagnostic> {
    std::fs::read(path).map_err(|error| read_error(path, &error))
}

/// The diagnostic of a file that could not be read.
pub(crate) fn read_error(path: &Path, error: &std::io::Error) -> Diagnostic {
    let hint = match error.kind() {
        std::io::ErrorKind::NotFound => "look for a slip in the path, or make the file first",
        std::io::ErrorKind::PermissionDenied => "give yourself permission to read it",
        std::io::ErrorKind::IsADirectory => "name a file in that directory",
        _ => "look at what is at that path",
    };
    Diagnostic::error(&codes::READ, format!("cannot read the file: {}", reason(error)))
        .at(Place::file(path.display().to_string()))
        .hint(hint)
}

/// The diagnostic of a file or directory that could not be written.
pub(crate) fn write_error(path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error(&codes::WRITE, format!("cannot write the file: {}", reason(error)))
        .at(Place::file(path.display().to_string()))
        .hint(write_hint(error))
}

/// Creates a directory and those above it.
///
/// # Errors
/// `B0003` if that is not possible.
pub(crate) fn create_dir(path: &Path) -> Result<(), Diagnostic> {
    std::fs::create_dir_all(path).map_err(|error| write_error(path, &error))
}

/// Puts `bytes` at `path` unless they are there already; returns whether it changed the file.
///
/// # Errors
/// `B0003` if the file cannot be written; then what was there is still there.
pub fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<bool, Diagnostic> {
    put(path, bytes, true)
}

/// The same for a file of the build's own, of which the log knows size and times: a crash of the machine that leaves the
/// name without the bytes is noticed by the next build, so nobody has to wait for the disk.
///
/// # Errors
/// `B0003` if the file cannot be written.
pub(crate) fn write_built(path: &Path, bytes: &[u8]) -> Result<bool, Diagnostic> {
    put(path, bytes, false)
}

fn put(path: &Path, bytes: &[u8], durably: bool) -> Result<bool, Diagnostic> {
    if is_device(path) {
        // Renaming a file over `/dev/null` would take it away from everyone.
        std::fs::write(path, bytes).map_err(|error| write_error(path, &error))?;
        return Ok(true);
    }
    let same_length = std::fs::metadata(path).is_ok_and(|there| there.len() == bytes.len() as u64);
    if same_length && std::fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(false);
    }
    write(path, bytes, durably).map_err(|error| write_error(path, &error))?;
    Ok(true)
}

/// True for a file or directory that somebody may execute.
#[cfg(unix)]
pub(crate) fn is_executable(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o111 != 0
}

/// False: elsewhere names tell.
#[cfg(not(unix))]
pub(crate) fn is_executable(_metadata: &std::fs::Metadata) -> bool {
    false
}

/// True for what is neither a file nor a directory: a device or a pipe.
fn is_device(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir())
}

fn write(path: &Path, bytes: &[u8], durably: bool) -> std::io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(directory)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY.0).suffix(TEMPORARY.1);
    #[cfg(unix)]
    {
        // A temporary file is private by default; these are for everyone the umask allows.
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(directory)?;
    file.write_all(bytes)?;
    if durably {
        // Without this a crash of the machine can leave the new name with no bytes behind it.
        file.as_file().sync_data()?;
    }
    file.persist(path)?;
    Ok(())
}

/// How the names of temporary files begin and end.
const TEMPORARY: (&str, &str) = (".anymod-", ".tmp");

/// The same in all directories below one.
pub(crate) fn clear_leftovers_below(directory: &Path) {
    clear_leftovers(directory);
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            clear_leftovers_below(&entry.path());
        }
    }
}

/// True for the name of a temporary file.
pub(crate) fn is_leftover(name: &str) -> bool {
    name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1)
}

/// Removes the temporary files that a killed build left in a directory. The caller holds the build's lock, so that none of
/// them is in use.
pub(crate) fn clear_leftovers(directory: &Path) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if is_leftover(&entry.file_name().to_string_lossy()) {
            // What cannot be removed does no harm.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Opens a file that is only ever locked; the lock ends with the process, however it ends.
///
/// # Errors
/// `B0003` if there can be no such file.
pub(crate) fn open_lock(path: &Path) -> Result<std::fs::File, Diagnostic> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        // Following a link could create a file elsewhere.
        let nofollow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, nofollow);
    }
    let file = options.open(path);
    file.map_err(|error| write_error(path, &error))
}

/// Appends to a file by one write, so that what several processes append at once does not mix. What cannot be written is
/// left out.
pub(crate) fn append(path: &Path, bytes: &[u8]) {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    // The caller says that nothing depends on it.
    let _ = file.and_then(|mut file| file.write_all(bytes));
}

/// Writes a file into a directory of one's own, where nobody sees it half-way.
///
/// # Errors
/// `B0003` if it cannot be written.
pub(crate) fn write_scratch(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), Diagnostic> {
    std::fs::write(path, bytes).map_err(|error| write_error(path, &error))
}

/// Lets everyone execute a file.
///
/// # Errors
/// `B0003` if that is not possible.
#[cfg(unix)]
pub(crate) fn make_executable(path: &Path) -> Result<(), Diagnostic> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(path, mode).map_err(|error| write_error(path, &error))
}

/// Does nothing: elsewhere names tell.
#[cfg(not(unix))]
pub(crate) fn make_executable(_path: &Path) -> Result<(), Diagnostic> {
    Ok(())
}

/// Creates a file in a directory of one's own, to be written bit by bit.
pub(crate) fn create_scratch(path: &Path) -> std::io::Result<std::fs::File> {
    match (std::fs::File::create(path), path.parent()) {
        (Err(error), Some(parent)) if error.kind() == std::io::ErrorKind::NotFound => {
            std::fs::create_dir_all(parent)?;
            std::fs::File::create(path)
        }
        (created, _) => created,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_of_a_killed_build_are_cleared() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("m.mpy");
        std::fs::write(&path, "module").unwrap();
        std::fs::write(directory.path().join(".anymod-x1.tmp"), "half").unwrap();
        clear_leftovers(directory.path());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_written_to_and_stays() {
        assert!(write_if_changed(Path::new("/dev/null"), b"one").unwrap());
        assert!(is_device(Path::new("/dev/null")));
        let full = write_if_changed(Path::new("/dev/full"), b"one").unwrap_err();
        assert_eq!(full.code.id, "B0003");
    }

    #[test]
    fn equal_bytes_leave_the_file_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/er/out.bin");
        assert!(write_if_changed(&path, b"one").unwrap());
        let before = std::fs::metadata(&path).unwrap().modified().unwrap();
        assert!(!write_if_changed(&path, b"one").unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().modified().unwrap(), before);
        assert!(write_if_changed(&path, b"two").unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        let names = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(names, 1, "no temporary file stays");
    }

    #[test]
    fn a_directory_in_the_way_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let error = write_if_changed(directory.path(), b"x").unwrap_err();
        assert_eq!(error.code.id, "B0003");
        assert!(directory.path().is_dir());
    }
}
