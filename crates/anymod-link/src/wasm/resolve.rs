//! Who provides each import of a side module: the loader, its main module, a library that it needs, or nobody.
//!
//! A loader of side modules (<https://github.com/WebAssembly/tool-conventions/blob/main/DynamicLinking.md>) makes memory, table
//! and places of its own accord; `env` holds functions and variables of other modules by their names, `GOT.func` and `GOT.mem`
//! their addresses. Everything else is of the host's. What a main module imports itself its loader has as well.

use std::borrow::Cow;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{ExportKind, GOT_FUNCTION, GOT_MEMORY, ImportKind, Module};

/// What a loader makes for each module.
const OF_LOADER: [&str; 7] = [
    "memory",
    "__indirect_function_table",
    "__stack_pointer",
    "__memory_base",
    "__table_base",
    "__memory_base32",
    "__table_base32",
];

/// Functions that a loader makes as they are asked for, where exceptions go through JavaScript.
const MADE_ON_DEMAND: [&str; 2] = ["invoke_", "__cxa_find_matching_catch_"];

/// Names that functions written in JavaScript are exported under by the module with their source.
const OWN_JAVASCRIPT: &str = "__em_js__";

/// Whether a name in `env` is something that a loader makes for each module.
#[must_use]
pub fn is_of_loader(name: &str) -> bool {
    OF_LOADER.contains(&name)
}

/// Whether a name in `env` is something that a loader makes as it is asked for, where exceptions go through JavaScript.
#[must_use]
pub fn is_made_on_demand(name: &str) -> bool {
    MADE_ON_DEMAND.iter().any(|start| name.starts_with(start))
}

/// The export that stands for a function which a module brings along as JavaScript.
#[must_use]
pub fn javascript_export(name: &str) -> String {
    format!("{OWN_JAVASCRIPT}{name}")
}

/// An import, as far as finding its provider goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Namespace.
    pub module: &'a str,
    /// Name in it.
    pub name: &'a str,
    /// It is a tag of exceptions.
    pub is_tag: bool,
    /// The type of a function.
    pub signature: Option<Cow<'a, str>>,
    /// It may as well be nowhere.
    pub is_weak: bool,
}

/// The imports of a module, in their order.
#[must_use]
pub fn wanted<'a>(module: &Module<'a>) -> Vec<Wanted<'a>> {
    let row = |import: &super::Import<'a>| Wanted {
        module: import.module,
        name: import.name,
        is_tag: matches!(import.kind, ImportKind::Tag { .. }),
        signature: match import.kind {
            ImportKind::Function { type_index } => {
                module.signature_of_type(type_index).map(|signature| signature.to_string().into())
            }
            _ => None,
        },
        is_weak: module.dylink.as_ref().is_some_and(|d| d.is_weak(import.module, import.name)),
    };
    module.imports.iter().map(row).collect()
}

/// What a module offers, by name.
#[derive(Clone, Debug, Default)]
pub struct Offers<'a> {
    exports: FxHashMap<&'a str, (ExportKind, Option<String>)>,
    /// What it imports itself, which its loader has for others too.
    imports: FxHashSet<&'a str>,
    /// Its loader catches exceptions in JavaScript.
    catches: bool,
}

impl<'a> Offers<'a> {
    /// What a module offers to others that are loaded with it.
    #[must_use]
    pub fn of(module: &Module<'a>) -> Offers<'a> {
        let exports = module.exports.iter().map(|export| {
            let signature = match export.kind {
                ExportKind::Function => module.signature(export.index).map(ToString::to_string),
                _ => None,
            };
            (export.name, (export.kind, signature))
        });
        Offers { exports: exports.collect(), ..Offers::default() }
    }

    /// What a main module offers with its loader.
    #[must_use]
    pub fn of_main(module: &Module<'a>) -> Offers<'a> {
        let ours = module.imports.iter().filter(|import| import.module == "env");
        let imports: FxHashSet<&str> = ours.map(|import| import.name).collect();
        let catches = imports.iter().any(|name| is_made_on_demand(name));
        Offers { imports, catches, ..Offers::of(module) }
    }

    fn find<'o>(&'o self, wanted: &Wanted<'_>) -> Found<'o> {
        let Some((kind, signature)) = self.exports.get(wanted.name) else {
            let loader = self.imports.contains(wanted.name) && wanted.module != GOT_MEMORY
                || self.catches && is_made_on_demand(wanted.name)
                || self.exports.contains_key(javascript_export(wanted.name).as_str());
            return if loader { Found::Yes } else { Found::No };
        };
        let fits = match wanted.module {
            GOT_FUNCTION => *kind == ExportKind::Function,
            GOT_MEMORY => *kind == ExportKind::Global,
            _ => signature.as_deref() == wanted.signature.as_deref(),
        };
        if fits {
            return Found::Yes;
        }
        Found::OtherType(match kind {
            ExportKind::Function => signature.as_deref().unwrap_or("function"),
            ExportKind::Table => "table",
            ExportKind::Memory => "memory",
            ExportKind::Global => "variable",
            ExportKind::Tag => "tag",
        })
    }
}

/// Whether a module has what is wanted.
enum Found<'o> {
    Yes,
    OtherType(&'o str),
    No,
}

/// Who provides an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider<'o> {
    /// The loader of its own accord, or the host behind it.
    Loader,
    /// The module with this number in the scope.
    Module(usize),
    /// That module has the name for something else: what it is there.
    OtherType(usize, &'o str),
    /// Nobody.
    Missing,
}

/// Finds the provider of an import among modules in the order in which they are searched.
#[must_use]
pub fn provider<'o>(wanted: &Wanted<'_>, scope: &[&'o Offers<'_>]) -> Provider<'o> {
    match wanted.module {
        "env" if is_of_loader(wanted.name) => return Provider::Loader,
        "env" | GOT_FUNCTION | GOT_MEMORY => {}
        _ => return Provider::Loader,
    }
    for (number, offers) in scope.iter().enumerate() {
        match offers.find(wanted) {
            Found::Yes => return Provider::Module(number),
            Found::OtherType(there) => return Provider::OtherType(number, there),
            Found::No => {}
        }
    }
    Provider::Missing
}

/// What an import is, for messages.
#[must_use]
pub fn describe(wanted: &Wanted<'_>) -> &'static str {
    match (wanted.module, &wanted.signature) {
        (GOT_MEMORY, _) => "address of data",
        (GOT_FUNCTION, _) => "address of a function",
        _ if wanted.is_tag => "tag",
        (_, Some(_)) => "function",
        _ => "variable",
    }
}
