//! The names that a compiler and its companions are called by, and what each stands for.
//!
//! The stand-in is put under every name that a build system could come upon, so that no call escapes to the host's tool.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// What the stand-in is to be, by the name it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The driver of C.
    C,
    /// The driver of C++.
    Cxx,
    /// The preprocessor.
    Preprocessor,
    /// The linker itself.
    Linker,
    /// The archiver.
    Archiver,
    /// The one that writes indexes into archives.
    Ranlib,
    /// The one that removes symbols.
    Strip,
    /// The one that lists symbols.
    Nm,
    /// A compiler of Fortran, which targets do not have.
    Fortran,
    /// Cython, a tool of the build machine.
    Cython,
    /// A tool that has nothing to do here.
    Nothing,
}

/// How a name may be adorned, besides standing alone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    /// As GCC's: `x86_64-linux-gnu-gcc-12`.
    Gnu,
    /// As LLVM's: `clang-19`.
    Llvm,
    /// Not at all.
    Plain,
}

const NAMES: &[(&str, Role, Family)] = &[
    ("cc", Role::C, Family::Gnu),
    ("c89", Role::C, Family::Plain),
    ("c99", Role::C, Family::Plain),
    ("gcc", Role::C, Family::Gnu),
    ("clang", Role::C, Family::Llvm),
    ("emcc", Role::C, Family::Plain),
    ("c++", Role::Cxx, Family::Gnu),
    ("g++", Role::Cxx, Family::Gnu),
    ("clang++", Role::Cxx, Family::Llvm),
    ("em++", Role::Cxx, Family::Plain),
    ("cpp", Role::Preprocessor, Family::Gnu),
    ("clang-cpp", Role::Preprocessor, Family::Llvm),
    ("ld", Role::Linker, Family::Gnu),
    ("ld.bfd", Role::Linker, Family::Gnu),
    ("ld.gold", Role::Linker, Family::Gnu),
    ("ld.lld", Role::Linker, Family::Llvm),
    ("lld", Role::Linker, Family::Llvm),
    ("wasm-ld", Role::Linker, Family::Llvm),
    ("ar", Role::Archiver, Family::Gnu),
    ("gcc-ar", Role::Archiver, Family::Gnu),
    ("llvm-ar", Role::Archiver, Family::Llvm),
    ("emar", Role::Archiver, Family::Plain),
    ("ranlib", Role::Ranlib, Family::Gnu),
    ("gcc-ranlib", Role::Ranlib, Family::Gnu),
    ("llvm-ranlib", Role::Ranlib, Family::Llvm),
    ("emranlib", Role::Ranlib, Family::Plain),
    ("strip", Role::Strip, Family::Gnu),
    ("llvm-strip", Role::Strip, Family::Llvm),
    ("emstrip", Role::Strip, Family::Plain),
    ("nm", Role::Nm, Family::Gnu),
    ("gcc-nm", Role::Nm, Family::Gnu),
    ("llvm-nm", Role::Nm, Family::Llvm),
    ("emnm", Role::Nm, Family::Plain),
    ("gfortran", Role::Fortran, Family::Gnu),
    ("f77", Role::Fortran, Family::Plain),
    ("f90", Role::Fortran, Family::Plain),
    ("f95", Role::Fortran, Family::Plain),
    ("g77", Role::Fortran, Family::Plain),
    ("flang", Role::Fortran, Family::Llvm),
    ("flang-new", Role::Fortran, Family::Llvm),
    ("install_name_tool", Role::Nothing, Family::Plain),
    ("otool", Role::Nothing, Family::Plain),
];

/// Versions that names are adorned with, those of compilers that a machine of today may have.
const GNU_VERSIONS: std::ops::RangeInclusive<u32> = 9..=17;
const LLVM_VERSIONS: std::ops::RangeInclusive<u32> = 13..=24;

