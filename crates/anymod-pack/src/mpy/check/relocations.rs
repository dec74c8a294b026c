//! Relocations: whether each changed word is in the code or its data, and whether what is added exists.

use anymod_model::codes::pack as codes;
use anymod_model::{Abi, Arch, Diagnostic};

use super::super::file::{Address, Body, Code, Destination, Mpy, Relocation};
use super::super::fun_table;
use super::{Findings, Loader};

/// What relocations are held against.
struct Image<'a> {
    text: &'a [u8],
    rodata: &'a [u8],
    bss: u64,
    /// Bytes of a word.
    word: u64,
    abi: Abi,
    n_qstrs: u64,
    n_objects: u64,
}

pub(super) fn check(findings: &mut Findings, mpy: &Mpy, piece: &Code, loader: &Loader) {
    if piece.relocations.is_none() {
        return;
    }
    let (rodata, bss): (&[u8], u64) = match &piece.body {
        Body::Viper { rodata, bss, .. } => (rodata, *bss),
        _ => (&[], 0),
    };
    let image = Image {
        text: &piece.data,
        rodata,
        bss,
        word: mpy.header.arch().map_or(4, |arch: Arch| u64::from(arch.info().word_size)),
        abi: mpy.header.abi().unwrap_or(loader.abi),
        n_qstrs: mpy.qstrs.len() as u64,
        n_objects: mpy.objects.len() as u64,
    };
    // No word needs more than one relocation, so a file that changes more words than it has is damaged. This also
    // keeps the work below within the size of the file.
    let mut words_left = (image.text.len() + image.rodata.len()) as u64 / image.word;
    for (address, relocation) in piece.relocated() {
        if let Some(problem) = destination_problem(relocation.destination, &image) {
            findings.error(&codes::LOAD_RELOCATION, relocation.offset.0, problem);
        }
        match words_changed(address, relocation, &image) {
            Err(problem) => findings.error(&codes::LOAD_RELOCATION, relocation.offset.0, problem),
            Ok(words) => {
                let Some(left) = words_left.checked_sub(relocation.words()) else {
                    let message = "the relocations change more words than there are";
                    findings.error(&codes::LOAD_RELOCATION, relocation.offset.0, message);
                    return;
                };
                words_left = left;
                values(findings, words, relocation, &image);
            }
        }
    }
}

fn destination_problem(destination: Destination, image: &Image) -> Option<String> {
    match destination {
        Destination::Rodata if image.rodata.is_empty() => {
            Some("a relocation adds the address of the rodata, but there is none".to_owned())
        }
        Destination::Bss if image.bss == 0 => {
            Some("a relocation adds the address of the bss, but there is none".to_owned())
        }
        Destination::FunTableEntry(index) => {
            let len = fun_table::fun_table_len(image.abi);
            (u64::from(index) >= len).then(|| {
                format!(
                    "a relocation asks for entry {index} of `mp_fun_table`, which has {len} in MicroPython {}",
                    image.abi.releases()
                )
            })
        }
        _ => None,
    }
}

/// The bytes of the words that a relocation changes.
fn words_changed<'a>(
    address: Option<Address>,
    relocation: &Relocation,
    image: &Image<'a>,
) -> Result<&'a [u8], String> {
    let Some(address) = address else {
        return Err("the first relocation has no address".to_owned());
    };
    let (name, section) =
        if address.in_rodata { ("rodata", image.rodata) } else { ("code", image.text) };
    let end =
        address.word.checked_add(relocation.words()).and_then(|end| end.checked_mul(image.word));
    let range = usize::try_from(address.word.saturating_mul(image.word)).ok();
    let range = range.zip(end.and_then(|end| usize::try_from(end).ok()));
    range.and_then(|(start, end)| section.get(start..end)).ok_or_else(|| {
        format!(
            "a relocation changes {} words from word {:#x} of the {name}, which has {:#x} bytes",
            relocation.words(),
            address.word,
            section.len()
        )
    })
}

/// Warns of words that would point outside of what they are relative to. Compilers may make such pointers on purpose,
/// one past an end for instance, so the end itself is fine and the rest is no error.
fn values(findings: &mut Findings, words: &[u8], relocation: &Relocation, image: &Image) {
    let (name, limit) = match relocation.destination {
        Destination::Text => ("the code", image.text.len() as u64),
        Destination::Rodata => ("the rodata", image.rodata.len() as u64),
        Destination::Bss => ("the bss", image.bss),
        Destination::QstrTable => ("the qstr table", image.n_qstrs * 2),
        Destination::ObjTable => ("the object table", image.n_objects * image.word),
        Destination::FunTable => {
            ("`mp_fun_table`", fun_table::fun_table_len(image.abi) * image.word)
        }
        // The address of a function or an object, in which an offset may stand.
        Destination::FunTableEntry(_) => return,
    };
    let width = usize::try_from(image.word).unwrap_or(4);
    let value =
        |word: &[u8]| word.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte));
    let outside = words.chunks_exact(width).map(value).find(|value| *value > limit);
    if let Some(value) = outside {
        let message =
            format!("a relocated word points to {value:#x} in {name}, which has {limit:#x} bytes");
        findings.add(
            Diagnostic::warning(&codes::RELOCATION_VALUE, message)
                .hint("this is right only for pointers that are never followed as they are"),
            relocation.offset.0,
        );
    }
}
