//! Whether engines would accept a module.

use anymod_model::codes::link as code;
use anymod_model::{Diagnostic, Place};
use wasmparser::{
    BinaryReaderError, FuncToValidate, FuncValidatorAllocations, FunctionBody, Parser,
    ValidPayload, Validator, ValidatorResources, WasmFeatures,
};

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
    validate_outline(bytes, file, features)?.validate()
}

/// Validates what is around the functions of a module; these are still to be validated.
///
/// # Errors
/// As of [`validate`].
pub fn validate_outline<'a>(
    bytes: &'a [u8],
    file: &'a str,
    features: Features,
) -> Result<Functions<'a>, Diagnostic> {
    let mut validator = Validator::new_with_features(flags(features));
    let mut parser = Parser::new(0);
    parser.set_features(flags(features));
    let mut functions = Vec::new();
    for payload in parser.parse_all(bytes) {
        let payload = payload.and_then(|payload| validator.payload(&payload));
        if let ValidPayload::Func(function, body) =
            payload.map_err(|error| refused(&error, file))?
        {
            functions.push((function, body));
        }
    }
    Ok(Functions { file, functions })
}

/// Functions of a module that are still to be validated, in their order.
pub struct Functions<'a> {
    file: &'a str,
    functions: Vec<(FuncToValidate<ValidatorResources>, FunctionBody<'a>)>,
}

impl<'a> Functions<'a> {
    /// Shares of about equal length, at most so many, each of which can be validated by itself; of several errors that of the
    /// first share is the first in the file.
    #[must_use]
    pub fn shares(self, most: usize) -> Vec<Functions<'a>> {
        let length = |(_, body): &(_, FunctionBody<'_>)| body.as_bytes().len();
        let all: usize = self.functions.iter().map(length).sum();
        let enough = all.div_ceil(most.max(1));
        let mut shares: Vec<Functions<'a>> = Vec::new();
        let mut bytes = enough;
        for function in self.functions {
            if bytes >= enough {
                shares.push(Functions { file: self.file, functions: Vec::new() });
                bytes = 0;
            }
            bytes += length(&function);
            if let Some(share) = shares.last_mut() {
                share.functions.push(function);
            }
        }
        shares
    }

    /// Validates these functions.
    ///
    /// # Errors
    /// As of [`validate`].
    pub fn validate(self) -> Result<(), Diagnostic> {
        let mut allocations = FuncValidatorAllocations::default();
        for (function, body) in self.functions {
            let mut validator = function.into_validator(allocations);
            validator.validate(&body).map_err(|error| refused(&error, self.file))?;
            allocations = validator.into_allocations();
        }
        Ok(())
    }
}

fn refused(error: &BinaryReaderError, file: &str) -> Diagnostic {
    Diagnostic::error(
        &code::WASM_INVALID,
        format!("an engine would refuse the module: {}", error.message().replace('\n', "; ")),
    )
    .at(Place::offset(file, error.offset()))
    .hint("link it again and look at the linker's warnings; if a feature is missing, compile without it")
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
