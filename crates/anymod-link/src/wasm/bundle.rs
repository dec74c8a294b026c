//! What a bundle of archives exports, and which helpers are kept apart: decided before linking from the objects' symbols.
//!
//! Never links. The linker is told by the options made here; what it then writes is held against the same decision.

use std::collections::{BTreeMap, BTreeSet};

use anymod_model::codes::wasm as code;
use anymod_model::{Diagnostic, Diagnostics};

use super::object::{Binding, Object, Symbol};
use super::rename::Renames;

/// What whoever loads a bundle can use of it. Its memory and its initialisation are always exported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ExportPolicy {
    /// Every symbol of default visibility, and functions with an `export_name`. Compilers hide symbols of WebAssembly
    /// unless told otherwise.
    #[default]
    All,
    /// Functions with an `export_name`.
    Named,
    /// These, symbols or `export_name`s.
    List(Vec<String>),
    /// What begins so, symbols or `export_name`s.
    Prefix(Vec<String>),
}

/// An archive whose members are all linked.
#[derive(Clone, Debug)]
pub struct Unit<'a> {
    /// What it is called in diagnostics.
    pub archive: String,
    /// Tells its helpers from those of others where they are kept apart.
    pub suffix: String,
    /// Its members by name, in order.
    pub members: Vec<(String, Object<'a>)>,
}

impl<'a> Unit<'a> {
    fn symbols(&self) -> impl Iterator<Item = &Symbol<'a>> {
        self.members.iter().flat_map(|(_, object)| &object.symbols)
    }

    /// Names that other units see, of those that it defines.
    fn defined(&self) -> BTreeSet<&'a str> {
        let symbols = self.symbols();
        let seen = symbols.filter(|symbol| symbol.defined && symbol.binding != Binding::Local);
        seen.map(|symbol| symbol.name).collect()
    }
}

/// A policy, applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exports {
    /// Options for the linker.
    pub options: Vec<String>,
    /// Names that may be exported.
    pub allowed: BTreeSet<String>,
    /// Names that have to be exported: those asked for one by one, and every `export_name`.
    pub required: BTreeSet<String>,
    /// Symbols that are exported by their own names, which therefore stay.
    pub symbols: BTreeSet<String>,
}

/// Applies a policy.
#[must_use]
pub fn exports(policy: &ExportPolicy, units: &[Unit<'_>]) -> Exports {
    let objects = || units.iter().flat_map(|unit| &unit.members).map(|(_, object)| object);
    let named: BTreeSet<&str> =
        objects().flat_map(|object| &object.exports).map(|export| export.name).collect();
    let seen = || {
        let symbols = objects().flat_map(|object| &object.symbols);
        symbols.filter(|symbol| symbol.defined && symbol.binding != Binding::Local)
    };
    let mut result = Exports::default();
    match policy {
        ExportPolicy::All => {
            let shown = seen().filter(|symbol| !symbol.hidden || symbol.exported);
            result.symbols = shown.map(|symbol| symbol.name.to_owned()).collect();
            result.allowed = named.iter().map(|name| (*name).to_owned()).collect();
            result.options.push("--export-dynamic".to_owned());
        }
        ExportPolicy::Named => {
            result.allowed = named.iter().map(|name| (*name).to_owned()).collect();
        }
        ExportPolicy::List(list) => {
            let (by_name, by_symbol): (Vec<_>, Vec<_>) =
                list.iter().cloned().partition(|name| named.contains(name.as_str()));
            result.allowed = by_name.into_iter().collect();
            result.symbols = by_symbol.into_iter().collect();
        }
        ExportPolicy::Prefix(prefixes) => {
            let fits = |name: &str| prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()));
            let by_name = named.iter().filter(|name| fits(name));
            result.allowed = by_name.map(|name| (*name).to_owned()).collect();
            let by_symbol = seen().map(|symbol| symbol.name).filter(|name| fits(name));
            result.symbols = by_symbol.map(str::to_owned).collect();
        }
    }
    // A function with an `export_name` is exported by that alone.
    for object in objects() {
        for symbol in object.exports.iter().filter_map(|export| export.symbol) {
            result.symbols.remove(symbol.name);
        }
    }
    if *policy != ExportPolicy::All {
        result.options.extend(result.symbols.iter().map(|name| format!("--export={name}")));
    }
    result.required.clone_from(&result.allowed);
    result.allowed.extend(result.symbols.iter().cloned());
    if *policy != ExportPolicy::All {
        result.required.clone_from(&result.allowed);
    }
    result
}

