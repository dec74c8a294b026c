//! Whether engines would accept a module.

use anymod_model::codes::link as code;
use anymod_model::{Diagnostic, Place};
use wasmparser::{Validator, WasmFeatures};

/// What engines are taken to know beside the first version of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Features {
    /// What Node.js 18 and 20 and the browsers of 2023 have: vectors, bulk memory, references, multiple values, threads,
    /// exceptions in the legacy encoding. Not: constant expressions that calculate, tail calls, garbage collection.
    Node20,
    /// Everything that is standardised, and exceptions in the legacy encoding.
    Latest,
}

/// Validates a whole module, code included.
///
/// # Errors
/// `L0603` with the offset of what an engine would stumble over.
pub fn validate(bytes: &[u8], file: &str, features: Features) -> Result<(), Diagnostic> {
    let mut validator = Validator::new_with_features(flags(features));
    match validator.validate_all(bytes) {
        Ok(_) => Ok(()),
        Err(error) => Err(Diagnostic::error(
            &code::WASM_INVALID,
            format!("an engine would refuse the module: {}", error.message().replace('\n', "; ")),
        )
        .at(Place::offset(file, error.offset()))
        .hint("link it again and look at the linker's warnings; if a feature is missing, compile without it")),
    }
}

fn flags(features: Features) -> WasmFeatures {
    let node20 = WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::CALL_INDIRECT_OVERLONG
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::BULK_MEMORY_OPT
        | WasmFeatures::SIMD
        | WasmFeatures::THREADS
        | WasmFeatures::FLOATS
        | WasmFeatures::GC_TYPES
        | WasmFeatures::EXCEPTIONS
        | WasmFeatures::LEGACY_EXCEPTIONS;
    match features {
        Features::Node20 => node20,
        Features::Latest => WasmFeatures::default() | WasmFeatures::LEGACY_EXCEPTIONS,
    }
}
