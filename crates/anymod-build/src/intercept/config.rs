//! What one build's stand-in is told: made once, read by every call.
//!
//! It is a file beside the directory of names and found from where the running file is, because build tools filter the
//! environment of what they start.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anymod_model::codes::intercept as codes;
use anymod_model::{Diagnostic, Place};
use anymod_store::Digest;
use serde::{Deserialize, Serialize};

use super::digests::Digests;
use super::tools;
use crate::install;
use crate::target::{Description, TargetEnvironment, Tools};

/// Name of the file.
pub(crate) const FILE: &str = "anymod-intercept.json";

/// Raised whenever the meaning of the file changes.
const FORMAT: u32 = 1;

/// What extension modules let others see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportPolicy {
    /// The function that Python calls, `PyInit_*`; everything visible of a library that has none.
    #[default]
    PyInit,
    /// Everything visible of what is linked.
    Requested,
    /// All of every archive, and everything visible of it.
    WholeArchive,
    /// These.
    List(Vec<String>),
}

/// Options that a user adds, after all others so that they win.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Flags {
    /// For every compilation.
    pub cflags: Vec<String>,
    /// For those of C++, after `cflags`.
    pub cxxflags: Vec<String>,
    /// For the linker, in its own spelling or behind `-Wl,`.
    pub ldflags: Vec<String>,
}

/// The store that calls use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoreConfig {
    pub(crate) directory: PathBuf,
    pub(crate) link: LinkConfig,
    pub(crate) bytes: Option<u64>,
    pub(crate) entries: Option<u64>,
}

/// How files get out of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LinkConfig {
    Reflink,
    Copy,
    Hardlink,
}

impl StoreConfig {
    pub(crate) fn of(directory: &Path, options: &anymod_store::Options) -> StoreConfig {
        StoreConfig {
            directory: directory.to_owned(),
            link: match options.link {
                anymod_store::Link::Reflink => LinkConfig::Reflink,
                anymod_store::Link::Copy => LinkConfig::Copy,
                anymod_store::Link::Hardlink => LinkConfig::Hardlink,
            },
            bytes: options.limits.bytes,
            entries: options.limits.entries,
        }
    }

    pub(crate) fn options(&self) -> anymod_store::Options {
        anymod_store::Options {
            link: match self.link {
                LinkConfig::Reflink => anymod_store::Link::Reflink,
                LinkConfig::Copy => anymod_store::Link::Copy,
                LinkConfig::Hardlink => anymod_store::Link::Hardlink,
            },
            limits: anymod_store::Limits {
                bytes: self.bytes,
                entries: self.entries,
                namespaces: BTreeMap::new(),
            },
        }
    }
}

/// A tool as it was when the file was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ToolConfig {
    /// What identifies it, a digest.
    pub(crate) identity: String,
    /// What tells without reading that it is the same.
    pub(crate) stamp: [i64; 3],
}

/// What the file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Config {
    pub(crate) format: u32,
    /// The directory of the target environment.
    pub(crate) environment: PathBuf,
    pub(crate) target: Description,
    pub(crate) store: Option<StoreConfig>,
    /// Where the build's own process answers for what the store does not have.
    pub(crate) parent: Option<PathBuf>,
    pub(crate) trace: PathBuf,
    pub(crate) host_python: Vec<PathBuf>,
    /// Directories and what stands for them, the longest first.
    pub(crate) roots: Vec<(PathBuf, String)>,
    pub(crate) exports: ExportPolicy,
    pub(crate) rules_off: Vec<String>,
    pub(crate) flags: Flags,
    /// The tools, by path.
    pub(crate) tools: BTreeMap<PathBuf, ToolConfig>,
    /// The build environment's Cython, if there is one.
    pub(crate) cython: Option<PathBuf>,
    /// Where it was read from; not in the file.
    #[serde(skip)]
    pub(crate) directory: PathBuf,
}

