//! Findings on libraries before a split: what keeps the whole of one from being linked, or modules from finding its symbols.

use std::collections::BTreeMap;

use anymod_model::codes::split as codes;
use anymod_model::{Diagnostic, Place};
use rustc_hash::{FxHashMap, FxHashSet};

use super::image::Image;
use super::library::{Content, Library, Merged, Part};

/// Names that linkers and start files define.
const OF_LINKERS: [&str; 22] = [
    "_GLOBAL_OFFSET_TABLE_",
    "_DYNAMIC",
    "_PROCEDURE_LINKAGE_TABLE_",
    "__dso_handle",
    "__ehdr_start",
    "__executable_start",
    "__bss_start",
    "__TMC_END__",
    "__init_array_start",
    "__init_array_end",
    "__preinit_array_start",
    "__preinit_array_end",
    "__fini_array_start",
    "__fini_array_end",
    "__rela_iplt_start",
    "__rela_iplt_end",
    "__GNU_EH_FRAME_HDR",
    "_TLS_MODULE_BASE_",
    "_end",
    "_edata",
    "_etext",
    "end",
];

/// Whether a linker itself defines a name.
#[must_use]
pub fn is_of_linkers(name: &str) -> bool {
    OF_LINKERS.contains(&name)
        || name.strip_prefix("__start_").or_else(|| name.strip_prefix("__stop_")).is_some()
}

/// Who offers the names that libraries ask about.
#[derive(Clone, Debug, Default)]
pub struct Providers<'p> {
    /// The file that offers a name first; none for a name that nobody offers. No other names are ever looked up, and the C
    /// library alone has thousands of them.
    by_name: FxHashMap<&'p str, Option<&'p str>>,
    /// Names that only static links find: of archives that are always linked along.
    only_static: FxHashSet<&'p str>,
    /// Names that a library which is linked along hides, with its file, the member and the visibility.
    hides: FxHashMap<&'p str, (&'p str, &'p str, &'static str)>,
}

impl<'p> Providers<'p> {
    /// Nobody yet, for what [`blockers`] has to know of libraries.
    pub fn for_libraries(libraries: impl Iterator<Item = &'p Library<'p>>) -> Providers<'p> {
        let names = libraries.flat_map(|library| {
            let external = library.external();
            external.chain(library.symbols().iter().filter(|symbol| gives_way(symbol)))
        });
        let by_name = names.map(|symbol| (symbol.name, None)).collect();
        Providers { by_name, ..Providers::default() }
    }

    /// Adds a shared library or program.
    pub fn add_image(&mut self, file: &'p str, image: &Image<'p>) {
        image.exports.iter().for_each(|export| self.offer(export.name, file));
    }

    fn offer(&mut self, name: &str, file: &'p str) {
        if let Some(first) = self.by_name.get_mut(name) {
            first.get_or_insert(file);
        }
    }

    /// Adds a library that is linked along. Of one that is inspected itself, what its weak definitions hide is its own finding.
    pub fn add_library(&mut self, library: &'p Library<'p>, is_inspected: bool) {
        for symbol in library.symbols() {
            if symbol.visibility.is_exportable() {
                if symbol.is_defined() {
                    self.offer(symbol.name, &library.name);
                }
            } else if !(is_inspected && symbol.is_defined() && symbol.is_weak) {
                let member = library.member_name(symbol.narrowed_in as usize);
                let hides = (library.name.as_str(), member, symbol.visibility.name());
                self.hides.entry(symbol.name).or_insert(hides);
            }
        }
    }

    /// Adds an archive that every link has at its end, as those of the compiler's own helpers.
    pub fn add_runtime(&mut self, library: &Library<'p>) {
        let defined = library.symbols().iter().filter(|symbol| symbol.is_defined());
        let asked = defined.filter(|symbol| self.by_name.contains_key(symbol.name));
        self.only_static.extend(asked.map(|symbol| symbol.name));
    }

    /// Whether a link finds a name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.of(name).is_some() || self.only_static.contains(name) || is_of_linkers(name)
    }

    /// Whether nothing that further files offer can change what [`blockers`] says of libraries.
    pub fn are_enough(&self, mut libraries: impl Iterator<Item = &'p Library<'p>>) -> bool {
        libraries.all(|library| {
            let mut symbols = library.symbols().iter().filter(|symbol| gives_way(symbol));
            library.external().all(|symbol| self.has(symbol.name))
                && symbols.all(|symbol| self.of(symbol.name).is_some())
        })
    }

    /// The file that offers a name.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<&'p str> {
        self.by_name.get(name).copied().flatten()
    }
}

/// A definition that nobody outside will find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden<'l> {
    /// The symbol.
    pub name: &'l str,
    /// Member that hides it.
    pub member: &'l str,
    /// Who hides it, in words.
    pub by: String,
    /// Visibility that it gets.
    pub visibility: &'static str,
    /// Whether its definitions give way to others.
    pub is_weak: bool,
    /// The file besides the library that offers the name; none if another member does.
    pub offered_by: Option<String>,
}

/// What stands in the way of a library.
#[derive(Clone, Debug, Default)]
pub struct Blockers<'l> {
    /// Members that need names which nobody offers, with the names, sorted.
    pub missing: Vec<(&'l str, Vec<&'l str>)>,
    /// Definitions that others look for in vain.
    pub hidden: Vec<Hidden<'l>>,
}

