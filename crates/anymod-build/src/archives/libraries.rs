//! Libraries that modules are linked with and that are not theirs: the host program's own, and those of the system.
//!
//! What the manifest says about linking one is replaced by the variable `ANYMOD_LIBRARY_NAME`, or stronger by
//! `ANYMOD_LIBRARY_NAME_TARGET`, and that by a flag.

use std::collections::BTreeMap;

use anymod_model::codes::{manifest as manifest_codes, toolchain as codes};
use anymod_model::manifest::{ArchiveSettings, LibrarySettings, Manifest, ModuleSettings, Spanned};
use anymod_model::target::glob_matches;
use anymod_model::{Diagnostic, Diagnostics, Native, Place, Target};

use crate::environment::Environment;
use crate::intercept::split;

/// What replaces the manifest's word on linking a library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LibraryOverride {
    /// The library.
    pub name: String,
    /// The targets that it is for, a pattern; all if none.
    pub target: Option<String>,
    /// Options for compiling and linking, archives among them.
    pub options: Vec<String>,
}

impl LibraryOverride {
    /// Reads `NAME=OPTIONS` or `NAME@TARGET=OPTIONS`; words of the options are separated as by a shell.
    ///
    /// # Errors
    /// `M0101` if it is neither.
    pub fn parse(text: &str) -> Result<LibraryOverride, Diagnostic> {
        let wrong = |why: &str| {
            Diagnostic::error(&manifest_codes::USAGE, format!("`--library {text}` {why}"))
                .hint("write `--library NAME=OPTIONS`, like `--library 'magic=-L/opt/lib -lmagic'`")
        };
        let (name, options) = text.split_once('=').ok_or_else(|| wrong("has no `=`"))?;
        let (name, target) = match name.split_once('@') {
            Some((name, target)) => (name, Some(target.to_owned())),
            None => (name, None),
        };
        if name.is_empty() || options.trim().is_empty() {
            return Err(wrong("names no library, or says nothing about it"));
        }
        if let Some(target) = target.as_ref().filter(|target| Target::matching(target).is_empty()) {
            return Err(wrong(&format!("is for `{target}`, which is no target")));
        }
        Ok(LibraryOverride { name: name.to_owned(), target, options: split(options) })
    }

    fn is_for(&self, name: &str, target: Target) -> bool {
        let fits = |pattern: &String| glob_matches(pattern, &target.to_string());
        self.name == name && self.target.as_ref().is_none_or(fits)
    }
}

/// A library as it is compiled against and linked. Paths are relative to the project, or absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Library {
    pub(crate) name: String,
    /// Where the manifest names it, for messages.
    pub(crate) place: Option<Place>,
    /// Patterns of its headers.
    pub(crate) headers: Vec<Spanned<String>>,
    pub(crate) include_dirs: Vec<String>,
    pub(crate) defines: BTreeMap<String, String>,
    /// Further options for compiling.
    pub(crate) cflags: Vec<String>,
    /// Its archive, if it has one of its own.
    pub(crate) archive: Option<String>,
    /// Options for linking.
    pub(crate) ldflags: Vec<String>,
    /// What the manifest says of its ABI.
    pub(crate) abi: BTreeMap<String, String>,
}

/// Where libraries are looked up.
pub(crate) struct Lookup<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) module: Option<&'a str>,
    pub(crate) target: Target,
    pub(crate) build_type: &'a str,
    pub(crate) overrides: &'a [LibraryOverride],
    pub(crate) environment: &'a Environment,
}

/// Names that are in the C library of every target, or in none of its own.
const IN_LIBC: [&str; 7] = ["c", "m", "pthread", "dl", "rt", "util", "gcc"];

