//! What tells build systems that they build for the target: environment variables, a cross file for meson, a toolchain file
//! and a platform module for CMake, and commands `meson` and `cmake` that hand these over where variables do not.
//!
//! Each is a plain file in the scratch directory. Nothing here is seen by a hook other than the one that builds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anymod_model::Diagnostic;

use super::backend::{Backend, ConfigSettings};
use super::environment::BuildEnvironment;
use super::python::plain;
use super::rust::Rust;
use crate::environment::Environment;
use crate::install;
use crate::target::TargetEnvironment;

/// The files, and what they speak of.
#[derive(Debug)]
pub(crate) struct Cross<'a> {
    pub(crate) target: &'a TargetEnvironment,
    /// The directory of the compilers' stand-ins.
    pub(crate) compilers: &'a Path,
    directory: PathBuf,
}

/// The compilers and tools: the variable that names each to build systems and its name.
const TOOLS: [(&str, &str); 7] = [
    ("CC", "cc"),
    ("CXX", "c++"),
    ("AR", "ar"),
    ("LD", "ld"),
    ("RANLIB", "ranlib"),
    ("STRIP", "strip"),
    ("NM", "nm"),
];

/// Compilers and tools of the build machine, for what a build runs itself: the names that build systems and cargo's crates
/// ask for one by, and those it may have, best first.
const HOST_TOOLS: [([&str; 2], [&str; 3]); 3] = [
    (["CC_FOR_BUILD", "HOST_CC"], ["cc", "gcc", "clang"]),
    (["CXX_FOR_BUILD", "HOST_CXX"], ["c++", "g++", "clang++"]),
    (["AR_FOR_BUILD", "HOST_AR"], ["ar", "gcc-ar", "llvm-ar"]),
];

/// Variables of the user that would lead a build to the host's headers and libraries, or that the stand-in applies itself.
const HIDDEN: [&str; 12] = [
    "CPATH",
    "C_INCLUDE_PATH",
    "CPLUS_INCLUDE_PATH",
    "LIBRARY_PATH",
    "LD_LIBRARY_PATH",
    "PKG_CONFIG_PATH",
    "CPPFLAGS",
    "CFLAGS",
    "CXXFLAGS",
    "LDFLAGS",
    "RUSTFLAGS",
    "MAKEFLAGS",
];

