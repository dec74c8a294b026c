//! The `dylink.0` section of shared modules.
//!
//! Format: <https://github.com/WebAssembly/tool-conventions/blob/main/DynamicLinking.md>.

use std::collections::BTreeMap;

use wasmparser::{Dylink0SectionReader, Dylink0Subsection};

/// Namespace of imported globals that hold the address of data of another module.
pub const GOT_MEMORY: &str = "GOT.mem";
/// Namespace of imported globals that hold the table index of a function of another module.
pub const GOT_FUNCTION: &str = "GOT.func";

/// What a loader has to know before it can place the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dylink<'a> {
    /// Bytes of memory that the module's data takes.
    pub memory_size: u32,
    /// Their alignment, as a power of two.
    pub memory_alignment: u32,
    /// Elements of the function table that the module takes.
    pub table_size: u32,
    /// Their alignment, as a power of two.
    pub table_alignment: u32,
    /// Modules that have to be loaded before.
    pub needed: Vec<&'a str>,
    /// Directories to look for those in; `$ORIGIN` is the module's own.
    pub runtime_path: Vec<&'a str>,
    /// Flags of exports that have any.
    pub exports: BTreeMap<&'a str, SymbolFlags>,
    /// Flags of imports that have any, by namespace and name.
    pub imports: BTreeMap<(&'a str, &'a str), SymbolFlags>,
}

/// Flags of a symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SymbolFlags(u32);

impl SymbolFlags {
    /// Flags by their bits in the file, for instance 1 for a weak symbol.
    #[must_use]
    pub fn from_bits(bits: u32) -> SymbolFlags {
        SymbolFlags(bits)
    }

    /// Whether nobody has to define the symbol: its address is zero then.
    #[must_use]
    pub fn is_weak(self) -> bool {
        self.0 & wasmparser::SymbolFlags::BINDING_WEAK.bits() != 0
    }

    /// Whether every thread has a variable of its own.
    #[must_use]
    pub fn is_thread_local(self) -> bool {
        self.0 & wasmparser::SymbolFlags::TLS.bits() != 0
    }
}

impl Dylink<'_> {
    /// Whether an import may stay unresolved. Linkers write the flags of a symbol once, under `env`, also if the module
    /// imports its address.
    #[must_use]
    pub fn is_weak(&self, module: &str, name: &str) -> bool {
        let flags = |module| self.imports.get(&(module, name));
        [module, "env"].into_iter().filter_map(flags).any(|flags| flags.is_weak())
    }
}

pub(super) fn read(reader: Dylink0SectionReader<'_>) -> wasmparser::Result<Dylink<'_>> {
    let mut dylink = Dylink::default();
    for part in reader {
        match part? {
            Dylink0Subsection::MemInfo(info) => {
                dylink.memory_size = info.memory_size;
                dylink.memory_alignment = info.memory_alignment;
                dylink.table_size = info.table_size;
                dylink.table_alignment = info.table_alignment;
            }
            Dylink0Subsection::Needed(names) => dylink.needed.extend(names),
            Dylink0Subsection::RuntimePath(paths) => dylink.runtime_path.extend(paths),
            Dylink0Subsection::ExportInfo(exports) => dylink
                .exports
                .extend(exports.into_iter().map(|row| (row.name, SymbolFlags(row.flags.bits())))),
            Dylink0Subsection::ImportInfo(imports) => {
                dylink.imports.extend(
                    imports
                        .into_iter()
                        .map(|row| ((row.module, row.field), SymbolFlags(row.flags.bits()))),
                );
            }
            Dylink0Subsection::TargetArch(_) | Dylink0Subsection::Unknown { .. } => {}
        }
    }
    Ok(dylink)
}
