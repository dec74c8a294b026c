//! Rewriting an archive so that a split can use it: members left out, nested archives opened, symbols renamed, hidden or shown.
//!
//! The same archive and the same wishes give the same bytes, whatever the times and owners of the members were. What is done is
//! told; what cannot be done is an error, and then nothing is.

mod edit;
mod write;

use std::collections::BTreeSet;
use std::sync::Arc;

use anymod_model::codes::split as codes;
use anymod_model::{Diagnostic, Diagnostics};

use super::archive::Kind;
use super::inspect::{listed, place};
use super::library::{self, Content, Fetch, Library, Part};
use super::object;
use super::{Binding, Symbol};
use edit::Change;

pub use write::{NewMember, archive};

/// What is to be done, in this order.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Put the members of nested archives beside the others.
    pub flatten: bool,
    /// Members to leave out, by name.
    pub drop: Vec<String>,
    /// Leave them out even if others need them.
    pub force: bool,
    /// Definitions to be made a member's own: `SYMBOL` or `MEMBER:SYMBOL`.
    pub localize: Vec<String>,
    /// Symbols to get default visibility wherever they are hidden, likewise.
    pub export: Vec<String>,
    /// What the names of all symbols that the archive defines are to begin with.
    pub prefix: Option<String>,
    /// The symbols that get the prefix in place of those, wherever the archive mentions them.
    pub names: Option<Arc<BTreeSet<String>>>,
    /// Those that keep their names.
    pub keep: Vec<String>,
}

/// A new archive; of an object, a new object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What was done, a line each.
    pub done: Vec<String>,
}