impl<'a> Cross<'a> {
    /// Writes the files into a directory that is there.
    ///
    /// # Errors
    /// `B0003` if that is not possible.
    pub(crate) fn write(
        target: &'a TargetEnvironment,
        compilers: &'a Path,
        directory: PathBuf,
    ) -> Result<Cross<'a>, Diagnostic> {
        let cross = Cross { target, compilers, directory };
        install::create_dir(&cross.pkg_config())?;
        install::write_scratch(&cross.meson_file(), cross.meson())?;
        install::create_dir(&cross.directory.join("cmake/Platform"))?;
        install::write_scratch(&cross.cmake_file(), cross.cmake())?;
        install::write_scratch(&cross.directory.join("cmake/Platform/Emscripten.cmake"), PLATFORM)?;
        install::create_dir(&cross.commands())?;
        for (name, script) in [("meson", cross.meson_command()), ("cmake", cross.cmake_command())] {
            let path = cross.commands().join(name);
            install::write_scratch(&path, script)?;
            let file =
                std::fs::File::open(&path).map_err(|error| install::read_error(&path, &error))?;
            super::source::make_executable(&file);
        }
        Ok(cross)
    }

    /// meson's cross file.
    pub(crate) fn meson_file(&self) -> PathBuf {
        self.directory.join("meson.cross")
    }

    /// CMake's toolchain file.
    pub(crate) fn cmake_file(&self) -> PathBuf {
        self.directory.join("toolchain.cmake")
    }

    /// The directory of the commands `meson` and `cmake`.
    fn commands(&self) -> PathBuf {
        self.directory.join("bin")
    }

    /// A directory without a `.pc` file: libraries of the host are none of the target's.
    fn pkg_config(&self) -> PathBuf {
        self.directory.join("pkgconfig")
    }

    fn meson(&self) -> String {
        let tool = |name: &str| quoted(&self.compilers.join(name));
        format!(
            "# Written by anymod.\n[binaries]\nc = {}\ncpp = {}\nar = {}\nranlib = {}\nstrip = {}\npkg-config = 'pkg-config'\n\n\
             [properties]\nneeds_exe_wrapper = true\nskip_sanity_check = true\nlongdouble_format = 'IEEE_QUAD_LE'\n\n\
             [host_machine]\nsystem = 'emscripten'\ncpu_family = 'wasm32'\ncpu = 'wasm32'\nendian = 'little'\n",
            tool("cc"),
            tool("c++"),
            tool("ar"),
            tool("ranlib"),
            tool("strip"),
        )
    }

    fn cmake(&self) -> String {
        let tool = |name: &str| bracketed(&self.compilers.join(name));
        let mut text = String::from(
            "# Written by anymod.\nset(CMAKE_SYSTEM_NAME Emscripten)\nset(CMAKE_SYSTEM_VERSION 1)\nset(CMAKE_SYSTEM_PROCESSOR wasm32)\nset(CMAKE_CROSSCOMPILING TRUE)\n",
        );
        for (variable, name) in [
            ("CMAKE_C_COMPILER", "cc"),
            ("CMAKE_CXX_COMPILER", "c++"),
            ("CMAKE_AR", "ar"),
            ("CMAKE_C_COMPILER_AR", "ar"),
            ("CMAKE_CXX_COMPILER_AR", "ar"),
            ("CMAKE_RANLIB", "ranlib"),
            ("CMAKE_C_COMPILER_RANLIB", "ranlib"),
            ("CMAKE_CXX_COMPILER_RANLIB", "ranlib"),
            ("CMAKE_STRIP", "strip"),
            ("CMAKE_NM", "nm"),
            ("CMAKE_LINKER", "ld"),
        ] {
            text += &format!("set({variable} {} CACHE FILEPATH \"\")\n", tool(name));
        }
        text += &format!(
            "list(PREPEND CMAKE_MODULE_PATH {})\n",
            bracketed(&self.directory.join("cmake"))
        );
        text +=
            &format!("list(APPEND CMAKE_FIND_ROOT_PATH {})\n", bracketed(&self.target.sysroot()));
        // Programs are the host's; libraries and headers of the host are none of the target's.
        text += "set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)\nset(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)\nset(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)\nset(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)\n";
        let include = bracketed(&self.target.python_include());
        for package in ["Python", "Python3"] {
            text += &format!("set({package}_INCLUDE_DIR {include} CACHE PATH \"\")\n");
        }
        text += "set(CMAKE_POSITION_INDEPENDENT_CODE ON)\n";
        text
    }

    fn meson_command(&self) -> String {
        let file = shell(&self.meson_file());
        format!(
            "{NEXT}\ncase $1 in\nsetup) shift; exec \"$next\" setup --cross-file={file} \"$@\" ;;\nesac\nexec \"$next\" \"$@\"\n"
        )
        .replace("@NAME@", "meson")
    }

    fn cmake_command(&self) -> String {
        let file = shell(&self.cmake_file());
        format!(
            "{NEXT}\nfor argument; do\n    case $argument in\n    --build | --install | --open | --workflow | --find-package | --help* | --version | --system-information* | --list-presets* | -P | -E | -N)\n        exec \"$next\" \"$@\" ;;\n    esac\ndone\nexec \"$next\" -DCMAKE_TOOLCHAIN_FILE={file} \"$@\"\n"
        )
        .replace("@NAME@", "cmake")
    }

    /// The environment of the hook that builds.
    pub(crate) fn variables(&self, build: &Build<'_>) -> BTreeMap<String, String> {
        let mut variables = host_variables(build.environment, build.user);
        for name in HIDDEN {
            variables.remove(name);
        }
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let path = variables.get("PATH").cloned().unwrap_or_default();
        let path = format!("{}:{}:{path}", text(&self.commands()), text(self.compilers));
        let facts = &self.target.description.facts;
        let underscored = facts.emscripten.replace('.', "_");
        for (variable, name) in TOOLS {
            variables.insert(variable.to_owned(), self.tool(name));
        }
        for (names, programs) in HOST_TOOLS {
            let found = programs.iter().find_map(|program| build.user.find_program(program));
            for name in names {
                let path = found.as_deref().map(text);
                if let Some(path) = path {
                    variables.entry(name.to_owned()).or_insert(path);
                }
            }
        }
        if let Some(rust) = build.rust
            && let Some(linker) = variables.get("HOST_CC").cloned()
        {
            variables.insert(rust.linker_variable(), linker);
        }
        let jobs = build.jobs.to_string();
        let more = [
            ("PATH", path),
            ("LDSHARED", format!("{} -shared", self.tool("cc"))),
            ("LDCXXSHARED", format!("{} -shared", self.tool("c++"))),
            ("_PYTHON_HOST_PLATFORM", format!("emscripten_{underscored}_wasm32")),
            ("_PYTHON_SYSCONFIGDATA_NAME", self.target.sysconfigdata_name().to_owned()),
            ("PYTHONPATH", text(&self.target.sysconfig())),
            ("PYODIDE", "1".to_owned()),
            ("PYODIDE_PACKAGE_ABI", "1".to_owned()),
            ("PYODIDE_EMSCRIPTEN_VERSION", facts.emscripten.clone()),
            ("PYODIDE_ABI_VERSION", facts.abi.clone().unwrap_or_default()),
            ("PKG_CONFIG_LIBDIR", text(&self.pkg_config())),
            ("CMAKE_TOOLCHAIN_FILE", text(&self.cmake_file())),
            // What a user has set would be a place that builds share.
            ("CARGO_TARGET_DIR", text(&build.directory.join("cargo"))),
            ("CARGO_BUILD_TARGET", "wasm32-unknown-emscripten".to_owned()),
            ("CARGO_TARGET_WASM32_UNKNOWN_EMSCRIPTEN_LINKER", text(&self.compilers.join("cc"))),
            (
                "CARGO_TARGET_WASM32_UNKNOWN_EMSCRIPTEN_RUSTFLAGS",
                "-C relocation-model=pic -C link-arg=-shared".to_owned(),
            ),
            ("PYO3_CROSS_LIB_DIR", text(&self.target.sysconfig())),
            ("PYO3_CROSS_INCLUDE_DIR", text(&self.target.python_include())),
            ("PYO3_CROSS_PYTHON_VERSION", facts.python_minor().to_owned()),
            ("SOURCE_DATE_EPOCH", build.epoch.to_string()),
            ("TMPDIR", text(build.temporary)),
            ("MAX_JOBS", jobs.clone()),
            ("NPY_NUM_BUILD_JOBS", jobs.clone()),
            ("CMAKE_BUILD_PARALLEL_LEVEL", jobs),
            ("PIP_NO_INPUT", "1".to_owned()),
            // The order of sets of texts reaches what generators such as Cython write.
            ("PYTHONHASHSEED", "0".to_owned()),
        ];
        variables.extend(more.map(|(name, value)| (name.to_owned(), value)));
        variables
    }

    /// How a variable names a tool: by its path, or where a space in that would end it, by its name, which the `PATH` leads to.
    fn tool(&self, name: &str) -> String {
        let path = self.compilers.join(name).to_string_lossy().into_owned();
        if path.contains(char::is_whitespace) { name.to_owned() } else { path }
    }

    /// What backends that take no variables are told through their settings. What the user says comes last and wins.
    pub(crate) fn settings(
        &self,
        backend: &Backend,
        build: &Build<'_>,
        asked: &[(String, String)],
    ) -> ConfigSettings {
        let mut settings = ConfigSettings::new();
        let text = |path: &Path| path.to_string_lossy().into_owned();
        if backend.requires("meson-python") || backend.object == "mesonpy" {
            settings.insert(
                "setup-args".to_owned(),
                vec![format!("--cross-file={}", text(&self.meson_file()))],
            );
            settings.insert("compile-args".to_owned(), vec![format!("-j{}", build.jobs)]);
            settings.insert("build-dir".to_owned(), vec![text(build.directory)]);
        } else if backend.requires("scikit-build-core") {
            settings.insert("build-dir".to_owned(), vec![text(build.directory)]);
        }
        let replaced =
            |key: &str| asked.iter().any(|(name, _)| name == key) && !key.ends_with("-args");
        settings.retain(|key, _| !replaced(key));
        for (key, value) in asked {
            settings.entry(key.clone()).or_default().push(value.clone());
        }
        settings
    }
}

