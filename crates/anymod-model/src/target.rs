//! Targets: a runtime and the kind of it that a module is built for, and the name that both have in the manifest, on the
//! command line and on disk.

use crate::arch::{ARCHES, Arch};
use crate::platform::{ObjectFormat, PLATFORMS, Platform};

/// What loads or links native modules: a language runtime, or a host program that takes them as archives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Runtime {
    /// MicroPython, through `.mpy` files.
    MicroPython,
    /// CPython on the platform that anymod runs on, through extension modules in wheels.
    CPython,
    /// Pyodide: CPython as WebAssembly, through wheels as well.
    Pyodide,
    /// A program of a platform, through archives that are linked into it.
    Native,
    /// WebAssembly with the system interface WASI, through archives that become one reactor module.
    Wasi,
    /// WebAssembly as emscripten makes it, through archives.
    Emscripten,
    /// Node.js on a platform, and bun, through addons.
    Node,
}

impl Runtime {
    /// Every runtime, in the order in which reports list them.
    pub const ALL: [Runtime; 7] = [
        Runtime::MicroPython,
        Runtime::CPython,
        Runtime::Pyodide,
        Runtime::Native,
        Runtime::Wasi,
        Runtime::Emscripten,
        Runtime::Node,
    ];

    /// Name as it begins a target's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Runtime::MicroPython => "micropython",
            Runtime::CPython => "cpython",
            Runtime::Pyodide => "pyodide",
            Runtime::Native => "native",
            Runtime::Wasi => "wasi",
            Runtime::Emscripten => "emscripten",
            Runtime::Node => "node",
        }
    }

    /// True if modules for it are archives.
    #[must_use]
    pub fn takes_archives(self) -> bool {
        matches!(self, Runtime::Native | Runtime::Wasi | Runtime::Emscripten)
    }

    /// The sections of a manifest that hold settings for it alone, the weakest first.
    #[must_use]
    pub fn sections(self) -> &'static [&'static str] {
        match self {
            Runtime::MicroPython => &["micropython"],
            Runtime::CPython => &["cpython"],
            Runtime::Pyodide => &["pyodide"],
            Runtime::Native => &["archive"],
            Runtime::Wasi | Runtime::Emscripten => &["archive", "wasm"],
            Runtime::Node => &["node"],
        }
    }
}

/// A feature release of Python 3, for instance 3.11: the part of a version that decides the binary interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PythonVersion {
    /// The number after `3.`.
    pub minor: u8,
}

impl PythonVersion {
    /// Reads a version like `3.11`.
    #[must_use]
    pub fn parse(text: &str) -> Option<PythonVersion> {
        let minor = number(text.strip_prefix("3.")?)?;
        Some(PythonVersion { minor: u8::try_from(minor).ok()? })
    }

    /// The interpreter tag of wheels, for instance `cp311`.
    #[must_use]
    pub fn tag(self) -> String {
        format!("cp3{}", self.minor)
    }
}

impl std::fmt::Display for PythonVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "3.{}", self.minor)
    }
}

/// A release of Pyodide, for instance 0.29.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PyodideVersion {
    /// Its three numbers.
    pub numbers: [u16; 3],
}

impl PyodideVersion {
    /// Reads a version like `0.29.5`.
    #[must_use]
    pub fn parse(text: &str) -> Option<PyodideVersion> {
        let mut numbers = [0; 3];
        let mut parts = text.split('.');
        for place in &mut numbers {
            *place = number(parts.next()?)?;
        }
        parts.next().is_none().then_some(PyodideVersion { numbers })
    }
}

impl std::fmt::Display for PyodideVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// A number in the one way to write it, so that a version has one name.
fn number(text: &str) -> Option<u16> {
    let canonical = text == "0" || !text.starts_with(['0', '+']);
    text.parse().ok().filter(|_| canonical)
}

/// Releases of CPython that patterns stand for and lists show. Any other can be named in full.
const CPYTHONS: [u8; 4] = [11, 12, 13, 14];

