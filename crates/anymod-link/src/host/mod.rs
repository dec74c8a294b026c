//! Files of ELF hosts: archives, objects, programs and shared libraries, for splitting a program into a host and modules.
//!
//! Owns reading them (gABI chapters 4 and 5; LSB, "Symbol Versioning"; `ar`) whatever their class and byte order, what
//! follows for linking and loading, and rewriting archives. Bytes in, facts, findings or bytes out: nothing is linked,
//! loaded or looked for on disk. What a file is called only reaches findings.
//!
//! | module | from | to |
//! |---|---|---|
//! | [`archive`] | a file | its kind and members |
//! | [`object`] | a member | definitions, references, writable state, what decides how it can be linked |
//! | [`library`] | members of one file | merged symbols, [`pic`] class, blockers |
//! | [`inspect`] | libraries and providers | findings |
//! | [`image`] | a program or shared library | exports, undefined symbols, needed libraries |
//! | [`segments`] | a program without section headers | the same with them |
//! | [`fingerprint`] | a library and a program | whether one is embedded in the other |
//! | [`resolve`] | a host and modules | who provides each symbol, and which nobody does |
//! | [`interpose`] | a host and modules by others | what the host would take over |
//! | [`fix`] | an archive | another archive |

pub mod archive;
mod elf;
pub mod fingerprint;
pub mod fix;
pub mod image;
pub mod inspect;
pub mod interpose;
pub mod library;
pub mod linkers;
mod merge;
pub mod object;
pub mod pic;
pub mod resolve;
pub mod segments;

pub use elf::{Binding, Constants, Home, Machine, Symbol, SymbolKind, Visibility};

use anymod_model::codes::split as codes;
use anymod_model::{Diagnostic, Place};

/// What is wrong with foreign bytes, and where in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub message: String,
    /// Offset in the file, or in the member of an archive.
    pub offset: u64,
}

impl Fault {
    pub(crate) fn new(message: impl Into<String>, offset: u64) -> Fault {
        Fault { message: message.into(), offset }
    }

    /// The fault as a finding in a file or a member of it.
    #[must_use]
    pub fn finding(&self, file: &str, member: Option<&str>) -> Diagnostic {
        let place = Place::Binary {
            file: file.to_owned(),
            member: member.map(str::to_owned),
            section: None,
            offset: Some(self.offset),
        };
        Diagnostic::error(&codes::MALFORMED, self.message.clone())
            .at(place)
            .hint("the file is damaged or cut off; build it again")
    }
}
