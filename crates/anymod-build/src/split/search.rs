//! Where libraries are on this machine: what a dynamic loader and a linker would find.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anymod_link::host::Machine;

/// Names of the directories that Debian has for each machine, by `e_machine` and pointer size.
const TRIPLETS: &[(u16, bool, &str)] = &[
    (3, false, "i386-linux-gnu"),
    (8, true, "mips64el-linux-gnuabi64"),
    (21, true, "powerpc64le-linux-gnu"),
    (22, true, "s390x-linux-gnu"),
    (40, false, "arm-linux-gnueabihf"),
    (62, true, "x86_64-linux-gnu"),
    (183, true, "aarch64-linux-gnu"),
    (243, true, "riscv64-linux-gnu"),
];

/// The C library's shared library.
const C_LIBRARY: &str = "libc.so.6";

/// Shared libraries that compilers link without being asked, and those that have been a part of the C library.
const BESIDE_C_LIBRARY: &[&str] = &[
    "libm.so.6",
    "libpthread.so.0",
    "libdl.so.2",
    "librt.so.1",
    "libutil.so.1",
    "libresolv.so.2",
    "libanl.so.1",
    "libmvec.so.1",
    "libgcc_s.so.1",
    "libstdc++.so.6",
    "ld-linux-x86-64.so.2",
    "ld-linux.so.2",
    "ld-linux-aarch64.so.1",
    "ld-linux-armhf.so.3",
    "ld-linux-riscv64-lp64d.so.1",
    "ld64.so.1",
    "ld64.so.2",
];

/// Directories that a dynamic loader looks into for a machine's libraries, without those that files name themselves.
#[must_use]
pub fn directories(machine: Machine) -> Vec<PathBuf> {
    let mut directories = Vec::new();
    let known = TRIPLETS.iter().find(|row| (row.0, row.1) == (machine.number, machine.is_64));
    if let Some((.., triplet)) = known {
        for parent in ["/lib", "/usr/lib", "/usr/local/lib"] {
            directories.push(Path::new(parent).join(triplet));
        }
        directories.push(Path::new("/usr").join(triplet).join("lib"));
    }
    configured(Path::new("/etc/ld.so.conf"), &mut directories, 0);
    if machine.is_64 {
        directories.extend(["/lib64", "/usr/lib64"].map(PathBuf::from));
    } else {
        directories.extend(["/lib32", "/usr/lib32"].map(PathBuf::from));
    }
    directories.extend(["/lib", "/usr/lib", "/usr/local/lib"].map(PathBuf::from));
    let mut seen = BTreeSet::new();
    directories.retain(|directory| directory.is_dir() && seen.insert(directory.clone()));
    directories
}

/// Directories that a loader's configuration names.
fn configured(file: &Path, directories: &mut Vec<PathBuf>, depth: usize) {
    let Ok(text) = std::fs::read_to_string(file) else { return };
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if line.starts_with('/') {
            directories.push(PathBuf::from(line));
        } else if let Some(pattern) = line.strip_prefix("include ")
            && let Some(directory) = Path::new(pattern.trim()).parent()
            && depth < 4
        {
            let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
            let mut included: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
            included.retain(|path| path.extension().is_some_and(|end| end == "conf"));
            included.sort();
            included.iter().for_each(|path| configured(path, directories, depth + 1));
        }
    }
}

/// The files that every program of a machine is linked with: those of [`c_library`] and [`beside_c_library`].
#[must_use]
pub fn runtime(machine: Machine) -> Vec<PathBuf> {
    let mut files = c_library(machine);
    files.extend(beside_c_library(machine));
    files
}

/// The C library of a machine: in it is nearly all of what others need of the system.
#[must_use]
pub fn c_library(machine: Machine) -> Vec<PathBuf> {
    let directories = directories(machine);
    let Some(shared) = find(C_LIBRARY, &directories) else { return Vec::new() };
    std::iter::once(shared).chain(find("libc_nonshared.a", &directories)).collect()
}

/// What every program of a machine is linked with beside the C library: parts of it that are libraries of their own, and the
/// compiler's.
#[must_use]
pub fn beside_c_library(machine: Machine) -> Vec<PathBuf> {
    let directories = directories(machine);
    let shared = BESIDE_C_LIBRARY.iter().filter_map(|name| find(name, &directories));
    let mut files: Vec<PathBuf> = shared.collect();
    // A compiler alone is none whose programs run here.
    if !files.is_empty() || find(C_LIBRARY, &directories).is_some() {
        files.extend(compiler_library(machine));
    }
    files
}

/// The library of the compiler's own helpers (`libgcc.a`), the newest.
fn compiler_library(machine: Machine) -> Option<PathBuf> {
    let known = TRIPLETS.iter().find(|row| (row.0, row.1) == (machine.number, machine.is_64))?;
    let directory = Path::new("/usr/lib/gcc").join(known.2);
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.split('.').next()?.parse().ok()?;
            Some((version, entry.path().join("libgcc.a")))
        })
        .filter(|(_, path)| path.is_file())
        .collect();
    found.sort();
    found.pop().map(|(_, path)| path)
}

/// The first file of a name in directories.
#[must_use]
pub fn find(name: &str, directories: &[PathBuf]) -> Option<PathBuf> {
    directories.iter().map(|directory| directory.join(name)).find(|path| path.is_file())
}
