//! Settings of addons for Node.js.

use super::Manifest;
use super::read::Inner;
use super::resolve::Fields;
use super::values::Spanned;
use crate::codes::node as codes;
use crate::node::{DEFAULT_NAPI, Variant, has_variants};
use crate::{Platform, Target};

/// Settings that only Node.js targets have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSettings {
    /// The platform.
    pub platform: Platform,
    /// Version of the project.
    pub version: String,
    /// Version of Node-API that the addon needs.
    pub napi: u32,
    /// Directory of the Cargo package that makes it, if it is none of C.
    pub crate_dir: Option<Spanned<String>>,
    /// Its declarations in TypeScript.
    pub declarations: Option<Spanned<String>>,
    /// Name of its npm package.
    pub package: String,
    /// The variants that the manifest asks for, in its order; empty if it leaves that open.
    pub variants: Vec<Spanned<Variant>>,
    /// Names of functions that may use any instruction.
    pub dispatched: Vec<Spanned<String>>,
    /// Further arguments when linking.
    pub ldflags: Vec<Spanned<String>>,
}

/// Takes the settings of an addon.
pub(super) fn settings(
    manifest: &Manifest,
    module: &Inner,
    platform: Platform,
    fields: &mut Fields<'_>,
) -> NodeSettings {
    let project = manifest.root.child("project");
    let one = |key: &str| project.and_then(|project| project.one(key));
    let alone = manifest.modules().count() == 1;
    let package = fields.path("package");
    let package = package.as_ref().or_else(|| one("name").filter(|_| alone));
    let napi = fields.word("napi").and_then(|word| word.value.parse().ok());
    NodeSettings {
        platform,
        version: one("version").map_or("0.0.0", |version| &version.value).to_owned(),
        napi: napi.unwrap_or(DEFAULT_NAPI),
        crate_dir: fields.path("crate"),
        declarations: fields.path("declarations"),
        package: package.unwrap_or(&module.label).value.clone(),
        variants: variants(platform, fields),
        dispatched: fields.list("dispatched"),
        ldflags: fields.list("ldflags"),
    }
}

/// The variants that the manifest names; where there are none, its list does not count.
fn variants(platform: Platform, fields: &mut Fields<'_>) -> Vec<Spanned<Variant>> {
    let mut variants: Vec<Spanned<Variant>> = Vec::new();
    for text in fields.list("variants") {
        match Variant::parse(&text.value) {
            Some(value) => {
                if !variants.iter().any(|known| known.value.name == value.name) {
                    variants.push(Spanned { value, span: text.span });
                }
            }
            None => {
                let message =
                    format!("`{}` is no variant for `{}`", text.value, Target::Node(platform));
                let hint = "write `modern`, `baseline` or `NAME=LEVEL` with a level from `x86-64` to `x86-64-v4`";
                fields.report(&codes::UNKNOWN_VARIANT, &text, message, hint);
            }
        }
    }
    if has_variants(platform) { variants } else { Vec::new() }
}