/// Releases of Pyodide that patterns stand for and lists show: the last of each ABI. Any other can be named in full.
const PYODIDES: [[u16; 3]; 4] = [[0, 27, 7], [0, 28, 3], [0, 29, 5], [314, 0, 7]];

/// What kind of native code a program links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Native {
    /// For the machine that anymod runs on, by its own compiler.
    Host,
    /// The same for programs without shared libraries.
    HostStatic,
    /// For a platform, whatever machine builds it.
    Platform(Platform),
}

/// One thing to build for, for instance `micropython-armv7m`, `cpython-3.11`, `native-linux-x64` or `wasi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// MicroPython on an architecture.
    MicroPython(Arch),
    /// A feature release of CPython on the platform that anymod runs on.
    CPython(PythonVersion),
    /// A release of Pyodide.
    Pyodide(PyodideVersion),
    /// Native code in archives.
    Native(Native),
    /// WebAssembly with WASI in archives.
    Wasi,
    /// WebAssembly for emscripten in archives.
    Emscripten,
    /// Addons of Node.js for a platform.
    Node(Platform),
}

impl Target {
    /// Every target that anymod knows by itself, in table order, which is the order of targets.
    pub fn all() -> impl Iterator<Item = Target> {
        let micropythons = ARCHES.iter().map(|row| Target::MicroPython(row.arch));
        let cpythons = CPYTHONS.map(|minor| Target::CPython(PythonVersion { minor }));
        let pyodides = PYODIDES.map(|numbers| Target::Pyodide(PyodideVersion { numbers }));
        let platforms = PLATFORMS.iter().map(|row| Native::Platform(row.platform));
        let natives = [Native::Host, Native::HostStatic].into_iter().chain(platforms);
        let archives = natives.map(Target::Native).chain([Target::Wasi, Target::Emscripten]);
        let addons = PLATFORMS.iter().map(|row| Target::Node(row.platform));
        micropythons.chain(cpythons).chain(pyodides).chain(archives).chain(addons)
    }

    /// The runtime that loads the module.
    #[must_use]
    pub fn runtime(self) -> Runtime {
        match self {
            Target::MicroPython(_) => Runtime::MicroPython,
            Target::CPython(_) => Runtime::CPython,
            Target::Pyodide(_) => Runtime::Pyodide,
            Target::Native(_) => Runtime::Native,
            Target::Wasi => Runtime::Wasi,
            Target::Emscripten => Runtime::Emscripten,
            Target::Node(_) => Runtime::Node,
        }
    }

    /// True if modules for it are archives, which a host program links.
    #[must_use]
    pub fn takes_archives(self) -> bool {
        self.runtime().takes_archives()
    }

    /// Format of the objects in its archives if the target alone decides it; none for the machine that anymod runs on.
    #[must_use]
    pub fn object_format(self) -> Option<ObjectFormat> {
        match self {
            Target::MicroPython(_) => Some(ObjectFormat::Elf),
            Target::CPython(_) | Target::Native(Native::Host | Native::HostStatic) => None,
            Target::Native(Native::Platform(platform)) | Target::Node(platform) => {
                Some(platform.info().format)
            }
            Target::Pyodide(_) | Target::Wasi | Target::Emscripten => Some(ObjectFormat::Wasm),
        }
    }

    /// What follows the runtime in its name: an architecture, a version or a platform; empty if nothing does.
    #[must_use]
    pub fn kind(self) -> String {
        match self {
            Target::MicroPython(arch) => arch.to_string(),
            Target::CPython(version) => version.to_string(),
            Target::Pyodide(version) => version.to_string(),
            Target::Native(Native::HostStatic) => "static".to_owned(),
            Target::Native(Native::Platform(platform)) | Target::Node(platform) => {
                platform.to_string()
            }
            Target::Native(Native::Host) | Target::Wasi | Target::Emscripten => String::new(),
        }
    }

