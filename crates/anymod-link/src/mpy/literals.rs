//! The literal pool of Xtensa code: which literals of the input share which word of the output.
//!
//! Literals are known by the section they are in and their offset, never by a file's name, so that two objects of one
//! name keep their own. Those that are addresses are slots of the global offset table; the others are plain values,
//! each stored once.

use rustc_hash::FxHashMap;

use super::program::SectionId;

/// Where a literal of the input went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    /// The slot of this number.
    Address(u32),
    /// The value of this number.
    Value(u32),
}

/// The pool.
#[derive(Debug, Default)]
pub(crate) struct Literals {
    places: FxHashMap<(SectionId, u64), Literal>,
    /// Plain values in order of first appearance.
    pub(crate) values: Vec<u32>,
    numbers: FxHashMap<u32, u32>,
}

impl Literals {
    /// Notes that the literal at a place is an address.
    pub(crate) fn add_address(&mut self, section: SectionId, offset: u64, slot: u32) {
        self.places.insert((section, offset), Literal::Address(slot));
    }

    /// Adds the words of a section that are not addresses.
    pub(crate) fn add_values(&mut self, section: SectionId, data: &[u8]) {
        for (word, offset) in data.chunks_exact(4).zip((0..).step_by(4)) {
            if self.places.contains_key(&(section, offset)) {
                continue;
            }
            let value = word.first_chunk::<4>().map_or(0, |word| u32::from_le_bytes(*word));
            let next = self.values.len() as u32;
            let number = *self.numbers.entry(value).or_insert(next);
            if number == next {
                self.values.push(value);
            }
            self.places.insert((section, offset), Literal::Value(number));
        }
    }

    /// Where the literal at a place went.
    pub(crate) fn find(&self, section: SectionId, offset: u64) -> Option<Literal> {
        self.places.get(&(section, offset)).copied()
    }
}
