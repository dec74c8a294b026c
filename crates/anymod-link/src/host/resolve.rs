//! Who provides each symbol that a module asks for, the way a dynamic loader finds out (LSB, "Symbol Versioning").
//!
//! A loader stops at the first symbol that is nowhere; here all are told. Files are searched in the order that the caller
//! gives: the program, the libraries that it needs, the module, those that the module needs.

use rustc_hash::FxHashMap;

use super::image::{Export, Image, Undefined};

/// A file's exports by name.
#[derive(Clone, Debug)]
pub struct Table<'i, 'a> {
    exports: &'i [Export<'a>],
    /// The last export of a name, and before each export the one of the same name that came before it.
    last: FxHashMap<&'a str, u32>,
    before: Vec<u32>,
}

/// No export.
const NONE: u32 = u32::MAX;

/// What a file has for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'i, 'a> {
    /// What was asked for.
    Yes(&'i Export<'a>),
    /// The name, with another version.
    OtherVersion(&'i Export<'a>),
    /// Nothing.
    No,
}

impl<'i, 'a> Table<'i, 'a> {
    /// The exports of an image.
    #[must_use]
    pub fn of(image: &'i Image<'a>) -> Table<'i, 'a> {
        let mut last: FxHashMap<&str, u32> = FxHashMap::default();
        last.reserve(image.exports.len());
        let mut before = Vec::with_capacity(image.exports.len());
        for (export, number) in image.exports.iter().zip(0..) {
            before.push(last.insert(export.name, number).unwrap_or(NONE));
        }
        Table { exports: &image.exports, last, before }
    }

    /// Looks a name up.
    #[must_use]
    pub fn find(&self, wanted: &Undefined<'_>) -> Found<'i, 'a> {
        let mut at = self.last.get(wanted.name).copied().unwrap_or(NONE);
        let mut found = Found::No;
        while let Some(export) = self.exports.get(at as usize) {
            if satisfies(export, wanted) {
                return Found::Yes(export);
            }
            found = Found::OtherVersion(export);
            at = self.before.get(at as usize).copied().unwrap_or(NONE);
        }
        found
    }
}

/// Whether a loader takes an export. One without a version serves every version; one with a version serves who asks for it,
/// and if it is the default those that ask for none.
fn satisfies(export: &Export<'_>, wanted: &Undefined<'_>) -> bool {
    match (export.version, wanted.version) {
        (Some(has), Some(wants)) => has == wants,
        (None, _) => export.is_default,
        (Some(_), None) => export.is_default,
    }
}

/// Where a symbol was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound<'i, 'a> {
    /// In the file of this number in the scope.
    To(usize),
    /// Nowhere; the version that some file has instead, if one has the name.
    Missing(Option<&'i Export<'a>>),
}

/// Looks every undefined symbol of a file up in a scope, in the order of the symbols.
pub fn resolve<'s, 'i, 'a>(
    image: &'s Image<'_>,
    scope: &'s [&Table<'i, 'a>],
) -> impl Iterator<Item = (&'s Undefined<'s>, Bound<'i, 'a>)> {
    image.undefined.iter().map(move |wanted| {
        let mut other = None;
        for (number, table) in scope.iter().enumerate() {
            match table.find(wanted) {
                Found::Yes(_) => return (wanted, Bound::To(number)),
                Found::OtherVersion(export) => other = other.or(Some(export)),
                Found::No => {}
            }
        }
        (wanted, Bound::Missing(other))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::SymbolKind;

    fn export<'a>(name: &'a str, version: Option<&'a str>, is_default: bool) -> Export<'a> {
        let kind = SymbolKind::Function;
        Export { name, version, is_default, kind, is_weak: false, size: 0 }
    }

    fn wanted<'a>(name: &'a str, version: Option<&'a str>) -> Undefined<'a> {
        Undefined { name, version, library: None, is_weak: false, kind: SymbolKind::Function }
    }

    #[test]
    fn versions_decide_as_a_loader_does() {
        let exports = vec![
            export("plain", None, true),
            export("stat", Some("V1"), false),
            export("stat", Some("V2"), true),
        ];
        let image = Image { exports, ..Image::default() };
        let table = Table::of(&image);
        let version = |name, version| match table.find(&wanted(name, version)) {
            Found::Yes(export) => export.version.unwrap_or("none"),
            Found::OtherVersion(_) => "other",
            Found::No => "no",
        };
        assert_eq!(version("stat", Some("V1")), "V1");
        assert_eq!(version("stat", None), "V2");
        assert_eq!(version("stat", Some("V3")), "other");
        assert_eq!(version("plain", Some("V3")), "none");
        assert_eq!(version("nothing", None), "no");
    }
}
