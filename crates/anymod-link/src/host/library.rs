//! A library's members taken together: merged symbols, what it needs from others, its class, what stands in a split's way.

use super::archive::{self, Archive, Kind, Member};
use super::merge::{Symbols, merge};
use super::object::{self, Object};
use super::pic::{Class, Reference};
use super::{Fault, Visibility};

pub use super::merge::Merged;

/// A library: an archive, or a single object.
#[derive(Clone, Debug)]
pub struct Library<'a> {
    /// What messages call its file.
    pub name: String,
    /// What the file is.
    pub kind: Kind,
    /// Bytes of the file.
    pub size: u64,
    /// Whether linkers can look names up in it.
    pub has_index: bool,
    /// Its members in their order.
    pub members: Vec<Part<'a>>,
    /// Every symbol that is defined or asked for in any member.
    symbols: Symbols<'a>,
}

/// A member.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// Its name.
    pub name: String,
    /// Offset of its header in the archive.
    pub offset: u64,
    /// Its bytes, if there are any.
    pub data: &'a [u8],
    /// What it is.
    pub content: Content<'a>,
}

/// What a member is.
#[derive(Clone, Debug)]
pub enum Content<'a> {
    /// An object.
    Object(Box<Object<'a>>),
    /// An archive inside the archive.
    Nested,
    /// A file without a byte, or something that linkers do not read.
    NoObject(Kind),
    /// Another file that is not there.
    Missing,
    /// An object that cannot be read.
    Damaged(Fault),
}

/// The member and the relocation that decide a class.
pub type Deciding<'l, 'a> = (&'l Part<'a>, Reference<'a>);

/// The bytes of a member of a thin archive, by its name; none if there is no such file.
pub type Fetch<'f, 'a> = dyn FnMut(&str) -> Option<&'a [u8]> + 'f;

/// A library whose members are found and not yet read, so that whoever has threads reads them on all of these.
#[derive(Clone, Debug)]
pub struct Outline<'a> {
    name: String,
    kind: Kind,
    size: u64,
    has_index: bool,
    members: Vec<Member<'a>>,
}

/// Finds the members of a library.
///
/// # Errors
/// If the archive itself is damaged.
pub fn outline<'a>(
    name: &str,
    data: &'a [u8],
    fetch: &mut Fetch<'_, 'a>,
) -> Result<Outline<'a>, Fault> {
    let kind = archive::kind(data);
    let archive = match kind {
        Kind::Archive | Kind::ThinArchive => archive::read(data)?,
        Kind::Object => {
            let itself = Member { name: "".into(), offset: 0, data: Some(data) };
            Archive { members: vec![itself], ..Archive::default() }
        }
        _ => Archive::default(),
    };
    let Archive { mut members, has_index, .. } = archive;
    for member in members.iter_mut().filter(|member| member.data.is_none()) {
        member.data = fetch(&member.name);
    }
    Ok(Outline { name: name.to_owned(), kind, size: data.len() as u64, has_index, members })
}

impl<'a> Outline<'a> {
    /// The bytes of each member; none for a file beside a thin archive that is not there.
    #[must_use]
    pub fn members(&self) -> Vec<Option<&'a [u8]>> {
        self.members.iter().map(|member| member.data).collect()
    }

    /// The library, with what [`content`] says of each of its members, in their order.
    ///
    /// # Errors
    /// If it is a damaged object and no archive.
    pub fn with(self, contents: Vec<Content<'a>>) -> Result<Library<'a>, Fault> {
        let mut parts = Vec::new();
        for (member, content) in self.members.into_iter().zip(contents) {
            if let (Kind::Object, Content::Damaged(fault)) = (self.kind, &content) {
                return Err(fault.clone());
            }
            let Member { name, offset, data } = member;
            let (name, data) = (name.into_owned(), data.unwrap_or_default());
            parts.push(Part { name, offset, data, content });
        }
        let symbols = merge(&parts);
        let Outline { name, kind, size, has_index, .. } = self;
        Ok(Library { name, kind, size, has_index, members: parts, symbols })
    }
}

/// Reads a library. Members that cannot be read are among its parts as such.
///
/// # Errors
/// If the archive itself is damaged, or an object that is no archive's member.
pub fn read<'a>(
    name: &str,
    data: &'a [u8],
    fetch: &mut Fetch<'_, 'a>,
) -> Result<Library<'a>, Fault> {
    let outline = outline(name, data, fetch)?;
    let contents = outline.members().into_iter().map(content).collect();
    outline.with(contents)
}

