//! How large the parts of a file are, for size reports.

use anymod_model::{Diagnostics, mpy};
use serde::Serialize;

use super::file::{Body, Code, Destination, Mpy};

/// Sizes in bytes, counts where said. Sums over all pieces of code in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sizes {
    /// The whole file.
    pub file: u64,
    /// Machine code, with what a linker put inside it (its global offset table, and constants on most architectures).
    pub text: u64,
    /// Bytecode with its preludes.
    pub bytecode: u64,
    /// Read-only data that travels apart from the code.
    pub rodata: u64,
    /// Zeroed memory that the loader adds.
    pub bss: u64,
    /// Entries of the global offset table; `None` if the file does not tell.
    pub got: Option<u64>,
    /// Relocated words, a count.
    pub relocations: u64,
    /// Entries of the qstr table, a count.
    pub qstrs: u64,
    /// Entries of the table of constants, a count.
    pub objects: u64,
}

/// Sizes of a file's parts; `file` is its name for messages.
///
/// # Errors
/// Those of [`Mpy::parse`].
pub fn sizes(bytes: &[u8], file: &str) -> Result<Sizes, Diagnostics> {
    let mpy = Mpy::parse(bytes, file)?;
    let mut sizes = Sizes {
        file: bytes.len() as u64,
        qstrs: mpy.qstrs.len() as u64,
        objects: mpy.objects.len() as u64,
        ..Sizes::default()
    };
    for piece in mpy.code.walk() {
        let len = piece.data.len() as u64;
        match &piece.body {
            Body::Bytecode => sizes.bytecode += len,
            Body::NativePy { .. } | Body::Asm { .. } => sizes.text += len,
            Body::Viper { rodata, bss, .. } => {
                sizes.text += len;
                sizes.rodata += rodata.len() as u64;
                sizes.bss = sizes.bss.saturating_add(*bss);
            }
        }
        for (_, relocation) in piece.relocated() {
            sizes.relocations = sizes.relocations.saturating_add(relocation.words());
        }
        if let Some(arch) = mpy.header.arch() {
            sizes.got = sizes.got.or_else(|| got(piece, u64::from(arch.info().word_size)));
        }
    }
    Ok(sizes)
}

/// Entries of the global offset table of a linked module.
///
/// Linkers put the table at the end of the code and its relocations first, in the order of the entries, and one of them
/// is for `mp_fun_table`, without which no module does anything. So the table is the first run of relocated words, if it
/// ends with the code and names `mp_fun_table`. Where that does not hold, as on xtensa, the file does not tell.
fn got(piece: &Code, word: u64) -> Option<u64> {
    if piece.kind() != mpy::Kind::NativeViper {
        return None;
    }
    let mut all = piece.relocated();
    let (first, relocation) = all.next()?;
    let first = first.filter(|address| !address.in_rodata)?;
    let mut end = first.word.checked_add(relocation.words())?;
    let mut reaches_table = relocation.destination == Destination::FunTable;
    for (address, relocation) in all {
        if address.is_none_or(|address| address.in_rodata || address.word != end) {
            break;
        }
        end = end.checked_add(relocation.words())?;
        reaches_table |= relocation.destination == Destination::FunTable;
    }
    let at_the_end = end.checked_mul(word)? == piece.data.len() as u64;
    (reaches_table && at_the_end).then_some(end - first.word)
}
