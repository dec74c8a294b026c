//! Readers of what compilers and archivers write: bytes in, borrowed views out.
//!
//! Owns the formats (ELF relocatable objects, `ar` archives, build attributes) and how to tell everything else apart
//! that people hand to a linker by mistake. Never resolves a symbol, never decides what a section is for.

pub(crate) mod archive;
pub(crate) mod attributes;
pub(crate) mod elf;
pub(crate) mod magic;

use anymod_model::{Code, Diagnostic, Place};

/// What is wrong with an input, before anyone knows its file name.
#[derive(Debug)]
pub(crate) struct Fault {
    /// The diagnostic's code.
    pub(crate) code: &'static Code,
    /// One line.
    pub(crate) message: String,
    /// What to do, if the code's own text does not say enough.
    pub(crate) hint: Option<&'static str>,
}

impl Fault {
    /// A fault without a hint of its own.
    pub(crate) fn new(code: &'static Code, message: impl Into<String>) -> Fault {
        Fault { code, message: message.into(), hint: None }
    }

    /// Adds a hint.
    pub(crate) fn hint(mut self, hint: &'static str) -> Fault {
        self.hint = Some(hint);
        self
    }

    /// The diagnostic, now that the place is known.
    pub(crate) fn at(self, place: Place) -> Diagnostic {
        let finding = Diagnostic::error(self.code, self.message).at(place);
        match self.hint {
            Some(hint) => finding.hint(hint),
            None => finding,
        }
    }
}
