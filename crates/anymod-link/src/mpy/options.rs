//! What a caller asks of the linker, and what it gets back.

use std::collections::BTreeMap;

use anymod_model::{Abi, Arch, Diagnostic};

use super::map::Map;

/// An input: an object or an archive, told apart by its first bytes, wherever it is given.
#[derive(Clone, Debug)]
pub struct Input<'a> {
    /// Path as the user gave it; appears in messages and maps, never in the module.
    pub name: String,
    /// The file's bytes.
    pub data: &'a [u8],
}

/// Whether `.data` and `.bss` that code reaches relative to itself may live inside the code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StaticData {
    /// As the architecture's usual loaders allow (`ArchInfo::writable_text`).
    #[default]
    Default,
    /// Always: the user knows that the runtime's code memory is writable.
    InText,
    /// Never: report every such variable.
    Refuse,
}

/// The release of MicroPython's own linker, `tools/mpy_ld.py`, whose bytes to reproduce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Compat {
    /// 1.25: archives.
    V1_25,
    /// 1.26 and 1.27: signed addends, absolute words in ARM code, ROM symbols.
    V1_26,
    /// 1.28: shortest entry jump, architecture flags.
    V1_28,
    /// The newest known.
    Latest,
}

impl Compat {
    /// Reads a release such as `1.26` or `1.26.1`, or `latest`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Compat> {
        if text == "latest" {
            return Some(Compat::Latest);
        }
        let mut parts = text.split('.').map(str::parse::<u32>);
        match (parts.next()?.ok()?, parts.next()?.ok()?) {
            (1, 25) => Some(Compat::V1_25),
            (1, 26 | 27) => Some(Compat::V1_26),
            (1, 28) => Some(Compat::V1_28),
            _ => None,
        }
    }
}

/// How to link.
#[derive(Clone, Debug)]
pub struct Options {
    /// The module's architecture.
    pub arch: Arch,
    /// The oldest release whose loader must accept the module.
    pub abi: Abi,
    /// Instruction-set extensions to announce in the header, 0 for none.
    pub arch_flags: u64,
    /// The name stored in the module, shown in tracebacks.
    pub source_name: String,
    /// Names of the module's own qstrs, in the order of their numbers (the first has number 1).
    pub qstrs: Vec<String>,
    /// Addresses of symbols in the runtime's ROM.
    pub externs: BTreeMap<String, u64>,
    /// Where static variables may live.
    pub static_data: StaticData,
    /// Drop sections that nothing reachable from `mpy_init` refers to.
    pub gc_sections: bool,
    /// Reproduce a release of MicroPython's linker instead of doing better.
    pub compat: Option<Compat>,
}

impl Options {
    /// The defaults for an architecture: newest ABI, garbage collection on.
    #[must_use]
    pub fn new(arch: Arch, source_name: impl Into<String>) -> Options {
        Options {
            arch,
            abi: Abi::LATEST,
            arch_flags: 0,
            source_name: source_name.into(),
            qstrs: Vec::new(),
            externs: BTreeMap::new(),
            static_data: StaticData::Default,
            gc_sections: true,
            compat: None,
        }
    }
}

/// Bytes of each kind in a module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// The code blob, with everything that lives in it.
    pub text: u64,
    /// Read-only data: the blob of its own where the architecture has one, else its share of `text`.
    pub rodata: u64,
    /// Initialised variables; always inside another blob.
    pub data: u64,
    /// Zeroed variables that the loader allocates.
    pub bss: u64,
    /// Zeroed variables that live inside `text`.
    pub bss_in_text: u64,
    /// The global offset table, inside `text`.
    pub got: u64,
    /// Literal pool (Xtensa), inside `text`.
    pub literals: u64,
    /// Code that the linker made: entry jump, constructors' calls, veneers.
    pub synthetic: u64,
    /// Load-time relocations as stored.
    pub relocations: u64,
}

/// A section that is not in the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discarded {
    /// Path of the input.
    pub file: String,
    /// Archive member, if the input is an archive.
    pub member: Option<String>,
    /// Section name.
    pub section: String,
    /// Size in bytes.
    pub size: u64,
}

/// A finished module and what is known about it.
#[derive(Clone, Debug)]
pub struct Linked {
    /// The `.mpy` file.
    pub mpy: Vec<u8>,
    /// Sizes by kind.
    pub sizes: Sizes,
    /// Where everything is.
    pub map: Map,
    /// Sections that garbage collection dropped, in input order.
    pub discarded: Vec<Discarded>,
    /// Findings that do not prevent the result.
    pub warnings: Vec<Diagnostic>,
}
