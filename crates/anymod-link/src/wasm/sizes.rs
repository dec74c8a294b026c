//! Where the bytes of a module are: by section, by function, by the archive that functions came from.

use std::collections::BTreeMap;

use anymod_model::{Diagnostic, Place};
use wasmparser::{BinaryReader, CodeSectionReader, TypeRef};

use super::finish::{ORIGIN_SECTION, origins};
use super::sections::{damaged, split};
use super::{Bytes, read};

/// Sizes of a module, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// The file.
    pub total: u64,
    /// Debug information: custom sections whose names begin with `.debug_`, and `name`.
    pub debug: u64,
    /// Sections in their order.
    pub sections: Vec<SectionSize>,
    /// Functions in their order.
    pub functions: Vec<FunctionSize>,
}

/// A section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionSize {
    /// `code`, `data`, …, or the name of a custom section.
    pub name: String,
    /// Whether it is a custom section, which engines pass over.
    pub custom: bool,
    /// Bytes with what frames them.
    pub bytes: u64,
}

/// A function that the module defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionSize {
    /// Its number, those of imports included.
    pub index: u32,
    /// Its name, where the module says so.
    pub name: Option<String>,
    /// The archive that it came from, in bundles.
    pub origin: Option<String>,
    /// Bytes of its body.
    pub bytes: u64,
}

/// Measures a module.
///
/// # Errors
/// `L0601` if it is no module, `L0602` if it is damaged.
pub fn sizes(bytes: &[u8], file: &str) -> Result<Sizes, Diagnostic> {
    let place = Place::file(file);
    let mut sizes = Sizes { total: bytes.len() as u64, ..Sizes::default() };
    let mut begin = 8;
    let (mut bodies, mut imported) = (Vec::new(), 0);
    let mut names = BTreeMap::new();
    let mut runs = Vec::new();
    for section in split(bytes, &place)? {
        let end = section.offset + section.body.len() as u64;
        let name = section
            .custom()
            .map_or(NAMES.get(usize::from(section.id)).copied(), |(name, _)| Some(name));
        let name = name.map_or_else(|| format!("section {}", section.id), str::to_owned);
        let custom = section.custom().is_some();
        let bytes = end - begin;
        begin = end;
        if custom && is_debug(&name) {
            sizes.debug += bytes;
        }
        let reader = || BinaryReader::new(section.body, section.offset);
        match section.id {
            IMPORT => imported = functions_imported(reader()).map_err(|e| damaged(&e, &place))?,
            CODE => bodies = bodies_of(reader()).map_err(|e| damaged(&e, &place))?,
            _ => {}
        }
        if let Some(content) = section.named("name") {
            let offset = end - content.len() as u64;
            names.extend(read::function_names(Bytes { offset, bytes: content }));
        }
        if let Some(content) = section.named(ORIGIN_SECTION) {
            runs = origins(content);
        }
        sizes.sections.push(SectionSize { name, custom, bytes });
    }
    let mut from = runs.iter().flat_map(|run| {
        std::iter::repeat_n(&run.name, usize::try_from(run.functions).unwrap_or(usize::MAX))
    });
    sizes.functions = (imported..)
        .zip(bodies)
        .map(|(index, bytes)| FunctionSize {
            index,
            name: names.get(&index).map(|name| (*name).to_owned()),
            origin: from.next().cloned(),
            bytes,
        })
        .collect();
    Ok(sizes)
}

impl Sizes {
    /// Bytes of functions by the archive that they came from, the largest first.
    #[must_use]
    pub fn by_origin(&self) -> Vec<(String, u64)> {
        let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
        for function in &self.functions {
            if let Some(origin) = &function.origin {
                *sums.entry(origin).or_default() += function.bytes;
            }
        }
        let mut sums: Vec<(String, u64)> =
            sums.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
        sums.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        sums
    }
}

/// Names of sections by id.
const NAMES: [&str; 14] = [
    "custom",
    "type",
    "import",
    "function",
    "table",
    "memory",
    "global",
    "export",
    "start",
    "element",
    "code",
    "data",
    "data count",
    "tag",
];
const IMPORT: u8 = 2;
const CODE: u8 = 10;

fn is_debug(name: &str) -> bool {
    name.starts_with(".debug_") || name == "name" || name == "sourceMappingURL"
}

fn functions_imported(reader: BinaryReader<'_>) -> wasmparser::Result<u32> {
    let mut functions = 0;
    for import in wasmparser::ImportSectionReader::new(reader)?.into_imports() {
        if matches!(import?.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)) {
            functions += 1;
        }
    }
    Ok(functions)
}

fn bodies_of(reader: BinaryReader<'_>) -> wasmparser::Result<Vec<u64>> {
    let bodies = CodeSectionReader::new(reader)?.into_iter();
    bodies.map(|body| body.map(|body| body.range().end - body.range().start)).collect()
}