/// What a member is.
#[must_use]
pub fn content(data: Option<&[u8]>) -> Content<'_> {
    let Some(data) = data else { return Content::Missing };
    match archive::kind(data) {
        Kind::Object => match object::read(data) {
            Ok(object) => Content::Object(Box::new(object)),
            Err(fault) => Content::Damaged(fault),
        },
        Kind::Archive | Kind::ThinArchive => Content::Nested,
        kind => Content::NoObject(kind),
    }
}

impl<'a> Library<'a> {
    /// Finds the symbols again after members have changed.
    pub(super) fn merge_again(&mut self) {
        self.symbols = merge(&self.members);
    }

    /// Every symbol that is defined or asked for in any member, in the order of their first mentions.
    #[must_use]
    pub fn symbols(&self) -> &[Merged<'a>] {
        &self.symbols.merged
    }

    /// A symbol by its name.
    #[must_use]
    pub fn symbol(&self, name: &str) -> Option<&Merged<'a>> {
        self.symbols.get(name)
    }

    /// Members that define a symbol, as indices.
    pub fn defined_in(&self, symbol: &Merged<'_>) -> impl Iterator<Item = usize> {
        self.symbols.defined_in(symbol).iter().map(|member| *member as usize)
    }

    /// Members that ask for a symbol so that it has to be somewhere, as indices.
    pub fn needed_in(&self, symbol: &Merged<'_>) -> impl Iterator<Item = usize> {
        self.symbols.needed_in(symbol).iter().map(|member| *member as usize)
    }

    /// The members that are objects, with their indices.
    pub fn objects(&self) -> impl Iterator<Item = (usize, &Part<'a>, &Object<'a>)> {
        self.members.iter().enumerate().filter_map(|(number, part)| match &part.content {
            Content::Object(object) => Some((number, part, &**object)),
            _ => None,
        })
    }

    /// A member's name; for a library that is one object, that of its file.
    #[must_use]
    pub fn member_name(&self, number: usize) -> &str {
        let name = self.members.get(number).map_or("", |part| part.name.as_str());
        if name.is_empty() { &self.name } else { name }
    }

    /// Bytes that can change while the program runs.
    #[must_use]
    pub fn state(&self) -> u64 {
        self.objects().map(|(_, _, object)| object.state).sum()
    }

    /// Symbols that all of it, linked as a whole, needs from elsewhere, sorted by name.
    pub fn external(&self) -> impl Iterator<Item = &Merged<'a>> {
        self.symbols.external()
    }

    /// Symbols that several members define so that there may be only one, sorted by name.
    pub fn duplicates(&self) -> impl Iterator<Item = &Merged<'a>> {
        self.symbols.duplicates()
    }

    /// Symbols that a definition offers and another definition or a reference hides.
    pub fn hidden(&self) -> impl Iterator<Item = &Merged<'a>> {
        self.symbols().iter().filter(|symbol| {
            symbol.is_defined()
                && !symbol.visibility.is_exportable()
                && symbol.defined_as.is_exportable()
        })
    }

    /// The first symbol that is defined with a version, which only a version script can explain to a linker.
    #[must_use]
    pub fn versioned(&self) -> Option<&'a str> {
        self.objects().find_map(|(_, _, object)| object.versioned)
    }

    /// How all of it can be linked, and what decides; none if nothing is known of its machine, or there is no object.
    #[must_use]
    pub fn class(&self) -> Option<(Class, Option<Deciding<'_, 'a>>)> {
        let mut decided: Option<(Class, Option<Deciding<'_, 'a>>)> = None;
        let narrow = |slot: &mut Option<(Class, _)>, class, by| {
            if slot.as_ref().is_none_or(|(known, _)| class > *known) {
                *slot = Some((class, by));
            }
        };
        for (_, part, object) in self.objects() {
            let uses = object.uses.as_ref()?;
            narrow(&mut decided, Class::Pic, None);
            for (class, reference) in [
                (Class::TextRelocations, uses.text),
                (Class::Program, uses.program),
                (Class::Fixed, uses.fixed),
            ] {
                if let Some(reference) = reference {
                    narrow(&mut decided, class, Some((part, reference)));
                }
            }
            for reference in &uses.relative {
                let symbol = reference.symbol.and_then(|name| self.symbol(name));
                let Some(symbol) = symbol else { continue };
                let class = match (symbol.is_defined(), symbol.visibility) {
                    (true, Visibility::Default) => Class::Pie,
                    (true, _) | (false, Visibility::Hidden | Visibility::Internal) => continue,
                    (false, _) => Class::Program,
                };
                narrow(&mut decided, class, Some((part, *reference)));
            }
        }
        decided
    }
}