impl Lookup<'_> {
    /// A library of the host program or of the system, by the name that a module gives it.
    ///
    /// # Errors
    /// Unset variables; `T0005` if there is no such library for the target.
    pub(crate) fn library(
        &self,
        name: &Spanned<String>,
        place: Place,
        pkg_config: AskPkgConfig<'_>,
    ) -> Result<Library, Diagnostics> {
        let environment = self.environment;
        let lookup = |name: &str| environment.get(name).map(str::to_owned);
        let (target, build_type) = (self.target, self.build_type);
        let settings =
            self.manifest.library(self.module, &name.value, target, build_type, &lookup)?;
        let mut library = Library { name: name.value.clone(), ..Library::default() };
        library.place = Some(place);
        if let Some(settings) = &settings {
            described(settings, &mut library);
        }
        if let Some(options) = self.replaced(&name.value) {
            library.archive = None;
            library.ldflags.clear();
            take(options, &mut library);
            return Ok(library);
        }
        if library.archive.is_some() {
            return Ok(library);
        }
        let package = settings.as_ref().and_then(|settings| settings.pkg_config.as_ref());
        match (package, target) {
            (Some(package), Target::Native(native @ (Native::Host | Native::HostStatic))) => {
                let is_static = native == Native::HostStatic;
                let found = pkg_config(&package.value, is_static);
                let found = found.map_err(|why| self.missing(&library, &why))?;
                let own = std::mem::take(&mut library.ldflags);
                take(found, &mut library);
                library.ldflags.extend(own);
            }
            _ => {
                let link_name = settings.as_ref().and_then(|settings| settings.link_name.as_ref());
                let link_name = link_name.map_or(name.value.as_str(), |name| &name.value);
                self.by_name(link_name, &mut library)?;
            }
        }
        Ok(library)
    }

    /// The libraries that a module names: the host's, then the system's.
    ///
    /// # Errors
    /// Those of [`Lookup::library`], of all of them.
    pub(crate) fn all(
        &self,
        own: &ArchiveSettings,
        settings: &ModuleSettings,
        pkg_config: AskPkgConfig<'_>,
    ) -> Result<Vec<Library>, Diagnostics> {
        let (mut libraries, mut findings) = (Vec::new(), Vec::new());
        for name in own.host_libraries.iter().chain(&own.system_libraries) {
            match self.library(name, settings.place(name), &mut *pkg_config) {
                Ok(library) => libraries.push(library),
                Err(errors) => findings.extend(errors.0),
            }
        }
        if findings.is_empty() { Ok(libraries) } else { Err(Diagnostics(findings)) }
    }

    /// What a flag, else a variable, says in place of the manifest.
    fn replaced(&self, name: &str) -> Option<Vec<String>> {
        let flag = self.overrides.iter().rev().find(|flag| flag.is_for(name, self.target));
        if let Some(flag) = flag {
            return Some(flag.options.clone());
        }
        let fold = |text: &str| -> String {
            let fit = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
            text.chars().map(|letter| fit(letter).to_ascii_uppercase()).collect()
        };
        let variable = format!("{VARIABLE}{}", fold(name));
        let of_target = format!("{variable}_{}", fold(&self.target.to_string()));
        let value = [of_target, variable]
            .iter()
            .find_map(|name| self.environment.get(name).filter(|value| !value.trim().is_empty()))?;
        Some(split(value))
    }

    /// A library that the linker finds by its name, on the machine's own platform; on others it has to be said what it is.
    fn by_name(&self, link_name: &str, library: &mut Library) -> Result<(), Diagnostic> {
        let own = matches!(self.target, Target::Native(Native::Host | Native::HostStatic));
        let is_wasm = matches!(self.target, Target::Wasi | Target::Emscripten);
        if IN_LIBC.contains(&link_name) {
            if !is_wasm {
                library.ldflags.insert(0, format!("-l{link_name}"));
            }
            return Ok(());
        }
        if own {
            library.ldflags.insert(0, format!("-l{link_name}"));
            return Ok(());
        }
        if library.ldflags.is_empty() {
            return Err(self.missing(library, "nothing says where its archive is"));
        }
        Ok(())
    }

    fn missing(&self, library: &Library, why: &str) -> Diagnostic {
        let (name, target) = (&library.name, self.target);
        let message = format!("there is no library `{name}` for `{target}`: {why}");
        let finding = Diagnostic::error(&codes::LIBRARY, message).hint(format!(
            "add `archive = \"…\"` to `[library.{name}.target.\"{target}\"]`, give it by `--library '{name}=OPTIONS'` or \
             `{VARIABLE}…`, or say `supported = false` in the module's section"
        ));
        match &library.place {
            Some(place) => finding.at(place.clone()),
            None => finding,
        }
    }
}

/// What the names of variables begin with that replace the manifest's word.
const VARIABLE: &str = "ANYMOD_LIBRARY_";

/// What `pkg-config` answers: options, or why there are none.
pub(crate) type Answer = Result<Vec<String>, String>;

/// Asks for a package, and whether it is linked into a static program.
pub(crate) type AskPkgConfig<'a> = &'a mut dyn FnMut(&str, bool) -> Answer;

/// Takes over what the manifest says.
fn described(settings: &LibrarySettings, library: &mut Library) {
    let values = |list: &[Spanned<String>]| -> Vec<String> {
        list.iter().map(|value| value.value.clone()).collect()
    };
    let texts = |table: &BTreeMap<String, Spanned<String>>| -> BTreeMap<String, String> {
        table.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect()
    };
    library.headers = settings.headers.clone();
    library.include_dirs = values(&settings.include_dirs);
    library.defines = texts(&settings.defines);
    library.cflags = values(&settings.cflags);
    library.archive = settings.archive.as_ref().map(|archive| archive.value.clone());
    library.ldflags = values(&settings.ldflags);
    library.abi = texts(&settings.abi);
}

