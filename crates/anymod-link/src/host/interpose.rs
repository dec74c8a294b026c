//! Interposition: which symbols of modules by others a host would take over.
//!
//! A loader looks a symbol up in the program first. If a host exports what a module brings along, in itself or in a library
//! beside it, all of the module's uses of that symbol go to the host: to another version of the library, perhaps built
//! otherwise, with state of its own. Only symbols that dynamic relocations name are looked up at all.

use std::collections::BTreeSet;

use super::image::{Image, Undefined};
use super::resolve::{Found, Table};

/// A file by others.
#[derive(Clone, Copy, Debug)]
pub struct Bundled<'i, 'a> {
    /// What reports call it.
    pub name: &'i str,
    /// Its dynamic symbols.
    pub image: &'i Image<'a>,
    /// The names that its dynamic relocations look up.
    pub looked_up: &'i BTreeSet<&'a str>,
}

/// Symbols that one file has from another, and that the host would take over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hijack<'i> {
    /// The file that uses them.
    pub user: &'i str,
    /// The file that has them: another of the same set, or the same.
    pub owner: &'i str,
    /// Their names, sorted.
    pub symbols: Vec<&'i str>,
}

/// Finds what a host takes over in a set of files that are loaded together.
#[must_use]
pub fn hijacks<'i>(host: &Table<'_, '_>, files: &'i [Bundled<'i, '_>]) -> Vec<Hijack<'i>> {
    let tables: Vec<Table<'_, '_>> = files.iter().map(|file| Table::of(file.image)).collect();
    let mut found = Vec::new();
    for (number, user) in files.iter().enumerate() {
        let mut by_owner: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); files.len()];
        for wanted in wanted(user) {
            if !user.looked_up.contains(wanted.name) || !matches!(host.find(&wanted), Found::Yes(_))
            {
                continue;
            }
            // Its own definition goes before those of others; an undefined symbol comes from a file beside it.
            let own = user.image.offers(wanted.name).then_some(number);
            let owner = own.or_else(|| {
                tables.iter().position(|table| matches!(table.find(&wanted), Found::Yes(_)))
            });
            if let Some(names) = owner.and_then(|owner| by_owner.get_mut(owner)) {
                names.insert(wanted.name);
            }
        }
        for (owner, symbols) in
            files.iter().zip(by_owner).filter(|(_, symbols)| !symbols.is_empty())
        {
            let symbols = symbols.into_iter().collect();
            found.push(Hijack { user: user.name, owner: owner.name, symbols });
        }
    }
    found
}

/// Everything that a file may look up: what it asks for, and what it offers itself.
fn wanted<'i>(file: &Bundled<'i, '_>) -> impl Iterator<Item = Undefined<'i>> {
    let own = file.image.exports.iter().map(|export| Undefined {
        name: export.name,
        version: export.version,
        library: None,
        is_weak: export.is_weak,
        kind: export.kind,
    });
    file.image.undefined.iter().copied().chain(own)
}
