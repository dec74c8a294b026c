//! What a bundle exports and imports: read from the module, held against what was asked for, kept with it.

use std::path::Path;

use anymod_link::wasm::{
    ExportKind, Exports, Features, ImportKind, Module, read_outline, validate_outline,
};
use anymod_model::codes::wasm as code;
use anymod_model::{Diagnostic, Diagnostics};
use anymod_store::Digest;
use serde::{Deserialize, Serialize};

use super::link::{is_allowed, is_own};
use super::{Bundle, BundleRequest, Outcome};
use crate::jobs::processors;

/// Something that a module offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// `function`, `memory`, `global`, `table` or `tag`.
    pub kind: String,
    /// A function's type, for instance `(i32, i32) -> i32`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signature: Option<String>,
}

/// Something that a module needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Its namespace.
    pub module: String,
    /// Its name in it.
    pub name: String,
    /// `function`, `memory`, `global`, `table` or `tag`.
    pub kind: String,
    /// A function's type.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signature: Option<String>,
    /// Whether a loader may leave it out.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub weak: bool,
}

/// Both, as they are kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Report {
    exports: Vec<Export>,
    pub(super) imports: Vec<Import>,
}

/// Validates a module, its functions on all processors. Of several errors the first in the file is told.
fn validate(bytes: &[u8], file: &str) -> Result<(), Diagnostic> {
    let shares = validate_outline(bytes, file, Features::Latest)?.shares(processors());
    std::thread::scope(|scope| {
        let running: Vec<_> =
            shares.into_iter().map(|share| scope.spawn(|| share.validate())).collect();
        running.into_iter().try_for_each(|share| {
            share.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })
}

/// Exports and imports of a module.
#[must_use]
pub fn offers_and_needs(module: &Module<'_>) -> (Vec<Export>, Vec<Import>) {
    let exports = module.exports.iter().map(|export| Export {
        name: export.name.to_owned(),
        kind: match export.kind {
            ExportKind::Function => "function",
            ExportKind::Table => "table",
            ExportKind::Memory => "memory",
            ExportKind::Global => "global",
            ExportKind::Tag => "tag",
        }
        .to_owned(),
        signature: (export.kind == ExportKind::Function)
            .then(|| module.signature(export.index).map(ToString::to_string))
            .flatten(),
    });
    let imports = module.imports.iter().map(|import| {
        let (kind, signature) = match import.kind {
            ImportKind::Function { type_index } => {
                ("function", module.signature_of_type(type_index).map(ToString::to_string))
            }
            ImportKind::Table => ("table", None),
            ImportKind::Memory(_) => ("memory", None),
            ImportKind::Global { .. } => ("global", None),
            ImportKind::Tag { .. } => ("tag", None),
        };
        let dylink = module.dylink.as_ref();
        Import {
            module: import.module.to_owned(),
            name: import.name.to_owned(),
            kind: kind.to_owned(),
            signature,
            weak: dylink.is_some_and(|dylink| dylink.is_weak(import.module, import.name)),
        }
    });
    (exports.collect(), imports.collect())
}

impl Report {
    /// Validates a module and reads what it offers and needs.
    pub(super) fn of(bytes: &[u8], file: &str) -> Result<Report, Diagnostics> {
        validate(bytes, file)?;
        let (exports, imports) = offers_and_needs(&read_outline(bytes, file)?);
        Ok(Report { exports, imports })
    }

    /// Holds it against what was asked for.
    pub(super) fn check(
        &self,
        request: &BundleRequest,
        exports: &Exports,
    ) -> Result<(), Diagnostics> {
        let mut findings = Vec::new();
        let has = |name: &String| self.exports.iter().any(|export| export.name == *name);
        for name in exports.required.iter().filter(|name| !has(name)) {
            let message = format!("`{name}` is to be exported and is not in the bundle");
            findings.push(
                Diagnostic::error(&code::EXPORT_MISSING, message)
                    .hint("look for a slip, and at whether the function is compiled in"),
            );
        }
        if self.exports.iter().all(|export| is_own(&export.name, request.shared)) {
            findings.push(
                Diagnostic::error(&code::NOTHING_EXPORTED, "the bundle exports nothing")
                    .hint("give functions an `export_name` or default visibility, or list them with `--export`"),
            );
        }
        let strange = self
            .imports
            .iter()
            .filter(|import| !request.shared && !is_allowed(request, &import.module, &import.name));
        for import in strange {
            let full = format!("{}.{}", import.module, import.name);
            let message = format!("the bundle imports `{full}`, which nobody allowed");
            findings.push(
                Diagnostic::error(&code::IMPORT, message).hint(format!(
                    "add `--allow-import {full}` if whoever loads the bundle has it"
                )),
            );
        }
        if findings.is_empty() { Ok(()) } else { Err(Diagnostics(findings)) }
    }

    /// As it is kept.
    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// As it was kept.
    pub(super) fn read(text: &str) -> Option<Report> {
        serde_json::from_str(text).ok()
    }

    pub(super) fn bundle(
        self,
        path: &Path,
        outcome: Outcome,
        digest: Digest,
        bytes: u64,
    ) -> Bundle {
        Bundle {
            path: path.to_owned(),
            cwasm: None,
            outcome,
            exports: self.exports,
            imports: self.imports,
            digest: digest.to_string(),
            bytes,
            remote: false,
            warnings: Vec::new(),
        }
    }
}
