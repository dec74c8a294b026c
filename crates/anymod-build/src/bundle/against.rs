//! Whether a main module has what a side module needs.
//!
//! A loader of side modules gives memory, table, stack pointer and places of its own accord; all else comes from the main
//! module: functions, and addresses of functions and data (`GOT.func`, `GOT.mem`).

use std::collections::BTreeSet;
use std::path::Path;

use anymod_link::wasm::read_outline;
use anymod_link::wasm::resolve::{Offers, Provider, Wanted, provider};
use anymod_model::codes::wasm as code;
use anymod_model::{Diagnostic, Diagnostics, Place};

use super::report::Import;
use crate::install;

/// Holds a side module against a main module.
///
/// # Errors
/// `G0112` with everything that is missing or of another type; those of reading the main module.
pub(super) fn check(main: &Path, imports: &[Import]) -> Result<(), Diagnostics> {
    let (bytes, shown) = (install::read(main)?, main.display().to_string());
    let offers = Offers::of_main(&read_outline(&bytes, &shown)?);
    let mut missing = BTreeSet::new();
    let mut findings = Vec::new();
    let lacks = |message: String, hint: &str| {
        Diagnostic::error(&code::MAIN_LACKS, message).at(Place::file(shown.as_str())).hint(hint)
    };
    for import in imports.iter().filter(|import| !import.weak) {
        match provider(&wanted(import), &[&offers]) {
            Provider::Missing => drop(missing.insert(import.name.as_str())),
            Provider::OtherType(_, there) => {
                let message = format!(
                    "`{}` is `{there}` in the main module, and the side module needs `{}`",
                    import.name,
                    import.signature.as_ref().unwrap_or(&import.kind)
                );
                findings.push(lacks(message, "compile both with the same declaration"));
            }
            Provider::Loader | Provider::Module(_) => {}
        }
    }
    if !missing.is_empty() {
        let names: Vec<String> = missing.iter().map(|name| format!("`{name}`")).collect();
        let message =
            format!("the main module lacks what the side module needs: {}", names.join(", "));
        let hint =
            "export them from the main module, or link what defines them into the side module";
        findings.push(lacks(message, hint));
    }
    if findings.is_empty() { Ok(()) } else { Err(Diagnostics(findings)) }
}

fn wanted(import: &Import) -> Wanted<'_> {
    Wanted {
        module: &import.module,
        name: &import.name,
        is_tag: import.kind == "tag",
        signature: import.signature.as_deref().map(Into::into),
        is_weak: import.weak,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(module: &str, name: &str, signature: Option<&str>) -> Import {
        Import {
            module: module.to_owned(),
            name: name.to_owned(),
            kind: "function".to_owned(),
            signature: signature.map(str::to_owned),
            weak: name.starts_with("weak"),
        }
    }

    #[test]
    fn everything_that_does_not_fit_is_listed() {
        let directory = tempfile::tempdir().unwrap();
        let main = directory.path().join("main.wasm");
        // One function of no parameters and no result, exported as `f`.
        let bytes = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01f\0\0\x0a\x04\x01\x02\0\x0b";
        std::fs::write(&main, bytes).unwrap();
        let fits = [
            import("env", "f", Some("()")),
            import("GOT.func", "f", None),
            import("env", "memory", None),
            import("env", "weakly", Some("()")),
            import("wasi_snapshot_preview1", "fd_write", Some("(i32)")),
        ];
        assert_eq!(check(&main, &fits), Ok(()));
        let other = [
            import("env", "f", Some("(i32)")),
            import("env", "g", Some("()")),
            import("GOT.mem", "data", None),
            import("GOT.func", "g", None),
        ];
        let findings = check(&main, &other).unwrap_err().0;
        let texts: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
        let expected = [
            "`f` is `()` in the main module, and the side module needs `(i32)`",
            "the main module lacks what the side module needs: `data`, `g`",
        ];
        assert_eq!(texts, expected);
    }
}