/// Looks for what stands in the way of linking all of a library into a host, given what others offer.
#[must_use]
pub fn blockers<'l>(library: &'l Library<'_>, providers: &Providers<'_>) -> Blockers<'l> {
    let mut missing: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for symbol in library.external() {
        if !providers.has(symbol.name) {
            for member in library.needed_in(symbol) {
                missing.entry(member).or_default().push(symbol.name);
            }
        }
    }
    let missing = missing.into_iter().map(|(member, names)| (library.member_name(member), names));
    let mut hidden: Vec<Hidden<'_>> =
        library.hidden().map(|symbol| hide(library, symbol)).collect();
    for symbol in library.symbols().iter().filter(|symbol| symbol.is_defined()) {
        if symbol.visibility.is_exportable() {
            if let Some((file, member, visibility)) = providers.hides.get(symbol.name)
                && *file != library.name
            {
                let by = format!("`{member}` of `{file}`, which is linked along");
                hidden.push(Hidden { visibility, by, ..hide(library, symbol) });
            }
        } else if gives_way(symbol)
            && let Some(file) = providers.of(symbol.name)
            && file != library.name
        {
            hidden.push(Hidden { offered_by: Some(file.to_owned()), ..hide(library, symbol) });
        }
    }
    hidden.sort_by_key(|hidden| hidden.name);
    Blockers { missing: missing.collect(), hidden }
}

/// Whether a definition that nobody outside will find gives way to one that others offer.
fn gives_way(symbol: &Merged<'_>) -> bool {
    symbol.is_defined()
        && symbol.is_weak
        && !symbol.visibility.is_exportable()
        && !symbol.defined_as.is_exportable()
}

fn hide<'l>(library: &'l Library<'_>, symbol: &'l Merged<'_>) -> Hidden<'l> {
    let member = library.member_name(symbol.narrowed_in as usize);
    Hidden {
        name: symbol.name,
        member,
        by: format!("`{member}`"),
        visibility: symbol.visibility.name(),
        is_weak: symbol.is_weak,
        offered_by: None,
    }
}

/// Most names that a finding lists.
const LISTED: usize = 12;

/// Names in backticks, the first of many.
#[must_use]
pub fn listed(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The findings on a library.
#[must_use]
pub fn findings(library: &Library<'_>, blockers: &Blockers<'_>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for part in &library.members {
        findings.extend(of_member(library, part));
    }
    for (member, names) in &blockers.missing {
        let message = format!("`{member}` needs {}, which nothing provides", listed(names));
        findings.push(
            Diagnostic::error(&codes::MISSING, message)
                .at(place(library, Some(member)))
                .hint("name the library that has them with `--against`, take only needed members, or drop the member with `anymod split fix --drop`"),
        );
    }
    for hidden in &blockers.hidden {
        let weak = if hidden.is_weak { "weak " } else { "" };
        let message = format!("`{}` will be missing from the host's exports", hidden.name);
        let fact = format!("the {weak}{} symbol of {} hides it", hidden.visibility, hidden.by);
        let finding = Diagnostic::error(&codes::HIDDEN, message)
            .at(place(library, Some(hidden.member)))
            .note(fact);
        let finding = match &hidden.offered_by {
            Some(file) => finding.note(format!("others have it from `{file}`")),
            None => finding,
        };
        findings.push(finding.hint(format!(
            "`anymod split fix --localize {0}` takes it out of the way, `--export {0}` raises its visibility",
            hidden.name
        )));
    }
    for symbol in library.duplicates() {
        let members: Vec<&str> =
            library.defined_in(symbol).map(|member| library.member_name(member)).collect();
        let message = format!("`{}` is defined in {}", symbol.name, listed(&members));
        findings.push(
            Diagnostic::error(&codes::DUPLICATE, message)
                .at(place(library, None))
                .hint("take only needed members, drop one of them, or localize the symbol in one"),
        );
    }
    findings
}

fn of_member(library: &Library<'_>, part: &Part<'_>) -> Option<Diagnostic> {
    let here = place(library, Some(&part.name));
    Some(match &part.content {
        Content::Object(_) => return None,
        Content::Nested => Diagnostic::error(&codes::NESTED, "an archive inside the archive")
            .at(here)
            .note("with `--whole-archive` bfd and lld refuse it, and mold leaves it out without a word")
            .note("otherwise all three leave it out without a word")
            .hint("put its members beside the others: `anymod split fix --flatten`"),
        Content::NoObject(kind) => {
            let message = format!("a member that is no object: {}", kind.describe());
            Diagnostic::error(&codes::NO_OBJECT, message)
                .at(here)
                .note("with `--whole-archive` bfd and lld refuse it")
                .hint("leave it out: `anymod split fix --drop MEMBER`")
        }
        Content::Missing => Diagnostic::error(&codes::THIN_MEMBER, "a member that is not there")
            .at(here)
            .note("the archive is thin: members are files beside it")
            .note("bfd leaves it out without a word, lld and mold refuse the archive")
            .hint("build the file again, or make the archive again without it"),
        Content::Damaged(fault) => fault.finding(&library.name, Some(&part.name)),
    })
}

/// A library's file or a member of it.
#[must_use]
pub fn place(library: &Library<'_>, member: Option<&str>) -> Place {
    Place::Binary {
        file: library.name.clone(),
        member: member.filter(|name| !name.is_empty() && *name != library.name).map(str::to_owned),
        section: None,
        offset: None,
    }
}