/// What one build is told besides the target.
pub(crate) struct Build<'a> {
    pub(crate) environment: &'a BuildEnvironment,
    /// The user's environment.
    pub(crate) user: &'a Environment,
    /// Where a backend that can be told so keeps what it makes on the way.
    pub(crate) directory: &'a Path,
    /// A directory for temporary files.
    pub(crate) temporary: &'a Path,
    /// How many jobs a backend may run at once.
    pub(crate) jobs: usize,
    /// The time that files in the wheel get, in seconds since 1970.
    pub(crate) epoch: u64,
    /// The compiler of Rust, for a package that wants one.
    pub(crate) rust: Option<&'a Rust>,
}

/// The environment of a hook that knows nothing of the target.
pub(crate) fn host_variables(
    environment: &BuildEnvironment,
    user: &Environment,
) -> BTreeMap<String, String> {
    let mut variables: BTreeMap<String, String> =
        plain(user).map(|(name, value)| (name.clone(), value.clone())).collect();
    let path = user.get("PATH").unwrap_or_default();
    variables.insert("PATH".to_owned(), format!("{}:{path}", environment.bin().display()));
    // The environment is kept: what is imported is compiled once, for this build and for later ones.
    if environment.own {
        variables.remove("PYTHONDONTWRITEBYTECODE");
    }
    variables.insert("VIRTUAL_ENV".to_owned(), environment.directory.display().to_string());
    variables
}

