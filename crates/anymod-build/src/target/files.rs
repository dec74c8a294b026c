//! The files of an environment: which ones there are, and whether they are still what they were.
//!
//! `.anymod-files` has a line per file: SHA-256, size, path. It is written last, so an environment without it was never
//! whole. What Python keeps beside the sources that it imports belongs to nobody and is passed over.

use std::collections::BTreeMap;
use std::path::Path;

use anymod_model::Diagnostic;
use anymod_store::{Digest, Fields};

use crate::install;

/// Name of the record.
pub(crate) const RECORD: &str = ".anymod-files";

/// Name of directories with compiled sources. Python compares them with the sources by itself.
const PYTHON_CACHE: &str = "__pycache__";

/// A file of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) digest: String,
    pub(crate) bytes: u64,
}

/// Every file below a directory but the record, by its path with `/`.
///
/// # Errors
/// `B0002` if a file cannot be read.
pub(crate) fn of(directory: &Path) -> Result<BTreeMap<String, Recorded>, Diagnostic> {
    let mut files = BTreeMap::new();
    walk(directory, "", &mut |path, name| {
        let bytes = install::read(path)?;
        let recorded =
            Recorded { digest: Digest::of(&bytes).to_string(), bytes: bytes.len() as u64 };
        files.insert(name, recorded);
        Ok(())
    })?;
    files.remove(RECORD);
    Ok(files)
}

/// One digest over names and contents of all files below a directory.
///
/// # Errors
/// `B0002` if a file cannot be read.
pub(crate) fn digest(directory: &Path) -> Result<String, Diagnostic> {
    let mut fields = Fields::new();
    for (name, recorded) in of(directory)? {
        fields.add(name);
        fields.add(recorded.digest);
    }
    Ok(fields.finish().to_string())
}

fn walk(
    directory: &Path,
    prefix: &str,
    each: &mut dyn FnMut(&Path, String) -> Result<(), Diagnostic>,
) -> Result<(), Diagnostic> {
    let entries =
        std::fs::read_dir(directory).map_err(|error| install::read_error(directory, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| install::read_error(directory, &error))?;
        let (path, name) =
            (entry.path(), format!("{prefix}{}", entry.file_name().to_string_lossy()));
        if entry.file_name() == PYTHON_CACHE {
            continue;
        }
        if path.is_dir() {
            walk(&path, &format!("{name}/"), each)?;
        } else {
            each(&path, name)?;
        }
    }
    Ok(())
}

/// Writes the record.
///
/// # Errors
/// `B0002`, `B0003` if that is not possible.
pub(crate) fn record(directory: &Path) -> Result<(), Diagnostic> {
    let mut text = String::new();
    for (name, file) in of(directory)? {
        text += &format!("{} {} {name}\n", file.digest, file.bytes);
    }
    install::write_if_changed(&directory.join(RECORD), text.as_bytes()).map(drop)
}

/// Reads the record; nothing if there is none or it is not one.
pub(crate) fn recorded(directory: &Path) -> Option<BTreeMap<String, Recorded>> {
    let text = std::fs::read_to_string(directory.join(RECORD)).ok()?;
    text.lines()
        .map(|line| {
            let (digest, rest) = line.split_once(' ')?;
            let (bytes, name) = rest.split_once(' ')?;
            let recorded = Recorded { digest: digest.to_owned(), bytes: bytes.parse().ok()? };
            Some((name.to_owned(), recorded))
        })
        .collect()
}

/// True if every file of the record is there with the size that it had: a look that costs no reading.
pub(crate) fn seem_whole(directory: &Path) -> bool {
    recorded(directory).is_some_and(|files| {
        !files.is_empty()
            && files.iter().all(|(name, file)| {
                std::fs::metadata(directory.join(name)).is_ok_and(|there| there.len() == file.bytes)
            })
    })
}

/// What differs from the record, a line each.
///
/// # Errors
/// `B0002` if a file cannot be read.
pub(crate) fn damage(directory: &Path) -> Result<Vec<String>, Diagnostic> {
    let Some(recorded) = recorded(directory) else {
        return Ok(vec![format!("`{RECORD}` is missing or damaged")]);
    };
    let there = of(directory)?;
    let mut damage = Vec::new();
    for (name, file) in &recorded {
        match there.get(name) {
            None => damage.push(format!("`{name}` is missing")),
            Some(found) if found != file => damage.push(format!("`{name}` was changed")),
            Some(_) => {}
        }
    }
    let extra = there.keys().filter(|name| !recorded.contains_key(*name));
    damage.extend(extra.map(|name| format!("`{name}` does not belong there")));
    Ok(damage)
}

/// Copies what is below one directory below another; links are followed.
///
/// # Errors
/// `B0002`, `B0003` if that is not possible.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), Diagnostic> {
    install::create_dir(to)?;
    walk(from, "", &mut |path, name| {
        let target = to.join(&name);
        if let Some(parent) = target.parent() {
            install::create_dir(parent)?;
        }
        install::write_scratch(&target, install::read(path)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        assert!(!seem_whole(path));
        std::fs::create_dir(path.join("sub dir")).unwrap();
        std::fs::write(path.join("sub dir/a b"), "one").unwrap();
        std::fs::write(path.join("c"), "two").unwrap();
        record(path).unwrap();
        assert!(seem_whole(path));
        assert_eq!(damage(path).unwrap(), [""; 0]);
        let before = digest(path).unwrap();
        std::fs::write(path.join("c"), "tWo").unwrap();
        std::fs::write(path.join("d"), "").unwrap();
        std::fs::remove_file(path.join("sub dir/a b")).unwrap();
        let expected = ["`c` was changed", "`sub dir/a b` is missing", "`d` does not belong there"];
        assert_eq!(damage(path).unwrap(), expected);
        assert!(!seem_whole(path));
        assert_ne!(digest(path).unwrap(), before);
        std::fs::write(path.join(RECORD), "nonsense").unwrap();
        assert_eq!(damage(path).unwrap(), ["`.anymod-files` is missing or damaged"]);
    }

    #[test]
    fn what_python_keeps_is_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        std::fs::write(path.join("data.py"), "one = 1").unwrap();
        record(path).unwrap();
        let before = digest(path).unwrap();
        std::fs::create_dir(path.join(PYTHON_CACHE)).unwrap();
        std::fs::write(path.join(PYTHON_CACHE).join("data.cpython-313.pyc"), "compiled").unwrap();
        assert_eq!(damage(path).unwrap(), [""; 0]);
        assert_eq!(digest(path).unwrap(), before);
    }
}
