//! Objects: what each defines, needs and exports, as linkers are told by the section `linking`.
//!
//! Format: <https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md>. Never resolves a symbol.

use std::collections::BTreeMap;

use anymod_model::codes::wasm as code;
use anymod_model::{Diagnostic, Place};
use wasmparser::{
    Encoding, ExternalKind, Imports, KnownCustom, Linking, Parser, Payload, SymbolFlags,
    SymbolInfo, TypeRef,
};

use super::sections::damaged;

/// An object's symbols and exports, borrowed from its bytes.
#[derive(Clone, Debug, Default)]
pub struct Object<'a> {
    /// Its symbols in their order, those of sections left out.
    pub symbols: Vec<Symbol<'a>>,
    /// Functions that are exported under names of their own (`export_name`).
    pub exports: Vec<NamedExport<'a>>,
}

/// A function with an `export_name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedExport<'a> {
    /// The name.
    pub name: &'a str,
    /// The function's symbol; none if it has none, as in objects that no compiler makes.
    pub symbol: Option<Symbol<'a>>,
}

/// A symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it names.
    pub kind: SymbolKind,
    /// Whether the object defines it.
    pub defined: bool,
    /// Who sees it.
    pub binding: Binding,
    /// Only objects of the same link see it, whoever loads the result does not.
    pub hidden: bool,
    /// It is exported whatever the linker is told.
    pub exported: bool,
    /// Namespace and name that it is imported by if nobody defines it, where the source gives them.
    pub import: Option<(&'a str, &'a str)>,
}

/// What a symbol names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SymbolKind {
    /// A function.
    Function,
    /// Bytes of memory.
    Data,
    /// A global variable of the engine, not of the source.
    Global,
    /// A table.
    Table,
    /// An exception tag.
    Tag,
}

/// Who sees a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Binding {
    /// Its own object.
    Local,
    /// Every object, unless another one defines it strongly.
    Weak,
    /// Every object.
    Global,
}

/// Namespaces and names of imports, by kind.
#[derive(Default)]
pub(super) struct Imported<'a> {
    functions: Vec<(&'a str, &'a str)>,
    globals: Vec<(&'a str, &'a str)>,
    tables: Vec<(&'a str, &'a str)>,
    tags: Vec<(&'a str, &'a str)>,
}

impl<'a> Imported<'a> {
    /// The imports of a module.
    pub(super) fn of(bytes: &'a [u8]) -> wasmparser::Result<Imported<'a>> {
        let mut imported = Imported::default();
        for payload in Parser::new(0).parse_all(bytes) {
            if let Payload::ImportSection(groups) = payload? {
                groups.into_iter().try_for_each(|group| imported.add(group?))?;
            }
        }
        Ok(imported)
    }

    fn add(&mut self, group: Imports<'a>) -> wasmparser::Result<()> {
        let mut add = |module, name, kind| {
            let list = match kind {
                TypeRef::Func(_) | TypeRef::FuncExact(_) => &mut self.functions,
                TypeRef::Global(_) => &mut self.globals,
                TypeRef::Table(_) => &mut self.tables,
                TypeRef::Tag(_) => &mut self.tags,
                TypeRef::Memory(_) => return,
            };
            list.push((module, name));
        };
        match group {
            Imports::Single(_, import) => add(import.module, import.name, import.ty),
            Imports::Compact1 { module, items } => {
                for item in items {
                    let item = item?;
                    add(module, item.name, item.ty);
                }
            }
            Imports::Compact2 { module, ty, names } => {
                for name in names {
                    add(module, name?, ty);
                }
            }
        }
        Ok(())
    }

    /// Namespace and name of the import that a symbol means, if it is one.
    pub(super) fn at(&self, symbol: &SymbolInfo<'_>) -> Option<(&'a str, &'a str)> {
        let (list, flags, index) = match *symbol {
            SymbolInfo::Func { flags, index, .. } => (&self.functions, flags, index),
            SymbolInfo::Global { flags, index, .. } => (&self.globals, flags, index),
            SymbolInfo::Table { flags, index, .. } => (&self.tables, flags, index),
            SymbolInfo::Event { flags, index, .. } => (&self.tags, flags, index),
            SymbolInfo::Data { .. } | SymbolInfo::Section { .. } => return None,
        };
        let import = list.get(usize::try_from(index).ok()?).copied();
        import.filter(|_| flags.contains(SymbolFlags::UNDEFINED))
    }
}

/// Reads an object. Its code is not looked into.
///
/// # Errors
/// `L0602` with the offset if it is damaged or cut off, `G0102` if it is a module that was linked already.
pub fn read_object<'a>(bytes: &'a [u8], place: &Place) -> Result<Object<'a>, Diagnostic> {
    let mut object = Object::default();
    // All of them first: nothing says that the section of symbols comes after that of imports.
    let imported = Imported::of(bytes).map_err(|error| damaged(&error, place))?;
    let mut parts = Parts { imported, ..Parts::default() };
    for payload in Parser::new(0).parse_all(bytes) {
        let taken = payload
            .and_then(|payload| take(&mut object, &mut parts, payload))
            .map_err(|error| damaged(&error, place))?;
        if !taken {
            return Err(finished("a WebAssembly component", place));
        }
    }
    if !parts.linking {
        return Err(finished("a WebAssembly module that was linked already", place));
    }
    object.exports = parts
        .exports
        .iter()
        .map(|(name, index)| NamedExport { name, symbol: parts.functions.get(index).copied() })
        .collect();
    Ok(object)
}

