//! What whoever compiles and links with a project's modules has to know: compilers, flags, headers and archives.
//!
//! Nothing is built and no compiler is asked; `pkg-config` is, unless its answer is known. Paths are absolute, so that they
//! hold in every directory.

use std::collections::BTreeMap;
use std::path::Path;

use anymod_model::manifest::{
    ArchiveSettings, Manifest, ModuleSettings, RuntimeSettings, SourceKind, Spanned,
};
use anymod_model::{Diagnostics, Target};
use serde::Serialize;

use super::libraries::{Library, Lookup};
use super::request::Request;
use super::{pkg_config, stamp};
use crate::environment::Environment;
use crate::glob::Globber;
use crate::log::Log;
use crate::plan::{BUILD_DIR, DIST_DIR, standard};
use crate::toolchain::{self, ArchiveTools, Choice, find_archive_tools};

/// What there is to know of modules for a target and a build type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Info {
    /// Version of this form: 1.
    pub version: u32,
    /// The modules, in the order in which they are linked.
    pub modules: Vec<String>,
    /// Name of the target.
    pub target: String,
    /// Name of the build type.
    pub build_type: String,
    /// The compiler of C, with the words that choose the target.
    pub cc: Vec<String>,
    /// The compiler of C++; empty if there is none.
    pub cxx: Vec<String>,
    /// The archiver.
    pub ar: Vec<String>,
    /// Headers of the modules and of their libraries.
    pub headers: Vec<String>,
    /// Where they are found.
    pub include_dirs: Vec<String>,
    /// Macros that users of the modules define.
    pub defines: BTreeMap<String, String>,
    /// Options for compiling C that uses the modules, those for directories and macros among them.
    pub cflags: Vec<String>,
    /// The same for C++.
    pub cxxflags: Vec<String>,
    /// The directory of the modules' archives.
    pub libdir: String,
    /// Archives in link order: those of the modules, what stands beside them, then what they need.
    pub archives: Vec<String>,
    /// Options for linking a program, to be given after its objects: archives, then libraries.
    pub ldflags: Vec<String>,
    /// What the modules' ABI is, as far as the manifest decides it.
    pub abi: BTreeMap<String, String>,
}

/// Tells what modules are for a target: those named, or all that the target has. With `own` the compiler's flags are those
/// that the modules' own sources are compiled with, or, without a named module, what is common to all.
///
/// # Errors
/// What is wrong with the manifest and the names; what is missing on this machine.
pub fn info(request: &Request, own: Own) -> Result<Info, Diagnostics> {
    let project = request.open()?;
    let (manifest, root) = (&project.manifest, project.root.as_path());
    let environment = &request.environment;
    let target = request.target;
    let build_type =
        request.build_type.as_deref().unwrap_or(manifest.default_build_type()).to_owned();
    let lookup = |name: &str| environment.get(name).map(str::to_owned);
    let choice = Choice {
        forced: toolchain::forced_kind(request.toolchain.as_deref(), environment)?,
        manifest: manifest.toolchain(target, &lookup)?,
        file: manifest.file().to_owned(),
        root: root.to_owned(),
    };
    let tools = find_archive_tools(target, &choice, environment)?;
    let mut gatherer = Gatherer {
        manifest,
        root,
        request,
        build_type: &build_type,
        environment,
        globber: Globber::new(root, &[BUILD_DIR, DIST_DIR]),
        log: None,
    };
    let mut linked = Linked::default();
    let modules = gatherer.modules(&mut linked)?;
    let compiled = match own {
        Own::Sources if request.modules.is_empty() => {
            let common = manifest.common(target, &build_type, &lookup)?;
            let mut compiled = Linked::default();
            gatherer.add(&common, &mut compiled)?;
            compiled
        }
        _ => linked.clone(),
    };
    gatherer.finish()?;
    Ok(put_together(&tools, &compiled, linked, own, root, modules, target, &build_type))
}

/// Whose flags are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// Of the modules' own sources.
    Sources,
    /// Of whoever uses the modules.
    Users,
}

/// What was found about modules and libraries.
#[derive(Clone, Debug, Default)]
struct Linked {
    headers: Vec<String>,
    /// Directories for the modules' own sources.
    own_dirs: Vec<String>,
    public_dirs: Vec<String>,
    own_defines: BTreeMap<String, String>,
    public_defines: BTreeMap<String, String>,
    flags: Vec<String>,
    cflags: Vec<String>,
    cxxflags: Vec<String>,
    library_cflags: Vec<String>,
    archives: Vec<String>,
    beside: Vec<String>,
    library_archives: Vec<String>,
    ldflags: Vec<String>,
    has_cxx: bool,
    abi: BTreeMap<String, String>,
}

struct Gatherer<'a> {
    manifest: &'a Manifest,
    root: &'a Path,
    request: &'a Request,
    build_type: &'a str,
    environment: &'a Environment,
    globber: Globber,
    /// Answers of `pkg-config`; opened when the first is needed.
    log: Option<Log>,
}

