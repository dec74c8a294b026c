//! Headers of the C and C++ libraries: those of a Debian package of emscripten that fit the runtime's libraries.

use std::collections::BTreeSet;
use std::path::Path;

use anymod_model::Diagnostic;
use anymod_model::codes::toolchain as codes;
use anymod_store::Digest;

use super::command::failed;
use super::lock::{LockedPackage, Origin, Role};
use super::make::{Asked, Places};
use super::release::{self, EMSCRIPTEN, SysrootPackage};
use super::{add, archive, debian, files, module};
use crate::environment::Environment;
use crate::install;

/// Makes the sysroot; what the lock says of it. Another environment's is taken if it is of the same package.
///
/// # Errors
/// `T0011` names the package if it cannot be fetched, `T0013` if it is not the pinned or the locked one.
pub(crate) fn make(
    emscripten: &str,
    asked: &Asked<'_>,
    places: &Places<'_>,
    environment: &Environment,
    tell: &mut dyn FnMut(&str),
) -> Result<LockedPackage, Diagnostic> {
    let known = release::sysroot_package(emscripten);
    let locked = asked.locked(Role::Sysroot, EMSCRIPTEN);
    let to = places.made.join("sysroot");
    let version = locked.map_or(known.version, |locked| locked.version.as_str());
    let mut package = match take(version, places, &to)? {
        Some(package) => package,
        None => {
            let suite = locked.and_then(|locked| locked.suite.as_deref()).unwrap_or(known.suite);
            tell(&format!("fetching the package `{EMSCRIPTEN}` of Debian {suite} with apt-get"));
            let version = locked.map(|locked| locked.version.as_str());
            fetch(known, suite, version, places, &to, environment)?
        }
    };
    finish(&to, emscripten)?;
    package.files = Some(files::digest(&to)?);
    match locked {
        Some(locked) if *locked != package => {
            let message = "the headers of the C and C++ libraries are not the locked ones";
            Err(Diagnostic::error(&codes::TARGET_LOCK, message)
                .note(format!("locked: {:?}", locked.files))
                .note(format!("made: {:?}", package.files))
                .hint("remove other environments with `anymod target remove`, and run the command again"))
        }
        _ => Ok(package),
    }
}

/// Copies the sysroot of an environment that was made of the same package and is undamaged.
fn take(
    version: &str,
    places: &Places<'_>,
    to: &Path,
) -> Result<Option<LockedPackage>, Diagnostic> {
    let Some((directory, package)) =
        add::with_same(places.place, Role::Sysroot, EMSCRIPTEN, version)
    else {
        return Ok(None);
    };
    let from = directory.join("sysroot");
    let digest = files::digest(&from).ok();
    if digest.is_none() || digest != package.files {
        return Ok(None);
    }
    files::copy(&from, to)?;
    Ok(Some(package))
}

fn fetch(
    known: &SysrootPackage,
    suite: &str,
    version: Option<&str>,
    places: &Places<'_>,
    to: &Path,
    environment: &Environment,
) -> Result<LockedPackage, Diagnostic> {
    let fetched = debian::fetch(EMSCRIPTEN, suite, version, places.work, environment)?;
    let sha256 = Digest::of(&install::read(&fetched.file)?).to_string();
    if fetched.version == known.version && sha256 != known.sha256 {
        let message =
            format!("Debian's {EMSCRIPTEN} {} is not the package that is pinned", fetched.version);
        return Err(Diagnostic::error(&codes::TARGET_LOCK, message)
            .note(format!("pinned: {}", known.sha256))
            .note(format!("fetched: {sha256}"))
            .hint(
                "look at the mirror that apt is configured for: a published version never changes",
            ));
    }
    if archive::debian(&fetched.file, known.layout, to, environment)? == 0 {
        return Err(failed(&format!(
            "make the headers: Debian's {EMSCRIPTEN} {} has them nowhere where they are known to be",
            fetched.version
        ))
        .note(format!("known is {}", known.version)));
    }
    // The largest file of all, and not needed any more.
    let _ = std::fs::remove_file(&fetched.file);
    Ok(LockedPackage {
        role: Role::Sysroot,
        from: Origin::Debian,
        name: EMSCRIPTEN.to_owned(),
        version: fetched.version,
        suite: Some(suite.to_owned()),
        sha256: Some(sha256),
        integrity: None,
        files: None,
    })
}

