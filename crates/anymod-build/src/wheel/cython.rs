//! Cython in a build environment: what decides what it writes.

use std::collections::BTreeSet;
use std::path::Path;

use anymod_store::{Digest, Fields};

use super::environment::BuildEnvironment;
use super::python::Interpreter;
use crate::intercept::Generator;
use crate::intercept::digests::Digests;

/// The Cython of an environment; none if there is none, or if the environment is the user's.
pub(crate) fn generator(
    environment: &BuildEnvironment,
    interpreter: &Interpreter,
    digests: &mut Digests,
) -> Option<Generator> {
    let program = environment.bin().join("cython");
    if !environment.own || !program.is_file() {
        return None;
    }
    let identity = identity(&environment.directory, interpreter, digests);
    Some(Generator { program, identity: identity.map(|identity| identity.to_string()) })
}

/// The interpreter, the distributions that are installed, and the files of Cython; none for a Cython that does not list what
/// it reads, as those before 3.0 do not.
fn identity(
    environment: &Path,
    interpreter: &Interpreter,
    digests: &mut Digests,
) -> Option<Digest> {
    let (minor, _) = interpreter.about.version.rsplit_once('.')?;
    let packages = environment.join("lib").join(format!("python{minor}")).join("site-packages");
    let entries = std::fs::read_dir(&packages).ok()?.flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let distributions: BTreeSet<String> =
        names.filter(|name| name.ends_with(".dist-info")).collect();
    let cython =
        distributions.iter().find(|name| name.to_ascii_lowercase().starts_with("cython-"))?;
    let version: u32 = cython.get("cython-".len()..)?.split('.').next()?.parse().ok()?;
    if version < 3 {
        return None;
    }
    let record = std::fs::read_to_string(packages.join(cython).join("RECORD")).ok()?;
    let mut fields = Fields::new();
    fields.add("cython");
    fields.add(&interpreter.about.version);
    fields.add(digests.lasting(&interpreter.about.real)?.to_string());
    fields.list(distributions.iter());
    fields.list(installed(&record).iter());
    Some(fields.finish())
}

/// The files of a distribution with their sums, without those that name where they are: commands, what is compiled from
/// sources, notes of how it was installed.
fn installed(record: &str) -> BTreeSet<&str> {
    let is_elsewhere = |line: &str| {
        let path = line.split(',').next().unwrap_or_default();
        path.starts_with("../") || path.contains("__pycache__/") || path.contains(".dist-info/")
    };
    record.lines().filter(|line| !is_elsewhere(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    use crate::wheel::python::About;

    #[test]
    fn what_is_installed_tells_one_cython_from_another() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        std::fs::write(at("python"), "program").unwrap();
        let about = About {
            version: "3.13.2".to_owned(),
            real: at("python"),
            include: Vec::new(),
            pip_runner: None,
        };
        let interpreter = Interpreter { path: PathBuf::new(), about };
        let made = |name: &str, cython: &str, record: &str, other: &str| {
            let packages = at(name).join("lib/python3.13/site-packages");
            std::fs::create_dir_all(packages.join(format!("{cython}.dist-info"))).unwrap();
            std::fs::create_dir_all(packages.join(format!("{other}.dist-info"))).unwrap();
            std::fs::write(packages.join(format!("{cython}.dist-info/RECORD")), record).unwrap();
            identity(&at(name), &interpreter, &mut Digests::new(directory.path()))
        };
        let record = "../../../bin/cython,sha256=a,1\nCython/x.py,sha256=b,2\nCython/__pycache__/x.pyc,,\ncython-3.1.0.dist-info/INSTALLER,sha256=c,3\n";
        let first = made("one", "cython-3.1.0", record, "meson-1").unwrap();
        let moved = record.replace("=a", "=d").replace("=c", "=e");
        assert_eq!(made("two", "cython-3.1.0", &moved, "meson-1"), Some(first));
        let other = record.replace("=b", "=f");
        assert_ne!(made("three", "cython-3.1.0", &other, "meson-1"), Some(first));
        assert_ne!(made("four", "cython-3.1.1", record, "meson-1"), Some(first));
        assert_ne!(made("five", "cython-3.1.0", record, "numpy-2"), Some(first));
        assert_eq!(made("six", "Cython-0.29.37", record, "meson-1"), None);
        std::fs::write(at("python"), "another").unwrap();
        assert_ne!(made("one", "cython-3.1.0", record, "meson-1"), Some(first));
    }
}