/// Finds the command of this name that comes next on the `PATH`.
const NEXT: &str = "#!/bin/sh
# Written by anymod: hands the target's files over to the command of this name that comes next on the PATH.
here=$(cd \"$(dirname \"$0\")\" && pwd -P)
next=
saved=$IFS
IFS=:
for directory in $PATH; do
    if [ \"$directory\" != \"$here\" ] && [ -x \"$directory/@NAME@\" ]; then
        next=$directory/@NAME@
        break
    fi
done
IFS=$saved
if [ -z \"$next\" ]; then
    echo \"@NAME@: not found\" >&2
    exit 127
fi";

/// What CMake has to know of the system; its own module, where it has one, speaks of the emscripten SDK.
const PLATFORM: &str = "# Written by anymod.
set(EMSCRIPTEN 1)
set(UNIX 1)
set_property(GLOBAL PROPERTY TARGET_SUPPORTS_SHARED_LIBS TRUE)
set(CMAKE_SHARED_LIBRARY_PREFIX \"lib\")
set(CMAKE_SHARED_LIBRARY_SUFFIX \".so\")
set(CMAKE_SHARED_MODULE_PREFIX \"lib\")
set(CMAKE_SHARED_MODULE_SUFFIX \".so\")
set(CMAKE_STATIC_LIBRARY_PREFIX \"lib\")
set(CMAKE_STATIC_LIBRARY_SUFFIX \".a\")
set(CMAKE_EXECUTABLE_SUFFIX \"\")
set(CMAKE_FIND_LIBRARY_PREFIXES \"lib\")
set(CMAKE_FIND_LIBRARY_SUFFIXES \".so\" \".a\")
set(CMAKE_DL_LIBS \"\")
set(CMAKE_PLATFORM_NO_VERSIONED_SONAME 1)
foreach(lang C CXX)
  set(CMAKE_SHARED_LIBRARY_CREATE_${lang}_FLAGS \"-shared\")
  set(CMAKE_SHARED_MODULE_CREATE_${lang}_FLAGS \"-shared\")
  set(CMAKE_SHARED_LIBRARY_${lang}_FLAGS \"-fPIC\")
  set(CMAKE_SHARED_LIBRARY_LINK_${lang}_FLAGS \"\")
  set(CMAKE_SHARED_LIBRARY_SONAME_${lang}_FLAG \"\")
  set(CMAKE_SHARED_LIBRARY_RUNTIME_${lang}_FLAG \"\")
endforeach()
";

/// A path as a string of meson.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A path as an argument of CMake that nothing in it can end.
fn bracketed(path: &Path) -> String {
    format!("[=[{}]=]", path.to_string_lossy())
}

/// A path as a word of the shell.
fn shell(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', "'\\''"))
}
