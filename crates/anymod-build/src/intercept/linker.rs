//! The command of the linker for a driver's: modules, programs and objects made of several.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::added::{self, Step};
use super::command::{Driver, Item};
use super::config::{Config, ExportPolicy};
use super::text::joined;

/// What is linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A module or library.
    Shared,
    /// A program. None can be run, but packages link some to see what there is.
    Program,
    /// An object of several.
    Relocatable,
}

/// What a driver's command links.
pub(crate) fn kind(driver: &Driver) -> Kind {
    if driver.has("-r") || driver.has("--relocatable") {
        Kind::Relocatable
    } else if driver.has("-shared") || driver.has("--shared") {
        Kind::Shared
    } else {
        Kind::Program
    }
}

/// The linker's words but for the file it makes. The sources among the inputs have been compiled to `objects`, in order.
pub(crate) fn words(driver: &Driver, objects: &[PathBuf], config: &Config) -> Vec<OsString> {
    let Some(program) = &config.target.tools.ld else { return Vec::new() };
    let kind = kind(driver);
    let mut words = added::tool(config, program, "wasm-ld");
    if kind == Kind::Relocatable {
        words.push("-r".into());
    } else {
        let debug = added::keeps_debug(driver);
        let added = added::words(Step::Link, config).into_iter();
        words.extend(added.filter(|word| !(debug && word == "--strip-debug")));
    }
    let whole = kind != Kind::Relocatable && config.exports == ExportPolicy::WholeArchive;
    words.extend(whole.then(|| "--whole-archive".into()));
    let mut compiled = objects.iter();
    let mut inputs = Vec::new();
    for item in &driver.items {
        match item {
            Item::Input { path, language } => {
                let source = super::command::language(path, language.as_deref()).is_some();
                let path = if source {
                    compiled.next().map(|path| path.as_os_str())
                } else {
                    Some(path.as_os_str())
                };
                inputs.extend(path.map(OsStr::to_owned));
                words.extend(path.map(OsStr::to_owned));
            }
            Item::Valued { name: "-l" | "-L" | "-u", .. } => words.extend(item.words()),
            Item::Valued { name: "-Xlinker", value, .. } => words.push(value.clone()),
            _ => {}
        }
    }
    words.extend(whole.then(|| "--no-whole-archive".into()));
    if kind != Kind::Relocatable {
        words.extend(exports(kind, &inputs, config));
    }
    words.extend(config.flags.ldflags.iter().flat_map(|flag| {
        let parts = flag
            .strip_prefix("-Wl,")
            .map_or(vec![flag.as_str()], |parts| parts.split(',').collect());
        parts.into_iter().map(OsString::from).collect::<Vec<_>>()
    }));
    words
}

/// What is shown.
fn exports(kind: Kind, inputs: &[OsString], config: &Config) -> Vec<OsString> {
    if kind == Kind::Program {
        // A program without its function is an error, as it would be for one that can be run.
        let main =
            if names(inputs, b"__main_argc_argv").is_empty() { "main" } else { "__main_argc_argv" };
        return vec![joined("--export=", main)];
    }
    match &config.exports {
        ExportPolicy::PyInit => {
            let mut found = names(inputs, b"PyInit_");
            found.extend(names(inputs, b"PyInitU_"));
            if found.is_empty() {
                return vec!["--export-dynamic".into()];
            }
            found.iter().map(|name| joined("--export-if-defined=", name)).collect()
        }
        ExportPolicy::Requested | ExportPolicy::WholeArchive => vec!["--export-dynamic".into()],
        ExportPolicy::List(names) => names.iter().map(|name| joined("--export=", name)).collect(),
    }
}

/// The names in objects and archives that begin so, sorted. Names stand in them as they are, and one that is no function
/// of theirs is not exported by `--export-if-defined`.
fn names(inputs: &[OsString], prefix: &[u8]) -> Vec<String> {
    let mut found = std::collections::BTreeSet::new();
    for input in inputs {
        let bytes = std::fs::read(Path::new(input)).unwrap_or_default();
        let mut rest = bytes.as_slice();
        while let Some(at) = memchr::memmem::find(rest, prefix) {
            let begun = rest.get(at..).unwrap_or_default();
            let legal = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
            let length = begun.iter().position(|byte| !legal(byte)).unwrap_or(begun.len());
            let whole = begun.get(..length).unwrap_or_default();
            let is_main = prefix.first() == Some(&b'_');
            if length > prefix.len() || (is_main && length == prefix.len()) {
                found.insert(String::from_utf8_lossy(whole).into_owned());
            }
            rest = rest.get(at + prefix.len()..).unwrap_or_default();
        }
    }
    found.into_iter().collect()
}