impl Config {
    pub(crate) fn new(target: &TargetEnvironment, trace: &Path) -> Config {
        Config {
            format: FORMAT,
            environment: target.directory.clone(),
            target: target.description.clone(),
            store: None,
            parent: None,
            trace: trace.to_owned(),
            host_python: Vec::new(),
            roots: Vec::new(),
            exports: ExportPolicy::default(),
            rules_off: Vec::new(),
            flags: Flags::default(),
            tools: BTreeMap::new(),
            cython: None,
            directory: PathBuf::new(),
        }
    }

    /// Writes the file into a directory.
    pub(crate) fn write(&self, directory: &Path) -> Result<(), Diagnostic> {
        let path = directory.join(FILE);
        let text = serde_json::to_vec(self).map_err(|error| unusable(&path, &error.to_string()))?;
        install::write_if_changed(&path, &text).map(|_| ())
    }

    /// Reads the file that belongs to the running file `executable`, which is in `bin` beside it.
    pub(crate) fn read(executable: &Path) -> Result<Config, Diagnostic> {
        let directory = executable.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
        let path = directory.join(FILE);
        let bytes = std::fs::read(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => missing(executable, &path),
            _ => unusable(&path, &install::reason(&error)),
        })?;
        let config: Config =
            serde_json::from_slice(&bytes).map_err(|error| unusable(&path, &error.to_string()))?;
        if config.format != FORMAT {
            return Err(unusable(&path, "it was written by another version of anymod"));
        }
        Ok(Config { directory: directory.to_owned(), ..config })
    }

    /// The target environment.
    pub(crate) fn environment(&self) -> TargetEnvironment {
        TargetEnvironment { directory: self.environment.clone(), description: self.target.clone() }
    }

    /// The directory that holds the names.
    pub(crate) fn bin(&self) -> PathBuf {
        self.directory.join("bin")
    }

    /// What identifies a tool; none if it cannot be read.
    pub(crate) fn identity(&self, program: &Path) -> Option<Digest> {
        let known = self.tools.get(program);
        let known = known.filter(|known| tools::stamp(program) == Some(known.stamp));
        match known {
            Some(known) => Digest::from_hex(&known.identity),
            None => tools::identity(program, &mut Digests::new(&self.directory)),
        }
    }

    /// What identifies a generator, if it is as it was when that was found out: its program alone does not tell.
    pub(crate) fn generator(&self, program: &Path) -> Option<&str> {
        let known = self.tools.get(program)?;
        (tools::stamp(program) == Some(known.stamp)).then_some(known.identity.as_str())
    }

    /// Notes what identifies the tools now. What is learnt of them is remembered from build to build.
    pub(crate) fn identify(&mut self, digests: &mut Digests) {
        let Tools { cc, cxx, ld, ar, .. } = &self.target.tools;
        for program in [Some(cc), Some(cxx), ld.as_ref(), Some(ar)].into_iter().flatten() {
            if let (Some(stamp), Some(identity)) =
                (tools::stamp(program), tools::identity(program, digests))
            {
                let identity = identity.to_string();
                self.tools.insert(program.clone(), ToolConfig { identity, stamp });
            }
        }
    }

    /// True unless a rule was turned off.
    pub(crate) fn applies(&self, rule: &str) -> bool {
        !self.rules_off.iter().any(|off| off == rule)
    }
}

fn missing(executable: &Path, path: &Path) -> Diagnostic {
    let name = executable.file_name().unwrap_or_default().to_string_lossy();
    let message = format!("called as `{name}`, and there is nothing that says for which build");
    Diagnostic::error(&codes::NO_CONFIG, message)
        .at(Place::file(path.display().to_string()))
        .hint("only the directory that `anymod wheel` makes holds a stand-in for compilers; call anymod by its own name")
}

fn unusable(path: &Path, reason: &str) -> Diagnostic {
    Diagnostic::error(&codes::BAD_CONFIG, format!("cannot read the stand-in's settings: {reason}"))
        .at(Place::file(path.display().to_string()))
        .hint("run `anymod wheel` again")
}
