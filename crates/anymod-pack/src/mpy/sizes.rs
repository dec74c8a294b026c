//! How large the parts of a file are, for size reports.

use anymod_model::Diagnostics;
use serde::Serialize;

use super::file::{Body, Mpy};

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
    }
    Ok(sizes)
}
