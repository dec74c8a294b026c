//! Whether a library is inside a program or module, also in one that was stripped: by its texts and tables, and by names where
//! those are left.
//!
//! A member counts as found if nearly all of its own texts, and pieces of tables, are there. Those that the C library or another of the
//! libraries in question has as well tell nothing and are left out by whoever makes the fingerprints.

use rustc_hash::FxHashSet;

use super::image::Inside;
use super::library::Library;
use super::{Binding, Constants, SymbolKind};

/// Shortest text that says something, in bytes.
const SHORTEST: usize = 10;
/// Bytes of a piece of a table.
const BLOCK: usize = 32;
/// Fewest different bytes of a piece that says something.
const DIFFERENT: u32 = 20;
/// Fewest texts that say something.
const FEWEST: usize = 4;
/// The part of a member's texts that has to be there.
const PART: f64 = 0.7;

/// What a library is known by.
#[derive(Clone, Debug, Default)]
pub struct Fingerprint<'a> {
    /// The library's file.
    pub name: String,
    /// Bytes of it that can change.
    pub state: u64,
    /// The texts of each member that has any.
    members: Vec<Vec<&'a [u8]>>,
    /// Functions and variables that it defines.
    symbols: Vec<&'a str>,
}

/// How much of a library is in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// Texts of the members that are there.
    pub texts: usize,
    /// The part of those that was found, from 0 to 1.
    pub part: f64,
    /// Functions and variables of the library among the file's, if it has a symbol table.
    pub symbols: usize,
}

impl Score {
    /// Whether the library, or a part of it, is inside.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.texts >= FEWEST || self.symbols >= FEWEST
    }
}

/// The texts among constants (printable, ended by a zero byte, long enough) and pieces of tables: blocks whose place does not
/// change when they are linked, with too many different bytes to be anywhere by chance.
pub fn texts<'a>(constants: &[Constants<'a>]) -> impl Iterator<Item = &'a [u8]> {
    let pieces = constants.iter().flat_map(|part| part.bytes.split(|byte| *byte == 0));
    let texts = pieces.filter_map(|piece| {
        let is_text = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e);
        let length = piece.iter().rev().take_while(|byte| is_text(byte)).count();
        let text = piece.get(piece.len() - length..)?;
        (length >= SHORTEST).then_some(text)
    });
    let blocks = constants.iter().filter(|part| part.align >= BLOCK as u64).flat_map(|part| {
        // Sections begin at a multiple of their alignment.
        part.bytes.chunks_exact(BLOCK).filter(|block| different(block) >= DIFFERENT)
    });
    texts.chain(blocks)
}

fn different(block: &[u8]) -> u32 {
    let mut seen = [0_u64; 4];
    for byte in block {
        if let Some(word) = seen.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
    }
    seen.iter().map(|word| word.count_ones()).sum()
}

/// The fingerprints of libraries, each without what another one or `common` has too.
#[must_use]
pub fn fingerprints<'a>(
    libraries: &[&Library<'a>],
    common: &FxHashSet<&'a [u8]>,
) -> Vec<Fingerprint<'a>> {
    let mut seen: FxHashSet<&[u8]> = FxHashSet::default();
    let mut shared: FxHashSet<&[u8]> = FxHashSet::default();
    for library in libraries {
        let mut own: FxHashSet<&[u8]> = FxHashSet::default();
        for (_, _, object) in library.objects() {
            own.extend(texts(&object.constants));
        }
        shared.extend(own.intersection(&seen).copied());
        seen.extend(own);
    }
    libraries.iter().map(|library| fingerprint(library, common, &shared)).collect()
}

fn fingerprint<'a>(
    library: &Library<'a>,
    common: &FxHashSet<&'a [u8]>,
    shared: &FxHashSet<&'a [u8]>,
) -> Fingerprint<'a> {
    let mut print = Fingerprint {
        name: library.name.clone(),
        state: library.state(),
        ..Fingerprint::default()
    };
    for (_, _, object) in library.objects() {
        let own = texts(&object.constants);
        let mut own: Vec<&[u8]> =
            own.filter(|text| !common.contains(text) && !shared.contains(text)).collect();
        own.sort_unstable();
        own.dedup();
        if !own.is_empty() {
            print.members.push(own);
        }
        let known = object.symbols.iter().filter(|symbol| {
            !symbol.is_undefined()
                && symbol.binding == Binding::Strong
                && matches!(symbol.kind, SymbolKind::Function | SymbolKind::Object)
        });
        print.symbols.extend(known.map(|symbol| symbol.name));
    }
    print
}

/// Everything of an image that fingerprints are held against.
#[derive(Clone, Debug, Default)]
pub struct Held<'a> {
    texts: FxHashSet<&'a [u8]>,
    symbols: FxHashSet<&'a str>,
}

impl<'a> Held<'a> {
    /// Takes what is inside an image.
    #[must_use]
    pub fn of(inside: &Inside<'a>) -> Held<'a> {
        Held {
            texts: texts(&inside.constants).collect(),
            symbols: inside.symbols.iter().copied().collect(),
        }
    }
}

impl Fingerprint<'_> {
    /// How much of the library an image holds.
    #[must_use]
    pub fn score(&self, held: &Held<'_>) -> Score {
        let mut score = Score::default();
        let mut found_all = 0;
        for member in &self.members {
            let found = member.iter().filter(|text| held.texts.contains(**text)).count();
            #[expect(clippy::cast_precision_loss, reason = "counts of texts are small")]
            if found as f64 >= PART * member.len() as f64 {
                score.texts += member.len();
                found_all += found;
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "counts of texts are small")]
        if score.texts > 0 {
            score.part = found_all as f64 / score.texts as f64;
        }
        score.symbols = self.symbols.iter().filter(|name| held.symbols.contains(**name)).count();
        score
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_known_by_their_pieces() {
        let table: Vec<u8> = (0..=255).collect();
        let constants = [Constants { bytes: &table, align: 32 }];
        assert_eq!(texts(&constants).filter(|piece| piece.len() == BLOCK).count(), 8);
        let zeros = [Constants { bytes: &[0; 256], align: 32 }];
        assert_eq!(texts(&zeros).count(), 0);
    }

    #[test]
    fn texts_end_with_a_zero_and_begin_after_what_is_no_text() {
        let bytes = b"\x01\x02invalid block type\0short\0\xffanother long one\0";
        let constants = [Constants { bytes, align: 1 }];
        let found: Vec<&[u8]> = texts(&constants).collect();
        assert_eq!(found, [&b"invalid block type"[..], b"another long one"]);
    }
}
