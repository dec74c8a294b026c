//! WebAssembly modules: what a file asks of whoever loads it, and what it offers.
//!
//! Owns reading the binary format (through `wasmparser`) with the conventions that linkers add in custom sections:
//! `dylink.0` of shared modules, `target_features`, `producers` and names
//! (<https://github.com/WebAssembly/tool-conventions>), and changing the one thing in a finished module that depends on
//! where it is installed, its runtime path. Never decides whether a module fits a runtime.

use std::fmt;

mod bundle;
mod dylink;
mod exceptions;
mod finish;
mod member;
mod object;
mod paths;
mod read;
mod rename;
pub mod resolve;
mod runtime_path;
mod sections;
mod sizes;
mod validate;

pub use bundle::{ExportPolicy, Exports, Unit, duplicate_exports, exports, isolate};
pub use dylink::{Dylink, GOT_FUNCTION, GOT_MEMORY, SymbolFlags};
pub use exceptions::ExceptionUse;
pub use finish::{Finish, ORIGIN_SECTION, Origin, finish};
pub use member::read_member;
pub use object::{Binding, NamedExport, Object, Symbol, SymbolKind, read_object};
pub use paths::{FoundPath, absolute_paths};
pub use read::{read, read_outline};
pub use rename::{Renames, rename};
pub use runtime_path::set_runtime_path;
pub use sizes::{FunctionSize, SectionSize, Sizes, sizes};
pub use validate::{Features, Functions, validate, validate_outline};

/// A module's parts, borrowed from its bytes.
#[derive(Clone, Debug, Default)]
pub struct Module<'a> {
    /// Function types; none for a type of garbage collection, which no C compiler makes.
    pub types: Vec<Option<Signature>>,
    /// Imports in their order.
    pub imports: Vec<Import<'a>>,
    /// Indices of the types of all functions, the imported ones first.
    pub functions: Vec<u32>,
    /// Memories that the module defines.
    pub memories: Vec<Memory>,
    /// Tags that the module defines: how many.
    pub tags: usize,
    /// Exports in their order.
    pub exports: Vec<Export<'a>>,
    /// The function that runs at instantiation.
    pub start: Option<u32>,
    /// Segments of initialised data.
    pub data: Vec<Bytes<'a>>,
    /// What instructions the code uses that not every engine or runtime has.
    pub code: CodeUse,
    /// The section that makes it a shared module.
    pub dylink: Option<Dylink<'a>>,
    /// Features that the compiler says it used (`+`) or forbids to be mixed in (`-`), as in `target_features`.
    pub target_features: Vec<(char, &'a str)>,
    /// Tools that made the module: field (`language`, `processed-by`, `sdk`), name, version.
    pub producers: Vec<(&'a str, &'a str, &'a str)>,
    /// Every custom section, including those read above.
    pub custom: Vec<Custom<'a>>,
}

/// What a module is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A shared module: a loader places it in the memory of a running program.
    Shared,
    /// An object file: input of a linker.
    Object,
    /// A program or reactor with a memory layout of its own.
    Standalone,
}

/// A function's type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Signature {
    /// Types of the parameters.
    pub parameters: Vec<ValueType>,
    /// Types of the results.
    pub results: Vec<ValueType>,
}

impl fmt::Display for Signature {
    /// The type as people write it: `(i32, i32) -> i32`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |types: &[ValueType]| {
            let names = types.iter().map(|value| match value {
                ValueType::I32 => "i32",
                ValueType::I64 => "i64",
                ValueType::F32 => "f32",
                ValueType::F64 => "f64",
                ValueType::V128 => "v128",
                ValueType::Reference => "ref",
            });
            names.collect::<Vec<_>>().join(", ")
        };
        write!(f, "({})", list(&self.parameters))?;
        match self.results.as_slice() {
            [] => Ok(()),
            [one] => write!(f, " -> {}", list(&[*one])),
            several => write!(f, " -> ({})", list(several)),
        }
    }
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// 32-bit integer, also addresses of 32-bit memories.
    I32,
    /// 64-bit integer.
    I64,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
    /// 128-bit vector.
    V128,
    /// A reference of any kind.
    Reference,
}