/// Name in the build directory of the answers of `pkg-config` that were needed outside a build, which holds its own log.
const MEMORY: &str = ".anymod-flags";

impl Gatherer<'_> {
    /// Goes through the modules asked for; all that have the target if none is named. Their names.
    fn modules(&mut self, linked: &mut Linked) -> Result<Vec<String>, Diagnostics> {
        let (target, environment) = (self.request.target, self.environment);
        let lookup = |name: &str| environment.get(name).map(str::to_owned);
        let named = &self.request.modules;
        let all = self.manifest.modules().map(str::to_owned);
        let modules: Vec<String> = if named.is_empty() { all.collect() } else { named.clone() };
        let mut findings = Vec::new();
        let mut found = Vec::new();
        for module in modules {
            let settings = self.manifest.resolve(&module, target, self.build_type, &lookup);
            match settings.and_then(|settings| self.add(&settings, linked)) {
                Ok(()) => found.push(module),
                // A module that says that it has no build is not among all that the target has.
                Err(errors) if named.is_empty() && errors.0.iter().all(is_no_build) => {}
                Err(errors) => findings.extend(errors.0),
            }
        }
        if findings.is_empty() { Ok(found) } else { Err(Diagnostics(findings)) }
    }

    /// Adds what there is to know of a module.
    fn add(&mut self, settings: &ModuleSettings, linked: &mut Linked) -> Result<(), Diagnostics> {
        let RuntimeSettings::Archive(own) = &settings.runtime else { return Ok(()) };
        let libraries = self.libraries(settings, own)?;
        linked.headers.extend(self.files(&own.headers));
        extend(&mut linked.public_dirs, self.paths(&own.public_include_dirs));
        extend(&mut linked.own_dirs, self.paths(&settings.include_dirs));
        for (name, value) in &settings.defines {
            linked.own_defines.insert(name.clone(), value.value.clone());
        }
        extend(&mut linked.flags, texts(&settings.flags));
        extend(&mut linked.cflags, texts(&settings.cflags));
        extend(&mut linked.cxxflags, texts(&settings.cxxflags));
        if !settings.module.is_empty() {
            let (target, build_type) = (settings.target, self.build_type);
            let archive = format!("{BUILD_DIR}/{target}/{build_type}/{}.a", settings.module);
            linked.archives.push(self.absolute(&archive));
        }
        if !own.merge_archives {
            let beside = self.files(&own.archives);
            extend(&mut linked.beside, beside);
        }
        for (name, value) in stamp::of_module(settings, own, "").iter() {
            if name != "compiler" {
                linked.abi.insert(name.to_owned(), value.to_owned());
            }
        }
        linked.has_cxx |= self.has_cxx(settings);
        for library in libraries {
            self.add_library(library, linked);
        }
        last(&mut linked.ldflags, texts(&own.ldflags));
        let names = settings.libraries.iter().filter_map(|name| name.value.strip_prefix("lib"));
        if settings.target.object_format() != Some(anymod_model::platform::ObjectFormat::Wasm) {
            let known = names.filter(|name| !matches!(*name, "gcc" | "stdc++"));
            last(&mut linked.ldflags, known.map(|name| format!("-l{name}")).collect());
        }
        Ok(())
    }

    fn has_cxx(&mut self, settings: &ModuleSettings) -> bool {
        let mut sources = settings.sources.iter();
        let globber = &mut self.globber;
        sources.any(|pattern| {
            let is_cxx = |path: &String| SourceKind::of(path) == Some(SourceKind::Cxx);
            globber.files(&pattern.value).iter().any(is_cxx)
        })
    }

    fn libraries(
        &mut self,
        settings: &ModuleSettings,
        own: &ArchiveSettings,
    ) -> Result<Vec<Library>, Diagnostics> {
        let lookup = Lookup {
            manifest: self.manifest,
            module: Some(&settings.module),
            target: settings.target,
            build_type: self.build_type,
            overrides: &self.request.libraries,
            environment: self.environment,
        };
        let (root, environment, memory) = (self.root, self.environment, &mut self.log);
        let mut ask = |package: &str, is_static| {
            let file = root.join(BUILD_DIR).join(MEMORY);
            let log = memory.get_or_insert_with(|| Log::open(&file, root));
            pkg_config::ask(package, is_static, environment, log)
        };
        lookup.all(own, settings, &mut ask)
    }

    fn add_library(&mut self, library: Library, linked: &mut Linked) {
        linked.headers.extend(self.files(&library.headers));
        let dirs = library.include_dirs.iter().map(|dir| self.absolute(dir)).collect();
        extend(&mut linked.public_dirs, dirs);
        linked.public_defines.extend(library.defines);
        extend(&mut linked.library_cflags, library.cflags);
        // What a library needs comes after all that need it.
        last(
            &mut linked.library_archives,
            library.archive.iter().map(|archive| self.absolute(archive)).collect(),
        );
        let ldflags = library.ldflags.iter().map(|flag| self.option(flag)).collect();
        last(&mut linked.ldflags, ldflags);
    }

    /// An option for linking, with the path of an archive or a directory made absolute.
    fn option(&self, option: &str) -> String {
        match option.strip_prefix("-L") {
            Some(directory) if !directory.is_empty() => format!("-L{}", self.absolute(directory)),
            _ if option.ends_with(".a") && !option.starts_with('-') => self.absolute(option),
            _ => option.to_owned(),
        }
    }

    fn files(&mut self, patterns: &[Spanned<String>]) -> Vec<String> {
        let mut files = Vec::new();
        for pattern in patterns {
            extend(&mut files, self.globber.files(&pattern.value));
        }
        files.iter().map(|path| self.absolute(path)).collect()
    }

    fn paths(&self, paths: &[Spanned<String>]) -> Vec<String> {
        paths.iter().map(|path| self.absolute(&path.value)).collect()
    }

    fn absolute(&self, path: &str) -> String {
        let plain = path.trim_start_matches("./").trim_end_matches('/');
        let path = if matches!(plain, "" | ".") { self.root.into() } else { self.root.join(plain) };
        path.to_string_lossy().into_owned()
    }

    /// Keeps what was learned.
    fn finish(&mut self) -> Result<(), Diagnostics> {
        if let Some(log) = &mut self.log {
            // What cannot be kept is asked again.
            let _ = crate::install::create_dir(&self.root.join(BUILD_DIR));
            let _ = log.flush();
        }
        Ok(())
    }
}