/// What has to be put together.
#[derive(Default)]
struct Parts<'a> {
    imported: Imported<'a>,
    /// Names and numbers of exported functions.
    exports: Vec<(&'a str, u32)>,
    /// Symbols of functions defined here, by their numbers.
    functions: BTreeMap<u32, Symbol<'a>>,
    linking: bool,
}

fn finished(what: &str, place: &Place) -> Diagnostic {
    Diagnostic::error(&code::NOT_LINKABLE, format!("{what}, not an object"))
        .at(place.clone())
        .hint("put what the compiler makes with `-c` into the archive; if that is what it is, it was cut off")
}

/// Takes what matters of a piece; false if it belongs to a component.
fn take<'a>(
    object: &mut Object<'a>,
    parts: &mut Parts<'a>,
    payload: Payload<'a>,
) -> wasmparser::Result<bool> {
    match payload {
        Payload::Version { encoding: Encoding::Component, .. } => return Ok(false),
        Payload::ExportSection(exports) => {
            for export in exports {
                let export = export?;
                if export.kind == ExternalKind::Func {
                    parts.exports.push((export.name, export.index));
                }
            }
        }
        Payload::CustomSection(section) => {
            if let KnownCustom::Linking(reader) = section.as_known() {
                parts.linking = true;
                for part in reader.subsections() {
                    let symbols = match part? {
                        Linking::SymbolTable(symbols) => symbols,
                        Linking::ComdatInfo(groups) => {
                            // Not needed here, but an object with damaged groups is damaged.
                            for group in groups {
                                group?.symbols.into_iter().try_for_each(|row| row.map(drop))?;
                            }
                            continue;
                        }
                        _ => continue,
                    };
                    for info in symbols {
                        let info = info?;
                        let Some(symbol) = symbol(&parts.imported, &info) else { continue };
                        if let SymbolInfo::Func { index, .. } = info
                            && symbol.defined
                        {
                            parts.functions.insert(index, symbol);
                        }
                        object.symbols.push(symbol);
                    }
                }
            } else if section.name() == "linking" {
                // A version of the format that nobody knows, or one that is cut off.
                wasmparser::LinkingSectionReader::new(section.data_reader())?;
            }
        }
        _ => {}
    }
    Ok(true)
}

/// A symbol; none for a section's, and for one without a name, to which only its own object refers.
fn symbol<'a>(imported: &Imported<'a>, info: &SymbolInfo<'a>) -> Option<Symbol<'a>> {
    let import = imported.at(info);
    let (kind, flags, name) = match *info {
        SymbolInfo::Func { flags, name, .. } => (SymbolKind::Function, flags, name),
        SymbolInfo::Global { flags, name, .. } => (SymbolKind::Global, flags, name),
        SymbolInfo::Table { flags, name, .. } => (SymbolKind::Table, flags, name),
        SymbolInfo::Event { flags, name, .. } => (SymbolKind::Tag, flags, name),
        SymbolInfo::Data { flags, name, .. } => (SymbolKind::Data, flags, Some(name)),
        SymbolInfo::Section { .. } => return None,
    };
    let defined = !flags.contains(SymbolFlags::UNDEFINED);
    let binding = match () {
        () if flags.contains(SymbolFlags::BINDING_LOCAL) => Binding::Local,
        () if flags.contains(SymbolFlags::BINDING_WEAK) => Binding::Weak,
        () => Binding::Global,
    };
    Some(Symbol {
        name: name.or(import.map(|(_, name)| name))?,
        kind,
        defined,
        binding,
        hidden: flags.contains(SymbolFlags::VISIBILITY_HIDDEN),
        exported: flags.contains(SymbolFlags::EXPORTED),
        // What the compiler invents for a function that is only declared says nothing that the name does not.
        import: import.filter(|_| flags.contains(SymbolFlags::EXPLICIT_NAME)),
    })
}
