//! Targets: a runtime, its architecture, and the name that both have in the manifest, on the command line and on disk.

use crate::arch::{ARCHES, Arch};

/// A language runtime that loads native modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Runtime {
    /// MicroPython, through `.mpy` files.
    MicroPython,
}

impl Runtime {
    /// Name as it begins a target's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Runtime::MicroPython => "micropython",
        }
    }
}

/// One thing to build for, for instance `micropython-armv7m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// The runtime that loads the module.
    pub runtime: Runtime,
    /// The architecture of its code.
    pub arch: Arch,
}

impl Target {
    /// Every target anymod knows, in table order.
    pub fn all() -> impl Iterator<Item = Target> {
        ARCHES.iter().map(|row| Target { runtime: Runtime::MicroPython, arch: row.arch })
    }

    /// Reads a full target name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Target> {
        Target::all().find(|target| target.to_string() == name)
    }

    /// The targets whose names match `pattern`, in which `*` stands for any run of characters.
    #[must_use]
    pub fn matching(pattern: &str) -> Vec<Target> {
        Target::all().filter(|target| glob_matches(pattern, &target.to_string())).collect()
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.runtime.name(), self.arch)
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
        assert_eq!(Target::parse("micropython-z80"), None);
    }

    #[test]
    fn patterns_select_targets() {
        let names =
            |pattern| Target::matching(pattern).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names("micropython-rv*"), ["micropython-rv32imc", "micropython-rv64imc"]);
        assert_eq!(names("*x64"), ["micropython-x64"]);
        assert_eq!(Target::matching("*").len(), ARCHES.len());
        assert!(Target::matching("node-*").is_empty());
    }
}