fn is_no_build(finding: &anymod_model::Diagnostic) -> bool {
    use anymod_model::codes::manifest as codes;
    [&codes::UNSUPPORTED_MODULE, &codes::NO_SOURCES].contains(&finding.code)
}

fn texts(values: &[Spanned<String>]) -> Vec<String> {
    values.iter().map(|value| value.value.clone()).collect()
}

/// Adds what is not there yet.
fn extend(list: &mut Vec<String>, more: Vec<String>) {
    for word in more {
        if !list.contains(&word) {
            list.push(word);
        }
    }
}

/// Adds words at the end, whether or not they were there: libraries are searched after everything that needs them.
fn last(list: &mut Vec<String>, more: Vec<String>) {
    list.retain(|word| !more.contains(word));
    list.extend(more);
}

#[expect(
    clippy::too_many_arguments,
    reason = "each is a part of the answer, and there is one caller"
)]
fn put_together(
    tools: &ArchiveTools,
    compiled: &Linked,
    linked: Linked,
    own: Own,
    root: &Path,
    modules: Vec<String>,
    target: Target,
    build_type: &str,
) -> Info {
    let mut include_dirs = Vec::new();
    let mut defines = compiled.public_defines.clone();
    let mut flags = tools.cflags.clone();
    if own == Own::Sources {
        extend(&mut include_dirs, compiled.own_dirs.clone());
        defines.extend(compiled.own_defines.clone());
        flags.extend(compiled.flags.iter().cloned());
    }
    extend(&mut include_dirs, compiled.public_dirs.clone());
    flags.extend(compiled.library_cflags.iter().cloned());
    flags.extend(defines.iter().map(|(name, value)| format!("-D{name}={value}")));
    flags.extend(include_dirs.iter().map(|dir| format!("-I{dir}")));
    let with = |language: SourceKind, more: &[String]| {
        if own == Own::Users {
            return flags.clone();
        }
        let standard: Vec<String> = standard(language).into_iter().collect();
        [standard.as_slice(), &flags, more].concat()
    };
    let mut archives = Vec::new();
    for more in [linked.archives, linked.beside, linked.library_archives] {
        last(&mut archives, more);
    }
    let mut ldflags = tools.ldflags.clone();
    ldflags.extend(archives.iter().cloned());
    ldflags.extend(linked.ldflags);
    if linked.has_cxx {
        ldflags.extend(tools.cxx_libraries.iter().cloned());
    }
    let libdir = root.join(BUILD_DIR).join(target.to_string()).join(build_type);
    Info {
        version: 1,
        modules,
        target: target.to_string(),
        build_type: build_type.to_owned(),
        cc: tools.cc.clone(),
        cxx: tools.cxx.clone().unwrap_or_default(),
        ar: tools.ar.clone(),
        headers: linked.headers,
        include_dirs,
        defines,
        cflags: with(SourceKind::C, &compiled.cflags),
        cxxflags: with(SourceKind::Cxx, &compiled.cxxflags),
        libdir: libdir.to_string_lossy().into_owned(),
        archives,
        ldflags,
        abi: linked.abi,
    }
}