    /// Reads a full target name, also of a release that is in no table.
    #[must_use]
    pub fn parse(name: &str) -> Option<Target> {
        match name {
            "native" => return Some(Target::Native(Native::Host)),
            "wasi" => return Some(Target::Wasi),
            "emscripten" => return Some(Target::Emscripten),
            _ => {}
        }
        let (runtime, kind) = name.split_once('-')?;
        match runtime {
            "micropython" => Arch::from_name(kind).map(Target::MicroPython),
            "cpython" => PythonVersion::parse(kind).map(Target::CPython),
            "pyodide" => PyodideVersion::parse(kind).map(Target::Pyodide),
            "node" => Platform::from_name(kind).map(Target::Node),
            "native" if kind == "static" => Some(Target::Native(Native::HostStatic)),
            "native" => {
                Platform::from_name(kind).map(|platform| Target::Native(Native::Platform(platform)))
            }
            _ => None,
        }
    }

    /// The targets that `pattern` stands for: the one that it names in full, else those of the tables whose names match,
    /// where `*` stands for any run of characters.
    #[must_use]
    pub fn matching(pattern: &str) -> Vec<Target> {
        match Target::parse(pattern) {
            Some(target) => vec![target],
            None => {
                let matches = |target: &Target| glob_matches(pattern, &target.to_string());
                Target::all().filter(matches).collect()
            }
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.runtime().name())?;
        match self.kind() {
            kind if kind.is_empty() => Ok(()),
            kind => write!(f, "-{kind}"),
        }
    }
}

/// Matches `text` against a pattern in which `*` stands for any run of characters and all else for itself.
#[must_use]
pub fn glob_matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(head) else {
        return false;
    };
    (0..=text.len()).any(|at| text.is_char_boundary(at) && glob_matches(rest, &text[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for target in Target::all() {
            assert_eq!(Target::parse(&target.to_string()), Some(target));
        }
        for name in ["cpython-3.9", "cpython-3.15", "pyodide-0.25.1", "pyodide-999.0.10"] {
            assert_eq!(Target::parse(name).unwrap().to_string(), name);
        }
    }

    #[test]
    fn a_target_has_one_name() {
        for name in [
            "micropython-z80",
            "cpython-3",
            "cpython-2.7",
            "cpython-3.011",
            "cpython-3.+11",
            "cpython-3.11.7",
            "cpython-3.256",
            "pyodide-0.29",
            "pyodide-0.29.05",
            "pyodide-0.29.5.1",
            "pyodide-0.29.5a1",
            "pyodide",
            "native-",
            "native-linux",
            "wasi-p1",
            "x64",
        ] {
            assert_eq!(Target::parse(name), None, "{name}");
        }
    }

    #[test]
    fn patterns_select_targets() {
        let names =
            |pattern| Target::matching(pattern).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names("micropython-rv*"), ["micropython-rv32imc", "micropython-rv64imc"]);
        assert_eq!(
            names("*x64"),
            [
                "micropython-x64",
                "native-linux-x64",
                "native-darwin-x64",
                "native-win32-x64",
                "node-linux-x64",
                "node-darwin-x64",
                "node-win32-x64"
            ]
        );
        assert_eq!(names("native"), ["native"], "named in full");
        assert_eq!(names("native-linux-*").len(), 4);
        assert_eq!(names("native*").len(), 10);
        assert_eq!(names("cpython-3.1*").len(), CPYTHONS.len());
        assert_eq!(names("pyodide-0.2*"), ["pyodide-0.27.7", "pyodide-0.28.3", "pyodide-0.29.5"]);
        assert_eq!(names("pyodide-0.25.0"), ["pyodide-0.25.0"], "named in full");
        assert_eq!(Target::matching("*").len(), Target::all().count());
        assert_eq!(names("node-*").len(), 8);
        assert!(Target::matching("deno-*").is_empty());
    }

    #[test]
    fn the_tables_are_in_the_order_of_targets() {
        let all: Vec<Target> = Target::all().collect();
        assert!(all.is_sorted());
        let runtimes: std::collections::BTreeSet<Runtime> =
            all.iter().map(|target| target.runtime()).collect();
        assert!(runtimes.into_iter().eq(Runtime::ALL));
    }
}
