//! `ar` archives as lists of members, for whoever needs all of them.
//!
//! Owns the order and the names of members, also of thin archives, whose members are other files. Never looks into a member
//! and never opens a file; the linker of native modules has a reader of its own that looks members up by their symbols.

use std::borrow::Cow;

use anymod_model::codes::link as code;
use anymod_model::{Diagnostic, Place};
use object::read::archive::ArchiveFile;

/// First bytes of an archive, and of one whose members are other files.
const MAGICS: [&[u8]; 2] = [b"!<arch>\n", b"!<thin>\n"];

/// A member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// Its name; for a member of a thin archive the path of its file, relative to the archive's directory.
    pub name: Cow<'a, str>,
    /// Where it is.
    pub content: Content<'a>,
}

/// Where a member's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// In the archive.
    Here(&'a [u8]),
    /// In another file, which had this many bytes when the archive was made.
    Elsewhere(u64),
}

/// True if a file begins as an archive does.
#[must_use]
pub fn is_archive(bytes: &[u8]) -> bool {
    MAGICS.iter().any(|magic| bytes.starts_with(magic))
}

/// Lists the members of an archive in order. `file` is what it is called in diagnostics.
///
/// # Errors
/// `L0012` if the file is empty, `L0001` if it is no archive, `L0002` if it is damaged.
pub fn members<'a>(bytes: &'a [u8], file: &str) -> Result<Vec<Member<'a>>, Diagnostic> {
    if !is_archive(bytes) {
        let (code, what) = match bytes.is_empty() {
            true => (&code::EMPTY_INPUT, "the file is empty"),
            false => (&code::NOT_AN_OBJECT, "not an archive"),
        };
        let finding = Diagnostic::error(code, what).at(Place::file(file));
        return Err(finding.hint("build it again, with `ar rcs` of the tools for the target"));
    }
    let damaged = |error: object::read::Error| {
        let message = format!("damaged archive: {}", error.to_string().to_lowercase());
        Diagnostic::error(&code::MALFORMED, message)
            .at(Place::file(file))
            .hint("the archive is cut off or changed; build it again")
    };
    let archive = ArchiveFile::parse(bytes).map_err(damaged)?;
    let mut members = Vec::new();
    for member in archive.members() {
        let member = member.map_err(damaged)?;
        let content = match member.is_thin() {
            true => Content::Elsewhere(member.size()),
            false => Content::Here(member.data(bytes).map_err(damaged)?),
        };
        members.push(Member { name: String::from_utf8_lossy(member.name()), content });
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(name: &str, size: usize) -> String {
        format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 644)
    }

    #[test]
    fn members_come_in_their_order_with_their_bytes() {
        let archive =
            format!("!<arch>\n{}abc\n{}de", header("one.o/", 3), header("one.o/", 2)).into_bytes();
        let listed = members(&archive, "x.a").unwrap();
        let seen: Vec<_> = listed.iter().map(|member| (&*member.name, member.content)).collect();
        assert_eq!(seen, [("one.o", Content::Here(b"abc")), ("one.o", Content::Here(b"de"))]);
        assert_eq!(members(b"!<arch>\n", "x.a").unwrap(), []);
    }

    #[test]
    fn members_of_thin_archives_are_elsewhere() {
        let names = "sub dir/a.o/\n";
        let archive =
            format!("!<thin>\n{}{names}\n{}", header("//", names.len()), header("/0", 77));
        let listed = members(archive.as_bytes(), "x.a").unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!((&*listed[0].name, listed[0].content), ("sub dir/a.o", Content::Elsewhere(77)));
    }

    #[test]
    fn what_is_no_archive_is_told() {
        let cut = format!("!<arch>\n{}ab", header("one.o/", 3));
        for (bytes, id) in [
            (&b""[..], "L0012"),
            (b"\0asm", "L0001"),
            (cut.as_bytes(), "L0002"),
            (b"!<arch>\nx", "L0002"),
        ] {
            assert_eq!(members(bytes, "x.a").unwrap_err().code.id, id, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..256), thin in any::<bool>()) {
            let _ = members(&[MAGICS[usize::from(thin)], &bytes].concat(), "x.a");
        }
    }
}
