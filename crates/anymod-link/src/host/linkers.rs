//! What the linkers do with a library, each in its own way: measured with GNU ld (bfd) 2.40, lld 19 and mold 1.10.
//!
//! Only what a library's own bytes decide is said; a link can fail for other reasons.

use super::archive::Kind;
use super::library::{Content, Library};
use super::pic::Class;

/// A linker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Linker {
    /// GNU ld.
    Bfd,
    /// LLVM's.
    Lld,
    /// mold.
    Mold,
}

/// All linkers.
pub const LINKERS: [Linker; 3] = [Linker::Bfd, Linker::Lld, Linker::Mold];

impl Linker {
    /// The name that compilers take after `-fuse-ld=`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Linker::Bfd => "bfd",
            Linker::Lld => "lld",
            Linker::Mold => "mold",
        }
    }
}

/// How a library is linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// All members into a program (`--whole-archive`).
    Whole,
    /// Members that are asked for, into a program.
    Needed,
    /// All members into a shared object.
    Shared,
}

/// All uses.
pub const USES: [Use; 3] = [Use::Whole, Use::Needed, Use::Shared];

impl Use {
    /// The word in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Use::Whole => "whole-archive",
            Use::Needed => "needed",
            Use::Shared => "shared",
        }
    }
}

/// What comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing stands in the way.
    Links,
    /// It links and says nothing, and something is missing or hidden.
    Silent(String),
    /// It refuses.
    Refuses(String),
}

/// What a linker does with a library. `missing` tells whether providers lack something that the whole of it needs, and
/// `hides` whether symbols get hidden that others want.
#[must_use]
pub fn outcome(
    library: &Library<'_>,
    linker: Linker,
    r#use: Use,
    missing: bool,
    hides: bool,
) -> Outcome {
    let refuses = |why: String| Outcome::Refuses(why);
    let mut silent = Vec::new();
    for part in &library.members {
        let what = match &part.content {
            Content::Object(_) => continue,
            Content::Nested => "an archive inside the archive",
            Content::NoObject(Kind::Bitcode) => "bitcode, for the linker's plug-in",
            Content::NoObject(_) => "no object",
            Content::Damaged(_) => "damaged",
            Content::Missing => "not there",
        };
        let text = format!("member `{}` is {what}", part.name);
        let is_missing = matches!(part.content, Content::Missing);
        let skips = match linker {
            Linker::Bfd => is_missing,
            Linker::Lld => false,
            Linker::Mold => !is_missing,
        };
        // lld and mold open all members of a thin archive, whoever needs them.
        if skips || r#use == Use::Needed && !is_missing {
            silent.push(text);
        } else {
            return refuses(text);
        }
    }
    if r#use != Use::Needed
        && let Some(symbol) = library.duplicates().next()
    {
        return refuses(format!("`{}` is defined twice", symbol.name));
    }
    if r#use == Use::Whole && missing {
        return refuses("members need symbols that nothing provides".to_owned());
    }
    if r#use == Use::Shared
        && let Some((class, _)) = library.class()
    {
        match class {
            Class::Pic => {}
            Class::TextRelocations if linker == Linker::Lld => {
                return refuses("text relocations".to_owned());
            }
            Class::TextRelocations => silent.push("text relocations".to_owned()),
            class => return refuses(format!("class `{}`", class.name())),
        }
    }
    if let (Use::Shared, Linker::Bfd, Some(symbol)) = (r#use, linker, library.versioned()) {
        return refuses(format!("`{symbol}` needs a version script"));
    }
    if hides {
        silent.push("hides symbols that others want".to_owned());
    }
    if silent.is_empty() { Outcome::Links } else { Outcome::Silent(silent.join("; ")) }
}
