//! What the runtime's main module says of itself: the names it offers and knows, and from those its exception ABI.

use std::collections::BTreeSet;

use anymod_model::pyodide::Exceptions;
use wasmparser::{Parser, Payload};

/// Names that the main module exports or imports. What a side module wants and is not among them, nobody has.
pub(crate) fn symbols(wasm: &[u8]) -> Result<BTreeSet<String>, String> {
    let mut symbols = BTreeSet::new();
    let wrong = |error: wasmparser::BinaryReaderError| error.message().to_owned();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.map_err(wrong)? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    symbols.insert(import.map_err(wrong)?.name.to_owned());
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    symbols.insert(export.map_err(wrong)?.name.to_owned());
                }
            }
            _ => {}
        }
    }
    // The list is for a linker, which takes a name a line and `#` for a comment.
    symbols.retain(|name| {
        !name.is_empty() && !name.starts_with('#') && !name.contains(char::is_whitespace)
    });
    Ok(symbols)
}

/// Names that the loader's script offers to modules besides: the keys of its table `wasmImports`, of which the main module
/// imports only what it calls itself (the functions of SDL and OpenGL for instance are there for others). None if the script
/// has no such table.
pub(crate) fn symbols_of_loader(script: &str) -> BTreeSet<String> {
    let table = script.split_once("wasmImports={").and_then(|(_, rest)| rest.split_once('}'));
    let rows = table.map_or("", |(table, _)| table).split(',');
    let names = rows.map(|row| row.split_once(':').map_or(row, |(name, _)| name).trim());
    let is_name = |name: &&str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_$".contains(c))
    };
    names.filter(is_name).map(str::to_owned).collect()
}

/// How exceptions leave functions: the imports that only one way needs tell.
pub(crate) fn exceptions(symbols: &BTreeSet<String>) -> Option<Exceptions> {
    if symbols.contains("__cpp_exception") {
        Some(Exceptions::Wasm)
    } else if symbols.iter().any(|name| name.starts_with("invoke_")) {
        Some(Exceptions::JavaScript)
    } else {
        None
    }
}

/// The function that headers of libc++ 21 and after expect in the library.
pub(crate) const SINCE_LIBCXX_21: &str = "_ZNSt3__213__hash_memoryEPKvm";

/// The function that LLVM 19 and after call for `setjmp`; before, it was another one.
pub(crate) const SETJMP_OF_LLVM_19: &str = "__wasm_setjmp";

#[cfg(test)]
mod tests {
    use super::*;

    /// A module with an import of each kind that matters, and an export.
    fn sample() -> Vec<u8> {
        let mut wasm = b"\0asm\x01\0\0\0".to_vec();
        wasm.extend([1, 4, 1, 0x60, 0, 0]);
        let import = |name: &str| {
            let mut entry = vec![3];
            entry.extend(b"env");
            entry.push(u8::try_from(name.len()).unwrap());
            entry.extend(name.as_bytes());
            entry.extend([0, 0]);
            entry
        };
        let body: Vec<u8> = [vec![3], import("invoke_vi"), import("a b"), import("puts")].concat();
        wasm.push(2);
        wasm.push(u8::try_from(body.len()).unwrap());
        wasm.extend(body);
        wasm.extend([7, 8, 1, 4]);
        wasm.extend(b"main");
        wasm.extend([0, 0]);
        wasm
    }

    #[test]
    fn names_come_from_imports_and_exports() {
        let symbols = symbols(&sample()).unwrap();
        assert_eq!(symbols.iter().collect::<Vec<_>>(), ["invoke_vi", "main", "puts"]);
        assert_eq!(exceptions(&symbols), Some(Exceptions::JavaScript));
        assert_eq!(
            exceptions(&BTreeSet::from(["__cpp_exception".to_owned()])),
            Some(Exceptions::Wasm)
        );
        assert_eq!(exceptions(&BTreeSet::new()), None);
    }

    #[test]
    fn the_loader_offers_more_than_the_main_module_imports() {
        let script =
            "var a={b:c};var wasmImports={SDL_Init:_SDL_Init,emscripten_log,$x:y};var z={w:1};";
        let symbols = symbols_of_loader(script);
        assert_eq!(symbols.iter().collect::<Vec<_>>(), ["$x", "SDL_Init", "emscripten_log"]);
        assert!(symbols_of_loader("var wasmImports").is_empty());
    }

    #[test]
    fn half_a_module_is_no_module() {
        let sample = sample();
        for length in [0, 4, 10, 20, sample.len() - 1] {
            assert!(symbols(&sample[..length]).is_err(), "{length}");
        }
    }
}