/// Which symbols of each unit get names of their own, so that units that define symbols of the same name do not clash:
/// those that several define, that are not exported by their names and that no other unit needs. Symbols with one
/// definition keep their names.
///
/// # Errors
/// `G0105` for a symbol that a unit needs and several others define: nobody could tell which is meant.
pub fn isolate(
    units: &[Unit<'_>],
    exported: &BTreeSet<String>,
) -> Result<Vec<Renames>, Diagnostics> {
    let defined: Vec<BTreeSet<&str>> = units.iter().map(Unit::defined).collect();
    let mut homes: BTreeMap<&str, usize> = BTreeMap::new();
    for name in defined.iter().flatten() {
        *homes.entry(name).or_default() += 1;
    }
    let clashing: BTreeSet<&str> = homes
        .into_iter()
        .filter(|(name, homes)| *homes > 1 && !exported.contains(*name))
        .map(|(name, _)| name)
        .collect();
    let mut findings = Vec::new();
    for (unit, defined) in units.iter().zip(&defined) {
        let needed: BTreeSet<&str> =
            unit.symbols().filter(|symbol| !symbol.defined).map(|symbol| symbol.name).collect();
        for name in needed.intersection(&clashing).filter(|name| !defined.contains(**name)) {
            let message = format!("`{}` needs `{name}`, which several others define", unit.archive);
            let mut finding = Diagnostic::error(&code::DUPLICATE_SYMBOL, message)
                .hint("rename it in one of them, or define it in the archive that needs it");
            finding.notes = homes_of(name, units);
            findings.push(finding);
        }
    }
    if !findings.is_empty() {
        return Err(Diagnostics(findings));
    }
    let renames = units.iter().zip(&defined).map(|(unit, defined)| Renames {
        names: defined.intersection(&clashing).map(|name| (*name).to_owned()).collect(),
        suffix: unit.suffix.clone(),
    });
    Ok(renames.collect())
}

/// Where a symbol is defined, a line each.
fn homes_of(name: &str, units: &[Unit<'_>]) -> Vec<String> {
    let members = units.iter().flat_map(|unit| {
        unit.members.iter().map(move |(member, object)| (&unit.archive, member, object))
    });
    members
        .filter(|(_, _, object)| {
            object.symbols.iter().any(|symbol| {
                symbol.name == name && symbol.defined && symbol.binding != Binding::Local
            })
        })
        .map(|(archive, member, _)| format!("defined in `{archive}({member})`"))
        .collect()
}

/// Finds functions that are exported by the same name, which linkers do not.
///
/// # Errors
/// `G0104` for each name, with both members.
pub fn duplicate_exports(
    units: &[Unit<'_>],
    exports: &Exports,
    renames: &[Renames],
) -> Result<(), Diagnostics> {
    // By name of the export: what is exported, and where it is.
    let mut origins: BTreeMap<&str, BTreeMap<String, String>> = BTreeMap::new();
    for (number, unit) in units.iter().enumerate() {
        for (at, (member, object)) in unit.members.iter().enumerate() {
            let place = format!("{}({member})", unit.archive);
            for export in
                object.exports.iter().filter(|export| exports.allowed.contains(export.name))
            {
                let own = |symbol: &Symbol<'_>| {
                    let renamed = renames.get(number);
                    symbol.binding == Binding::Local
                        || renamed.is_some_and(|renames| renames.names.contains(symbol.name))
                };
                // Several copies of one function, of which the linker keeps one, are no clash.
                let identity = match &export.symbol {
                    Some(symbol) if !own(symbol) => symbol.name.to_owned(),
                    Some(symbol) => format!("{number}.{at} {}", symbol.name),
                    None => format!("{number}.{at}"),
                };
                origins.entry(export.name).or_default().entry(identity).or_insert(place.clone());
            }
            let seen = object.symbols.iter().filter(|symbol| {
                symbol.defined
                    && symbol.binding != Binding::Local
                    && exports.symbols.contains(symbol.name)
            });
            for symbol in seen {
                let places = origins.entry(symbol.name).or_default();
                places.entry(symbol.name.to_owned()).or_insert(place.clone());
            }
        }
    }
    let findings: Vec<Diagnostic> = origins
        .into_iter()
        .filter(|(_, places)| places.len() > 1)
        .map(|(name, places)| {
            let places: Vec<String> = places.values().map(|place| format!("`{place}`")).collect();
            let message = format!("`{name}` is exported by {}", places.join(" and by "));
            Diagnostic::error(&code::DUPLICATE_EXPORT, message).hint("give one another name")
        })
        .collect();
    if findings.is_empty() { Ok(()) } else { Err(Diagnostics(findings)) }
}

#[cfg(test)]
#[path = "bundle_tests.rs"]
mod tests;
