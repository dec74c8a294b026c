//! The symbols of all members of a library taken together, by name.
//!
//! A large library mentions tens of thousands of symbols: names are borrowed, looked up once for each mention and never sorted
//! but for the few that reports list, and which members mention a symbol is in one list for all of them.

use std::ops::Range;

use rustc_hash::{FxBuildHasher, FxHashMap};

use super::library::{Content, Part};
use super::object::Object;
use super::{Binding, Home, Symbol, Visibility};

/// A symbol over all members.
#[derive(Clone, Debug)]
pub struct Merged<'a> {
    /// Its name.
    pub name: &'a str,
    /// Members that define it, as a range of [`Symbols::mentions`].
    defined_in: Range<u32>,
    /// Members that ask for it so that it has to be somewhere, as such a range.
    needed_in: Range<u32>,
    /// How many of its definitions are such that there may be no other.
    pub strong: u32,
    /// The member that the visibility comes from.
    pub narrowed_in: u32,
    /// The narrowest visibility of all definitions and references, which is the one that it gets.
    pub visibility: Visibility,
    /// The widest visibility of a definition.
    pub defined_as: Visibility,
    /// All definitions give way to another.
    pub is_weak: bool,
}

impl Merged<'_> {
    /// Whether some member defines it.
    #[must_use]
    pub fn is_defined(&self) -> bool {
        !self.defined_in.is_empty()
    }

    /// Whether some member asks for it so that it has to be somewhere.
    #[must_use]
    pub fn is_needed(&self) -> bool {
        !self.needed_in.is_empty()
    }
}

/// The symbols of a library.
#[derive(Clone, Debug, Default)]
pub(super) struct Symbols<'a> {
    /// In the order of their first mentions.
    pub(super) merged: Vec<Merged<'a>>,
    /// Indices of symbols by their names.
    by_name: FxHashMap<&'a str, u32>,
    /// Indices of those that are needed and that no member defines, sorted by name.
    external: Vec<u32>,
    /// Indices of those with several definitions of which there may be only one, sorted by name.
    duplicates: Vec<u32>,
    /// Members, as indices: of each symbol those that define it and those that need it.
    mentions: Vec<u32>,
}

impl<'a> Symbols<'a> {
    pub(super) fn get(&self, name: &str) -> Option<&Merged<'a>> {
        self.at(*self.by_name.get(name)?)
    }

    fn at(&self, index: u32) -> Option<&Merged<'a>> {
        self.merged.get(index as usize)
    }

    pub(super) fn external(&self) -> impl Iterator<Item = &Merged<'a>> {
        self.external.iter().filter_map(|index| self.at(*index))
    }

    pub(super) fn duplicates(&self) -> impl Iterator<Item = &Merged<'a>> {
        self.duplicates.iter().filter_map(|index| self.at(*index))
    }

    pub(super) fn defined_in(&self, symbol: &Merged<'_>) -> &[u32] {
        self.mentions(&symbol.defined_in)
    }

    pub(super) fn needed_in(&self, symbol: &Merged<'_>) -> &[u32] {
        self.mentions(&symbol.needed_in)
    }

    fn mentions(&self, range: &Range<u32>) -> &[u32] {
        self.mentions.get(range.start as usize..range.end as usize).unwrap_or_default()
    }
}

/// Brings the symbols of members together.
pub(super) fn merge<'a>(members: &[Part<'a>]) -> Symbols<'a> {
    let objects = || {
        (0..).zip(members).filter_map(|(number, member)| match &member.content {
            Content::Object(object) => Some((number, &**object)),
            _ => None,
        })
    };
    let total = objects().map(|(_, object)| object.symbols.len()).sum();
    // Most symbols are mentioned several times.
    let likely = total / 3;
    let mut by_name: FxHashMap<&'a str, u32> =
        FxHashMap::with_capacity_and_hasher(likely, FxBuildHasher);
    let mut merged: Vec<Merged<'a>> = Vec::with_capacity(likely);
    // Of each mention the symbol that it is of, as an index.
    let mut places: Vec<u32> = Vec::with_capacity(total);
    for (number, object) in objects() {
        for symbol in &object.symbols {
            let place = *by_name.entry(symbol.name).or_insert(merged.len() as u32);
            if place as usize == merged.len() {
                merged.push(first(number, symbol));
            }
            places.push(place);
            if let Some(known) = merged.get_mut(place as usize) {
                take(known, number, object, symbol);
            }
        }
    }
    let mut end = 0;
    for symbol in &mut merged {
        for range in [&mut symbol.defined_in, &mut symbol.needed_in] {
            let count = range.end;
            *range = end..end;
            end += count;
        }
    }
    let mut mentions = vec![0; end as usize];
    let symbols = objects()
        .flat_map(|(number, object)| object.symbols.iter().map(move |symbol| (number, symbol)));
    for ((number, symbol), place) in symbols.zip(places) {
        let Some(known) = merged.get_mut(place as usize) else { continue };
        let Some(range) = known.range(symbol) else { continue };
        if let Some(mention) = mentions.get_mut(range.end as usize) {
            *mention = number;
            range.end += 1;
        }
    }
    let those = |wanted: fn(&Merged<'a>) -> bool| {
        let mut found: Vec<(&str, u32)> =
            (0..).zip(&merged).filter(|row| wanted(row.1)).map(|row| (row.1.name, row.0)).collect();
        found.sort_unstable();
        found.into_iter().map(|row| row.1).collect()
    };
    let external = those(|symbol| !symbol.is_defined() && symbol.is_needed());
    let duplicates = those(|symbol| symbol.strong > 1);
    Symbols { merged, by_name, external, duplicates, mentions }
}

/// A symbol before anything but its first mention is known.
fn first<'a>(number: u32, symbol: &Symbol<'a>) -> Merged<'a> {
    Merged {
        name: symbol.name,
        defined_in: 0..0,
        needed_in: 0..0,
        strong: 0,
        narrowed_in: number,
        visibility: symbol.visibility,
        defined_as: Visibility::Internal,
        is_weak: true,
    }
}

/// Takes a mention in, and counts it in the length of its range.
fn take(known: &mut Merged<'_>, number: u32, object: &Object<'_>, symbol: &Symbol<'_>) {
    if symbol.visibility > known.visibility {
        known.visibility = symbol.visibility;
        known.narrowed_in = number;
    }
    if !symbol.is_undefined() {
        known.strong += u32::from(!object.may_repeat(symbol));
        known.defined_as = known.defined_as.min(symbol.visibility);
        known.is_weak &= symbol.binding == Binding::Weak;
    }
    if let Some(range) = known.range(symbol) {
        range.end += 1;
    }
}

impl Merged<'_> {
    /// The range that a mention belongs into; none for one that may as well be nowhere.
    fn range(&mut self, symbol: &Symbol<'_>) -> Option<&mut Range<u32>> {
        match (symbol.home, symbol.binding) {
            (Home::Undefined, Binding::Weak) => None,
            (Home::Undefined, _) => Some(&mut self.needed_in),
            _ => Some(&mut self.defined_in),
        }
    }
}