/// Makes the headers say the runtime's version of emscripten, and compile with every clang that serves.
fn finish(sysroot: &Path, emscripten: &str) -> Result<(), Diagnostic> {
    let include = sysroot.join("include");
    let mut numbers = emscripten.split('.');
    let mut text = String::from("/* The emscripten that the runtime was built with. */\n");
    for part in ["major", "minor", "tiny"] {
        text += &format!("#define __EMSCRIPTEN_{part}__ {}\n", numbers.next().unwrap_or("0"));
    }
    install::create_dir(&include.join("emscripten"))?;
    install::write_scratch(&include.join("emscripten/version.h"), text)?;
    let stdint = include.join("stdint.h");
    let text = install::read(&stdint)?;
    let text = String::from_utf8_lossy(&text);
    if text.contains("__UINT16_C") && !text.starts_with(CONSTANTS) {
        install::write_scratch(&stdint, format!("{CONSTANTS}{text}"))?;
    }
    Ok(())
}

/// Macros that clang has predefined since version 20 and newer headers take for granted.
const CONSTANTS: &str = "\
#ifndef __INT8_C
#define __INT8_C(c) c
#define __INT16_C(c) c
#define __INT32_C(c) c
#define __INT64_C(c) c##LL
#define __INTMAX_C(c) c##LL
#define __UINT8_C(c) c
#define __UINT16_C(c) c
#define __UINT32_C(c) c##U
#define __UINT64_C(c) c##ULL
#define __UINTMAX_C(c) c##ULL
#endif
";

/// Refuses headers of another generation of libc++ than the library in the runtime: what they expect of it is not there,
/// or works otherwise.
///
/// # Errors
/// `T0016` if they do not fit.
pub(crate) fn check(sysroot: &Path, symbols: &BTreeSet<String>) -> Result<(), Diagnostic> {
    let config = install::read(&sysroot.join("include/c++/v1/__config"))?;
    let headers = libcxx_version(&String::from_utf8_lossy(&config))
        .ok_or_else(|| failed("find the version of the C++ library's headers"))?;
    let newer = symbols.contains(module::SINCE_LIBCXX_21);
    if newer == (headers >= 21) {
        return Ok(());
    }
    let runtime = if newer { "21 or newer" } else { "older than 21" };
    let message = format!(
        "the C++ library's headers are of version {headers}, the runtime's library is {runtime}"
    );
    Err(Diagnostic::error(&codes::TARGET_ABI, message)
        .note("C++ code built with them would crash")
        .hint("use an installed emscripten of the runtime's version with `--compiler emcc`"))
}

/// The major version that libc++'s headers say.
fn libcxx_version(config: &str) -> Option<u32> {
    let rest = config.lines().find_map(|line| {
        let line = line.trim_start().strip_prefix('#')?.trim_start();
        line.strip_prefix("define _LIBCPP_VERSION ")
    })?;
    Some(rest.trim().parse::<u32>().ok()? / 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_another_generation_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("include/c++/v1/__config");
        std::fs::create_dir_all(config.parent().unwrap()).unwrap();
        let old = BTreeSet::new();
        let new = BTreeSet::from([module::SINCE_LIBCXX_21.to_owned()]);
        for (version, symbols, fits) in [
            ("180100", &old, true),
            ("210103", &old, false),
            ("180100", &new, false),
            ("220000", &new, true),
        ] {
            std::fs::write(&config, format!("#  define _LIBCPP_VERSION {version}\n")).unwrap();
            let result = check(directory.path(), symbols);
            assert_eq!(result.is_ok(), fits, "{version}");
            assert!(result.is_ok() || result.unwrap_err().code.id == "T0016");
        }
    }

    #[test]
    fn headers_say_the_runtimes_version_and_are_finished_once() {
        let directory = tempfile::tempdir().unwrap();
        let include = directory.path().join("include");
        std::fs::create_dir_all(&include).unwrap();
        std::fs::write(include.join("stdint.h"), "#define UINT16_C __UINT16_C\n").unwrap();
        finish(directory.path(), "5.0.3").unwrap();
        let version = std::fs::read_to_string(include.join("emscripten/version.h")).unwrap();
        assert!(version.contains("__EMSCRIPTEN_major__ 5\n") && version.contains("tiny__ 3\n"));
        let once = std::fs::read_to_string(include.join("stdint.h")).unwrap();
        assert!(once.starts_with("#ifndef __INT8_C") && once.ends_with("__UINT16_C\n"));
        finish(directory.path(), "5.0.3").unwrap();
        assert_eq!(std::fs::read_to_string(include.join("stdint.h")).unwrap(), once);
    }
}