/// Takes options over: directories of headers and macros are for compiling, all others for linking.
fn take(options: Vec<String>, library: &mut Library) {
    let mut options = options.into_iter();
    while let Some(option) = options.next() {
        let directory = match option.strip_prefix("-I") {
            Some("") => options.next(),
            Some(directory) => Some(directory.to_owned()),
            None => None,
        };
        if let Some(directory) = directory {
            library.include_dirs.push(directory);
        } else if let Some(define) = option.strip_prefix("-D") {
            let (name, value) = define.split_once('=').unwrap_or((define, "1"));
            library.defines.insert(name.to_owned(), value.to_owned());
        } else if option == "-pthread" {
            library.cflags.push(option.clone());
            library.ldflags.push(option);
        } else {
            library.ldflags.push(option);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "[module.m]\nsources = [\"m.c\"]\n\
        [library.magic]\nname = \"magic\"\ninclude-dirs = [\"inc\"]\nldflags = [\"-lz\"]\n\
        [library.magic.target.wasi]\narchive = \"w/libmagic.a\"\n";

    fn found(
        name: &str,
        target: &str,
        overrides: &[&str],
        environment: &Environment,
    ) -> Result<Library, Diagnostics> {
        let manifest = anymod_model::manifest::parse(MANIFEST, "anymod.toml").unwrap();
        let overrides: Result<Vec<_>, _> =
            overrides.iter().map(|text| LibraryOverride::parse(text)).collect();
        let lookup = Lookup {
            manifest: &manifest,
            module: Some("m"),
            target: Target::parse(target).unwrap(),
            build_type: "release",
            overrides: &overrides?,
            environment,
        };
        let name = Spanned { value: name.to_owned(), span: None };
        let mut not_asked = |_: &str, _: bool| Err("not asked".to_owned());
        lookup.library(&name, Place::file("anymod.toml"), &mut not_asked)
    }

    #[test]
    fn flags_are_stronger_than_variables_and_those_than_the_manifest() {
        let none = Environment::default();
        let library = found("magic", "native", &[], &none).unwrap();
        assert_eq!(library.ldflags, ["-lmagic", "-lz"]);
        assert_eq!(library.include_dirs, ["inc"]);
        let variable = none.with("ANYMOD_LIBRARY_MAGIC", "-I/o/inc -DX=2 '/o/lib dir/libmagic.a'");
        let library = found("magic", "native", &[], &variable).unwrap();
        assert_eq!(library.ldflags, ["/o/lib dir/libmagic.a"]);
        assert_eq!(library.include_dirs, ["inc", "/o/inc"]);
        assert_eq!(library.defines["X"], "2");
        let of_target = variable.with("ANYMOD_LIBRARY_MAGIC_NATIVE_LINUX_X64", "-L/x -lmagic");
        let library = found("magic", "native-linux-x64", &[], &of_target).unwrap();
        assert_eq!(library.ldflags, ["-L/x", "-lmagic"]);
        let flags = ["magic=/f/libmagic.a", "magic@wasi=/w.a"];
        let library = found("magic", "native", &flags, &of_target).unwrap();
        assert_eq!(library.ldflags, ["/f/libmagic.a"]);
        let library = found("magic", "wasi", &flags, &of_target).unwrap();
        assert_eq!((library.archive, library.ldflags), (None, vec!["/w.a".to_owned()]));
    }

    #[test]
    fn a_library_is_never_left_out_silently() {
        let none = Environment::default();
        assert_eq!(found("magic", "wasi", &[], &none).unwrap().archive.unwrap(), "w/libmagic.a");
        assert_eq!(found("m", "wasi", &[], &none).unwrap().ldflags, [""; 0]);
        assert_eq!(found("m", "native-linux-x64", &[], &none).unwrap().ldflags, ["-lm"]);
        for target in ["wasi", "emscripten", "native-win32-x64"] {
            let errors = found("curl", target, &[], &none).unwrap_err();
            assert_eq!(errors.0[0].code.id, "T0005", "{target}");
        }
        assert_eq!(found("curl", "native", &[], &none).unwrap().ldflags, ["-lcurl"]);
    }

    #[test]
    fn overrides_that_say_nothing_are_told() {
        for text in ["magic", "=x", "magic=", "magic= ", "magic@nowhere=-lm", "@wasi=-lm"] {
            assert_eq!(LibraryOverride::parse(text).unwrap_err().code.id, "M0101", "{text}");
        }
    }
}
