//! Reading a module: one pass over its sections.

use anymod_model::codes::link as codes;
use anymod_model::{Diagnostic, Place};
use wasmparser::{
    BinaryReader, CompositeInnerType, CustomSectionReader, Encoding, ExternalKind, FunctionBody,
    Imports, KnownCustom, MemoryType, Name, NameSectionReader, Operator, Parser, Payload, Result,
    TypeRef, TypeSectionReader, ValType,
};

use super::{
    Bytes, CodeUse, Custom, Export, ExportKind, Import, ImportKind, Memory, Module, Signature,
    ValueType, dylink,
};

/// Reads a module. `file` is what its bytes are called in diagnostics.
///
/// The structure of all sections and instructions is checked, their types are not (see [`validate`](super::validate())).
/// Custom sections that a compiler or linker garbled are errors only where a loader reads them, in `dylink.0`.
///
/// # Errors
/// `L0601` if the bytes are no WebAssembly module, `L0602` with the offset if they are damaged.
pub fn read<'a>(bytes: &'a [u8], file: &str) -> std::result::Result<Module<'a>, Diagnostic> {
    read_parts(bytes, file, true)
}

/// Reads a module but for its code, which [`Module::code`] then says nothing of: what it imports and exports, for instance.
///
/// # Errors
/// Those of [`read`], of everything but instructions.
pub fn read_outline<'a>(
    bytes: &'a [u8],
    file: &str,
) -> std::result::Result<Module<'a>, Diagnostic> {
    read_parts(bytes, file, false)
}

fn read_parts<'a>(
    bytes: &'a [u8],
    file: &str,
    code: bool,
) -> std::result::Result<Module<'a>, Diagnostic> {
    if !bytes.starts_with(b"\0asm") {
        let what = if bytes.is_empty() { "the file is empty" } else { "not a WebAssembly module" };
        return Err(Diagnostic::error(&codes::NOT_WASM, what)
            .at(Place::file(file))
            .hint("compile and link it for wasm32"));
    }
    let mut module = Module::default();
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.and_then(|payload| take(&mut module, payload, code)) {
            Ok(Taken::Known) => {}
            Ok(Taken::Component) => {
                return Err(Diagnostic::error(
                    &codes::NOT_WASM,
                    "a WebAssembly component, not a core module",
                )
                .at(Place::file(file))
                .hint("link a core module; loaders of native modules take no components"));
            }
            Ok(Taken::UnknownSection { id, offset }) => {
                let message = format!("unknown section {id}");
                return Err(malformed(&message, offset, file));
            }
            Err(error) => {
                let message = error.message().lines().next().unwrap_or_default();
                return Err(malformed(message, error.offset(), file));
            }
        }
    }
    Ok(module)
}

fn malformed(message: &str, offset: u64, file: &str) -> Diagnostic {
    Diagnostic::error(&codes::WASM_MALFORMED, format!("damaged module: {message}"))
        .at(Place::offset(file, offset))
        .hint("the file was cut off or changed; build it again")
}

/// Whether a piece belongs to a module.
enum Taken {
    Known,
    Component,
    UnknownSection { id: u8, offset: u64 },
}

fn take<'a>(module: &mut Module<'a>, payload: Payload<'a>, code: bool) -> Result<Taken> {
    match payload {
        Payload::Version { encoding: Encoding::Component, .. } => return Ok(Taken::Component),
        Payload::TypeSection(types) => read_types(module, types)?,
        Payload::ImportSection(imports) => {
            for group in imports {
                read_imports(module, group?)?;
            }
        }
        Payload::FunctionSection(functions) => {
            for function in functions {
                module.functions.push(function?);
            }
        }
        Payload::MemorySection(memories) => {
            for memory in memories {
                module.memories.push(self::memory(memory?));
            }
        }
        Payload::TagSection(tags) => {
            for tag in tags {
                tag?;
                module.tags += 1;
            }
        }
        Payload::ExportSection(exports) => {
            for export in exports {
                let export = export?;
                let kind = export_kind(export.kind);
                module.exports.push(Export { name: export.name, kind, index: export.index });
            }
        }
        Payload::StartSection { func, .. } => module.start = Some(func),
        Payload::CodeSectionEntry(body) if code => scan(&mut module.code, &body)?,
        Payload::DataSection(segments) => {
            for segment in segments {
                let segment = segment?;
                let end = segment.range.end;
                let offset = end.saturating_sub(segment.data.len() as u64);
                module.data.push(Bytes { offset, bytes: segment.data });
            }
        }
        Payload::TableSection(tables) => tables.into_iter().try_for_each(|item| item.map(drop))?,
        Payload::GlobalSection(globals) => {
            globals.into_iter().try_for_each(|item| item.map(drop))?;
        }
        Payload::ElementSection(elements) => {
            elements.into_iter().try_for_each(|item| item.map(drop))?;
        }
        Payload::CustomSection(section) => read_custom(module, &section)?,
        Payload::UnknownSection { id, range, .. } => {
            return Ok(Taken::UnknownSection { id, offset: range.start });
        }
        _ => {}
    }
    Ok(Taken::Known)
}