/// Something that the loader has to provide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Import<'a> {
    /// Namespace: `env`, `GOT.mem`, `GOT.func`, `wasi_snapshot_preview1`, …
    pub module: &'a str,
    /// Name in it.
    pub name: &'a str,
    /// What it is.
    pub kind: ImportKind,
}

/// What an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportKind {
    /// A function, with the index of its type.
    Function {
        /// Index into [`Module::types`].
        type_index: u32,
    },
    /// A table.
    Table,
    /// A memory.
    Memory(Memory),
    /// A global variable.
    Global {
        /// Type of its value.
        value: ValueType,
        /// Whether it can change.
        mutable: bool,
    },
    /// An exception tag, with the index of the type of what it carries.
    Tag {
        /// Index into [`Module::types`].
        type_index: u32,
    },
}

/// A linear memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Smallest size in pages.
    pub minimum: u64,
    /// Largest size in pages.
    pub maximum: Option<u64>,
    /// Whether threads share it.
    pub shared: bool,
    /// Whether addresses have 64 bits.
    pub wide: bool,
}

/// Something that the module offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Export<'a> {
    /// Name.
    pub name: &'a str,
    /// What it is.
    pub kind: ExportKind,
    /// Index in its own space, imports first.
    pub index: u32,
}

/// What an export is. In a shared module, a global of constant value is the address of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportKind {
    /// A function.
    Function,
    /// A table.
    Table,
    /// A memory.
    Memory,
    /// A global variable.
    Global,
    /// An exception tag.
    Tag,
}

/// What instructions occur in the code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CodeUse {
    /// `try`, `catch`, `delegate`, …: exception handling in the encoding that engines had first.
    pub legacy_exceptions: bool,
    /// `try_table`, `throw_ref`: exception handling as standardised.
    pub standard_exceptions: bool,
    /// `throw`, which both encodings have.
    pub throws: bool,
    /// Atomic loads, stores and read-modify-writes, or waiting and waking.
    pub atomics: bool,
    /// 128-bit vectors.
    pub vectors: bool,
}

/// Bytes of a module, with their offset in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes<'a> {
    /// Offset of the first byte in the file.
    pub offset: u64,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// A custom section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Custom<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it holds.
    pub content: Bytes<'a>,
}

impl<'a> Module<'a> {
    /// What the module is for, told by the sections that linkers and compilers leave.
    #[must_use]
    pub fn kind(&self) -> Kind {
        if self.dylink.is_some() {
            Kind::Shared
        } else if self.custom.iter().any(|section| section.name == "linking") {
            Kind::Object
        } else {
            Kind::Standalone
        }
    }

    /// The export of a name.
    #[must_use]
    pub fn export(&self, name: &str) -> Option<&Export<'a>> {
        self.exports.iter().find(|export| export.name == name)
    }

    /// The type of a function, imported or defined, by its index.
    #[must_use]
    pub fn signature(&self, function: u32) -> Option<&Signature> {
        let index = *self.functions.get(usize::try_from(function).ok()?)?;
        self.signature_of_type(index)
    }

    /// A function type by its index.
    #[must_use]
    pub fn signature_of_type(&self, index: u32) -> Option<&Signature> {
        self.types.get(usize::try_from(index).ok()?)?.as_ref()
    }

    /// Names of functions by their index, as the name section gives them; as far as it can be read.
    #[must_use]
    pub fn function_names(&self) -> std::collections::BTreeMap<u32, &'a str> {
        let sections = self.custom.iter().filter(|section| section.name == "name");
        sections.flat_map(|section| read::function_names(section.content)).collect()
    }

    /// Whether the module imports or defines a memory that threads share.
    #[must_use]
    pub fn shares_memory(&self) -> bool {
        let imported = self
            .imports
            .iter()
            .any(|import| matches!(import.kind, ImportKind::Memory(memory) if memory.shared));
        imported || self.memories.iter().any(|memory| memory.shared)
    }

    /// How exceptions and `longjmp` leave the module's functions.
    #[must_use]
    pub fn exceptions(&self) -> ExceptionUse {
        exceptions::find(self)
    }
}
