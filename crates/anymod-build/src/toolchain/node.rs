//! What builds addons for Node.js: the managed zig for every platform, and the headers of Node-API.

use std::path::{Path, PathBuf};

use anymod_model::codes::{node, toolchain as codes};
use anymod_model::manifest::SourceKind;
use anymod_model::node::Level;
use anymod_model::platform::{Cpu, Libc, ObjectFormat, Os};
use anymod_model::{Diagnostic, Platform, Target};
use anymod_store::{Digest, Fields};

use super::{digest_of, install, managed_zig};
use crate::environment::Environment;
use crate::log::Log;

/// The tools for addons.
#[derive(Clone, Debug)]
pub(crate) struct NodeTools {
    zig: PathBuf,
    /// Directory of the package with the headers.
    headers: PathBuf,
    /// Digest of the compiler; headers count by their content.
    pub(crate) identity: Digest,
}

/// Finds the tools.
///
/// # Errors
/// What is missing, with the command that installs it.
pub(crate) fn find_node(
    platform: Platform,
    environment: &Environment,
    log: &mut Log,
) -> Result<NodeTools, Diagnostic> {
    let zig = managed_zig(environment).ok_or_else(|| {
        let message = format!("no compiler found for `{}`", Target::Node(platform));
        Diagnostic::error(&codes::MISSING, message).hint("run `anymod toolchain install zig`")
    })?;
    let (name, version) = install::NODE_API_HEADERS;
    let headers = install::directory(environment, name, version);
    let headers = headers.filter(|headers| environment.is_dir(headers)).ok_or_else(|| {
        Diagnostic::error(&node::HEADERS, "the headers of Node-API are not installed")
            .hint(format!("run `anymod toolchain install {name}`"))
    })?;
    let mut identity = Fields::new();
    identity.add(digest_of(&zig, log)?.to_string());
    Ok(NodeTools { zig, headers, identity: identity.finish() })
}

impl NodeTools {
    /// The compiler.
    pub(crate) fn zig(&self) -> &Path {
        &self.zig
    }

    /// What the compiler says its version is.
    pub(crate) fn version(&self, environment: &Environment, log: &mut Log) -> Option<String> {
        super::ask(&self.zig, &["version"], environment, log).ok()
    }

    /// The compiler driver for a language, a platform and a level: the program and its first options.
    pub(crate) fn driver(
        &self,
        cxx: bool,
        platform: Platform,
        level: Option<Level>,
    ) -> Vec<String> {
        let info = platform.info();
        let mut words = vec![text(&self.zig), if cxx { "c++" } else { "cc" }.to_owned()];
        words.extend(["-target".to_owned(), info.zig_triple.to_owned()]);
        if let (Cpu::X64, Some(level)) = (info.cpu, level) {
            words.push(format!("-mcpu={}", cpu(level)));
        }
        words
    }

    /// The begin of a command that compiles a source.
    pub(crate) fn compiler(
        &self,
        kind: SourceKind,
        platform: Platform,
        level: Option<Level>,
    ) -> Vec<String> {
        let mut words = self.driver(kind == SourceKind::Cxx, platform, level);
        if platform.info().os != Os::Win32 {
            words.extend(["-fPIC", "-fvisibility=hidden"].map(str::to_owned));
        }
        // zig checks for undefined behaviour on its own account where nothing is optimised.
        words.push("-fno-sanitize=undefined".to_owned());
        // Nor does a release need frame pointers; the project's own flags come later.
        words.push("-fomit-frame-pointer".to_owned());
        words
    }

    /// Options that end a compiler call: where the headers of Node-API are.
    pub(crate) fn headers(&self) -> Vec<String> {
        vec!["-isystem".to_owned(), text(&self.headers.join("include"))]
    }

    /// The lists of what Node.js offers to addons on Windows.
    pub(crate) fn definitions(&self) -> [PathBuf; 2] {
        ["node_api.def", "js_native_api.def"].map(|name| self.headers.join("def").join(name))
    }

    /// The command that makes an import library of a list.
    pub(crate) fn import_library(
        &self,
        platform: Platform,
        definition: &str,
        output: &str,
    ) -> Vec<String> {
        let machine = match platform.info().cpu {
            Cpu::X64 => "i386:x86-64",
            Cpu::Arm64 => "arm64",
        };
        let mut words = vec![text(&self.zig), "dlltool".to_owned()];
        words.extend(["-m", machine, "-d", definition, "-l", output].map(str::to_owned));
        words
    }

    /// A script by which other compilers link for a platform.
    pub(crate) fn linker_script(&self, platform: Platform) -> String {
        let triple = platform.info().zig_triple;
        let more = match platform.info().os {
            Os::Darwin => " -Wl,-undefined,dynamic_lookup",
            Os::Linux | Os::Win32 => "",
        };
        let zig = self.zig.display();
        format!("#!/bin/sh\nexec \"{zig}\" cc -target {triple}{more} \"$@\"\n")
    }

    /// Options of a linker call besides what is linked.
    pub(crate) fn link_flags(platform: Platform, strip: bool) -> Vec<String> {
        let info = platform.info();
        let mut words = vec!["-shared".to_owned()];
        match info.os {
            // A function that Node.js does not have is an error when loading, and not the end of the process later.
            Os::Linux => words.push("-Wl,-z,now".to_owned()),
            Os::Darwin => words.push("-Wl,-undefined,dynamic_lookup".to_owned()),
            Os::Win32 => {}
        }
        if info.libc == Libc::Musl {
            // Node.js brings its own; a second one would have a heap of its own.
            words.push("-dynamic".to_owned());
        }
        // Of ELF files, names of functions stay for the audit; what is sealed has none.
        if strip && info.format != ObjectFormat::Elf {
            words.push("-s".to_owned());
        }
        words
    }
}

/// A level as zig spells it.
fn cpu(level: Level) -> String {
    level.name().replace('-', "_")
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