/// Rewrites an archive. `file` is what findings call it.
///
/// # Errors
/// `H0001` if it is damaged, `H0301` to `H0304` for wishes that cannot be granted, all of a kind at once.
pub fn fix<'a>(
    file: &str,
    data: &'a [u8],
    fetch: &mut Fetch<'_, 'a>,
    wishes: &Wishes,
) -> Result<Fixed, Diagnostics> {
    let mut library =
        library::read(file, data, fetch).map_err(|fault| fault.finding(file, None))?;
    let mut done = Vec::new();
    if wishes.flatten {
        flatten(&mut library, &mut done)?;
    }
    drop_members(&mut library, wishes, &mut done)?;
    for part in &library.members {
        if let Content::Damaged(fault) = &part.content {
            return Err(fault.finding(file, Some(&part.name)).into());
        }
        if matches!(part.content, Content::Missing) {
            let finding = Diagnostic::error(&codes::THIN_MEMBER, "a member that is not there");
            let finding = finding.at(place(&library, Some(&part.name)));
            return Err(finding.hint("build the file again, or leave it out with `--drop`").into());
        }
    }
    let changes = changes(&library, wishes, &mut done)?;
    let mut members: Vec<NewMember> = Vec::new();
    for (part, changes) in library.members.iter().zip(&changes) {
        let bytes = match changes.is_empty() {
            true => part.data.to_vec(),
            false => edit::apply(part.data, changes).map_err(|fault| {
                Diagnostic::error(&codes::NOT_REWRITABLE, fault.message)
                    .at(place(&library, Some(&part.name)))
                    .hint("change the source or the compiler's options instead")
            })?,
        };
        let name = if part.name.is_empty() { file_name(file) } else { &part.name };
        members.push(NewMember { name: name.to_owned(), bytes });
    }
    let bytes = match members.pop() {
        Some(object) if library.kind == Kind::Object => object.bytes,
        last => {
            members.extend(last);
            archive(&members)
        }
    };
    Ok(Fixed { bytes, done })
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Puts the members of nested archives, however deep, in the place of the archive.
fn flatten(library: &mut Library<'_>, done: &mut Vec<String>) -> Result<(), Diagnostics> {
    let mut taken: BTreeSet<String> = library
        .members
        .iter()
        .filter(|part| !matches!(part.content, Content::Nested))
        .map(|part| part.name.clone())
        .collect();
    while let Some(at) =
        library.members.iter().position(|part| matches!(part.content, Content::Nested))
    {
        let outer = library.members.remove(at);
        let inner = library::read(&library.name, outer.data, &mut |_| None)
            .map_err(|fault| fault.finding(&library.name, Some(&outer.name)))?;
        let stem = file_name(&outer.name).trim_end_matches(".a").to_owned();
        done.push(format!("opened `{}`, {} members", outer.name, inner.members.len()));
        for (number, mut part) in inner.members.into_iter().enumerate() {
            if !matches!(part.content, Content::Nested) {
                let name = free_name(&taken, &stem, &part.name);
                if name != part.name {
                    done.push(format!("`{}` of `{}` is now `{name}`", part.name, outer.name));
                }
                taken.insert(name.clone());
                part.name = name;
            }
            library.members.insert(at + number, part);
        }
    }
    library.merge_again();
    Ok(())
}

/// A member's name that no other has: its own, or with that of its archive before it.
fn free_name(taken: &BTreeSet<String>, archive: &str, name: &str) -> String {
    let mut new = name.to_owned();
    let mut number = 1;
    while taken.contains(&new) {
        new = if number == 1 {
            format!("{archive}-{name}")
        } else {
            format!("{archive}-{number}-{name}")
        };
        number += 1;
    }
    new
}

fn drop_members(
    library: &mut Library<'_>,
    wishes: &Wishes,
    done: &mut Vec<String>,
) -> Result<(), Diagnostics> {
    let mut findings = Vec::new();
    for name in &wishes.drop {
        if !library.members.iter().any(|part| part.name == *name) {
            let mut names: Vec<&str> = library.members.iter().map(|p| p.name.as_str()).collect();
            names.sort_unstable();
            findings.push(
                Diagnostic::error(&codes::NO_MEMBER, format!("there is no member `{name}`"))
                    .at(place(library, None))
                    .hint(format!("its members are {}", listed(&names))),
            );
        }
    }
    let is_dropped = |part: &Part<'_>| wishes.drop.contains(&part.name);
    if !wishes.force {
        findings.extend(still_needed(library, &is_dropped));
    }
    if !findings.is_empty() {
        return Err(Diagnostics(findings));
    }
    for part in library.members.iter().filter(|part| is_dropped(part)) {
        done.push(format!("left out `{}`, {} bytes", part.name, part.data.len()));
    }
    library.members.retain(|part| !is_dropped(part));
    library.merge_again();
    Ok(())
}

/// Members that are to be dropped although others need what only they define.
fn still_needed(library: &Library<'_>, is_dropped: &dyn Fn(&Part<'_>) -> bool) -> Vec<Diagnostic> {
    let dropped: Vec<bool> = library.members.iter().map(is_dropped).collect();
    let stays = |member: usize| dropped.get(member) == Some(&false);
    let mut findings = Vec::new();
    for (number, part, _) in library.objects().filter(|(_, part, _)| is_dropped(part)) {
        let needed = library.symbols().iter().filter(|symbol| {
            library.defined_in(symbol).any(|member| member == number)
                && !library.defined_in(symbol).any(stays)
                && library.needed_in(symbol).any(stays)
        });
        let mut needed: Vec<_> = needed.collect();
        needed.sort_unstable_by_key(|symbol| symbol.name);
        if needed.is_empty() {
            continue;
        }
        let names: Vec<&str> = needed.iter().map(|symbol| symbol.name).collect();
        let users: BTreeSet<&str> = needed
            .iter()
            .flat_map(|symbol| library.needed_in(symbol).filter(|member| stays(*member)))
            .map(|member| library.member_name(member))
            .collect();
        let users: Vec<&str> = users.into_iter().collect();
        let message = format!("others need `{}`, which defines {}", part.name, listed(&names));
        findings.push(
            Diagnostic::error(&codes::STILL_NEEDED, message)
                .at(place(library, Some(&part.name)))
                .note(format!("they are {}", listed(&users)))
                .hint("leave those out as well, or force it with `--force`"),
        );
    }
    findings
}

