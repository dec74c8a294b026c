//! Rules on directories that are searched: the build machine's own are not the target's.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::{Context, Rule};
use crate::intercept::command::{Driver, Item};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "python-headers",
        what: "maps header directories of the build machine's Python to the target's",
        why: "`pyconfig.h` says how large types are and what the system has",
        apply: python_headers,
    },
    Rule {
        name: "host-headers",
        what: "drops `-I`, `-isystem`, `-iquote` and `-idirafter` of the build machine's system directories",
        why: "they describe another C library and other sizes of types",
        apply: |driver, context| Ok(drop_host(driver, context, &HEADERS)),
    },
    Rule {
        name: "host-libraries",
        what: "drops `-L` of the build machine's system directories",
        why: "the libraries in them are for another machine",
        apply: |driver, context| Ok(drop_host(driver, context, &["-L"])),
    },
];

/// Options that name directories of headers.
pub(crate) const HEADERS: [&str; 4] = ["-I", "-isystem", "-iquote", "-idirafter"];

/// Where systems keep headers and libraries.
const SYSTEM: &[&str] =
    &["/usr", "/lib", "/lib32", "/lib64", "/opt/homebrew", "/opt/local", "/opt/X11", "/nix/store"];

fn python_headers(driver: &mut Driver, context: &Context<'_>) -> Result<bool, String> {
    let mut changed = false;
    for item in &mut driver.items {
        if let Item::Valued { name, value, .. } = item
            && HEADERS.contains(name)
            && let Some(mapped) = python_include(value, context)
        {
            *value = mapped;
            changed = true;
        }
    }
    Ok(changed)
}

/// What stands for a header directory of a Python of the build machine.
fn python_include(value: &OsStr, context: &Context<'_>) -> Option<OsString> {
    let path = real(value, context);
    if path.starts_with(&context.config.environment) {
        return None;
    }
    let include = || context.config.environment().python_include();
    let known = context.config.host_python.iter().find_map(|known| {
        let rest = path.strip_prefix(known).ok()?;
        Some(if rest.as_os_str().is_empty() { include() } else { include().join(rest) })
    });
    // Any other Python's: a virtual environment's, the system's.
    let looks = || {
        let python = path.join("Python.h").is_file() && path.join("pyconfig.h").is_file();
        (python && !is_ours(&path, context)).then(include)
    };
    known.or_else(looks).map(PathBuf::into_os_string)
}

fn drop_host(driver: &mut Driver, context: &Context<'_>, options: &[&str]) -> bool {
    driver.remove(|item| match item {
        Item::Valued { name, value, .. } if options.contains(name) => is_host(value, context),
        _ => false,
    })
}

/// True for a directory of the system that is none of the build's.
fn is_host(value: &OsStr, context: &Context<'_>) -> bool {
    let path = real(value, context);
    let system = |path: &Path| SYSTEM.iter().any(|directory| path.starts_with(directory));
    system(&path) && !is_ours(&path, context)
}

fn is_ours(path: &Path, context: &Context<'_>) -> bool {
    let mut ours = context.config.roots.iter().map(|(root, _)| root.as_path());
    path.starts_with(&context.config.environment) || ours.any(|root| path.starts_with(root))
}

/// The directory behind a path, without links in it; the path itself if nothing is there.
fn real(value: &OsStr, context: &Context<'_>) -> PathBuf {
    let path = context.directory.join(value);
    path.canonicalize().unwrap_or(path)
}