/// Names of machines that a triplet begins with.
const MACHINES: &[&str] = &[
    "x86_64",
    "i386",
    "i586",
    "i686",
    "aarch64",
    "arm64",
    "arm",
    "armv7l",
    "riscv64",
    "ppc64le",
    "powerpc64le",
    "s390x",
    "loongarch64",
    "wasm32",
];

/// What a name stands for; none if it is no tool's.
#[must_use]
pub fn role(name: &str) -> Option<Role> {
    let name = name.strip_suffix(".exe").unwrap_or(name);
    if name == super::cython::NAME {
        return Some(Role::Cython);
    }
    let base = without_version(name);
    let known = |name: &str| NAMES.iter().find(|row| row.0 == name).map(|row| row.1);
    if let Some(role) = known(name).or_else(|| known(base)) {
        return Some(role);
    }
    let machine = base.split('-').next()?;
    if !MACHINES.contains(&machine) {
        return None;
    }
    // The longest ending that is a name: `clang-cpp` before `cpp`.
    base.match_indices('-').find_map(|(at, _)| known(base.get(at + 1..)?))
}

/// The name without a version at its end: `gcc` of `gcc-12`, `clang` of `clang-19.1`.
fn without_version(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((base, version))
            if version.starts_with(|first: char| first.is_ascii_digit())
                && version.chars().all(|letter| letter.is_ascii_digit() || letter == '.') =>
        {
            base
        }
        _ => name,
    }
}

/// Every name that the stand-in is put under on this machine in any case.
pub(crate) fn all() -> BTreeSet<String> {
    let machine = std::env::consts::ARCH;
    let host = [format!("{machine}-linux-gnu"), format!("{machine}-pc-linux-gnu")];
    let target = ["wasm32-emscripten", "wasm32-unknown-emscripten"];
    let mut names = BTreeSet::new();
    for (name, _, family) in NAMES {
        let mut forms = vec![(*name).to_owned()];
        match family {
            Family::Plain => {}
            Family::Gnu => forms.extend(GNU_VERSIONS.map(|version| format!("{name}-{version}"))),
            Family::Llvm => forms.extend(LLVM_VERSIONS.map(|version| format!("{name}-{version}"))),
        }
        if *family == Family::Gnu {
            let adorned =
                |form: &String| host.iter().map(|host| format!("{host}-{form}")).collect();
            let hosts: Vec<Vec<String>> = forms.iter().map(adorned).collect();
            forms.extend(hosts.into_iter().flatten());
        }
        if *family != Family::Plain {
            forms.extend(target.map(|target| format!("{target}-{name}")));
        }
        names.extend(forms);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adorned_names_have_the_role_of_the_bare_one() {
        for (name, expected) in [
            ("gcc", Some(Role::C)),
            ("gcc-12", Some(Role::C)),
            ("x86_64-linux-gnu-gcc", Some(Role::C)),
            ("x86_64-linux-gnu-g++-12", Some(Role::Cxx)),
            ("clang-19", Some(Role::C)),
            ("clang++-19", Some(Role::Cxx)),
            ("clang-cpp-19", Some(Role::Preprocessor)),
            ("wasm32-unknown-emscripten-clang-cpp", Some(Role::Preprocessor)),
            ("x86_64-linux-gnu-gcc-ar-12", Some(Role::Archiver)),
            ("llvm-ranlib-19", Some(Role::Ranlib)),
            ("ld.lld-19", Some(Role::Linker)),
            ("emcc", Some(Role::C)),
            ("otool", Some(Role::Nothing)),
            ("cython", Some(Role::Cython)),
            ("cython-3", None),
            ("anymod", None),
            ("python3.13", None),
            ("clang-format", None),
            ("clang-format-19", None),
            ("my-cc", None),
            ("x86_64-linux-gnu-objdump", None),
            ("", None),
        ] {
            assert_eq!(role(name), expected, "{name}");
        }
    }

    #[test]
    fn every_name_put_in_place_is_understood() {
        let names = all();
        assert!(names.len() > 200, "{}", names.len());
        for name in names {
            assert!(role(&name).is_some(), "{name}");
        }
    }
}
