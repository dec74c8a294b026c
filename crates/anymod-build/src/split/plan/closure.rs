//! What a link of objects and archives takes in, and what it still asks for then.

use std::collections::{BTreeMap, BTreeSet};

use anymod_link::host::library::{Content, Library};
use anymod_model::manifest::Tier;

use super::Inputs;
use super::choose::Chosen;

/// What is linked: all of the objects, and of the archives what is needed.
pub(super) struct Parts<'p, 'a> {
    pub(super) objects: &'p [&'p Library<'a>],
    pub(super) archives: Vec<&'p Library<'a>>,
}

/// The symbols that a link asks others for, sorted. Those that may as well be nowhere are not among them.
pub(super) fn undefined<'p>(parts: &Parts<'p, 'p>) -> Vec<&'p str> {
    let mut defined: BTreeSet<&str> = BTreeSet::new();
    let mut wanted: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = Vec::new();
    for library in parts.objects {
        // By name, not as members mention them: what is asked for first can decide which members are taken.
        let mut symbols: Vec<_> = library.symbols().iter().collect();
        symbols.sort_unstable_by_key(|symbol| symbol.name);
        for symbol in symbols {
            if symbol.is_defined() {
                defined.insert(symbol.name);
            } else if symbol.is_needed() && wanted.insert(symbol.name) {
                open.push(symbol.name);
            }
        }
    }
    let mut taken: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    while let Some(name) = open.pop() {
        if defined.contains(name) {
            continue;
        }
        let found = parts.archives.iter().enumerate().find_map(|(number, library)| {
            let member = library.defined_in(library.symbol(name)?).next()?;
            Some((number, *library, member))
        });
        let Some((number, library, member)) = found else { continue };
        if !taken.entry(number).or_default().insert(member) {
            continue;
        }
        let part = library.members.get(member);
        let Some(Content::Object(object)) = part.map(|part| &part.content) else { continue };
        for symbol in &object.symbols {
            if !symbol.is_undefined() {
                defined.insert(symbol.name);
            } else if symbol.binding != anymod_link::host::Binding::Weak
                && wanted.insert(symbol.name)
            {
                open.push(symbol.name);
            }
        }
    }
    wanted.retain(|name| !defined.contains(name));
    wanted.into_iter().collect()
}

/// The names that the host can define: its own, those of modules that stay, those of libraries that it holds.
pub(super) fn in_host<'p>(inputs: &Inputs<'p>, chosen: &Chosen) -> BTreeSet<&'p str> {
    let stays = |number: &usize| inputs.tiers.get(*number) == Some(&Tier::Static);
    let modules = inputs.modules.iter().enumerate().filter(|(number, _)| stays(number));
    let modules = modules.flat_map(|(_, objects)| objects);
    let libraries = inputs.libraries.iter().filter(|(name, _)| chosen.is_in_host(name));
    let all = inputs.host.iter().chain(modules).chain(libraries.map(|(_, library)| library));
    let symbols = all.flat_map(|library| library.symbols());
    symbols
        .filter(|symbol| symbol.is_defined() && symbol.visibility.is_exportable())
        .map(|symbol| symbol.name)
        .collect()
}