fn read_types(module: &mut Module<'_>, types: TypeSectionReader<'_>) -> Result<()> {
    for group in types {
        for sub in group?.into_types() {
            module.types.push(match sub.composite_type.inner {
                CompositeInnerType::Func(function) => Some(Signature {
                    parameters: function.params().iter().copied().map(value_type).collect(),
                    results: function.results().iter().copied().map(value_type).collect(),
                }),
                _ => None,
            });
        }
    }
    Ok(())
}

fn read_imports<'a>(module: &mut Module<'a>, group: Imports<'a>) -> Result<()> {
    let mut push = |namespace, name, ty| {
        let kind = import_kind(ty);
        if let ImportKind::Function { type_index } = kind {
            module.functions.push(type_index);
        }
        module.imports.push(Import { module: namespace, name, kind });
    };
    match group {
        Imports::Single(_, import) => push(import.module, import.name, import.ty),
        Imports::Compact1 { module: namespace, items } => {
            for item in items {
                let item = item?;
                push(namespace, item.name, item.ty);
            }
        }
        Imports::Compact2 { module: namespace, ty, names } => {
            for name in names {
                push(namespace, name?, ty);
            }
        }
    }
    Ok(())
}

fn import_kind(ty: TypeRef) -> ImportKind {
    match ty {
        TypeRef::Func(type_index) | TypeRef::FuncExact(type_index) => {
            ImportKind::Function { type_index }
        }
        TypeRef::Table(_) => ImportKind::Table,
        TypeRef::Memory(ty) => ImportKind::Memory(memory(ty)),
        TypeRef::Global(ty) => {
            ImportKind::Global { value: value_type(ty.content_type), mutable: ty.mutable }
        }
        TypeRef::Tag(ty) => ImportKind::Tag { type_index: ty.func_type_idx },
    }
}

fn export_kind(kind: ExternalKind) -> ExportKind {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => ExportKind::Function,
        ExternalKind::Table => ExportKind::Table,
        ExternalKind::Memory => ExportKind::Memory,
        ExternalKind::Global => ExportKind::Global,
        ExternalKind::Tag => ExportKind::Tag,
    }
}

fn memory(ty: MemoryType) -> Memory {
    Memory { minimum: ty.initial, maximum: ty.maximum, shared: ty.shared, wide: ty.memory64 }
}

fn value_type(ty: ValType) -> ValueType {
    match ty {
        ValType::I32 => ValueType::I32,
        ValType::I64 => ValueType::I64,
        ValType::F32 => ValueType::F32,
        ValType::F64 => ValueType::F64,
        ValType::V128 => ValueType::V128,
        ValType::Ref(_) => ValueType::Reference,
    }
}

fn read_custom<'a>(module: &mut Module<'a>, section: &CustomSectionReader<'a>) -> Result<()> {
    let content = Bytes { offset: section.data_offset(), bytes: section.data() };
    module.custom.push(Custom { name: section.name(), content });
    match section.as_known() {
        KnownCustom::Dylink0(reader) => module.dylink = Some(dylink::read(reader)?),
        KnownCustom::Producers(fields) => {
            for field in fields.into_iter().map_while(Result::ok) {
                let values = field.values.into_iter().map_while(Result::ok);
                let rows = values.map(|value| (field.name, value.name, value.version));
                module.producers.extend(rows);
            }
        }
        KnownCustom::Unknown if section.name() == "target_features" => {
            module.target_features.extend(target_features(content));
        }
        _ => {}
    }
    Ok(())
}

/// Rows of the `target_features` section: a count, then a prefix byte and a name each.
fn target_features(content: Bytes<'_>) -> Vec<(char, &str)> {
    let mut reader = BinaryReader::new(content.bytes, content.offset);
    let count = reader.read_var_u32().unwrap_or(0);
    let row = |_| Some((char::from(reader.read_u8().ok()?), reader.read_string().ok()?));
    (0..count).map_while(row).collect()
}

/// Names of functions in a name section, as far as it can be read.
pub(super) fn function_names(content: Bytes<'_>) -> Vec<(u32, &str)> {
    let reader = NameSectionReader::new(BinaryReader::new(content.bytes, content.offset));
    let mut names = Vec::new();
    for part in reader.into_iter().map_while(Result::ok) {
        if let Name::Function(map) = part {
            names.extend(map.into_iter().map_while(Result::ok).map(|row| (row.index, row.name)));
        }
    }
    names
}

/// First bytes of the instructions on vectors and of the atomic ones.
const VECTOR: u8 = 0xfd;
const ATOMIC: u8 = 0xfe;

/// Notes which of the instructions that matter occur in a function.
fn scan(found: &mut CodeUse, body: &FunctionBody<'_>) -> Result<()> {
    let (bytes, start) = (body.as_bytes(), body.range().start);
    let mut operators = body.get_operators_reader()?;
    while !operators.eof() {
        let at = operators.original_position().saturating_sub(start);
        match usize::try_from(at).ok().and_then(|at| bytes.get(at)) {
            Some(&VECTOR) => found.vectors = true,
            Some(&ATOMIC) => found.atomics = true,
            _ => {}
        }
        match operators.read()? {
            Operator::Try { .. }
            | Operator::Catch { .. }
            | Operator::CatchAll
            | Operator::Rethrow { .. }
            | Operator::Delegate { .. } => found.legacy_exceptions = true,
            Operator::TryTable { .. } | Operator::ThrowRef => found.standard_exceptions = true,
            Operator::Throw { .. } => found.throws = true,
            _ => {}
        }
    }
    operators.finish()
}