/// A symbol that somebody named, perhaps with a member.
fn selector(text: &str) -> (Option<&str>, &str) {
    // Names of members have a dot; those of symbols can have colons only in languages that mangle them away.
    match text.split_once(':') {
        Some((member, symbol)) if !symbol.starts_with(':') => (Some(member), symbol),
        _ => (None, text),
    }
}

/// What is to change in each member.
fn changes(
    library: &Library<'_>,
    wishes: &Wishes,
    done: &mut Vec<String>,
) -> Result<Vec<Vec<Change>>, Diagnostics> {
    let mut changes: Vec<Vec<Change>> = vec![Vec::new(); library.members.len()];
    let mut findings = Vec::new();
    let is_local_wish = |symbol: &Symbol<'_>| !symbol.is_undefined();
    let is_hidden = |symbol: &Symbol<'_>| !symbol.visibility.is_exportable();
    type Wanted<'w> = (&'w [String], &'w dyn Fn(&Symbol<'_>) -> bool, fn(usize) -> Change, &'w str);
    let kinds: [Wanted<'_>; 2] = [
        (&wishes.localize, &is_local_wish, Change::Localize, "is now the member's own"),
        (&wishes.export, &is_hidden, Change::Show, "has default visibility now"),
    ];
    for (names, takes, make, what) in kinds {
        for text in names {
            let (member, name) = selector(text);
            let mut found = false;
            for (number, part, object) in library.objects() {
                if member.is_some_and(|member| member != part.name) {
                    continue;
                }
                for symbol in object.symbols.iter().filter(|s| s.name == name && takes(s)) {
                    found = true;
                    done.push(format!("`{name}` of `{}` {what}", library.member_name(number)));
                    if let Some(changes) = changes.get_mut(number) {
                        changes.push(make(symbol.index as usize));
                    }
                }
            }
            if !found {
                findings.push(no_symbol(library, text, name));
            }
        }
    }
    if let Some(prefix) = &wishes.prefix {
        rename(library, prefix, wishes, &mut changes, done);
    }
    if findings.is_empty() { Ok(changes) } else { Err(Diagnostics(findings)) }
}

fn no_symbol(library: &Library<'_>, text: &str, name: &str) -> Diagnostic {
    let finding = Diagnostic::error(&codes::NO_SYMBOL, format!("nothing to do for `{text}`"))
        .at(place(library, None));
    let finding = match library.symbol(name) {
        None => finding.note("no member mentions it"),
        Some(symbol) => finding.note(format!(
            "it is defined in {} members, its visibility is {}",
            library.defined_in(symbol).count(),
            symbol.visibility.name()
        )),
    };
    finding.hint("`anymod split inspect --all` lists members and symbols")
}

/// Gives symbols other names, wherever they are defined or asked for.
fn rename(
    library: &Library<'_>,
    prefix: &str,
    wishes: &Wishes,
    changes: &mut [Vec<Change>],
    done: &mut Vec<String>,
) {
    let is_meant = |symbol: &library::Merged<'_>| match &wishes.names {
        Some(names) => names.contains(symbol.name),
        None => symbol.is_defined() && !wishes.keep.iter().any(|keep| keep == symbol.name),
    };
    let count = library.symbols().iter().filter(|symbol| is_meant(symbol)).count();
    for (number, _, object) in library.objects() {
        for symbol in object.symbols.iter().filter(|symbol| symbol.binding != Binding::Local) {
            if library.symbol(symbol.name).is_some_and(is_meant)
                && let Some(changes) = changes.get_mut(number)
            {
                changes.push(Change::Rename(
                    symbol.index as usize,
                    format!("{prefix}{}", symbol.name),
                ));
            }
        }
    }
    done.push(format!("{count} symbols begin with `{prefix}` now"));
}

/// The names that an object's members are found by: what it defines for others.
fn index(data: &[u8]) -> Vec<String> {
    let Ok(object) = object::read(data) else { return Vec::new() };
    let defined = object.symbols.iter().filter(|symbol| !symbol.is_undefined());
    defined.map(|symbol| symbol.name.to_owned()).collect()
}
