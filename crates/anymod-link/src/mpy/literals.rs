//! Xtensa literals.

use super::findings::Findings;
use super::options::Options;
use super::program::{Program, SectionId};

/// The pool.
#[derive(Debug, Default)]
pub(crate) struct Literals {}

impl Literals {
    /// Adds a literal section.
    pub(crate) fn collect(
        _pool: &mut Literals,
        _program: &Program<'_>,
        _id: SectionId,
        _options: &Options,
        _findings: &mut Findings,
    ) {
    }
}

impl Literals {
    /// How many literals are addresses.
    pub(crate) fn address_count(&self) -> u64 {
        0
    }

    /// How many are plain values.
    pub(crate) fn value_count(&self) -> u64 {
        0
    }
}
