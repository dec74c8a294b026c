//! Whether engines would accept a module.

use anymod_model::codes::link as code;
use anymod_model::{Diagnostic, Place};
use wasmparser::{
    FuncToValidate, FuncValidatorAllocations, FunctionBody, Parser, ValidPayload, Validator,
    ValidatorResources, WasmFeatures,
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
    match validate_all(bytes, flags(features)) {
        Ok(()) => Ok(()),
        Err(error) => Err(Diagnostic::error(
            &code::WASM_INVALID,
            format!("an engine would refuse the module: {}", error.message().replace('\n', "; ")),
        )
        .at(Place::offset(file, error.offset()))
        .hint("link it again and look at the linker's warnings; if a feature is missing, compile without it")),
    }
}

/// What is around functions, then these, on all processors. Of several mistakes the first in the file is told.
fn validate_all(bytes: &[u8], flags: WasmFeatures) -> wasmparser::Result<()> {
    let mut validator = Validator::new_with_features(flags);
    let mut parser = Parser::new(0);
    parser.set_features(flags);
    let mut functions = Vec::new();
    for payload in parser.parse_all(bytes) {
        if let ValidPayload::Func(function, body) = validator.payload(&payload?)? {
            functions.push((function, body));
        }
    }
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let length = |body: &FunctionBody<'_>| body.as_bytes().len();
    let all: usize = functions.iter().map(|(_, body)| length(body)).sum();
    let most = all.div_ceil(processors).max(SMALLEST_SHARE);
    std::thread::scope(|scope| {
        let mut shares = Vec::new();
        let mut functions = functions.into_iter().peekable();
        while functions.peek().is_some() {
            let mut bytes = 0;
            let mut share = Vec::new();
            while bytes < most
                && let Some(function) = functions.next()
            {
                bytes += length(&function.1);
                share.push(function);
            }
            shares.push(scope.spawn(move || validate_functions(share)));
        }
        let ended = shares.into_iter().map(|share| share.join());
        ended
            .collect::<Vec<_>>()
            .into_iter()
            .try_for_each(|ended| ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// How many bytes of code are worth a thread.
const SMALLEST_SHARE: usize = 64 << 10;

fn validate_functions(
    functions: Vec<(FuncToValidate<ValidatorResources>, FunctionBody<'_>)>,
) -> wasmparser::Result<()> {
    let mut allocations = FuncValidatorAllocations::default();
    for (function, body) in functions {
        let mut validator = function.into_validator(allocations);
        validator.validate(&body)?;
        allocations = validator.into_allocations();
    }
    Ok(())
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
